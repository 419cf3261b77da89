package carelog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"aftercare/carelog/calendar"
)

// How long an alert may be put off, and how often by somebody who is no supervisor.
const (
	longestRedSnooze   = 4 * time.Hour
	longestAmberSnooze = 5 // working days
	snoozesOfOfficers  = 1
)

// openAlert is an alert's row as the verbs work on it.
type openAlert struct {
	id        AlertID
	office    OfficeID
	recipient RecipientID
	plan      PlanID
	rule      string
	level     string
	cause     string
	state     string
	openedAt  time.Time
	snoozes   int
	addressed bool // whether the actor was texted about it, is the plan's officer or stands in for them
}

// lockAlert reads an open alert for change by somebody it concerns: whoever it was
// addressed to, the plan's officer or whoever stands in for them, or a supervisor
// of the office.
func (l *Log) lockAlert(ctx context.Context, tx txn, by Actor, id AlertID) (openAlert, error) {
	a := openAlert{id: id}
	err := tx.QueryRow(ctx, "SELECT office_id, recipient_id, plan_id, rule, level, cause, state, opened_at, snoozes FROM alerts WHERE id = $1 FOR NO KEY UPDATE", id).
		Scan(&a.office, &a.recipient, &a.plan, &a.rule, &a.level, &a.cause, &a.state, &a.openedAt, &a.snoozes)
	if none(err) {
		return a, notFound("alert")
	}
	if err != nil {
		return a, fmt.Errorf("read alert: %w", err)
	}
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM asks WHERE alert_id = $1 AND user_id = $2)
		OR EXISTS (SELECT FROM care_plans WHERE id = $3 AND (officer_id = $2 OR stands_in(officer_id, $4) = $2))`, id, by.User, a.plan, tx.today()).Scan(&a.addressed)
	switch {
	case err != nil:
		return a, fmt.Errorf("read whom the alert concerns: %w", err)
	case by.Kind != Person:
		return a, forbidden("an alert is answered for by a person")
	case !by.may(a.office, ActOnAnyAlert) && (!a.addressed || !by.may(a.office, ActOnAddressed)):
		return a, forbidden("an alert is answered for by whoever it was addressed to, or a supervisor of the office")
	case a.state == "closed":
		return a, conflict("the alert is closed already")
	}
	return a, nil
}

// Acknowledge says by name that somebody has seen the alert and acts. The rung
// that was told is not told again; the time to act goes on, and the next rung
// hears when it is over. Whoever it was addressed to, the plan's officer or a
// supervisor of the office may; a repeat by another name is noted as well.
func (l *Log) Acknowledge(ctx context.Context, by Actor, id AlertID) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		a, err := l.lockAlert(ctx, tx, by, id)
		if err != nil {
			return struct{}{}, err
		}
		_, err = tx.Exec(ctx, `UPDATE alerts SET state = 'acknowledged', acknowledged_at = coalesce(acknowledged_at, $2), acknowledged_by = coalesce(acknowledged_by, $3)
			WHERE id = $1`, id, tx.now, by.User)
		if err != nil {
			return struct{}{}, fmt.Errorf("acknowledge alert: %w", err)
		}
		tx.append(happening{recipient: a.recipient, kind: "alert_acknowledged", subject: anyID(id), details: map[string]any{"rule": a.rule, "level": a.level}})
		err = l.setAside(ctx, tx, a, func(e *escalation) { e.acknowledged = max(e.acknowledged, e.rung) })
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, l.cancelNotices(ctx, tx, escalation{alert: id}, by.User, "the alert was acknowledged")
	})
	return err
}

// setAside changes where the alert's escalation stands and sets its next moment anew.
func (l *Log) setAside(ctx context.Context, tx txn, a openAlert, change func(*escalation)) error {
	var e escalation
	var toldAt, snoozed *time.Time
	err := tx.QueryRow(ctx, `SELECT e.id, e.ladder, e.subject, e.clock, e.rung, e.told_at, e.acknowledged, a.snoozed_until
		FROM escalations e JOIN alerts a ON a.id = e.alert_id WHERE e.alert_id = $1 AND e.state = 'running' FOR UPDATE OF e`, a.id).
		Scan(&e.id, &e.ladder, &e.subject, &e.clock, &e.rung, &toldAt, &e.acknowledged, &snoozed)
	if none(err) {
		return nil // a notice climbs no ladder
	}
	if err != nil {
		return fmt.Errorf("read the escalation: %w", err)
	}
	if toldAt != nil {
		e.toldAt = *toldAt
	}
	if snoozed != nil {
		e.snoozedUntil = *snoozed
	}
	change(&e)
	rungs, err := l.ladder(ctx, tx, e.ladder, e.subject)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "UPDATE escalations SET acknowledged = $2, next_at = $3 WHERE id = $1", e.id, e.acknowledged, e.next(rungs, tx.cal(a.office)))
	if err != nil {
		return fmt.Errorf("set the escalation's next moment: %w", err)
	}
	return nil
}

// Snooze puts the ladder of an alert off until a time, with a reason: a red one 4
// hours at most, another 5 working days; an officer once, then a supervisor
// decides. The time to act does not move. The reason stands in the history.
func (l *Log) Snooze(ctx context.Context, by Actor, id AlertID, until time.Time, why string) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		a, err := l.lockAlert(ctx, tx, by, id)
		if err != nil {
			return struct{}{}, err
		}
		if err := a.checkSnooze(tx, until, why); err != nil {
			return struct{}{}, err
		}
		if a.snoozes >= snoozesOfOfficers && !by.may(a.office, ActOnAnyAlert) {
			return struct{}{}, forbidden("the alert was put off once already: a supervisor decides whether it may be again")
		}
		_, err = tx.Exec(ctx, "UPDATE alerts SET snoozed_until = $2, snoozes = snoozes + 1 WHERE id = $1", id, until)
		if err != nil {
			return struct{}{}, fmt.Errorf("snooze alert: %w", err)
		}
		tx.append(happening{recipient: a.recipient, kind: "alert_snoozed", subject: anyID(id), details: map[string]any{
			"rule": a.rule, "level": a.level, "until": until, "note": why,
		}})
		return struct{}{}, l.setAside(ctx, tx, a, func(*escalation) {})
	})
	return err
}

func (a openAlert) checkSnooze(tx txn, until time.Time, why string) error {
	latest := tx.now.Add(longestRedSnooze)
	if a.level != "red" {
		latest = officerWindow.closes(tx.cal(a.office).AddWorkdays(tx.today(), longestAmberSnooze))
	}
	var p problems
	switch {
	case until.IsZero():
		p.add("until", isRequired)
	case !until.After(tx.now):
		p.add("until", isInPast)
	case until.After(latest):
		p.add("until", reason{
			"lies too far ahead: choose " + latest.In(calendar.Shanghai()).Format("2006-01-02 15:04") + " at the latest",
			"过晚,最迟 " + latest.In(calendar.Shanghai()).Format("2006-01-02 15:04"),
		})
	}
	p.addWords("reason", why)
	return p.err()
}

// longestWords is how many characters a reason or a deed may have.
const longestWords = 2000

// addWords asks for words in a person's own: some, and not too many.
func (p *problems) addWords(field, words string) {
	switch {
	case strings.TrimSpace(words) == "":
		p.add(field, isRequired)
	case utf8.RuneCountInString(words) > longestWords:
		p.add(field, isTooLong)
	}
}

// CloseAlert ends an alert by a person: resolved, or false. Done says what was
// done, or why it was none; it stands in the history. A red one is resolved by an
// officer only after somebody recorded a contact with the household since it was
// raised; a supervisor's word is enough. The work opened for it ends with it.
func (l *Log) CloseAlert(ctx context.Context, by Actor, id AlertID, outcome, done string) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		a, err := l.lockAlert(ctx, tx, by, id)
		if err != nil {
			return struct{}{}, err
		}
		var p problems
		if !slices.Contains([]string{"resolved", "false"}, outcome) {
			p.add("outcome", isUnknown)
		}
		p.addWords("done", done)
		if err := p.err(); err != nil {
			return struct{}{}, err
		}
		if a.level == "red" && !by.may(a.office, ActOnAnyAlert) {
			if err := deedSince(ctx, tx, a); err != nil {
				return struct{}{}, err
			}
		}
		tx.append(happening{recipient: a.recipient, kind: "alert_answered", subject: anyID(id), details: map[string]any{"ended": outcome, "note": done}})
		err = l.endAlerts(ctx, tx, endedAlerts{recipient: a.recipient, causes: []string{a.cause}, outcome: outcome, why: "closed by a person"})
		if err != nil {
			return struct{}{}, err
		}
		if err := l.endTasks(ctx, tx, []string{a.cause}, "its alert was closed"); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, l.judgeHousehold(ctx, tx, a.recipient)
	})
	return err
}

// deedSince refuses where nobody recorded a deed since the alert was raised: a
// visit, a call, a referral or a report. What raised it is none, nor is an attempt:
// a red alert ends by a deed and not by a word.
func deedSince(ctx context.Context, tx txn, a openAlert) error {
	var done bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM check_in_records WHERE recipient_id = $1 AND recorded_at > $2 AND occurred_at >= $2
			AND outcome = 'reached' AND kind IN ('home', 'phone') AND superseded_by IS NULL)
		OR EXISTS (SELECT FROM history WHERE recipient_id = $1 AND recorded_at > $2 AND actor_kind = 'person'
			AND (kind = 'contact_noted' AND occurred_at >= $2 OR kind IN ('mandatory_report_made', 'referral_sent')))`, a.recipient, a.openedAt).Scan(&done)
	if err != nil {
		return fmt.Errorf("look for the deed: %w", err)
	}
	if !done {
		return conflict("a red alert ends by a deed: record the visit or call first, or have a supervisor close it with a reason")
	}
	return nil
}
