package carelog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

// CaseClock is a time limit of a case, in working days of its office.
type CaseClock struct {
	Kind  string        `json:"kind"` // decide, notify, tell_partner, activate, complete
	Since calendar.Date `json:"since"`
	DueOn calendar.Date `json:"due_on"`
	MetOn calendar.Date `json:"met_on"`
}

// clockDays are the working days of each: to decide, to notify once the money is
// there, to tell the partner, until the plan of whoever was paid is active, and (our
// default) to complete what was paid first.
var clockDays = map[string]int{"decide": 10, "notify": 2, "tell_partner": 5, "activate": 1, "complete": 10}

// startClock starts a clock, or starts it again from a later day.
func (l *Log) startClock(ctx context.Context, tx txn, c AidCase, kind string, since calendar.Date) error {
	_, err := tx.Exec(ctx, `INSERT INTO case_clocks (case_id, kind, since, due_on) VALUES ($1, $2, $3, $4)
		ON CONFLICT (case_id, kind) DO UPDATE SET since = excluded.since, due_on = excluded.due_on WHERE case_clocks.met_on IS NULL`,
		c.ID, kind, since, tx.cal(c.Office).AddWorkdays(since, clockDays[kind]))
	if err != nil {
		return fmt.Errorf("start the clock: %w", err)
	}
	return nil
}

func clocksOf(ctx context.Context, tx txn, id CaseID) ([]CaseClock, error) {
	rows, err := tx.Query(ctx, "SELECT kind, since, due_on, met_on FROM case_clocks WHERE case_id = $1 ORDER BY since, kind", id)
	if err != nil {
		return nil, fmt.Errorf("read clocks: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[CaseClock])
}

func clockCause(id CaseID, kind string) string { return "case_late:" + kind + ":" + id.String() }

// clockSentences say what is late; each becomes one task.
var clockSentences = map[string]string{
	"decide":       "a case waits for its decision longer than 10 working days",
	"notify":       "whoever is aided was not told within 2 working days",
	"tell_partner": "the partner who handed the clue over was not told the outcome within 5 working days",
	"activate":     "money was paid and the care plan is not active after 1 working day: start it",
	"complete":     "money was paid first and the approval is still missing after 10 working days",
}

// WatchCases looks at clues nobody has answered, agreements that end and clocks past their day, at most
// limit of each, and opens a task for each once. A clock that waited for plans to be
// active ends when they are. It costs what is due, and catches up.
func (l *Log) WatchCases(ctx context.Context, limit int) (int, error) {
	return write(ctx, l, TheSystem(), func(tx txn) (int, error) {
		met, err := meetActivated(ctx, tx, limit)
		if err != nil {
			return 0, err
		}
		clues, err := l.watchClues(ctx, tx, limit)
		if err != nil {
			return 0, err
		}
		ending, err := l.watchAgreements(ctx, tx, limit)
		if err != nil {
			return 0, err
		}
		rows, err := tx.Query(ctx, `SELECT k.case_id, k.kind, c.office_id FROM case_clocks k JOIN aid_cases c ON c.id = k.case_id
			WHERE k.met_on IS NULL AND k.due_on < $1 AND NOT EXISTS (SELECT FROM tasks t WHERE t.cause = 'case_late:' || k.kind || ':' || k.case_id)
			ORDER BY k.due_on, k.case_id, k.kind LIMIT $2`, tx.today(), limit)
		if err != nil {
			return 0, fmt.Errorf("find late cases: %w", err)
		}
		type late struct {
			ID     CaseID
			Kind   string
			Office OfficeID
		}
		found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[late])
		if err != nil {
			return 0, fmt.Errorf("find late cases: %w", err)
		}
		for _, k := range found {
			err := l.openTask(ctx, tx, newTask{
				kind: "case_late", cause: clockCause(k.ID, k.Kind), office: k.Office, reason: clockSentences[k.Kind],
				actBy: officerWindow.closes(tx.cal(k.Office).AddWorkdays(tx.today(), 1)),
			})
			if err != nil {
				return 0, err
			}
		}
		return met + clues + ending + len(found), nil
	})
}

// meetActivated ends the clocks of cases whose people all have a plan that runs.
func meetActivated(ctx context.Context, tx txn, limit int) (int, error) {
	tag, err := tx.Exec(ctx, `UPDATE case_clocks k SET met_on = $1 WHERE k.kind = 'activate' AND k.met_on IS NULL AND k.case_id IN (
			SELECT w.case_id FROM case_clocks w JOIN aid_awards a ON a.case_id = w.case_id
			WHERE w.kind = 'activate' AND w.met_on IS NULL
			GROUP BY w.case_id HAVING bool_and(EXISTS (SELECT FROM care_plans p WHERE p.recipient_id = a.recipient_id AND p.state <> 'draft')) LIMIT $2)`,
		tx.today(), limit)
	if err != nil {
		return 0, fmt.Errorf("end clocks: %w", err)
	}
	if tag.RowsAffected() > 0 {
		_, err = tx.Exec(ctx, `UPDATE tasks t SET state = 'done', done_at = $1, ended_why = 'the case went on' WHERE t.state = 'open' AND t.kind = 'case_late'
			AND EXISTS (SELECT FROM case_clocks k WHERE k.kind = 'activate' AND k.met_on IS NOT NULL AND t.cause = 'case_late:activate:' || k.case_id)`, tx.now)
		if err != nil {
			return 0, fmt.Errorf("end tasks: %w", err)
		}
	}
	return int(tag.RowsAffected()), nil
}

func (l *Log) watchClues(ctx context.Context, tx txn, limit int) (int, error) {
	rows, err := tx.Query(ctx, `SELECT id, office_id FROM clues c WHERE state = 'handed' AND answer_by < $1
		AND NOT EXISTS (SELECT FROM tasks t WHERE t.cause = 'clue_unanswered:' || c.id) ORDER BY answer_by, id LIMIT $2`, tx.today(), limit)
	if err != nil {
		return 0, fmt.Errorf("find unanswered clues: %w", err)
	}
	type waiting struct {
		ID     ClueID
		Office OfficeID
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[waiting])
	if err != nil {
		return 0, fmt.Errorf("find unanswered clues: %w", err)
	}
	for _, c := range found {
		err := l.openTask(ctx, tx, newTask{
			kind: "clue_unanswered", cause: clueCause(c.ID), office: c.Office,
			reason: "a clue was handed over and nobody has taken it: accept it or send it back",
			actBy:  officerWindow.closes(tx.cal(c.Office).AddWorkdays(tx.today(), 1)),
		})
		if err != nil {
			return 0, err
		}
	}
	return len(found), nil
}
