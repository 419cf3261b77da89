package carelog

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
)

// deed decides what a step does to a referral: the step's name and what was
// said, or a refusal.
type deed func(tx txn, r *Referral) (step string, said map[string]any, err error)

// moveOn takes a referral one step on in one transaction: the row, the step, the
// history, the tasks that the step ends, and a new look at the household. Officers
// and supervisors of its office may.
func (l *Log) moveOn(ctx context.Context, by Actor, id ReferralID, do deed) (Referral, error) {
	return write(ctx, l, by, func(tx txn) (Referral, error) {
		r, err := l.lockReferral(ctx, tx, id)
		if err != nil {
			return Referral{}, err
		}
		if !by.may(r.office, Refer) {
			return Referral{}, forbidden("only officers and supervisors of the office refer households")
		}
		step, said, err := do(tx, &r)
		if err != nil {
			return Referral{}, err
		}
		if err := l.keepReferral(ctx, tx, &r); err != nil {
			return Referral{}, err
		}
		if err := l.step(ctx, tx, r, step, said); err != nil {
			return Referral{}, err
		}
		if err := l.endTasks(ctx, tx, r.waiting(), "the referral went on"); err != nil {
			return Referral{}, err
		}
		return r, l.judgeHousehold(ctx, tx, r.Recipient)
	})
}

// waiting are the causes of the tasks that a step of the referral answers.
func (r Referral) waiting() []string {
	return []string{"referral_unsent:" + r.ID.String(), "referral_unanswered:" + r.ID.String(), "benefit_lapsing:" + r.ID.String()}
}

// lockReferral reads a referral for change, its plan before it. Out of scope and
// not there are the same answer.
func (l *Log) lockReferral(ctx context.Context, tx txn, id ReferralID) (Referral, error) {
	_, err := tx.Exec(ctx, "SELECT FROM care_plans WHERE id = (SELECT plan_id FROM referrals WHERE id = $1) FOR NO KEY UPDATE", id)
	if err != nil {
		return Referral{}, fmt.Errorf("lock the plan: %w", err)
	}
	rows, err := tx.Query(ctx, selectReferrals+"f.id = $1 FOR NO KEY UPDATE OF f", id)
	if err != nil {
		return Referral{}, fmt.Errorf("read referral: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (Referral, error) { return l.scanReferral(row, tx) })
	if none(err) {
		return r, notFound("referral")
	}
	if err != nil {
		return r, fmt.Errorf("read referral: %w", err)
	}
	return r, nil
}

// keepReferral writes the referral as it stands now, with the day it is looked at next.
func (l *Log) keepReferral(ctx context.Context, tx txn, r *Referral) error {
	err := tx.QueryRow(ctx, `UPDATE referrals SET state = $2, sent_at = $3, acknowledge_by = $4, decide_by = $5,
			acknowledged_at = CASE WHEN $2 = 'acknowledged' THEN coalesce(acknowledged_at, $6) ELSE acknowledged_at END,
			decided_on = $7, effective_from = $8, expires_on = $9, no_end = $10, next_look = $11, updated_at = $6
		WHERE id = $1 RETURNING due_on`, r.ID, r.State, r.SentAt, r.AcknowledgeBy, r.DecideBy, tx.now,
		r.DecidedOn, r.EffectiveFrom, r.ExpiresOn, r.NoEnd, r.nextLook(tx)).Scan(&r.DueOn)
	if err != nil {
		return fmt.Errorf("keep referral: %w", err)
	}
	r.Overdue = !r.DueOn.IsZero() && r.DueOn.Before(tx.today())
	return nil
}

// nextLook is the day the sweep has something to do: a draft that lies, an answer
// that is late, a benefit that ends soon, or has ended. Zero: nothing.
func (r Referral) nextLook(tx txn) calendar.Date {
	switch r.State {
	case "drafted":
		return tx.cal(r.office).AddWorkdays(tx.today(), draftedFor)
	case "sent":
		return r.AcknowledgeBy.AddDays(1)
	case "acknowledged":
		return r.DecideBy.AddDays(1)
	case "granted":
		if r.NoEnd {
			return calendar.Date{}
		}
		soon := r.ExpiresOn.AddDays(-lapsesSoon)
		if soon.Before(tx.today()) {
			return tx.today() // granted for less than the notice: looked at by the next sweep
		}
		return soon
	default:
		return calendar.Date{}
	}
}

// step keeps what was said at a step and tells it in the history.
func (l *Log) step(ctx context.Context, tx txn, r Referral, step string, said map[string]any) error {
	said = dropEmpty(said)
	key, err := l.recipientKey(ctx, tx, r.Recipient)
	if err != nil {
		return err
	}
	var n int
	if err := tx.QueryRow(ctx, "SELECT count(*) + 1 FROM referral_steps WHERE referral_id = $1", r.ID).Scan(&n); err != nil {
		return fmt.Errorf("count steps: %w", err)
	}
	sealed, err := crypt.SealJSON(key, said, stepContext(r.ID, n))
	if err != nil {
		return fmt.Errorf("seal the step: %w", err)
	}
	_, err = tx.Exec(ctx, "INSERT INTO referral_steps (referral_id, n, recipient_id, step, recorded_by, recorded_at, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		r.ID, n, r.Recipient, step, tx.by.User, tx.now, sealed)
	if err != nil {
		return fmt.Errorf("insert step: %w", err)
	}
	details := map[string]any{"measure": r.Measure, "referred_to": r.PartnerName}
	maps.Copy(details, said)
	tx.append(happening{recipient: r.Recipient, kind: "referral_" + step, subject: anyID(r.ID), details: details})
	return nil
}

// DecideReferral records what the partner decided on a referral that was sent.
func (l *Log) DecideReferral(ctx context.Context, by Actor, id ReferralID, d Decision) (Referral, error) {
	return l.moveOn(ctx, by, id, func(tx txn, r *Referral) (string, map[string]any, error) {
		if r.State != "sent" && r.State != "acknowledged" {
			return "", nil, conflict("the referral is %s: only one that waits for an answer can be decided", r.State)
		}
		if err := d.check(tx, *r); err != nil {
			return "", nil, err
		}
		d.apply(r)
		return d.Outcome, d.said(), nil
	})
}

// check fills what was left out and tells all that is wrong.
func (d *Decision) check(tx txn, r Referral) error {
	var p problems
	if d.On.IsZero() {
		d.On = tx.today()
	}
	if d.On.After(tx.today()) {
		p.add("on", isInFuture)
	} else if d.On.Before(calendar.Of(*r.SentAt)) {
		p.add("on", isOutsideWindow)
	}
	checkLengths(&p, map[string]string{"document": d.Document, "evidence": d.Evidence, "reason": d.Reason})
	switch d.Outcome {
	case "granted":
		if d.EffectiveFrom.IsZero() {
			d.EffectiveFrom = d.On
		}
		checkEnd(&p, d.EffectiveFrom, d.ExpiresOn, d.NoEnd)
	case "refused":
		d.EffectiveFrom, d.ExpiresOn, d.NoEnd = calendar.Date{}, calendar.Date{}, false
		if strings.TrimSpace(d.Reason) == "" {
			p.add("reason", isRequired)
		}
	default:
		p.add("outcome", isUnknown)
	}
	return p.err()
}

// checkEnd asks for an end or a plain "none", never both and never neither: a
// benefit nobody dated lapses unseen.
func checkEnd(p *problems, from, end calendar.Date, none bool) {
	switch {
	case none && !end.IsZero():
		p.add("no_end", reason{"contradicts the date: give one of them", "与到期日矛盾\uff0c请只填一项"})
	case !none && end.IsZero():
		p.add("expires_on", reason{"is required: the end or review date, or say that there is no end", "必填\uff1a请填到期或复核日期\uff0c或注明长期有效"})
	case !none && end.Before(from):
		p.add("expires_on", isOutsideWindow)
	}
}

func (d Decision) apply(r *Referral) {
	r.State, r.DecidedOn, r.EffectiveFrom, r.ExpiresOn, r.NoEnd = d.Outcome, d.On, d.EffectiveFrom, d.ExpiresOn, d.NoEnd
}

func (d Decision) said() map[string]any {
	said := map[string]any{"decision": d.Outcome, "decided_on": d.On, "document": d.Document, "proof": d.Evidence, "reason": d.Reason}
	if d.Outcome == "granted" {
		addTerm(said, d.EffectiveFrom, d.ExpiresOn, d.NoEnd)
	}
	return said
}

func addTerm(said map[string]any, from, end calendar.Date, none bool) {
	said["effective_from"], said["no_end"] = from, none
	if !none {
		said["expires_on"] = end
	}
}

// CorrectReferral sets a decision right that was recorded wrongly. The wrong step
// stays; the correction stands beside it with its reason and what stood before.
func (l *Log) CorrectReferral(ctx context.Context, by Actor, id ReferralID, d Decision, why string) (Referral, error) {
	return l.moveOn(ctx, by, id, func(tx txn, r *Referral) (string, map[string]any, error) {
		if r.State != "granted" && r.State != "refused" && r.State != "lapsed" {
			return "", nil, conflict("the referral is %s: only a decision can be corrected", r.State)
		}
		var p problems
		checkWhy(&p, why)
		if err := p.err(); err != nil {
			return "", nil, err
		}
		state, expires := r.State, r.ExpiresOn
		if d.Outcome == "refused" && strings.TrimSpace(d.Reason) == "" {
			d.Reason = why
		}
		if err := d.check(tx, *r); err != nil {
			return "", nil, err
		}
		d.apply(r)
		said := d.said()
		said["correction"], said["before"], said["before_expires_on"] = why, state, expires
		return "corrected", said, nil
	})
}

// WithdrawReferral takes a referral back before it is decided, with a reason.
func (l *Log) WithdrawReferral(ctx context.Context, by Actor, id ReferralID, why string) (Referral, error) {
	return l.moveOn(ctx, by, id, func(_ txn, r *Referral) (string, map[string]any, error) {
		var p problems
		checkWhy(&p, why)
		if err := p.err(); err != nil {
			return "", nil, err
		}
		if r.State != "drafted" && r.State != "sent" && r.State != "acknowledged" {
			return "", nil, conflict("the referral is %s: only one that is not decided can be withdrawn", r.State)
		}
		r.State = "withdrawn"
		return "withdrawn", map[string]any{"reason": why}, nil
	})
}

// Renewal is a granted benefit's new term.
type Renewal struct {
	From      calendar.Date `json:"from"` // zero: the day after the old end, else today
	ExpiresOn calendar.Date `json:"expires_on"`
	NoEnd     bool          `json:"no_end"`
	Document  string        `json:"document"`
	Evidence  string        `json:"evidence"`
}

// RenewReferral records that a granted benefit goes on, or was given again after
// it lapsed. What was told about the old term ends.
func (l *Log) RenewReferral(ctx context.Context, by Actor, id ReferralID, n Renewal) (Referral, error) {
	return l.moveOn(ctx, by, id, func(tx txn, r *Referral) (string, map[string]any, error) {
		if r.State != "granted" && r.State != "lapsed" {
			return "", nil, conflict("the referral is %s: only a granted benefit can be renewed", r.State)
		}
		if n.From.IsZero() {
			n.From = tx.today()
			if r.State == "granted" && !r.NoEnd {
				n.From = r.ExpiresOn.AddDays(1)
			}
		}
		var p problems
		checkEnd(&p, n.From, n.ExpiresOn, n.NoEnd)
		if len(p) == 0 && !n.NoEnd && !n.ExpiresOn.After(tx.today()) {
			p.add("expires_on", isInPast)
		}
		checkLengths(&p, map[string]string{"document": n.Document, "evidence": n.Evidence})
		if err := p.err(); err != nil {
			return "", nil, err
		}
		if r.State == "lapsed" { // between the two terms nobody was helped
			r.EffectiveFrom = n.From
		}
		r.State, r.ExpiresOn, r.NoEnd = "granted", n.ExpiresOn, n.NoEnd
		said := map[string]any{"document": n.Document, "proof": n.Evidence}
		addTerm(said, n.From, n.ExpiresOn, n.NoEnd)
		return "renewed", said, nil
	})
}
