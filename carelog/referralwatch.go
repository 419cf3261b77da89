package carelog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

// lookAgain is after how many working days a referral that still waits is looked at again.
const lookAgain = 5

// WatchReferrals looks at the referrals whose day has come, at most limit, and
// tells how many: drafts that lie, answers that are late, benefits that end
// within 30 days and those that have ended, which lapse (R11). What is found
// becomes a task, and the household is judged anew. It costs what is due and
// catches up on everything since it last ran.
func (l *Log) WatchReferrals(ctx context.Context, limit int) (int, error) {
	return write(ctx, l, TheSystem(), func(tx txn) (int, error) {
		rows, err := tx.Query(ctx, "SELECT id FROM referrals WHERE next_look <= $1 ORDER BY next_look, id LIMIT $2", tx.today(), limit)
		if err != nil {
			return 0, fmt.Errorf("find referrals to look at: %w", err)
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[ReferralID])
		if err != nil {
			return 0, fmt.Errorf("find referrals to look at: %w", err)
		}
		for _, id := range ids {
			r, err := l.lockReferral(ctx, tx, id)
			if err != nil {
				return 0, err
			}
			if err := l.watch(ctx, tx, r); err != nil {
				return 0, err
			}
		}
		return len(ids), nil
	})
}

// watch does what a referral's day asks for and sets the day of the next look.
func (l *Log) watch(ctx context.Context, tx txn, r Referral) error {
	next := tx.cal(r.office).AddWorkdays(tx.today(), lookAgain)
	var err error
	switch {
	case r.State == "drafted":
		err = l.referralTask(ctx, tx, r, "referral_unsent", "a referral was drafted and never sent: send it or withdraw it")
	case r.Overdue:
		err = l.referralTask(ctx, tx, r, "referral_unanswered", "the partner has not answered in time: ask, and record the answer (R11)")
	case r.State == "granted" && r.ExpiresOn.Before(tx.today()):
		next = calendar.Date{}
		if err = l.lapse(ctx, tx, r); err == nil {
			err = l.referralTask(ctx, tx, r, "benefit_lapsing", "a granted benefit has ended: have it renewed, or see what the household does without it (R11)")
		}
	case r.State == "granted" && !r.ExpiresOn.AddDays(-lapsesSoon).After(tx.today()):
		next = r.ExpiresOn.AddDays(1)
		err = l.referralTask(ctx, tx, r, "benefit_lapsing", "a granted benefit ends within 30 days: have it renewed before it lapses (R11)")
	default: // it moved on since: what it waits for now lies ahead
		next = r.nextLook(tx)
	}
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "UPDATE referrals SET next_look = $2 WHERE id = $1", r.ID, next); err != nil {
		return fmt.Errorf("note the next look: %w", err)
	}
	return l.judgeHousehold(ctx, tx, r.Recipient)
}

func (l *Log) lapse(ctx context.Context, tx txn, r Referral) error {
	if _, err := tx.Exec(ctx, "UPDATE referrals SET state = 'lapsed', updated_at = $2 WHERE id = $1", r.ID, tx.now); err != nil {
		return fmt.Errorf("let the benefit lapse: %w", err)
	}
	return l.step(ctx, tx, r, "lapsed", map[string]any{"expires_on": r.ExpiresOn})
}

func (l *Log) referralTask(ctx context.Context, tx txn, r Referral, kind, why string) error {
	return l.openTask(ctx, tx, newTask{
		kind: kind, cause: kind + ":" + r.ID.String(), office: r.office, recipient: r.Recipient, plan: r.Plan,
		reason: why, actBy: officerWindow.closes(tx.cal(r.office).AddWorkdays(tx.today(), 3)),
	})
}
