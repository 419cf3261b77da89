package carelog

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// wakeTransfers tells the receiver of new offers, the sender's supervisors of
// those nobody answered in time, and writes into the histories what another
// office answered: at most limit acts. An offer nobody answers stays with its
// sender, however long.
func (l *Log) wakeTransfers(ctx context.Context, tx txn, limit int) (int, error) {
	rows, err := tx.Query(ctx, selectTransfers+"t.wake_at <= $1 ORDER BY t.wake_at, t.id LIMIT $2 FOR UPDATE OF t SKIP LOCKED", tx.now, limit)
	if err != nil {
		return 0, fmt.Errorf("find transfers to wake: %w", err)
	}
	due, err := pgx.CollectRows(rows, scanTransfer)
	if err != nil {
		return 0, fmt.Errorf("find transfers to wake: %w", err)
	}
	for _, t := range due {
		next, err := l.wakeTransfer(ctx, tx, t)
		if err != nil {
			return 0, err
		}
		if _, err := tx.Exec(ctx, "UPDATE transfers SET wake_at = $2 WHERE id = $1", t.ID, next); err != nil {
			return 0, fmt.Errorf("wake transfer: %w", err)
		}
	}
	return len(due), nil
}

// wakeTransfer does what is due about one act and tells when to look again.
func (l *Log) wakeTransfer(ctx context.Context, tx txn, t Transfer) (*time.Time, error) {
	if err := l.noteAnswers(ctx, tx, t); err != nil {
		return nil, err
	}
	causes := transferCauses(t.ID)
	switch {
	case t.State == "ended":
		return nil, l.endTasks(ctx, tx, causes, "the transfer was answered")
	case !t.Overdue:
		return &t.AcceptBy, l.openTask(ctx, tx, newTask{
			kind: "transfer_offered", cause: causes[0], office: t.ToOffice, actBy: t.AcceptBy,
			reason: "plans are offered to be taken over: accept or decline them",
		})
	default:
		return nil, l.openTask(ctx, tx, newTask{
			kind: "transfer_overdue", cause: causes[1], office: t.Office, actBy: officerWindow.closes(tx.cal(t.Office).NextWorkday(tx.today())),
			reason: "nobody answered the offer to take plans over: they stay with their officer until a supervisor settles it",
		})
	}
}

// noteAnswers writes another office's refusals into the histories, under the
// name of who refused.
func (l *Log) noteAnswers(ctx context.Context, tx txn, t Transfer) error {
	rows, err := tx.Query(ctx, `SELECT plan_id, recipient_id, state, answer, decided_by, decided_at FROM transfer_plans
		WHERE transfer_id = $1 AND state IN ('declined', 'withdrawn') AND noted_at IS NULL ORDER BY plan_id`, t.ID)
	if err != nil {
		return fmt.Errorf("read answers: %w", err)
	}
	type answered struct {
		plan      PlanID
		recipient RecipientID
		state     string
		why       []byte
		by        anyID
		at        time.Time
	}
	answers, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a answered, err error) {
		err = row.Scan(&a.plan, &a.recipient, &a.state, &a.why, &a.by, &a.at)
		return a, err
	})
	if err != nil {
		return fmt.Errorf("read answers: %w", err)
	}
	for _, a := range answers {
		key, err := l.recipientKey(ctx, tx, a.recipient)
		if err != nil {
			return err
		}
		why, err := key.Open(a.why, answerBox(t.ID, a.plan))
		if err != nil {
			return fmt.Errorf("open the answer: %w", err)
		}
		tx.append(happening{
			recipient: a.recipient, kind: "plan_transfer_" + a.state, at: a.at, actor: Person, actorID: a.by, subject: anyID(a.plan),
			details: map[string]any{"reason": string(why)},
		})
		err = l.taskForSender(ctx, tx, t, a.recipient, a.plan, a.state)
		if err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, "UPDATE transfer_plans SET noted_at = $2 WHERE transfer_id = $1 AND state IN ('declined', 'withdrawn') AND noted_at IS NULL", t.ID, tx.now)
	if err != nil {
		return fmt.Errorf("note answers: %w", err)
	}
	return nil
}
