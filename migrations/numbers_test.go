package migrations_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"aftercare/migrations"
	"aftercare/migrations/pgtest"
)

// 0020 takes what stood on the contacts over to their numbers: a stop of one
// contact is a stop of everybody with the phone.
func TestNumbersTakeOverWhatContactsHad(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Server(t, "numbers")(migrations.RoleOwner))
	files, err := filepath.Glob("sql/*.sql")
	require.NoError(t, err)
	lay := func(names []string) {
		for _, name := range names {
			sql, err := os.ReadFile(name)
			require.NoError(t, err)
			require.NoError(t, pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
				_, err := tx.Exec(t.Context(), string(sql))
				return err
			}), name)
		}
	}
	lay(files[:21])
	_, err = conn.Exec(t.Context(), `
		INSERT INTO offices (id, code, name, signature, level, path, created_at) SELECT i, '370323', 'x', 'x', 'county', ARRAY[i], '2026-01-01' FROM (SELECT gen_random_uuid() AS i) o;
		INSERT INTO village_contacts (id, office_id, phone_index, role, created_at, opted_out_at, unreachable_at)
			SELECT gen_random_uuid(), o.id, c.phone::bytea, 'grid_worker', '2026-01-05', c.stopped, c.dead FROM offices o,
			(VALUES ('fine', NULL::timestamptz, NULL::timestamptz), ('stopped', '2026-02-01', NULL), ('stopped', NULL, NULL), ('dead', NULL, '2026-03-01')) AS c (phone, stopped, dead)`)
	require.NoError(t, err)
	lay(files[21:22])
	rows, err := conn.Query(t.Context(), `SELECT convert_from(phone_index, 'UTF8') || ' ' || state || CASE WHEN opted_out_at IS NULL THEN '' ELSE ' stopped' END
		FROM numbers WHERE verified_at IS NOT NULL ORDER BY 1`)
	require.NoError(t, err)
	numbers, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Equal(t, []string{"dead empty", "fine verified", "stopped verified stopped"}, numbers)
}
