package carelog

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// toThePlansOfficer are asks of a file that go to its officer as such, or to
// whoever stood in: not an alert told to a supervisor or to whoever is on duty.
const toThePlansOfficer = `a.recipient_id = $1 AND a.user_id <> $4 AND (a.purpose = 'officer_reminder' OR a.purpose = 'officer_alert'
	AND a.user_id IS DISTINCT FROM $5 AND NOT EXISTS (SELECT FROM grants g WHERE g.user_id = a.user_id AND g.role = 'supervisor'))`

// replanOfficer gives the plan's present officer what was planned for the one
// before: reminders of open check-ins, and open alerts. What is on its way or was
// sent stays as it is, and nobody is told the same twice.
func (l *Log) replanOfficer(ctx context.Context, tx txn, p plan, why string) error {
	duty, err := onDuty(ctx, tx, p.office)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE messages m SET dispatch = 'cancelled', dispatch_reason = $2, dispatched_at = $3
		FROM message_asks b JOIN asks a ON a.id = b.ask_id
		WHERE m.id = b.message_id AND m.dispatch = 'planned' AND m.user_id = a.user_id AND m.purpose = a.purpose
			AND `+toThePlansOfficer, p.recipient, why, tx.now, p.officer, duty)
	if err != nil {
		return fmt.Errorf("cancel the officer's messages: %w", err)
	}
	rows, err := tx.Query(ctx, `WITH ended AS (
			UPDATE asks a SET state = 'closed', reason = $2, closed_at = $3 WHERE a.state = 'open' AND `+toThePlansOfficer+` RETURNING id, check_in_id, alert_id, review_of),
		rested AS (UPDATE task_codes SET free_from = $6 FROM ended WHERE ask_id = ended.id AND free_from IS NULL)
		SELECT DISTINCT check_in_id, alert_id, review_of FROM ended ORDER BY check_in_id, alert_id, review_of`,
		p.recipient, why, tx.now, p.officer, duty, tx.now.Add(codeRest))
	if err != nil {
		return fmt.Errorf("close the officer's asks: %w", err)
	}
	type subject struct {
		checkIn CheckInID
		alert   AlertID
		review  PlanID
	}
	asked, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s subject, err error) {
		err = row.Scan(&s.checkIn, &s.alert, &s.review)
		return s, err
	})
	if err != nil {
		return fmt.Errorf("close the officer's asks: %w", err)
	}
	for _, s := range asked {
		if !s.review.IsZero() {
			at := officerWindow.next(tx.now, tx.cal(p.office))
			a := newAsk{office: p.office, recipient: p.recipient, review: p.id, user: p.officer, purpose: "officer_alert"}
			err = l.planAsk(ctx, tx, a, []slot{{"officer_review", at, at.Add(24 * time.Hour), why}})
		} else if s.alert.IsZero() {
			err = l.remindOfficer(ctx, tx, p, s.checkIn)
		} else {
			err = l.alertOfficer(ctx, tx, p, s.alert)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) remindOfficer(ctx context.Context, tx txn, p plan, id CheckInID) error {
	t := toPlan{checkIn: id, office: p.office, recipient: p.recipient, officer: p.officer}
	err := tx.QueryRow(ctx, "SELECT kind, opens, due, act_by FROM check_ins WHERE id = $1 AND state IN ('planned', 'overdue', 'missed')", id).Scan(&t.kind, &t.opens, &t.due, &t.actBy)
	if none(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read check-in: %w", err)
	}
	if t.actBy != nil {
		return l.remindOnTheClock(ctx, tx, t)
	}
	return l.planFor(ctx, tx, t, "officer_reminder", officerSlots(tx.cal(p.office), t.opens, t.due, tx.now))
}

// alertOfficer tells the plan's officer of an open alert, unless they were told.
func (l *Log) alertOfficer(ctx context.Context, tx txn, p plan, id AlertID) error {
	var level, rule, wording string
	err := tx.QueryRow(ctx, `SELECT a.level, a.rule, m.wording FROM alerts a
		JOIN asks k ON k.alert_id = a.id AND k.purpose = 'officer_alert' JOIN message_asks b ON b.ask_id = k.id JOIN messages m ON m.id = b.message_id
		WHERE a.id = $1 AND a.state <> 'closed' AND m.purpose = 'officer_alert' AND NOT EXISTS
			(SELECT FROM asks o JOIN message_asks s ON s.ask_id = o.id JOIN messages t ON t.id = s.message_id
			 WHERE o.alert_id = a.id AND o.user_id = $2 AND t.dispatch IN ('planned', 'sending', 'accepted', 'unknown'))
		ORDER BY m.created_at DESC, m.id DESC LIMIT 1`, id, p.officer).Scan(&level, &rule, &wording)
	if none(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read alert: %w", err)
	}
	priority := priorityReminder
	if level == "red" {
		priority = priorityRed
	}
	at := windowFor("officer_alert", priority).next(tx.now, tx.cal(p.office))
	return l.planAsk(ctx, tx, newAsk{
		office: p.office, recipient: p.recipient, alert: id, user: p.officer, purpose: "officer_alert", priority: priority,
	}, []slot{{wording, at, at.Add(24 * time.Hour), fmt.Sprintf("%s alert by rule %s: the plan has a new officer", level, rule)}})
}
