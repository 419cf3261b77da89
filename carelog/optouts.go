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
		if err := setOptedOut(ctx, tx, r.sender); err != nil { // nobody adds it as a contact's and texts it
			return err
		}
		staff, office, err := findStaff(ctx, tx, r.sender)
		if err != nil {
			return err
		}
		if len(staff) > 0 {
			return l.toTriage(ctx, tx, r, target{office: office}, stopOfOurs)
		}
		return l.toTriage(ctx, tx, r, target{}, "a stop word from a number that is none of our contacts")
	}
	for _, s := range senders {
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
	if err := setOptedOut(ctx, tx, r.sender); err != nil {
		return err
	}
	if err := l.settleReply(ctx, tx, r, target{}, "matched", "a stop word: this number is texted no more"); err != nil {
		return err
	}
	return l.answer(ctx, tx, r, senders[0].id, senders[0].office, "stop_ack")
}

// stopOfOurs: what our own people are texted is their duty, red alerts among it. Who
// has their number changed by mistake is told by the person who reads this.
const stopOfOurs = "a stop word from one of our own people: they are texted on, look whether the number is still theirs"

// rerouteAsks closes a contact's open requests and has the check-ins planned anew without them.
func (l *Log) rerouteAsks(ctx context.Context, tx txn, r reply, s sender) error {
	closed, err := l.closeAsksTo(ctx, tx, s.id, "the contact asked for no more texts")
	if err != nil {
		return err
	}
	for _, c := range closed {
		tx.append(happening{recipient: c.recipient, kind: "contact_opted_out", at: r.at, actor: Contact, actorID: anyID(s.id), subject: anyID(r.id)})
	}
	return nil
}

// closeAsksTo closes the open requests to a contact and has their check-ins
// planned anew, by the plans' contacts as they are then.
func (l *Log) closeAsksTo(ctx context.Context, tx txn, contact ContactID, why string) ([]checkIn, error) {
	rows, err := tx.Query(ctx, `SELECT c.id FROM asks a JOIN check_ins c ON c.id = a.check_in_id
		WHERE a.contact_id = $1 AND a.state = 'open' ORDER BY c.plan_id, c.id`, contact)
	if err != nil {
		return nil, fmt.Errorf("find open requests: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[CheckInID])
	if err != nil {
		return nil, fmt.Errorf("find open requests: %w", err)
	}
	closed := make([]checkIn, len(ids))
	for i, id := range ids {
		if closed[i], err = lockCheckIn(ctx, tx, id); err != nil {
			return nil, err
		}
		if err := l.settleRequests(ctx, tx, contact, []CheckInID{id}, why); err != nil {
			return nil, err
		}
		if err := l.planAnew(ctx, tx, id); err != nil {
			return nil, err
		}
	}
	return closed, nil
}

// startTexts lets the number be texted again, and has the open village check-ins
// of the households whose primary contact it is planned anew. A backup contact's
// are asked of them from the next check-in on.
func (l *Log) startTexts(ctx context.Context, tx txn, r reply, senders []sender) error {
	if len(senders) == 0 {
		return l.toTriage(ctx, tx, r, target{}, "a start word from a number that is none of our contacts")
	}
	for _, s := range senders {
		h := happening{kind: "contact_opted_in", at: r.at, actor: Contact, actorID: anyID(s.id), subject: anyID(r.id)}
		if err := l.askTheContactAgain(ctx, tx, s.id, h); err != nil {
			return err
		}
	}
	if _, err := setOptedIn(ctx, tx, r.sender); err != nil {
		return err
	}
	if err := l.settleReply(ctx, tx, r, target{}, "matched", "a start word: this number may be texted again"); err != nil {
		return err
	}
	return l.answer(ctx, tx, r, senders[0].id, senders[0].office, "start_ack")
}

// askTheContactAgain has the open village check-ins of the households whose
// primary contact somebody is planned anew: they may be texted now. h is what
// happened, for the history of each.
func (l *Log) askTheContactAgain(ctx context.Context, tx txn, contact ContactID, h happening) error {
	if err := backForContact(ctx, tx, contact); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `SELECT c.id FROM check_ins c JOIN care_plans p ON p.id = c.plan_id
		WHERE p.primary_contact_id = coalesce((SELECT phone_of FROM village_contacts WHERE id = $1), $1) AND p.state <> 'closed' AND c.state = 'planned' AND c.asks_village AND c.messages_planned ORDER BY p.id, c.id`, contact)
	if err != nil {
		return fmt.Errorf("find open village check-ins: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[CheckInID])
	if err != nil {
		return fmt.Errorf("find open village check-ins: %w", err)
	}
	causes := []string{"contact_opted_out:" + contact.String()}
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
		h.recipient = c.recipient
		tx.append(h)
	}
	_, err = tx.Exec(ctx, "UPDATE tasks SET state = 'done', done_at = $2 WHERE state = 'open' AND cause = ANY ($1)", causes, tx.now)
	if err != nil {
		return fmt.Errorf("close the contact's tasks: %w", err)
	}
	return nil
}
