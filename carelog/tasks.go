package carelog

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// newTask is work for a person on its way in. One open task a cause.
type newTask struct {
	kind, cause, reason string
	office              OfficeID
	recipient           RecipientID
	plan                PlanID
	checkIn             CheckInID
	message             MessageID
	inbound             InboundID
	contact             ContactID
	actBy               time.Time
}

func (l *Log) openTask(ctx context.Context, tx txn, t newTask) error {
	var actBy *time.Time
	if !t.actBy.IsZero() {
		actBy = &t.actBy
	}
	id := newID[taskKind](tx.now, l.random)
	tag, err := tx.Exec(ctx, `INSERT INTO tasks (id, office_id, recipient_id, plan_id, check_in_id, message_id, inbound_id, contact_id, kind, cause, reason, act_by, opened_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (cause) WHERE state = 'open' DO NOTHING`,
		id, t.office, t.recipient, t.plan, t.checkIn, t.message, t.inbound, t.contact, t.kind, t.cause, t.reason, actBy, tx.now)
	if err != nil {
		return fmt.Errorf("open task: %w", err)
	}
	if tag.RowsAffected() == 0 || t.recipient.IsZero() {
		return nil
	}
	tx.append(happening{recipient: t.recipient, kind: "task_opened", subject: anyID(id), details: map[string]any{"task": t.kind, "reason": t.reason}})
	return nil
}

// Task is work for a person as lists show it.
type Task struct {
	ID        TaskID      `json:"task_id"`
	Recipient RecipientID `json:"recipient_id"`
	CheckIn   CheckInID   `json:"check_in_id"`
	Message   MessageID   `json:"message_id"`
	Inbound   InboundID   `json:"inbound_id"`
	Contact   ContactID   `json:"contact_id"`
	Kind      string      `json:"kind"`
	Reason    string      `json:"reason"`
	ActBy     *time.Time  `json:"act_by"`
	OpenedAt  time.Time   `json:"opened_at"`
	Said      string      `json:"said"` // the reply that waits in triage

	MaskedName  string `json:"masked_name,omitempty"`
	Township    string `json:"township,omitempty"`
	Village     string `json:"village,omitempty"`
	ContactName string `json:"contact_name,omitempty"`
	PhoneEnding string `json:"phone_ending,omitempty"` // of the number that wrote, else of the contact
}

// Tasks lists the open tasks of the actor's offices, oldest first, with whom they
// are about; a doubt about a visit is shown to supervisors who had no part in it. Replies that wait in triage are shown with their words; that they
// were shown goes into the audit.
func (l *Log) Tasks(ctx context.Context, by Actor, page Page) ([]Task, error) {
	if !by.Holds(ListWork) {
		return nil, forbidden("only officers and supervisors list tasks")
	}
	return write(ctx, l, by.anew(), func(tx txn) ([]Task, error) {
		rows, err := tx.Query(ctx, `SELECT t.id, t.recipient_id, t.check_in_id, t.message_id, t.inbound_id, t.contact_id, t.kind, t.reason, t.act_by, t.opened_at,
				`+replyBox+`,
				h.data_key, h.sealed, coalesce(v.township, ''), coalesce(v.name, ''), k.data_key, k.sealed
			FROM tasks t LEFT JOIN inbound_messages i ON i.id = t.inbound_id `+replyKeys+`
			LEFT JOIN recipients h ON h.id = t.recipient_id LEFT JOIN villages v ON v.id = h.village_id
			LEFT JOIN village_contacts k ON k.id = t.contact_id
			WHERE t.state = 'open' AND ($1 OR t.office_id = ANY ($4)) AND t.id > $2
				AND (t.kind <> 'visit_doubted' OR $1 OR t.office_id = ANY ($5) AND NOT `+hadPartIn("t.check_in_id", "$6")+`) ORDER BY t.id LIMIT $3`,
			by.Kind == System, page.afterOrFirst(), page.Limit, by.officesFor(ListWork), by.officesFor(DoubtVisit), by.User)
		if err != nil {
			return nil, fmt.Errorf("list tasks: %w", err)
		}
		tasks, err := pgx.CollectRows(rows, l.scanTask)
		if err != nil {
			return nil, fmt.Errorf("list tasks: %w", err)
		}
		tx.audit(by.Office, "tasks_read", anyID{}, strconv.Itoa(len(tasks)))
		return tasks, nil
	})
}

func (l *Log) scanTask(row pgx.CollectableRow) (Task, error) {
	var t Task
	var box sealedReply
	var contactKey, contactSealed, fileKey, fileSealed []byte
	into := append([]any{&t.ID, &t.Recipient, &t.CheckIn, &t.Message, &t.Inbound, &t.Contact, &t.Kind, &t.Reason, &t.ActBy, &t.OpenedAt}, box.columns()...)
	err := row.Scan(append(into, &fileKey, &fileSealed, &t.Township, &t.Village, &contactKey, &contactSealed)...)
	if err != nil {
		return t, err
	}
	box.id = t.Inbound
	reply, err := l.openReply(box)
	if err != nil {
		return t, err
	}
	file, err := l.openRecipient(t.Recipient, fileKey, fileSealed)
	if err != nil {
		return t, err
	}
	person, err := l.openPerson(t.Contact, contactKey, contactSealed, "village_contacts.sealed")
	t.MaskedName, t.Said, t.ContactName, t.PhoneEnding = MaskName(file.Name), reply.Text, person.Name, lastFour(person.Phone)
	if reply.From != "" {
		t.PhoneEnding = lastFour(reply.From)
	}
	return t, err
}

// ResolveTask ends a task with what was done about it. Officers and supervisors
// of its office may, of a doubt about a visit supervisors who had no part in it; a repeat is a conflict. Where the task is about a red alert an
// officer has recorded a contact with the household first.
func (l *Log) ResolveTask(ctx context.Context, by Actor, id TaskID, outcome string) error {
	if strings.TrimSpace(outcome) == "" {
		return invalid("outcome", isRequired)
	}
	if by.Kind != Person {
		return forbidden("a task is settled by a person")
	}
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		t := openedTask{id: id}
		var inbound InboundID
		var checkIn CheckInID
		var state string
		err := tx.QueryRow(ctx, "SELECT office_id, recipient_id, check_in_id, inbound_id, state, kind FROM tasks WHERE id = $1 FOR UPDATE", id).
			Scan(&t.office, &t.recipient, &checkIn, &inbound, &state, &t.kind)
		if none(err) {
			return struct{}{}, notFound("task")
		}
		if err != nil {
			return struct{}{}, fmt.Errorf("read task: %w", err)
		}
		if !by.may(t.office, SettleTask) {
			return struct{}{}, forbidden("only officers and supervisors of the office settle its tasks")
		}
		if state != "open" {
			return struct{}{}, conflict("the task is done already")
		}
		if err := endsByHand(ctx, tx, t, checkIn, inbound); err != nil {
			return struct{}{}, err
		}
		if t.kind == "erasure_proposed" {
			return struct{}{}, conflict("a proposed erasure is decided: erase the file, or say why it is kept")
		}
		if err := l.finishTask(ctx, tx, t, outcome); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, settledWithTask(ctx, tx, inbound)
	})
	return err
}

// endsByHand refuses the kinds that end otherwise, or not by everybody.
func endsByHand(ctx context.Context, tx txn, t openedTask, checkIn CheckInID, inbound InboundID) error {
	switch t.kind {
	case "mandatory_report":
		return conflict("a report the law demands ends only with to whom, when and under what number it was made")
	case "duplicate_person":
		if !tx.by.may(t.office, DecideMerge) {
			return forbidden("a supervisor settles what another office has of the same person")
		}
	case "minor_opening":
		return conflict("this task ends with the decision about the leave")
	case "visit_doubted":
		return mayLookInto(ctx, tx, t.office, checkIn)
	case "triage":
		return notTheirOwnVisit(ctx, tx, inbound)
	}
	return nil
}

// openedTask is a task that is about to end.
type openedTask struct {
	id        TaskID
	office    OfficeID
	recipient RecipientID
	kind      string
}

// finishTask ends a task with what a person did, and the alerts it was about.
func (l *Log) finishTask(ctx context.Context, tx txn, t openedTask, outcome string) error {
	if !tx.by.may(t.office, SettleWithoutDeed) {
		if err := deedForTask(ctx, tx, t.id); err != nil {
			return err
		}
	}
	// What was done may name people: it stands under the key of who wrote it.
	_, err := tx.Exec(ctx, "UPDATE tasks SET state = 'done', done_at = $2, done_by = $3, outcome = $4 WHERE id = $1", t.id, tx.now, tx.by.User,
		tx.by.key.Seal([]byte(outcome), "tasks.outcome/"+t.id.String()))
	if err != nil {
		return fmt.Errorf("settle task: %w", err)
	}
	if err := l.closeAlerts(ctx, tx, t.id, t.recipient); err != nil {
		return err
	}
	if t.recipient.IsZero() {
		tx.audit(t.office, "task_done", anyID(t.id), t.kind)
		return nil
	}
	tx.append(happening{recipient: t.recipient, kind: "task_done", subject: anyID(t.id), details: map[string]any{"task": t.kind, "outcome": outcome}})
	return nil
}

// settledWithTask ends the waiting of a reply whose last task was done.
func settledWithTask(ctx context.Context, tx txn, inbound InboundID) error {
	tag, err := tx.Exec(ctx, `UPDATE inbound_messages SET state = 'settled', handled_at = $2 WHERE id = $1 AND state = 'triage'
		AND NOT EXISTS (SELECT FROM tasks WHERE inbound_id = $1 AND state = 'open' AND kind IN ('triage', 'urgent_reply'))`, inbound, tx.now)
	if err != nil {
		return fmt.Errorf("settle reply: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return nil
	}
	return addParts(ctx, tx, inbound, []part{{decision: "nothing", reason: "its task was done", by: tx.by.User}})
}

// alertsOfTask are the open alerts a that task t ($1) is about.
const alertsOfTask = `t.id = $1 AND a.recipient_id = t.recipient_id AND a.state <> 'closed'
	AND (a.cause = t.cause OR a.check_in_id IS NOT DISTINCT FROM t.check_in_id
		AND (t.kind, a.rule) IN (('urgent_reply', 'urgent_reply'), ('red_alert', 'R1'), ('red_alert', 'R3'), ('red_alert', 'R5')))`

// deedForTask refuses where the task would end a red alert and nobody recorded a
// contact with the household: a task is no back door to what CloseAlert asks for.
func deedForTask(ctx context.Context, tx txn, id TaskID) error {
	var a openAlert
	err := tx.QueryRow(ctx, "SELECT a.recipient_id, a.opened_at FROM alerts a, tasks t WHERE "+alertsOfTask+" AND a.level = 'red' ORDER BY a.opened_at DESC LIMIT 1", id).
		Scan(&a.recipient, &a.openedAt)
	if none(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the task's alert: %w", err)
	}
	return deedSince(ctx, tx, a)
}

// closeAlerts closes the alerts that the task was about: they end by the deed.
func (l *Log) closeAlerts(ctx context.Context, tx txn, id TaskID, recipient RecipientID) error {
	e := endedAlerts{recipient: recipient, outcome: "resolved", why: "its task was done"}
	rows, err := tx.Query(ctx, `UPDATE alerts a SET state = 'closed', outcome = $4, why = $5, closed_at = $2, closed_by = $3
		FROM tasks t WHERE `+alertsOfTask+` RETURNING a.id, a.rule, a.level`,
		id, tx.now, tx.by.User, e.outcome, e.why)
	if err != nil {
		return fmt.Errorf("close alerts: %w", err)
	}
	return l.alertsEnded(ctx, tx, rows, e)
}

// endTasks ends the open tasks of these causes by the deed: why is of our own
// list and says what was done.
func (l *Log) endTasks(ctx context.Context, tx txn, causes []string, why string) error {
	rows, err := tx.Query(ctx, `UPDATE tasks SET state = 'done', done_at = $2, done_by = $3, ended_why = $4
		WHERE cause = ANY ($1) AND state = 'open' RETURNING id, office_id, recipient_id, kind`, causes, tx.now, tx.by.User, why)
	if err != nil {
		return fmt.Errorf("end tasks: %w", err)
	}
	var id TaskID
	var office OfficeID
	var recipient RecipientID
	var kind string
	_, err = pgx.ForEachRow(rows, []any{&id, &office, &recipient, &kind}, func() error {
		if recipient.IsZero() {
			tx.audit(office, "task_done", anyID(id), kind)
			return nil
		}
		tx.append(happening{recipient: recipient, kind: "task_done", subject: anyID(id), details: map[string]any{"task": kind, "reason": why}})
		return nil
	})
	if err != nil {
		return fmt.Errorf("end tasks: %w", err)
	}
	return nil
}
