package carelog

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
)

// reply is an inbound message being matched.
type reply struct {
	id     InboundID
	office OfficeID
	line   LineID
	sender []byte
	at     time.Time
	said   replyFacts
}

// sender is a village contact with the number a reply came from. Two contacts
// may share a phone, and one person may be a contact of two offices.
type sender struct {
	id     ContactID
	office OfficeID
}

// Hours in which somebody must act on what a village contact reports.
const (
	urgentHours     = 2
	automaticAnswer = 24 * time.Hour // an answer later than this confuses more than it helps
)

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
		answers, mark, note := l.words.Read(r.said.Text)
		switch mark {
		case "stop":
			err = l.stopTexts(ctx, tx, r, senders)
		case "start":
			err = l.startTexts(ctx, tx, r, senders)
		case "urgent":
			err = l.urgentReply(ctx, tx, r, senders, answers, note)
		case "unclear":
			err = l.unclearReply(ctx, tx, r, senders, "the reply contradicts itself")
		default:
			err = l.matchAnswers(ctx, tx, r, senders, answers, note)
		}
		return struct{}{}, err
	})
	return err
}

func (l *Log) lockReply(ctx context.Context, tx txn, id InboundID) (reply, bool, error) {
	r := reply{id: id}
	var state string
	var box sealedReply
	err := tx.QueryRow(ctx, `SELECT i.office_id, i.line_id, i.sender_index, i.received_at, i.state, i.sealed, i.line_id, n.data_key
		FROM inbound_messages i JOIN lines n ON n.id = i.line_id WHERE i.id = $1 FOR UPDATE OF i`, id).
		Scan(&r.office, &r.line, &r.sender, &r.at, &state, &box.sealed, &box.line, &box.lineKey)
	if none(err) || (err == nil && state != "stored") {
		return r, false, nil
	}
	if err != nil {
		return r, false, fmt.Errorf("read reply: %w", err)
	}
	r.said, err = l.openReply(box)
	return r, true, err
}

func findSenders(ctx context.Context, tx txn, index []byte) ([]sender, error) {
	rows, err := tx.Query(ctx, "SELECT id, office_id FROM village_contacts WHERE phone_index = $1 AND state = 'active' ORDER BY id", index)
	if err != nil {
		return nil, fmt.Errorf("find senders: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s sender, err error) {
		err = row.Scan(&s.id, &s.office)
		return s, err
	})
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
	state     string
	answer    *int
	code      string
}

const selectTargets = `SELECT a.id, a.office_id, a.recipient_id, a.check_in_id, a.contact_id, a.state, a.answer, coalesce(a.code, '') FROM asks a `

func scanTarget(row pgx.CollectableRow) (t target, err error) {
	err = row.Scan(&t.ask, &t.office, &t.recipient, &t.checkIn, &t.contact, &t.state, &t.answer, &t.code)
	return t, err
}

// byCode finds the ask a code was given to on the line it was answered to.
func byCode(ctx context.Context, tx txn, line LineID, code string) (target, bool, error) {
	rows, err := tx.Query(ctx, selectTargets+"JOIN task_codes k ON k.ask_id = a.id WHERE k.line_id = $1 AND k.code = $2 FOR UPDATE OF a", line, code)
	if err != nil {
		return target{}, false, fmt.Errorf("find the code: %w", err)
	}
	t, err := pgx.CollectExactlyOneRow(rows, scanTarget)
	if none(err) {
		return target{}, false, nil
	}
	return t, err == nil, err
}

// openFor finds the requests that contacts were sent and have not answered.
func openFor(ctx context.Context, tx txn, contacts []ContactID) ([]target, error) {
	rows, err := tx.Query(ctx, selectTargets+`WHERE a.contact_id = ANY ($1) AND a.state = 'open' AND a.code IS NOT NULL
		ORDER BY a.opened_at FOR UPDATE OF a`, contacts)
	if err != nil {
		return nil, fmt.Errorf("find open requests: %w", err)
	}
	return pgx.CollectRows(rows, scanTarget)
}

// matchAnswers finds what each digit is about: by its code, else the single open
// request of the number, else one clarifying question and a person.
func (l *Log) matchAnswers(ctx context.Context, tx txn, r reply, senders []sender, answers [][2]string, note string) error {
	if len(answers) == 0 {
		return l.unclearReply(ctx, tx, r, senders, "nothing in it was understood as an answer")
	}
	var matched []signal
	for _, a := range answers {
		t, why, err := l.findTarget(ctx, tx, r, senders, a[0])
		if err != nil {
			return err
		}
		if why != "" {
			if why == severalOpen {
				return l.askWhich(ctx, tx, r, senders)
			}
			return l.toTriage(ctx, tx, r, t, why)
		}
		how := "by its task code"
		if a[0] == "" {
			how = "the only open request of this number"
		}
		matched = append(matched, signal{target: t, digit: int(a[1][0] - '0'), note: note, how: how})
	}
	for _, s := range matched {
		if err := l.takeSignal(ctx, tx, r, s); err != nil {
			return err
		}
	}
	if err := l.settleReply(ctx, tx, r, matched[0].target, "matched", matched[0].how); err != nil {
		return err
	}
	return l.answer(ctx, tx, r, matched[0].target.contact, matched[0].target.office, "village_ack")
}

const severalOpen = "several requests are open for this number and the reply names none"

// findTarget is the match of one digit; why is the reason there is none.
func (l *Log) findTarget(ctx context.Context, tx txn, r reply, senders []sender, code string) (t target, why string, err error) {
	if code == "" {
		open, err := openFor(ctx, tx, contactIDs(senders))
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
		return t, "the code belongs to an officer's task", nil
	}
	for _, s := range senders {
		if s.id == t.contact {
			return t, "", nil
		}
	}
	return t, "a valid code from a number it was not sent to: unverified", nil
}

// signal is a digit that was matched to a request.
type signal struct {
	target
	digit int
	note  string
	how   string
}

// What the digits say of a household's living condition. An SMS never scores.
var signalWords = map[int]string{1: "safe", 2: "difficulty", 3: "not_seen", 4: "contact_change"}

// takeSignal applies a matched digit: 1 and 2 complete the village check-in
// unscored, 3 leaves it open and asks again, 4 asks for another contact.
func (l *Log) takeSignal(ctx context.Context, tx txn, r reply, s signal) error {
	c, err := lockCheckIn(ctx, tx, s.checkIn)
	if err != nil {
		return err
	}
	details := map[string]any{"signal": signalWords[s.digit], "digit": s.digit, "source": "village_contact_sms", "contact_id": s.contact, "matched": s.how}
	if s.note != "" {
		details["note"] = s.note
	}
	contradicts := s.answer != nil && *s.answer != s.digit
	if s.state != "open" || !isOpen(c.state) {
		details["late"] = true
	}
	tx.append(happening{recipient: s.recipient, kind: "reply_received", at: r.at, actor: Contact, actorID: anyID(s.contact), subject: anyID(r.id), details: details})
	if details["late"] == true {
		return l.lateSignal(ctx, tx, r, s, c, contradicts)
	}
	if _, err := tx.Exec(ctx, "UPDATE asks SET answer = $2 WHERE id = $1", s.ask, s.digit); err != nil {
		return fmt.Errorf("note the answer: %w", err)
	}
	switch s.digit {
	case 1, 2:
		err = l.completeByVillage(ctx, tx, r, s, c)
	case 3:
		err = l.askAgain(ctx, tx, r, s, c)
	case 4:
		err = l.contactChange(ctx, tx, r, s, c)
	}
	return err
}

// lateSignal: a reply after the request was settled changes nothing by itself,
// but difficulty is difficulty whenever it is told, and a contradiction goes to a person.
func (l *Log) lateSignal(ctx context.Context, tx txn, r reply, s signal, c checkIn, contradicts bool) error {
	if s.digit == 2 {
		return l.difficulty(ctx, tx, s, c)
	}
	if !contradicts {
		return nil
	}
	return l.openTask(ctx, tx, newTask{
		kind: "triage", cause: "contradiction:" + r.id.String(), office: c.office, recipient: c.recipient, checkIn: c.id, inbound: r.id, contact: s.contact,
		reason: "the contact answered this request differently before: ask which is true", actBy: officerWindow.opens(l.calendar.NextWorkday(tx.today())),
	})
}

// completeByVillage ends a village check-in by its contact's word, unscored.
func (l *Log) completeByVillage(ctx context.Context, tx txn, r reply, s signal, c checkIn) error {
	if err := l.insertRecord(ctx, tx, c, CheckInRecord{Outcome: "reached", Informant: "village_contact", OccurredAt: r.at, AskedVillage: true}, nil); err != nil {
		return err
	}
	if err := l.finishCheckIn(ctx, tx, c, "answered by the village contact"); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "UPDATE asks SET state = 'answered' WHERE id = $1", s.ask); err != nil {
		return fmt.Errorf("close the ask: %w", err)
	}
	if s.digit == 2 {
		return l.difficulty(ctx, tx, s, c)
	}
	return nil
}

// difficulty is rule R8: amber, and the officer phones within one working day.
func (l *Log) difficulty(ctx context.Context, tx txn, s signal, c checkIn) error {
	p, err := l.lockPlan(ctx, tx, c.plan)
	if err != nil {
		return err
	}
	actBy := officerWindow.closes(l.calendar.NextWorkday(tx.today()))
	err = l.raiseAlert(ctx, tx, newAlert{
		office: c.office, recipient: c.recipient, plan: c.plan, checkIn: c.id, officer: p.officer,
		rule: "R8", version: 1, level: "amber", cause: "R8:" + c.id.String(), actBy: actBy, wording: "officer_signal",
	})
	if err != nil {
		return err
	}
	return l.openTask(ctx, tx, newTask{
		kind: "phone_household", cause: "R8:" + c.id.String(), office: c.office, recipient: c.recipient, plan: c.plan, checkIn: c.id, contact: s.contact,
		reason: "the village contact reports difficulty: phone the household within one working day (R8)", actBy: actBy,
	})
}

// notSeenAgain is how many working days later the contact is asked again.
const notSeenAgain = 2

// askAgain keeps the check-in open after "not seen" and asks once more.
func (l *Log) askAgain(ctx context.Context, tx txn, r reply, s signal, c checkIn) error {
	err := l.insertRecord(ctx, tx, c, CheckInRecord{Outcome: "not_seen", Informant: "village_contact", OccurredAt: r.at, AskedVillage: true}, nil)
	if err != nil {
		return err
	}
	if err := l.cancelPlanned(ctx, tx, []CheckInID{c.id}, "the contact answered: not seen yet"); err != nil {
		return err
	}
	day := l.calendar.AddWorkdays(tx.today(), notSeenAgain)
	if _, err := tx.Exec(ctx, "UPDATE check_ins SET next_try_on = $2 WHERE id = $1", c.id, day); err != nil {
		return fmt.Errorf("note the next try: %w", err)
	}
	return l.planAsk(ctx, tx, newAsk{office: c.office, recipient: c.recipient, checkIn: c.id, contact: s.contact, purpose: "village_request"}, []slot{{
		"village_request", villageWindow.opens(day), villageWindow.closes(l.calendar.AddWorkdays(day, 3)),
		fmt.Sprintf("asked again %d working days after the contact had not seen them", notSeenAgain),
	}})
}

// contactChange opens a task for another contact; the request is settled.
func (l *Log) contactChange(ctx context.Context, tx txn, r reply, s signal, c checkIn) error {
	if err := l.settleAsks(ctx, tx, []CheckInID{c.id}, "the contact says somebody else is in charge"); err != nil {
		return err
	}
	return l.openTask(ctx, tx, newTask{
		kind: "contact_change", cause: "contact_change:" + s.contact.String() + ":" + c.plan.String(), office: c.office, recipient: c.recipient, plan: c.plan,
		checkIn: c.id, inbound: r.id, contact: s.contact,
		reason: "the contact says somebody else is in charge: name another contact, and ask the village by phone", actBy: officerWindow.opens(l.calendar.NextWorkday(tx.today())),
	})
}

// settleReply marks the reply handled and moves its words under the recipient's
// key, so that they go when the recipient's key goes.
func (l *Log) settleReply(ctx context.Context, tx txn, r reply, t target, state, why string) error {
	if t.recipient.IsZero() {
		_, err := tx.Exec(ctx, "UPDATE inbound_messages SET state = $2, reason = $3, handled_at = $4 WHERE id = $1", r.id, state, why, tx.now)
		if err != nil {
			return fmt.Errorf("settle reply: %w", err)
		}
		return nil
	}
	var wrapped []byte
	if err := tx.QueryRow(ctx, "SELECT data_key FROM recipients WHERE id = $1", t.recipient).Scan(&wrapped); err != nil {
		return fmt.Errorf("read the recipient's key: %w", err)
	}
	key, err := l.keys.Unwrap(t.recipient, wrapped)
	if err != nil {
		return fmt.Errorf("open the recipient's key: %w", err)
	}
	sealed, err := crypt.SealJSON(key, r.said, "inbound_messages.sealed")
	if err != nil {
		return fmt.Errorf("seal the reply: %w", err)
	}
	_, err = tx.Exec(ctx, `UPDATE inbound_messages SET state = $2, reason = $3, handled_at = $4, recipient_id = $5, ask_id = $6, contact_id = $7, office_id = $8, sealed = $9
		WHERE id = $1`, r.id, state, why, tx.now, t.recipient, t.ask, t.contact, t.office, sealed)
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
		reason: why, actBy: officerWindow.opens(l.calendar.RollForward(tx.today())).Add(24 * time.Hour),
	})
}

// unclearReply: one clarifying text to a known contact, then a person.
func (l *Log) unclearReply(ctx context.Context, tx txn, r reply, senders []sender, why string) error {
	open, err := openFor(ctx, tx, contactIDs(senders))
	if err != nil {
		return err
	}
	var about target
	switch len(open) {
	case 0:
	case 1:
		about = open[0]
		err = l.answer(ctx, tx, r, about.contact, about.office, "village_unparsed")
	default:
		err = l.answer(ctx, tx, r, open[0].contact, open[0].office, "village_ambiguous")
	}
	if err != nil {
		return err
	}
	return l.toTriage(ctx, tx, r, about, why)
}

func (l *Log) askWhich(ctx context.Context, tx txn, r reply, senders []sender) error {
	return l.unclearReply(ctx, tx, r, senders, severalOpen)
}

// answer plans an automatic answer. The budget is looked at when it is sent.
func (l *Log) answer(ctx context.Context, tx txn, r reply, contact ContactID, office OfficeID, wording string) error {
	at := answerWindow.next(tx.now, l.calendar)
	_, err := l.insertMessage(ctx, tx, newMessage{
		office: office, contact: contact, inbound: r.id, line: r.line, purpose: "answer", priority: priorityAnswer,
		slot: slot{wording, at, at.Add(automaticAnswer), "answer to a reply of this number"},
	})
	return err
}

// answerFacts fills the answers to a reply with the codes it was about.
func (l *Log) answerFacts(ctx context.Context, tx txn, c claim, f map[string]string) (map[string]string, error) {
	if c.wording == "village_ack" {
		var code string
		err := tx.QueryRow(ctx, "SELECT coalesce(a.code, '') FROM inbound_messages i JOIN asks a ON a.id = i.ask_id WHERE i.id = $1", c.inbound).Scan(&code)
		if err != nil {
			return nil, fmt.Errorf("find the answered code: %w", err)
		}
		f["code"] = code
		return f, nil
	}
	open, err := openFor(ctx, tx, []ContactID{c.contact})
	if err != nil {
		return nil, err
	}
	if len(open) == 0 {
		return nil, refusedText("no request is open any more")
	}
	f["code"] = open[0].code
	if c.wording == "village_ambiguous" {
		var codes []string
		for _, t := range open[:min(len(open), 3)] {
			codes = append(codes, t.code)
		}
		f["count"], f["codes"] = fmt.Sprint(len(open)), strings.Join(codes, "、")
	}
	return f, nil
}

// stopTexts: this number gets no more texts, and no other is touched. Its open
// requests become work for a person by phone.
func (l *Log) stopTexts(ctx context.Context, tx txn, r reply, senders []sender) error {
	if len(senders) == 0 {
		return l.toTriage(ctx, tx, r, target{}, "a stop word from a number that is none of our contacts")
	}
	for _, s := range senders {
		if _, err := tx.Exec(ctx, "UPDATE village_contacts SET opted_out_at = $2 WHERE id = $1 AND opted_out_at IS NULL", s.id, tx.now); err != nil {
			return fmt.Errorf("opt out: %w", err)
		}
		if err := l.rerouteAsks(ctx, tx, r, s); err != nil {
			return err
		}
		err := l.openTask(ctx, tx, newTask{
			kind: "contact_opted_out", cause: "contact_opted_out:" + s.id.String(), office: s.office, inbound: r.id, contact: s.id,
			reason: "the contact asked for no more texts: call them, or name another contact", actBy: officerWindow.opens(l.calendar.NextWorkday(tx.today())),
		})
		if err != nil {
			return err
		}
	}
	if err := l.settleReply(ctx, tx, r, target{}, "matched", "a stop word: this number is texted no more"); err != nil {
		return err
	}
	return l.answer(ctx, tx, r, senders[0].id, senders[0].office, "stop_ack")
}

// rerouteAsks closes a contact's open requests and has the check-ins planned anew without them.
func (l *Log) rerouteAsks(ctx context.Context, tx txn, r reply, s sender) error {
	rows, err := tx.Query(ctx, "SELECT check_in_id FROM asks WHERE contact_id = $1 AND state = 'open' AND check_in_id IS NOT NULL ORDER BY check_in_id", s.id)
	if err != nil {
		return fmt.Errorf("find open requests: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[CheckInID])
	if err != nil {
		return fmt.Errorf("find open requests: %w", err)
	}
	if err := l.settleAsks(ctx, tx, ids, "the contact asked for no more texts"); err != nil {
		return err
	}
	for _, id := range ids {
		if err := l.planAnew(ctx, tx, id); err != nil {
			return err
		}
		c, err := lockCheckIn(ctx, tx, id)
		if err != nil {
			return err
		}
		tx.append(happening{recipient: c.recipient, kind: "contact_opted_out", at: r.at, actor: Contact, actorID: anyID(s.id), subject: anyID(r.id)})
	}
	return nil
}

func (l *Log) startTexts(ctx context.Context, tx txn, r reply, senders []sender) error {
	if len(senders) == 0 {
		return l.toTriage(ctx, tx, r, target{}, "a start word from a number that is none of our contacts")
	}
	for _, s := range senders {
		if _, err := tx.Exec(ctx, "UPDATE village_contacts SET opted_out_at = NULL WHERE id = $1", s.id); err != nil {
			return fmt.Errorf("opt in: %w", err)
		}
	}
	if err := l.settleReply(ctx, tx, r, target{}, "matched", "a start word: this number may be texted again"); err != nil {
		return err
	}
	return l.answer(ctx, tx, r, senders[0].id, senders[0].office, "start_ack")
}

// urgentReply wins over everything else in the text: red pending a person, two
// hours, at any hour, even when it cannot be told whom it is about.
func (l *Log) urgentReply(ctx context.Context, tx txn, r reply, senders []sender, answers [][2]string, note string) error {
	code := ""
	if len(answers) > 0 {
		code = answers[0][0]
	}
	t, why, err := l.findTarget(ctx, tx, r, senders, code)
	if err != nil {
		return err
	}
	if t.recipient.IsZero() {
		why = "urgent words, and it is not known whom they are about: " + why
	} else if why == "" {
		why = "urgent words"
	}
	actBy := tx.now.Add(urgentHours * time.Hour)
	office := r.office
	if !t.recipient.IsZero() {
		office = t.office
		if err := l.urgentAlert(ctx, tx, r, t, note, actBy); err != nil {
			return err
		}
	}
	if err := l.settleReply(ctx, tx, r, t, "triage", why); err != nil {
		return err
	}
	return l.openTask(ctx, tx, newTask{
		kind: "urgent_reply", cause: "urgent:" + r.id.String(), office: office, recipient: t.recipient, checkIn: t.checkIn, inbound: r.id, contact: t.contact,
		reason: why + ": call the contact within 2 hours", actBy: actBy,
	})
}

func (l *Log) urgentAlert(ctx context.Context, tx txn, r reply, t target, note string, actBy time.Time) error {
	c, err := lockCheckIn(ctx, tx, t.checkIn)
	if err != nil {
		return err
	}
	p, err := l.lockPlan(ctx, tx, c.plan)
	if err != nil {
		return err
	}
	err = l.raiseAlert(ctx, tx, newAlert{
		office: c.office, recipient: c.recipient, plan: c.plan, checkIn: c.id, officer: p.officer,
		rule: "urgent_reply", version: 1, level: "red", cause: "urgent:" + c.id.String(), actBy: actBy, wording: "officer_red",
	})
	if err != nil {
		return err
	}
	tx.append(happening{recipient: t.recipient, kind: "reply_received", at: r.at, actor: Contact, actorID: anyID(t.contact), subject: anyID(r.id), details: map[string]any{
		"signal": "urgent", "source": "village_contact_sms", "contact_id": t.contact, "note": note, "received_on": calendar.Of(r.at),
	}})
	return nil
}
