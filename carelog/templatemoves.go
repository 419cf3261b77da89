package carelog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/schedule"
)

// MovePlans says which plans are moved to which version of their template.
type MovePlans struct {
	Template string   `json:"template"`
	To       int      `json:"to"`        // version; 0: the newest
	From     int      `json:"from"`      // only plans of this version; 0: of any other
	Plans    []PlanID `json:"plans"`     // these; empty: all of the office
	Office   OfficeID `json:"office_id"` // zero: the actor's
	Preview  bool     `json:"preview"`   // tell what would move, and change nothing
}

// MovePlans moves plans to another version of their template on purpose: their
// check-ins ahead are laid anew, and each plan's history says so. One plan an
// officer or supervisor of its office may move, several a supervisor. At most 500
// a call; Left tells how many are left for the next.
func (l *Log) MovePlans(ctx context.Context, by Actor, m MovePlans) (Impact, error) {
	if m.Office.IsZero() {
		m.Office = by.Office
	}
	if len(m.Plans) == 0 && !by.may(m.Office, MovePlansAct) {
		return Impact{}, forbidden("only a supervisor of the office moves its plans")
	}
	if len(m.Plans) > plansAnAct {
		return Impact{}, invalid("plans", isTooLong)
	}
	return write(ctx, l, by, func(tx txn) (Impact, error) {
		to, template, err := l.versionOf(ctx, tx, m.Template, m.To)
		if err != nil {
			return Impact{}, err
		}
		m.To = template.Version
		plans, left, err := plansOf(ctx, tx, m)
		if err != nil {
			return Impact{}, err
		}
		impact := Impact{Template: template.Key, Version: template.Version, Left: left}
		for _, id := range plans {
			p, err := l.planToMove(ctx, tx, id, m)
			if err != nil {
				return Impact{}, err
			}
			if p.templateID == to {
				continue
			}
			moves, err := l.followTemplate(ctx, tx, p, followed{to, template, m.Preview, ""})
			if err != nil {
				return Impact{}, err
			}
			impact.count(moves)
		}
		return impact, nil
	})
}

// plansOf are the open plans of a command, in the order they are locked, and how
// many more there are than one act takes.
func plansOf(ctx context.Context, tx txn, m MovePlans) (plans []PlanID, left int, err error) {
	if len(m.Plans) > 0 {
		plans = slices.SortedFunc(slices.Values(m.Plans), func(a, b PlanID) int { return strings.Compare(a.String(), b.String()) })
		return slices.Compact(plans), 0, nil
	}
	const those = `FROM care_plans p JOIN plan_templates t ON t.id = p.template_id
		WHERE p.state <> 'closed' AND t.key = $1 AND t.version <> $2 AND ($3 = 0 OR t.version = $3) AND ($4::uuid IS NULL OR p.office_id = $4)`
	rows, err := tx.Query(ctx, "SELECT p.id "+those+" ORDER BY p.id LIMIT $5", m.Template, m.To, m.From, m.Office, plansAnAct)
	if err != nil {
		return nil, 0, fmt.Errorf("find plans to move: %w", err)
	}
	if plans, err = pgx.CollectRows(rows, pgx.RowTo[PlanID]); err != nil {
		return nil, 0, fmt.Errorf("find plans to move: %w", err)
	}
	if len(plans) < plansAnAct {
		return plans, 0, nil
	}
	if err := tx.QueryRow(ctx, "SELECT count(*) "+those, m.Template, m.To, m.From, m.Office).Scan(&left); err != nil {
		return nil, 0, fmt.Errorf("count plans to move: %w", err)
	}
	return plans, left - len(plans), nil
}

// planToMove reads a plan of a command, if the actor may move it.
func (l *Log) planToMove(ctx context.Context, tx txn, id PlanID, m MovePlans) (plan, error) {
	get := l.lockPlan
	if m.Preview {
		get = l.readPlan
	}
	p, err := get(ctx, tx, id)
	if err != nil {
		return p, err
	}
	switch {
	case len(m.Plans) == 1 && !tx.by.may(p.office, ManagePlan):
		return p, forbidden("only officers and supervisors of the office move its plans")
	case len(m.Plans) != 1 && !tx.by.may(p.office, MovePlansAct):
		return p, forbidden("only a supervisor of the office moves its plans")
	case p.template.Key != m.Template:
		return p, invalid("plans", followsAnother)
	case p.state == "closed":
		return p, conflict("the plan is closed: reopen it first")
	}
	return p, nil
}

func (l *Log) versionOf(ctx context.Context, tx txn, key string, version int) (TemplateID, schedule.Template, error) {
	var id TemplateID
	err := tx.QueryRow(ctx, "SELECT id FROM plan_templates WHERE key = $1 AND ($2 = 0 OR version = $2) ORDER BY version DESC LIMIT 1", key, version).Scan(&id)
	if none(err) {
		return id, schedule.Template{}, notFound("template")
	}
	if err != nil {
		return id, schedule.Template{}, fmt.Errorf("find template: %w", err)
	}
	t, err := l.template(ctx, tx, id)
	return id, t, err
}

// followed is a version of a template that a plan is to follow, and why.
type followed struct {
	id       TemplateID
	template schedule.Template
	preview  bool
	reason   string // a person's own words; they stand in the sealed history only
}

// followTemplate has a plan follow a template and lays its check-ins anew. A plan
// at rest is laid when it starts.
func (l *Log) followTemplate(ctx context.Context, tx txn, p plan, f followed) ([]Move, error) {
	before, why := p.template, "the plan follows another version of its template now"
	p.template, p.templateID = f.template, f.id
	if before.Key != f.template.Key {
		why = "the plan follows another template now"
		if !p.startedOn.IsZero() {
			p.chosenOn = tx.today()
		}
	}
	if f.preview {
		return l.previewAnew(ctx, tx, p)
	}
	_, err := tx.Exec(ctx, "UPDATE care_plans SET template_id = $2, template_since = $3, updated_at = $4 WHERE id = $1", p.id, f.id, p.chosenOn, tx.now)
	if err != nil {
		return nil, fmt.Errorf("change template: %w", err)
	}
	moves, err := l.layAnew(ctx, tx, p, why)
	if err != nil {
		return nil, err
	}
	tx.append(happening{recipient: p.recipient, kind: "template_changed", subject: anyID(p.id), details: dropEmpty(map[string]any{
		"template_from": fmt.Sprintf("%s %d", before.Key, before.Version),
		"template_to":   fmt.Sprintf("%s %d", f.template.Key, f.template.Version), "changed": len(moves), "reason": f.reason,
	})})
	return moves, nil
}

// closeness orders the templates by how closely they look after a household.
var closeness = []string{"R", "G", "K", "C", "H"}

// mayLighten refuses to look after a household less closely on one officer's word:
// it takes a supervisor who does not answer for the plan, and the calm that a
// lower tier takes (document 3).
func (l *Log) mayLighten(ctx context.Context, tx txn, p plan, key string) error {
	if p.state == "draft" || slices.Index(closeness, key) > slices.Index(closeness, p.template.Key) {
		return nil
	}
	if !tx.by.may(p.office, LooserTemplate) || tx.by.User == p.officer {
		return forbidden("a template that looks after the household less closely is chosen by a supervisor who does not answer for the plan")
	}
	calm, err := l.calm(ctx, tx, p)
	if err == nil && !calm {
		return conflict("it takes two assessments at least %d days apart without a hit before a household is looked after less closely", calmDays)
	}
	return err
}

// ChangeTemplate has a plan follow another template from today, in its newest
// version: the household is another than it was taken for. Only a person changes
// a template, with a reason (design, Meanings). Officers and supervisors of the
// office may; to a lighter one only as mayLighten says.
func (l *Log) ChangeTemplate(ctx context.Context, by Actor, id PlanID, key, why string) (Impact, error) {
	return write(ctx, l, by, func(tx txn) (Impact, error) {
		var probs problems
		if strings.TrimSpace(why) == "" {
			probs.add("reason", isRequired)
		} else if len(why) > 8000 {
			probs.add("reason", isTooLong)
		}
		if !slices.Contains(templateKeys, key) {
			probs.add("template", isUnknown)
		}
		if err := probs.err(); err != nil {
			return Impact{}, err
		}
		p, err := l.lockPlan(ctx, tx, id)
		if err != nil {
			return Impact{}, err
		}
		switch {
		case !by.may(p.office, ManagePlan):
			return Impact{}, forbidden("only officers and supervisors of the office change its plans' templates")
		case p.state == "closed":
			return Impact{}, conflict("the plan is closed: reopen it first")
		case p.template.Key == key:
			return Impact{}, conflict("the plan follows this template already")
		}
		if err := l.mayLighten(ctx, tx, p, key); err != nil {
			return Impact{}, err
		}
		to, template, err := l.versionOf(ctx, tx, key, 0)
		if err != nil {
			return Impact{}, err
		}
		moves, err := l.followTemplate(ctx, tx, p, followed{to, template, false, why})
		impact := Impact{Template: key, Version: template.Version}
		impact.count(moves)
		return impact, err
	})
}

// SetHarvest says when a household that lives off its fields harvests: a day of
// the year, or 0 for the day its template names; nil: it has no harvest. Its
// harvest check-ins are laid anew. Officers and supervisors of the office may.
func (l *Log) SetHarvest(ctx context.Context, by Actor, id PlanID, day *schedule.MonthDay) (Impact, error) {
	return write(ctx, l, by, func(tx txn) (Impact, error) {
		p, err := l.lockPlan(ctx, tx, id)
		if err != nil {
			return Impact{}, err
		}
		if !by.may(p.office, ManagePlan) {
			return Impact{}, forbidden("only officers and supervisors of the office set its households' harvest")
		}
		p.harvest = nil
		if day != nil {
			packed := int(*day)
			p.harvest = &packed
		}
		if _, err := tx.Exec(ctx, "UPDATE care_plans SET harvest = $2, updated_at = $3 WHERE id = $1", id, p.harvest, tx.now); err != nil {
			return Impact{}, fmt.Errorf("set harvest: %w", err)
		}
		moves, err := l.layAnew(ctx, tx, p, "the household's harvest is another day now")
		if err != nil {
			return Impact{}, err
		}
		tx.append(happening{recipient: p.recipient, kind: "harvest_set", subject: anyID(id), details: map[string]any{"has_harvest": day != nil, "harvest": day}})
		impact := Impact{Template: p.template.Key, Version: p.template.Version}
		impact.count(moves)
		return impact, nil
	})
}
