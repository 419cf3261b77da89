package carelog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// phoneIndex is what finds a number without opening it; empty for no number.
func (l *Log) phoneIndex(phone string) []byte {
	if phone == "" {
		return []byte{}
	}
	return l.keys.Index("phone", phone)
}

// IndexStaffNumbers has the numbers of our own people found when a text comes from
// one: people who were added before that was kept, at most limit at once. It tells
// how many it looked at.
func (l *Log) IndexStaffNumbers(ctx context.Context, limit int) (int, error) {
	return write(ctx, l, TheSystem(), func(tx txn) (int, error) {
		rows, err := tx.Query(ctx, "SELECT id, data_key, sealed FROM users WHERE phone_index IS NULL ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED", limit)
		if err != nil {
			return 0, fmt.Errorf("find people without an index: %w", err)
		}
		indexes := map[UserID][]byte{}
		var id UserID
		var wrapped, sealed []byte
		_, err = pgx.ForEachRow(rows, []any{&id, &wrapped, &sealed}, func() error {
			person, err := l.openPerson(id, wrapped, sealed, "users.sealed")
			indexes[id] = l.phoneIndex(person.Phone)
			return err
		})
		if err != nil {
			return 0, fmt.Errorf("find people without an index: %w", err)
		}
		for id, index := range indexes {
			if _, err := tx.Exec(ctx, "UPDATE users SET phone_index = $2 WHERE id = $1", id, index); err != nil {
				return 0, fmt.Errorf("index a number: %w", err)
			}
		}
		return len(indexes), nil
	})
}
