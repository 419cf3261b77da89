package carelog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/condition"
	"aftercare/internal/crypt"
)

// reportHours is the time to report that a child is harmed or in danger: the law
// says at once (Minors Law art. 11); the clock of R2 is two hours, at any hour.
const reportHours = 2

// mandatoryReport opens the task to report that a child is or may be harmed, to
// police, civil affairs and education. It ends only by RecordReport; when its two
// hours pass, WatchReports raises a red alert that climbs the ladder. One open
// task a plan: while it is open, another cause adds nothing. why is of our own list.
func (l *Log) mandatoryReport(ctx context.Context, tx txn, p plan, why string) error {
	var open bool
	cause := "mandatory_report:" + p.id.String()
	err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM tasks WHERE cause = $1 AND state = 'open')", cause).Scan(&open)
	if err != nil {
		return fmt.Errorf("look for an open report: %w", err)
	}
	if open {
		return nil
	}
	actBy := tx.now.Add(reportHours * time.Hour)
	err = l.openTask(ctx, tx, newTask{
		kind: "mandatory_report", cause: cause, office: p.office, recipient: p.recipient, plan: p.id, reason: why, actBy: actBy,
	})
	if err != nil {
		return err
	}
	tx.append(happening{recipient: p.recipient, kind: "mandatory_report_opened", actor: System, subject: anyID(p.id), details: map[string]any{"reason": why, "act_by": actBy}})
	return nil
}

// reportOwed tells whether a finding demands a report: a child is harmed (R2), or
// somebody is in danger where a child lives. Money that was seized is R2 as well,
// and no report of that kind.
func (l *Log) reportOwed(ctx context.Context, tx txn, recipient RecipientID, hit condition.Hit) (bool, error) {
	endangers := func(f condition.Flag) bool { return f != condition.FundSeizure }
	if hit.MustReport || hit.Rule != "R2" || !slices.ContainsFunc(hit.Flags, endangers) {
		return hit.MustReport, nil
	}
	return l.hasMinor(ctx, tx, recipient)
}

// hasMinor tells whether the recipient or somebody of the household is a child today.
func (l *Log) hasMinor(ctx context.Context, tx txn, recipient RecipientID) (bool, error) {
	household, err := l.openHousehold(ctx, tx, recipient)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(household, func(m Member) bool { return isMinor(m.BornOn, tx.today()) || slices.Contains(m.Flags, "minor_victim") }), nil
}

// openHousehold unseals the people of a household, the recipient first.
func (l *Log) openHousehold(ctx context.Context, tx txn, recipient RecipientID) ([]Member, error) {
	var wrapped, sealed []byte
	if err := tx.QueryRow(ctx, "SELECT data_key, sealed FROM recipients WHERE id = $1", recipient).Scan(&wrapped, &sealed); err != nil {
		return nil, fmt.Errorf("read recipient: %w", err)
	}
	if wrapped == nil {
		return nil, nil
	}
	key, err := l.keys.Unwrap(recipient, wrapped)
	if err != nil {
		return nil, fmt.Errorf("open the recipient's key: %w", err)
	}
	self, err := crypt.OpenJSON[recipientFacts](key, sealed, "recipients.sealed")
	if err != nil {
		return nil, fmt.Errorf("open the recipient: %w", err)
	}
	members, err := openMembers(ctx, tx, recipient, key)
	return append([]Member{{Relation: "self", Name: self.Name, BornOn: self.BornOn, Flags: self.Flags}}, members...), err
}

// MadeReport is one report that was made: to which body, when, under what number.
type MadeReport struct {
	To        string    `json:"to"` // police, civil_affairs, education, procuratorate, other
	At        time.Time `json:"at"`
	Reference string    `json:"reference"` // the number it was given; sealed
	Person    string    `json:"person"`    // who took it; sealed
	Note      string    `json:"note"`      // sealed
}

var reportedTo = []string{"police", "civil_affairs", "education", "procuratorate", "other"}

// sealedReport is what is sealed of a report.
type sealedReport struct {
	Reference string `json:"reference"`
	Person    string `json:"person,omitempty"`
	Note      string `json:"note,omitempty"`
}

// RecordReport ends a mandatory-report task with the reports that were made: at
// least one to the police, since only they can protect at once. Nothing else ends
// it. Officers and supervisors of the office may. Refusals: Invalid, NotFound,
// Forbidden, Conflict when it is done or no such task.
func (l *Log) RecordReport(ctx context.Context, by Actor, id TaskID, made []MadeReport) error {
	if by.Kind != Person {
		return forbidden("a task is settled by a person")
	}
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		t, err := lockTask(ctx, tx, id)
		if err != nil {
			return struct{}{}, err
		}
		switch {
		case !by.may(t.office, SettleTask):
			return struct{}{}, forbidden("only officers and supervisors of the office settle its tasks")
		case t.kind != "mandatory_report":
			return struct{}{}, conflict("the task asks for no report")
		case t.state != "open":
			return struct{}{}, conflict("the task is done already")
		}
		if err := checkReports(tx, made); err != nil {
			return struct{}{}, err
		}
		if err := l.insertReports(ctx, tx, t, made); err != nil {
			return struct{}{}, err
		}
		if err := l.endTasks(ctx, tx, []string{t.cause}, "the report was made"); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, l.endAlerts(ctx, tx, endedAlerts{
			recipient: t.recipient, causes: []string{overdueReport(id)}, outcome: "resolved", why: "the report was made",
		})
	})
	return err
}

// lockedTask is a task's row as the verbs work on it.
type lockedTask struct {
	id          TaskID
	office      OfficeID
	recipient   RecipientID
	plan        PlanID
	kind, state string
	cause       string
}

// lockTask reads a task for change, its plan before it.
func lockTask(ctx context.Context, tx txn, id TaskID) (lockedTask, error) {
	t := lockedTask{id: id}
	_, err := tx.Exec(ctx, "SELECT FROM care_plans WHERE id = (SELECT plan_id FROM tasks WHERE id = $1) FOR NO KEY UPDATE", id)
	if err != nil {
		return t, fmt.Errorf("lock the plan: %w", err)
	}
	err = tx.QueryRow(ctx, "SELECT office_id, recipient_id, plan_id, kind, state, cause FROM tasks WHERE id = $1 FOR UPDATE", id).
		Scan(&t.office, &t.recipient, &t.plan, &t.kind, &t.state, &t.cause)
	if none(err) {
		return t, notFound("task")
	}
	if err != nil {
		return t, fmt.Errorf("read task: %w", err)
	}
	return t, nil
}

func checkReports(tx txn, made []MadeReport) error {
	var p problems
	if !slices.ContainsFunc(made, func(m MadeReport) bool { return m.To == "police" }) {
		p.add("reports", reason{"must name the report to the police", "须写明向公安机关的报告"})
	}
	for i, m := range made {
		at := fmt.Sprintf("reports[%d]", i)
		if !slices.Contains(reportedTo, m.To) {
			p.add(at+".to", isUnknown)
		}
		switch {
		case m.At.IsZero():
			p.add(at+".at", isRequired)
		case m.At.After(tx.now):
			p.add(at+".at", isInFuture)
		case m.At.Before(tx.now.AddDate(0, 0, -30)):
			p.add(at+".at", isOutsideWindow)
		}
		if strings.TrimSpace(m.Reference) == "" {
			p.add(at+".reference", isRequired)
		}
		for field, text := range map[string]string{"reference": m.Reference, "person": m.Person, "note": m.Note} {
			if len(text) > 2000 {
				p.add(at+"."+field, isTooLong)
			}
		}
	}
	return p.err()
}

func (l *Log) insertReports(ctx context.Context, tx txn, t lockedTask, made []MadeReport) error {
	key, err := l.recipientKey(ctx, tx, t.recipient)
	if err != nil {
		return err
	}
	for _, m := range made {
		id := newID[plainKind](tx.now, l.random)
		sealed, err := crypt.SealJSON(key, sealedReport{m.Reference, m.Person, m.Note}, "mandatory_reports.sealed/"+id.String())
		if err != nil {
			return fmt.Errorf("seal the report: %w", err)
		}
		_, err = tx.Exec(ctx, `INSERT INTO mandatory_reports (id, recipient_id, task_id, body, reported_at, recorded_by, recorded_at, sealed)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, id, t.recipient, t.id, m.To, m.At, tx.by.User, tx.now, sealed)
		if err != nil {
			return fmt.Errorf("insert report: %w", err)
		}
		tx.append(happening{recipient: t.recipient, kind: "mandatory_report_made", at: m.At, subject: anyID(t.id), details: dropEmpty(map[string]any{
			"body": m.To, "reference": m.Reference, "person": m.Person, "note": m.Note,
		})})
	}
	return nil
}

func overdueReport(id TaskID) string { return "mandatory_report_overdue:" + id.String() }

// WatchReports raises a red alert for every mandatory report whose hours have
// passed, at most limit, and tells how many. It climbs the ladder until the
// report is made, and catches up on everything since it last ran.
func (l *Log) WatchReports(ctx context.Context, limit int) (int, error) {
	return write(ctx, l, TheSystem(), func(tx txn) (int, error) {
		rows, err := tx.Query(ctx, `SELECT t.id, t.plan_id, t.act_by FROM tasks t
			WHERE t.kind = 'mandatory_report' AND t.state = 'open' AND t.act_by <= $1
				AND NOT EXISTS (SELECT FROM alerts a WHERE a.recipient_id = t.recipient_id AND a.cause = 'mandatory_report_overdue:' || t.id AND a.state <> 'closed')
			ORDER BY t.act_by, t.id LIMIT $2`, tx.now, limit)
		if err != nil {
			return 0, fmt.Errorf("find late reports: %w", err)
		}
		type late struct {
			task  TaskID
			plan  PlanID
			actBy time.Time
		}
		found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (o late, err error) {
			err = row.Scan(&o.task, &o.plan, &o.actBy)
			return o, err
		})
		if err != nil {
			return 0, fmt.Errorf("find late reports: %w", err)
		}
		for _, o := range found {
			p, err := l.lockPlan(ctx, tx, o.plan)
			if err != nil {
				return 0, err
			}
			// The report may have been recorded while the plan was waited for: look again.
			t, err := lockTask(ctx, tx, o.task)
			if err != nil {
				return 0, err
			}
			if t.state != "open" {
				continue
			}
			err = l.raiseAlert(ctx, tx, newAlert{
				office: p.office, recipient: p.recipient, plan: p.id, officer: p.officer,
				rule: "mandatory_report", version: 1, level: "red", cause: overdueReport(o.task), actBy: o.actBy, wording: "officer_red",
			})
			if err != nil {
				return 0, err
			}
		}
		return len(found), nil
	})
}
