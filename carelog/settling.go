package carelog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Settlement is what a person decides about a reply that waited for one.
type Settlement struct {
	Decision  string      // match, note, wrong_number, nothing
	Ask       AskID       // of a match: the request it answers
	Digit     int         // of a match: 1 well, 2 difficulties, 3 not met, 4 another contact; of a confirmation 1 they came, 2 they did not
	Recipient RecipientID // of a note: in whose file
	Why       string
}

var settlements = []string{"match", "note", "wrong_number", "nothing"}

var isNoContactsNumber = reason{"is impossible: the number is none of our contacts", "该号码不是登记的联系人\uff0c无从更换"}

func (s Settlement) check() error {
	var p problems
	if !slices.Contains(settlements, s.Decision) {
		p.add("decision", isUnknown)
	}
	switch {
	case strings.TrimSpace(s.Why) == "":
		p.add("why", isRequired)
	case len(s.Why) > longText:
		p.add("why", isTooLong)
	}
	if s.Decision == "match" && s.Ask.IsZero() {
		p.add("ask_id", isRequired)
	}
	if s.Decision == "match" && signalWords[s.Digit] == "" {
		p.add("digit", isUnknown)
	}
	if s.Decision == "note" && s.Recipient.IsZero() {
		p.add("recipient_id", isRequired)
	}
	return p.err()
}

// SettleReply ends the waiting of a reply in one act: it answers a request (with
// all that follows from the digit), its words go into one file, its number is not
// the contact's, or there is nothing to do. Its task ends with it; the history says
// who decided it and why. Officers and supervisors of the office may. Refusals:
// Invalid, NotFound, Forbidden, Conflict when it is settled already, when the
// household is barred from the village, or when a red alert asks for a deed first.
func (l *Log) SettleReply(ctx context.Context, by Actor, id InboundID, s Settlement) error {
	if by.Kind != Person {
		return forbidden("a reply is settled by a person")
	}
	if err := s.check(); err != nil {
		return err
	}
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		r, err := l.lockWaiting(ctx, tx, id)
		if err != nil {
			return struct{}{}, err
		}
		if err := notTheirOwnVisit(ctx, tx, id, s.Ask); err != nil {
			return struct{}{}, err
		}
		senders, err := findSenders(ctx, tx, r.sender)
		if err != nil {
			return struct{}{}, err
		}
		switch s.Decision {
		case "match":
			err = l.matchByHand(ctx, tx, r, senders, s)
		case "note":
			err = l.noteByHand(ctx, tx, r, senders, s)
		case "wrong_number":
			err = l.wrongNumber(ctx, tx, r, senders)
		default:
			err = l.settledByHand(ctx, tx, r, part{decision: "nothing", reason: "nothing has to be done about it"})
		}
		if err != nil {
			return struct{}{}, err
		}
		tx.audit(r.office, "reply_settled", anyID(id), s.Decision)
		return struct{}{}, l.endTriage(ctx, tx, id, s.Why)
	})
	return err
}

// lockWaiting reads a reply that waits, for change. Out of scope and not there are
// the same answer.
func (l *Log) lockWaiting(ctx context.Context, tx txn, id InboundID) (reply, error) {
	r := reply{id: id}
	var state string
	box := sealedReply{id: id}
	err := tx.QueryRow(ctx, "SELECT i.office_id, i.line_id, i.sender_index, i.received_at, i.state, i.mark, "+replyBox+
		" FROM inbound_messages i "+replyKeys+" WHERE i.id = $1 FOR UPDATE OF i", id).
		Scan(append([]any{&r.office, &r.line, &r.sender, &r.at, &state, &r.mark}, box.columns()...)...)
	if none(err) {
		return r, notFound("reply")
	}
	if err != nil {
		return r, fmt.Errorf("read reply: %w", err)
	}
	if !tx.by.may(r.office, SettleReplyAct) {
		return r, forbidden("only officers and supervisors of the office settle its replies")
	}
	if state != "triage" {
		return r, conflict("the reply is settled already")
	}
	r.closedBy = box.recipients
	r.said, err = l.openReply(box)
	return r, err
}

const matchedByHand = "matched by hand"

// matchByHand takes the reply for the answer to a request, by a person's word.
func (l *Log) matchByHand(ctx context.Context, tx txn, r reply, senders []sender, s Settlement) error {
	rows, err := tx.Query(ctx, selectTargets+"WHERE a.id = $1", s.Ask)
	if err != nil {
		return fmt.Errorf("find the request: %w", err)
	}
	t, err := pgx.CollectExactlyOneRow(rows, scanTarget)
	if none(err) || err == nil && (t.contact.IsZero() || t.checkIn.IsZero() || !tx.by.may(t.office, SettleReplyAct)) {
		return invalid("ask_id", isUnknown)
	}
	if err != nil {
		return fmt.Errorf("find the request: %w", err)
	}
	if t.purpose == visitConfirmation && s.Digit > 2 {
		return invalid("digit", isUnknown)
	}
	barred, err := barredFrom(ctx, tx, t)
	if err != nil {
		return err
	}
	if barred {
		return conflict("the household is barred from the village: note the words in its file instead of matching them")
	}
	hand := byHand{tx.by.User, s.Why, sourceOf(senders, t.person)}
	late, err := l.takeAnswer(ctx, tx, r, signal{target: t, digit: s.Digit, note: l.understand(r.said.Text).noteOf(), how: matchedByHand, hand: &hand})
	if err != nil {
		return err
	}
	p := part{target: t, digit: &s.Digit, how: matchedByHand, decision: "matched", reason: matchedByHand}
	if late {
		p.decision = "late"
	}
	return l.settledByHand(ctx, tx, r, p)
}

// sourceOf says whether the contact wrote it, or a number we do not know for theirs.
func sourceOf(senders []sender, person ContactID) string {
	if slices.ContainsFunc(senders, func(s sender) bool { return person.IsZero() || s.person == person }) {
		return "village_contact_sms"
	}
	return "unverified_number"
}

// noteByHand puts the words into one file, and nowhere else.
func (l *Log) noteByHand(ctx context.Context, tx txn, r reply, senders []sender, s Settlement) error {
	file, err := l.openFile(ctx, tx, s.Recipient, SettleReplyAct)
	if err != nil {
		return err
	}
	tx.append(happening{recipient: file.id, kind: "reply_noted", at: r.at, subject: anyID(r.id), details: map[string]any{
		"source": sourceOf(senders, ContactID{}), "note": r.said.Text, "why": s.Why,
	}})
	t := target{recipient: file.id, office: file.office}
	return l.settledByHand(ctx, tx, r, part{target: t, decision: "noted", reason: "noted in the file by hand"})
}

// wrongNumber quarantines the number, and has the contact's number found.
func (l *Log) wrongNumber(ctx context.Context, tx txn, r reply, senders []sender) error {
	if len(senders) == 0 {
		return invalid("decision", isNoContactsNumber)
	}
	if err := l.takeFromContacts(ctx, tx, r, senders); err != nil {
		return err
	}
	return l.settledByHand(ctx, tx, r, part{decision: "wrong_number", reason: "the number does not belong to this contact"})
}

func (l *Log) settledByHand(ctx context.Context, tx txn, r reply, p part) error {
	p.by = tx.by.User
	r.parts = []part{p}
	state := "settled"
	if p.decision == "matched" || p.decision == "late" {
		state = "matched"
	}
	t := p.target
	t.contact = ContactID{} // who wrote it stays as it is known
	return l.settleReply(ctx, tx, r, t, state, p.reason)
}

// endTriage ends the tasks that a waiting reply opened, with what the person says of it.
func (l *Log) endTriage(ctx context.Context, tx txn, id InboundID, why string) error {
	rows, err := tx.Query(ctx, `SELECT id, office_id, recipient_id, kind FROM tasks
		WHERE inbound_id = $1 AND state = 'open' AND kind IN ('triage', 'urgent_reply') ORDER BY id FOR UPDATE`, id)
	if err != nil {
		return fmt.Errorf("find the reply's tasks: %w", err)
	}
	tasks, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t openedTask, err error) {
		err = row.Scan(&t.id, &t.office, &t.recipient, &t.kind)
		return t, err
	})
	if err != nil {
		return fmt.Errorf("find the reply's tasks: %w", err)
	}
	for _, t := range tasks {
		if err := l.finishTask(ctx, tx, t, why); err != nil {
			return err
		}
	}
	return nil
}
