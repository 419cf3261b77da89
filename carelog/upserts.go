package carelog

import (
	"bytes"
	"context"
	"fmt"
)

// Upserted is what became of a recipient that another system sent.
type Upserted struct {
	Recipient RecipientID `json:"recipient_id"`
	Plan      PlanID      `json:"plan_id"`
	PlanState string      `json:"plan_state"`
	State     string      `json:"state"` // enrolled, unchanged, differs
	Warnings  []string    `json:"warnings" nullable:"false"`
}

// UpsertRecipient enrols a recipient by the other system's number, or finds the one
// enrolled under it. What was sent before changes nothing. Where the facts differ
// nothing is overwritten: an officer gets a task and puts right what is right, so that
// what stood before is kept (P5). Whoever enrols in the office may.
func (l *Log) UpsertRecipient(ctx context.Context, by Actor, e Enrolment) (Upserted, error) {
	if e.Office.IsZero() {
		e.Office = by.Office
	}
	if !by.may(e.Office, Enrol) {
		return Upserted{}, forbidden("only an officer of the office enrols recipients")
	}
	return write(ctx, l, by, func(tx txn) (Upserted, error) {
		u := Upserted{State: "unchanged", Warnings: []string{}}
		var digest []byte
		err := tx.QueryRow(ctx, `SELECT r.id, r.facts_digest, p.id, p.state FROM recipients r
			LEFT JOIN LATERAL (SELECT id, state FROM care_plans WHERE recipient_id = r.id ORDER BY created_at DESC, id DESC LIMIT 1) p ON true
			WHERE r.office_id = $1 AND r.external_id = $2`, e.Office, e.ExternalID).Scan(&u.Recipient, &digest, &u.Plan, &u.PlanState)
		if err != nil && !none(err) {
			return u, fmt.Errorf("look for the recipient: %w", err)
		}
		if none(err) {
			ready, err := l.prepareEnrolment(ctx, tx, e)
			if err != nil {
				return u, err
			}
			made, err := l.enrol(ctx, tx, ready)
			return Upserted{made.Recipient, made.Plan, made.State, "enrolled", append(u.Warnings, made.Warnings...)}, err
		}
		if bytes.Equal(digest, l.digest(e)) {
			return u, nil
		}
		u.State = "differs"
		return u, l.openTask(ctx, tx, newTask{
			kind: "facts_differ", cause: "facts_differ:" + u.Recipient.String(), office: e.Office, recipient: u.Recipient, plan: u.Plan,
			reason: "another system has other facts about this person: compare, and put right what is right",
			actBy:  officerWindow.closes(tx.cal(e.Office).AddWorkdays(tx.today(), 5)),
		})
	})
}
