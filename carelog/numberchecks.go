package carelog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

// numberAnswerWithin is how many working days a number has to answer the
// confirmation text before a person makes sure by phone.
const numberAnswerWithin = 3

// CheckNumbers plans the confirmation text of numbers that are new, and hands
// those that did not answer theirs in time to a person; at most limit of each. It
// tells how many it dealt with.
func (l *Log) CheckNumbers(ctx context.Context, limit int) (int, error) {
	return write(ctx, l, TheSystem(), func(tx txn) (int, error) {
		asked, err := l.askNumbers(ctx, tx, limit)
		if err != nil {
			return 0, err
		}
		handed, err := l.handNumbersOver(ctx, tx, limit)
		return asked + handed, err
	})
}

// newNumber is a number that nobody confirmed, with a contact who has it.
type newNumber struct {
	index   []byte
	contact ContactID
	office  OfficeID
	line    LineID
	asked   time.Time
}

// askNumbers plans one confirmation text a number, whoever shares the phone. An
// office without a number of its own to speak from asks later.
func (l *Log) askNumbers(ctx context.Context, tx txn, limit int) (int, error) {
	rows, err := tx.Query(ctx, `SELECT n.phone_index, k.id, k.office_id, k.line FROM numbers n CROSS JOIN LATERAL (
			SELECT c.id, c.office_id, speaking_line(c.office_id, $2) AS line FROM village_contacts c
			WHERE c.phone_index = n.phone_index AND c.state = 'active' ORDER BY c.id LIMIT 1) k
		WHERE (n.state = 'unverified' AND n.asked_at IS NULL OR n.state = 'quarantined' AND n.quarantined_until <= $1)
			AND n.opted_out_at IS NULL AND n.unreachable_at IS NULL AND k.line IS NOT NULL
		ORDER BY n.phone_index LIMIT $3 FOR UPDATE OF n SKIP LOCKED`, tx.now, l.carrier, limit)
	if err != nil {
		return 0, fmt.Errorf("find new numbers: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (n newNumber, err error) {
		err = row.Scan(&n.index, &n.contact, &n.office, &n.line)
		return n, err
	})
	if err != nil {
		return 0, fmt.Errorf("find new numbers: %w", err)
	}
	for _, n := range found {
		cal := tx.cal(n.office)
		at := villageWindow.next(tx.now, cal)
		_, err := l.insertMessage(ctx, tx, newMessage{
			office: n.office, contact: n.contact, line: n.line, purpose: "number_check", priority: priorityReminder,
			slot: slot{"number_check", at, villageWindow.closes(cal.AddWorkdays(calendar.Of(at), numberAnswerWithin)), "a new number confirms first whose it is"},
		})
		if err != nil {
			return 0, err
		}
		_, err = tx.Exec(ctx, `UPDATE numbers SET state = 'unverified', quarantined_until = NULL, asked_at = $2, handed_at = NULL, updated_at = $3 WHERE phone_index = $1`, n.index, at, tx.now)
		if err != nil {
			return 0, fmt.Errorf("mark number asked: %w", err)
		}
	}
	return len(found), nil
}

// markAsked notes that the confirmation texts among the claims are on their way:
// from now on a 1 from there is an answer to it. One that was held back asks nobody.
func markAsked(ctx context.Context, tx txn, wanted []claim, out []Outgoing) error {
	var phones [][]byte
	for _, c := range wanted {
		if c.purpose == "number_check" && slices.ContainsFunc(out, func(o Outgoing) bool { return o.ID == c.id }) {
			phones = append(phones, c.phone)
		}
	}
	if len(phones) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, "UPDATE numbers SET state = 'asked', asked_at = $2, updated_at = $2 WHERE phone_index = ANY ($1) AND state = 'unverified'", phones, tx.now)
	if err != nil {
		return fmt.Errorf("mark numbers asked: %w", err)
	}
	return nil
}

// fitsItsNumber tells whether the text may go to the contact's number as it
// stands: about a household to a verified one only.
func (c claim) fitsItsNumber() bool {
	switch c.wording {
	case "number_check":
		return c.numberState == numberUnverified || c.numberState == numberAsked
	case "stop_ack", "start_ack":
		return true
	}
	return c.numberState == numberVerified
}

func (c claim) wrongNumber() verdict {
	v := verdict{dispatch: "cancelled", reason: numberNotVerified}
	switch {
	case c.purpose == "number_check":
		v.reason = "it is known by now whose the number is"
		return v
	case c.numberState == numberQuarantined:
		v.reason = numberInQuarantine
	}
	if c.purpose == "village_request" {
		v.task = "verify_number"
	}
	return v
}

// toVillage tells whether a text counts in the budget of a village contact's number.
func (c claim) toVillage() bool {
	return c.purpose == "village_request" || c.purpose == "number_check" || c.purpose == visitConfirmation
}

// handNumbersOver opens a task about every number that was asked and is not
// verified in time, whatever became of its text.
func (l *Log) handNumbersOver(ctx context.Context, tx txn, limit int) (int, error) {
	rows, err := tx.Query(ctx, `SELECT n.phone_index, k.id, k.office_id, n.asked_at FROM numbers n CROSS JOIN LATERAL (
			SELECT c.id, c.office_id FROM village_contacts c WHERE c.phone_index = n.phone_index AND c.state = 'active' ORDER BY c.id LIMIT 1) k
		WHERE n.state IN ('unverified', 'asked') AND n.handed_at IS NULL AND n.asked_at < $1 AND n.opted_out_at IS NULL AND n.unreachable_at IS NULL
		ORDER BY n.asked_at, n.phone_index LIMIT $2 FOR UPDATE OF n SKIP LOCKED`, tx.today().AddDays(1-numberAnswerWithin).At(0, 0), limit)
	if err != nil {
		return 0, fmt.Errorf("find unanswered numbers: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (n newNumber, err error) {
		err = row.Scan(&n.index, &n.contact, &n.office, &n.asked)
		return n, err
	})
	if err != nil {
		return 0, fmt.Errorf("find unanswered numbers: %w", err)
	}
	handed := 0
	for _, n := range found {
		if !tx.today().After(tx.cal(n.office).AddWorkdays(calendar.Of(n.asked), numberAnswerWithin)) {
			continue
		}
		handed++
		if err := l.taskAboutContact(ctx, tx, n.contact, newTask{
			kind: "verify_number", office: n.office, reason: "nobody answered the confirmation text: make sure by phone whose the number is",
			actBy: officerWindow.closes(tx.cal(n.office).NextWorkday(tx.today())),
		}); err != nil {
			return 0, err
		}
		if _, err := tx.Exec(ctx, "UPDATE numbers SET handed_at = $2 WHERE phone_index = $1", n.index, tx.now); err != nil {
			return 0, fmt.Errorf("mark number handed over: %w", err)
		}
	}
	return handed, nil
}

// taskAboutContact opens the task for each household that names the contact, so
// that its officer sees it there; where none does, for the office. Naming
// somebody else ends it.
func (l *Log) taskAboutContact(ctx context.Context, tx txn, contact ContactID, t newTask) error {
	t.contact = contact
	named, err := namedIn(ctx, tx, contact)
	if err != nil {
		return err
	}
	if len(named) == 0 {
		t.cause = t.kind + ":" + contact.String()
		return l.openTask(ctx, tx, t)
	}
	for _, p := range named {
		t.cause, t.office, t.plan, t.recipient = t.kind+":"+contact.String()+":"+p.id.String(), p.office, p.id, p.recipient
		if err := l.openTask(ctx, tx, t); err != nil {
			return err
		}
	}
	return nil
}

// namedIn are the open plans that name a contact, in the order of their ids.
func namedIn(ctx context.Context, tx txn, contact ContactID) ([]plan, error) {
	rows, err := tx.Query(ctx, `SELECT id, office_id, recipient_id FROM care_plans
		WHERE state <> 'closed' AND (primary_contact_id = $1 OR backup_contact_id = $1) ORDER BY id`, contact)
	if err != nil {
		return nil, fmt.Errorf("find the contact's plans: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p plan, err error) {
		err = row.Scan(&p.id, &p.office, &p.recipient)
		return p, err
	})
}

// wrongNumberWords say that a text reached somebody it was not meant for. Words
// that a contact says of a household or of their own typing are none.
var wrongNumberWords = []string{"打错电话", "你打错", "您打错", "打错了", "发错人", "找错人", "认错人", "不是本人", "错号", "号码错", "不是他的号", "不是她的号"}

func saysWrongNumber(text string) bool {
	return slices.ContainsFunc(wrongNumberWords, func(word string) bool { return strings.Contains(text, word) })
}

// takeNumberAnswer takes a reply whose number decides about it, and tells whether
// it did: an answer to the confirmation text, a stranger's no, and whatever comes
// from a number that may be somebody else's. Stop words and urgent words count
// from any number.
func (l *Log) takeNumberAnswer(ctx context.Context, tx txn, r reply, senders []sender, answers [][2]string, mark string) (bool, error) {
	if mark == "stop" || mark == "urgent" || mark == markEcho || mark == markAutomatic {
		return false, nil
	}
	n, known, err := readNumber(ctx, tx, r.sender)
	if err != nil || !known {
		return false, err
	}
	digit, code := "", ""
	if len(answers) > 0 {
		code = answers[0][0]
	}
	if len(answers) == 1 && code == "" {
		digit = answers[0][1]
	}
	no := len(answers) == 0 && saysWrongNumber(r.said.Text)
	switch {
	case n.state == numberQuarantined:
		return true, l.leaveToPerson(ctx, tx, r, code, "the number may be somebody else's: nothing from it is taken as its contact's word")
	case len(senders) == 0 || n.trusted() && !no || mark == "start":
		return false, nil
	case no || digit == "4":
		return true, l.disownNumber(ctx, tx, r, senders)
	case digit == "1" && n.state != numberUnverified:
		return true, l.confirmNumber(ctx, tx, r, senders)
	}
	return true, l.leaveToPerson(ctx, tx, r, code, "the number is not verified yet: what it says is for a person to judge")
}

// leaveToPerson leaves a reply to a person beside what its code is about. Nobody
// is named as who wrote it.
func (l *Log) leaveToPerson(ctx context.Context, tx txn, r reply, code, why string) error {
	var t target
	if code != "" {
		var err error
		if t, _, err = l.findTarget(ctx, tx, r, nil, code); err != nil {
			return err
		}
	}
	t.contact = ContactID{}
	return l.toTriage(ctx, tx, r, t, why)
}

// confirmNumber takes the answer to the confirmation text: the number is its contact's.
func (l *Log) confirmNumber(ctx context.Context, tx txn, r reply, senders []sender) error {
	for _, s := range senders {
		h := happening{kind: "number_verified", at: r.at, actor: Contact, actorID: anyID(s.id), subject: anyID(r.id)}
		if err := l.askTheContactAgain(ctx, tx, s.id, h); err != nil {
			return err
		}
	}
	const why = "the number was confirmed by its answer"
	if err := l.settleReply(ctx, tx, r, target{}, "matched", why); err != nil {
		return err
	}
	if err := l.endContactTasks(ctx, tx, contactIDs(senders), []string{"verify_number"}, why); err != nil {
		return err
	}
	return setVerified(ctx, tx, r.sender, why)
}

// disownNumber takes a stranger's no.
func (l *Log) disownNumber(ctx context.Context, tx txn, r reply, senders []sender) error {
	if err := l.takeFromContacts(ctx, tx, r, senders); err != nil {
		return err
	}
	return l.settleReply(ctx, tx, r, target{}, "matched", notTheContacts)
}

const notTheContacts = "whoever has the number says that it is not the contact's"

// takeFromContacts quarantines a number that is not its contacts': their open
// requests become work by phone, and somebody finds their number.
func (l *Log) takeFromContacts(ctx context.Context, tx txn, r reply, senders []sender) error {
	actor := Program
	if tx.by.Kind == Person {
		actor = Person
	}
	for _, s := range senders {
		closed, err := l.closeAsksTo(ctx, tx, s.id, notTheContacts)
		if err != nil {
			return err
		}
		for _, c := range closed {
			tx.append(happening{recipient: c.recipient, kind: "number_disowned", at: r.at, actor: actor, subject: anyID(r.id)})
		}
		if err := cancelTextsTo(ctx, tx, s.id, notTheContacts); err != nil {
			return err
		}
		err = l.taskAboutContact(ctx, tx, s.id, newTask{
			kind: "contact_change", office: s.office, inbound: r.id, reason: "whoever has the number says that it is not the contact's: find their number, or name another contact",
			actBy: officerWindow.opens(tx.cal(s.office).NextWorkday(tx.today())),
		})
		if err != nil {
			return err
		}
	}
	return setQuarantined(ctx, tx, r.sender, notTheContacts)
}

// cancelTextsTo cancels what is planned to a contact and not yet on its way.
func cancelTextsTo(ctx context.Context, tx txn, contact ContactID, why string) error {
	_, err := tx.Exec(ctx, "UPDATE messages SET dispatch = 'cancelled', dispatch_reason = $2, dispatched_at = $3 WHERE contact_id = $1 AND dispatch = 'planned'",
		contact, why, tx.now)
	if err != nil {
		return fmt.Errorf("cancel the contact's texts: %w", err)
	}
	return nil
}
