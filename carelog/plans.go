package carelog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/carelog/schedule"
)

// Plan is a care plan as lists and answers show it.
type Plan struct {
	ID        PlanID        `json:"plan_id"`
	Recipient RecipientID   `json:"recipient_id"`
	Template  string        `json:"template"`
	Officer   UserID        `json:"officer_id"`
	State     string        `json:"state"` // draft, active, paused, closing, closed
	Tier      string        `json:"tier"`  // green, amber, red
	StartedOn calendar.Date `json:"started_on"`
	ReviewOn  calendar.Date `json:"review_on"`
	Reason    string        `json:"reason"`
	Barred    bool          `json:"village_barred"` // no village contact is asked about the household

	// Path is what happened that somebody has to decide about: death, moved,
	// refused, refusal_confirmed; empty: nothing.
	Path string `json:"path,omitempty"`
	// ClosingPath is the path of a closing that waits for approval, or was
	// approved: exit, death, moved_away, refusal.
	ClosingPath string     `json:"closing_path,omitempty"`
	ClosingBy   UserID     `json:"closing_by,omitzero"`  // who proposed the closing
	Transfer    TransferID `json:"transfer_id,omitzero"` // the open act of handing over; PlanOf and Plans alone give it

	MaskedName string `json:"masked_name,omitempty"` // of the recipient; PlanOf and Plans alone give it
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
	closingPath string
	path        string
	pauseAct    anyID
	reopenedOn  calendar.Date
	full        TemplateID // what a plan of minimal contact goes back to
	tier        string
	tierSince   calendar.Date
	chosenOn    calendar.Date
	harvest     *int // month times 100 plus day; 0: the template's day; nil: no harvest

	villageBarred bool // no village contact is ever asked (villagebar.go)
}

// running tells whether the plan's check-ins are laid and texted about.
func (p plan) running() bool { return p.state == "active" || p.state == "closing" }

func (p plan) shown() Plan {
	shown := Plan{
		ID: p.id, Recipient: p.recipient, Template: p.template.Key, Officer: p.officer, State: p.state, Tier: p.tier, StartedOn: p.startedOn,
		ReviewOn: p.reviewOn, Reason: p.reason, Path: p.path, ClosingPath: p.closingPath, ClosingBy: p.closingBy,
		Barred: p.villageBarred,
	}
	if p.closingProposed() {
		shown.State = "closing"
	}
	return shown
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
			state, paid_on, started_on, rolled_until, review_on, reason, closing_by, closing_path, path, pause_act, reopened_on, full_template_id,
			tier, tier_since, template_since, harvest, village_barred
		FROM care_plans WHERE id = $1 `+lock, id).
		Scan(&p.office, &p.recipient, &p.templateID, &p.officer, &p.primary, &p.backup,
			&p.state, &p.paidOn, &p.startedOn, &p.rolledUntil, &p.reviewOn, &p.reason, &p.closingBy, &p.closingPath, &p.path, &p.pauseAct, &p.reopenedOn, &p.full,
			&p.tier, &p.tierSince, &p.chosenOn, &p.harvest, &p.villageBarred)
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
		if !by.may(p.office, ManagePlan) {
			return Plan{}, forbidden("only officers and supervisors of the office start its plans")
		}
		if err := l.startPlan(ctx, tx, id, !freshPlan); err != nil {
			return Plan{}, err
		}
		p, err = l.lockPlan(ctx, tx, id)
		return p.shown(), err
	})
}

// freshPlan says that the plan was drafted in this transaction: nobody was told of its review.
const freshPlan = true

func (l *Log) startPlan(ctx context.Context, tx txn, id PlanID, fresh bool) error {
	p, err := l.lockPlan(ctx, tx, id)
	if err != nil {
		return err
	}
	kind := map[string]string{"draft": "plan_started", "paused": "plan_resumed"}[p.state]
	if kind == "" {
		return conflict("the plan is %s: only a draft or a paused plan can be started", p.state)
	}
	if err := unrestricted(ctx, tx, p.recipient); err != nil {
		return err
	}
	if p.path == "death" {
		return conflict("the recipient is recorded as deceased: continue for the household, or propose the closing")
	}
	if p.closingProposed() {
		return conflict("a closing is proposed: it is approved or rejected first")
	}
	if p.startedOn.IsZero() {
		p.startedOn = tx.today()
	}
	p.state = "active"
	horizon := tx.today().AddDays(horizonDays + rollDays)
	_, err = tx.Exec(ctx, `UPDATE care_plans SET state = 'active', started_on = $2, review_on = NULL, reason = '', pause_act = NULL, rolled_until = $3, updated_at = $4
		WHERE id = $1`, id, p.startedOn, horizon, tx.now)
	if err != nil {
		return fmt.Errorf("start plan: %w", err)
	}
	if !fresh {
		if err := l.takeUpReview(ctx, tx, id); err != nil {
			return err
		}
	}
	from := tx.today()
	if kind == "plan_started" {
		from = p.earliest()
	} else if err := l.reviveLate(ctx, tx, p, whilePaused); err != nil {
		return err
	} else if err := reviveCheckIns(ctx, tx, id, whilePaused); err != nil {
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
	if !fresh { // else whoever enrols plans them, for all that are enrolled together
		if err := l.planDueMessages(ctx, tx, p); err != nil {
			return err
		}
	}
	if err := l.askForGuardian(ctx, tx, p); err != nil {
		return err
	}
	tx.append(happening{recipient: p.recipient, kind: kind, subject: anyID(id), details: map[string]any{
		"template": p.template.Key, "template_version": p.template.Version, "check_ins": laid,
	}})
	return nil
}

// earliest is the first date the template may ask for anything.
func (p plan) earliest() calendar.Date {
	if !p.paidOn.IsZero() && p.paidOn.Before(p.startedOn) {
		return p.paidOn
	}
	return p.startedOn
}

const selectPlans = `SELECT p.id, p.recipient_id, t.key, p.officer_id, CASE WHEN p.state <> 'closed' AND p.closing_by IS NOT NULL THEN 'closing' ELSE p.state END,
		p.tier, p.started_on, p.review_on, p.reason, p.path, p.closing_path, p.closing_by, h.transfer_id, p.village_barred, r.data_key, r.sealed
	FROM care_plans p JOIN plan_templates t ON t.id = p.template_id JOIN recipients r ON r.id = p.recipient_id
	LEFT JOIN transfer_plans h ON h.plan_id = p.id AND h.state = 'open'
	WHERE `

func (l *Log) scanPlan(row pgx.CollectableRow) (Plan, error) {
	var p Plan
	var wrapped, sealed []byte
	err := row.Scan(&p.ID, &p.Recipient, &p.Template, &p.Officer, &p.State, &p.Tier, &p.StartedOn, &p.ReviewOn, &p.Reason,
		&p.Path, &p.ClosingPath, &p.ClosingBy, &p.Transfer, &p.Barred, &wrapped, &sealed)
	if err != nil {
		return p, err
	}
	facts, err := l.openRecipient(p.Recipient, wrapped, sealed)
	p.MaskedName = MaskName(facts.Name)
	return p, err
}

// PlanOf reads a recipient's open plan, or the last closed one. Officers and
// supervisors of the office may; the read goes into the audit.
func (l *Log) PlanOf(ctx context.Context, by Actor, recipient RecipientID) (Plan, error) {
	return read(ctx, l, by, func(tx txn) (Plan, error) {
		f, err := l.openFile(ctx, tx, recipient)
		if err != nil {
			return Plan{}, err
		}
		tx.audit(f.office, "plan_read", anyID(recipient), "")
		files, err := l.whole(ctx, tx, recipient)
		if err != nil {
			return Plan{}, err
		}
		rows, err := tx.Query(ctx, selectPlans+"p.recipient_id = ANY ($1) ORDER BY p.state = 'closed', p.id DESC LIMIT 1", files)
		if err != nil {
			return Plan{}, fmt.Errorf("read plan: %w", err)
		}
		p, err := pgx.CollectExactlyOneRow(rows, l.scanPlan)
		if none(err) {
			return Plan{}, notFound("plan")
		}
		if err != nil {
			return Plan{}, fmt.Errorf("read plan: %w", err)
		}
		return p, nil
	})
}
