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
	actBy     time.Time // zero: by no time
	wording   string    // what the officer is texted: no details, only that there is something; empty: it stands beside another that texts
}

// raiseAlert opens an alert, texts whoever acts for the plan's officer, and sets
// the ladder going: a red one at any hour, and by night the officer on duty as
// well; an amber one in officer hours. A notice climbs no ladder. An open alert
// of the same cause stays the one.
func (l *Log) raiseAlert(ctx context.Context, tx txn, a newAlert) error {
	id := newID[alertKind](tx.now, l.random)
	tag, err := tx.Exec(ctx, `INSERT INTO alerts (id, office_id, recipient_id, plan_id, check_in_id, rule, rule_version, level, cause, act_by, opened_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (recipient_id, cause) WHERE state <> 'closed' DO NOTHING`,
		id, a.office, a.recipient, a.plan, a.checkIn, a.rule, a.version, a.level, a.cause, timeOrNull(a.actBy), tx.now)
	if err != nil {
		return fmt.Errorf("raise alert: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return nil
	}
	tx.append(happening{recipient: a.recipient, kind: "alert_raised", subject: anyID(id), actor: System, details: map[string]any{
		"rule": a.rule, "rule_version": a.version, "level": a.level, "act_by": timeOrNull(a.actBy),
	}})
	if a.wording != "" {
		if err := l.textAlert(ctx, tx, id, a); err != nil {
			return err
		}
	}
	if a.level == "notice" {
		return nil
	}
	return l.escalateAlert(ctx, tx, id, a)
}

// textAlert plans the first texts about an alert.
func (l *Log) textAlert(ctx context.Context, tx txn, id AlertID, a newAlert) error {
	people, err := l.alertPeople(ctx, tx, a)
	if err != nil {
		return err
	}
	ask := newAsk{office: a.office, recipient: a.recipient, alert: id, purpose: "officer_alert", priority: priorityReminder}
	if a.level == "red" {
		ask.priority = priorityRed
	}
	at := windowFor(ask.purpose, ask.priority).next(tx.now, tx.cal(a.office))
	for _, n := range people {
		ask.user = n.user
		if err := l.planAsk(ctx, tx, ask, []slot{{a.wording, at, at.Add(24 * time.Hour), n.why}}); err != nil {
			return err
		}
	}
	if len(people) == 0 {
		return l.nobodyToTell(ctx, tx, escalation{office: a.office, recipient: a.recipient, plan: a.plan, checkIn: a.checkIn, alert: id})
	}
	return nil
}

// alertPeople are who is texted first: whoever acts for the plan's officer. When
// the offices are closed a red alert also goes to whoever is on duty; where no
// roster says who that is, to the head of department.
func (l *Log) alertPeople(ctx context.Context, tx txn, a newAlert) ([]notice, error) {
	why := fmt.Sprintf("%s alert by rule %s", a.level, a.rule)
	var people []notice
	add := func(users []UserID, why string) error {
		present, err := l.presentOnly(ctx, tx, users, why)
		for _, n := range present {
			if !isTold(people, n.user) {
				people = append(people, n)
			}
		}
		return err
	}
	if err := add(ids(a.officer), why); err != nil {
		return nil, err
	}
	if a.level != "red" || !officerWindow.next(tx.now, tx.cal(a.office)).After(tx.now) {
		return people, nil
	}
	duty, err := onDuty(ctx, tx, a.office)
	if err != nil {
		return nil, err
	}
	if !duty.IsZero() {
		err := add(ids(duty), why+", out of office hours: to whoever is on duty")
		return people, err
	}
	heads, err := whoHears(ctx, tx, a.office, "head")
	if err != nil {
		return nil, err
	}
	err = add(heads, why+", out of office hours and no duty roster: to the head of department")
	return people, err
}

// escalateAlert sets the ladder of the plan's template going from the time to act.
func (l *Log) escalateAlert(ctx context.Context, tx txn, id AlertID, a newAlert) error {
	template := "*"
	err := tx.QueryRow(ctx, "SELECT t.key FROM care_plans p JOIN plan_templates t ON t.id = p.template_id WHERE p.id = $1", a.plan).Scan(&template)
	if err != nil && !none(err) {
		return fmt.Errorf("read the plan's template: %w", err)
	}
	e := escalation{
		office: a.office, recipient: a.recipient, plan: a.plan, alert: id, ladder: template, subject: ladderAmber, wording: a.wording,
		standing: standing{clock: a.actBy, toldAt: tx.now, acknowledged: -1},
	}
	if a.level == "red" {
		e.subject = ladderRed
	}
	if a.actBy.IsZero() {
		e.clock = tx.now
	}
	if a.wording == "" {
		e.acknowledged = 0 // nobody was texted, so nobody has to answer
	}
	return l.startEscalation(ctx, tx, e)
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
	if err := l.stopEscalations(ctx, tx, nil, ids, e.why); err != nil {
		return err
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
