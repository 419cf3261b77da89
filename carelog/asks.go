package carelog

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

// newAsk is an ask on its way in: one request to one party about one check-in or alert.
type newAsk struct {
	office    OfficeID
	recipient RecipientID
	checkIn   CheckInID
	alert     AlertID
	review    PlanID // of a plan at rest
	contact   ContactID
	user      UserID
	purpose   string
	priority  int // 0: that of a reminder
}

// planAsk opens the ask (or opens it again) and plans one message a slot, each a
// round of its own: an ask is sent once a round, by a constraint (P3). About a
// household that is barred from the village, the officer is reminded instead.
func (l *Log) planAsk(ctx context.Context, tx txn, a newAsk, slots []slot) error {
	a, slots, err := l.askAround(ctx, tx, a, slots)
	if err != nil {
		return err
	}
	_, err = l.planAskTo(ctx, tx, a, slots)
	return err
}

// planAskTo is planAsk for a party that was looked at already.
func (l *Log) planAskTo(ctx context.Context, tx txn, a newAsk, slots []slot) (AskID, error) {
	line, err := l.lineOf(ctx, tx, a.office, a.contact, a.user)
	if err != nil {
		return AskID{}, err
	}
	if slots, err = l.notYetSaid(ctx, tx, a, slots); err != nil || len(slots) == 0 {
		return AskID{}, err
	}
	id, rounds, err := l.openAsk(ctx, tx, a, line, len(slots))
	if err != nil {
		return id, err
	}
	messages, err := l.insertMessages(ctx, tx, newMessage{
		office: a.office, recipient: a.recipient, checkIn: a.checkIn, contact: a.contact, user: a.user, line: line,
		purpose: a.purpose, priority: cmp.Or(a.priority, priorityReminder),
	}, slots)
	if err != nil {
		return id, err
	}
	_, err = tx.Exec(ctx, "INSERT INTO message_asks (message_id, ask_id, round) SELECT u.id, $2, $3 + u.n FROM unnest($1::uuid[]) WITH ORDINALITY AS u (id, n)",
		messages, id, rounds-len(slots))
	if err != nil {
		return id, fmt.Errorf("insert messages' ask: %w", err)
	}
	return id, nil
}

// notYetSaid leaves out the slots of a day on which the same party was texted the
// same about the same check-in already: planning anew says nothing twice.
func (l *Log) notYetSaid(ctx context.Context, tx txn, a newAsk, slots []slot) ([]slot, error) {
	if a.checkIn.IsZero() {
		return slots, nil
	}
	rows, err := tx.Query(ctx, `SELECT wording, claimed_at FROM messages
		WHERE check_in_id = $1 AND (contact_id = $2 OR user_id = $3 OR delivery NOT IN ('undelivered', 'failed') AND contact_id IN (
			SELECT x.id FROM village_contacts x JOIN village_contacts y ON x.id = y.phone_of OR x.phone_of = y.id WHERE y.id = $2)) AND dispatch IN ('sending', 'accepted', 'unknown')`, a.checkIn, a.contact, a.user)
	if err != nil {
		return nil, fmt.Errorf("look for texts sent before: %w", err)
	}
	said := map[string]bool{}
	var wording string
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&wording, &at}, func() error {
		said[wording+calendar.Of(at).String()] = true
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for texts sent before: %w", err)
	}
	return slices.DeleteFunc(slots, func(s slot) bool { return said[s.wording+calendar.Of(s.notBefore).String()] }), nil
}

func (l *Log) openAsk(ctx context.Context, tx txn, a newAsk, line LineID, rounds int) (AskID, int, error) {
	subject, party := "check_in_id", "check_in_id IS NOT NULL"
	switch {
	case !a.review.IsZero():
		subject, party = "review_of", "review_of IS NOT NULL"
	case a.checkIn.IsZero():
		subject, party = "alert_id", "alert_id IS NOT NULL"
	}
	var id AskID
	var total int
	err := tx.QueryRow(ctx, `INSERT INTO asks (id, office_id, recipient_id, check_in_id, alert_id, contact_id, user_id, purpose, line_id, rounds, opened_at, review_of)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (`+subject+`, party_id, purpose) WHERE `+party+`
		DO UPDATE SET rounds = asks.rounds + excluded.rounds, state = 'open', reason = '', closed_at = NULL
		RETURNING id, rounds`, newID[askKind](tx.now, l.random), a.office, a.recipient, a.checkIn, a.alert, a.contact, a.user,
		a.purpose, line, rounds, tx.now, a.review).Scan(&id, &total)
	if err != nil {
		return id, 0, fmt.Errorf("open ask: %w", err)
	}
	if total == rounds { // it was never open before, so it has no code
		return id, total, nil
	}
	_, err = tx.Exec(ctx, "UPDATE task_codes SET free_from = NULL WHERE ask_id = $1", id)
	if err != nil {
		return id, 0, fmt.Errorf("keep the ask's code: %w", err)
	}
	return id, total, nil
}

// codeRest is how long a code rests before it may be given again.
const codeRest = 180 * 24 * time.Hour

// settleAsks stops the check-ins' escalations, closes their asks, lets the codes
// rest and cancels what is still planned about them.
func (l *Log) settleAsks(ctx context.Context, tx txn, ids []CheckInID, why string) error {
	if err := l.stopEscalations(ctx, tx, ids, nil, why); err != nil {
		return err
	}
	if err := l.cancelPlanned(ctx, tx, ids, why); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `WITH settled AS (
			UPDATE asks SET state = 'closed', reason = $2, closed_at = $3 WHERE check_in_id = ANY ($1) AND state = 'open' RETURNING id)
		UPDATE task_codes SET free_from = $4 FROM settled WHERE ask_id = settled.id AND free_from IS NULL`, ids, why, tx.now, tx.now.Add(codeRest))
	if err != nil {
		return fmt.Errorf("close asks: %w", err)
	}
	return nil
}

// settleRequests closes the requests to a contact about the check-ins and cancels
// those still planned. What is planned for officers and supervisors goes on.
func (l *Log) settleRequests(ctx context.Context, tx txn, contact ContactID, ids []CheckInID, why string) error {
	if err := l.cancelRequests(ctx, tx, ids, why); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `WITH settled AS (
			UPDATE asks SET state = 'closed', reason = $2, closed_at = $3 WHERE check_in_id = ANY ($1) AND contact_id = $5 AND state = 'open' RETURNING id)
		UPDATE task_codes SET free_from = $4 FROM settled WHERE ask_id = settled.id AND free_from IS NULL`, ids, why, tx.now, tx.now.Add(codeRest), contact)
	if err != nil {
		return fmt.Errorf("close requests: %w", err)
	}
	return nil
}
