package carelog

import (
	"context"
	"fmt"
	"strconv"
)

// replaced is why what was asked of a contact ends.
const replaced = "another contact has taken their place"

// Replacement tells what came of a contact's replacement.
type Replacement struct {
	Plans   int `json:"plans"`   // that name the new contact now
	Without int `json:"without"` // that may not
}

// ReplaceContact puts one contact in the place of another, after a village
// election, everywhere in one act: the old one resigns, every open plan that
// named them names the new one, who serves their villages too, and what was
// asked of the old one is asked of the new. A conflict of interest of the old one
// is not the new one's; where the new one has one of their own, or what the
// household is about is barred for them, the place stays empty and a task says so. Officers and supervisors of the office may; the
// reason is sealed. Refusals: Invalid, NotFound, Forbidden, Conflict when either
// has resigned.
func (l *Log) ReplaceContact(ctx context.Context, by Actor, old, successor ContactID, why string) (Replacement, error) {
	return write(ctx, l, by, func(tx txn) (Replacement, error) {
		var probs problems
		checkWhy(&probs, why)
		if successor == old || successor.IsZero() {
			probs.add("new_contact_id", isUnknownContact)
		}
		if err := probs.err(); err != nil {
			return Replacement{}, err
		}
		from, err := contactToChange(ctx, tx, old, ChangeContact)
		if err != nil {
			return Replacement{}, err
		}
		to, err := contactToChange(ctx, tx, successor, ChangeContact)
		if err != nil {
			return Replacement{}, err
		}
		if to.office != from.office || !to.phoneOf.IsZero() || !from.phoneOf.IsZero() {
			return Replacement{}, invalid("new_contact_id", isUnknownContact)
		}
		return l.replaceContact(ctx, tx, from, to, why)
	})
}

func (l *Log) replaceContact(ctx context.Context, tx txn, from, to contactRow, why string) (Replacement, error) {
	var done Replacement
	plans, err := l.lockPlansNaming(ctx, tx, from.id, RecipientID{})
	if err != nil {
		return done, err
	}
	if err := resign(ctx, tx, from, to); err != nil {
		return done, err
	}
	for _, p := range plans {
		successor := to.id
		barred, err := hasConflict(ctx, tx, successor, p.recipient)
		if err != nil {
			return done, err
		}
		if !barred {
			if barred, err = l.topicsBar(ctx, tx, successor, p.recipient); err != nil {
				return done, err
			}
		}
		if barred {
			successor = ContactID{}
			done.Without++
		} else {
			done.Plans++
		}
		if err := l.putInPlace(ctx, tx, p, from.id, successor, replaced); err != nil {
			return done, err
		}
		tx.append(happening{recipient: p.recipient, kind: "contact_replaced", subject: anyID(p.id), details: dropEmpty(map[string]any{
			"contact_id": from.id.String(), "new_contact_id": successor.String(), "reason": why,
		})})
		if barred {
			err := l.openTask(ctx, tx, newTask{
				kind: "contact_conflict", cause: "contact_conflict:" + to.id.String() + ":" + p.id.String(), office: p.office, recipient: p.recipient, plan: p.id, contact: to.id,
				reason: "the new contact may not be asked about this household: name another contact",
				actBy:  officerWindow.closes(tx.cal(p.office).NextWorkday(tx.today())),
			})
			if err != nil {
				return done, err
			}
		}
	}
	// What is left is about closed plans, and answers.
	phones, err := phonesOf(ctx, tx, from.id)
	if err != nil {
		return done, err
	}
	for _, id := range phones {
		if _, err := l.closeAsksTo(ctx, tx, id, replaced); err != nil {
			return done, err
		}
		if err := cancelTextsTo(ctx, tx, id, replaced); err != nil {
			return done, err
		}
	}
	tx.audit(from.office, "contact_replaced", anyID(from.id), strconv.Itoa(len(plans))+" plans")
	return done, l.endContactTasks(ctx, tx, phones, aboutTheOldNumber, replaced)
}

// resign ends a contact's service; their successor serves their villages.
func resign(ctx context.Context, tx txn, from, to contactRow) error {
	tag, err := tx.Exec(ctx, "UPDATE village_contacts SET state = 'resigned' WHERE (id = $1 OR phone_of = $1) AND state = 'active'", from.id)
	if err != nil {
		return fmt.Errorf("resign contact: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return conflict("the contact has resigned")
	}
	_, err = tx.Exec(ctx, `INSERT INTO contact_villages (contact_id, village_id)
		SELECT $2, village_id FROM contact_villages WHERE contact_id = $1 ON CONFLICT DO NOTHING`, from.id, to.id)
	if err != nil {
		return fmt.Errorf("hand the contact's villages over: %w", err)
	}
	return nil
}

// putInPlace takes a contact off a plan and puts another in the same place, or
// nobody: then a backup moves up. Every open request to the old one is closed,
// and what is asked of the village is planned anew.
func (l *Log) putInPlace(ctx context.Context, tx txn, p plan, old, successor ContactID, why string) error {
	n := NewContacts{Plan: p.id, Primary: p.primary, Backup: p.backup}
	if n.Primary == old {
		n.Primary = successor
	}
	if n.Backup == old {
		n.Backup = successor
	}
	if n.Primary.IsZero() {
		n.Primary, n.Backup = n.Backup, ContactID{}
	}
	if n.Backup == n.Primary {
		n.Backup = ContactID{}
	}
	if err := l.closeAsksAbout(ctx, tx, p, old, why); err != nil {
		return err
	}
	return l.nameContacts(ctx, tx, p, n)
}

// closeAsksAbout closes the open requests to a contact about one household, those
// that are overdue too.
func (l *Log) closeAsksAbout(ctx context.Context, tx txn, p plan, contact ContactID, why string) error {
	_, err := tx.Exec(ctx, `UPDATE messages SET dispatch = 'cancelled', dispatch_reason = $3, dispatched_at = $4
		WHERE recipient_id = $1 AND contact_id IN (SELECT id FROM village_contacts WHERE id = $2 OR phone_of = $2) AND dispatch = 'planned'`, p.recipient, contact, why, tx.now)
	if err != nil {
		return fmt.Errorf("cancel requests: %w", err)
	}
	_, err = tx.Exec(ctx, `WITH settled AS (
			UPDATE asks SET state = 'closed', reason = $3, closed_at = $4 WHERE recipient_id = $1 AND contact_id IN (SELECT id FROM village_contacts WHERE id = $2 OR phone_of = $2) AND state = 'open' RETURNING id)
		UPDATE task_codes SET free_from = $5 FROM settled WHERE ask_id = settled.id AND free_from IS NULL`, p.recipient, contact, why, tx.now, tx.now.Add(codeRest))
	if err != nil {
		return fmt.Errorf("close requests: %w", err)
	}
	return nil
}
