package carelog

import (
	"context"
	"fmt"
	"slices"
)

// Why an answer to a confirmation is left to a person.
const (
	noConfirmation    = "the code asks whether a visit was made: 1 they came, 2 they did not; nothing else answers it"
	wordsConfirmation = "the code asks whether a visit was made, and the words say how the household is: read which is meant"
)

// confirmationReads tells what the words beside the code of a confirmation hinder:
// its digit counts where it was typed, and a word of the lexicon that says the same
// of a household ("all well", "in difficulty") may be all that was written. That
// the household is in difficulty is heard whatever else is said.
func (l *Log) confirmationReads(said reading, digit *int) (why string, difficulty bool) {
	words := l.understand(said.note)
	same := words.mark == "unclear"
	for _, a := range words.answers {
		difficulty = difficulty || a[1] == "2"
		same = same || digit != nil && a[1] == fmt.Sprint(*digit)
	}
	switch {
	case difficulty || same:
		return wordsConfirmation, difficulty && said.noteOf() != ""
	case digit == nil || *digit > 2:
		return noConfirmation, false
	}
	return "", false
}

// hearDifficulty takes words of difficulty in the answer to a confirmation for what
// they are. Whether the visit was made is for a person to read.
func (l *Log) hearDifficulty(ctx context.Context, tx txn, r reply, p part, said reading) error {
	c, err := lockCheckIn(ctx, tx, p.checkIn)
	if err != nil {
		return err
	}
	s := signal{target: p.target, digit: 2, note: said.noteOf(), how: "by its task code"}
	tx.append(s.heard(r, false))
	return l.difficulty(ctx, tx, s, c)
}

// takeAnswer applies a matched digit to what the request asked.
func (l *Log) takeAnswer(ctx context.Context, tx txn, r reply, s signal) (late bool, err error) {
	if s.purpose == visitConfirmation {
		return l.takeConfirmation(ctx, tx, r, s)
	}
	return l.takeSignal(ctx, tx, r, s)
}

// takeConfirmation notes what the village contact says of a visit: the check-in
// and its record stay as they are. A visit that is denied, or about which the
// contact says now the one and now the other, is a supervisor's to look into. It
// tells whether the ask was settled before.
func (l *Log) takeConfirmation(ctx context.Context, tx txn, r reply, s signal) (late bool, err error) {
	c, err := lockCheckIn(ctx, tx, s.checkIn)
	if err != nil {
		return false, err
	}
	if err := tx.QueryRow(ctx, "SELECT state, answer FROM asks WHERE id = $1 FOR UPDATE", s.ask).Scan(&s.state, &s.answer); err != nil {
		return false, fmt.Errorf("lock the ask: %w", err)
	}
	var state string
	if err := tx.QueryRow(ctx, "SELECT state FROM visit_confirmations WHERE check_in_id = $1 FOR UPDATE", s.checkIn).Scan(&state); err != nil {
		return false, fmt.Errorf("lock the confirmation: %w", err)
	}
	late = s.state != "open"
	if s.answer != nil && *s.answer == s.digit {
		return late, nil // said again
	}
	contradicts := s.answer != nil
	entry := s.saysOfVisit(r, late)
	if state == confirmWithdrawn { // what it was about is not what the record says now, or care rests
		entry.kind = "reply_noted"
		tx.append(entry)
		return true, nil
	}
	outcome := "confirmed"
	if s.digit == 2 || contradicts {
		outcome = "doubted"
	}
	entry.kind = "visit_" + outcome
	tx.append(entry)
	_, err = tx.Exec(ctx, `WITH answered AS (
			UPDATE asks SET state = 'answered', answer = $2, reason = 'answered by the village contact', closed_at = $3 WHERE id = $1 RETURNING id)
		UPDATE task_codes SET free_from = $4 FROM answered WHERE ask_id = answered.id AND free_from IS NULL`, s.ask, s.digit, tx.now, tx.now.Add(codeRest))
	if err != nil {
		return late, fmt.Errorf("note the answer: %w", err)
	}
	_, err = tx.Exec(ctx, "UPDATE visit_confirmations SET state = $2, reason = '', ended_at = $3 WHERE check_in_id = $1", c.id, outcome, tx.now)
	if err != nil {
		return late, fmt.Errorf("note the confirmation: %w", err)
	}
	if outcome == "confirmed" {
		return late, nil
	}
	why := "the village contact says that this home visit was not made: hear both sides, and note what came of it"
	if contradicts {
		why = "the village contact says now that this home visit was made and now that it was not: hear both sides, and note what came of it"
	}
	return late, l.doubtVisit(ctx, tx, r, s, c, why)
}

// saysOfVisit is the entry of what the contact says of a visit.
func (s signal) saysOfVisit(r reply, late bool) happening {
	details := s.heardDetails(late)
	details["signal"], details["reply"] = map[int]string{1: "came", 2: "did_not_come"}[s.digit], r.id
	h := s.heard(r, late)
	h.subject, h.details = anyID(s.checkIn), details
	return h
}

// doubtWithin is how many working days a supervisor has to look into a doubt.
const doubtWithin = 3

// doubtVisit opens the supervisor's task. It raises no alert: nothing is known to
// be the matter with the household.
func (l *Log) doubtVisit(ctx context.Context, tx txn, r reply, s signal, c checkIn, why string) error {
	actBy := officerWindow.closes(tx.cal(c.office).AddWorkdays(tx.today(), doubtWithin))
	err := l.openTask(ctx, tx, newTask{
		kind: "visit_doubted", cause: "visit_doubted:" + c.id.String(), office: c.office, recipient: c.recipient, plan: c.plan, checkIn: c.id,
		inbound: r.id, contact: s.contact, reason: why, actBy: actBy,
	})
	if err != nil {
		return err
	}
	var able bool
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM unnest(ARRAY['head', 'deputy', 'office']) AS r (rung), who_hears($2, r.rung) AS u (id) WHERE NOT `+
		hadPartIn("$1", "u.id")+")", c.id, c.office).Scan(&able)
	if err != nil {
		return fmt.Errorf("find who looks into the doubt: %w", err)
	}
	if able {
		return nil
	}
	return l.openTask(ctx, tx, newTask{
		kind: "supervisor_missing", cause: "supervisor_missing:visit_doubted:" + c.id.String(), office: c.office, recipient: c.recipient, plan: c.plan, checkIn: c.id,
		reason: "a visit is to be looked into, and neither this office nor one above it has a supervisor who had no part in it: name one", actBy: actBy,
	})
}

// hadPartIn is the SQL for somebody having recorded or made the visit of a check-in,
// in any version of its record.
func hadPartIn(checkIn, user string) string {
	return fmt.Sprintf("EXISTS (SELECT FROM check_in_records b WHERE b.check_in_id = %[1]s AND (b.recorded_by = %[2]s OR %[2]s = ANY (b.officers)))", checkIn, user)
}

// hadPart tells whether the actor recorded or made the visit.
func hadPart(ctx context.Context, tx txn, id CheckInID) (part bool, err error) {
	if err = tx.QueryRow(ctx, "SELECT "+hadPartIn("$1", "$2"), id, tx.by.User).Scan(&part); err != nil {
		return false, fmt.Errorf("look who made the visit: %w", err)
	}
	return part, nil
}

// mayLookInto refuses who may not end the doubt about a visit.
func mayLookInto(ctx context.Context, tx txn, office OfficeID, id CheckInID) error {
	if !tx.by.may(office, DoubtVisit) {
		return forbidden("only a supervisor of the office looks into the doubt about a visit")
	}
	if part, err := hadPart(ctx, tx, id); err != nil || part {
		return orForbidden(err, "whoever recorded or made the visit does not look into the doubt about it")
	}
	return nil
}

// notTheirOwnVisit refuses to have people settle what the village says of a visit
// of theirs: an answer that waits for a person, or one they would match by hand.
// What is urgent is everybody's.
func notTheirOwnVisit(ctx context.Context, tx txn, id InboundID, asks ...AskID) error {
	var part bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM asks a WHERE a.purpose = $4 AND (a.id = ANY ($2)
			OR EXISTS (SELECT FROM inbound_answers w JOIN inbound_messages i ON i.id = w.inbound_id AND i.mark <> 'urgent' WHERE w.inbound_id = $1 AND w.ask_id = a.id))
		AND `+hadPartIn("a.check_in_id", "$3")+")", id, slices.Clone(asks), tx.by.User, visitConfirmation).Scan(&part)
	if err != nil || part {
		return orForbidden(err, "whoever recorded or made the visit does not settle what the village says of it")
	}
	return nil
}
