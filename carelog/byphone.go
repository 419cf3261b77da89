package carelog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/carelog/schedule"
)

// Silence is no answer. A village check-in whose contact cannot be texted, or does
// not answer, becomes a phone call of the officer; a household that calls do not
// reach is visited at home (missedhome.go). The occasion stays one: the check-in
// keeps its place and its date, and goes back to the village where its contact may
// be texted again while it is still to come.

// insteadOfVillage is what a village check-in is called that is a phone call now.
const insteadOfVillage = "电话回访（代村委会询问）"

// silentAfter is how many working days the contact has to answer the last request.
const silentAfter = 2

// Why the village is asked by phone where its contact can be texted.
const (
	villageSilent    = "the village contact did not answer the request and its repeat"
	noRequestWentOut = "no request to the village contact went out in time"
	nobodyInCharge   = "the village contact says that somebody else is in charge"
)

// silentOn is the day from which silence is silence: so many working days after
// the last request, or once the check-in is due, whichever is first. What is asked
// on the due date or later has at least until the next working day.
func silentOn(cal *calendar.Calendar, asked, due calendar.Date) calendar.Date {
	waited := cal.AddWorkdays(asked, silentAfter)
	if asked.After(due) || waited.Before(due) {
		return waited
	}
	if next := cal.NextWorkday(asked); next.After(due) {
		return next
	}
	return due
}

// watchForSilence notes when it is to be looked whether the village answered.
func watchForSilence(ctx context.Context, tx txn, id CheckInID, from calendar.Date) error {
	_, err := tx.Exec(ctx, "UPDATE check_ins SET phone_from = $2 WHERE id = $1 AND asks_village", id, from)
	if err != nil {
		return fmt.Errorf("note when to look for an answer: %w", err)
	}
	return nil
}

// waitsForVillage is a village check-in that may have been left without an answer.
type waitsForVillage struct {
	checkIn checkIn
	waiting bool          // a request is planned, or on its way
	asked   calendar.Date // the day of the last request that went out; zero: none did
	change  bool          // the contact answered that somebody else is in charge
}

// SilentContacts makes phone calls of village check-ins that nobody answered, at
// most limit, and tells how many it looked at.
func (l *Log) SilentContacts(ctx context.Context, limit int) (int, error) {
	return write(ctx, l, TheSystem(), func(tx txn) (int, error) { return l.silentContacts(ctx, tx, limit) })
}

func (l *Log) silentContacts(ctx context.Context, tx txn, limit int) (int, error) {
	rows, err := tx.Query(ctx, `SELECT c.id, c.office_id, c.plan_id, c.recipient_id, c.state, c.due,
			EXISTS (SELECT FROM messages m WHERE m.check_in_id = c.id AND m.purpose = 'village_request' AND m.dispatch IN ('planned', 'sending')),
			(SELECT (max(m.claimed_at) AT TIME ZONE 'Asia/Shanghai')::date FROM messages m
				WHERE m.check_in_id = c.id AND m.purpose = 'village_request' AND m.dispatch IN ('accepted', 'unknown')),
			EXISTS (SELECT FROM asks a WHERE a.check_in_id = c.id AND a.contact_id IS NOT NULL AND a.answer = 4)
		FROM check_ins c JOIN care_plans p ON p.id = c.plan_id
		WHERE c.phone_from <= $1 AND c.asks_village AND c.state IN ('planned', 'overdue', 'missed') AND p.state IN ('active', 'closing')
		ORDER BY c.phone_from, c.id LIMIT $2 FOR NO KEY UPDATE OF p, c SKIP LOCKED`, tx.today(), limit)
	if err != nil {
		return 0, fmt.Errorf("find unanswered check-ins: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (w waitsForVillage, err error) {
		c := &w.checkIn
		err = row.Scan(&c.id, &c.office, &c.plan, &c.recipient, &c.state, &c.window.Due, &w.waiting, &w.asked, &w.change)
		return w, err
	})
	if err != nil {
		return 0, fmt.Errorf("find unanswered check-ins: %w", err)
	}
	for _, w := range found {
		if err := l.lookForSilence(ctx, tx, w); err != nil {
			return 0, err
		}
	}
	return len(found), nil
}

// lookForSilence makes the check-in a phone call, or notes when to look again.
func (l *Log) lookForSilence(ctx context.Context, tx txn, w waitsForVillage) error {
	cal, why := tx.cal(w.checkIn.office), noRequestWentOut
	if w.waiting {
		return watchForSilence(ctx, tx, w.checkIn.id, cal.NextWorkday(tx.today()))
	}
	if !w.asked.IsZero() {
		why = villageSilent
		if from := silentOn(cal, w.asked, w.checkIn.window.Due); tx.today().Before(from) {
			return watchForSilence(ctx, tx, w.checkIn.id, from)
		}
	}
	if w.change {
		why = nobodyInCharge
	}
	if err := l.askByPhone(ctx, tx, w.checkIn.id, w.checkIn.recipient, why); err != nil {
		return err
	}
	if err := l.closeVillageAsks(ctx, tx, w.checkIn.id, why); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, selectToPlan+"c.id = $1", w.checkIn.id)
	if err != nil {
		return fmt.Errorf("find the check-in to plan for: %w", err)
	}
	due, err := pgx.CollectRows(rows, scanToPlan)
	if err != nil {
		return fmt.Errorf("find the check-in to plan for: %w", err)
	}
	return l.planMessagesOf(ctx, tx, due)
}

// askByPhone makes one open village check-in a phone call of the officer, and the
// history says why. Its texts are the caller's to plan.
func (l *Log) askByPhone(ctx context.Context, tx txn, id CheckInID, recipient RecipientID, why string) error {
	tag, err := tx.Exec(ctx, `UPDATE check_ins SET kind = 'phone', asks_village = false, by_phone = $2, village_title = title, title = $3, phone_from = NULL, updated_at = $4
		WHERE id = $1 AND asks_village AND state IN ('planned', 'overdue', 'missed')`, id, why, insteadOfVillage, tx.now)
	if err != nil {
		return fmt.Errorf("ask by phone: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return nil
	}
	tx.append(happening{recipient: recipient, kind: "asked_by_phone", actor: System, subject: anyID(id), details: map[string]any{"reason": why}})
	return nil
}

// closeVillageAsks ends the requests about a check-in. What still comes is late.
func (l *Log) closeVillageAsks(ctx context.Context, tx txn, id CheckInID, why string) error {
	_, err := tx.Exec(ctx, `WITH settled AS (
			UPDATE asks SET state = 'closed', reason = $2, closed_at = $3 WHERE check_in_id = $1 AND contact_id IS NOT NULL AND state = 'open' RETURNING id)
		UPDATE task_codes SET free_from = $4 FROM settled WHERE ask_id = settled.id AND free_from IS NULL`, id, why, tx.now, tx.now.Add(codeRest))
	if err != nil {
		return fmt.Errorf("close the requests: %w", err)
	}
	return nil
}

// backToVillage lets the check-ins of a plan that are to come and became phone
// calls ask the village again: somebody there may be texted now. Silence stays a
// phone call unless somebody else is named.
func backToVillage(ctx context.Context, tx txn, plan PlanID, silentToo bool) error {
	_, err := tx.Exec(ctx, `UPDATE check_ins SET kind = 'village', asks_village = true, title = village_title, by_phone = '', village_title = '', updated_at = $3
		WHERE plan_id = $1 AND state = 'planned' AND by_phone <> '' AND ($4 OR by_phone <> $2)`, plan, villageSilent, tx.now, silentToo)
	if err != nil {
		return fmt.Errorf("ask the village again: %w", err)
	}
	return nil
}

// isByPhone keeps what became a phone call one when its plan is laid anew.
func (c aheadOf) isByPhone(o schedule.Occurrence) schedule.Occurrence {
	if c.byPhone && o.Kind == schedule.Village {
		o.Kind, o.AsksVillage, o.Title = schedule.Phone, false, insteadOfVillage
	}
	return o
}

// backForContact is backToVillage for the plans whose primary contact somebody is.
func backForContact(ctx context.Context, tx txn, contact ContactID) error {
	rows, err := tx.Query(ctx, `SELECT p.id FROM care_plans p WHERE p.primary_contact_id = coalesce((SELECT phone_of FROM village_contacts WHERE id = $1), $1) AND p.state <> 'closed'
		AND EXISTS (SELECT FROM check_ins c WHERE c.plan_id = p.id AND c.state = 'planned' AND c.by_phone <> '') ORDER BY p.id FOR NO KEY UPDATE`, contact)
	if err != nil {
		return fmt.Errorf("find the contact's plans: %w", err)
	}
	plans, err := pgx.CollectRows(rows, pgx.RowTo[PlanID])
	if err != nil {
		return fmt.Errorf("find the contact's plans: %w", err)
	}
	for _, id := range plans {
		if err := backToVillage(ctx, tx, id, false); err != nil {
			return err
		}
	}
	return nil
}
