package carelog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Reach counts the contacts of a country whom a carrier speaks to.
type Reach struct {
	Carrier  string
	Country  string // the calling code, +86 for mainland China
	Contacts int
	Heard    bool // their replies reach us through the carrier
}

// Reaches counts the active contacts by the carrier of the line their office speaks
// to them from and by country, for the operator: not every carrier hears every country. It
// opens every contact's number, so it costs time with their count.
func (l *Log) Reaches(ctx context.Context, by Actor) ([]Reach, error) {
	if by.Kind != System {
		return nil, forbidden("only the operator looks over all contacts")
	}
	return read(ctx, l, by, func(tx txn) ([]Reach, error) {
		counts, err := l.countContacts(ctx, tx)
		if err != nil {
			return nil, err
		}
		var offices []OfficeID
		var countries []string
		var contacts []int
		for at, n := range counts {
			offices, countries, contacts = append(offices, at.office), append(countries, at.country), append(contacts, n)
		}
		rows, err := tx.Query(ctx, `SELECT s.carrier, s.country, sum(s.contacts)::int, hears(s.carrier, s.country) FROM (
				SELECT coalesce((SELECT carrier FROM lines WHERE id = speaking_line(u.office, $1, u.country)), $1) AS carrier, u.country, u.contacts
				FROM unnest($2::uuid[], $3::text[], $4::int[]) AS u (office, country, contacts)) s GROUP BY 1, 2 ORDER BY 1, 2`,
			l.carrier, offices, countries, contacts)
		if err != nil {
			return nil, fmt.Errorf("look up how contacts are reached: %w", err)
		}
		return collect(rows, func(r *Reach) []any { return []any{&r.Carrier, &r.Country, &r.Contacts, &r.Heard} })
	})
}

// officeCountry is an office's contacts of a country.
type officeCountry struct {
	office  OfficeID
	country string
}

// countContacts counts the active contacts by office and country.
func (l *Log) countContacts(ctx context.Context, tx txn) (map[officeCountry]int, error) {
	rows, err := tx.Query(ctx, `SELECT k.office_id, k.id, k.data_key, k.sealed FROM village_contacts k
		WHERE k.state = 'active' AND k.data_key IS NOT NULL AND k.sealed IS NOT NULL`)
	if err != nil {
		return nil, fmt.Errorf("list contacts: %w", err)
	}
	counts := map[officeCountry]int{}
	var at officeCountry
	var id ContactID
	var wrapped, sealed []byte
	_, err = pgx.ForEachRow(rows, []any{&at.office, &id, &wrapped, &sealed}, func() error {
		person, err := l.openPerson(id, wrapped, sealed, "village_contacts.sealed")
		if err != nil {
			return err
		}
		if at.country = countryOf(person.Phone); at.country != "" {
			counts[at]++
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list contacts: %w", err)
	}
	return counts, nil
}
