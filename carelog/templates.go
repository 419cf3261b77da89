package carelog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/schedule"
)

// templateKeys are the templates there are (domain 2). Their steps are data.
var templateKeys = []string{"G", "K", "H", "C", "R"}

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
