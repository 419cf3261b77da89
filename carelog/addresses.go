package carelog

import (
	"context"
	"fmt"

	"aftercare/internal/crypt"
)

// NewAddress is where a household moved within the office.
type NewAddress struct {
	Village VillageName
	Address string
	Primary ContactID // who is asked there; zero: nobody, and a task says so
	Backup  ContactID
	Alias   string // agreed with the contact there; empty: as before
	Reason  string
}

// ChangeAddress moves a household within its office: village, address and the
// contacts who serve it there. Texts planned for the contacts before are
// cancelled; nobody else is texted instead of a contact who is not named.
// Officers of the office may.
func (l *Log) ChangeAddress(ctx context.Context, by Actor, id PlanID, a NewAddress) (Plan, error) {
	return l.changePlan(ctx, by, id, func(tx txn, p plan) error {
		if !by.may(p.office, RecordCare) {
			return forbidden("only officers of the office change addresses")
		}
		if p.state == "closed" {
			return conflict("the plan is closed")
		}
		village, err := l.checkAddress(ctx, tx, p, a)
		if err != nil {
			return err
		}
		if err := l.changeFacts(ctx, tx, p.recipient, newFacts{alias: a.Alias, address: a.Address, village: village}); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE care_plans SET primary_contact_id = $2, backup_contact_id = $3, path = CASE path WHEN 'moved' THEN '' ELSE path END,
			updated_at = $4 WHERE id = $1`, p.id, a.Primary, a.Backup, tx.now)
		if err != nil {
			return fmt.Errorf("change the plan's contacts: %w", err)
		}
		if err := l.askAnew(ctx, tx, p, "the household moved"); err != nil {
			return err
		}
		tx.append(happening{recipient: p.recipient, kind: "address_changed", subject: anyID(p.id), details: dropEmpty(map[string]any{
			"reason": a.Reason, "township": a.Village.Township, "village": a.Village.Name, "address": a.Address,
		})})
		return l.endTasks(ctx, tx, pathCauses(p.id)[1:2], "the new address is known")
	})
}

func (l *Log) checkAddress(ctx context.Context, tx txn, p plan, a NewAddress) (VillageID, error) {
	var probs problems
	probs.needsReason(a.Reason)
	e := prepared{}
	e.Office = p.office
	err := tx.QueryRow(ctx, "SELECT id FROM villages WHERE office_id = $1 AND township = $2 AND name = $3", p.office, a.Village.Township, a.Village.Name).Scan(&e.village)
	if none(err) {
		probs.add("village", isUnknownVillage)
	} else if err != nil {
		return e.village, fmt.Errorf("find village: %w", err)
	}
	if err := e.checkContact(ctx, tx, &probs, "primary_contact_id", a.Primary); err != nil {
		return e.village, err
	}
	if err := e.checkContact(ctx, tx, &probs, "backup_contact_id", a.Backup); err != nil {
		return e.village, err
	}
	if err := l.checkMayBeAsked(ctx, tx, &probs, a.Primary, a.Backup, p.recipient); err != nil {
		return e.village, err
	}
	return e.village, probs.err()
}

// askAnew ends what contacts who are no longer named were or would be asked, and
// plans the requests of the contacts who are.
func (l *Log) askAnew(ctx context.Context, tx txn, p plan, why string) error {
	const unnamed = `FROM care_plans p WHERE p.id = $1 AND a.contact_id NOT IN
		(SELECT n FROM unnest(ARRAY[p.primary_contact_id, p.backup_contact_id]) AS n WHERE n IS NOT NULL)`
	_, err := tx.Exec(ctx, `UPDATE messages a SET dispatch = 'cancelled', dispatch_reason = $2, dispatched_at = $3 `+unnamed+`
		AND a.recipient_id = p.recipient_id AND a.dispatch = 'planned'`, p.id, why, tx.now)
	if err != nil {
		return fmt.Errorf("cancel requests: %w", err)
	}
	_, err = tx.Exec(ctx, `WITH ended AS (
			UPDATE asks a SET state = 'closed', reason = $2, closed_at = $3 `+unnamed+` AND a.recipient_id = p.recipient_id AND a.state = 'open'
			RETURNING a.id, a.check_in_id),
		again AS (UPDATE check_ins c SET messages_planned = false FROM ended WHERE c.id = ended.check_in_id AND c.state = 'planned')
		UPDATE task_codes SET free_from = $4 FROM ended WHERE ask_id = ended.id AND free_from IS NULL`, p.id, why, tx.now, tx.now.Add(codeRest))
	if err != nil {
		return fmt.Errorf("close requests: %w", err)
	}
	return l.planDueMessages(ctx, tx, p)
}

// newFacts is what changes of a recipient's facts. Empty: as before.
type newFacts struct {
	alias, address string
	village        VillageID
}

// changeFacts seals a recipient's facts anew. What they were stands in the history.
func (l *Log) changeFacts(ctx context.Context, tx txn, recipient RecipientID, n newFacts) error {
	if n == (newFacts{}) {
		return nil
	}
	file, err := l.openFile(ctx, tx, recipient, RecordCare, ManagePlan)
	if err != nil {
		return err
	}
	before := file.facts
	if n.alias != "" {
		if l.words.CheckAlias(n.alias, before.Name) != nil {
			return invalid("household_alias", isUnsafeAlias)
		}
		file.facts.Alias = n.alias
	}
	if n.address != "" {
		file.facts.Address = n.address
	}
	sealed, err := crypt.SealJSON(file.key, file.facts, "recipients.sealed")
	if err != nil {
		return fmt.Errorf("seal the recipient: %w", err)
	}
	_, err = tx.Exec(ctx, "UPDATE recipients SET sealed = $2, village_id = coalesce($3, village_id) WHERE id = $1", recipient, sealed, n.village)
	if err != nil {
		return fmt.Errorf("change the recipient: %w", err)
	}
	tx.append(happening{recipient: recipient, kind: "facts_changed", subject: anyID(recipient), details: dropEmpty(map[string]any{
		"alias_before": changed(before.Alias, file.facts.Alias), "address_before": changed(before.Address, file.facts.Address),
	})})
	return nil
}

func changed(before, after string) string {
	if before == after {
		return ""
	}
	return before
}
