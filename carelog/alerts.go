package carelog

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// newAlert is a hit of a rule on its way in. One open alert a cause.
type newAlert struct {
	office    OfficeID
	recipient RecipientID
	plan      PlanID
	checkIn   CheckInID
	officer   UserID
	rule      string
	version   int
	level     string
	cause     string
	actBy     time.Time
	wording   string // what the officer is texted: no details, only that there is something; empty: nothing
}

// raiseAlert opens an alert and texts the plan's officer: a red one at any hour,
// an amber one in officer hours. An open alert of the same cause stays the one.
func (l *Log) raiseAlert(ctx context.Context, tx txn, a newAlert) error {
	id := newID[alertKind](tx.now, l.random)
	var actBy *time.Time
	if !a.actBy.IsZero() {
		actBy = &a.actBy
	}
	tag, err := tx.Exec(ctx, `INSERT INTO alerts (id, office_id, recipient_id, plan_id, check_in_id, rule, rule_version, level, cause, act_by, opened_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (recipient_id, cause) WHERE state <> 'closed' DO NOTHING`,
		id, a.office, a.recipient, a.plan, a.checkIn, a.rule, a.version, a.level, a.cause, actBy, tx.now)
	if err != nil {
		return fmt.Errorf("raise alert: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return nil
	}
	if err := l.textOfficer(ctx, tx, a, id); err != nil {
		return err
	}
	tx.append(happening{recipient: a.recipient, kind: "alert_raised", subject: anyID(id), actor: System, details: map[string]any{
		"rule": a.rule, "rule_version": a.version, "level": a.level, "act_by": actBy,
	}})
	return nil
}

func (l *Log) textOfficer(ctx context.Context, tx txn, a newAlert, id AlertID) error {
	if a.wording == "" {
		return nil
	}
	priority := priorityReminder
	if a.level == "red" {
		priority = priorityRed
	}
	at := windowFor("officer_alert", priority).next(tx.now, tx.cal(a.office))
	return l.planAsk(ctx, tx, newAsk{
		office: a.office, recipient: a.recipient, alert: id, user: a.officer, purpose: "officer_alert", priority: priority,
	}, []slot{{a.wording, at, at.Add(24 * time.Hour), fmt.Sprintf("%s alert by rule %s", a.level, a.rule)}})
}

// endedAlerts names the open alerts of a household that end, and how: outcome is
// resolved, false or superseded; why is of our own list, never what people wrote.
type endedAlerts struct {
	recipient RecipientID
	causes    []string
	outcome   string
	why       string
}

// endAlerts ends the open alerts of these causes with their texts that are still
// planned. Nobody is told any more: an alert is stopped by the deed.
func (l *Log) endAlerts(ctx context.Context, tx txn, e endedAlerts) error {
	rows, err := tx.Query(ctx, `UPDATE alerts SET state = 'closed', outcome = $3, why = $4, closed_at = $5, closed_by = $6
		WHERE recipient_id = $1 AND cause = ANY ($2) AND state <> 'closed' RETURNING id, rule, level`,
		e.recipient, e.causes, e.outcome, e.why, tx.now, tx.by.User)
	if err != nil {
		return fmt.Errorf("end alerts: %w", err)
	}
	return l.alertsEnded(ctx, tx, rows, e)
}

// alertsEnded settles what hung on alerts that were just closed.
func (l *Log) alertsEnded(ctx context.Context, tx txn, rows pgx.Rows, e endedAlerts) error {
	var ids []AlertID
	var id AlertID
	var rule, level string
	_, err := pgx.ForEachRow(rows, []any{&id, &rule, &level}, func() error {
		ids = append(ids, id)
		tx.append(happening{recipient: e.recipient, kind: "alert_closed", subject: anyID(id), details: map[string]any{
			"rule": rule, "level": level, "ended": e.outcome, "reason": e.why,
		}})
		return nil
	})
	if err != nil {
		return fmt.Errorf("end alerts: %w", err)
	}
	return l.settleAlertAsks(ctx, tx, ids, e.why)
}

// settleAlertAsks closes the asks about the alerts, lets their codes rest and
// cancels what is still planned about them.
func (l *Log) settleAlertAsks(ctx context.Context, tx txn, ids []AlertID, why string) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `UPDATE messages m SET dispatch = 'cancelled', dispatch_reason = $2, dispatched_at = $3
		FROM message_asks b JOIN asks a ON a.id = b.ask_id
		WHERE a.alert_id = ANY ($1) AND m.id = b.message_id AND m.dispatch = 'planned' AND m.purpose <> 'staff_digest'`, ids, why, tx.now)
	if err != nil {
		return fmt.Errorf("cancel the alerts' messages: %w", err)
	}
	_, err = tx.Exec(ctx, `WITH settled AS (
			UPDATE asks SET state = 'closed', reason = $2, closed_at = $3 WHERE alert_id = ANY ($1) AND state = 'open' RETURNING id)
		UPDATE task_codes SET free_from = $4 FROM settled WHERE ask_id = settled.id AND free_from IS NULL`, ids, why, tx.now, tx.now.Add(codeRest))
	if err != nil {
		return fmt.Errorf("close the alerts' asks: %w", err)
	}
	return nil
}
