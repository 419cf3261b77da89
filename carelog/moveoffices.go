package carelog

import (
	"context"
	"fmt"
)

const movedOffice = "the plan was handed to another office"

// acceptFromOffice takes another office's plan over with its whole file. The
// database function take_over moves the rows: only those of an open offer to an
// office in scope. The list of the tables is in it.
func (l *Log) acceptFromOffice(ctx context.Context, tx txn, t Transfer, id PlanID, a Acceptance) error {
	m, err := l.checkAcceptance(ctx, tx, t, a)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "SELECT take_over($1, $2, $3, $4, $5, $6, $7, $8)", t.ID, id, m.officer, m.village, a.Primary, a.Backup, a.ExternalID, tx.now)
	if err != nil {
		return fmt.Errorf("take the file over: %w", err)
	}
	p, err := l.lockPlan(ctx, tx, id)
	if err != nil {
		return err
	}
	if err := l.replanAll(ctx, tx, p); err != nil {
		return err
	}
	if err := l.endTasks(ctx, tx, pathCauses(id)[1:2], movedOffice); err != nil {
		return err
	}
	tx.append(happening{recipient: p.recipient, kind: "plan_transferred", subject: anyID(id), details: map[string]any{
		"to_another_office": true, "township": a.Village.Township, "village": a.Village.Name,
	}})
	if a.Primary.IsZero() && a.Backup.IsZero() && !p.villageBarred {
		return l.openTask(ctx, tx, newTask{
			kind: "contact_missing", cause: "contact_missing:" + id.String(), office: p.office, recipient: p.recipient, plan: id,
			reason: "the household came from another office and has no contact here: name one who serves its village",
			actBy:  officerWindow.closes(tx.cal(p.office).AddWorkdays(tx.today(), acceptWithin)),
		})
	}
	return nil
}

// checkAcceptance looks up what the receiving office names.
func (l *Log) checkAcceptance(ctx context.Context, tx txn, t Transfer, a Acceptance) (prepared, error) {
	e := prepared{Enrolment: Enrolment{Office: t.ToOffice, Officer: a.Officer, Village: a.Village}}
	if e.Officer == "" {
		e.Officer = tx.by.Login
	}
	var probs problems
	if err := tx.QueryRow(ctx, "SELECT id FROM villages WHERE office_id = $1 AND township = $2 AND name = $3",
		t.ToOffice, a.Village.Township, a.Village.Name).Scan(&e.village); none(err) {
		probs.add("village", isUnknownVillage)
	} else if err != nil {
		return e, fmt.Errorf("find village: %w", err)
	}
	officer, err := officerCalled(ctx, tx, e.Officer, t.ToOffice)
	if none(err) {
		probs.add("officer", isUnknownOfficer)
	} else if err != nil {
		return e, fmt.Errorf("find officer: %w", err)
	}
	e.officer = officer.id
	if err := e.checkContact(ctx, tx, &probs, "primary_contact_id", a.Primary); err != nil {
		return e, err
	}
	if err := e.checkContact(ctx, tx, &probs, "backup_contact_id", a.Backup); err != nil {
		return e, err
	}
	if len(a.ExternalID) > 100 {
		probs.add("external_id", isTooLong)
	} else if validIDNumber(a.ExternalID) {
		probs.add("external_id", isAnIDNumber)
	}
	return e, probs.err()
}

// replanAll ends every ask and planned text of the office before, and plans those
// of this one: its officer, its contacts, its supervisors, from its number.
func (l *Log) replanAll(ctx context.Context, tx txn, p plan) error {
	_, err := tx.Exec(ctx, `UPDATE messages SET dispatch = 'cancelled', dispatch_reason = $2, dispatched_at = $3
		WHERE recipient_id = $1 AND dispatch = 'planned'`, p.recipient, movedOffice, tx.now)
	if err != nil {
		return fmt.Errorf("cancel messages: %w", err)
	}
	if err := l.replanOfficer(ctx, tx, p, movedOffice); err != nil {
		return err
	}
	if err := backToVillage(ctx, tx, p.id, true); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `WITH ended AS (
			UPDATE asks SET state = 'closed', reason = $2, closed_at = $3 WHERE recipient_id = $1 AND state = 'open' AND user_id IS DISTINCT FROM $5
			RETURNING id),
		again AS (UPDATE check_ins SET messages_planned = false WHERE plan_id = $6 AND state = 'planned' AND asks_village)
		UPDATE task_codes SET free_from = $4 FROM ended WHERE ask_id = ended.id AND free_from IS NULL`,
		p.recipient, movedOffice, tx.now, tx.now.Add(codeRest), p.officer, p.id)
	if err != nil {
		return fmt.Errorf("close asks: %w", err)
	}
	// Who stands on the ladder is somebody else now: the highest rung that is due hears anew, once.
	_, err = tx.Exec(ctx, `UPDATE escalations SET rung = 0, told_at = CASE wording WHEN '' THEN NULL ELSE $2::timestamptz END,
		acknowledged = CASE wording WHEN '' THEN acknowledged ELSE -1 END, next_at = $2 WHERE recipient_id = $1 AND state = 'running'`, p.recipient, tx.now)
	if err != nil {
		return fmt.Errorf("begin the ladder anew: %w", err)
	}
	if !p.running() {
		return nil
	}
	_, err = l.layAnew(ctx, tx, p, movedOffice) // its working days are others
	return err
}
