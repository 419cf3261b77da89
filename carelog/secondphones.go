package carelog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// A contact may have a second phone. It is a contact's row of its own, with
// phone_of naming whose it is: a number's state, its budget, what was asked of it
// and its stop word stand where they stand for every number. Plans, conflicts and
// lists know the person alone. Texts go to the first phone; to the second where the
// first may not be texted. What either of them answers is the person's answer.

// ContactPhone is one of a contact's phones.
type ContactPhone struct {
	ID          ContactID // of the phone; of the first it is the contact's
	Ending      string    // its last four digits
	Number      string    // unverified, asked, verified, quarantined, empty
	OptedOut    bool
	Unreachable bool
	Second      bool
}

// AddPhone gives a contact a second phone. A number that is new confirms first,
// but where it is verified. An officer or supervisor of the office may. Refusals:
// Invalid, NotFound, Forbidden, Conflict when the contact has resigned, has a
// second phone already, or the number is their first.
func (l *Log) AddPhone(ctx context.Context, by Actor, contact ContactID, written string, verified bool) (ContactID, error) {
	return write(ctx, l, by, func(tx txn) (ContactID, error) {
		phone, _, ok := Phone(written)
		if !ok {
			return ContactID{}, invalid("phone", isNotAPhone)
		}
		c, err := contactToChange(ctx, tx, contact, ChangeContact)
		if err != nil {
			return ContactID{}, err
		}
		var second bool
		err = tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM village_contacts WHERE phone_of = $1 AND state = 'active')", contact).Scan(&second)
		switch {
		case err != nil:
			return ContactID{}, fmt.Errorf("look for a second phone: %w", err)
		case !c.phoneOf.IsZero():
			return ContactID{}, notFound("contact")
		case second:
			return ContactID{}, conflict("the contact has a second phone already: remove it first")
		case string(l.keys.Index("phone", phone)) == string(c.index):
			return ContactID{}, conflict("the contact has this number already")
		}
		person, err := l.openPerson(c.id, c.wrapped, c.sealed, "village_contacts.sealed")
		if err != nil {
			return ContactID{}, err
		}
		id, err := l.insertContact(ctx, tx, NewContact{Office: c.office, Name: person.Name, Verified: verified}, phone)
		if err != nil {
			return id, err
		}
		_, err = tx.Exec(ctx, `UPDATE village_contacts k SET phone_of = w.id, role = w.role, barred_topics = w.barred_topics
			FROM village_contacts w WHERE k.id = $1 AND w.id = $2`, id, contact)
		if err != nil {
			return id, fmt.Errorf("note whose phone it is: %w", err)
		}
		tx.audit(c.office, "contact_phone_added", anyID(contact), "")
		if !verified {
			return id, nil
		}
		// What could not be asked by text may be asked there.
		return id, l.askOnTheOtherPhone(ctx, tx, c)
	})
}

// askOnTheOtherPhone has what is open planned anew, where the first phone of the
// contact may not be texted.
func (l *Log) askOnTheOtherPhone(ctx context.Context, tx txn, c contactRow) error {
	var fine bool
	err := tx.QueryRow(ctx, "SELECT coalesce("+textableOf("$1")+" = $1, false)", c.id).Scan(&fine)
	if err != nil || fine {
		return err
	}
	return l.askTheContactAgain(ctx, tx, c.id, happening{kind: "number_verified", subject: anyID(c.id), details: map[string]any{"contact_id": c.id}})
}

// Phones lists a contact's phones, the first one first. Officers, supervisors and
// administrators of the office may.
func (l *Log) Phones(ctx context.Context, by Actor, contact ContactID) ([]ContactPhone, error) {
	return read(ctx, l, by, func(tx txn) ([]ContactPhone, error) {
		c, err := readContact(ctx, tx, contact)
		switch {
		case err != nil:
			return nil, err
		case !by.may(c.office, ListContacts):
			return nil, forbidden("only people of the office see its contacts")
		}
		rows, err := tx.Query(ctx, `SELECT k.id, k.data_key, k.sealed, n.state, n.opted_out_at IS NOT NULL, n.unreachable_at IS NOT NULL, k.phone_of IS NOT NULL
			FROM village_contacts k JOIN numbers n ON n.phone_index = k.phone_index
			WHERE k.id = $1 OR k.phone_of = $1 AND k.state = 'active' ORDER BY k.phone_of IS NOT NULL`, contact)
		if err != nil {
			return nil, fmt.Errorf("list the contact's phones: %w", err)
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p ContactPhone, err error) {
			var wrapped, sealed []byte
			if err := row.Scan(&p.ID, &wrapped, &sealed, &p.Number, &p.OptedOut, &p.Unreachable, &p.Second); err != nil {
				return p, err
			}
			person, err := l.openPerson(p.ID, wrapped, sealed, "village_contacts.sealed")
			p.Ending = lastFour(person.Phone)
			return p, err
		})
	})
}

// RemovePhone takes a contact's second phone away. What was asked there is asked
// anew on the first, and the number is believed by nobody for half a year, unless
// somebody else shares it. Officers and supervisors of the office may. Refusals:
// NotFound, Forbidden.
func (l *Log) RemovePhone(ctx context.Context, by Actor, contact, phone ContactID) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		c, err := contactToChange(ctx, tx, phone, ChangeContact)
		if KindOf(err) == Conflict || err == nil && (c.phoneOf.IsZero() || c.phoneOf != contact) {
			err = notFound("phone of this contact")
		}
		if err != nil {
			return struct{}{}, err
		}
		if err := l.leaveNumber(ctx, tx, c, "the contact has this phone no more"); err != nil {
			return struct{}{}, err
		}
		if _, err := tx.Exec(ctx, "UPDATE village_contacts SET state = 'resigned' WHERE id = $1", phone); err != nil {
			return struct{}{}, fmt.Errorf("remove the phone: %w", err)
		}
		tx.audit(c.office, "contact_phone_removed", anyID(contact), "")
		return struct{}{}, nil
	})
	return err
}

// phonesOf are the rows of a contact's phones, those they once had too.
func phonesOf(ctx context.Context, tx txn, contact ContactID) ([]ContactID, error) {
	rows, err := tx.Query(ctx, `SELECT id FROM village_contacts WHERE id = $1 OR phone_of = $1 ORDER BY phone_of IS NOT NULL, state, id`, contact)
	if err != nil {
		return nil, fmt.Errorf("find the contact's phones: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[ContactID])
}
