package carelog

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"aftercare/internal/crypt"
)

// contactRow is a village contact's row as the verbs work on it.
type contactRow struct {
	id              ContactID
	office          OfficeID
	state           string
	index           []byte
	phoneOf         ContactID // of a second phone: whose it is
	wrapped, sealed []byte
}

// readContact reads a contact. Out of scope and not there are the same answer.
func readContact(ctx context.Context, tx txn, id ContactID) (contactRow, error) {
	c := contactRow{id: id}
	err := tx.QueryRow(ctx, "SELECT office_id, state, phone_index, phone_of, data_key, sealed FROM village_contacts WHERE id = $1", id).
		Scan(&c.office, &c.state, &c.index, &c.phoneOf, &c.wrapped, &c.sealed)
	if none(err) {
		return c, notFound("contact")
	}
	if err != nil {
		return c, fmt.Errorf("read contact: %w", err)
	}
	return c, nil
}

// contactToChange is an active contact whom the actor may do something about.
func contactToChange(ctx context.Context, tx txn, id ContactID, act Act) (contactRow, error) {
	c, err := readContact(ctx, tx, id)
	switch {
	case err != nil:
		return c, err
	case !tx.by.may(c.office, act):
		return c, forbidden("only officers and supervisors of the office change its contacts")
	case c.state != "active":
		return c, conflict("the contact has resigned")
	}
	return c, nil
}

// sharing are the active contacts in scope who have a number.
func sharing(ctx context.Context, tx txn, index []byte) ([]ContactID, error) {
	senders, err := findSenders(ctx, tx, index)
	return contactIDs(senders), err
}

// VerifyNumber notes that somebody of the office made sure that a contact's
// number is theirs: called, met, official_list. Requests go there from now on, a
// quarantine is over; that the number asked for no more texts stays. Officers and
// supervisors of the office may. Refusals: Invalid, NotFound, Forbidden, Conflict
// when it is verified already.
func (l *Log) VerifyNumber(ctx context.Context, by Actor, id ContactID, how string) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		if !slices.Contains(howVerified, how) {
			return struct{}{}, invalid("how", isUnknown)
		}
		c, err := contactToChange(ctx, tx, id, VouchForNumber)
		if err != nil {
			return struct{}{}, err
		}
		n, _, err := readNumber(ctx, tx, c.index)
		if err != nil {
			return struct{}{}, err
		}
		if n.state == numberVerified {
			return struct{}{}, conflict("the number is verified already")
		}
		contacts, err := sharing(ctx, tx, c.index)
		if err != nil {
			return struct{}{}, err
		}
		for _, contact := range contacts {
			h := happening{kind: "number_verified", subject: anyID(contact), details: map[string]any{"contact_id": contact, "sure": how}}
			if err := l.askTheContactAgain(ctx, tx, contact, h); err != nil {
				return struct{}{}, err
			}
		}
		const why = "somebody of the office made sure whose the number is"
		if err := l.endContactTasks(ctx, tx, contacts, []string{"verify_number", "contact_unreachable"}, why); err != nil {
			return struct{}{}, err
		}
		tx.audit(c.office, "number_verified", anyID(id), how)
		return struct{}{}, setVerified(ctx, tx, c.index, why)
	})
	return err
}

// whyAllowed is why an officer lets a number be texted again that had stopped.
var whyAllowed = []string{"asked_by_phone", "asked_in_person", "stopped_by_mistake"}

// AllowTexts lets a contact's number be texted again after it asked for no more
// texts, because its owner said so: asked_by_phone, asked_in_person,
// stopped_by_mistake. Officers and supervisors of the office may; it is audited.
// Refusals: Invalid, NotFound, Forbidden, Conflict when it had not stopped.
func (l *Log) AllowTexts(ctx context.Context, by Actor, id ContactID, why string) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		if !slices.Contains(whyAllowed, why) {
			return struct{}{}, invalid("reason", isUnknown)
		}
		c, err := contactToChange(ctx, tx, id, VouchForNumber)
		if err != nil {
			return struct{}{}, err
		}
		contacts, err := sharing(ctx, tx, c.index)
		if err != nil {
			return struct{}{}, err
		}
		for _, contact := range contacts {
			h := happening{kind: "contact_texts_allowed", subject: anyID(contact), details: map[string]any{"contact_id": contact, "allowed": why}}
			if err := l.askTheContactAgain(ctx, tx, contact, h); err != nil {
				return struct{}{}, err
			}
		}
		if err := l.endContactTasks(ctx, tx, contacts, []string{"contact_opted_out"}, "the contact may be texted again"); err != nil {
			return struct{}{}, err
		}
		was, err := setOptedIn(ctx, tx, c.index)
		if err != nil {
			return struct{}{}, err
		}
		if !was {
			return struct{}{}, conflict("the number has not asked for no more texts")
		}
		tx.audit(c.office, "texts_allowed", anyID(id), why)
		return struct{}{}, nil
	})
	return err
}

// aboutTheOldNumber are the kinds of work that end when a contact has another number, or another has their place.
var aboutTheOldNumber = []string{"verify_number", "contact_unreachable", "contact_opted_out", "contact_change"}

// ChangePhone gives a contact another number. Their open requests are closed and
// asked of who is named beside, else the officer phones; the new number confirms
// first, and the old one is believed by nobody for half a year, unless somebody
// else shares it. An officer, supervisor or administrator of the office may.
// Refusals: Invalid, NotFound, Forbidden, Conflict when it is the same number.
func (l *Log) ChangePhone(ctx context.Context, by Actor, id ContactID, written string) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		phone, _, ok := Phone(written)
		if !ok {
			return struct{}{}, invalid("phone", isNotAPhone)
		}
		c, err := contactToChange(ctx, tx, id, ReplaceNumber)
		if err != nil {
			return struct{}{}, err
		}
		index := l.keys.Index("phone", phone)
		if slices.Equal(index, c.index) {
			return struct{}{}, conflict("the contact has this number already")
		}
		if err := l.leaveNumber(ctx, tx, c, "the contact has another number"); err != nil {
			return struct{}{}, err
		}
		if err := l.sealPhone(ctx, tx, c, phone, index); err != nil {
			return struct{}{}, err
		}
		tx.audit(c.office, "contact_phone_changed", anyID(id), "")
		return struct{}{}, addNumber(ctx, tx, index, false)
	})
	return err
}

// leaveNumber ends what goes over a contact's number, and quarantines it where no
// other contact in scope has it.
func (l *Log) leaveNumber(ctx context.Context, tx txn, c contactRow, why string) error {
	named, err := namedIn(ctx, tx, c.id)
	if err != nil {
		return err
	}
	if _, err := l.closeAsksTo(ctx, tx, c.id, why); err != nil {
		return err
	}
	if err := cancelTextsTo(ctx, tx, c.id, why); err != nil {
		return err
	}
	for _, p := range named {
		tx.append(happening{recipient: p.recipient, kind: "contact_phone_changed", subject: anyID(c.id), details: map[string]any{"contact_id": c.id}})
	}
	if err := l.endContactTasks(ctx, tx, []ContactID{c.id}, aboutTheOldNumber, why); err != nil {
		return err
	}
	contacts, err := sharing(ctx, tx, c.index)
	if err != nil || len(contacts) > 1 {
		return err
	}
	return setQuarantined(ctx, tx, c.index, why)
}

func (l *Log) sealPhone(ctx context.Context, tx txn, c contactRow, phone string, index []byte) error {
	key, err := l.keys.Unwrap(c.id, c.wrapped)
	if err != nil {
		return fmt.Errorf("open the contact's key: %w", err)
	}
	facts, err := crypt.OpenJSON[personFacts](key, c.sealed, "village_contacts.sealed")
	if err != nil {
		return fmt.Errorf("open the contact: %w", err)
	}
	facts.Phone = phone
	sealed, err := crypt.SealJSON(key, facts, "village_contacts.sealed")
	if err != nil {
		return fmt.Errorf("seal the contact: %w", err)
	}
	if _, err := tx.Exec(ctx, "UPDATE village_contacts SET sealed = $2, phone_index = $3 WHERE id = $1", c.id, sealed, index); err != nil {
		return fmt.Errorf("change the contact's number: %w", err)
	}
	return nil
}

// lockPlansNaming locks the open plans that name a contact, in the order of their
// ids; of one recipient where it is given.
func (l *Log) lockPlansNaming(ctx context.Context, tx txn, contact ContactID, recipient RecipientID) ([]plan, error) {
	rows, err := tx.Query(ctx, `SELECT id FROM care_plans WHERE state <> 'closed' AND (primary_contact_id = $1 OR backup_contact_id = $1)
		AND ($2::uuid IS NULL OR recipient_id = $2) ORDER BY id FOR NO KEY UPDATE`, contact, recipient)
	if err != nil {
		return nil, fmt.Errorf("lock the contact's plans: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[PlanID])
	if err != nil {
		return nil, fmt.Errorf("lock the contact's plans: %w", err)
	}
	plans := make([]plan, len(ids))
	for i, id := range ids {
		if plans[i], err = l.lockPlan(ctx, tx, id); err != nil {
			return nil, err
		}
	}
	return plans, nil
}
