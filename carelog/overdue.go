package carelog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

// Marked is what one sweep of overdue work did.
type Marked struct{ Overdue, Missed, Reviews int }

// Total is how much there was to do; less than the limit ends the sweep.
func (m Marked) Total() int { return m.Overdue + m.Missed + m.Reviews }

// MarkOverdue marks check-ins that became overdue or missed, tells the
// supervisors by the ladder, and opens a task for plans whose review date has
// come, at most limit of each. It catches up on everything since it last ran.
func (l *Log) MarkOverdue(ctx context.Context, limit int) (Marked, error) {
	return write(ctx, l, TheSystem(), func(tx txn) (Marked, error) {
		var m Marked
		var err error
		if m.Overdue, err = l.markOverdue(ctx, tx, limit); err != nil {
			return m, err
		}
		if m.Missed, err = l.markMissed(ctx, tx, limit); err != nil {
			return m, err
		}
		m.Reviews, err = l.wakeReviews(ctx, tx, limit)
		return m, err
	})
}

// late is a check-in that has just become overdue.
type late struct {
	checkIn   CheckInID
	office    OfficeID
	plan      PlanID
	recipient RecipientID
	due       calendar.Date
	template  string
}

func (l *Log) markOverdue(ctx context.Context, tx txn, limit int) (int, error) {
	floors := tx.dueFloors(tx.today())
	rows, err := tx.Query(ctx, `SELECT c.id, c.office_id, c.plan_id, c.recipient_id, c.due, t.key
		FROM check_ins c JOIN care_plans p ON p.id = c.plan_id JOIN plan_templates t ON t.id = p.template_id
		WHERE c.state = 'planned' AND c.due < $1 AND c.due < `+dueFloorOf("c.office_id", "$2", "$3", "$4")+`
		ORDER BY c.due, c.id LIMIT $5 FOR UPDATE OF c SKIP LOCKED`, floors.latest, floors.offices, floors.dates, floors.national, limit)
	if err != nil {
		return 0, fmt.Errorf("find overdue check-ins: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (o late, err error) {
		err = row.Scan(&o.checkIn, &o.office, &o.plan, &o.recipient, &o.due, &o.template)
		return o, err
	})
	if err != nil {
		return 0, fmt.Errorf("find overdue check-ins: %w", err)
	}
	ids := make([]CheckInID, len(found))
	happenings := make([]happening, len(found))
	for i, o := range found {
		ids[i] = o.checkIn
		happenings[i] = happening{recipient: o.recipient, kind: "check_in_overdue", actor: System, subject: anyID(o.checkIn), details: map[string]any{"due": o.due}}
		if err := l.tellSupervisors(ctx, tx, o); err != nil {
			return 0, err
		}
	}
	_, err = tx.Exec(ctx, "UPDATE check_ins SET state = 'overdue', updated_at = $2 WHERE id = ANY ($1)", ids, tx.now)
	if err != nil {
		return 0, fmt.Errorf("mark overdue: %w", err)
	}
	for _, o := range found {
		if err := l.ensureNext(ctx, tx, o.plan); err != nil {
			return 0, err
		}
	}
	tx.append(happenings...)
	return len(found), nil
}

// tellSupervisors plans the text of the ladder's first rung: the head of
// department hears of it so many working days after the due date, unless the
// deed is done before.
func (l *Log) tellSupervisors(ctx context.Context, tx txn, o late) error {
	supervisors, err := supervisorsOf(ctx, tx, o.office)
	if err != nil {
		return err
	}
	if len(supervisors) == 0 {
		return l.openTask(ctx, tx, newTask{
			kind: "supervisor_missing", cause: "supervisor_missing:" + o.checkIn.String(), office: o.office, recipient: o.recipient, checkIn: o.checkIn,
			reason: "the check-in is overdue and neither this office nor one above it has a supervisor to be told: name one",
			actBy:  officerWindow.opens(tx.cal(o.office).NextWorkday(tx.today())),
		})
	}
	workdays, err := headRung(ctx, tx, o.template)
	if err != nil {
		return err
	}
	at := officerWindow.next(later(tx.now, officerWindow.opens(tx.cal(o.office).AddWorkdays(o.due, workdays))), tx.cal(o.office))
	deadline := officerWindow.closes(tx.cal(o.office).AddWorkdays(calendar.Of(at), 5))
	for _, user := range supervisors {
		err := l.planAsk(ctx, tx, newAsk{office: o.office, recipient: o.recipient, checkIn: o.checkIn, user: user, purpose: "supervisor_notice"}, []slot{{
			"supervisor_overdue", at, deadline, fmt.Sprintf("ladder of template %s: the head hears %d working days after the due date %s", o.template, workdays, o.due),
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

// supervisorsOf are the supervisors of the office, else of the nearest office above it that has one.
func supervisorsOf(ctx context.Context, tx txn, office OfficeID) ([]UserID, error) {
	rows, err := tx.Query(ctx, `WITH able AS (
			SELECT g.user_id, array_position(o.path, g.office_id) AS depth
			FROM offices o JOIN grants g ON g.office_id = ANY (o.path) AND g.role = 'supervisor' JOIN users u ON u.id = g.user_id AND u.state = 'active'
			WHERE o.id = $1)
		SELECT user_id FROM able WHERE depth = (SELECT max(depth) FROM able) ORDER BY user_id`, office)
	if err != nil {
		return nil, fmt.Errorf("find supervisors: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[UserID])
}

func (l *Log) markMissed(ctx context.Context, tx txn, limit int) (int, error) {
	rows, err := tx.Query(ctx, `UPDATE check_ins SET state = 'missed', updated_at = $3
		WHERE id IN (SELECT id FROM check_ins WHERE state = 'overdue' AND closes < $1 ORDER BY closes, id LIMIT $2 FOR UPDATE SKIP LOCKED)
		RETURNING id, recipient_id, due, closes`, tx.today(), limit, tx.now)
	if err != nil {
		return 0, fmt.Errorf("mark missed: %w", err)
	}
	var happenings []happening
	var id CheckInID
	var recipient RecipientID
	var due, closes calendar.Date
	_, err = pgx.ForEachRow(rows, []any{&id, &recipient, &due, &closes}, func() error {
		happenings = append(happenings, happening{
			recipient: recipient, kind: "check_in_missed", actor: System, subject: anyID(id),
			details: map[string]any{"due": due, "closes": closes},
		})
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("mark missed: %w", err)
	}
	tx.append(happenings...)
	return len(happenings), nil
}

// wakeReviews opens a task for a plan at rest whose review date has come, and
// moves the date on, so that it comes back until somebody decides.
func (l *Log) wakeReviews(ctx context.Context, tx txn, limit int) (int, error) {
	rows, err := tx.Query(ctx, `SELECT id, office_id, recipient_id, state FROM care_plans
		WHERE state <> 'closed' AND review_on IS NOT NULL AND review_on <= $1 ORDER BY review_on, id LIMIT $2 FOR UPDATE SKIP LOCKED`, tx.today(), limit)
	if err != nil {
		return 0, fmt.Errorf("find reviews: %w", err)
	}
	due, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p plan, err error) {
		err = row.Scan(&p.id, &p.office, &p.recipient, &p.state)
		return p, err
	})
	if err != nil {
		return 0, fmt.Errorf("find reviews: %w", err)
	}
	for _, p := range due {
		err := l.openTask(ctx, tx, newTask{
			kind: "plan_review", cause: "plan_review:" + p.id.String(), office: p.office, recipient: p.recipient, plan: p.id,
			reason: "the plan is " + p.state + " and its review date has come: decide how it goes on", actBy: officerWindow.closes(tx.cal(p.office).RollForward(tx.today())),
		})
		if err != nil {
			return 0, err
		}
		_, err = tx.Exec(ctx, "UPDATE care_plans SET review_on = $2 WHERE id = $1", p.id, tx.cal(p.office).AddWorkdays(tx.today(), 5))
		if err != nil {
			return 0, fmt.Errorf("move review: %w", err)
		}
	}
	return len(due), nil
}
