package carelog

import (
	"bytes"
	"context"
	"fmt"
	"slices"
)

// part is what one piece of a reply was about, and what was decided on it.
type part struct {
	target
	code     string
	digit    *int
	how      string // by what it was matched
	decision string // matched, late, unverified, triage, attempted, noted, wrong_number, nothing
	reason   string
	by       UserID // who decided; zero: the rules
	unclear  bool   // the contact can be asked what was meant

	difficulty bool // words beside a confirmation's code tell of it
}

// Why a part of a reply is left to a person.
const (
	severalOpen    = "several requests are open for this number and the reply names none"
	unverifiedCode = "a valid code from a number it was not sent to: unverified"
	officersCode   = "the code belongs to an officer's task"
	nothingRead    = "nothing in it was understood as an answer"
	contradictory  = "the reply contradicts itself"
	codeAlone      = "a task code stands there without a clear answer"
	digitAlone     = "a digit stands beside task codes and belongs to none"
	misspeltCode   = "what looks like a task code is none: asked, never guessed"
	wordsBeside    = "words beside several task codes: read which household they are about"
	unclearAgain   = "unclear again after we asked back: "
)

func (p part) taken() bool {
	return p.decision == "matched" || p.decision == "late" || p.decision == "attempted" || p.decision == "noted"
}

// hearReply takes every part of a reply that is clear, and leaves the rest to a
// person, after one question to the contact where a question can help. A code of
// an officer's own number is an attempt or a note of theirs.
func (l *Log) hearReply(ctx context.Context, tx txn, r reply, senders []sender, said reading) error {
	staff, office, err := findStaff(ctx, tx, r.sender)
	if err != nil {
		return err
	}
	if len(staff) > 0 {
		theirs, err := l.contactsOwn(ctx, tx, r, senders, said)
		if err != nil {
			return err
		}
		if !theirs {
			r.office = office
			return l.officerText(ctx, tx, r, staff, said)
		}
	}
	if r.parts, err = l.findParts(ctx, tx, r, senders, said); err != nil {
		return err
	}
	if err := l.takeParts(ctx, tx, &r, said); err != nil {
		return err
	}
	return l.concludeReply(ctx, tx, r, senders, said)
}

// findParts finds what each digit is about: by its code, else the single open
// request of the number.
func (l *Log) findParts(ctx context.Context, tx txn, r reply, senders []sender, said reading) ([]part, error) {
	var parts []part
	for _, a := range said.answers {
		p, err := l.findPart(ctx, tx, r, senders, said, a)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	for _, code := range said.misspelt {
		parts = append(parts, part{code: code, decision: "triage", reason: misspeltCode, unclear: true})
	}
	rest := slices.ContainsFunc(parts, func(p part) bool { return !p.taken() })
	switch {
	case len(parts) == 0 && said.mark != "unclear":
		parts = append(parts, part{decision: "triage", reason: nothingRead, unclear: true})
	case !rest && said.mark == "unclear":
		parts = append(parts, part{decision: "triage", reason: contradictory, unclear: true})
	}
	return parts, nil
}

func (l *Log) findPart(ctx context.Context, tx txn, r reply, senders []sender, said reading, a [2]string) (part, error) {
	p := part{code: a[0], decision: "triage"}
	if a[0] == "" && len(said.codes()) > 0 {
		p.reason, p.unclear = digitAlone, true
		return p, nil
	}
	t, why, err := l.findTarget(ctx, tx, r, senders, a[0])
	if err != nil {
		return p, err
	}
	p.target = t
	if a[1] != "" {
		digit := int(a[1][0] - '0')
		p.digit = &digit
	}
	barred, err := barredFrom(ctx, tx, t)
	switch {
	case err != nil:
		return p, err
	case why == unverifiedCode:
		p.decision, p.reason = "unverified", why
	case why != "":
		p.reason, p.unclear = why, why == severalOpen
	case barred:
		p.reason = "the household is barred from the village: what this contact says about it is for a person to judge"
	case t.purpose == visitConfirmation:
		if p.reason, p.difficulty = l.confirmationReads(said, p.digit); p.reason == "" {
			p.decision, p.how, p.reason = "matched", "by its task code", "by its task code"
		}
	case p.digit == nil:
		p.reason, p.unclear = codeAlone, true
	default:
		p.decision, p.how = "matched", "by its task code"
		if p.code == "" {
			p.how = "the only open request of this number"
		}
		p.reason = p.how
	}
	return p, nil
}

// takeParts applies what was matched. Words beside several codes go into no
// household's history: nobody knows yet which one they are about.
func (l *Log) takeParts(ctx context.Context, tx txn, r *reply, said reading) error {
	if err := lockPlansOf(ctx, tx, r.households(target{})); err != nil {
		return err
	}
	for i, p := range r.parts {
		if p.difficulty {
			if err := l.hearDifficulty(ctx, tx, *r, p, said); err != nil {
				return err
			}
		}
		if p.decision != "matched" {
			continue
		}
		late, err := l.takeAnswer(ctx, tx, *r, signal{target: p.target, digit: *p.digit, note: said.noteOf(), how: p.how})
		if err != nil {
			return err
		}
		if late {
			r.parts[i].decision = "late"
		}
	}
	if len(said.codes()) > 1 && said.words() != "" {
		r.parts = append(r.parts, part{decision: "triage", reason: wordsBeside})
	}
	return nil
}

// concludeReply settles a reply whose clear parts were taken: with an
// acknowledgement when nothing is left, else with one question, and a person.
func (l *Log) concludeReply(ctx context.Context, tx txn, r reply, senders []sender, said reading) error {
	var taken, rest []part
	for _, p := range r.parts {
		if p.taken() {
			taken = append(taken, p)
		} else {
			rest = append(rest, p)
		}
	}
	if len(rest) == 0 {
		if err := l.settleReply(ctx, tx, r, taken[0].target, "matched", taken[0].how); err != nil {
			return err
		}
		if err := l.answer(ctx, tx, r, answersTo(senders, taken[0].target), taken[0].office, "village_ack"); err != nil {
			return err
		}
		if !slices.ContainsFunc(taken, func(p part) bool { return p.purpose != visitConfirmation }) {
			return nil // what was asked back about requests stands
		}
		return l.endQuestions(ctx, tx, r)
	}
	why, about := rest[0].reason, rest[0].target
	asked, err := l.askBack(ctx, tx, r, senders, rest)
	if err != nil {
		return err
	}
	if asked.again {
		why = unclearAgain + why
	}
	if about.recipient.IsZero() && len(asked.open) == 1 && len(said.misspelt) == 0 && len(taken) == 0 {
		about = asked.open[0]
	}
	if about.contact.IsZero() {
		about.contact = whoWrote(senders)
	}
	if about.office.IsZero() { // whose people know the contact, whoever owns the number
		about.office = officeOf(taken, asked.open, senders)
	}
	if len(taken) > 0 && asked.message.IsZero() {
		if err := l.answer(ctx, tx, r, answersTo(senders, taken[0].target), taken[0].office, "village_ack"); err != nil {
			return err
		}
	}
	if err := l.toTriage(ctx, tx, r, about, why); err != nil {
		return err
	}
	return noteQuestion(ctx, tx, r.id, asked)
}

// officeOf is the office that reads a reply about no household we know.
func officeOf(taken []part, open []target, senders []sender) OfficeID {
	switch {
	case len(taken) > 0:
		return taken[0].office
	case len(open) > 0:
		return open[0].office
	default:
		return fromWhom(senders).office
	}
}

// fromWhom is all that is known of a reply about no household: who wrote it.
func fromWhom(senders []sender) target {
	if len(senders) == 0 {
		return target{}
	}
	return target{contact: senders[0].id, office: senders[0].office}
}

// households are those that a reply is known to be about, in the order of their ids.
func (r reply) households(also target) []RecipientID {
	ids := slices.Clone(r.closedBy)
	for _, t := range append([]part{{target: also}}, r.parts...) {
		if !t.recipient.IsZero() && !slices.Contains(ids, t.recipient) {
			ids = append(ids, t.recipient)
		}
	}
	slices.SortFunc(ids, func(a, b RecipientID) int { return bytes.Compare(a[:], b[:]) })
	return ids
}

// lockPlansOf locks the plans of several households before anything below them,
// in one order: a reply about two waits for no reply about the same two.
func lockPlansOf(ctx context.Context, tx txn, recipients []RecipientID) error {
	if len(recipients) < 2 {
		return nil
	}
	_, err := tx.Exec(ctx, "SELECT FROM care_plans WHERE recipient_id = ANY ($1) ORDER BY id FOR NO KEY UPDATE", recipients)
	if err != nil {
		return fmt.Errorf("lock the plans: %w", err)
	}
	return nil
}

// addParts writes down what became of the parts of a reply, after those that are
// there already.
func addParts(ctx context.Context, tx txn, id InboundID, parts []part) error {
	for _, p := range parts {
		decision := p.decision
		if decision == "settled" {
			decision = "nothing"
		}
		_, err := tx.Exec(ctx, `INSERT INTO inbound_answers (inbound_id, position, recipient_id, ask_id, digit, how, decision, reason, decided_by, at)
			VALUES ($1, (SELECT coalesce(max(position), 0) + 1 FROM inbound_answers WHERE inbound_id = $1), $2, $3, $4, $5, $6, $7, $8, $9)`,
			id, p.recipient, p.ask, p.digit, p.how, decision, p.reason, p.by, tx.now)
		if err != nil {
			return fmt.Errorf("note what the reply was about: %w", err)
		}
	}
	return nil
}
