package carelog

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/carelog/schedule"
)

// Plan is a care plan as lists and answers show it.
type Plan struct {
	ID        PlanID        `json:"plan_id"`
	Recipient RecipientID   `json:"recipient_id"`
	Template  string        `json:"template"`
	State     string        `json:"state"` // draft, active, paused, closing, closed
	StartedOn calendar.Date `json:"started_on"`
	ReviewOn  calendar.Date `json:"review_on"`
	Reason    string        `json:"reason"`
	Barred    bool          `json:"village_barred"` // no village contact is asked about the household

	MaskedName string `json:"masked_name,omitempty"` // of the recipient; PlanOf alone gives it
}

// How far ahead check-ins are laid down, and how much further a roll reaches, so
// that a plan is rolled once a month and not once a day.
const (
	horizonDays = 90
	rollDays    = 30
)

// draftPlan makes the plan of a new recipient. A draft is not forgotten: it is
// to be reviewed on the next working day (L12).
func (l *Log) draftPlan(ctx context.Context, tx txn, recipient RecipientID, e prepared) (PlanID, error) {
	id := newID[planKind](tx.now, l.random)
	tag, err := tx.Exec(ctx, `INSERT INTO care_plans
		(id, office_id, recipient_id, template_id, officer_id, primary_contact_id, backup_contact_id, state, paid_on, review_on, created_at, updated_at)
		SELECT $1, $2, $3, t.id, $5, $6, $7, 'draft', $8, $9, $10, $10
		FROM plan_templates t WHERE t.key = $4 ORDER BY t.version DESC LIMIT 1`,
		id, e.Office, recipient, e.Template, e.officer, e.Primary, e.Backup, e.Award.PaidOn, tx.cal(e.Office).NextWorkday(tx.today()), tx.now)
	if err != nil {
		return id, fmt.Errorf("insert plan: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return id, fmt.Errorf("template %s is not in the database", e.Template)
	}
	tx.append(happening{recipient: recipient, kind: "plan_drafted", subject: anyID(id), details: map[string]any{"template": e.Template}})
	return id, nil
}

// plan is a plan's row as the verbs work on it.
type plan struct {
	id          PlanID
	office      OfficeID
	recipient   RecipientID
	template    schedule.Template
	templateID  TemplateID
	officer     UserID
	primary     ContactID
	backup      ContactID
	state       string
	paidOn      calendar.Date
	startedOn   calendar.Date
	rolledUntil calendar.Date
	reviewOn    calendar.Date
	reason      string
	closingBy   UserID
	tier        string
	tierSince   calendar.Date
	chosenOn    calendar.Date
	harvest     *int // month times 100 plus day; 0: the template's day; nil: no harvest

	villageBarred bool // no village contact is ever asked (villagebar.go)
}

// running tells whether the plan's check-ins are laid and texted about.
func (p plan) running() bool { return p.state == "active" || p.state == "closing" }

func (p plan) shown() Plan {
	return Plan{ID: p.id, Recipient: p.recipient, Template: p.template.Key, State: p.state, StartedOn: p.startedOn, ReviewOn: p.reviewOn, Reason: p.reason, Barred: p.villageBarred}
}

// lockPlan reads a plan for change. Out of scope and not there are the same answer.
func (l *Log) lockPlan(ctx context.Context, tx txn, id PlanID) (plan, error) {
	return l.planRow(ctx, tx, id, "FOR NO KEY UPDATE")
}

// readPlan reads a plan without locking it.
func (l *Log) readPlan(ctx context.Context, tx txn, id PlanID) (plan, error) {
	return l.planRow(ctx, tx, id, "")
}

func (l *Log) planRow(ctx context.Context, tx txn, id PlanID, lock string) (plan, error) {
	p := plan{id: id}
	err := tx.QueryRow(ctx, `SELECT office_id, recipient_id, template_id, officer_id, primary_contact_id, backup_contact_id,
			state, paid_on, started_on, rolled_until, review_on, reason, closing_by, tier, tier_since, template_since, harvest, village_barred
		FROM care_plans WHERE id = $1 `+lock, id).
		Scan(&p.office, &p.recipient, &p.templateID, &p.officer, &p.primary, &p.backup,
			&p.state, &p.paidOn, &p.startedOn, &p.rolledUntil, &p.reviewOn, &p.reason, &p.closingBy, &p.tier, &p.tierSince, &p.chosenOn, &p.harvest, &p.villageBarred)
	if none(err) {
		return p, notFound("plan")
	}
	if err != nil {
		return p, fmt.Errorf("read plan: %w", err)
	}
	p.template, err = l.template(ctx, tx, p.templateID)
	return p, err
}

// StartPlan starts a draft or resumes a paused plan: its check-ins are laid down
// and their first texts planned. Officers of the plan's office may. Occasions
// before the start become before_enrolment: no texts, no alerts.
func (l *Log) StartPlan(ctx context.Context, by Actor, id PlanID) (Plan, error) {
	return write(ctx, l, by, func(tx txn) (Plan, error) {
		p, err := l.lockPlan(ctx, tx, id)
		if err != nil {
			return Plan{}, err
		}
		if !by.mayAny(p.office, Officer, Supervisor) {
			return Plan{}, forbidden("only officers and supervisors of the office start its plans")
		}
		if err := l.startPlan(ctx, tx, id); err != nil {
			return Plan{}, err
		}
		p, err = l.lockPlan(ctx, tx, id)
		return p.shown(), err
	})
}

func (l *Log) startPlan(ctx context.Context, tx txn, id PlanID) error {
	p, err := l.lockPlan(ctx, tx, id)
	if err != nil {
		return err
	}
	kind := map[string]string{"draft": "plan_started", "paused": "plan_resumed"}[p.state]
	if kind == "" {
		return conflict("the plan is %s: only a draft or a paused plan can be started", p.state)
	}
	if p.startedOn.IsZero() {
		p.startedOn = tx.today()
	}
	p.state = "active"
	horizon := tx.today().AddDays(horizonDays + rollDays)
	_, err = tx.Exec(ctx, `UPDATE care_plans SET state = 'active', started_on = $2, review_on = NULL, reason = '', rolled_until = $3, updated_at = $4
		WHERE id = $1`, id, p.startedOn, horizon, tx.now)
	if err != nil {
		return fmt.Errorf("start plan: %w", err)
	}
	from := tx.today()
	if kind == "plan_started" {
		from = p.earliest()
	} else if err := reviveCheckIns(ctx, tx, id); err != nil {
		return err
	}
	laid, err := l.layCheckIns(ctx, tx, p, from, horizon)
	if err != nil {
		return err
	}
	if kind == "plan_resumed" { // the calendar, the template or the tier may have changed meanwhile
		if _, err := l.layAnew(ctx, tx, p, "the plan was resumed"); err != nil {
			return err
		}
	}
	if err := l.planDueMessages(ctx, tx, p); err != nil {
		return err
	}
	tx.append(happening{recipient: p.recipient, kind: kind, subject: anyID(id), details: map[string]any{
		"template": p.template.Key, "template_version": p.template.Version, "check_ins": laid,
	}})
	return nil
}

// whilePaused is the reason of what a pause cancelled.
const whilePaused = "the plan was paused"

// reviveCheckIns opens the check-ins again that the pause cancelled and whose
// date is still to come: the same ones, so that nobody is texted twice about them.
func reviveCheckIns(ctx context.Context, tx txn, id PlanID) error {
	_, err := tx.Exec(ctx, `UPDATE check_ins SET state = 'planned', reason = '', messages_planned = false, updated_at = $3
		WHERE plan_id = $1 AND state = 'cancelled' AND reason = $4 AND due >= $2`, id, tx.today(), tx.now, whilePaused)
	if err != nil {
		return fmt.Errorf("open check-ins again: %w", err)
	}
	return nil
}

// earliest is the first date the template may ask for anything.
func (p plan) earliest() calendar.Date {
	if !p.paidOn.IsZero() && p.paidOn.Before(p.startedOn) {
		return p.paidOn
	}
	return p.startedOn
}

// PausePlan pauses a running plan until reviewOn, when somebody must decide. Its
// open check-ins and planned texts are cancelled with the reason.
func (l *Log) PausePlan(ctx context.Context, by Actor, id PlanID, reviewOn calendar.Date, why string) (Plan, error) {
	return write(ctx, l, by, func(tx txn) (Plan, error) {
		var probs problems
		if strings.TrimSpace(why) == "" {
			probs.add("reason", isRequired)
		}
		switch {
		case reviewOn.IsZero():
			probs.add("review_on", isRequired)
		case !reviewOn.After(tx.today()):
			probs.add("review_on", isInPast)
		case reviewOn.After(tx.today().AddYears(1)):
			probs.add("review_on", isOutsideWindow)
		}
		if err := probs.err(); err != nil {
			return Plan{}, err
		}
		p, err := l.lockPlan(ctx, tx, id)
		if err != nil {
			return Plan{}, err
		}
		if !by.mayAny(p.office, Officer, Supervisor) {
			return Plan{}, forbidden("only officers and supervisors of the office pause its plans")
		}
		if p.state != "active" && p.state != "closing" {
			return Plan{}, conflict("the plan is %s: only a running plan can be paused", p.state)
		}
		_, err = tx.Exec(ctx, "UPDATE care_plans SET state = 'paused', review_on = $2, reason = 'paused by an officer', closing_by = NULL, updated_at = $3 WHERE id = $1",
			id, reviewOn, tx.now)
		if err != nil {
			return Plan{}, fmt.Errorf("pause plan: %w", err)
		}
		if err := l.cancelOpenWork(ctx, tx, p, whilePaused); err != nil {
			return Plan{}, err
		}
		tx.append(happening{recipient: p.recipient, kind: "plan_paused", subject: anyID(id), details: map[string]any{"reason": why, "review_on": reviewOn}})
		p, err = l.lockPlan(ctx, tx, id)
		return p.shown(), err
	})
}

// ClosePlan takes two people: the first call proposes the closing with a reason,
// the second, by a supervisor who did not propose it, closes the plan. Nothing
// ever closes by itself.
func (l *Log) ClosePlan(ctx context.Context, by Actor, id PlanID, why string) (Plan, error) {
	if strings.TrimSpace(why) == "" {
		return Plan{}, invalid("reason", isRequired)
	}
	return write(ctx, l, by, func(tx txn) (Plan, error) {
		p, err := l.lockPlan(ctx, tx, id)
		if err != nil {
			return Plan{}, err
		}
		if !by.mayAny(p.office, Officer, Supervisor) {
			return Plan{}, forbidden("only officers and supervisors of the office close its plans")
		}
		switch {
		case p.state == "active" || p.state == "paused":
			err = l.proposeClosing(ctx, tx, p, why)
		case p.state == "closing" && !by.May(Supervisor, p.office):
			err = forbidden("a supervisor has to approve the closing")
		case p.state == "closing" && p.closingBy == by.User:
			err = forbidden("whoever proposed the closing may not approve it")
		case p.state == "closing":
			err = l.approveClosing(ctx, tx, p, why)
		default:
			err = conflict("the plan is %s: only a running plan can be closed", p.state)
		}
		if err != nil {
			return Plan{}, err
		}
		p, err = l.lockPlan(ctx, tx, id)
		return p.shown(), err
	})
}

// proposeClosing leaves the plan running until a supervisor has decided.
func (l *Log) proposeClosing(ctx context.Context, tx txn, p plan, why string) error {
	if p.state == "paused" {
		return conflict("the plan is paused: resume it first, so that care goes on until the closing is approved")
	}
	_, err := tx.Exec(ctx, "UPDATE care_plans SET state = 'closing', closing_by = $2, review_on = $3, updated_at = $4 WHERE id = $1",
		p.id, tx.by.User, tx.cal(p.office).AddWorkdays(tx.today(), 5), tx.now)
	if err != nil {
		return fmt.Errorf("propose closing: %w", err)
	}
	tx.append(happening{recipient: p.recipient, kind: "plan_closing_proposed", subject: anyID(p.id), details: map[string]any{"reason": why}})
	return nil
}

func (l *Log) approveClosing(ctx context.Context, tx txn, p plan, why string) error {
	_, err := tx.Exec(ctx, "UPDATE care_plans SET state = 'closed', closed_by = $2, review_on = NULL, updated_at = $3 WHERE id = $1",
		p.id, tx.by.User, tx.now)
	if err != nil {
		return fmt.Errorf("close plan: %w", err)
	}
	if err := l.cancelOpenWork(ctx, tx, p, "the plan was closed"); err != nil {
		return err
	}
	tx.append(happening{recipient: p.recipient, kind: "plan_closed", subject: anyID(p.id), details: map[string]any{"reason": why}})
	return nil
}

// cancelOpenWork cancels a plan's open check-ins, asks and planned texts.
func (l *Log) cancelOpenWork(ctx context.Context, tx txn, p plan, why string) error {
	rows, err := tx.Query(ctx, `UPDATE check_ins SET state = 'cancelled', reason = $2, updated_at = $3
		WHERE plan_id = $1 AND state IN ('planned', 'overdue', 'missed') RETURNING id`, p.id, why, tx.now)
	if err != nil {
		return fmt.Errorf("cancel check-ins: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[CheckInID])
	if err != nil {
		return fmt.Errorf("cancel check-ins: %w", err)
	}
	return l.settleAsks(ctx, tx, ids, why)
}

// PlanOf reads a recipient's open plan, or the last closed one.
func (l *Log) PlanOf(ctx context.Context, by Actor, recipient RecipientID) (Plan, error) {
	return read(ctx, l, by, func(tx txn) (Plan, error) {
		file, err := l.openFile(ctx, tx, recipient)
		if err != nil {
			return Plan{}, err
		}
		p := Plan{MaskedName: MaskName(file.facts.Name)}
		err = tx.QueryRow(ctx, `SELECT p.id, p.recipient_id, t.key, p.state, p.started_on, p.review_on, p.reason, p.village_barred
			FROM care_plans p JOIN plan_templates t ON t.id = p.template_id
			WHERE p.recipient_id = $1 ORDER BY p.state = 'closed', p.id DESC LIMIT 1`, recipient).
			Scan(&p.ID, &p.Recipient, &p.Template, &p.State, &p.StartedOn, &p.ReviewOn, &p.Reason, &p.Barred)
		if none(err) {
			return Plan{}, notFound("plan")
		}
		if err != nil {
			return Plan{}, fmt.Errorf("read plan: %w", err)
		}
		return p, nil
	})
}
