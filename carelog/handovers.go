package carelog

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// Acceptance takes offered plans over. Of another office's plan it says who
// looks after it here and where the household lives now.
type Acceptance struct {
	Plans []PlanID // of the act; empty: all that wait

	Officer    string      // login; empty: the actor
	Village    VillageName // of the receiving office
	Primary    ContactID   // zero: nobody, and a task says so
	Backup     ContactID
	ExternalID string // where the sender's number is taken here; empty: it stays
}

// AcceptTransfer takes plans over, all in one act: from now on their new officer
// is responsible, gets the texts that were planned for the one before, and
// nobody is texted twice. The officer they are offered to may, and a supervisor
// for them who did not propose it; of another office's plan any officer or
// supervisor of the receiving office.
func (l *Log) AcceptTransfer(ctx context.Context, by Actor, id TransferID, a Acceptance) (Transfer, error) {
	return write(ctx, l, by, func(tx txn) (Transfer, error) {
		t, plans, err := l.openOffer(ctx, tx, id, a.Plans)
		if err != nil {
			return t, err
		}
		if err := mayAnswer(by, t); err != nil {
			return t, err
		}
		if t.ToUser.IsZero() {
			err = l.acceptFromOffice(ctx, tx, t, plans[0], a)
		} else {
			err = l.acceptFromColleague(ctx, tx, t, plans)
		}
		if err != nil {
			return t, err
		}
		return l.endOffer(ctx, tx, t, "the plans were taken over")
	})
}

// mayAnswer tells who answers an offer for the receiver.
func mayAnswer(by Actor, t Transfer) error {
	switch {
	case t.ToUser.IsZero() && !by.may(t.ToOffice, AnswerOffer):
		return forbidden("only officers and supervisors of the receiving office answer the offer")
	case t.ToUser.IsZero() && t.ProposedBy == by.User:
		return forbidden("whoever proposed the transfer may not accept it for the other office")
	case !t.ToUser.IsZero() && (t.ToUser != by.User || !by.may(t.ToOffice, AnswerOffer)) && !by.may(t.ToOffice, AnswerForOther):
		return forbidden("only the officer it is offered to, or a supervisor for them, answers the offer")
	case !t.ToUser.IsZero() && t.ToUser != by.User && t.ProposedBy == by.User:
		return forbidden("whoever proposed the transfer may not accept it for somebody else")
	}
	return nil
}

// openOffer locks the waiting plans of an open act, or those of them that are
// named. Plans of another office are out of reach: taking them over locks them.
func (l *Log) openOffer(ctx context.Context, tx txn, id TransferID, only []PlanID) (Transfer, []PlanID, error) {
	t, err := readTransfer(ctx, tx, id)
	if err != nil {
		return t, nil, err
	}
	rows, err := tx.Query(ctx, "SELECT plan_id FROM transfer_plans WHERE transfer_id = $1 AND state = 'open' ORDER BY plan_id", id)
	if err != nil {
		return t, nil, fmt.Errorf("read transferred plans: %w", err)
	}
	open, err := pgx.CollectRows(rows, pgx.RowTo[PlanID])
	if err != nil {
		return t, nil, fmt.Errorf("read transferred plans: %w", err)
	}
	for _, p := range only {
		if !slices.Contains(open, p) {
			return t, nil, invalid("plan_ids", isNotOffered)
		}
	}
	if len(only) > 0 {
		open = slices.DeleteFunc(open, func(p PlanID) bool { return !slices.Contains(only, p) })
	}
	if len(open) == 0 {
		return t, nil, conflict("the transfer has been answered already")
	}
	slices.SortFunc(open, func(a, b PlanID) int { return bytes.Compare(a[:], b[:]) })
	if _, err := tx.Exec(ctx, "SELECT FROM care_plans WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE", open); err != nil {
		return t, nil, fmt.Errorf("lock plans: %w", err)
	}
	return t, open, nil
}

const handedOver = "the plan was handed to another officer"

func (l *Log) acceptFromColleague(ctx context.Context, tx txn, t Transfer, plans []PlanID) error {
	var there bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM users u JOIN offices o ON o.id = $2 JOIN grants g ON g.user_id = u.id AND g.role = 'officer' AND g.office_id = o.id
		WHERE u.id = $1 AND u.state = 'active')`, t.ToUser, t.ToOffice).Scan(&there)
	if err != nil {
		return fmt.Errorf("look for the receiver: %w", err)
	}
	if !there {
		return conflict("whom the plans are offered to is no officer of the office any more: take the offer back")
	}
	tag, err := tx.Exec(ctx, `UPDATE transfer_plans SET state = 'accepted', decided_by = $3, decided_at = $4, noted_at = $4
		WHERE transfer_id = $1 AND plan_id = ANY ($2) AND state = 'open'`, t.ID, plans, tx.by.User, tx.now)
	if err != nil {
		return fmt.Errorf("accept transfer: %w", err)
	}
	if int(tag.RowsAffected()) < len(plans) {
		return conflict("the transfer has been answered already")
	}
	for _, id := range plans {
		_, err := tx.Exec(ctx, "UPDATE care_plans SET officer_id = $2, updated_at = $3 WHERE id = $1", id, t.ToUser, tx.now)
		if err != nil {
			return fmt.Errorf("hand plan over: %w", err)
		}
		p, err := l.lockPlan(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := l.replanOfficer(ctx, tx, p, handedOver); err != nil {
			return err
		}
		tx.append(happening{recipient: p.recipient, kind: "plan_transferred", subject: anyID(id), details: map[string]any{"plans": len(plans)}})
	}
	return nil
}

// endOffer ends the act when nothing of it waits any more.
func (l *Log) endOffer(ctx context.Context, tx txn, t Transfer, why string) (Transfer, error) {
	err := tx.QueryRow(ctx, "SELECT count(*) FROM transfer_plans WHERE transfer_id = $1 AND state = 'open'", t.ID).Scan(&t.Open)
	if err != nil {
		return t, fmt.Errorf("count transferred plans: %w", err)
	}
	if t.Open > 0 {
		return t, nil
	}
	t.State, t.Overdue = "ended", false
	// What another office's end has to write down or to end is left to the sweep.
	_, err = tx.Exec(ctx, "UPDATE transfers SET state = 'ended', ended_at = $2, wake_at = $2 WHERE id = $1 AND state = 'open'", t.ID, tx.now)
	if err != nil {
		return t, fmt.Errorf("end transfer: %w", err)
	}
	return t, l.endTasks(ctx, tx, transferCauses(t.ID), why)
}

func transferCauses(id TransferID) []string {
	return []string{"transfer_offered:" + id.String(), "transfer_overdue:" + id.String()}
}

// DeclineTransfer gives offered plans back with a reason: the sender stays
// responsible, and hears of it. Whoever may accept may decline.
func (l *Log) DeclineTransfer(ctx context.Context, by Actor, id TransferID, plans []PlanID, why string) (Transfer, error) {
	return l.refuseTransfer(ctx, by, refusedOffer{id: id, plans: plans, why: why, state: "declined"})
}

// WithdrawTransfer takes an offer back with a reason. Whoever made it may, and a
// supervisor of the sender's office.
func (l *Log) WithdrawTransfer(ctx context.Context, by Actor, id TransferID, plans []PlanID, why string) (Transfer, error) {
	return l.refuseTransfer(ctx, by, refusedOffer{id: id, plans: plans, why: why, state: "withdrawn"})
}

// refusedOffer is an offer that comes to nothing.
type refusedOffer struct {
	id         TransferID
	plans      []PlanID
	why, state string
}

func (l *Log) refuseTransfer(ctx context.Context, by Actor, r refusedOffer) (Transfer, error) {
	var probs problems
	probs.needsReason(r.why)
	if err := probs.err(); err != nil {
		return Transfer{}, err
	}
	return write(ctx, l, by, func(tx txn) (Transfer, error) {
		t, plans, err := l.openOffer(ctx, tx, r.id, r.plans)
		if err != nil {
			return t, err
		}
		if err := r.mayRefuse(by, t); err != nil {
			return t, err
		}
		offered, err := l.offeredPlans(ctx, tx, t.ID)
		if err != nil {
			return t, err
		}
		// Who waited for the plans to be unlocked may find them answered.
		offered = slices.DeleteFunc(offered, func(o OfferedPlan) bool { return !slices.Contains(plans, o.Plan) })
		if len(offered) < len(plans) {
			return t, conflict("the transfer has been answered already")
		}
		for _, o := range offered {
			if err := l.noteRefusal(ctx, tx, t, o, r); err != nil {
				return t, err
			}
		}
		return l.endOffer(ctx, tx, t, "the transfer was "+r.state)
	})
}

func (r refusedOffer) mayRefuse(by Actor, t Transfer) error {
	if r.state == "declined" {
		return mayAnswer(by, t)
	}
	if (t.ProposedBy != by.User || !by.may(t.Office, HandOverOwn, HandOver)) && !by.may(t.Office, HandOver) {
		return forbidden("whoever proposed the transfer, or a supervisor of the office, withdraws it")
	}
	return nil
}

// noteRefusal keeps the answer sealed. The sender's end writes it into the
// history at once, the other office's is written there by the sweep: its hands
// do not reach the file.
func (l *Log) noteRefusal(ctx context.Context, tx txn, t Transfer, o OfferedPlan, r refusedOffer) error {
	var noted *time.Time
	if tx.by.may(t.Office, ManagePlan) {
		noted = &tx.now
		tx.append(happening{recipient: o.Recipient, kind: "plan_transfer_" + r.state, subject: anyID(o.Plan), details: map[string]any{"reason": r.why}})
		if err := l.taskForSender(ctx, tx, t, o.Recipient, o.Plan, r.state); err != nil {
			return err
		}
	}
	tag, err := tx.Exec(ctx, `UPDATE transfer_plans SET state = $3, answer = $4, decided_by = $5, decided_at = $6, noted_at = $7
		WHERE transfer_id = $1 AND plan_id = $2 AND state = 'open'`,
		t.ID, o.Plan, r.state, o.key.Seal([]byte(r.why), answerBox(t.ID, o.Plan)), tx.by.User, tx.now, noted)
	if err != nil {
		return fmt.Errorf("refuse transfer: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return conflict("the transfer has been answered already")
	}
	return nil
}

// taskForSender gives what was declined back to the sender's hands.
func (l *Log) taskForSender(ctx context.Context, tx txn, t Transfer, recipient RecipientID, plan PlanID, state string) error {
	if state != "declined" {
		return nil
	}
	return l.openTask(ctx, tx, newTask{
		kind: "transfer_declined", cause: "transfer_declined:" + plan.String(), office: t.Office, recipient: recipient, plan: plan,
		reason: "the transfer of the plan was declined: it stays where it was, decide how it goes on",
		actBy:  officerWindow.closes(tx.cal(t.Office).AddWorkdays(tx.today(), acceptWithin)),
	})
}

// lapseTransfer ends the offer of a plan that was closed.
func (l *Log) lapseTransfer(ctx context.Context, tx txn, p plan) error {
	var id TransferID
	err := tx.QueryRow(ctx, `UPDATE transfer_plans SET state = 'lapsed', decided_at = $2, noted_at = $2 WHERE plan_id = $1 AND state = 'open'
		RETURNING transfer_id`, p.id, tx.now).Scan(&id)
	if none(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("end the plan's transfer: %w", err)
	}
	_, err = l.endOffer(ctx, tx, Transfer{ID: id}, "the plan was closed")
	return err
}
