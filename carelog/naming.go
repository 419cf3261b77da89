package carelog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// NewContacts names who is asked in the village about a household: a primary
// and, where there is one, a backup contact. Zero: nobody.
type NewContacts struct {
	Plan    PlanID
	Primary ContactID
	Backup  ContactID
	Reason  string
}

// NameContacts names a plan's village contacts anew, when one left, was found
// unfit or was not known at enrolment. Open village check-ins whose contact is
// named no more, or that the officer stood in for, are asked of the new one;
// nobody is asked twice. Officers and supervisors of the office may; the reason
// is sealed. Refusals: Invalid, NotFound, Forbidden, Conflict when the plan is
// closed or the household is barred from the village.
func (l *Log) NameContacts(ctx context.Context, by Actor, n NewContacts) (Plan, error) {
	return write(ctx, l, by, func(tx txn) (Plan, error) {
		p, err := l.lockPlan(ctx, tx, n.Plan)
		if err != nil {
			return Plan{}, err
		}
		switch {
		case !by.may(p.office, ManagePlan):
			return Plan{}, forbidden("only officers and supervisors of the office name contacts of its households")
		case p.state == "closed":
			return Plan{}, conflict("the plan is closed: no contact is needed")
		case p.villageBarred:
			return Plan{}, conflict("no village contact may be named: the household is barred from the village")
		}
		if err := l.checkNaming(ctx, tx, n, p); err != nil {
			return Plan{}, err
		}
		if err := l.nameContacts(ctx, tx, p, n); err != nil {
			return Plan{}, err
		}
		tx.append(happening{recipient: p.recipient, kind: "contacts_named", subject: anyID(p.id), details: dropEmpty(map[string]any{
			"primary_contact_id": n.Primary.String(), "backup_contact_id": n.Backup.String(), "reason": n.Reason,
		})})
		return p.shown(), nil
	})
}

func (l *Log) checkNaming(ctx context.Context, tx txn, n NewContacts, p plan) error {
	var probs problems
	checkWhy(&probs, n.Reason)
	if n.Primary.IsZero() && !n.Backup.IsZero() {
		probs.add("primary_contact_id", isRequired)
	}
	e := prepared{Enrolment: Enrolment{Office: p.office}}
	if err := tx.QueryRow(ctx, "SELECT village_id FROM recipients WHERE id = $1", p.recipient).Scan(&e.village); err != nil {
		return fmt.Errorf("read the village: %w", err)
	}
	if err := e.checkContact(ctx, tx, &probs, "primary_contact_id", n.Primary); err != nil {
		return err
	}
	if err := e.checkContact(ctx, tx, &probs, "backup_contact_id", n.Backup); err != nil {
		return err
	}
	if err := l.checkMayBeAsked(ctx, tx, &probs, n.Primary, n.Backup, p.recipient); err != nil {
		return err
	}
	return probs.err()
}

func (l *Log) nameContacts(ctx context.Context, tx txn, p plan, n NewContacts) error {
	_, err := tx.Exec(ctx, "UPDATE care_plans SET primary_contact_id = $2, backup_contact_id = $3, updated_at = $4 WHERE id = $1", p.id, n.Primary, n.Backup, tx.now)
	if err != nil {
		return fmt.Errorf("name contacts: %w", err)
	}
	if !n.Primary.IsZero() {
		if err := backToVillage(ctx, tx, p.id, n.Primary != p.primary); err != nil {
			return err
		}
	}
	rows, err := tx.Query(ctx, `UPDATE check_ins c SET messages_planned = false, updated_at = $4
		WHERE plan_id = $1 AND state = 'planned' AND asks_village AND messages_planned
			AND NOT EXISTS (SELECT FROM asks a WHERE a.check_in_id = c.id AND a.state = 'open' AND a.contact_id IN ($2, $3)) RETURNING id`,
		p.id, n.Primary, n.Backup, tx.now)
	if err != nil {
		return fmt.Errorf("find village check-ins to ask again: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[CheckInID])
	if err != nil {
		return fmt.Errorf("find village check-ins to ask again: %w", err)
	}
	if err := l.settleAsks(ctx, tx, ids, "another contact was named"); err != nil {
		return err
	}
	causes := []string{"contact_change:" + p.primary.String() + ":" + p.id.String(), "contact_change:" + p.backup.String() + ":" + p.id.String()}
	for _, contact := range []ContactID{p.primary, p.backup} {
		if contact != n.Primary && contact != n.Backup {
			causes = append(causes, "verify_number:"+contact.String()+":"+p.id.String())
		}
	}
	for _, id := range ids {
		causes = append(causes, "contact_missing:"+id.String())
	}
	if err := l.endTasks(ctx, tx, causes, "another contact was named"); err != nil {
		return err
	}
	if p.state != "active" && p.state != "closing" {
		return nil
	}
	return l.planDueMessages(ctx, tx, p)
}
