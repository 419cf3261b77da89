package carelog

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// reply is an inbound message being matched.
type reply struct {
	id     InboundID
	office OfficeID
	line   LineID
	sender []byte
	at     time.Time
	said   replyFacts
	mark   string
	parts  []part // what each part of it was about

	closedBy []RecipientID // whose keys close its words already
}

// sender is a village contact with the number a reply came from. Two contacts
// may share a phone, and one person may be a contact of two offices.
type sender struct {
	id     ContactID // of the phone it came from
	person ContactID // whose phone it is: the contact that plans name
	office OfficeID

	trusted bool // the number is known to be theirs
}

// ReceiveReply matches a stored reply: grammar, match, signal, history, alert,
// answer, in one transaction. A reply that was handled already is left alone, so
// a repeat is a no-op. What cannot be matched waits in triage, with the reason.
func (l *Log) ReceiveReply(ctx context.Context, id InboundID) error {
	_, err := write(ctx, l, TheSystem(), func(tx txn) (struct{}, error) {
		r, stored, err := l.lockReply(ctx, tx, id)
		if err != nil || !stored {
			return struct{}{}, err
		}
		senders, err := findSenders(ctx, tx, r.sender)
		if err != nil {
			return struct{}{}, err
		}
		said := l.understand(r.said.Text)
		r.mark = said.mark
		if err := noteMark(ctx, tx, r); err != nil {
			return struct{}{}, err
		}
		if taken, err := l.takeNumberAnswer(ctx, tx, r, senders, said.answers, said.mark); taken || err != nil {
			return struct{}{}, err
		}
		switch said.mark {
		case "stop":
			err = l.stopTexts(ctx, tx, r, senders)
		case "start":
			err = l.startTexts(ctx, tx, r, senders)
		case "urgent":
			err = l.urgentReply(ctx, tx, r, senders, said)
		case markEcho:
			err = l.toTriage(ctx, tx, r, fromWhom(senders), "our own words came back: look whether something was meant by it")
		case markAutomatic:
			err = l.toTriage(ctx, tx, r, fromWhom(senders), "an automatic reply: look whether somebody still has to be reached")
		default:
			err = l.hearReply(ctx, tx, r, senders, said)
		}
		return struct{}{}, err
	})
	return err
}

func (l *Log) lockReply(ctx context.Context, tx txn, id InboundID) (reply, bool, error) {
	r := reply{id: id}
	var state string
	box := sealedReply{id: id}
	err := tx.QueryRow(ctx, `SELECT i.office_id, i.line_id, i.sender_index, i.received_at, i.state, `+replyBox+`
		FROM inbound_messages i `+replyKeys+` WHERE i.id = $1 FOR UPDATE OF i`, id).
		Scan(append([]any{&r.office, &r.line, &r.sender, &r.at, &state}, box.columns()...)...)
	if none(err) || (err == nil && state != "stored") {
		return r, false, nil
	}
	if err != nil {
		return r, false, fmt.Errorf("read reply: %w", err)
	}
	r.said, err = l.openReply(box)
	return r, true, err
}

func noteMark(ctx context.Context, tx txn, r reply) error {
	if r.mark == "" {
		return nil
	}
	if _, err := tx.Exec(ctx, "UPDATE inbound_messages SET mark = $2 WHERE id = $1", r.id, r.mark); err != nil {
		return fmt.Errorf("note the reply's mark: %w", err)
	}
	return nil
}

// persons are the contacts whose phones the senders' are, as plans name them.
func persons(senders []sender) []ContactID {
	ids := make([]ContactID, len(senders))
	for i, s := range senders {
		ids[i] = s.person
	}
	return ids
}

// answersTo is the phone that an answer about a request goes to: the one that
// wrote, of whoever the request was sent to.
func answersTo(senders []sender, t target) ContactID {
	for _, s := range senders {
		if s.id == t.contact {
			return s.id
		}
	}
	for _, s := range senders {
		if s.person == t.person {
			return s.id
		}
	}
	return t.contact
}

func contactIDs(senders []sender) []ContactID {
	ids := make([]ContactID, len(senders))
	for i, s := range senders {
		ids[i] = s.id
	}
	return ids
}

// target is an ask a reply may be about.
type target struct {
	ask       AskID
	office    OfficeID
	recipient RecipientID
	checkIn   CheckInID
	contact   ContactID
	person    ContactID // whose phone the contact is
	state     string
	answer    *int
	code      string
	purpose   string
}

const selectTargets = `SELECT a.id, a.office_id, a.recipient_id, a.check_in_id, a.contact_id,
	(SELECT coalesce(w.phone_of, w.id) FROM village_contacts w WHERE w.id = a.contact_id), a.state, a.answer, coalesce(a.code, ''), a.purpose
	FROM asks a JOIN recipients file ON file.id = a.recipient_id AND file.erased_at IS NULL `

func scanTarget(row pgx.CollectableRow) (t target, err error) {
	err = row.Scan(&t.ask, &t.office, &t.recipient, &t.checkIn, &t.contact, &t.person, &t.state, &t.answer, &t.code, &t.purpose)
	return t, err
}

// byCode finds the ask a code was given to on the line it was answered to.
func byCode(ctx context.Context, tx txn, line LineID, code string) (target, bool, error) {
	rows, err := tx.Query(ctx, selectTargets+"JOIN task_codes k ON k.ask_id = a.id WHERE k.line_id = $1 AND k.code = $2", line, code)
	if err != nil {
		return target{}, false, fmt.Errorf("find the code: %w", err)
	}
	t, err := pgx.CollectExactlyOneRow(rows, scanTarget)
	if none(err) {
		return target{}, false, nil
	}
	return t, err == nil, err
}

// openFor finds the requests that contacts were sent, on whichever phone, and have
// not answered. What both phones of one person were asked is one request: the later.
// What is barred from the village by now is not among them: their codes go into answers.
func openFor(ctx context.Context, tx txn, contacts []ContactID) ([]target, error) {
	rows, err := tx.Query(ctx, selectTargets+`WHERE a.contact_id IN (SELECT id FROM village_contacts WHERE id = ANY ($1) OR phone_of = ANY ($1)) AND a.state = 'open' AND a.code IS NOT NULL
			AND NOT EXISTS (SELECT FROM care_plans p WHERE p.recipient_id = a.recipient_id AND p.village_barred)
		ORDER BY a.opened_at, a.id`, contacts)
	if err != nil {
		return nil, fmt.Errorf("find open requests: %w", err)
	}
	open, err := pgx.CollectRows(rows, scanTarget)
	if err != nil {
		return nil, fmt.Errorf("find open requests: %w", err)
	}
	var each []target
	for i, t := range open {
		again := func(later target) bool {
			return later.person == t.person && later.checkIn == t.checkIn && later.purpose == t.purpose
		}
		if !slices.ContainsFunc(open[i+1:], again) {
			each = append(each, t)
		}
	}
	return each, nil
}

// requestsAmong are the open asks that a digit without a code may answer. That a
// visit was made is confirmed under its code alone.
func requestsAmong(open []target) []target {
	return slices.DeleteFunc(slices.Clone(open), func(t target) bool { return t.purpose == visitConfirmation })
}

// findTarget is the match of one digit; why is the reason there is none.
func (l *Log) findTarget(ctx context.Context, tx txn, r reply, senders []sender, code string) (t target, why string, err error) {
	if code == "" {
		open, err := openFor(ctx, tx, persons(trusted(senders)))
		open = requestsAmong(open)
		switch {
		case err != nil:
			return t, "", err
		case len(senders) == 0:
			return t, "the number is not one of our contacts", nil
		case len(open) == 0:
			return t, "no request is open for this number", nil
		case len(open) > 1:
			return t, severalOpen, nil
		}
		return open[0], "", nil
	}
	t, found, err := byCode(ctx, tx, r.line, code)
	switch {
	case err != nil:
		return t, "", err
	case !found:
		return t, "the code is well formed but was given to no request", nil
	case t.contact.IsZero():
		return t, officersCode, nil
	}
	for _, s := range senders {
		if s.person == t.person && s.trusted {
			return t, "", nil
		}
	}
	t.contact = whoWrote(senders) // the contact it was sent to did not write this
	return t, unverifiedCode, nil
}

// settleReply marks the reply handled, writes down what became of each part of it,
// and moves its words under the keys of those it is about, so that they go when
// the key of one of them goes.
func (l *Log) settleReply(ctx context.Context, tx txn, r reply, t target, state, why string) error {
	if len(r.parts) == 0 {
		r.parts = []part{{target: t, decision: state, reason: why}}
	}
	if err := addParts(ctx, tx, r.id, r.parts); err != nil {
		return err
	}
	words, err := l.sealForHouseholds(ctx, tx, r, t)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE inbound_messages SET state = $2, reason = $3, handled_at = $4, contact_id = coalesce($5, contact_id), ask_id = coalesce($6, ask_id),
			office_id = coalesce($7, office_id), sealed = coalesce($8, sealed), sealed_for = coalesce($9, sealed_for),
			recipient_id = CASE WHEN $9::uuid[] IS NULL THEN recipient_id ELSE $10 END
		WHERE id = $1`, r.id, state, why, tx.now, t.contact, t.ask, t.office, words.sealed, words.households, words.recipient)
	if err != nil {
		return fmt.Errorf("settle reply: %w", err)
	}
	return nil
}

// toTriage leaves the reply to a person, with the reason and what it may be about.
func (l *Log) toTriage(ctx context.Context, tx txn, r reply, t target, why string) error {
	office := r.office
	if !t.office.IsZero() {
		office = t.office
	}
	if err := l.settleReply(ctx, tx, r, t, "triage", why); err != nil {
		return err
	}
	return l.openTask(ctx, tx, newTask{
		kind: "triage", cause: "triage:" + r.id.String(), office: office, recipient: t.recipient, checkIn: t.checkIn, inbound: r.id, contact: t.contact,
		reason: why, actBy: officerWindow.opens(tx.cal(office).RollForward(tx.today())).Add(24 * time.Hour),
	})
}

// unmatchedFor is how long a reply may stand as stored. Its matching takes
// seconds, and a minute or two more where a process died over it.
const unmatchedFor = 15 * time.Minute

// RecoverReplies leaves replies that were stored long ago and never matched to a
// person, oldest first, at most limit, and tells how many. They are not read here:
// what hindered their matching may lie in their words.
func (l *Log) RecoverReplies(ctx context.Context, limit int) (int, error) {
	return write(ctx, l, TheSystem(), func(tx txn) (int, error) {
		rows, err := tx.Query(ctx, `SELECT id, office_id FROM inbound_messages WHERE state = 'stored' AND received_at < $1
			ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED`, tx.now.Add(-unmatchedFor), limit)
		if err != nil {
			return 0, fmt.Errorf("find unmatched replies: %w", err)
		}
		waiting, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r reply, err error) {
			err = row.Scan(&r.id, &r.office)
			return r, err
		})
		if err != nil {
			return 0, fmt.Errorf("find unmatched replies: %w", err)
		}
		for _, r := range waiting {
			if err := l.toTriage(ctx, tx, r, target{}, "it could not be matched in time: read it and settle it by hand"); err != nil {
				return 0, err
			}
		}
		return len(waiting), nil
	})
}
