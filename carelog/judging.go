package carelog

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/condition"
	"aftercare/internal/crypt"
)

// judgeHousehold looks again at everything known of a household, at the end of
// every verb that stores new facts, and brings in line what follows: hits are
// stored with what they rest on, new ones raise alerts and the tier, those that
// no longer hold are superseded and not deleted, and those that a deed answered
// are settled. The same facts judged twice change nothing; an alert that a
// person resolved comes back only when its facts change.
func (l *Log) judgeHousehold(ctx context.Context, tx txn, recipient RecipientID) error {
	return l.judge(ctx, tx, recipient, nil)
}

// judgeReopened judges a household that was taken into care again: what was found
// while no plan was open, or ended with the plan that was closed, is told now.
func (l *Log) judgeReopened(ctx context.Context, tx txn, recipient RecipientID) error {
	rows, err := tx.Query(ctx, `SELECT h.cause FROM rule_hits h WHERE h.recipient_id = $1 AND h.superseded_at IS NULL AND h.settled_at IS NULL
		AND NOT EXISTS (SELECT FROM alerts a WHERE a.recipient_id = $1 AND a.cause = h.cause AND a.why <> $2)`, recipient, whenClosed)
	if err != nil {
		return fmt.Errorf("find what nobody was told: %w", err)
	}
	untold, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("find what nobody was told: %w", err)
	}
	if err := l.endTasks(ctx, tx, []string{careAgain(recipient)}, "the household is in care again"); err != nil {
		return err
	}
	return l.judge(ctx, tx, recipient, untold)
}

func (l *Log) judge(ctx context.Context, tx txn, recipient RecipientID, untold []string) error {
	p, err := l.openPlanOf(ctx, tx, recipient)
	if err != nil {
		return err
	}
	k, err := l.household(ctx, tx, recipient)
	if err != nil {
		return err
	}
	key, err := l.recipientKey(ctx, tx, recipient)
	if err != nil {
		return err
	}
	j := judging{Log: l, tx: tx, recipient: recipient, key: key, plan: p, found: k.findings(tx.today(), p.highRisk()), floors: k.floors(), untold: untold}
	if j.standing, err = j.standingHits(ctx); err != nil {
		return err
	}
	if err := j.compare(ctx); err != nil {
		return err
	}
	if err := j.raise(ctx); err != nil {
		return err
	}
	return j.offerStepDown(ctx, k)
}

// openPlanOf locks the plan that is not closed; none: a zero plan.
func (l *Log) openPlanOf(ctx context.Context, tx txn, recipient RecipientID) (plan, error) {
	var id PlanID
	err := tx.QueryRow(ctx, "SELECT id FROM care_plans WHERE recipient_id = $1 AND state <> 'closed'", recipient).Scan(&id)
	if none(err) {
		return plan{}, nil
	}
	if err != nil {
		return plan{}, fmt.Errorf("find the plan: %w", err)
	}
	return l.lockPlan(ctx, tx, id)
}

// highRisk is R9's: households on template H or C get the red clock.
func (p plan) highRisk() bool { return p.template.Key == "H" || p.template.Key == "C" }

// judging is one look at a household.
type judging struct {
	*Log
	tx        txn
	recipient RecipientID
	key       crypt.DataKey
	plan      plan // its zero value: no plan is open
	found     []finding
	floors    map[string]time.Time
	standing  map[string]storedHit
	untold    []string  // causes of standing hits that no alert of a running plan told
	fresh     []finding // to be raised
}

// Why hits are superseded.
const (
	corrected     = "what it rests on was corrected"
	judgedAnew    = "judged anew at another level"
	unsettledSoon = "what had settled it was corrected"
)

// compare stores what is new or changed, and ends what no longer holds.
func (j *judging) compare(ctx context.Context) error {
	for _, f := range j.found {
		was, stands := j.standing[f.cause]
		delete(j.standing, f.cause)
		if err := j.compareOne(ctx, f, was, stands); err != nil {
			return err
		}
	}
	for _, cause := range slices.Sorted(maps.Keys(j.standing)) {
		if err := j.gone(ctx, j.standing[cause]); err != nil {
			return err
		}
	}
	return nil
}

func (j *judging) compareOne(ctx context.Context, f finding, was storedHit, stands bool) error {
	switch {
	case !stands:
		if f.settled == "" {
			j.fresh = append(j.fresh, f)
		}
		return j.store(ctx, f)
	case f.settled != "":
		return j.settle(ctx, was, f.settled)
	case was.settled:
		j.fresh = append(j.fresh, f)
		return j.replace(ctx, was, f, unsettledSoon)
	case was.same(f):
		if slices.Contains(j.untold, f.cause) {
			j.fresh = append(j.fresh, f)
		}
		return nil
	case was.level != f.hit.Level:
		if err := j.end(ctx, was.cause, "superseded", judgedAnew); err != nil {
			return err
		}
		j.fresh = append(j.fresh, f)
		return j.replace(ctx, was, f, judgedAnew)
	default:
		// More is wrong, or other domains are: whoever resolved it is told again.
		if !was.alike(f) {
			j.fresh = append(j.fresh, f)
		}
		return j.replace(ctx, was, f, corrected)
	}
}

// gone ends a standing hit that was not found again. What only time brings (R10,
// R11) was true in its time and is settled; the rest was corrected.
func (j *judging) gone(ctx context.Context, was storedHit) error {
	switch {
	case was.rule == "R10":
		return j.settle(ctx, was, doneSince)
	case was.rule == "R11":
		return j.settle(ctx, was, answered)
	case was.at.Before(j.floors[was.on]):
		return nil
	}
	if err := j.supersede(ctx, was, corrected); err != nil {
		return err
	}
	return j.end(ctx, was.cause, "superseded", corrected)
}

// end ends the alert and the task of a cause.
func (j *judging) end(ctx context.Context, cause, outcome, why string) error {
	err := j.endAlerts(ctx, j.tx, endedAlerts{recipient: j.recipient, causes: []string{cause}, outcome: outcome, why: why})
	if err != nil {
		return err
	}
	if strings.HasPrefix(cause, "R9:") {
		if err := j.noVisitNeeded(ctx, why); err != nil {
			return err
		}
	}
	return j.endTasks(ctx, j.tx, []string{cause}, why)
}

// raise raises the alerts of fresh findings, the most urgent first: that one
// texts the officer, the others stand beside it, so that one visit is one text.
func (j *judging) raise(ctx context.Context) error {
	if len(j.fresh) == 0 {
		return nil
	}
	slices.SortStableFunc(j.fresh, mostUrgent)
	if j.plan.id.IsZero() {
		return j.withoutPlan(ctx)
	}
	opened := map[anyID]bool{}
	for i, f := range j.fresh {
		a := j.alert(f)
		if i == 0 {
			a.wording = wordingOf(f.hit)
		}
		if err := j.raiseAlert(ctx, j.tx, a); err != nil {
			return err
		}
		if err := j.work(ctx, f, a.actBy, opened); err != nil {
			return err
		}
	}
	return j.raiseTier(ctx)
}

func (j *judging) alert(f finding) newAlert {
	a := newAlert{
		office: j.plan.office, recipient: j.recipient, plan: j.plan.id, checkIn: f.checkIn, officer: j.plan.officer,
		rule: f.hit.Rule, version: f.hit.Version, level: string(f.hit.Level), cause: f.cause,
	}
	if f.hit.Within != (condition.Clock{}) {
		a.actBy = f.hit.Within.Ends(j.tx.now, j.tx.cal(j.plan.office)) // from its recording, however late that was
	}
	return a
}

// wordingOf is what the officer is texted. A notice is for the supervisor, who
// finds it in the list: the ladder texts about what is overdue.
func wordingOf(h condition.Hit) string {
	switch {
	case h.Level == condition.Red:
		return "officer_red"
	case h.Rule == "R8":
		return "officer_signal"
	case h.Level == condition.Amber:
		return "officer_amber"
	default:
		return ""
	}
}

// work opens the task that an alert asks for: the law's report for a child in
// danger, a home visit to whoever was not seen, and one task for each thing that
// turned red, however many rules say so.
func (j *judging) work(ctx context.Context, f finding, actBy time.Time, opened map[anyID]bool) error {
	t := newTask{cause: f.cause, office: j.plan.office, recipient: j.recipient, plan: j.plan.id, checkIn: f.checkIn, actBy: actBy}
	if err := j.reportIfChild(ctx, f.hit); err != nil {
		return err
	}
	switch {
	case f.hit.Rule == "R9":
		return j.visitAtHome(ctx, t)
	case f.hit.Level == condition.Red && !opened[f.id]:
		opened[f.id] = true
		t.kind, t.reason = "red_alert", redReasons[f.hit.Rule]
	default:
		return nil
	}
	return j.openTask(ctx, j.tx, t)
}

// reportIfChild opens the law's report where a finding demands one.
func (j *judging) reportIfChild(ctx context.Context, hit condition.Hit) error {
	owed, err := j.reportOwed(ctx, j.tx, j.recipient, hit)
	if err != nil || !owed {
		return err
	}
	return j.mandatoryReport(ctx, j.tx, j.plan, "a safeguarding flag says that a child is harmed or in danger (R2)")
}

// redReasons say what turned red. Their Chinese stands in web/zh.json.
var redReasons = map[string]string{
	"R1":  "a domain stands at 0, crisis: act within 24 hours (R1)",
	"R2":  "a safeguarding flag was recorded: act within 2 hours (R2)",
	"R3":  "a domain fell steeply to 1 or less: act within 24 hours (R3)",
	"R5":  "three domains or more fell and the index is low: act within 24 hours (R5)",
	"R12": "an event was reported that leaves somebody without care or in danger: act within 24 hours (R12)",
}

func careAgain(id RecipientID) string { return "care_again:" + id.String() }

// withoutPlan hands a finding about a household whose plan is closed to a person:
// there is no officer to wake, and only a person takes a household back into care.
func (j *judging) withoutPlan(ctx context.Context) error {
	if !j.fresh[0].hit.RaisesTier() {
		return nil
	}
	var office OfficeID
	if err := j.tx.QueryRow(ctx, "SELECT office_id FROM recipients WHERE id = $1", j.recipient).Scan(&office); err != nil {
		return fmt.Errorf("find the office: %w", err)
	}
	return j.openTask(ctx, j.tx, newTask{
		kind: "care_again", cause: careAgain(j.recipient), office: office, recipient: j.recipient,
		reason: "a rule found that a household without an open plan is worse off: decide whether its care begins again",
		actBy:  j.fresh[0].hit.Within.Ends(j.tx.now, j.tx.cal(office)),
	})
}

// raiseTier brings the tier up to the most urgent fresh finding. It never goes
// down here: that is a person's to decide (PIPL art. 24).
func (j *judging) raiseTier(ctx context.Context) error {
	top := j.fresh[0]
	if !top.hit.RaisesTier() || tierRank(string(top.hit.Level)) <= tierRank(j.plan.tier) {
		return nil
	}
	var names []string
	for _, f := range j.fresh {
		if f.hit.Level == top.hit.Level && !slices.Contains(names, f.hit.Rule) {
			names = append(names, f.hit.Rule)
		}
	}
	return j.changeTier(ctx, j.tx, &j.plan, tierChange{to: string(top.hit.Level), byRules: true, details: map[string]any{"rules": strings.Join(names, " ")}})
}
