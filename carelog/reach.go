package carelog

import (
	"context"
	"fmt"

	"github.com/nyaruka/phonenumbers"

	"aftercare/internal/crypt"
)

// Reach counts the contacts of a country whom a carrier speaks to.
type Reach struct {
	Carrier     string
	CountryCode int // 86 for mainland China
	Contacts    int
}

// Reaches counts the active contacts by the carrier of the line their office speaks
// from and by country, for the operator: not every carrier hears every country. It
// opens every contact's number, so it costs time with their count.
func (l *Log) Reaches(ctx context.Context, by Actor) ([]Reach, error) {
	if by.Kind != System {
		return nil, forbidden("only the operator looks over all contacts")
	}
	return read(ctx, l, by, func(tx txn) ([]Reach, error) {
		rows, err := tx.Query(ctx, `SELECT k.id, k.data_key, k.sealed, coalesce((SELECT carrier FROM lines WHERE id = speaking_line(k.office_id, $1)), $1)
			FROM village_contacts k WHERE k.state = 'active' AND k.data_key IS NOT NULL AND k.sealed IS NOT NULL ORDER BY 4, k.id`, l.carrier)
		if err != nil {
			return nil, fmt.Errorf("list contacts: %w", err)
		}
		defer rows.Close()
		var found []Reach
		place := map[Reach]int{}
		for rows.Next() {
			var id ContactID
			var wrapped, sealed []byte
			var of Reach
			if err := rows.Scan(&id, &wrapped, &sealed, &of.Carrier); err != nil {
				return nil, fmt.Errorf("list contacts: %w", err)
			}
			key, err := l.keys.Unwrap(id, wrapped)
			if err != nil {
				return nil, fmt.Errorf("open a contact's key: %w", err)
			}
			person, err := crypt.OpenJSON[personFacts](key, sealed, "village_contacts.sealed")
			if err != nil {
				return nil, fmt.Errorf("open a contact: %w", err)
			}
			number, err := phonenumbers.Parse(person.Phone, "CN")
			if err != nil {
				continue
			}
			of.CountryCode = int(number.GetCountryCode())
			at, known := place[of]
			if !known {
				at = len(found)
				place[of] = at
				found = append(found, of)
			}
			found[at].Contacts++
		}
		return found, rows.Err()
	})
}
