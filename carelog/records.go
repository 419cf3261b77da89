package carelog

import (
	"context"
	"fmt"
	"time"

	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
)

// CheckInRecord is what an officer records of one try at a check-in, or of a
// visit nobody had planned (domain 2, "Visit record"). Only Outcome must be
// given; empty fields were not asked or not seen. Everything written in words is
// sealed under the recipient's key. Amounts are in fen.
type CheckInRecord struct {
	Outcome      string           `json:"outcome,omitempty"`      // reached, refused, no_answer, number_dead, away, moved, deceased, in_custody, suspected_fraud
	OccurredAt   time.Time        `json:"occurred_at,omitzero"`   // when it began; zero: now
	EndedAt      time.Time        `json:"ended_at,omitzero"`      // zero: when it began
	Informant    string           `json:"informant,omitempty"`    // self, guardian, relative, village_contact, other
	AskedVillage bool             `json:"asked_village,omitzero"` // a village informant was heard too (L21)
	Scores       condition.Scores `json:"scores,omitzero"`        // all not observed: no assessment
	Flags        []condition.Flag `json:"flags,omitempty"`        // safeguarding concerns, whatever the scores say (R2)
	NextTryOn    calendar.Date    `json:"next_try_on,omitzero"`   // of a try that did not reach them: a working day; zero: two working days
	Officers     []string         `json:"officers,omitempty"`     // logins of who made the visit; empty: whoever records it

	Evidence     map[condition.Domain]Evidence `json:"evidence,omitempty"`     // how each scored domain is known
	Place        string                        `json:"place,omitempty"`        // home, village_office, hospital, school, workplace, other
	Partner      string                        `json:"partner,omitempty"`      // who of a partner body was there
	Interpreter  string                        `json:"interpreter,omitempty"`  // or help with the dialect
	Receipt      string                        `json:"receipt,omitempty"`      // was the money received in full: full, partial, none, not_asked
	Demands      string                        `json:"demands,omitempty"`      // did anybody take or ask for some of it: none, deducted, demanded, not_asked (L34)
	UseOfMoney   string                        `json:"use_of_money,omitempty"` // in words
	Uses         []MoneyUse                    `json:"uses,omitempty"`
	Changes      string                        `json:"changes,omitempty"` // in the household since last time
	Income       string                        `json:"income,omitempty"`  // sources and what changed
	Health       string                        `json:"health,omitempty"`  // and treatment
	Schooling    []ChildAtSchool               `json:"schooling,omitempty"`
	Mood         string                        `json:"mood,omitempty"`  // mood, sleep, stress: no diagnosis
	Legal        string                        `json:"legal,omitempty"` // compensation, execution, the offender's release, threats
	InPlace      string                        `json:"assistance_in_place,omitempty"`
	Lapsed       string                        `json:"assistance_lapsed,omitempty"`
	Needs        string                        `json:"needs,omitempty"`        // in their own words
	Satisfaction int                           `json:"satisfaction,omitempty"` // 1-5; 0: not asked, and nobody has to answer
	Confirmed    string                        `json:"confirmed,omitempty"`    // signature, oral
	Issues       string                        `json:"issues,omitempty"`       // what is to be followed up
	NextVisit    string                        `json:"next_visit,omitempty"`   // what should change about the next one
	TierProposal string                        `json:"tier_proposal,omitempty"`
	Note         string                        `json:"note,omitempty"`
}

// Evidence is how the score of a domain is known.
type Evidence struct {
	Kind      string `json:"kind"`                // observed, document, told
	Informant string `json:"informant,omitempty"` // who told it; empty: the record's informant
}

// MoneyUse is one use of the aid money.
type MoneyUse struct {
	Category   string `json:"category"` // medical, living, education, housing, debt, production, funeral, custody, savings, other
	AmountFen  int64  `json:"amount_fen,omitempty"`
	Evidence   string `json:"evidence,omitempty"`    // observed, document, told
	BalanceFen int64  `json:"balance_fen,omitempty"` // left of it
	Concern    string `json:"concern,omitempty"`
}

// ChildAtSchool is how a child of the household does at school.
type ChildAtSchool struct {
	Child string `json:"child"`
	Text  string `json:"text"`
}

// Recorded is what recording made of it.
type Recorded struct {
	CheckIn  CheckInID `json:"check_in_id"` // none: the visit stands alone
	Record   RecordID  `json:"record_id"`
	State    string    `json:"state"` // of the check-in: done, or still open
	Version  int       `json:"version"`
	Assessed bool      `json:"assessed"`
	Index    int       `json:"index"` // 0-100, of an assessment
	Complete bool      `json:"complete"`
	Counts   bool      `json:"counts"` // after the baseline visit and its village informant
	Late     bool      `json:"late"`   // entered more than a day after it ended
	Warnings []string  `json:"warnings"`
}

// lateAfter is how long after a visit an entry is no longer fresh.
const lateAfter = 24 * time.Hour

// RecordCheckIn records a try at a check-in. Reached completes it; anything else
// is an attempt that leaves it open with a next try, and what the outcome asks
// for is set going (attempts.go). Before its window opens a check-in cannot be
// completed: that is an unplanned visit (NoteVisit). A phone call cannot score
// housing and care (D3, D5); a village check-in scores nothing. Officers of the
// office may.
func (l *Log) RecordCheckIn(ctx context.Context, by Actor, id CheckInID, r CheckInRecord) (Recorded, error) {
	return write(ctx, l, by, func(tx txn) (Recorded, error) {
		c, err := lockCheckIn(ctx, tx, id)
		if err != nil {
			return Recorded{}, err
		}
		if !by.may(c.office, RecordCare) {
			return Recorded{}, forbidden("only officers of the office record its check-ins")
		}
		if !isOpen(c.state) {
			return Recorded{}, conflict("the check-in is %s: note an unplanned contact instead", c.state)
		}
		if r.OccurredAt.IsZero() {
			r.OccurredAt = tx.now
		}
		e, err := l.checkRecord(ctx, tx, c, r, nil)
		if err != nil {
			return Recorded{}, err
		}
		return l.record(ctx, tx, c, e)
	})
}

// entered is a record that was checked, with the people it names.
type entered struct {
	CheckInRecord
	officers []UserID // who made the visit
}

func (r CheckInRecord) reached() bool { return r.Outcome == "reached" }

// ended is when the visit ended.
func (r CheckInRecord) ended() time.Time {
	if r.EndedAt.IsZero() {
		return r.OccurredAt
	}
	return r.EndedAt
}

// record writes down what happened and sets going what follows. c without an id
// is a visit that belongs to no check-in.
func (l *Log) record(ctx context.Context, tx txn, c checkIn, e entered) (Recorded, error) {
	done, err := l.writeVersion(ctx, tx, c, e, nil)
	if err != nil {
		return done, err
	}
	kind := "check_in_attempted"
	switch {
	case c.id.IsZero():
		kind = "visit_noted"
		if !e.reached() {
			err = l.outcomeFollows(ctx, tx, c, e.Outcome)
		} else if !c.plan.IsZero() {
			err = l.followVisit(ctx, tx, c)
		}
	case e.reached():
		kind, done.State = "check_in_recorded", "done"
		err = l.completeCheckIn(ctx, tx, c)
	default:
		err = l.attempt(ctx, tx, c, e.CheckInRecord)
	}
	if err != nil {
		return done, err
	}
	details, err := told(c, e.CheckInRecord, done)
	if err != nil {
		return done, err
	}
	tx.append(happening{recipient: c.recipient, kind: kind, at: e.OccurredAt, subject: subjectOf(c, done), details: details})
	return done, l.afterRecord(ctx, tx, c, e, done)
}

// completeCheckIn ends a check-in by the officer's deed.
func (l *Log) completeCheckIn(ctx context.Context, tx txn, c checkIn) error {
	if err := l.finishCheckIn(ctx, tx, c, "recorded by an officer"); err != nil {
		return err
	}
	return l.endTasks(ctx, tx, searches(c.plan), "the household was reached")
}

// afterRecord is what every officer's record asks for: a look at the household as
// it is now known, a second pair of eyes, a signature, a word of the village.
func (l *Log) afterRecord(ctx context.Context, tx txn, c checkIn, e entered, done Recorded) error {
	if err := l.awaitSignOff(ctx, tx, c, e, done); err != nil {
		return err
	}
	if done.Assessed {
		if err := l.askBlindScores(ctx, tx, c, e); err != nil {
			return err
		}
	}
	if err := l.confirmOneInTen(ctx, tx, c, e); err != nil {
		return err
	}
	return l.judgeHousehold(ctx, tx, c.recipient)
}

// subjectOf is what a history entry about a record is about: its check-in, or
// the record where it has none.
func subjectOf(c checkIn, done Recorded) anyID {
	if c.id.IsZero() {
		return anyID(done.Record)
	}
	return anyID(c.id)
}

// finishCheckIn completes a check-in by the deed and drops what was planned about it.
func (l *Log) finishCheckIn(ctx context.Context, tx txn, c checkIn, why string) error {
	_, err := tx.Exec(ctx, "UPDATE check_ins SET state = 'done', reason = $2, next_try_on = NULL, updated_at = $3 WHERE id = $1", c.id, why, tx.now)
	if err != nil {
		return fmt.Errorf("complete check-in: %w", err)
	}
	if err := l.settleAsks(ctx, tx, []CheckInID{c.id}, "the check-in is done"); err != nil {
		return err
	}
	return l.followVisit(ctx, tx, c)
}
