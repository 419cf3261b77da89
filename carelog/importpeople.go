package carelog

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// verifiedColumn says that somebody made sure whose the contacts' numbers are.
const verifiedColumn = "号码已核实"

// people finds the village and the contacts a row names, and adds the ones that
// are new. Of an enrolled row nothing is added.
func (im *importer) people(ctx context.Context, row LedgerRow, e *Enrolment, enrolled bool) error {
	village, err := findVillage(ctx, im.tx, e.Office, e.Village)
	if err != nil {
		return err
	}
	if village.IsZero() && im.options.AddVillages && !enrolled && e.Village.Township != "" && e.Village.Name != "" {
		if village, err = im.log.ensureVillage(ctx, im.tx, e.Office, e.Village.Township, e.Village.Name); err != nil {
			return err
		}
	}
	if written := strings.TrimSpace(row.Cells[verifiedColumn]); written != "" && written != "是" && written != "否" {
		im.problem(row.Number, verifiedColumn, isUnknown)
	}
	e.Primary, err = im.contact(ctx, row, "村联系人", village, enrolled)
	if err != nil {
		return err
	}
	e.Backup, err = im.contact(ctx, row, "备用联系人", village, enrolled)
	return err
}

// namedContact is a contact as a row names it, with the village it is to serve.
type namedContact struct {
	name, phone, role string
	village           VillageID
	verified          bool
}

// contact finds a contact of the office by name and phone, or adds it.
func (im *importer) contact(ctx context.Context, row LedgerRow, column string, village VillageID, enrolled bool) (ContactID, error) {
	name, written := strings.TrimSpace(row.Cells[column]), strings.TrimSpace(row.Cells[column+"电话"])
	if name == "" && written == "" {
		return ContactID{}, nil
	}
	verified := strings.TrimSpace(row.Cells[verifiedColumn]) == "是"
	named := namedContact{name, written, strings.TrimSpace(row.Cells[column+"职务"]), village, verified}
	if id, known := im.contacts[named]; known && !enrolled {
		return id, nil
	}
	phone, _, ok := Phone(written)
	if name == "" {
		im.problem(row.Number, column, isRequired)
	}
	if !ok {
		im.problem(row.Number, column+"电话", isNotAPhone)
	}
	if name == "" || !ok {
		return ContactID{}, nil
	}
	id, err := im.findContact(ctx, name, phone)
	if err != nil || enrolled || village.IsZero() {
		return id, err
	}
	if !id.IsZero() && verified {
		if err := addNumber(ctx, im.tx, im.log.keys.Index("phone", phone), true); err != nil {
			return id, err
		}
	}
	if id.IsZero() {
		role := contactRoles[strings.TrimSpace(row.Cells[column+"职务"])]
		if role == "" {
			role = "committee_member"
		}
		id, err = im.log.insertContact(ctx, im.tx, NewContact{Office: im.options.Office, Name: name, Role: role, Verified: verified}, phone)
		if err != nil {
			return id, err
		}
	}
	if err := serveVillage(ctx, im.tx, id, village); err != nil {
		return id, err
	}
	im.contacts[named] = id
	return id, nil
}

// findContact looks among the contacts with this number: one phone may serve two people.
func (im *importer) findContact(ctx context.Context, name, phone string) (ContactID, error) {
	rows, err := im.tx.Query(ctx, "SELECT id, coalesce(phone_of, id), data_key, sealed FROM village_contacts WHERE office_id = $1 AND phone_index = $2 AND state = 'active' ORDER BY id",
		im.options.Office, im.log.keys.Index("phone", phone))
	if err != nil {
		return ContactID{}, fmt.Errorf("find contact: %w", err)
	}
	var found, id, person ContactID
	var wrapped, sealed []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &person, &wrapped, &sealed}, func() error {
		facts, err := im.log.openPerson(id, wrapped, sealed, "village_contacts.sealed")
		if err == nil && facts.Name == name && found.IsZero() {
			found = person
		}
		return err
	})
	if err != nil {
		return found, fmt.Errorf("find contact: %w", err)
	}
	return found, nil
}
