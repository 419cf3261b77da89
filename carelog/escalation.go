package carelog

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"aftercare/carelog/calendar"
)

// An escalation belongs to one overdue check-in, one open alert, or one review of
// a plan that nobody takes up. It is stopped
// by the deed and not by time: while it runs, somebody is told at a known moment
// (P1). The sweep works off those whose moment has come, red first, the oldest
// first; however long nobody swept, each is told once, by its highest due rung.

type escalationKind struct{}

// escalationID names an escalation.
type escalationID = ID[escalationKind]

// escalation is one that is due, with what decides about it.
type escalation struct {
	id        escalationID
	office    OfficeID
	recipient RecipientID
	plan      PlanID
	officer   UserID // of the plan now
	checkIn   CheckInID
	alert     AlertID
	ladder    string
	subject   string
	wording   string
	due       calendar.Date // of the check-in
	standing
	settled string // why there is nothing to escalate any more
}

// startEscalation begins to escalate what is late. One that runs already goes on.
func (l *Log) startEscalation(ctx context.Context, tx txn, e escalation) error {
	rungs, err := l.ladder(ctx, tx, e.ladder, e.subject)
	if err != nil {
		return err
	}
	priority := priorityReminder
	if atAnyHour(e.subject) {
		priority = priorityRed
	}
	_, err = tx.Exec(ctx, `INSERT INTO escalations
			(id, office_id, recipient_id, plan_id, check_in_id, alert_id, ladder, subject, priority, clock, wording, told_at, acknowledged, next_at, started_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT DO NOTHING`,
		newID[escalationKind](tx.now, l.random), e.office, e.recipient, e.plan, e.checkIn, e.alert, e.ladder, e.subject, priority, e.clock, e.wording,
		timeOrNull(e.toldAt), e.acknowledged, e.next(rungs, tx.cal(e.office)), tx.now)
	if err != nil {
		return fmt.Errorf("start escalation: %w", err)
	}
	return nil
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// stopEscalations stops those of the check-ins and alerts: the deed is done.
func (l *Log) stopEscalations(ctx context.Context, tx txn, checkIns []CheckInID, alerts []AlertID, why string) error {
	_, err := tx.Exec(ctx, `UPDATE escalations SET state = 'stopped', stopped_at = $3, stopped_why = $4
		WHERE state = 'running' AND (check_in_id = ANY ($1) OR alert_id = ANY ($2))`, checkIns, alerts, tx.now, why)
	if err != nil {
		return fmt.Errorf("stop escalations: %w", err)
	}
	return nil
}

// Escalate tells of what is late whoever is due to hear of it by now, at most
// limit escalations, and tells how many it looked at. Its cost grows with what is
// due. The texts go out in officer hours; of what is red, at any hour.
func (l *Log) Escalate(ctx context.Context, limit int) (int, error) {
	return write(ctx, l, TheSystem(), func(tx txn) (int, error) {
		due, err := dueEscalations(ctx, tx, limit)
		if err != nil {
			return 0, err
		}
		for _, e := range due {
			if err := l.escalate(ctx, tx, e); err != nil {
				return 0, err
			}
		}
		return len(due), nil
	})
}

func dueEscalations(ctx context.Context, tx txn, limit int) ([]escalation, error) {
	rows, err := tx.Query(ctx, `WITH due AS MATERIALIZED (
			SELECT d.id FROM unnest($3::smallint[]) AS p (priority), LATERAL (
				SELECT id FROM escalations WHERE state = 'running' AND priority = p.priority AND next_at <= $1 ORDER BY next_at, id LIMIT $2) d)
		SELECT e.id, coalesce(p.office_id, e.office_id), e.recipient_id, e.plan_id, p.officer_id, e.check_in_id, e.alert_id, e.ladder, e.subject, e.wording, c.due,
			e.clock, e.rung, e.told_at, e.acknowledged, a.snoozed_until,
			CASE WHEN c.state NOT IN ('overdue', 'missed') THEN 'the check-in is ' || c.state WHEN a.state = 'closed' THEN 'the alert is closed'
				WHEN e.subject = 'review' AND NOT `+reviewWaits+` THEN 'the review was taken up' ELSE '' END
		FROM escalations e LEFT JOIN care_plans p ON p.id = e.plan_id
		LEFT JOIN check_ins c ON c.id = e.check_in_id LEFT JOIN alerts a ON a.id = e.alert_id
		WHERE e.id = ANY (ARRAY(SELECT id FROM due)) AND e.state = 'running' AND e.next_at <= $1
		ORDER BY e.priority, e.next_at, e.id LIMIT $2 FOR UPDATE OF e SKIP LOCKED`, tx.now, limit, []int16{priorityRed, priorityReminder})
	if err != nil {
		return nil, fmt.Errorf("find due escalations: %w", err)
	}
	due, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e escalation, err error) {
		var toldAt, snoozed pgtype.Timestamptz
		err = row.Scan(&e.id, &e.office, &e.recipient, &e.plan, &e.officer, &e.checkIn, &e.alert, &e.ladder, &e.subject, &e.wording, &e.due,
			&e.clock, &e.rung, &toldAt, &e.acknowledged, &snoozed, &e.settled)
		e.toldAt, e.snoozedUntil = toldAt.Time, snoozed.Time
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("find due escalations: %w", err)
	}
	return due, nil
}

// escalate tells the rung that is due, if one still is, and sets the next moment.
func (l *Log) escalate(ctx context.Context, tx txn, e escalation) error {
	if e.settled != "" && e.subject == ladderReview {
		return l.settleReview(ctx, tx, e.plan, e.settled)
	}
	if e.settled != "" {
		return l.stopEscalations(ctx, tx, ids(e.checkIn), ids(e.alert), e.settled)
	}
	rungs, err := l.ladder(ctx, tx, e.ladder, e.subject)
	if err != nil {
		return err
	}
	cal := tx.cal(e.office)
	due, passed := e.climb(rungs, tx.now, cal)
	if due != nil {
		if err := l.tellRung(ctx, tx, e, *due, passed); err != nil {
			return err
		}
		e.rung, e.toldAt = due.n, tx.now
	}
	_, err = tx.Exec(ctx, "UPDATE escalations SET rung = $2, told_at = $3, next_at = $4, office_id = $5 WHERE id = $1", // the plan may have moved to another office
		e.id, e.rung, timeOrNull(e.toldAt), e.next(rungs, cal), e.office)
	if err != nil {
		return fmt.Errorf("note the escalation: %w", err)
	}
	return nil
}

// ids is a list of the id, or nothing for the zero id.
func ids[Of any](id ID[Of]) []ID[Of] {
	if id.IsZero() {
		return nil
	}
	return []ID[Of]{id}
}

// tellRung plans the texts to whoever stands on the rung, and says in the history
// who hears and which rungs an outage passed over.
func (l *Log) tellRung(ctx context.Context, tx txn, e escalation, r rung, passed []rung) error {
	over := make([]string, len(passed))
	for i, p := range passed {
		over[i] = p.role
	}
	why := fmt.Sprintf("%s ladder: the rung %s was reached", e.subject, r.role)
	if r.n == e.rung {
		why = fmt.Sprintf("%s ladder: the rung %s is told again", e.subject, r.role)
	}
	tx.append(happening{recipient: e.recipient, kind: "escalated", subject: e.about(), actor: System, details: dropEmpty(map[string]any{
		"rung": r.role, "passed": strings.Join(over, ","), "reason": why,
	})})
	people, err := l.rungPeople(ctx, tx, e, r.role)
	if err != nil {
		return err
	}
	present, err := l.presentOnly(ctx, tx, people, why)
	if err != nil {
		return err
	}
	if len(present) == 0 {
		return l.nobodyToTell(ctx, tx, e)
	}
	for _, n := range present {
		if err := l.tellPerson(ctx, tx, e, r, n); err != nil {
			return err
		}
	}
	return nil
}

// review is the plan whose review it is about, if it is about one.
func (e escalation) review() PlanID {
	if e.subject != ladderReview {
		return PlanID{}
	}
	return e.plan
}

func (e escalation) about() anyID {
	switch {
	case e.subject == ladderReview:
		return anyID(e.plan)
	case e.checkIn.IsZero():
		return anyID(e.alert)
	}
	return anyID(e.checkIn)
}

// rungPeople are those on the rung: the plan's officer, or supervisors. Out of
// office hours a real-time clock also goes to whoever is on duty; where no roster
// says who that is, to the head of department.
func (l *Log) rungPeople(ctx context.Context, tx txn, e escalation, role string) ([]UserID, error) {
	if role == "officer" {
		people := ids(e.officer)
		if e.subject != ladderClock || !officerWindow.next(tx.now, tx.cal(e.office)).After(tx.now) {
			return people, nil
		}
		duty, err := dutyAt(ctx, tx, e.office, tx.now)
		if err != nil || !duty.IsZero() {
			return append(people, ids(duty)...), err
		}
		heads, err := whoHears(ctx, tx, e.office, "head")
		return append(people, heads...), err
	}
	return whoHears(ctx, tx, e.office, role)
}

// tellPerson plans the text of a rung to one person. What a lower rung planned
// for the same person and has not gone out is not said beside it.
func (l *Log) tellPerson(ctx context.Context, tx txn, e escalation, r rung, n notice) error {
	if err := l.cancelNotices(ctx, tx, e, n.user, "a higher rung is told instead"); err != nil {
		return err
	}
	purpose, wording := "supervisor_notice", map[string]string{ladderOverdue: "supervisor_overdue", ladderAmber: "supervisor_amber", ladderRed: "supervisor_red", ladderClock: "supervisor_red", ladderReview: "supervisor_review"}[e.subject]
	if r.role == "officer" {
		purpose, wording = "officer_alert", e.wording
	}
	a := newAsk{office: e.office, recipient: e.recipient, checkIn: e.checkIn, alert: e.alert, user: n.user, purpose: purpose, priority: priorityReminder, review: e.review()}
	since := tx.today().At(0, 0)
	if atAnyHour(e.subject) {
		a.priority, since = priorityRed, tx.now.Add(-time.Hour)
	}
	if beside, err := toldBeside(ctx, tx, e, n.user, wording, since); err != nil || beside {
		return err
	}
	return l.planAsk(ctx, tx, a, []slot{staffSlot(wording, a.priority, tx, e.office, n.why)})
}

// toldBeside tells whether the person was told the same of another alert of this
// household just now: two rules that found the same thing are one text, and so are
// an alert and the contact within 24 hours that it asks for.
func toldBeside(ctx context.Context, tx txn, e escalation, user UserID, wording string, since time.Time) (bool, error) {
	if e.alert.IsZero() && e.subject != ladderClock {
		return false, nil
	}
	var beside bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM messages WHERE recipient_id = $1 AND user_id = $2 AND wording = $3 AND created_at >= $4
		AND dispatch IN ('planned', 'sending', 'accepted'))`, e.recipient, user, wording, since).Scan(&beside)
	if err != nil {
		return false, fmt.Errorf("look for what was told beside: %w", err)
	}
	return beside, nil
}

// staffSlot is a text to one of ours at the next hour that is open to it.
func staffSlot(wording string, priority int, tx txn, office OfficeID, why string) slot {
	cal := tx.cal(office)
	if priority == priorityRed {
		return slot{wording, tx.now, tx.now.Add(24 * time.Hour), why}
	}
	at := officerWindow.next(tx.now, cal)
	return slot{wording, at, officerWindow.closes(cal.AddWorkdays(calendar.Of(at), 5)), why}
}

// cancelNotices cancels what is planned to a person about the same check-in or
// alert by the ladder. Reminders of a check-in that is to come are not of it.
func (l *Log) cancelNotices(ctx context.Context, tx txn, e escalation, user UserID, why string) error {
	_, err := tx.Exec(ctx, `UPDATE messages m SET dispatch = 'cancelled', dispatch_reason = $4, dispatched_at = $5
		FROM message_asks b JOIN asks a ON a.id = b.ask_id
		WHERE (a.check_in_id = $1 OR a.alert_id = $2 OR a.review_of = $6) AND a.user_id = $3 AND m.id = b.message_id AND m.dispatch = 'planned'
			AND m.purpose IN ('supervisor_notice', 'officer_alert')`, e.checkIn, e.alert, user, why, tx.now, e.review())
	if err != nil {
		return fmt.Errorf("cancel notices: %w", err)
	}
	return nil
}

// nobodyToTell: an escalation that reaches nobody is work for whoever looks at
// the office's tasks.
func (l *Log) nobodyToTell(ctx context.Context, tx txn, e escalation) error {
	return l.openTask(ctx, tx, newTask{
		kind: "supervisor_missing", cause: "supervisor_missing:" + e.about().String(), office: e.office, recipient: e.recipient, plan: e.plan, checkIn: e.checkIn,
		reason: "what is late is to be told, and neither this office nor one above it has a supervisor to be told: name one",
		actBy:  officerWindow.opens(tx.cal(e.office).NextWorkday(tx.today())),
	})
}

// whoHears are the people on a rung of the office's ladder: head, deputy, or
// office (the office above). Where nobody holds the place the nearest who can act
// do; the office above where this one has nobody at all.
func whoHears(ctx context.Context, tx txn, office OfficeID, role string) ([]UserID, error) {
	rows, err := tx.Query(ctx, "SELECT who_hears($1, $2)", office, role)
	if err != nil {
		return nil, fmt.Errorf("find who hears: %w", err)
	}
	people, err := pgx.CollectRows(rows, pgx.RowTo[UserID])
	if err != nil {
		return nil, fmt.Errorf("find who hears: %w", err)
	}
	return people, nil
}
