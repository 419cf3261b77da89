package carelog

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"aftercare/internal/crypt"
)

// Inbound is a message a carrier brought, its signature already verified.
type Inbound struct {
	Carrier          string
	CarrierMessageID string // "" where the carrier gives none: sender, SentAt and text tell a repeat then
	From, To         string // E.164 as the carrier wrote it; an empty From is nobody known
	Text             string
	SentAt           string // the carrier's own word for when
}

// replyFacts is what is sealed about an inbound message.
type replyFacts struct {
	From string `json:"from"`
	Text string `json:"text"`
}

// StoreReply stores one inbound message, as StoreReplies does.
func (l *Log) StoreReply(ctx context.Context, in Inbound) error {
	return l.StoreReplies(ctx, []Inbound{in})
}

// StoreReplies stores inbound messages, all or none, each once for its carrier's
// message id, and enqueues their matching in the same transaction (P4). A repeat
// stores nothing. It needs no scope: a webhook does not know yet whose message it is.
func (l *Log) StoreReplies(ctx context.Context, replies []Inbound) error {
	arrived := make([]arrival, len(replies))
	lines := map[Inbound]receivingLine{} // a push may bring hundreds for one line
	for i, in := range replies {
		to := Inbound{Carrier: in.Carrier, To: in.To}
		line, known := lines[to]
		if !known {
			var err error
			if line, err = l.receivingLine(ctx, to); err != nil {
				return err
			}
			lines[to] = line
		}
		arrived[i] = l.arrive(in, line)
	}
	// In one order: two pushes with the same messages would wait for each other.
	slices.SortStableFunc(arrived, func(a, b arrival) int { return cmp.Compare(a.CarrierMessageID, b.CarrierMessageID) })
	_, err := write(ctx, l, Actor{Kind: Program}, func(tx txn) (struct{}, error) {
		for _, a := range arrived {
			if err := l.storeArrival(ctx, tx, a); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, nil
	})
	return err
}

// receivingLine is a line as a webhook may know it.
type receivingLine struct {
	line   LineID
	office OfficeID
	key    crypt.DataKey
}

func (l *Log) receivingLine(ctx context.Context, to Inbound) (receivingLine, error) {
	var r receivingLine
	var wrapped []byte
	err := l.db.QueryRow(ctx, "SELECT id, office_id, data_key FROM receiving_line($1, $2)", to.Carrier, to.To).Scan(&r.line, &r.office, &wrapped)
	if err != nil {
		return r, fmt.Errorf("find the receiving line: %w", err)
	}
	if r.key, err = l.keys.Unwrap(r.line, wrapped); err != nil {
		return r, fmt.Errorf("open the line's key: %w", err)
	}
	return r, nil
}

// arrival is an inbound message with the line it came to.
type arrival struct {
	Inbound
	receivingLine
	sender []byte
}

func (l *Log) arrive(in Inbound, line receivingLine) arrival {
	a := arrival{Inbound: in, receivingLine: line}
	sender := cmp.Or(in.From, "nobody known")
	if phone, _, ok := Phone(in.From); ok {
		sender = phone
	}
	a.sender = l.keys.Index("phone", sender)
	if a.CarrierMessageID == "" {
		// A blind index: a plain hash of a number and a digit is soon guessed.
		a.CarrierMessageID = "h-" + hex.EncodeToString(l.keys.Index("inbound", sender+"\n"+in.SentAt+"\n"+in.Text))
	}
	return a
}

func (l *Log) storeArrival(ctx context.Context, tx txn, a arrival) error {
	id := newID[inboundKind](tx.now, l.random)
	sealed, err := crypt.SealJSON(a.key, replyFacts{a.From, a.Text}, "inbound_messages.sealed/"+id.String())
	if err != nil {
		return fmt.Errorf("seal the reply: %w", err)
	}
	tag, err := tx.Exec(ctx, `INSERT INTO inbound_messages (id, office_id, line_id, carrier, carrier_message_id, sender_index, sealed, received_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
		id, a.office, a.line, a.Carrier, a.CarrierMessageID, a.sender, sealed, tx.now)
	if err != nil {
		return fmt.Errorf("store reply: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return nil
	}
	return l.queue.ReceiveReply(ctx, tx, id)
}

// sealedReply is an inbound message's body with what may open it: the line's key
// until it is known whom it is about, then the keys of those, one around the other.
type sealedReply struct {
	id         InboundID
	sealed     []byte
	line       LineID
	lineKey    []byte
	recipients []RecipientID
	keys       [][]byte
}

// replyBox and replyKeys read a sealedReply of inbound message i.
const (
	replyBox  = "i.sealed, i.line_id, n.data_key, owners.ids, owners.keys"
	replyKeys = `LEFT JOIN lines n ON n.id = i.line_id
		LEFT JOIN LATERAL (SELECT array_agg(u.id ORDER BY u.n) AS ids, array_agg(r.data_key ORDER BY u.n) AS keys
			FROM unnest(coalesce(i.sealed_for, array_remove(ARRAY[i.recipient_id], NULL))) WITH ORDINALITY AS u (id, n)
			LEFT JOIN recipients r ON r.id = u.id) owners ON true`
)

func (b *sealedReply) columns() []any {
	return []any{&b.sealed, &b.line, &b.lineKey, &b.recipients, &b.keys}
}

// openReply opens the words of a reply; nothing when one of the keys is destroyed
// or out of the reader's scope.
func (l *Log) openReply(b sealedReply) (replyFacts, error) {
	owners, wrapped := make([][16]byte, len(b.recipients)), b.keys
	for i, id := range b.recipients {
		owners[i] = id
	}
	if len(owners) == 0 {
		owners, wrapped = [][16]byte{b.line}, [][]byte{b.lineKey}
	}
	if b.sealed == nil || slices.ContainsFunc(wrapped, func(key []byte) bool { return key == nil }) {
		return replyFacts{}, nil
	}
	plain := b.sealed
	for i, owner := range slices.Backward(owners) {
		key, err := l.keys.Unwrap(owner, wrapped[i])
		if err != nil {
			return replyFacts{}, fmt.Errorf("open the reply's key: %w", err)
		}
		if plain, err = key.Open(plain, "inbound_messages.sealed/"+b.id.String()); err != nil {
			return replyFacts{}, fmt.Errorf("open the reply: %w", err)
		}
	}
	var said replyFacts
	if json.Unmarshal(plain, &said) != nil {
		// The cause is left out: it can quote what is to be kept secret.
		return replyFacts{}, fmt.Errorf("open the reply %s: the JSON does not fit", b.id)
	}
	return said, nil
}

// closedWords are a reply's words under the keys of the households it is about.
// The zero value changes nothing.
type closedWords struct {
	sealed     []byte
	households []RecipientID
	recipient  RecipientID // the file it belongs to, where there is but one
}

// sealForHouseholds puts a reply's words under the keys of every household that it
// is about, one around the other: they go when the key of any of them goes.
func (l *Log) sealForHouseholds(ctx context.Context, tx txn, r reply, t target) (closedWords, error) {
	words := closedWords{households: r.households(t)}
	if len(words.households) == len(r.closedBy) || r.said == (replyFacts{}) {
		return closedWords{}, nil
	}
	var err error
	if words.sealed, err = json.Marshal(r.said); err != nil {
		return closedWords{}, fmt.Errorf("seal the reply %s: it cannot be written as JSON", r.id)
	}
	for _, id := range words.households {
		key, err := l.recipientKey(ctx, tx, id)
		if err != nil {
			return closedWords{}, err
		}
		words.sealed = key.Seal(words.sealed, "inbound_messages.sealed/"+r.id.String())
	}
	if len(words.households) == 1 {
		words.recipient = words.households[0]
	}
	return words, nil
}

// Report is what a carrier says later about a message it took.
type Report struct {
	Carrier          string
	CarrierMessageID string
	MessageID        string // ours, when the callback carries it
	Status           string // the carrier's word
	Delivery         string // what it means: queued, sent, failed, undelivered, delivered, or "" when unknown
	ErrorCode        string
	Class            Class // what the error code means for the number
}

// StoreReport stores one delivery report, as StoreReports does.
func (l *Log) StoreReport(ctx context.Context, r Report) error {
	return l.StoreReports(ctx, []Report{r})
}

// StoreReports stores delivery reports, all or none, each once for its message and
// status; the sweep of reports applies them within seconds. Unknown ids and
// statuses are stored too: they are data, no error.
func (l *Log) StoreReports(ctx context.Context, reports []Report) error {
	now := l.Now()
	var rows struct{ ids, messages, carriers, carrierIDs, statuses, deliveries, codes, classes []string }
	// In one order: two pushes with the same reports would wait for each other.
	reports = slices.SortedStableFunc(slices.Values(reports), func(a, b Report) int {
		return cmp.Or(cmp.Compare(a.CarrierMessageID, b.CarrierMessageID), cmp.Compare(a.Status, b.Status))
	})
	for _, r := range reports {
		message := ""
		if id, err := ParseID[messageKind](r.MessageID); err == nil {
			message = id.String()
		}
		rows.ids = append(rows.ids, newID[plainKind](now, l.random).String())
		rows.messages, rows.carriers = append(rows.messages, message), append(rows.carriers, r.Carrier)
		rows.carrierIDs, rows.statuses = append(rows.carrierIDs, r.CarrierMessageID), append(rows.statuses, r.Status)
		rows.deliveries, rows.codes = append(rows.deliveries, r.Delivery), append(rows.codes, r.ErrorCode)
		rows.classes = append(rows.classes, string(r.Class))
	}
	_, err := l.db.Exec(ctx, `INSERT INTO delivery_reports (id, carrier, carrier_message_id, message_id, status, delivery, error_code, class, received_at)
		SELECT u.id, u.carrier, u.carrier_id, nullif(u.message, '')::uuid, u.status, u.delivery, u.code, u.class, $9
		FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
			AS u (id, carrier, carrier_id, message, status, delivery, code, class) ON CONFLICT DO NOTHING`,
		rows.ids, rows.carriers, rows.carrierIDs, rows.messages, rows.statuses, rows.deliveries, rows.codes, rows.classes, now)
	if err != nil {
		return fmt.Errorf("store reports: %w", err)
	}
	return nil
}

// reportPatience is how long a report for a message we do not know may wait for
// it: the callback can come before the answer to the call that sent it.
const reportPatience = 10 * time.Minute
