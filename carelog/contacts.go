package carelog

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/internal/crypt"
)

// ContactRole is what a village contact is in the village.
type ContactRole string

// The roles of village contacts, and how the ledger writes them.
var contactRoles = map[string]ContactRole{
	"村委会主任": "committee_head", "村妇联主席": "womens_chair", "网格员": "grid_worker", "儿童主任": "child_director", "村干部": "committee_member",
}

// NewContact describes a village contact to add.
type NewContact struct {
	Office   OfficeID // zero: the actor's office
	Name     string
	Phone    string // as people write it
	Role     ContactRole
	Villages []VillageName // served; added to the office where they are new
	Verified bool          // somebody of ours made sure that the number is theirs
}

// VillageName is a village as people name it.
type VillageName struct {
	Township string `json:"township"`
	Name     string `json:"name"`
}

// VillageContact is a contact as lists show it: the number but for its last
// four digits stays hidden.
type VillageContact struct {
	ID          ContactID     `json:"id"`
	Name        string        `json:"name"`
	Role        ContactRole   `json:"role"`
	PhoneEnding string        `json:"phone_ending"`
	Villages    []VillageName `json:"villages"`
	State       string        `json:"state"`        // active, resigned
	Number      string        `json:"number_state"` // unverified, asked, verified, quarantined, empty
	OptedOut    bool          `json:"opted_out"`
	Unreachable bool          `json:"unreachable"`
}

// AddContact adds a village contact with the villages they serve. A number that is
// new gets a neutral text first and none about a household until it is confirmed,
// but where it is Verified. An officer or administrator of the office may.
func (l *Log) AddContact(ctx context.Context, by Actor, c NewContact) (ContactID, error) {
	if c.Office.IsZero() {
		c.Office = by.Office
	}
	phone, err := c.check()
	if err != nil {
		return ContactID{}, err
	}
	if !by.may(c.Office, AddContactAct) {
		return ContactID{}, forbidden("only an officer or administrator of the office adds contacts")
	}
	if c.Verified && !by.may(c.Office, VouchForNumber) {
		return ContactID{}, forbidden("only officers and supervisors of the office say that a number is verified")
	}
	return write(ctx, l, by, func(tx txn) (ContactID, error) {
		id, err := l.insertContact(ctx, tx, c, phone)
		if err != nil {
			return id, err
		}
		for _, v := range c.Villages {
			village, err := l.ensureVillage(ctx, tx, c.Office, v.Township, v.Name)
			if err != nil {
				return id, err
			}
			if err := serveVillage(ctx, tx, id, village); err != nil {
				return id, err
			}
		}
		tx.audit(c.Office, "contact_added", anyID(id), "")
		return id, nil
	})
}

func (c NewContact) check() (phone string, err error) {
	var p problems
	if strings.TrimSpace(c.Name) == "" {
		p.add("name", isRequired)
	}
	phone, _, ok := Phone(c.Phone)
	if !ok {
		p.add("phone", isNotAPhone)
	}
	if len(c.Villages) == 0 {
		p.add("villages", isRequired)
	}
	for i, v := range c.Villages {
		if v.Township == "" || v.Name == "" {
			p.add(fmt.Sprintf("villages[%d]", i), isRequired)
		}
	}
	known := false
	for _, role := range contactRoles {
		known = known || role == c.Role
	}
	if !known {
		p.add("role", isUnknown)
	}
	return phone, p.err()
}

func (l *Log) insertContact(ctx context.Context, tx txn, c NewContact, phone string) (ContactID, error) {
	id := newID[contactKind](tx.now, l.random)
	key, wrapped, err := l.keys.NewDataKey(l.random, id)
	if err != nil {
		return id, fmt.Errorf("make the contact's key: %w", err)
	}
	sealed, err := crypt.SealJSON(key, personFacts{Name: strings.TrimSpace(c.Name), Phone: phone}, "village_contacts.sealed")
	if err != nil {
		return id, fmt.Errorf("seal the contact: %w", err)
	}
	index := l.keys.Index("phone", phone)
	_, err = tx.Exec(ctx, `INSERT INTO village_contacts (id, office_id, data_key, sealed, phone_index, role, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, id, c.Office, wrapped, sealed, index, c.Role, tx.now)
	if err != nil {
		return id, fmt.Errorf("insert contact: %w", err)
	}
	return id, addNumber(ctx, tx, index, c.Verified)
}

func serveVillage(ctx context.Context, tx txn, contact ContactID, village VillageID) error {
	_, err := tx.Exec(ctx, "INSERT INTO contact_villages (contact_id, village_id) VALUES ($1, $2) ON CONFLICT DO NOTHING", contact, village)
	if err != nil {
		return fmt.Errorf("insert contact's village: %w", err)
	}
	return nil
}

// Page asks for one page of a list: those after the id of the last row seen.
type Page struct {
	After anyID
	Limit int // 1-200
}

// PageAfter is the page that follows the row of that id; empty for the first.
func PageAfter(id string, limit int) (Page, error) {
	if id == "" {
		return Page{Limit: limit}, nil
	}
	after, err := ParseID[plainKind](id)
	if err != nil {
		return Page{}, invalid("cursor", isMisshapen)
	}
	return Page{After: after, Limit: limit}, nil
}

// Contacts lists the village contacts of the actor's offices, oldest first.
func (l *Log) Contacts(ctx context.Context, by Actor, page Page) ([]VillageContact, error) {
	if !by.Holds(ListContacts) {
		return nil, forbidden("only officers, supervisors and system administrators list contacts")
	}
	return read(ctx, l, by, func(tx txn) ([]VillageContact, error) {
		rows, err := tx.Query(ctx, `SELECT c.id, c.data_key, c.sealed, c.role, c.state, n.state, n.opted_out_at, n.unreachable_at,
				array_agg(v.township ORDER BY v.township, v.name) FILTER (WHERE v.id IS NOT NULL),
				array_agg(v.name ORDER BY v.township, v.name) FILTER (WHERE v.id IS NOT NULL)
			FROM village_contacts c JOIN numbers n ON n.phone_index = c.phone_index
			LEFT JOIN contact_villages cv ON cv.contact_id = c.id LEFT JOIN villages v ON v.id = cv.village_id
			WHERE c.id > $1 AND c.phone_of IS NULL AND ($2 OR c.office_id = ANY ($4))
			GROUP BY c.id, n.phone_index ORDER BY c.id LIMIT $3`, page.afterOrFirst(), by.Kind == System, page.Limit, by.officesFor(ListContacts))
		if err != nil {
			return nil, fmt.Errorf("list contacts: %w", err)
		}
		return pgx.CollectRows(rows, l.scanContact)
	})
}

// afterOrFirst is never NULL, so that a plain comparison walks the index.
func (p Page) afterOrFirst() string {
	if p.After.IsZero() {
		return "00000000-0000-0000-0000-000000000000"
	}
	return p.After.String()
}

func (l *Log) scanContact(row pgx.CollectableRow) (VillageContact, error) {
	var c VillageContact
	var wrapped, sealed []byte
	var optedOut, unreachable *time.Time
	var townships, names []string
	err := row.Scan(&c.ID, &wrapped, &sealed, &c.Role, &c.State, &c.Number, &optedOut, &unreachable, &townships, &names)
	if err != nil {
		return c, err
	}
	facts, err := l.openPerson(c.ID, wrapped, sealed, "village_contacts.sealed")
	if err != nil {
		return c, err
	}
	c.Name, c.PhoneEnding = facts.Name, lastFour(facts.Phone)
	c.OptedOut, c.Unreachable = optedOut != nil, unreachable != nil
	c.Villages = []VillageName{}
	for i := range townships {
		c.Villages = append(c.Villages, VillageName{townships[i], names[i]})
	}
	return c, nil
}

// openPerson unseals a contact's or user's facts; nothing when the key is destroyed.
func (l *Log) openPerson(owner [16]byte, wrapped, sealed []byte, column string) (personFacts, error) {
	if wrapped == nil {
		return personFacts{}, nil
	}
	key, err := l.keys.Unwrap(owner, wrapped)
	if err != nil {
		return personFacts{}, fmt.Errorf("open a person's key: %w", err)
	}
	return crypt.OpenJSON[personFacts](key, sealed, column)
}
