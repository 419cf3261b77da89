package carelog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/internal/crypt"
)

// partnerKinds are the bodies that referrals go to. A village committee is none:
// what the village may know goes through the plan's contact.
var partnerKinds = []string{
	"civil_affairs", "finance", "education", "health", "medical_insurance", "housing", "employment", "agriculture", "disabled_federation", "veterans", "justice",
	"court", "police", "procuratorate", "township", "womens_federation", "union", "youth_league", "charity", "red_cross", "social_work", "school", "hospital", "other",
}

// NewPartner describes a body to add to the directory.
type NewPartner struct {
	Office  OfficeID // zero: the actor's
	Name    string   // of the body, no person's
	Kind    string
	Contact string // who is asked for there; sealed
	Phone   string // as people write it; sealed
}

// Partner is a body that helps, as lists show it.
type Partner struct {
	ID      PartnerID `json:"partner_id"`
	Name    string    `json:"name"`
	Kind    string    `json:"kind"`
	Contact string    `json:"contact"`
	Phone   string    `json:"phone"`
}

// AddPartner adds a body to the office's directory. Officers, supervisors and
// administrators of the office may. Conflict when the name is taken.
func (l *Log) AddPartner(ctx context.Context, by Actor, n NewPartner) (PartnerID, error) {
	if n.Office.IsZero() {
		n.Office = by.Office
	}
	phone, err := n.check()
	if err != nil {
		return PartnerID{}, err
	}
	if !by.may(n.Office, AddPartnerAct) {
		return PartnerID{}, forbidden("only officers and supervisors of the office add partners")
	}
	return write(ctx, l, by, func(tx txn) (PartnerID, error) {
		id := newID[partnerKind](tx.now, l.random)
		key, wrapped, err := l.keys.NewDataKey(l.random, id)
		if err != nil {
			return id, fmt.Errorf("make the partner's key: %w", err)
		}
		sealed, err := crypt.SealJSON(key, personFacts{Name: strings.TrimSpace(n.Contact), Phone: phone}, "partners.sealed")
		if err != nil {
			return id, fmt.Errorf("seal the partner: %w", err)
		}
		_, err = tx.Exec(ctx, "INSERT INTO partners (id, office_id, name, kind, data_key, sealed, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
			id, n.Office, strings.TrimSpace(n.Name), n.Kind, wrapped, sealed, tx.now)
		if err != nil {
			return id, fmt.Errorf("insert partner: %w", err)
		}
		tx.audit(n.Office, "partner_added", anyID(id), "")
		return id, nil
	})
}

func (n NewPartner) check() (phone string, err error) {
	var p problems
	switch name := strings.TrimSpace(n.Name); {
	case name == "":
		p.add("name", isRequired)
	case len(name) > 200:
		p.add("name", isTooLong)
	}
	if !slices.Contains(partnerKinds, n.Kind) {
		p.add("kind", isUnknown)
	}
	if len(n.Contact) > 200 {
		p.add("contact", isTooLong)
	}
	if n.Phone != "" {
		var ok bool
		if phone, _, ok = Phone(n.Phone); !ok {
			p.add("phone", isNotAPhone)
		}
	}
	return phone, p.err()
}

// Partners lists the directory of the actor's offices, oldest first.
func (l *Log) Partners(ctx context.Context, by Actor, page Page) ([]Partner, error) {
	if !by.Holds(ListPartners) {
		return nil, forbidden("only officers, supervisors and system administrators list partners")
	}
	return read(ctx, l, by, func(tx txn) ([]Partner, error) {
		rows, err := tx.Query(ctx, `SELECT id, name, kind, data_key, sealed FROM partners
			WHERE id > $1 AND ($2 OR office_id = ANY ($4)) ORDER BY id LIMIT $3`, page.afterOrFirst(), by.Kind == System, page.Limit, by.officesFor(ListPartners))
		if err != nil {
			return nil, fmt.Errorf("list partners: %w", err)
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Partner, error) {
			var p Partner
			var wrapped, sealed []byte
			if err := row.Scan(&p.ID, &p.Name, &p.Kind, &wrapped, &sealed); err != nil {
				return p, err
			}
			facts, err := l.openPerson(p.ID, wrapped, sealed, "partners.sealed")
			p.Contact, p.Phone = facts.Name, facts.Phone
			return p, err
		})
	})
}

// partnerOf reads a partner's name for a referral of an office.
func partnerOf(ctx context.Context, tx txn, id PartnerID, office OfficeID) (name string, known bool, err error) {
	err = tx.QueryRow(ctx, "SELECT name FROM partners WHERE id = $1 AND office_id = $2", id, office).Scan(&name)
	if none(err) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("read partner: %w", err)
	}
	return name, true, nil
}

// orNow is a time that was given, or now.
func orNow(t, now time.Time) time.Time {
	if t.IsZero() {
		return now
	}
	return t
}
