package carelog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
)

// A referral asks a partner to help a household with one measure:
//
//	drafted → sent → acknowledged → granted | refused | withdrawn; granted → lapsed
//
// A transfer is made case by case, with what may be told and on what ground
// (domain 2): both stand in its step and in the history. What is said at a step
// is kept as a step and never changed; a correction is a step of its own.

// The partner's time to answer, in working days from the sending (domain 2: care
// measures; settable).
const (
	acknowledgeWithin = 5
	decideWithin      = 20
	draftedFor        = 5  // a draft nobody sends is brought up
	lapsesSoon        = 30 // days before its end a benefit is looked at (R11)
)

// disclosureGrounds are what a transfer of facts may rest on.
var disclosureGrounds = []string{"consent", "guardian_consent", "legal_duty", "vital_interest"}

// disclosable are the facts of a file that a referral may carry.
var disclosable = []string{
	"name", "sex", "born_on", "id_number", "phone", "address", "household", "award", "living_condition", "income", "health", "disability", "schooling", "needs", "bank_account",
}

// NewReferral is a referral to draft.
type NewReferral struct {
	Measure Measure   `json:"measure"`
	Partner PartnerID `json:"partner_id"`
	Need    string    `json:"need"` // in words; sealed
}

// Sending is how a referral goes out.
type Sending struct {
	Ground        string        `json:"ground"`    // what the disclosure rests on
	Disclosed     []string      `json:"disclosed"` // which facts were told
	At            time.Time     `json:"at"`        // zero: now
	AcknowledgeBy calendar.Date `json:"acknowledge_by"`
	DecideBy      calendar.Date `json:"decide_by"`
	Document      string        `json:"document"` // its number; sealed
	Note          string        `json:"note"`     // sealed
}

// Acknowledgement is the partner's word that it has the referral.
type Acknowledgement struct {
	At       time.Time     `json:"at"` // zero: now
	DecideBy calendar.Date `json:"decide_by"`
	Document string        `json:"document"`
	Note     string        `json:"note"`
}

// Decision is what the partner decided. A granted benefit has an end or review
// date, or says that it has none.
type Decision struct {
	Outcome       string        `json:"outcome"` // granted, refused
	On            calendar.Date `json:"on"`      // zero: today
	EffectiveFrom calendar.Date `json:"effective_from"`
	ExpiresOn     calendar.Date `json:"expires_on"`
	NoEnd         bool          `json:"no_end"`
	Document      string        `json:"document"`
	Evidence      string        `json:"evidence"`
	Reason        string        `json:"reason"` // of a refusal or a correction; sealed
}

// Referral is a referral as lists show it: nothing of what was said about people.
type Referral struct {
	ID            ReferralID     `json:"referral_id"`
	Recipient     RecipientID    `json:"recipient_id"`
	Plan          PlanID         `json:"plan_id"`
	Measure       Measure        `json:"measure"`
	Partner       PartnerID      `json:"partner_id"`
	PartnerName   string         `json:"partner_name"`
	State         string         `json:"state"`
	DraftedAt     time.Time      `json:"drafted_at"`
	SentAt        *time.Time     `json:"sent_at"`
	AcknowledgeBy calendar.Date  `json:"acknowledge_by"`
	DecideBy      calendar.Date  `json:"decide_by"`
	DueOn         calendar.Date  `json:"due_on"` // of the answer that is waited for
	Overdue       bool           `json:"overdue"`
	DecidedOn     calendar.Date  `json:"decided_on"`
	EffectiveFrom calendar.Date  `json:"effective_from"`
	ExpiresOn     calendar.Date  `json:"expires_on"`
	NoEnd         bool           `json:"no_end"`
	MaskedName    string         `json:"masked_name"`
	Steps         []ReferralStep `json:"steps,omitempty"` // of one file's, for who may read it

	office OfficeID
}

// ReferralStep is one step with what was said at it.
type ReferralStep struct {
	N          int            `json:"n"`
	Step       string         `json:"step"`
	RecordedBy UserID         `json:"recorded_by"`
	RecordedAt time.Time      `json:"recorded_at"`
	Said       map[string]any `json:"said"`
}

// DraftReferral drafts a referral of a recipient whose plan is open. Officers of
// the office may. Refusals: Invalid, NotFound, Forbidden, Conflict when the plan
// is closed or the same measure waits with the same partner.
func (l *Log) DraftReferral(ctx context.Context, by Actor, recipient RecipientID, n NewReferral) (Referral, error) {
	return write(ctx, l, by, func(tx txn) (Referral, error) {
		file, err := l.openFile(ctx, tx, recipient)
		if err != nil {
			return Referral{}, err
		}
		if err := file.isMerged(); err != nil {
			return Referral{}, err
		}
		if !by.may(file.office, Refer) {
			return Referral{}, forbidden("only officers and supervisors of the office refer households")
		}
		p, err := l.lockOpenPlan(ctx, tx, recipient)
		if err != nil {
			return Referral{}, err
		}
		partner, known, err := partnerOf(ctx, tx, n.Partner, p.office)
		if err != nil {
			return Referral{}, err
		}
		if err := n.check(known); err != nil {
			return Referral{}, err
		}
		r := Referral{
			ID: newID[referralKind](tx.now, l.random), Recipient: recipient, Plan: p.id, Measure: n.Measure, Partner: n.Partner, PartnerName: partner,
			State: "drafted", DraftedAt: tx.now, office: p.office,
		}
		_, err = tx.Exec(ctx, `INSERT INTO referrals
			(id, office_id, recipient_id, plan_id, partner_id, partner_name, measure, state, drafted_by, drafted_at, next_look, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, 'drafted', $8, $9, $10, $9)`,
			r.ID, p.office, recipient, p.id, n.Partner, partner, n.Measure, by.User, tx.now, r.nextLook(tx))
		if err != nil {
			return r, fmt.Errorf("insert referral: %w", err)
		}
		return r, l.step(ctx, tx, r, "drafted", map[string]any{"need": n.Need})
	})
}

func (n NewReferral) check(partner bool) error {
	var p problems
	if !isMeasure(n.Measure) {
		p.add("measure", isUnknown)
	}
	if !partner {
		p.add("partner_id", reason{"is not in the directory of this office", "不在本单位的协作单位名录中"})
	}
	switch {
	case strings.TrimSpace(n.Need) == "":
		p.add("need", isRequired)
	case len(n.Need) > 8000:
		p.add("need", isTooLong)
	}
	return p.err()
}

// lockOpenPlan locks a recipient's open plan: referrals and their alerts hang on it.
func (l *Log) lockOpenPlan(ctx context.Context, tx txn, recipient RecipientID) (plan, error) {
	var id PlanID
	err := tx.QueryRow(ctx, "SELECT id FROM care_plans WHERE recipient_id = $1 AND state <> 'closed'", recipient).Scan(&id)
	if none(err) {
		return plan{}, conflict("the plan is closed: open it again before the household is referred")
	}
	if err != nil {
		return plan{}, fmt.Errorf("find the plan: %w", err)
	}
	return l.lockPlan(ctx, tx, id)
}

// SendReferral records that a drafted referral went out, with what was disclosed
// and on what ground. Due dates are working days from the sending unless given.
func (l *Log) SendReferral(ctx context.Context, by Actor, id ReferralID, s Sending) (Referral, error) {
	return l.moveOn(ctx, by, id, func(tx txn, r *Referral) (string, map[string]any, error) {
		if r.State != "drafted" {
			return "", nil, conflict("the referral is %s: only a draft can be sent", r.State)
		}
		if err := unrestricted(ctx, tx, r.Recipient); err != nil {
			return "", nil, err
		}
		s.At = orNow(s.At, tx.now)
		acknowledge, decide, err := agreedDays(ctx, tx, r.Partner)
		if err != nil {
			return "", nil, err
		}
		if s.AcknowledgeBy.IsZero() {
			s.AcknowledgeBy = tx.cal(r.office).AddWorkdays(calendar.Of(s.At), acknowledge)
		}
		if s.DecideBy.IsZero() {
			s.DecideBy = tx.cal(r.office).AddWorkdays(calendar.Of(s.At), decide)
		}
		if err := s.check(tx); err != nil {
			return "", nil, err
		}
		r.State, r.SentAt, r.AcknowledgeBy, r.DecideBy = "sent", &s.At, s.AcknowledgeBy, s.DecideBy
		told := newDisclosure{
			channel: "referral", subject: anyID(r.ID), recipient: r.Recipient, office: r.office, at: s.At, told: "partner", toldID: anyID(r.Partner),
			purpose: "referral", fields: s.Disclosed, basis: s.Ground,
		}
		if err := disclose(ctx, tx, told); err != nil {
			return "", nil, err
		}
		return "sent", map[string]any{
			"ground": s.Ground, "disclosed": s.Disclosed, "sent_at": s.At, "acknowledge_by": s.AcknowledgeBy, "decide_by": s.DecideBy, "document": s.Document, "note": s.Note,
		}, nil
	})
}

func (s Sending) check(tx txn) error {
	var p problems
	if !slices.Contains(disclosureGrounds, s.Ground) {
		p.add("ground", isUnknown)
	}
	checkDisclosed(&p, "disclosed", s.Disclosed)
	checkMoment(&p, tx, "at", s.At)
	if s.AcknowledgeBy.Before(calendar.Of(s.At)) {
		p.add("acknowledge_by", isOutsideWindow)
	}
	if s.DecideBy.Before(s.AcknowledgeBy) || s.DecideBy.After(calendar.Of(s.At).AddYears(1)) {
		p.add("decide_by", isOutsideWindow)
	}
	checkLengths(&p, map[string]string{"document": s.Document, "note": s.Note})
	return p.err()
}

// checkMoment asks for a time that is past, and not a year ago.
func checkMoment(p *problems, tx txn, field string, at time.Time) {
	if at.After(tx.now) {
		p.add(field, isInFuture)
	} else if at.Before(tx.now.AddDate(-1, 0, 0)) {
		p.add(field, isOutsideWindow)
	}
}

func checkLengths(p *problems, texts map[string]string) {
	for field, text := range texts {
		if len(text) > 8000 {
			p.add(field, isTooLong)
		}
	}
}

// AcknowledgeReferral records that the partner has the referral; from now on its
// decision is waited for.
func (l *Log) AcknowledgeReferral(ctx context.Context, by Actor, id ReferralID, a Acknowledgement) (Referral, error) {
	return l.moveOn(ctx, by, id, func(tx txn, r *Referral) (string, map[string]any, error) {
		if r.State != "sent" {
			return "", nil, conflict("the referral is %s: only one that was sent can be acknowledged", r.State)
		}
		var p problems
		a.At = orNow(a.At, tx.now)
		checkMoment(&p, tx, "at", a.At)
		if a.At.Before(*r.SentAt) {
			p.add("at", isOutsideWindow)
		}
		if !a.DecideBy.IsZero() {
			if a.DecideBy.Before(calendar.Of(a.At)) || a.DecideBy.After(calendar.Of(a.At).AddYears(1)) {
				p.add("decide_by", isOutsideWindow)
			}
			r.DecideBy = a.DecideBy
		}
		checkLengths(&p, map[string]string{"document": a.Document, "note": a.Note})
		if err := p.err(); err != nil {
			return "", nil, err
		}
		r.State = "acknowledged"
		return "acknowledged", map[string]any{"acknowledged_at": a.At, "decide_by": r.DecideBy, "document": a.Document, "note": a.Note}, nil
	})
}

// ReferralFilter chooses referrals. Zero fields choose all.
type ReferralFilter struct {
	State   string
	Partner PartnerID
	Overdue bool // the answer is due and has not come
	Page    Page
}

// Referrals lists the referrals of the actor's offices in the order they were drafted.
func (l *Log) Referrals(ctx context.Context, by Actor, f ReferralFilter) ([]Referral, error) {
	if !by.Holds(ListWork) {
		return nil, forbidden("only officers and supervisors list referrals")
	}
	return read(ctx, l, by, func(tx txn) ([]Referral, error) {
		rows, err := tx.Query(ctx, selectReferrals+`($1 OR f.office_id = ANY ($2)) AND ($3 = '' OR f.state = $3) AND ($4::uuid IS NULL OR f.partner_id = $4)
			AND (NOT $5 OR f.due_on < $6) AND f.id > $7 ORDER BY f.id LIMIT $8`, by.Kind == System, by.officesFor(ListWork),
			f.State, f.Partner, f.Overdue, tx.today(), f.Page.afterOrFirst(), f.Page.Limit)
		if err != nil {
			return nil, fmt.Errorf("list referrals: %w", err)
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Referral, error) { return l.scanReferral(row, tx) })
	})
}

const selectReferrals = `SELECT f.id, f.recipient_id, f.plan_id, f.measure, f.partner_id, f.partner_name, f.state, f.drafted_at, f.sent_at,
		f.acknowledge_by, f.decide_by, f.due_on, f.decided_on, f.effective_from, f.expires_on, f.no_end, f.office_id, r.data_key, r.sealed
	FROM referrals f JOIN recipients r ON r.id = f.recipient_id WHERE `

func (l *Log) scanReferral(row pgx.CollectableRow, tx txn) (Referral, error) {
	var r Referral
	var wrapped, sealed []byte
	err := row.Scan(&r.ID, &r.Recipient, &r.Plan, &r.Measure, &r.Partner, &r.PartnerName, &r.State, &r.DraftedAt, &r.SentAt,
		&r.AcknowledgeBy, &r.DecideBy, &r.DueOn, &r.DecidedOn, &r.EffectiveFrom, &r.ExpiresOn, &r.NoEnd, &r.office, &wrapped, &sealed)
	if err != nil {
		return r, err
	}
	r.Overdue = !r.DueOn.IsZero() && r.DueOn.Before(tx.today())
	facts, err := l.openRecipient(r.Recipient, wrapped, sealed)
	r.MaskedName = MaskName(facts.Name)
	return r, err
}

// ReferralsOf lists a recipient's referrals with every step and what was said at
// it. Officers and supervisors of the file's office may; the read is audited.
func (l *Log) ReferralsOf(ctx context.Context, by Actor, recipient RecipientID) ([]Referral, error) {
	return write(ctx, l, by.anew(), func(tx txn) ([]Referral, error) {
		return ofWhole(ctx, l, tx, recipient, func(id RecipientID) ([]Referral, error) { return l.referralsOf(ctx, tx, id) })
	})
}

func (l *Log) referralsOf(ctx context.Context, tx txn, recipient RecipientID) ([]Referral, error) {
	file, err := l.openFile(ctx, tx, recipient)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, selectReferrals+"f.recipient_id = $1 ORDER BY f.id", recipient)
	if err != nil {
		return nil, fmt.Errorf("list referrals: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Referral, error) { return l.scanReferral(row, tx) })
	if err != nil {
		return nil, fmt.Errorf("list referrals: %w", err)
	}
	tx.audit(file.office, "referrals_read", anyID(recipient), "")
	return found, readSteps(ctx, tx, file, found)
}

func readSteps(ctx context.Context, tx txn, file file, referrals []Referral) error {
	rows, err := tx.Query(ctx, `SELECT referral_id, n, step, recorded_by, recorded_at, sealed FROM referral_steps WHERE recipient_id = $1 ORDER BY referral_id, n`, file.id)
	if err != nil {
		return fmt.Errorf("read steps: %w", err)
	}
	var id ReferralID
	var s ReferralStep
	var sealed []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &s.N, &s.Step, &s.RecordedBy, &s.RecordedAt, &sealed}, func() error {
		var err error
		if s.Said, err = crypt.OpenJSON[map[string]any](file.key, sealed, stepContext(id, s.N)); err != nil {
			return err
		}
		for i := range referrals {
			if referrals[i].ID == id {
				referrals[i].Steps = append(referrals[i].Steps, s)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read steps: %w", err)
	}
	return nil
}

func stepContext(id ReferralID, n int) string {
	return fmt.Sprintf("referral_steps.sealed/%s/%d", id, n)
}
