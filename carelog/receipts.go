package carelog

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Class sorts what a carrier answered when it did not take a message.
type Class string

// The classes of refusal; Taken is none.
const (
	Taken         Class = ""
	OptedOut      Class = "opted_out"     // the number asked the carrier for no more
	Unreachable   Class = "unreachable"   // no such number, or none that takes texts
	Throttled     Class = "throttled"     // later, certainly not sent
	Refused       Class = "refused"       // the content or the sender
	Temporary     Class = "temporary"     // later, certainly not sent
	Ambiguous     Class = "ambiguous"     // may have been sent: the carrier is asked first
	Misconfigured Class = "misconfigured" // our account; an operator must act
)

// Receipt is what the carrier answered to an Outgoing.
type Receipt struct {
	Outgoing
	CarrierMessageID string
	Delivery         string // none, queued, sent, delivered, undelivered, failed
	Class            Class
	Code             string // the carrier's own error code
	RetryAfter       time.Duration
}

// maxTries bounds how often a message is sent again because the carrier, asked
// after a doubt, did not know it.
const maxTries = 5

// longestWait is how long a text waits at most for a carrier that is away,
// throttles or refuses our account: an outage of an hour fails nobody's text.
const longestWait = 15 * time.Minute

// messageRef is what a consequence of a message needs to know of it.
type messageRef struct {
	id        MessageID
	office    OfficeID
	recipient RecipientID
	checkIn   CheckInID
	contact   ContactID
	purpose   string
	deadline  time.Time
	dispatch  string
	tries     int
}

// RecordReceipts writes down what the carrier answered, together with the
// history of it. What is ambiguous stays sending until it is settled.
func (l *Log) RecordReceipts(ctx context.Context, receipts []Receipt) error {
	if len(receipts) == 0 {
		return nil
	}
	slices.SortFunc(receipts, func(a, b Receipt) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	_, err := write(ctx, l, TheSystem(), func(tx txn) (struct{}, error) {
		rows, riders, err := l.lockSending(ctx, tx, receipts)
		if err != nil {
			return struct{}{}, err
		}
		receipts := withRiders(receipts, riders)
		var happenings []happening
		var taken []Receipt
		var throttled []MessageID
		for _, r := range receipts {
			m, ok := rows[r.ID]
			// What the carrier took is taken, whoever holds the row by now. Any other
			// answer counts for its own try only: a frozen process may wake while
			// another has the message on the wire.
			if !ok || r.Class == Ambiguous || r.Class != Taken && (m.dispatch != "sending" || m.tries != r.Try) {
				continue
			}
			if r.Class == Taken {
				taken = append(taken, r)
				if len(riders[r.ID]) > 0 {
					r.Text = "" // it names other households too
				}
				if !m.recipient.IsZero() {
					happenings = append(happenings, m.accepted(r.Text, r.CarrierMessageID))
				}
				continue
			}
			if r.Class == Throttled {
				throttled = append(throttled, r.ID)
			}
			more, err := l.recordRefusal(ctx, tx, m, r)
			if err != nil {
				return struct{}{}, err
			}
			happenings = append(happenings, more...)
		}
		if err := l.recordTaken(ctx, tx, taken); err != nil {
			return struct{}{}, err
		}
		if err := slow(ctx, tx, throttled); err != nil {
			return struct{}{}, err
		}
		tx.append(happenings...)
		return struct{}{}, nil
	})
	return err
}

func (m messageRef) accepted(text, carrierID string) happening {
	return happening{recipient: m.recipient, kind: "message_accepted", subject: anyID(m.id), details: map[string]any{
		"purpose": m.purpose, "text": text, "carrier_message_id": carrierID,
	}}
}

// lockSending locks the rows that are still sending, or planned again after a
// doubt, in id order, with those that ride with them. A row that was settled
// meanwhile is left as it is.
func (l *Log) lockSending(ctx context.Context, tx txn, receipts []Receipt) (found map[MessageID]messageRef, riders map[MessageID][]messageRef, err error) {
	ids := make([]MessageID, len(receipts))
	for i, r := range receipts {
		ids[i] = r.ID
	}
	rows, err := tx.Query(ctx, `SELECT rides_with, id, office_id, recipient_id, check_in_id, contact_id, purpose, deadline, dispatch, tries FROM messages
		WHERE (id = ANY ($1) OR rides_with = ANY ($1)) AND (dispatch = 'sending' OR dispatch = 'planned' AND tries > 0) ORDER BY id FOR UPDATE`, ids)
	if err != nil {
		return nil, nil, fmt.Errorf("lock messages: %w", err)
	}
	found, riders = map[MessageID]messageRef{}, map[MessageID][]messageRef{}
	var head MessageID
	var m messageRef
	_, err = pgx.ForEachRow(rows, []any{&head, &m.id, &m.office, &m.recipient, &m.checkIn, &m.contact, &m.purpose, &m.deadline, &m.dispatch, &m.tries}, func() error {
		found[m.id] = m
		if !head.IsZero() {
			riders[head] = append(riders[head], m)
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("lock messages: %w", err)
	}
	return found, riders, nil
}

func (l *Log) recordTaken(ctx context.Context, tx txn, taken []Receipt) error {
	if len(taken) == 0 {
		return nil
	}
	ids, carrierIDs, deliveries := make([]MessageID, len(taken)), make([]string, len(taken)), make([]string, len(taken))
	for i, r := range taken {
		ids[i], carrierIDs[i], deliveries[i] = r.ID, r.CarrierMessageID, deliveryOr(r.Delivery)
	}
	_, err := tx.Exec(ctx, `UPDATE messages m SET dispatch = 'accepted', dispatch_reason = 'taken by the carrier', dispatched_at = $1,
			carrier_message_id = nullif(u.carrier_id, ''), delivery = `+higher("m.delivery", "u.delivery")+`, delivery_at = $1
		FROM unnest($2::uuid[], $3::text[], $4::text[]) AS u (id, carrier_id, delivery) WHERE m.id = u.id`, tx.now, ids, carrierIDs, deliveries)
	if err != nil {
		return fmt.Errorf("record receipts: %w", err)
	}
	if err := discloseTexts(ctx, tx, ids); err != nil {
		return err
	}
	return l.use(ctx, tx, ids)
}

func deliveryOr(delivery string) string {
	if deliveryRank(delivery) < 0 {
		return "none"
	}
	return delivery
}

// deliveryOrder is the order in which a delivery may rise (design: two states a message).
var deliveryOrder = []string{"none", "queued", "sent", "failed", "undelivered", "delivered"}

func deliveryRank(delivery string) int { return slices.Index(deliveryOrder, delivery) }

// higher is the SQL for the higher of two deliveries.
func higher(a, b string) string {
	order := "ARRAY['" + strings.Join(deliveryOrder, "','") + "']"
	return fmt.Sprintf("CASE WHEN array_position(%[3]s, %[2]s) > array_position(%[3]s, %[1]s) THEN %[2]s ELSE %[1]s END", a, b, order)
}

// recordRefusal decides what follows a carrier's no: later, or a person.
func (l *Log) recordRefusal(ctx context.Context, tx txn, m messageRef, r Receipt) ([]happening, error) {
	again := r.Class == Throttled || r.Class == Temporary || r.Class == Misconfigured
	at := tx.now.Add(max(r.RetryAfter, min(time.Duration(r.Try*r.Try)*30*time.Second, longestWait)))
	if again && !at.After(m.deadline) {
		return nil, putOff(ctx, tx, m.id, at, fmt.Sprintf("the carrier said %s %s: try %d follows", r.Class, r.Code, r.Try+1))
	}
	why := fmt.Sprintf("the carrier said %s %s", r.Class, r.Code)
	return l.failMessage(ctx, tx, m, r.Class, "failed", why)
}

// failMessage ends a message as failed or unknown and hands the work to a person.
func (l *Log) failMessage(ctx context.Context, tx txn, m messageRef, class Class, dispatch, why string) ([]happening, error) {
	_, err := tx.Exec(ctx, "UPDATE messages SET dispatch = $2, dispatch_reason = $3, dispatched_at = $4 WHERE id = $1", m.id, dispatch, why, tx.now)
	if err != nil {
		return nil, fmt.Errorf("end message: %w", err)
	}
	if err := l.learnAboutNumber(ctx, tx, m, class); err != nil {
		return nil, err
	}
	if dispatch == "failed" && m.purpose == "village_request" {
		if err := watchForSilence(ctx, tx, m.checkIn, tx.today()); err != nil {
			return nil, err
		}
	}
	if dispatch == "unknown" { // it may have arrived
		if err := discloseTexts(ctx, tx, []MessageID{m.id}); err != nil {
			return nil, err
		}
	}
	if dispatch == "unknown" && m.purpose == "village_request" {
		// The contact may have the text already: a person asks, no repeat does.
		if err := l.cancelRequests(ctx, tx, []CheckInID{m.checkIn}, "an earlier text may have arrived: a person asks by phone"); err != nil {
			return nil, err
		}
	}
	if err := l.handToPerson(ctx, tx, m, "message_"+dispatch, why); err != nil {
		return nil, err
	}
	if m.recipient.IsZero() {
		return nil, nil
	}
	return []happening{{recipient: m.recipient, kind: "message_" + dispatch, subject: anyID(m.id), details: map[string]any{"purpose": m.purpose, "reason": why}}}, nil
}

// planAnew drops what is planned about an open check-in and lets the next sweep
// plan it again with the contacts as they are now.
func (l *Log) planAnew(ctx context.Context, tx txn, id CheckInID) error {
	if id.IsZero() {
		return nil
	}
	if err := l.cancelRequests(ctx, tx, []CheckInID{id}, "planned anew: the contact cannot be texted"); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "UPDATE check_ins SET messages_planned = false WHERE id = $1 AND state = 'planned'", id)
	if err != nil {
		return fmt.Errorf("plan texts anew: %w", err)
	}
	return nil
}

// handToPerson opens the task that follows a message nobody received.
func (l *Log) handToPerson(ctx context.Context, tx txn, m messageRef, kind, why string) error {
	return l.openTask(ctx, tx, newTask{
		kind: kind, cause: kind + ":" + m.id.String(), office: m.office, recipient: m.recipient, checkIn: m.checkIn, message: m.id, contact: m.contact,
		reason: why, actBy: officerWindow.opens(tx.cal(m.office).NextWorkday(tx.today())),
	})
}
