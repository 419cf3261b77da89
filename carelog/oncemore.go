package carelog

import (
	"context"
	"fmt"
	"time"
)

// A phone that was off comes back. What it missed is said once more after a while,
// as a round of its own; what it misses then goes to a person.
const (
	onceMoreAfter = 2 * time.Hour
	onceMore      = "once more: the phone could not be reached" // how the reason of such a text begins
)

// sayOnceMore plans the text once more, and tells whether it did: where its request
// is open, the window opens again before the text's time is over, it has not been
// said once more before, and nobody has to know at once.
func (l *Log) sayOnceMore(ctx context.Context, tx txn, r report) (bool, error) {
	if r.class != Temporary || r.dispatch != "accepted" && r.dispatch != "sending" {
		return false, nil
	}
	m := newMessage{office: r.message.office, recipient: r.message.recipient, checkIn: r.message.checkIn, contact: r.message.contact, purpose: r.message.purpose}
	err := tx.QueryRow(ctx, `SELECT m.user_id, m.line_id, m.priority, m.wording, m.deadline FROM messages m
		WHERE m.id = $1 AND m.priority <> $2 AND coalesce(m.deferrals->0->>'reason', m.reason) NOT LIKE $3 || '%'
			AND EXISTS (SELECT FROM message_asks b JOIN asks a ON a.id = b.ask_id WHERE b.message_id = m.id AND a.state = 'open')`,
		r.message.id, priorityRed, onceMore).Scan(&m.user, &m.line, &m.priority, &m.slot.wording, &m.slot.deadline)
	if none(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read what was missed: %w", err)
	}
	m.slot.notBefore = windowFor(m.purpose, m.priority).next(tx.now.Add(onceMoreAfter), tx.cal(m.office))
	if m.slot.notBefore.After(m.slot.deadline) {
		return false, nil
	}
	m.slot.reason = onceMore + ": " + r.reason()
	id, err := l.insertMessage(ctx, tx, m)
	if err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, `WITH more AS (UPDATE asks SET rounds = rounds + 1
			WHERE state = 'open' AND id IN (SELECT ask_id FROM message_asks WHERE message_id = $1) RETURNING id, rounds)
		INSERT INTO message_asks (message_id, ask_id, round) SELECT $2, id, rounds FROM more`, r.message.id, id)
	if err != nil {
		return false, fmt.Errorf("say it once more: %w", err)
	}
	return true, nil
}

// notOnceMore cancels what is planned to be said once more: it arrived after all.
func notOnceMore(ctx context.Context, tx txn, id MessageID) error {
	_, err := tx.Exec(ctx, `UPDATE messages m SET dispatch = 'cancelled', dispatch_reason = 'the text was delivered after all', dispatched_at = $2
		FROM message_asks missed JOIN message_asks b ON b.ask_id = missed.ask_id
		WHERE missed.message_id = $1 AND m.id = b.message_id AND m.dispatch = 'planned' AND m.tries = 0
			AND coalesce(m.deferrals->0->>'reason', m.reason) LIKE $3 || '%'`, id, tx.now, onceMore)
	if err != nil {
		return fmt.Errorf("cancel what is said once more: %w", err)
	}
	return nil
}
