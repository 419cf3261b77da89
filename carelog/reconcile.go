package carelog

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// SettlingTime is how long a message may stand as sending before the carrier is
// asked about it: longer than any call, and than the rescue of the job that made it.
const SettlingTime = 3 * time.Minute

// ListLag is how long a carrier may have a message that its list does not show yet.
// What is not in the list by then is not there.
const ListLag = 2 * time.Minute

// Stuck is a message found sending after SettlingTime: the carrier is to be asked.
type Stuck struct {
	Outgoing
	Since time.Time
}

// StuckMessages lists messages that were handed to the carrier longer than
// SettlingTime ago and whose outcome is not known, oldest first, those after a
// given one; after the zero value all.
func (l *Log) StuckMessages(ctx context.Context, after Stuck, limit int) ([]Stuck, error) {
	return read(ctx, l, TheSystem(), func(tx txn) ([]Stuck, error) {
		rows, err := tx.Query(ctx, `SELECT m.id, coalesce(m.contact_id, m.user_id), coalesce(k.data_key, u.data_key), m.sent_to, m.text, n.number, n.carrier, m.tries, m.claimed_at
			FROM messages m JOIN lines n ON n.id = m.line_id
			LEFT JOIN village_contacts k ON k.id = m.contact_id LEFT JOIN users u ON u.id = m.user_id
			WHERE m.dispatch = 'sending' AND m.rides_with IS NULL AND m.claimed_at < $1 AND ($3::uuid IS NULL OR (m.claimed_at, m.id) > ($4, $3))
			ORDER BY m.claimed_at, m.id LIMIT $2`, tx.now.Add(-SettlingTime), limit, after.ID, after.Since)
		if err != nil {
			return nil, fmt.Errorf("find stuck messages: %w", err)
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Stuck, error) { return l.scanStuck(row) })
	})
}

func (l *Log) scanStuck(row pgx.CollectableRow, more ...any) (Stuck, error) {
	var s Stuck
	var owner anyID
	var wrapped, to, text []byte
	if err := row.Scan(append([]any{&s.ID, &owner, &wrapped, &to, &text, &s.From, &s.Carrier, &s.Try, &s.Since}, more...)...); err != nil {
		return s, err
	}
	key, err := l.keys.Unwrap(owner, wrapped)
	if err != nil {
		return s, fmt.Errorf("open the party's key: %w", err)
	}
	plainTo, err := key.Open(to, "messages.sent_to/"+s.ID.String())
	if err != nil {
		return s, fmt.Errorf("open the number: %w", err)
	}
	plainText, err := key.Open(text, "messages.text/"+s.ID.String())
	if err != nil {
		return s, fmt.Errorf("open the text: %w", err)
	}
	s.To, s.Text = string(plainTo), string(plainText)
	return s, nil
}

// Finding is what the carrier knows of a stuck message.
type Finding int

// The findings.
const (
	Found      Finding = iota + 1 // the carrier has what may be it
	NotThere                      // its list does not show it
	CannotKnow                    // the carrier cannot tell
)

// Candidate is a message in the carrier's list that may be a stuck one.
type Candidate struct{ CarrierMessageID, Delivery string }

// SettleMessage ends the doubt about a stuck message by what the carrier knows:
// the first candidate that is no other message of ours is adopted; without one it
// is sent again (at most maxTries, and not before its list must show it), or
// unknown with a task for a person.
func (l *Log) SettleMessage(ctx context.Context, stuck Stuck, finding Finding, candidates ...Candidate) error {
	for _, c := range candidates {
		// The list is searched by text: what it found may be another message of ours with the same words.
		taken, err := l.belongsToAnother(ctx, stuck, c.CarrierMessageID)
		if err != nil {
			return err
		}
		if !taken {
			return l.RecordReceipts(ctx, []Receipt{{Outgoing: stuck.Outgoing, CarrierMessageID: c.CarrierMessageID, Delivery: c.Delivery}})
		}
	}
	if finding != CannotKnow && l.Now().Sub(stuck.Since) < SettlingTime+ListLag {
		return nil // asked again
	}
	if finding != CannotKnow && stuck.Try < maxTries {
		return l.RecordReceipts(ctx, []Receipt{{Outgoing: stuck.Outgoing, Class: Temporary, Code: "not found at the carrier"}})
	}
	_, err := write(ctx, l, TheSystem(), func(tx txn) (struct{}, error) {
		rows, riders, err := l.lockSending(ctx, tx, []Receipt{{Outgoing: stuck.Outgoing}})
		if err != nil {
			return struct{}{}, err
		}
		m, ok := rows[stuck.ID]
		if !ok || m.dispatch != "sending" || m.tries != stuck.Try {
			return struct{}{}, nil
		}
		for _, m := range append([]messageRef{m}, riders[stuck.ID]...) {
			if m.dispatch != "sending" {
				continue
			}
			happenings, err := l.failMessage(ctx, tx, m, Ambiguous, "unknown", "the carrier may or may not have sent it: ask the contact by phone")
			if err != nil {
				return struct{}{}, err
			}
			tx.append(happenings...)
		}
		return struct{}{}, nil
	})
	return err
}

// belongsToAnother tells whether the carrier's id is that of another message of
// ours, by our row or by a report that carried our id.
func (l *Log) belongsToAnother(ctx context.Context, stuck Stuck, carrierID string) (bool, error) {
	return read(ctx, l, TheSystem(), func(tx txn) (other bool, err error) {
		err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM messages WHERE carrier_message_id = $1 AND id <> $2)
			OR EXISTS (SELECT FROM delivery_reports WHERE carrier = $3 AND carrier_message_id = $1 AND message_id <> $2)`,
			carrierID, stuck.ID, stuck.Carrier).Scan(&other)
		if err != nil {
			return false, fmt.Errorf("look for the carrier's id: %w", err)
		}
		return other, nil
	})
}
