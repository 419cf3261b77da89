package carelog

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aftercare/internal/crypt"
)

// keyTables are the tables whose rows own a data key, bound to their id. A test
// compares them with the schema.
var keyTables = []string{"lines", "users", "village_contacts", "recipients", "partners", "clues", "aid_cases", "meetings", "subscriptions"}

// FitKeys gives back the keyring as this database needs it: its blind indexes stay of
// the algorithm they were begun with, whatever new values are sealed with. It refuses
// an index key that is not this database's. db signs in as the workers.
func FitKeys(ctx context.Context, db *pgxpool.Pool, keys *crypt.Keyring) (*crypt.Keyring, error) {
	mark := func(k *crypt.Keyring) []byte { return k.Index("index", "mark") }
	fresh := keys.Indexing(keys.Suite())
	_, err := db.Exec(ctx, "INSERT INTO index_mark (suite, mark) VALUES ($1, $2) ON CONFLICT DO NOTHING", fresh.Suite().String(), mark(fresh))
	if err != nil {
		return nil, fmt.Errorf("mark the index key: %w", err)
	}
	var name string
	if err := db.QueryRow(ctx, "SELECT suite FROM index_mark").Scan(&name); err != nil {
		return nil, fmt.Errorf("read the mark of the index key: %w", err)
	}
	suite, err := crypt.ParseSuite(name)
	if err != nil {
		return nil, fmt.Errorf("read the mark of the index key: %w", err)
	}
	fitting := keys.Indexing(suite)
	var known []byte
	err = db.QueryRow(ctx, "UPDATE index_mark SET mark = coalesce(mark, $1) RETURNING mark", mark(fitting)).Scan(&known)
	if err != nil {
		return nil, fmt.Errorf("mark the index key: %w", err)
	}
	if !bytes.Equal(known, mark(fitting)) {
		return nil, errors.New("AFTERCARE_INDEX_KEY is not the one this database was made with: nobody would be found by their number")
	}
	return fitting, nil
}

// KeyUse is how many data keys of a table hang on a master key.
type KeyUse struct {
	Table      string
	Master     string // its id, "" where a key is no wrapped key at all
	Suite      crypt.Suite
	Configured bool
	Current    bool // wrapped as RotateKeys would
	Keys       int
}

// KeyUses tells which master keys the data keys hang on. One that none hangs on can be
// retired. The system may.
func (l *Log) KeyUses(ctx context.Context, by Actor) ([]KeyUse, error) {
	if by.Kind != System {
		return nil, forbidden("only the operator looks after the keys")
	}
	return read(ctx, l, by, func(tx txn) ([]KeyUse, error) {
		var uses []KeyUse
		for _, table := range keyTables {
			rows, err := tx.Query(ctx, `SELECT CASE WHEN length(data_key) < 2 THEN data_key ELSE substring(data_key FOR 2 + get_byte(data_key, 1)) END, count(*)
				FROM `+table+" WHERE length(data_key) > 0 GROUP BY 1 ORDER BY 1")
			if err != nil {
				return nil, fmt.Errorf("count the keys of %s: %w", table, err)
			}
			var header []byte
			use := KeyUse{Table: table}
			_, err = pgx.ForEachRow(rows, []any{&header, &use.Keys}, func() error {
				use.Suite, use.Master, use.Configured = l.keys.WrappedBy(header)
				use.Current = bytes.Equal(header, l.keys.WrapHeader())
				uses = append(uses, use)
				return nil
			})
			if err != nil {
				return nil, fmt.Errorf("count the keys of %s: %w", table, err)
			}
		}
		return uses, nil
	})
}

// RotateKeys wraps every data key with the current master key in the chosen suite, in
// batches that commit one by one, and tells of each: it may run beside the service, be
// stopped anywhere and begun again. Nothing that a data key sealed is touched. It fails
// on the first key that no configured master key opens. The system may, signed in as
// the workers.
func (l *Log) RotateKeys(ctx context.Context, by Actor, batch int, told func(table string, rewrapped int)) error {
	if by.Kind != System {
		return forbidden("only the operator looks after the keys")
	}
	for _, table := range keyTables {
		for after, more := (anyID{}), true; more; {
			n, last, err := l.rewrap(ctx, by, table, after, batch)
			if err != nil {
				return fmt.Errorf("rotate the keys of %s: %w", table, err)
			}
			if more = !last.IsZero(); more {
				told(table, n)
			}
			after = last
		}
	}
	return nil
}

// rewrap does one batch: how many keys changed, and the last row, zero at the end.
func (l *Log) rewrap(ctx context.Context, by Actor, table string, after anyID, limit int) (changed int, last anyID, err error) {
	changed, err = write(ctx, l, by, func(tx txn) (int, error) {
		rows, err := tx.Query(ctx, `SELECT id, data_key FROM `+table+` WHERE id > $1 AND length(data_key) > 0
			AND substring(data_key FOR $2) <> $3 ORDER BY id LIMIT $4`, after[:], len(l.keys.WrapHeader()), l.keys.WrapHeader(), limit)
		if err != nil {
			return 0, err
		}
		last = anyID{}
		var ids []anyID
		var old, wrapped [][]byte
		var id anyID
		var key []byte
		_, err = pgx.ForEachRow(rows, []any{&id, &key}, func() error {
			rewrapped, _, err := l.keys.Rewrap(id, key)
			if err != nil {
				return fmt.Errorf("%s: %w", id, err)
			}
			last, ids, old, wrapped = id, append(ids, id), append(old, bytes.Clone(key)), append(wrapped, rewrapped)
			return nil
		})
		if err != nil || len(ids) == 0 {
			return 0, err
		}
		// Only the key that was read is replaced: one that was destroyed meanwhile stays so.
		tag, err := tx.Exec(ctx, "UPDATE "+table+` t SET data_key = u.wrapped FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) AS u (id, old, wrapped)
			WHERE t.id = u.id AND t.data_key = u.old`, ids, old, wrapped)
		if err == nil && tag.RowsAffected() > 0 {
			tx.audit(OfficeID{}, "keys_rotated", anyID{}, fmt.Sprintf("%d of %s", tag.RowsAffected(), table))
		}
		return int(tag.RowsAffected()), err
	})
	return changed, last, err
}
