package carelog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

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
			reason: "the contact asked for no more texts: call them, or name another contact", actBy: officerWindow.opens(tx.cal(s.office).NextWorkday(tx.today())),
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
	if err := l.settleRequests(ctx, tx, s.id, ids, "the contact asked for no more texts"); err != nil {
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

// startTexts lets the number be texted again, and has the open village check-ins
// of the households whose primary contact it is planned anew. A backup contact's
// are asked of them from the next check-in on.
func (l *Log) startTexts(ctx context.Context, tx txn, r reply, senders []sender) error {
	if len(senders) == 0 {
		return l.toTriage(ctx, tx, r, target{}, "a start word from a number that is none of our contacts")
	}
	for _, s := range senders {
		if _, err := tx.Exec(ctx, "UPDATE village_contacts SET opted_out_at = NULL WHERE id = $1", s.id); err != nil {
			return fmt.Errorf("opt in: %w", err)
		}
		if err := l.askTheContactAgain(ctx, tx, r, s); err != nil {
			return err
		}
	}
	if err := l.settleReply(ctx, tx, r, target{}, "matched", "a start word: this number may be texted again"); err != nil {
		return err
	}
	return l.answer(ctx, tx, r, senders[0].id, senders[0].office, "start_ack")
}

func (l *Log) askTheContactAgain(ctx context.Context, tx txn, r reply, s sender) error {
	rows, err := tx.Query(ctx, `SELECT c.id FROM check_ins c JOIN care_plans p ON p.id = c.plan_id
		WHERE p.primary_contact_id = $1 AND p.state <> 'closed' AND c.state = 'planned' AND c.asks_village AND c.messages_planned ORDER BY c.id`, s.id)
	if err != nil {
		return fmt.Errorf("find open village check-ins: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[CheckInID])
	if err != nil {
		return fmt.Errorf("find open village check-ins: %w", err)
	}
	causes := []string{"contact_opted_out:" + s.id.String()}
	for _, id := range ids {
		causes = append(causes, "contact_missing:"+id.String())
		c, err := lockCheckIn(ctx, tx, id)
		if err != nil {
			return err
		}
		// The officer's reminders stood in for the contact.
		if err := l.cancelPlanned(ctx, tx, []CheckInID{id}, "planned anew: the contact may be texted again"); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE check_ins SET messages_planned = false WHERE id = $1", id); err != nil {
			return fmt.Errorf("plan texts anew: %w", err)
		}
		tx.append(happening{recipient: c.recipient, kind: "contact_opted_in", at: r.at, actor: Contact, actorID: anyID(s.id), subject: anyID(r.id)})
	}
	_, err = tx.Exec(ctx, "UPDATE tasks SET state = 'done', done_at = $2 WHERE state = 'open' AND cause = ANY ($1)", causes, tx.now)
	if err != nil {
		return fmt.Errorf("close the contact's tasks: %w", err)
	}
	return nil
}
