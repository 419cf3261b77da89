package carelog

import (
	"context"
	"fmt"
	"time"

	"aftercare/internal/crypt"
)

// Inbound is a message a carrier brought, its signature already verified.
type Inbound struct {
	Carrier          string
	CarrierMessageID string
	From, To         string // E.164 as the carrier wrote it
	Text             string
}

// replyFacts is what is sealed about an inbound message.
type replyFacts struct {
	From string `json:"from"`
	Text string `json:"text"`
}

// StoreReply stores an inbound message, once for each carrier's message id, and
// enqueues its matching in the same transaction (P4). A repeat stores nothing.
// It needs no scope: a webhook does not know yet whose message it is.
func (l *Log) StoreReply(ctx context.Context, in Inbound) error {
	var line LineID
	var office OfficeID
	var wrapped []byte
	err := l.db.QueryRow(ctx, "SELECT id, office_id, data_key FROM receiving_line($1, $2)", in.Carrier, in.To).Scan(&line, &office, &wrapped)
	if err != nil {
		return fmt.Errorf("find the receiving line: %w", err)
	}
	key, err := l.keys.Unwrap(line, wrapped)
	if err != nil {
		return fmt.Errorf("open the line's key: %w", err)
	}
	sender := in.From
	if phone, _, ok := Phone(in.From); ok {
		sender = phone
	}
	_, err = write(ctx, l, Actor{Kind: Program}, func(tx txn) (struct{}, error) {
		id := newID[inboundKind](tx.now, l.random)
		sealed, err := crypt.SealJSON(key, replyFacts{in.From, in.Text}, "inbound_messages.sealed/"+id.String())
		if err != nil {
			return struct{}{}, fmt.Errorf("seal the reply: %w", err)
		}
		tag, err := tx.Exec(ctx, `INSERT INTO inbound_messages (id, office_id, line_id, carrier, carrier_message_id, sender_index, sealed, received_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
			id, office, line, in.Carrier, in.CarrierMessageID, l.keys.Index("phone", sender), sealed, tx.now)
		if err != nil {
			return struct{}{}, fmt.Errorf("store reply: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return struct{}{}, nil
		}
		return struct{}{}, l.queue.ReceiveReply(ctx, tx, id)
	})
	return err
}

// sealedReply is an inbound message's body with what may open it: the line's key
// until it is matched, the recipient's after.
type sealedReply struct {
	id           InboundID
	sealed       []byte
	recipient    RecipientID
	line         LineID
	lineKey      []byte
	recipientKey []byte
}

func (l *Log) openReply(b sealedReply) (replyFacts, error) {
	if b.sealed == nil {
		return replyFacts{}, nil
	}
	owner, wrapped := [16]byte(b.line), b.lineKey
	if !b.recipient.IsZero() {
		owner, wrapped = b.recipient, b.recipientKey
	}
	if wrapped == nil {
		return replyFacts{}, nil
	}
	key, err := l.keys.Unwrap(owner, wrapped)
	if err != nil {
		return replyFacts{}, fmt.Errorf("open the reply's key: %w", err)
	}
	return crypt.OpenJSON[replyFacts](key, b.sealed, "inbound_messages.sealed/"+b.id.String())
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

// StoreReport stores a delivery report, once for each message and status; the
// sweep of reports applies it within seconds. Unknown ids and statuses are
// stored too: they are data, no error.
func (l *Log) StoreReport(ctx context.Context, r Report) error {
	message, err := ParseID[messageKind](r.MessageID)
	if err != nil {
		message = MessageID{}
	}
	now := l.Now()
	_, err = l.db.Exec(ctx, `INSERT INTO delivery_reports (id, carrier, carrier_message_id, message_id, status, delivery, error_code, class, received_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
		newID[plainKind](now, l.random), r.Carrier, r.CarrierMessageID, message, r.Status, r.Delivery, r.ErrorCode, r.Class, now)
	if err != nil {
		return fmt.Errorf("store report: %w", err)
	}
	return nil
}

// reportPatience is how long a report for a message we do not know may wait for
// it: the callback can come before the answer to the call that sent it.
const reportPatience = 10 * time.Minute
