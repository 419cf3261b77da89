package carelog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/schedule"
)

// templateKeys are the templates there are (domain 2). Their steps are data.
var templateKeys = []string{"G", "K", "H", "C", "R"}

// TemplateVersion is a version of a template as lists show it. A version is
// never changed: an edit makes the next one.
type TemplateVersion struct {
	schedule.Template
	MadeAt  time.Time `json:"made_at"`
	MadeBy  UserID    `json:"made_by"` // zero: came with the service
	Why     string    `json:"why"`
	Running int       `json:"running"` // open plans of the actor's offices that follow it
}

// Templates lists every version of every template, the newest of each first.
// Whoever signs in may read them.
func (l *Log) Templates(ctx context.Context, by Actor) ([]TemplateVersion, error) {
	return read(ctx, l, by, func(tx txn) ([]TemplateVersion, error) {
		rows, err := tx.Query(ctx, `SELECT t.id, t.created_at, t.made_by, t.why,
				(SELECT count(*) FROM care_plans p WHERE p.template_id = t.id AND p.state <> 'closed')
			FROM plan_templates t ORDER BY t.key, t.version DESC`)
		if err != nil {
			return nil, fmt.Errorf("list templates: %w", err)
		}
		ids := []TemplateID{}
		versions, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (v TemplateVersion, err error) {
			var id TemplateID
			err = row.Scan(&id, &v.MadeAt, &v.MadeBy, &v.Why, &v.Running)
			ids = append(ids, id)
			return v, err
		})
		if err != nil {
			return nil, fmt.Errorf("list templates: %w", err)
		}
		for i, id := range ids {
			if versions[i].Template, err = l.template(ctx, tx, id); err != nil {
				return nil, err
			}
		}
		return versions, nil
	})
}

// TemplateOptions say what a new version is for. Preview changes nothing and
// tells what would move.
type TemplateOptions struct {
	Name    string // Chinese, for people; empty: as before
	Why     string // what it changes and why, for colleagues; names no household
	Preview bool
}

// Impact is what a change of template moves, or would move.
type Impact struct {
	Template   string `json:"template"`
	Version    int    `json:"version"`
	Plans      int    `json:"plans"`      // that follow it now, or would
	Recipients int    `json:"recipients"` // of these, with a check-in that moves
	CheckIns   int    `json:"check_ins"`  // that move, are new or are dropped
	Left       int    `json:"left"`       // plans not looked at: more than one act takes
	Moves      []Move `json:"moves"`      // the first of them
}

// Limits of one act on many plans: a transaction that stays short enough for
// whoever works on one of them meanwhile.
const plansAnAct = 500

// SaveTemplate makes the next version of a template; every step's faults are
// told at once (steps[3].grace_workdays). A step that repeats and is not new must
// keep its rhythm: another rhythm takes another key. New enrolments take the
// version at once, running plans keep theirs until MovePlans moves them; the
// answer says what that would move. An administrator of a root office may.
func (l *Log) SaveTemplate(ctx context.Context, by Actor, key string, steps []schedule.Step, o TemplateOptions) (Impact, error) {
	return write(ctx, l, by, func(tx txn) (Impact, error) {
		if err := administersRoot(ctx, tx, KeepTemplates, "changes templates"); err != nil {
			return Impact{}, err
		}
		next, err := l.nextVersion(ctx, tx, key, steps, o)
		if err != nil {
			return Impact{}, err
		}
		if !o.Preview {
			if err := l.insertTemplate(ctx, tx, next, o.Why); err != nil {
				return Impact{}, err
			}
			tx.audit(by.Office, "template_saved", anyID{}, fmt.Sprintf("%s version %d", next.Key, next.Version))
		}
		plans, left, err := plansOf(ctx, tx, MovePlans{Template: key, To: next.Version})
		if err != nil {
			return Impact{}, err
		}
		impact := Impact{Template: key, Version: next.Version, Left: left}
		for _, id := range plans {
			p, err := l.readPlan(ctx, tx, id)
			if err != nil {
				return Impact{}, err
			}
			p.template = next
			moves, err := l.previewAnew(ctx, tx, p)
			if err != nil {
				return Impact{}, err
			}
			impact.count(moves)
		}
		return impact, nil
	})
}

func (i *Impact) count(moves []Move) {
	i.Plans++
	i.CheckIns += len(moves)
	if len(moves) > 0 {
		i.Recipients++
	}
	i.Moves = append(i.Moves, moves[:min(len(moves), movesShown-len(i.Moves))]...)
}

// administersRoot refuses everybody but administrators of a root office what holds for all.
func administersRoot(ctx context.Context, tx txn, act Act, does string) error {
	rows, err := tx.Query(ctx, "SELECT id FROM offices WHERE parent_id IS NULL")
	if err != nil {
		return fmt.Errorf("find the root offices: %w", err)
	}
	roots, err := pgx.CollectRows(rows, pgx.RowTo[OfficeID])
	if err != nil {
		return fmt.Errorf("find the root offices: %w", err)
	}
	for _, root := range roots {
		if tx.by.may(root, act) {
			return nil
		}
	}
	return forbidden("only an administrator of the top office " + does)
}

// nextVersion is the version that the steps make, if nothing is wrong with it.
func (l *Log) nextVersion(ctx context.Context, tx txn, key string, steps []schedule.Step, o TemplateOptions) (schedule.Template, error) {
	next := schedule.Template{Key: key, Name: strings.TrimSpace(o.Name), Steps: schedule.Filled(steps)}
	var id TemplateID
	err := tx.QueryRow(ctx, "SELECT id FROM plan_templates WHERE key = $1 ORDER BY version DESC LIMIT 1", key).Scan(&id)
	if none(err) {
		return next, notFound("template")
	}
	if err != nil {
		return next, fmt.Errorf("find template: %w", err)
	}
	last, err := l.template(ctx, tx, id)
	if err != nil {
		return next, err
	}
	next.Version = last.Version + 1
	if next.Name == "" {
		next.Name = last.Name
	}
	var p problems
	if len(next.Name) > 60 {
		p.add("name", isTooLong)
	}
	if len(o.Why) > 2000 {
		p.add("why", isTooLong)
	} else if strings.TrimSpace(o.Why) == "" && !o.Preview {
		p.add("why", isRequired)
	}
	var found schedule.Problems
	if err := next.Validate(); errors.As(err, &found) {
		for _, f := range found {
			p.add(stepField(f), reason{f.English, f.Text})
		}
	}
	if err := l.checkRhythms(ctx, tx, next, &p); err != nil {
		return next, err
	}
	return next, p.err()
}

func stepField(f schedule.Problem) string {
	if f.Index < 0 {
		return f.Field
	}
	return fmt.Sprintf("steps[%d].%s", f.Index, f.Field)
}

// checkRhythms compares the steps with every step that ever had their keys.
// Check-ins are known by step and number: under another rhythm the numbers that
// were done would stand for dates that are still to come.
func (l *Log) checkRhythms(ctx context.Context, tx txn, next schedule.Template, p *problems) error {
	rows, err := tx.Query(ctx, "SELECT DISTINCT key, kind, anchor, offset_days, every_days FROM template_steps ORDER BY 1, 2, 3, 4, 5")
	if err != nil {
		return fmt.Errorf("read known steps: %w", err)
	}
	known := map[string][]schedule.Step{}
	var s schedule.Step
	_, err = pgx.ForEachRow(rows, []any{&s.Key, &s.Kind, &s.Anchor, &s.OffsetDays, &s.EveryDays}, func() error {
		known[s.Key] = append(known[s.Key], s)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read known steps: %w", err)
	}
	for i, s := range next.Steps {
		for _, before := range known[s.Key] {
			if s.Kind != before.Kind || !s.SameRhythm(before) {
				p.add(fmt.Sprintf("steps[%d].key", i), isAnotherRhythm)
				break
			}
		}
	}
	return nil
}

func (l *Log) insertTemplate(ctx context.Context, tx txn, t schedule.Template, why string) error {
	id := newID[templateKind](tx.now, l.random)
	_, err := tx.Exec(ctx, "INSERT INTO plan_templates (id, key, version, name, created_at, made_by, why) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		id, t.Key, t.Version, t.Name, tx.now, tx.by.User, why)
	if err != nil {
		return fmt.Errorf("insert template: %w", err)
	}
	for i, s := range t.Steps {
		_, err := tx.Exec(ctx, `INSERT INTO template_steps (template_id, position, key, occasion, title, kind, anchor, offset_days, every_days, lead_days,
				grace_workdays, scored, asks_village, closure, policy, gap_days, until_age, yearly_on, real_time)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
			id, i+1, s.Key, s.Occasion, s.Title, s.Kind, s.Anchor, s.OffsetDays, s.EveryDays, s.LeadDays,
			s.GraceWorkdays, s.Scored, s.AsksVillage, s.Closure, s.Policy, s.GapDays, s.UntilAge, int(s.YearlyOn), s.RealTime)
		if err != nil {
			return fmt.Errorf("insert template step: %w", err)
		}
	}
	return nil
}

// template reads a version of a template, once: a version is never changed.
func (l *Log) template(ctx context.Context, tx txn, id TemplateID) (schedule.Template, error) {
	if known, ok := l.templates.Load(id); ok {
		return known.(schedule.Template), nil //nolint:forcetypeassert // nothing else is stored
	}
	t, err := loadTemplate(ctx, tx, id)
	if err == nil {
		l.templates.Store(id, t)
	}
	return t, err
}

func loadTemplate(ctx context.Context, tx txn, id TemplateID) (schedule.Template, error) {
	var t schedule.Template
	if err := tx.QueryRow(ctx, "SELECT key, version, name FROM plan_templates WHERE id = $1", id).Scan(&t.Key, &t.Version, &t.Name); err != nil {
		return t, fmt.Errorf("read template: %w", err)
	}
	rows, err := tx.Query(ctx, `SELECT key, occasion, title, kind, anchor, offset_days, every_days, lead_days, grace_workdays, scored, asks_village, closure,
			policy, gap_days, until_age, yearly_on, real_time
		FROM template_steps WHERE template_id = $1 ORDER BY position`, id)
	if err != nil {
		return t, fmt.Errorf("read template steps: %w", err)
	}
	t.Steps, err = pgx.CollectRows(rows, pgx.RowToStructByPos[schedule.Step])
	if err != nil {
		return t, fmt.Errorf("read template steps: %w", err)
	}
	return t, nil
}
