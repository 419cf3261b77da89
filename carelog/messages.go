package carelog

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/carelog/schedule"
)

// A message has two states. Dispatch is ours: planned → sending → accepted, or
// cancelled, expired, failed, unknown, each with its reason (P2). Delivery is
// the carrier's and only rises: queued < sent < failed < undelivered < delivered.
//
// A message found sending after a crash is never blindly sent again (P3):
//
//	ClaimMessages commits `sending` before anything is on the wire;
//	RecordReceipts commits what the carrier answered;
//	what stays `sending` past SettlingTime is asked for at the carrier
//	(StuckMessages, then SettleMessage): found → accepted; known not to be there
//	→ planned again, at most maxTries times; cannot be known → unknown, and a
//	task for a person.
//
// A status callback that carries our message id settles it as well.

// planAhead is how far before its first text a check-in's messages are planned.
// Nearer than the horizon of check-ins, so that a calendar change moves few of them.
const planAhead = 14 // days

// toPlan is what planning the messages of a check-in needs to know.
type toPlan struct {
	checkIn   CheckInID
	office    OfficeID
	recipient RecipientID
	kind      schedule.Kind
	asks      bool
	opens     calendar.Date
	due       calendar.Date
	officer   UserID
	contact   ContactID  // the plan's first named contact who can be texted; zero: none
	barred    bool       // no village contact is asked about the household
	numbers   string     // what is in doubt about the numbers of its contacts
	actBy     *time.Time // of a check-in on a real-time clock
}

var selectToPlan = `SELECT c.id, c.office_id, c.recipient_id, c.kind, c.asks_village, c.opens, c.due, p.officer_id,
		coalesce(CASE WHEN NOT ` + conflicted("k1.id", "c.recipient_id") + " THEN " + textableOf("k1.id") + ` END,
			CASE WHEN NOT ` + conflicted("k2.id", "c.recipient_id") + " THEN " + textableOf("k2.id") + ` END), p.village_barred,
		CASE WHEN n1.state IN ('unverified', 'asked') OR n2.state IN ('unverified', 'asked') THEN 'unverified'
		     WHEN n1.state = 'quarantined' OR n2.state = 'quarantined' THEN 'quarantined' ELSE '' END, c.act_by
	FROM check_ins c JOIN care_plans p ON p.id = c.plan_id
	LEFT JOIN village_contacts k1 ON k1.id = p.primary_contact_id LEFT JOIN numbers n1 ON n1.phone_index = k1.phone_index
	LEFT JOIN village_contacts k2 ON k2.id = p.backup_contact_id LEFT JOIN numbers n2 ON n2.phone_index = k2.phone_index
	WHERE `

func scanToPlan(row pgx.CollectableRow) (t toPlan, err error) {
	err = row.Scan(&t.checkIn, &t.office, &t.recipient, &t.kind, &t.asks, &t.opens, &t.due, &t.officer, &t.contact, &t.barred, &t.numbers, &t.actBy)
	return t, err
}

// tellable is what the texts of a check-in ahead are planned by.
const tellable = "c.state = 'planned' AND NOT c.messages_planned AND p.state IN ('active', 'closing') AND "

// PlanMessages plans the officers' reminders and the village requests of
// check-ins whose first text comes within a fortnight, at most limit check-ins,
// and tells how many it planned. However long nobody swept, it catches up.
func (l *Log) PlanMessages(ctx context.Context, limit int) (int, error) {
	return write(ctx, l, TheSystem(), func(tx txn) (int, error) {
		rows, err := tx.Query(ctx, selectToPlan+tellable+"c.messages_from <= $1 ORDER BY c.messages_from LIMIT $2 FOR UPDATE OF c SKIP LOCKED",
			tx.today().AddDays(planAhead), limit)
		if err != nil {
			return 0, fmt.Errorf("find check-ins to plan for: %w", err)
		}
		return l.planMessagesOf(ctx, tx, rows)
	})
}

// planDueMessages plans the texts of one plan's check-ins at once: those within
// a fortnight, and those of the next one however far ahead.
func (l *Log) planDueMessages(ctx context.Context, tx txn, p plan) error {
	rows, err := tx.Query(ctx, selectToPlan+tellable+`c.plan_id = $1 AND c.messages_from <= greatest($2,
			(SELECT min(n.messages_from) FROM check_ins n WHERE n.plan_id = $1 AND n.state = 'planned')) ORDER BY c.due, c.id FOR UPDATE OF c`,
		p.id, tx.today().AddDays(planAhead))
	if err != nil {
		return fmt.Errorf("find check-ins to plan for: %w", err)
	}
	_, err = l.planMessagesOf(ctx, tx, rows)
	return err
}

func (l *Log) planMessagesOf(ctx context.Context, tx txn, rows pgx.Rows) (int, error) {
	due, err := pgx.CollectRows(rows, scanToPlan)
	if err != nil {
		return 0, fmt.Errorf("find check-ins to plan for: %w", err)
	}
	// In one order whatever the query's plan: what is told first gets the earlier id.
	slices.SortFunc(due, func(a, b toPlan) int { return cmp.Or(a.due.Compare(b.due), bytes.Compare(a.checkIn[:], b.checkIn[:])) })
	ids := make([]CheckInID, len(due))
	for i, t := range due {
		ids[i] = t.checkIn
		if err := l.planTexts(ctx, tx, t); err != nil {
			return 0, err
		}
	}
	if _, err := tx.Exec(ctx, "UPDATE check_ins SET messages_planned = true WHERE id = ANY ($1)", ids); err != nil {
		return 0, fmt.Errorf("mark messages planned: %w", err)
	}
	return len(due), nil
}

// planTexts plans what goes out about one check-in: a request to the contact
// for a step that asks one, else reminders to the officer. Without a contact who
// can be texted the work stays with the officer, and a task says so.
func (l *Log) planTexts(ctx context.Context, tx txn, t toPlan) error {
	if t.actBy != nil {
		return l.remindOnTheClock(ctx, tx, t)
	}
	if !t.asks || t.barred {
		return l.planFor(ctx, tx, t, "officer_reminder", officerSlots(tx.cal(t.office), t.opens, t.due, tx.now))
	}
	if !t.contact.IsZero() {
		slots := villageSlots(tx.cal(t.office), t.opens, t.due, tx.now)
		if err := l.planFor(ctx, tx, t, "village_request", slots); err != nil {
			return err
		}
		return watchForSilence(ctx, tx, t.checkIn, t.silentFrom(tx, slots))
	}
	err := l.openTask(ctx, tx, newTask{
		kind: "contact_missing", cause: "contact_missing:" + t.checkIn.String(), office: t.office, recipient: t.recipient, checkIn: t.checkIn,
		reason: t.whyByPhone(), actBy: officerWindow.opens(t.due),
	})
	if err != nil {
		return err
	}
	if err := l.askByPhone(ctx, tx, t.checkIn, t.recipient, t.whyByPhone()); err != nil {
		return err
	}
	return l.planFor(ctx, tx, t, "officer_reminder", officerSlots(tx.cal(t.office), t.opens, t.due, tx.now))
}

// silentFrom is when it is looked whether the village answered what was just planned.
func (t toPlan) silentFrom(tx txn, slots []slot) calendar.Date {
	if len(slots) == 0 {
		return calendar.Of(later(t.due.At(0, 0), tx.now))
	}
	return silentOn(tx.cal(t.office), calendar.Of(slots[len(slots)-1].notBefore), t.due)
}

// clockReminder is how long before the hour of a real-time clock its reminder goes out.
const clockReminder = 4 * time.Hour

// remindOnTheClock plans the reminder of a check-in on a real-time clock, at any
// hour: to the officer and, out of office hours, to whoever is on duty then. Once
// its hour has come the ladder tells.
func (l *Log) remindOnTheClock(ctx context.Context, tx txn, t toPlan) error {
	at := later(tx.now, t.actBy.Add(-clockReminder))
	if !at.Before(*t.actBy) {
		return nil
	}
	people := []notice{{t.officer, fmt.Sprintf("reminder %d hours before a clock that runs on rest days too", int(clockReminder.Hours()))}}
	if officerWindow.next(at, tx.cal(t.office)).After(at) {
		duty, err := dutyAt(ctx, tx, t.office, at)
		if err != nil {
			return err
		}
		if !duty.IsZero() && duty != t.officer {
			people = append(people, notice{duty, people[0].why + ", out of office hours: to whoever is on duty"})
		}
	}
	for _, n := range people {
		a := newAsk{office: t.office, recipient: t.recipient, checkIn: t.checkIn, user: n.user, purpose: "officer_reminder", priority: priorityRed}
		if err := l.planAsk(ctx, tx, a, []slot{{"officer_due", at, *t.actBy, n.why}}); err != nil {
			return err
		}
	}
	return nil
}

// whyByPhone is why the village is asked by phone.
func (t toPlan) whyByPhone() string {
	switch t.numbers {
	case numberUnverified:
		return numberNotVerified
	case numberQuarantined:
		return numberInQuarantine
	}
	return "no contact of this household can be texted: ask the village by phone, or name another contact"
}

func (l *Log) planFor(ctx context.Context, tx txn, t toPlan, purpose string, slots []slot) error {
	if len(slots) == 0 {
		return nil
	}
	a := newAsk{office: t.office, recipient: t.recipient, checkIn: t.checkIn, purpose: purpose}
	if purpose == "village_request" {
		a.contact = t.contact
	} else {
		a.user = t.officer
	}
	return l.planAsk(ctx, tx, a, slots)
}

// newAsk is an ask on its way in: one request to one party about one check-in or alert.
type newAsk struct {
	office    OfficeID
	recipient RecipientID
	checkIn   CheckInID
	alert     AlertID
	review    PlanID // of a plan at rest
	contact   ContactID
	user      UserID
	purpose   string
	priority  int // 0: that of a reminder
}

// planAsk opens the ask (or opens it again) and plans one message a slot, each a
// round of its own: an ask is sent once a round, by a constraint (P3). About a
// household that is barred from the village, the officer is reminded instead.
func (l *Log) planAsk(ctx context.Context, tx txn, a newAsk, slots []slot) error {
	a, slots, err := l.askAround(ctx, tx, a, slots)
	if err != nil {
		return err
	}
	_, err = l.planAskTo(ctx, tx, a, slots)
	return err
}

// planAskTo is planAsk for a party that was looked at already.
func (l *Log) planAskTo(ctx context.Context, tx txn, a newAsk, slots []slot) (AskID, error) {
	line, err := l.lineOf(ctx, tx, a.office, a.contact, a.user)
	if err != nil {
		return AskID{}, err
	}
	if slots, err = l.notYetSaid(ctx, tx, a, slots); err != nil || len(slots) == 0 {
		return AskID{}, err
	}
	id, rounds, err := l.openAsk(ctx, tx, a, line, len(slots))
	if err != nil {
		return id, err
	}
	for i, s := range slots {
		m := newMessage{
			office: a.office, recipient: a.recipient, checkIn: a.checkIn, contact: a.contact, user: a.user, line: line,
			purpose: a.purpose, priority: cmp.Or(a.priority, priorityReminder), slot: s,
		}
		message, err := l.insertMessage(ctx, tx, m)
		if err != nil {
			return id, err
		}
		_, err = tx.Exec(ctx, "INSERT INTO message_asks (message_id, ask_id, round) VALUES ($1, $2, $3)", message, id, rounds-len(slots)+i+1)
		if err != nil {
			return id, fmt.Errorf("insert message's ask: %w", err)
		}
	}
	return id, nil
}

// notYetSaid leaves out the slots of a day on which the same party was texted the
// same about the same check-in already: planning anew says nothing twice.
func (l *Log) notYetSaid(ctx context.Context, tx txn, a newAsk, slots []slot) ([]slot, error) {
	if a.checkIn.IsZero() {
		return slots, nil
	}
	rows, err := tx.Query(ctx, `SELECT wording, claimed_at FROM messages
		WHERE check_in_id = $1 AND (contact_id = $2 OR user_id = $3 OR delivery NOT IN ('undelivered', 'failed') AND contact_id IN (
			SELECT x.id FROM village_contacts x JOIN village_contacts y ON x.id = y.phone_of OR x.phone_of = y.id WHERE y.id = $2)) AND dispatch IN ('sending', 'accepted', 'unknown')`, a.checkIn, a.contact, a.user)
	if err != nil {
		return nil, fmt.Errorf("look for texts sent before: %w", err)
	}
	said := map[string]bool{}
	var wording string
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&wording, &at}, func() error {
		said[wording+calendar.Of(at).String()] = true
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for texts sent before: %w", err)
	}
	return slices.DeleteFunc(slots, func(s slot) bool { return said[s.wording+calendar.Of(s.notBefore).String()] }), nil
}

func (l *Log) openAsk(ctx context.Context, tx txn, a newAsk, line LineID, rounds int) (AskID, int, error) {
	subject, party := "check_in_id", "check_in_id IS NOT NULL"
	switch {
	case !a.review.IsZero():
		subject, party = "review_of", "review_of IS NOT NULL"
	case a.checkIn.IsZero():
		subject, party = "alert_id", "alert_id IS NOT NULL"
	}
	var id AskID
	var total int
	err := tx.QueryRow(ctx, `INSERT INTO asks (id, office_id, recipient_id, check_in_id, alert_id, contact_id, user_id, purpose, line_id, rounds, opened_at, review_of)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (`+subject+`, party_id, purpose) WHERE `+party+`
		DO UPDATE SET rounds = asks.rounds + excluded.rounds, state = 'open', reason = '', closed_at = NULL
		RETURNING id, rounds`, newID[askKind](tx.now, l.random), a.office, a.recipient, a.checkIn, a.alert, a.contact, a.user,
		a.purpose, line, rounds, tx.now, a.review).Scan(&id, &total)
	if err != nil {
		return id, 0, fmt.Errorf("open ask: %w", err)
	}
	_, err = tx.Exec(ctx, "UPDATE task_codes SET free_from = NULL WHERE ask_id = $1", id)
	if err != nil {
		return id, 0, fmt.Errorf("keep the ask's code: %w", err)
	}
	return id, total, nil
}

type newMessage struct {
	office    OfficeID
	recipient RecipientID
	checkIn   CheckInID
	contact   ContactID
	user      UserID
	inbound   InboundID
	line      LineID
	purpose   string
	priority  int
	slot      slot
}

// insertMessage plans a message. One that is due already wakes the drain of its line.
func (l *Log) insertMessage(ctx context.Context, tx txn, m newMessage) (MessageID, error) {
	id := newID[messageKind](tx.now, l.random)
	_, err := tx.Exec(ctx, `INSERT INTO messages
		(id, office_id, recipient_id, check_in_id, contact_id, user_id, inbound_id, line_id, purpose, wording, priority, not_before, deadline, reason, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		id, m.office, m.recipient, m.checkIn, m.contact, m.user, m.inbound, m.line, m.purpose, m.slot.wording, m.priority,
		m.slot.notBefore, later(m.slot.deadline, m.slot.notBefore), m.slot.reason, tx.now)
	if err != nil {
		return id, fmt.Errorf("insert message: %w", err)
	}
	if !m.slot.notBefore.After(tx.now) {
		return id, l.queue.SendDue(ctx, tx, m.line)
	}
	return id, nil
}

// cancelPlanned cancels what is planned about the check-ins and not yet on its way.
func (l *Log) cancelPlanned(ctx context.Context, tx txn, ids []CheckInID, why string) error {
	_, err := tx.Exec(ctx, `UPDATE messages SET dispatch = 'cancelled', dispatch_reason = $2, dispatched_at = $3
		WHERE check_in_id = ANY ($1) AND dispatch = 'planned'`, ids, why, tx.now)
	if err != nil {
		return fmt.Errorf("cancel messages: %w", err)
	}
	return nil
}

// codeRest is how long a code rests before it may be given again.
const codeRest = 180 * 24 * time.Hour

// settleAsks stops the check-ins' escalations, closes their asks, lets the codes
// rest and cancels what is still planned about them.
func (l *Log) settleAsks(ctx context.Context, tx txn, ids []CheckInID, why string) error {
	if err := l.stopEscalations(ctx, tx, ids, nil, why); err != nil {
		return err
	}
	if err := l.cancelPlanned(ctx, tx, ids, why); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `WITH settled AS (
			UPDATE asks SET state = 'closed', reason = $2, closed_at = $3 WHERE check_in_id = ANY ($1) AND state = 'open' RETURNING id)
		UPDATE task_codes SET free_from = $4 FROM settled WHERE ask_id = settled.id AND free_from IS NULL`, ids, why, tx.now, tx.now.Add(codeRest))
	if err != nil {
		return fmt.Errorf("close asks: %w", err)
	}
	return nil
}

// settleRequests closes the requests to a contact about the check-ins and cancels
// those still planned. What is planned for officers and supervisors goes on.
func (l *Log) settleRequests(ctx context.Context, tx txn, contact ContactID, ids []CheckInID, why string) error {
	if err := l.cancelRequests(ctx, tx, ids, why); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `WITH settled AS (
			UPDATE asks SET state = 'closed', reason = $2, closed_at = $3 WHERE check_in_id = ANY ($1) AND contact_id = $5 AND state = 'open' RETURNING id)
		UPDATE task_codes SET free_from = $4 FROM settled WHERE ask_id = settled.id AND free_from IS NULL`, ids, why, tx.now, tx.now.Add(codeRest), contact)
	if err != nil {
		return fmt.Errorf("close requests: %w", err)
	}
	return nil
}

// cancelRequests cancels what is planned to be asked of the village about the check-ins.
func (l *Log) cancelRequests(ctx context.Context, tx txn, ids []CheckInID, why string) error {
	_, err := tx.Exec(ctx, `UPDATE messages SET dispatch = 'cancelled', dispatch_reason = $2, dispatched_at = $3
		WHERE check_in_id = ANY ($1) AND dispatch = 'planned' AND purpose IN ('village_request', 'visit_confirmation')`, ids, why, tx.now)
	if err != nil {
		return fmt.Errorf("cancel requests: %w", err)
	}
	return nil
}

// Message is a message as lists show it. The text is shown to those who may
// read the file; the number but for its ending is not.
type Message struct {
	ID             MessageID   `json:"message_id"`
	Recipient      RecipientID `json:"recipient_id"`
	CheckIn        CheckInID   `json:"check_in_id"`
	Contact        ContactID   `json:"contact_id"`
	User           UserID      `json:"user_id"`
	Purpose        string      `json:"purpose"`
	Wording        string      `json:"wording"`
	NotBefore      time.Time   `json:"not_before"`
	Deadline       time.Time   `json:"deadline"`
	Reason         string      `json:"reason"`
	Dispatch       string      `json:"dispatch"`
	DispatchReason string      `json:"dispatch_reason"`
	DispatchedAt   *time.Time  `json:"dispatched_at"`
	Delivery       string      `json:"delivery"`
	DeliveryReason string      `json:"delivery_reason"`
	DeliveryAt     *time.Time  `json:"delivery_at"`
	Segments       *int        `json:"segments"`
	Text           string      `json:"text"`
	Version        *int        `json:"wording_version"` // of the wording, once it is rendered
	Language       *string     `json:"language"`
}

// MessageFilter chooses messages. Zero fields choose all.
type MessageFilter struct {
	Recipient RecipientID
	Dispatch  string
	Page      Page // in the order they were planned
}

// Messages lists outbound messages of the actor's offices with when and why each
// is planned, and what became of it, in the order they were planned.
func (l *Log) Messages(ctx context.Context, by Actor, f MessageFilter) ([]Message, error) {
	if !by.Has(Officer) && !by.Has(Supervisor) {
		return nil, forbidden("only officers and supervisors list messages")
	}
	return write(ctx, l, by.anew(), func(tx txn) ([]Message, error) {
		rows, err := tx.Query(ctx, `SELECT m.id, m.recipient_id, m.check_in_id, m.contact_id, m.user_id, m.purpose, m.wording, m.not_before, m.deadline,
				m.reason, m.dispatch, m.dispatch_reason, m.dispatched_at, m.delivery, m.delivery_reason, m.delivery_at, m.segments, m.wording_version, m.language, m.text,
				coalesce(k.data_key, u.data_key)
			FROM messages m LEFT JOIN village_contacts k ON k.id = m.contact_id LEFT JOIN users u ON u.id = m.user_id
			WHERE ($1 OR m.office_id = ANY ($6)) AND ($2::uuid IS NULL OR m.recipient_id = $2) AND ($3 = '' OR m.dispatch = $3) AND m.id > $4
			ORDER BY m.id LIMIT $5`, by.Kind == System, f.Recipient, f.Dispatch, f.Page.afterOrFirst(), f.Page.Limit, by.officesOf(Officer, Supervisor))
		if err != nil {
			return nil, fmt.Errorf("list messages: %w", err)
		}
		messages, err := pgx.CollectRows(rows, l.scanMessage)
		if err != nil {
			return nil, fmt.Errorf("list messages: %w", err)
		}
		tx.audit(by.Office, "messages_read", anyID(f.Recipient), strconv.Itoa(len(messages)))
		return messages, nil
	})
}

func (l *Log) scanMessage(row pgx.CollectableRow) (Message, error) {
	var m Message
	var text, wrapped []byte
	err := row.Scan(&m.ID, &m.Recipient, &m.CheckIn, &m.Contact, &m.User, &m.Purpose, &m.Wording, &m.NotBefore, &m.Deadline,
		&m.Reason, &m.Dispatch, &m.DispatchReason, &m.DispatchedAt, &m.Delivery, &m.DeliveryReason, &m.DeliveryAt, &m.Segments, &m.Version, &m.Language, &text, &wrapped)
	if err != nil || text == nil || wrapped == nil {
		return m, err
	}
	owner := [16]byte(m.Contact)
	if m.Contact.IsZero() {
		owner = m.User
	}
	key, err := l.keys.Unwrap(owner, wrapped)
	if err != nil {
		return m, fmt.Errorf("open the party's key: %w", err)
	}
	plain, err := key.Open(text, "messages.text/"+m.ID.String())
	m.Text = string(plain)
	return m, err
}
