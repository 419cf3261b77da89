package carelog

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
	"aftercare/carelog/schedule"
)

// The known values of a record's fields.
var (
	outcomes      = []string{"reached", "refused", "no_answer", "number_dead", "away", "moved", "deceased", "in_custody", "suspected_fraud"}
	informants    = []string{"", "self", "guardian", "relative", "village_contact", "other"}
	receipts      = []string{"", "full", "partial", "none", "not_asked"}
	demands       = []string{"", "none", "deducted", "demanded", "not_asked"}
	places        = []string{"", "home", "village_office", "hospital", "school", "workplace", "other"}
	confirmations = []string{"", "signature", "oral"}
	evidenceKinds = []string{"observed", "document", "told"}
	moneyUses     = []string{"medical", "living", "education", "housing", "debt", "production", "funeral", "custody", "savings", "other"}
	flagKinds     = []condition.Flag{condition.ChildHarm, condition.SelfHarm, condition.Violence, condition.FundSeizure, condition.MissingPerson}
)

// Limits of a record. A next try further off is an appointment or a pause.
const (
	longText       = 8000 // bytes
	shortText      = 600
	mostEntries    = 30 // of a list
	longestVisit   = 24 * time.Hour
	enteredWithin  = 6 // months
	nextTryWithin  = 60
	highestBalance = 1_000_000_000_000 // fen: no aid is that large, and sums stay far from overflow
)

// checkRecord tells every problem of a record at once, finds the people it names
// and what its answers about the money warn of. old is the version it corrects, if any.
func (l *Log) checkRecord(ctx context.Context, tx txn, c checkIn, r CheckInRecord, old *version) (entered, error) {
	var p problems
	checkChoices(&p, r)
	checkTimes(tx, &p, r, old)
	if !c.id.IsZero() && r.reached() && beforeWindow(tx, c, calendar.Of(r.OccurredAt)) {
		p.add("occurred_at", isBeforeWindow)
	}
	checkNextTry(tx, &p, c, r)
	checkTexts(&p, r)
	checkUses(&p, r)
	checkSchooling(&p, r)
	checkScores(&p, c, r)
	officers, err := findOfficers(ctx, tx, &p, c.office, r.Officers)
	if err != nil {
		return entered{}, err
	}
	if err := p.err(); err != nil {
		return entered{}, err
	}
	r.Flags, err = moneyWarns(ctx, tx, c.recipient, r)
	return entered{r, officers}, err
}

// beforeWindow: an early visit satisfies the next check-in only inside its
// window. The rest days before the due date belong to it: they are what the date
// may have rolled over. The baseline may come on any day: nothing lies before it
// for which it could be taken.
func beforeWindow(tx txn, c checkIn, day calendar.Date) bool {
	return c.step != "baseline" && day.Before(opening(tx, c))
}

func opening(tx txn, c checkIn) calendar.Date {
	rolled := c.window.Due.Sub(tx.cal(c.office).AddWorkdays(c.window.Due, -1)) - 1
	return c.window.Opens.AddDays(-max(rolled, 0))
}

func checkChoices(p *problems, r CheckInRecord) {
	for _, one := range []struct {
		field, value string
		known        []string
	}{
		{"outcome", r.Outcome, outcomes},
		{"informant", r.Informant, informants},
		{"receipt", r.Receipt, receipts},
		{"demands", r.Demands, demands},
		{"place", r.Place, places},
		{"confirmed", r.Confirmed, confirmations},
	} {
		if !slices.Contains(one.known, one.value) {
			p.add(one.field, isUnknown)
		}
	}
	if r.Satisfaction < 0 || r.Satisfaction > 5 {
		p.add("satisfaction", isUnknown)
	}
	for _, flag := range r.Flags {
		if !slices.Contains(flagKinds, flag) {
			p.add("flags", isUnknown)
			break
		}
	}
}

func checkTimes(tx txn, p *problems, r CheckInRecord, old *version) {
	unchanged := old != nil && r.OccurredAt.Equal(old.occurredAt)
	switch {
	case r.OccurredAt.After(tx.now):
		p.add("occurred_at", isInFuture)
	case !unchanged && r.OccurredAt.Before(tx.now.AddDate(0, -enteredWithin, 0)):
		p.add("occurred_at", isOutsideWindow)
	}
	switch {
	case r.EndedAt.IsZero():
	case r.EndedAt.After(tx.now):
		p.add("ended_at", isInFuture)
	case r.EndedAt.Before(r.OccurredAt), r.EndedAt.Sub(r.OccurredAt) > longestVisit:
		p.add("ended_at", endsBeforeItBegan)
	}
}

func checkNextTry(tx txn, p *problems, c checkIn, r CheckInRecord) {
	switch cal := tx.cal(c.office); {
	case r.NextTryOn.IsZero():
	case r.NextTryOn.Before(tx.today()):
		p.add("next_try_on", isInPast)
	case r.NextTryOn.After(tx.today().AddDays(nextTryWithin)):
		p.add("next_try_on", isOutsideWindow)
	case !cal.IsWorkday(r.NextTryOn):
		p.add("next_try_on", notAWorkday(cal.RollForward(r.NextTryOn)))
	}
}

func checkTexts(p *problems, r CheckInRecord) {
	for _, one := range []struct{ field, text string }{
		{"note", r.Note},
		{"needs", r.Needs},
		{"changes", r.Changes},
		{"use_of_money", r.UseOfMoney},
		{"income", r.Income},
		{"health", r.Health},
		{"mood", r.Mood},
		{"legal", r.Legal},
		{"assistance_in_place", r.InPlace},
		{"assistance_lapsed", r.Lapsed},
		{"issues", r.Issues},
		{"next_visit", r.NextVisit},
		{"tier_proposal", r.TierProposal},
	} {
		if len(one.text) > longText {
			p.add(one.field, isTooLong)
		}
	}
	for field, text := range map[string]string{"partner": r.Partner, "interpreter": r.Interpreter} {
		if len(text) > shortText {
			p.add(field, isTooLong)
		}
	}
}

func checkUses(p *problems, r CheckInRecord) {
	if len(r.Uses) > mostEntries {
		p.add("uses", isTooLong)
		return
	}
	for i, use := range r.Uses {
		at := "uses[" + strconv.Itoa(i) + "]."
		if !slices.Contains(moneyUses, use.Category) {
			p.add(at+"category", isUnknown)
		}
		if use.Evidence != "" && !slices.Contains(evidenceKinds, use.Evidence) {
			p.add(at+"evidence", isUnknown)
		}
		for field, fen := range map[string]int64{"amount_fen": use.AmountFen, "balance_fen": use.BalanceFen} {
			if fen < 0 {
				p.add(at+field, isNegative)
			} else if fen > highestBalance {
				p.add(at+field, isOutsideWindow)
			}
		}
		if len(use.Concern) > longText {
			p.add(at+"concern", isTooLong)
		}
	}
}

func checkSchooling(p *problems, r CheckInRecord) {
	if len(r.Schooling) > mostEntries {
		p.add("schooling", isTooLong)
		return
	}
	for i, one := range r.Schooling {
		at := "schooling[" + strconv.Itoa(i) + "]."
		if strings.TrimSpace(one.Text) == "" {
			p.add(at+"text", isRequired)
		}
		if len(one.Text) > longText {
			p.add(at+"text", isTooLong)
		}
		if len(one.Child) > shortText {
			p.add(at+"child", isTooLong)
		}
	}
}

func checkScores(p *problems, c checkIn, r CheckInRecord) {
	scored := r.Scores.Scored()
	if scored > 0 && !r.reached() {
		p.add("scores", isNotScorable)
	}
	if c.scored && r.reached() && scored == 0 {
		p.add("scores", needsScores)
	}
	for _, d := range notScorableBy(c.kind) {
		if _, given := r.Scores.Of(d).Points(); given {
			p.add("scores."+string(d), isNotScorable)
		}
	}
	for d, e := range r.Evidence {
		at := "evidence." + string(d)
		if _, given := r.Scores.Of(d).Points(); !given {
			p.add(at, isOfNoScore)
		}
		if !slices.Contains(evidenceKinds, e.Kind) {
			p.add(at+".kind", isUnknown)
		}
		if !slices.Contains(informants, e.Informant) {
			p.add(at+".informant", isUnknown)
		}
	}
}

// notScorableBy: a home visit may score all; a phone call all but housing and
// care; a village answer is only a signal.
func notScorableBy(kind schedule.Kind) []condition.Domain {
	var unseen []condition.Domain
	for _, e := range condition.Scale() {
		if kind == schedule.Village || kind == schedule.Phone && e.HomeOnly {
			unseen = append(unseen, e.Domain)
		}
	}
	return unseen
}

// findOfficers finds who made the visit by their logins: officers and
// supervisors who serve the office.
func findOfficers(ctx context.Context, tx txn, p *problems, office OfficeID, logins []string) ([]UserID, error) {
	if len(logins) > mostEntries {
		p.add("officers", isTooLong)
		return nil, nil
	}
	var found []UserID
	for i, login := range logins {
		var id UserID
		err := tx.QueryRow(ctx, `SELECT u.id FROM users u JOIN grants g ON g.user_id = u.id AND g.role IN ('officer', 'supervisor')
				JOIN offices o ON o.id = $1 AND g.office_id = ANY (o.path) WHERE u.login = lower($2) LIMIT 1`, office, strings.TrimSpace(login)).Scan(&id)
		if none(err) {
			p.add("officers["+strconv.Itoa(i)+"]", isUnknownOfficer)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("find officer: %w", err)
		}
		if !slices.Contains(found, id) {
			found = append(found, id)
		}
	}
	return found, nil
}

// notAWorkday names the working day to choose instead.
func notAWorkday(instead calendar.Date) reason {
	return reason{"is not a working day: choose " + instead.String(), "不是工作日,请选择 " + instead.String()}
}
