package carelog

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

// Marked is what one sweep of overdue work did.
type Marked struct{ Silent, Unconfirmed, Overdue, Missed, Reviews, Transfers int }

// Total is how much there was to do; less than the limit ends the sweep.
func (m Marked) Total() int {
	return m.Silent + m.Unconfirmed + m.Overdue + m.Missed + m.Reviews + m.Transfers
}

// MarkOverdue makes phone calls of village check-ins that nobody answered, notes
// visits that nobody confirmed, marks check-ins that became overdue, which begins their escalation,
// or missed, which the rules judge (R10), and opens a task for plans whose review
// date has come, at most limit of each. It catches up on everything since it last ran.
func (l *Log) MarkOverdue(ctx context.Context, limit int) (Marked, error) {
	return write(ctx, l, TheSystem(), func(tx txn) (Marked, error) {
		var m Marked
		var err error
		if m.Silent, err = l.silentContacts(ctx, tx, limit); err != nil {
			return m, err
		}
		if m.Unconfirmed, err = l.endUnanswered(ctx, tx, limit); err != nil {
			return m, err
		}
		if m.Overdue, err = l.markOverdue(ctx, tx, limit); err != nil {
			return m, err
		}
		if m.Missed, err = l.markMissed(ctx, tx, limit); err != nil {
			return m, err
		}
		if m.Reviews, err = l.wakeReviews(ctx, tx, limit); err != nil {
			return m, err
		}
		m.Transfers, err = l.wakeTransfers(ctx, tx, limit)
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
	actBy     *time.Time    // of one on a real-time clock
	from      calendar.Date // the day its ladder counts from, where that is not its due date
}

// selectLate finds check-ins that become overdue.
const selectLate = `SELECT c.id, c.office_id, c.plan_id, c.recipient_id, c.due, t.key, c.act_by
	FROM check_ins c JOIN care_plans p ON p.id = c.plan_id JOIN plan_templates t ON t.id = p.template_id WHERE c.state = 'planned' AND `

func (l *Log) markOverdue(ctx context.Context, tx txn, limit int) (int, error) {
	floors := tx.dueFloors(tx.today())
	// A real-time clock knows no rest days: it is over by the hour.
	found, err := findLate(ctx, tx, selectLate+"c.real_time AND c.act_by <= $1 ORDER BY c.act_by, c.id LIMIT $2 FOR UPDATE OF c SKIP LOCKED", tx.now, limit)
	if err != nil {
		return 0, err
	}
	byDay, err := findLate(ctx, tx, selectLate+`NOT c.real_time AND c.due < $1 AND c.due < `+dueFloorOf("c.office_id", "$2", "$3", "$4")+`
		ORDER BY c.due, c.id LIMIT $5 FOR UPDATE OF c SKIP LOCKED`, floors.latest, floors.offices, floors.dates, floors.national, limit)
	if err != nil {
		return 0, err
	}
	return len(found) + len(byDay), l.becomeOverdue(ctx, tx, append(found, byDay...))
}

func findLate(ctx context.Context, tx txn, query string, args ...any) ([]late, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("find overdue check-ins: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (o late, err error) {
		err = row.Scan(&o.checkIn, &o.office, &o.plan, &o.recipient, &o.due, &o.template, &o.actBy)
		return o, err
	})
	if err != nil {
		return nil, fmt.Errorf("find overdue check-ins: %w", err)
	}
	return found, nil
}

// becomeOverdue marks check-ins overdue, sets their ladders going and sees that
// their plans have a next one.
func (l *Log) becomeOverdue(ctx context.Context, tx txn, found []late) error {
	ids := make([]CheckInID, len(found))
	happenings := make([]happening, len(found))
	for i, o := range found {
		ids[i] = o.checkIn
		happenings[i] = happening{recipient: o.recipient, kind: "check_in_overdue", actor: System, subject: anyID(o.checkIn), details: map[string]any{"due": o.due}}
		if err := l.beginLadder(ctx, tx, o); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, "UPDATE check_ins SET state = 'overdue', updated_at = $2 WHERE id = ANY ($1)", ids, tx.now)
	if err != nil {
		return fmt.Errorf("mark overdue: %w", err)
	}
	for _, o := range found {
		if err := l.ensureNext(ctx, tx, o.plan); err != nil {
			return err
		}
	}
	tx.append(happenings...)
	return nil
}

// supervisorsOf are the heads of the office, else whoever is nearest above.
func supervisorsOf(ctx context.Context, tx txn, office OfficeID) ([]UserID, error) {
	return whoHears(ctx, tx, office, "head")
}

// beginLadder starts the escalation of a check-in that has just become overdue.
// That nobody could be told is said now, while there is time to name somebody.
func (l *Log) beginLadder(ctx context.Context, tx txn, o late) error {
	e := escalation{
		office: o.office, recipient: o.recipient, plan: o.plan, checkIn: o.checkIn, ladder: o.template, subject: ladderOverdue,
		standing: standing{clock: officerWindow.closes(o.due), acknowledged: -1},
	}
	if !o.from.IsZero() {
		e.clock = officerWindow.closes(o.from)
	}
	if o.actBy != nil {
		e.subject, e.wording, e.clock = ladderClock, "officer_red", *o.actBy
	}
	if err := l.startEscalation(ctx, tx, e); err != nil {
		return err
	}
	supervisors, err := supervisorsOf(ctx, tx, o.office)
	if err != nil || len(supervisors) > 0 {
		return err
	}
	return l.nobodyToTell(ctx, tx, e)
}

// markMissed marks what is past its grace. The plan is locked with its check-in,
// and nothing is waited for: whoever holds one of them is looked at on the next sweep.
func (l *Log) markMissed(ctx context.Context, tx txn, limit int) (int, error) {
	rows, err := tx.Query(ctx, `UPDATE check_ins SET state = 'missed', updated_at = $3
		WHERE id IN (SELECT c.id FROM check_ins c JOIN care_plans p ON p.id = c.plan_id
			WHERE c.state = 'overdue' AND c.closes < $1 ORDER BY c.closes, c.id LIMIT $2 FOR NO KEY UPDATE OF p, c SKIP LOCKED)
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
	judged := map[RecipientID]bool{}
	for _, h := range happenings {
		if judged[h.recipient] {
			continue
		}
		judged[h.recipient] = true
		if err := l.judgeHousehold(ctx, tx, h.recipient); err != nil {
			return 0, err
		}
	}
	return len(happenings), nil
}

// reviewWaits is SQL: the review of a plan p has come, and nobody has taken it up.
const reviewWaits = `(p.state <> 'closed' AND p.review_on IS NOT NULL
	AND EXISTS (SELECT FROM tasks w WHERE w.cause = 'plan_review:' || p.id AND w.state = 'open'))`

func reviewCause(id PlanID) string { return "plan_review:" + id.String() }

// wakeReviews opens a task for a plan at rest whose review date has come, sets its
// ladder going and moves the date on, so that it comes back until somebody decides.
func (l *Log) wakeReviews(ctx context.Context, tx txn, limit int) (int, error) {
	rows, err := tx.Query(ctx, `SELECT p.id, p.office_id, p.recipient_id, p.state, p.review_on, t.key FROM care_plans p JOIN plan_templates t ON t.id = p.template_id
		WHERE p.state <> 'closed' AND p.review_on IS NOT NULL AND p.review_on <= $1 ORDER BY p.review_on, p.id LIMIT $2 FOR UPDATE OF p SKIP LOCKED`, tx.today(), limit)
	if err != nil {
		return 0, fmt.Errorf("find reviews: %w", err)
	}
	due, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p plan, err error) {
		err = row.Scan(&p.id, &p.office, &p.recipient, &p.state, &p.reviewOn, &p.template.Key)
		return p, err
	})
	if err != nil {
		return 0, fmt.Errorf("find reviews: %w", err)
	}
	for _, p := range due {
		if err := l.escalateReview(ctx, tx, p); err != nil {
			return 0, err
		}
		err := l.openTask(ctx, tx, newTask{
			kind: "plan_review", cause: reviewCause(p.id), office: p.office, recipient: p.recipient, plan: p.id,
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

// escalateReview sets the ladder of a review going that has just come. One that
// was taken up before is over; one that waits already goes on.
func (l *Log) escalateReview(ctx context.Context, tx txn, p plan) error {
	var waits bool
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM tasks WHERE cause = $1 AND state = 'open')", reviewCause(p.id)).Scan(&waits); err != nil {
		return fmt.Errorf("look for the review: %w", err)
	}
	if !waits {
		if err := l.settleReview(ctx, tx, p.id, "the review was taken up"); err != nil {
			return err
		}
	}
	return l.startEscalation(ctx, tx, escalation{
		office: p.office, recipient: p.recipient, plan: p.id, ladder: p.template.Key, subject: ladderReview, wording: "officer_review",
		standing: standing{clock: officerWindow.opens(tx.cal(p.office).RollForward(p.reviewOn)), acknowledged: -1},
	})
}

// takeUpReview ends the review of a plan that somebody just decided about.
func (l *Log) takeUpReview(ctx context.Context, tx txn, id PlanID) error {
	const why = "the review was taken up"
	if err := l.settleReview(ctx, tx, id, why); err != nil {
		return err
	}
	return l.endTasks(ctx, tx, []string{reviewCause(id)}, why)
}

// settleReview stops telling of a plan's review.
func (l *Log) settleReview(ctx context.Context, tx txn, id PlanID, why string) error {
	_, err := tx.Exec(ctx, `UPDATE messages m SET dispatch = 'cancelled', dispatch_reason = $2, dispatched_at = $3
		FROM message_asks b JOIN asks a ON a.id = b.ask_id
		WHERE a.review_of = $1 AND m.id = b.message_id AND m.dispatch = 'planned' AND m.purpose <> 'staff_digest'`, id, why, tx.now)
	if err != nil {
		return fmt.Errorf("cancel the review's messages: %w", err)
	}
	_, err = tx.Exec(ctx, `WITH settled AS (
			UPDATE asks SET state = 'closed', reason = $2, closed_at = $3 WHERE review_of = $1 AND state = 'open' RETURNING id)
		UPDATE task_codes SET free_from = $4 FROM settled WHERE ask_id = settled.id AND free_from IS NULL`, id, why, tx.now, tx.now.Add(codeRest))
	if err != nil {
		return fmt.Errorf("close the review's asks: %w", err)
	}
	_, err = tx.Exec(ctx, "UPDATE escalations SET state = 'stopped', stopped_at = $2, stopped_why = $3 WHERE plan_id = $1 AND subject = 'review' AND state = 'running'",
		id, tx.now, why)
	if err != nil {
		return fmt.Errorf("stop the review's escalation: %w", err)
	}
	return nil
}
