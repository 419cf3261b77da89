package carelog

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// Dismissal says who leaves and who takes their desk over.
type Dismissal struct {
	User      UserID
	Successor string // login of an officer of the plans' offices; may be empty where there are no plans
}

// Dismissed tells what a dismissal came to.
type Dismissed struct {
	Plans   int `json:"plans"`   // handed on, each with its check-ins and requests
	Secrets int `json:"secrets"` // sessions and tokens that ended
}

const hasLeft = "the officer has left and the plan went to another"

// DismissUser shuts somebody out who leaves, and hands what is theirs to a successor,
// in one act: from now on none of their passwords, sessions, tokens, tickets and
// identities lets anybody in, they hold no role, and every open plan of theirs, with
// its check-ins and planned texts, is the successor's, as are their turns of duty, the
// leave they stand in for, and visits they were to score. What was offered to them goes
// back to the sender. Without an able successor nothing happens at all: no plan is ever
// without an officer. A security administrator of the person's office may, never for themself;
// so may the system.
func (l *Log) DismissUser(ctx context.Context, by Actor, d Dismissal) (Dismissed, error) {
	return write(ctx, l, by, func(tx txn) (Dismissed, error) {
		// Plans first, then the person: the order of all verbs.
		plans, err := l.lockDesk(ctx, tx, d.User)
		if err != nil {
			return Dismissed{}, err
		}
		person, err := accountToHandle(ctx, tx, d.User)
		if err != nil {
			return Dismissed{}, err
		}
		desks, err := openPlansOf(ctx, tx, d.User)
		if err != nil {
			return Dismissed{}, err
		}
		total := 0
		for _, k := range desks {
			total += k.plans
		}
		if total != len(plans) {
			return Dismissed{}, conflict("the person has plans that are out of your reach, or got one just now: hand those over first, or have it done by an office above")
		}
		heir, err := successor(ctx, tx, d, person.office, plans)
		if err != nil {
			return Dismissed{}, err
		}
		if err := l.handDeskOn(ctx, tx, d.User, heir, plans); err != nil {
			return Dismissed{}, err
		}
		done := Dismissed{Plans: len(plans)}
		done.Secrets, err = shutOut(ctx, tx, d.User)
		tx.audit(person.office, "user_dismissed", anyID(d.User), strconv.Itoa(len(plans))+" plans to "+heir.String())
		return done, err
	})
}

// lockDesk locks the open plans of a person that are in reach, in the order of their ids.
func (l *Log) lockDesk(ctx context.Context, tx txn, user UserID) ([]plan, error) {
	rows, err := tx.Query(ctx, "SELECT id FROM care_plans WHERE officer_id = $1 AND state <> 'closed' ORDER BY id FOR NO KEY UPDATE", user)
	if err != nil {
		return nil, fmt.Errorf("lock the person's plans: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[PlanID])
	if err != nil {
		return nil, fmt.Errorf("lock the person's plans: %w", err)
	}
	plans := make([]plan, len(ids))
	for i, id := range ids {
		if plans[i], err = l.lockPlan(ctx, tx, id); err != nil {
			return nil, err
		}
	}
	return plans, nil
}

// successor finds who takes the desk over, able in every office it reaches into.
func successor(ctx context.Context, tx txn, d Dismissal, home OfficeID, plans []plan) (UserID, error) {
	if d.Successor == "" {
		if len(plans) > 0 {
			return UserID{}, invalid("successor", isRequired)
		}
		return UserID{}, nil
	}
	offices := []OfficeID{}
	for _, p := range plans {
		if !slices.Contains(offices, p.office) {
			offices = append(offices, p.office)
		}
	}
	if len(offices) == 0 {
		offices = append(offices, home)
	}
	var heir UserID
	for _, office := range offices {
		u, err := officerCalled(ctx, tx, d.Successor, office)
		if none(err) || (err == nil && u.id == d.User) {
			return heir, invalid("successor", isUnknownOfficer)
		}
		if err != nil {
			return heir, fmt.Errorf("find the successor: %w", err)
		}
		heir = u.id
	}
	return heir, nil
}

// handDeskOn gives everything of a person to their successor.
func (l *Log) handDeskOn(ctx context.Context, tx txn, user, heir UserID, plans []plan) error {
	for _, p := range plans {
		if _, err := tx.Exec(ctx, "UPDATE care_plans SET officer_id = $2, updated_at = $3 WHERE id = $1", p.id, heir, tx.now); err != nil {
			return fmt.Errorf("hand plan on: %w", err)
		}
		p.officer = heir
		if err := l.replanOfficer(ctx, tx, p, hasLeft); err != nil {
			return err
		}
		tx.append(happening{recipient: p.recipient, kind: "plan_handed_on", subject: anyID(p.id), details: map[string]any{"plans": len(plans)}})
	}
	if err := l.returnOffers(ctx, tx, user); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "UPDATE transfer_plans SET from_user_id = $2 WHERE from_user_id = $1 AND state = 'open' AND $2::uuid IS NOT NULL", user, heir)
	if err != nil {
		return fmt.Errorf("hand offers on: %w", err)
	}
	if !heir.IsZero() {
		for _, sql := range []string{
			"UPDATE duties SET user_id = $2 WHERE user_id = $1 AND until_at > $3",
			`UPDATE absences SET deputy_id = $2 WHERE deputy_id = $1 AND ended_at IS NULL AND user_id <> $2 AND until_on >= ($3::timestamptz AT TIME ZONE 'Asia/Shanghai')::date
				AND may_deputise(user_id, $2) AND NOT deputies_loop(user_id, $2, from_on, until_on)`,
			`UPDATE blind_scorings b SET scorer_id = $2 WHERE scorer_id = $1 AND scores IS NULL AND asked_at <= $3
				AND NOT EXISTS (SELECT FROM check_in_records r WHERE r.check_in_id = b.check_in_id AND r.recorded_by = $2)`,
		} {
			if _, err := tx.Exec(ctx, sql, user, heir, tx.now); err != nil {
				return fmt.Errorf("hand duties on: %w", err)
			}
		}
	}
	if _, err := tx.Exec(ctx, "UPDATE absences SET ended_at = $2, ended_by = $3 WHERE user_id = $1 AND ended_at IS NULL", user, tx.now, tx.by.User); err != nil {
		return fmt.Errorf("end absences: %w", err)
	}
	return nil
}

// returnOffers gives back what was offered to somebody who leaves: the senders stay
// responsible, and hear of it.
func (l *Log) returnOffers(ctx context.Context, tx txn, user UserID) error {
	rows, err := tx.Query(ctx, "SELECT id FROM transfers WHERE to_user_id = $1 AND state = 'open' ORDER BY id", user)
	if err != nil {
		return fmt.Errorf("find offers: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[TransferID])
	if err != nil {
		return fmt.Errorf("find offers: %w", err)
	}
	for _, id := range ids {
		t, _, err := l.openOffer(ctx, tx, id, nil)
		if err != nil {
			return err
		}
		offered, err := l.offeredPlans(ctx, tx, id)
		if err != nil {
			return err
		}
		for _, o := range offered {
			if err := l.noteRefusal(ctx, tx, t, o, refusedOffer{id: id, why: "whom the plan was offered to has left", state: "declined"}); err != nil {
				return err
			}
		}
		if _, err := l.endOffer(ctx, tx, t, "the transfer was declined"); err != nil {
			return err
		}
	}
	return nil
}

// shutOut ends everything that lets a person in, and tells how many secrets ended.
func shutOut(ctx context.Context, tx txn, user UserID) (int, error) {
	ended, err := endSecrets(ctx, tx, user)
	if err != nil {
		return 0, err
	}
	if err := endTickets(ctx, tx, user); err != nil {
		return 0, err
	}
	for _, sql := range []string{
		"UPDATE credentials SET password = NULL, totp = NULL, totp_pending = NULL WHERE user_id = $1",
		"DELETE FROM recovery_codes WHERE user_id = $1",
		"DELETE FROM sso_identities WHERE user_id = $1",
		"DELETE FROM grants WHERE user_id = $1",
		"UPDATE users SET state = 'left' WHERE id = $1",
	} {
		if _, err := tx.Exec(ctx, sql, user); err != nil {
			return 0, fmt.Errorf("shut the person out: %w", err)
		}
	}
	return ended, nil
}
