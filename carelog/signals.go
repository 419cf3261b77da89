package carelog

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/schedule"
)

// Hours in which somebody must act on what a village contact reports.
const (
	urgentHours     = 2
	automaticAnswer = 24 * time.Hour // an answer later than this confuses more than it helps
)

// signal is a digit that was matched to a request.
type signal struct {
	target
	digit int
	note  string
	how   string
	hand  *byHand // who matched it, where a person did
}

// byHand is why a person says what a reply was about. Whoever it came from, it
// was read by them.
type byHand struct {
	user   UserID
	why    string
	source string
}

// What the digits say of a household's living condition. An SMS never scores.
var signalWords = map[int]string{1: "safe", 2: "difficulty", 3: "not_seen", 4: "contact_change"}

// takeSignal applies a matched digit: 1 and 2 complete the village check-in
// unscored, 3 leaves it open and asks again, 4 asks for another contact. It tells
// whether the request was settled before.
func (l *Log) takeSignal(ctx context.Context, tx txn, r reply, s signal) (late bool, err error) {
	c, err := lockCheckIn(ctx, tx, s.checkIn)
	if err != nil {
		return false, err
	}
	// The check-in is locked before its asks, like everywhere else: look again at the ask.
	if err := tx.QueryRow(ctx, "SELECT state, answer FROM asks WHERE id = $1 FOR UPDATE", s.ask).Scan(&s.state, &s.answer); err != nil {
		return false, fmt.Errorf("lock the ask: %w", err)
	}
	contradicts := s.answer != nil && *s.answer != s.digit
	late = s.state != "open" || !isOpen(c.state) || c.kind != schedule.Village // by phone now: no text completes it
	tx.append(s.heard(r, late))
	if late {
		return true, l.lateSignal(ctx, tx, r, s, c, contradicts)
	}
	if _, err := tx.Exec(ctx, "UPDATE asks SET answer = $2 WHERE id = $1", s.ask, s.digit); err != nil {
		return false, fmt.Errorf("note the answer: %w", err)
	}
	switch s.digit {
	case 1, 2:
		err = l.completeByVillage(ctx, tx, r, s, c)
	case 3:
		err = l.askAgain(ctx, tx, r, s, c)
	case 4:
		err = l.contactChange(ctx, tx, r, s, c)
	}
	if err != nil || s.digit == 2 || s.digit == 4 {
		return false, err
	}
	return false, l.judgeHousehold(ctx, tx, c.recipient)
}

// heard is the entry of a matched digit: the contact's own word, or what a person
// took it for.
func (s signal) heard(r reply, late bool) happening {
	h := happening{recipient: s.recipient, kind: "reply_received", at: r.at, actor: Contact, actorID: anyID(s.contact), subject: anyID(r.id), details: s.heardDetails(late)}
	if s.hand != nil {
		h.actor, h.actorID = Person, anyID(s.hand.user)
	}
	return h
}

func (s signal) heardDetails(late bool) map[string]any {
	details := map[string]any{"signal": signalWords[s.digit], "digit": s.digit, "source": "village_contact_sms", "contact_id": s.contact, "matched": s.how}
	if s.note != "" {
		details["note"] = s.note
	}
	if late {
		details["late"] = true
	}
	if s.hand != nil {
		details["source"], details["why"] = s.hand.source, s.hand.why
	}
	return details
}

// lateSignal: a reply after the request was settled changes nothing by itself,
// but difficulty is difficulty whenever it is told, and a contradiction goes to a person.
func (l *Log) lateSignal(ctx context.Context, tx txn, r reply, s signal, c checkIn, contradicts bool) error {
	if s.digit == 2 {
		c, err := ofTheFileThatStays(ctx, tx, c)
		if err != nil {
			return err
		}
		return l.difficulty(ctx, tx, s, c)
	}
	if !contradicts {
		return nil
	}
	return l.openTask(ctx, tx, newTask{
		kind: "triage", cause: "contradiction:" + r.id.String(), office: c.office, recipient: c.recipient, checkIn: c.id, inbound: r.id, contact: s.contact,
		reason: "the contact answered this request differently before: ask which is true", actBy: officerWindow.opens(tx.cal(c.office).NextWorkday(tx.today())),
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

// difficulty stores what the village contact reports, and the officer phones
// within one working day (R8). Told again while the first is still open, it is
// the same difficulty.
func (l *Log) difficulty(ctx context.Context, tx txn, s signal, c checkIn) error {
	var open bool
	err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM alerts WHERE recipient_id = $1 AND check_in_id = $2 AND rule = 'R8' AND state <> 'closed')",
		c.recipient, c.id).Scan(&open)
	if err != nil {
		return fmt.Errorf("look for an open alert: %w", err)
	}
	if open {
		return nil
	}
	id := newID[plainKind](tx.now, l.random)
	_, err = tx.Exec(ctx, "INSERT INTO signals (id, recipient_id, check_in_id, kind, heard_at) VALUES ($1, $2, $3, 'village_difficulty', $4)",
		id, c.recipient, c.id, tx.now)
	if err != nil {
		return fmt.Errorf("insert signal: %w", err)
	}
	if err := l.judgeHousehold(ctx, tx, c.recipient); err != nil {
		return err
	}
	return l.openTask(ctx, tx, newTask{
		kind: "phone_household", cause: "R8:" + id.String(), office: c.office, recipient: c.recipient, plan: c.plan, checkIn: c.id, contact: s.contact,
		reason: "the village contact reports difficulty: phone the household within one working day (R8)",
		actBy:  officerWindow.closes(tx.cal(c.office).NextWorkday(tx.today())),
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
	if err := l.cancelRequests(ctx, tx, []CheckInID{c.id}, "the contact answered: not seen yet"); err != nil {
		return err
	}
	day := tx.cal(c.office).AddWorkdays(tx.today(), notSeenAgain)
	if _, err := tx.Exec(ctx, "UPDATE check_ins SET next_try_on = $2 WHERE id = $1", c.id, day); err != nil {
		return fmt.Errorf("note the next try: %w", err)
	}
	if err := watchForSilence(ctx, tx, c.id, tx.cal(c.office).AddWorkdays(day, silentAfter)); err != nil {
		return err
	}
	return l.planAsk(ctx, tx, newAsk{office: c.office, recipient: c.recipient, checkIn: c.id, contact: s.contact, purpose: "village_request"}, []slot{{
		"village_request", villageWindow.opens(day), villageWindow.closes(tx.cal(c.office).AddWorkdays(day, 3)),
		fmt.Sprintf("asked again %d working days after the contact had not seen them", notSeenAgain),
	}})
}

// contactChange opens a task for another contact; the request is settled.
func (l *Log) contactChange(ctx context.Context, tx txn, r reply, s signal, c checkIn) error {
	if err := l.settleRequests(ctx, tx, s.contact, []CheckInID{c.id}, "the contact says somebody else is in charge"); err != nil {
		return err
	}
	return l.openTask(ctx, tx, newTask{
		kind: "contact_change", cause: "contact_change:" + s.contact.String() + ":" + c.plan.String(), office: c.office, recipient: c.recipient, plan: c.plan,
		checkIn: c.id, inbound: r.id, contact: s.contact,
		reason: "the contact says somebody else is in charge: name another contact, and ask the village by phone", actBy: officerWindow.opens(tx.cal(c.office).NextWorkday(tx.today())),
	})
}

// urgentReply wins over everything else in the text: red pending a person, two
// hours, at any hour, even when it cannot be told whom it is about. Where it names
// several households, each is red: any of them may be meant.
func (l *Log) urgentReply(ctx context.Context, tx txn, r reply, senders []sender, said reading) error {
	actBy := tx.now.Add(urgentHours * time.Hour)
	about, err := l.urgentAbout(ctx, tx, &r, senders, said)
	if err != nil {
		return err
	}
	for _, u := range about {
		if u.recipient.IsZero() {
			err = l.wakeForUnknown(ctx, tx, r, senders)
		} else {
			err = l.urgentAlert(ctx, tx, r, u.target, u.verified, said.noteOf(), actBy)
		}
		if err != nil {
			return err
		}
	}
	first := about[0]
	if !first.verified {
		first.contact = whoWrote(senders) // never somebody who did not
	}
	if err := l.settleReply(ctx, tx, r, first.target, "triage", first.why); err != nil {
		return err
	}
	for i, u := range about {
		t := newTask{
			kind: "urgent_reply", cause: "urgent:" + r.id.String(), office: r.office, recipient: u.recipient, checkIn: u.checkIn, inbound: r.id, contact: u.contact,
			reason: u.why + ": call the contact within 2 hours", actBy: actBy,
		}
		if i > 0 {
			t.cause += ":" + u.recipient.String()
		}
		if !u.recipient.IsZero() {
			t.office = u.office
		}
		if !u.verified {
			t.contact = whoWrote(senders)
		}
		if err := l.openTask(ctx, tx, t); err != nil {
			return err
		}
	}
	return nil
}

// urgency is one household that urgent words may be about, or none.
type urgency struct {
	target
	verified bool
	why      string
}

// urgentAbout finds whom urgent words may be about, in the order their plans are
// locked in; never nobody.
func (l *Log) urgentAbout(ctx context.Context, tx txn, r *reply, senders []sender, said reading) ([]urgency, error) {
	codes := []string{""}
	if len(said.answers) > 0 {
		codes = codes[:0]
		for _, a := range said.answers {
			if !slices.Contains(codes, a[0]) {
				codes = append(codes, a[0])
			}
		}
	}
	var about []urgency
	var unknown *urgency
	for _, code := range codes {
		t, why, err := l.findTarget(ctx, tx, *r, senders, code)
		if err != nil {
			return nil, err
		}
		u := urgency{target: t, verified: why == "", why: "urgent words"}
		if t.recipient.IsZero() {
			u.why = "urgent words, and it is not known whom they are about: " + why
			unknown = &u
			continue
		}
		if why != "" {
			u.why = "urgent words, and the code was sent to another number"
		}
		if !slices.ContainsFunc(about, func(o urgency) bool { return o.recipient == u.recipient }) {
			about = append(about, u)
		}
	}
	if len(about) == 0 {
		about = []urgency{*unknown}
	}
	slices.SortFunc(about, func(a, b urgency) int { return bytes.Compare(a.recipient[:], b.recipient[:]) })
	for _, u := range about {
		r.parts = append(r.parts, part{target: u.target, decision: "triage", reason: u.why})
	}
	return about, lockPlansOf(ctx, tx, r.households(target{}))
}

// whoWrote is the contact a reply came from, where the number is one of ours.
func whoWrote(senders []sender) ContactID {
	if sure := trusted(senders); len(sure) > 0 {
		return sure[0].id
	}
	return ContactID{}
}

// wakeForUnknown texts, at any hour, the officers of all households the sender is
// named for, or else the supervisors: urgent words whose household is not known
// belong to no plan, and yet must not wait for somebody to open the task list.
func (l *Log) wakeForUnknown(ctx context.Context, tx txn, r reply, senders []sender) error {
	rows, err := tx.Query(ctx, `SELECT DISTINCT p.officer_id FROM care_plans p JOIN users u ON u.id = p.officer_id AND u.state = 'active'
		WHERE p.state <> 'closed' AND (p.primary_contact_id = ANY ($1) OR p.backup_contact_id = ANY ($1)) ORDER BY p.officer_id`, persons(senders))
	if err != nil {
		return fmt.Errorf("find the sender's officers: %w", err)
	}
	users, err := pgx.CollectRows(rows, pgx.RowTo[UserID])
	if err != nil {
		return fmt.Errorf("find the sender's officers: %w", err)
	}
	if len(users) == 0 {
		if users, err = supervisorsOf(ctx, tx, r.office); err != nil {
			return err
		}
	}
	for _, user := range users {
		_, err := l.insertMessage(ctx, tx, newMessage{
			office: r.office, user: user, inbound: r.id, line: r.line, purpose: "officer_alert", priority: priorityRed,
			slot: slot{"officer_urgent", tx.now, tx.now.Add(urgentHours * time.Hour), "urgent words, and it is not known whom they are about"},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) urgentAlert(ctx context.Context, tx txn, r reply, t target, verified bool, note string, actBy time.Time) error {
	heard := happening{recipient: t.recipient, kind: "reply_received", at: r.at, actor: Contact, actorID: anyID(t.contact), subject: anyID(r.id)}
	source, contact := "village_contact_sms", t.contact.String()
	if !verified { // whoever it was, it was not the contact the code was sent to
		heard.actor, heard.actorID = Program, anyID{}
		source, contact = "unverified_number", ""
	}
	heard.details = dropEmpty(map[string]any{"signal": "urgent", "source": source, "contact_id": contact, "note": note})
	tx.append(heard)
	var id PlanID
	err := tx.QueryRow(ctx, "SELECT id FROM care_plans WHERE recipient_id = $1 AND state <> 'closed'", t.recipient).Scan(&id)
	if none(err) {
		return nil // the task alone: a closed plan has no officer to wake
	}
	if err != nil {
		return fmt.Errorf("find the plan: %w", err)
	}
	p, err := l.lockPlan(ctx, tx, id)
	if err != nil {
		return err
	}
	// Each word of the contact wakes the officer; a stranger's only while none is open.
	cause := "urgent:" + r.id.String()
	if !verified {
		cause = "urgent:" + p.id.String()
	}
	return l.raiseAlert(ctx, tx, newAlert{
		office: p.office, recipient: p.recipient, plan: p.id, checkIn: t.checkIn, officer: p.officer,
		rule: "urgent_reply", version: 1, level: "red", cause: cause, actBy: actBy, wording: "officer_red",
	})
}
