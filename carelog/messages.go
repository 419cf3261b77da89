package carelog

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
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
		due, err := pgx.CollectRows(rows, scanToPlan)
		if err != nil {
			return 0, fmt.Errorf("find check-ins to plan for: %w", err)
		}
		return len(due), l.planMessagesOf(ctx, tx, due)
	})
}

// planDueMessages plans the texts of one plan's check-ins at once: those within
// a fortnight, and those of the next one however far ahead.
func (l *Log) planDueMessages(ctx context.Context, tx txn, p plan) error {
	return l.planDueMessagesOf(ctx, tx, []PlanID{p.id})
}

// planDueMessagesOf is planDueMessages for several plans. Each is looked up alone: of
// rows this transaction has just laid by the thousand the database knows no statistics.
func (l *Log) planDueMessagesOf(ctx context.Context, tx txn, plans []PlanID) error {
	var due []toPlan
	for _, id := range plans {
		rows, err := tx.Query(ctx, selectToPlan+tellable+`c.plan_id = $1 AND c.messages_from <= greatest($2,
			(SELECT min(n.messages_from) FROM check_ins n WHERE n.plan_id = $1 AND n.state = 'planned')) ORDER BY c.due, c.id FOR UPDATE OF c`,
			id, tx.today().AddDays(planAhead))
		if err != nil {
			return fmt.Errorf("find check-ins to plan for: %w", err)
		}
		found, err := pgx.CollectRows(rows, scanToPlan)
		if err != nil {
			return fmt.Errorf("find check-ins to plan for: %w", err)
		}
		due = append(due, found...)
	}
	return l.planMessagesOf(ctx, tx, due)
}

func (l *Log) planMessagesOf(ctx context.Context, tx txn, due []toPlan) error {
	// In one order whatever the query's plan: what is told first gets the earlier id.
	slices.SortFunc(due, func(a, b toPlan) int { return cmp.Or(a.due.Compare(b.due), bytes.Compare(a.checkIn[:], b.checkIn[:])) })
	ids := make([]CheckInID, len(due))
	for i, t := range due {
		ids[i] = t.checkIn
		if err := l.planTexts(ctx, tx, t); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, "UPDATE check_ins SET messages_planned = true WHERE id = ANY ($1)", ids); err != nil {
		return fmt.Errorf("mark messages planned: %w", err)
	}
	return nil
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
	ids, err := l.insertMessages(ctx, tx, m, []slot{m.slot})
	if err != nil {
		return MessageID{}, err
	}
	return ids[0], nil
}

// insertMessages plans a message a slot, alike in everything else.
func (l *Log) insertMessages(ctx context.Context, tx txn, m newMessage, slots []slot) ([]MessageID, error) {
	n := len(slots)
	ids := make([]MessageID, n)
	wordings, reasons := make([]string, n), make([]string, n)
	notBefore, deadlines := make([]time.Time, n), make([]time.Time, n)
	due := false
	for i, s := range slots {
		ids[i] = newID[messageKind](tx.now, l.random)
		wordings[i], reasons[i], notBefore[i], deadlines[i] = s.wording, s.reason, s.notBefore, later(s.deadline, s.notBefore)
		due = due || !s.notBefore.After(tx.now)
	}
	_, err := tx.Exec(ctx, `INSERT INTO messages
		(id, office_id, recipient_id, check_in_id, contact_id, user_id, inbound_id, line_id, purpose, priority, created_at, wording, not_before, deadline, reason)
		SELECT u.id, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, u.wording, u.not_before, u.deadline, u.reason
		FROM unnest($11::uuid[], $12::text[], $13::timestamptz[], $14::timestamptz[], $15::text[]) AS u (id, wording, not_before, deadline, reason)`,
		m.office, m.recipient, m.checkIn, m.contact, m.user, m.inbound, m.line, m.purpose, m.priority, tx.now, ids, wordings, notBefore, deadlines, reasons)
	if err != nil {
		return nil, fmt.Errorf("insert messages: %w", err)
	}
	if due {
		return ids, l.queue.SendDue(ctx, tx, m.line)
	}
	return ids, nil
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

// cancelRequests cancels what is planned to be asked of the village about the check-ins.
func (l *Log) cancelRequests(ctx context.Context, tx txn, ids []CheckInID, why string) error {
	_, err := tx.Exec(ctx, `UPDATE messages SET dispatch = 'cancelled', dispatch_reason = $2, dispatched_at = $3
		WHERE check_in_id = ANY ($1) AND dispatch = 'planned' AND purpose IN ('village_request', 'visit_confirmation')`, ids, why, tx.now)
	if err != nil {
		return fmt.Errorf("cancel requests: %w", err)
	}
	return nil
}
