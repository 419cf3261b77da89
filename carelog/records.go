package carelog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
	"aftercare/carelog/schedule"
	"aftercare/internal/crypt"
)

// CheckInRecord is what an officer records of one try at a check-in.
type CheckInRecord struct {
	Outcome      string           `json:"outcome"`       // reached, refused, no_answer, number_dead, away, moved, deceased, in_custody, suspected_fraud
	OccurredAt   time.Time        `json:"occurred_at"`   // zero: now
	Informant    string           `json:"informant"`     // self, guardian, relative, village_contact, other
	AskedVillage bool             `json:"asked_village"` // a village informant was heard too (L21)
	Scores       condition.Scores `json:"scores"`        // all not observed: no assessment
	Receipt      string           `json:"receipt"`       // was the money received in full: full, partial, none, not_asked
	UseOfMoney   string           `json:"use_of_money"`
	Changes      string           `json:"changes"` // in the household since last time
	Needs        string           `json:"needs"`   // in their own words
	Note         string           `json:"note"`
	NextTryOn    calendar.Date    `json:"next_try_on"` // of a try that did not reach them; zero: two working days
}

// Recorded is what recording made of it.
type Recorded struct {
	CheckIn  CheckInID `json:"check_in_id"`
	Record   RecordID  `json:"record_id"`
	State    string    `json:"state"` // done, or still open
	Assessed bool      `json:"assessed"`
	Index    int       `json:"index"` // 0-100, of an assessment
	Complete bool      `json:"complete"`
	Counts   bool      `json:"counts"` // after the baseline visit and its village informant
	Late     bool      `json:"late"`   // entered more than a day after it happened
}

var outcomes = []string{"reached", "refused", "no_answer", "number_dead", "away", "moved", "deceased", "in_custody", "suspected_fraud"}

var informants = []string{"", "self", "guardian", "relative", "village_contact", "other"}

// RecordCheckIn records a try at a check-in. Reached completes it; anything else
// is an attempt that leaves it open with a next try. A phone call cannot score
// housing and care (D3, D5); a village check-in scores nothing. Officers of the
// office may.
func (l *Log) RecordCheckIn(ctx context.Context, by Actor, id CheckInID, r CheckInRecord) (Recorded, error) {
	return write(ctx, l, by, func(tx txn) (Recorded, error) {
		c, err := lockCheckIn(ctx, tx, id)
		if err != nil {
			return Recorded{}, err
		}
		if !by.May(Officer, c.office) {
			return Recorded{}, forbidden("only officers of the office record its check-ins")
		}
		if !isOpen(c.state) {
			return Recorded{}, conflict("the check-in is %s: note an unplanned contact instead", c.state)
		}
		if r.OccurredAt.IsZero() {
			r.OccurredAt = tx.now
		}
		if err := l.checkRecord(tx, c, r); err != nil {
			return Recorded{}, err
		}
		return l.record(ctx, tx, c, r)
	})
}

func (l *Log) checkRecord(tx txn, c checkIn, r CheckInRecord) error {
	var p problems
	if !slices.Contains(outcomes, r.Outcome) {
		p.add("outcome", isUnknown)
	}
	if r.OccurredAt.After(tx.now) {
		p.add("occurred_at", isInFuture)
	} else if r.OccurredAt.Before(tx.now.AddDate(0, -6, 0)) {
		p.add("occurred_at", isOutsideWindow)
	}
	if !slices.Contains(informants, r.Informant) {
		p.add("informant", isUnknown)
	}
	if !slices.Contains([]string{"", "full", "partial", "none", "not_asked"}, r.Receipt) {
		p.add("receipt", isUnknown)
	}
	if !r.NextTryOn.IsZero() && r.NextTryOn.Before(tx.today()) {
		p.add("next_try_on", isInPast)
	}
	for field, text := range map[string]string{"note": r.Note, "needs": r.Needs, "changes": r.Changes, "use_of_money": r.UseOfMoney} {
		if len(text) > 8000 {
			p.add(field, isTooLong)
		}
	}
	scored := r.Scores.Scored()
	if scored > 0 && r.Outcome != "reached" {
		p.add("scores", isNotScorable)
	}
	if c.scored && r.Outcome == "reached" && scored == 0 {
		p.add("scores", needsScores)
	}
	for _, d := range notScorableBy(c.kind) {
		if _, given := r.Scores.Of(d).Points(); given {
			p.add("scores."+string(d), isNotScorable)
		}
	}
	return p.err()
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

func (l *Log) record(ctx context.Context, tx txn, c checkIn, r CheckInRecord) (Recorded, error) {
	done := Recorded{CheckIn: c.id, State: c.state, Late: tx.now.Sub(r.OccurredAt) > 24*time.Hour}
	done.Assessed = r.Scores.Scored() > 0
	done.Index, done.Complete = r.Scores.Index()
	if err := l.insertRecord(ctx, tx, c, r, &done); err != nil {
		return done, err
	}
	kind := "check_in_attempted"
	var err error
	if r.Outcome == "reached" {
		kind, done.State = "check_in_recorded", "done"
		err = l.finishCheckIn(ctx, tx, c, "recorded by an officer")
	} else {
		err = l.nextTry(ctx, tx, c, r)
	}
	if err != nil {
		return done, err
	}
	details := map[string]any{
		"kind": c.kind, "step": c.step, "outcome": r.Outcome, "informant": r.Informant, "asked_village": r.AskedVillage, "late": done.Late,
		"receipt": r.Receipt, "use_of_money": r.UseOfMoney, "changes": r.Changes, "needs": r.Needs, "note": r.Note,
	}
	if done.Assessed {
		details["scores"], details["index"], details["complete"], details["counts"] = r.Scores, done.Index, done.Complete, done.Counts
	}
	tx.append(happening{recipient: c.recipient, kind: kind, at: r.OccurredAt, subject: anyID(c.id), details: dropEmpty(details)})
	return done, l.judgeHousehold(ctx, tx, c.recipient)
}

func dropEmpty(details map[string]any) map[string]any {
	for k, v := range details {
		if v == "" || v == false {
			delete(details, k)
		}
	}
	return details
}

// insertRecord writes the record, and the assessment when something was scored.
func (l *Log) insertRecord(ctx context.Context, tx txn, c checkIn, r CheckInRecord, done *Recorded) error {
	key, err := l.recipientKey(ctx, tx, c.recipient)
	if err != nil {
		return err
	}
	id := newID[recordKind](tx.now, l.random)
	sealed, err := crypt.SealJSON(key, map[string]string{
		"receipt": r.Receipt, "use_of_money": r.UseOfMoney, "changes": r.Changes, "needs": r.Needs, "note": r.Note,
	}, "check_in_records.sealed/"+id.String())
	if err != nil {
		return fmt.Errorf("seal the record: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO check_in_records
		(id, check_in_id, recipient_id, outcome, informant, asked_village, occurred_at, recorded_at, recorded_by, late, sealed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, id, c.id, c.recipient, r.Outcome, r.Informant, r.AskedVillage,
		r.OccurredAt, tx.now, tx.by.User, tx.now.Sub(r.OccurredAt) > 24*time.Hour, sealed)
	if err != nil {
		return fmt.Errorf("insert record: %w", err)
	}
	if done == nil {
		return nil
	}
	done.Record = id
	if !done.Assessed {
		return nil
	}
	return l.insertAssessment(ctx, tx, c, r, done)
}

// insertAssessment writes the scores. The first that counts comes after both the
// baseline home visit and a village informant (L21).
func (l *Log) insertAssessment(ctx context.Context, tx txn, c checkIn, r CheckInRecord, done *Recorded) error {
	err := tx.QueryRow(ctx, `SELECT
			EXISTS (SELECT FROM check_in_records b JOIN check_ins s ON s.id = b.check_in_id
				WHERE b.recipient_id = $1 AND s.step = 'baseline' AND b.outcome = 'reached' AND b.check_in_id <> $2 AND b.occurred_at <= $3)
			AND EXISTS (SELECT FROM check_in_records b WHERE b.recipient_id = $1 AND b.asked_village AND b.outcome = 'reached' AND b.occurred_at <= $3)`,
		c.recipient, c.id, r.OccurredAt).Scan(&done.Counts)
	if err != nil {
		return fmt.Errorf("look for the baseline: %w", err)
	}
	scores := make([]int16, len(r.Scores))
	for i, s := range r.Scores {
		scores[i] = stored(s)
	}
	_, err = tx.Exec(ctx, `INSERT INTO assessments (id, recipient_id, check_in_id, record_id, kind, occurred_at, recorded_at, scores, index, complete, counts)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, newID[plainKind](tx.now, l.random), c.recipient, c.id, done.Record, c.kind,
		r.OccurredAt, tx.now, scores, done.Index, done.Complete, done.Counts)
	if err != nil {
		return fmt.Errorf("insert assessment: %w", err)
	}
	return nil
}

// stored is a score as the column keeps it: 0-4, -1 not observed, -2 not applicable.
func stored(s condition.Score) int16 {
	if points, scored := s.Points(); scored {
		return int16(points)
	}
	if s == condition.NotApplicable {
		return -2
	}
	return -1
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
	return l.ensureNext(ctx, tx, c.plan)
}

func (l *Log) nextTry(ctx context.Context, tx txn, c checkIn, r CheckInRecord) error {
	day := r.NextTryOn
	if day.IsZero() {
		day = tx.cal(c.office).AddWorkdays(tx.today(), 2)
	}
	_, err := tx.Exec(ctx, "UPDATE check_ins SET next_try_on = $2, updated_at = $3 WHERE id = $1", c.id, day, tx.now)
	if err != nil {
		return fmt.Errorf("note the next try: %w", err)
	}
	return nil
}

// UnplannedContact is a contact nobody scheduled: a call received, a walk-in, or
// a village contact's answer given by phone.
type UnplannedContact struct {
	Kind       string    `json:"kind"` // call_received, walk_in, village_answer
	OccurredAt time.Time `json:"occurred_at"`
	Note       string    `json:"note"`
	CheckIn    CheckInID `json:"check_in_id"` // of a village answer: the check-in it answers
	Digit      int       `json:"digit"`       // of a village answer: 1 safe, 2 difficulty, 3 not seen
}

// NoteContact notes an unplanned contact in a recipient's history. A village
// answer given by phone completes the village check-in as the same SMS would.
// Officers of the office may.
func (l *Log) NoteContact(ctx context.Context, by Actor, recipient RecipientID, n UnplannedContact) (Entry, error) {
	return write(ctx, l, by, func(tx txn) (Entry, error) {
		file, err := l.openFile(ctx, tx, recipient)
		if err != nil {
			return Entry{}, err
		}
		if !by.May(Officer, file.office) {
			return Entry{}, forbidden("only officers of the office note contacts")
		}
		if n.OccurredAt.IsZero() {
			n.OccurredAt = tx.now
		}
		if err := n.check(tx); err != nil {
			return Entry{}, err
		}
		details := map[string]any{"contact": n.Kind, "note": n.Note, "source": "officer"}
		if n.Digit > 0 {
			details["signal"], details["digit"], details["source"] = signalWords[n.Digit], n.Digit, "village_contact_phone"
		}
		tx.append(happening{recipient: recipient, kind: "contact_noted", at: n.OccurredAt, subject: anyID(n.CheckIn), details: dropEmpty(details)})
		if n.Kind == "village_answer" {
			if err := l.villageAnswer(ctx, tx, recipient, n); err != nil {
				return Entry{}, err
			}
		}
		if err := l.flush(ctx, tx); err != nil {
			return Entry{}, err
		}
		return l.lastOfKind(ctx, tx, file, "contact_noted")
	})
}

// lastOfKind is the newest entry of a kind: what followed from it stands after it.
func (l *Log) lastOfKind(ctx context.Context, tx txn, file file, kind string) (Entry, error) {
	page, err := l.readHistory(ctx, tx, file, 1<<62, 20)
	if err != nil {
		return Entry{}, err
	}
	for _, e := range page.Entries {
		if e.Kind == kind {
			return e, nil
		}
	}
	return Entry{}, fmt.Errorf("no entry %s was written", kind)
}

func (n UnplannedContact) check(tx txn) error {
	var p problems
	if !slices.Contains([]string{"call_received", "walk_in", "village_answer"}, n.Kind) {
		p.add("kind", isUnknown)
	}
	if n.OccurredAt.After(tx.now) {
		p.add("occurred_at", isInFuture)
	} else if n.OccurredAt.Before(tx.now.AddDate(0, -6, 0)) {
		p.add("occurred_at", isOutsideWindow)
	}
	if strings.TrimSpace(n.Note) == "" && n.Digit == 0 {
		p.add("note", isRequired)
	}
	if len(n.Note) > 8000 {
		p.add("note", isTooLong)
	}
	if n.Kind == "village_answer" {
		if n.CheckIn.IsZero() {
			p.add("check_in_id", isRequired)
		}
		if n.Digit < 1 || n.Digit > 3 {
			p.add("digit", isUnknown)
		}
	} else if n.Digit != 0 {
		p.add("digit", isUnknown)
	}
	return p.err()
}

func (l *Log) villageAnswer(ctx context.Context, tx txn, recipient RecipientID, n UnplannedContact) error {
	c, err := lockCheckIn(ctx, tx, n.CheckIn)
	if err != nil {
		return err
	}
	if c.recipient != recipient || c.kind != schedule.Village {
		return invalid("check_in_id", reason{"is not a village check-in of this recipient", "不是该被救助人的村委会询问任务"})
	}
	if !isOpen(c.state) {
		return conflict("the check-in is %s already", c.state)
	}
	outcome := "reached"
	if n.Digit == 3 {
		outcome = "not_seen"
	}
	err = l.insertRecord(ctx, tx, c, CheckInRecord{Outcome: outcome, Informant: "village_contact", OccurredAt: n.OccurredAt, AskedVillage: true, Note: n.Note}, nil)
	if err != nil {
		return err
	}
	if n.Digit == 3 {
		if err := l.nextTry(ctx, tx, c, CheckInRecord{}); err != nil {
			return err
		}
		return l.judgeHousehold(ctx, tx, recipient)
	}
	if err := l.finishCheckIn(ctx, tx, c, "answered by the village contact by phone"); err != nil {
		return err
	}
	if n.Digit == 2 {
		return l.difficulty(ctx, tx, signal{target: target{recipient: recipient}}, c)
	}
	return l.judgeHousehold(ctx, tx, recipient)
}
