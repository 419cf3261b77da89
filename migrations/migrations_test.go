package migrations_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"aftercare/migrations"
	"aftercare/migrations/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var quiet = slog.New(slog.DiscardHandler)

// connect signs in and out with the test.
func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func one[T any](t *testing.T, url, sql string, args ...any) T {
	t.Helper()
	var found T
	require.NoError(t, connect(t, url).QueryRow(t.Context(), sql, args...).Scan(&found))
	return found
}

// migrated is a database brought up from nothing.
func migrated(t *testing.T, name string) func(user string) string {
	t.Helper()
	url := pgtest.Server(t, name)
	require.NoError(t, migrations.Up(t.Context(), url(migrations.RoleOwner), quiet))
	return url
}

func TestUp(t *testing.T) {
	t.Parallel()

	t.Run("AFreshDatabaseComesUp", func(t *testing.T) {
		t.Parallel()
		url := pgtest.Server(t, "fresh")
		require.ErrorIs(t, migrations.Check(t.Context(), url(migrations.RoleOwner)), migrations.ErrOlderSchema)
		require.NoError(t, migrations.Up(t.Context(), url(migrations.RoleOwner), quiet))
		for _, role := range []string{migrations.RoleOwner, migrations.RoleApp, migrations.RoleWork} {
			require.NoError(t, migrations.Check(t.Context(), url(role)), role)
		}
		require.Positive(t, one[int](t, url(migrations.RoleOwner), "SELECT count(*) FROM template_steps"))
	})

	t.Run("ASecondUpChangesNothing", func(t *testing.T) {
		t.Parallel()
		url := migrated(t, "twice")
		const state = "SELECT string_agg(version || name || checksum || applied_at, ',' ORDER BY version) FROM schema_migrations"
		before := one[string](t, url(migrations.RoleOwner), state)
		require.NoError(t, migrations.Up(t.Context(), url(migrations.RoleOwner), quiet))
		require.Equal(t, before, one[string](t, url(migrations.RoleOwner), state))
	})

	t.Run("TwoAtOnceApplyEverythingOnce", func(t *testing.T) {
		t.Parallel()
		url := pgtest.Server(t, "side_by_side")
		var group sync.WaitGroup
		errs := make([]error, 3)
		for i := range errs {
			group.Go(func() { errs[i] = migrations.Up(t.Context(), url(migrations.RoleOwner), quiet) })
		}
		group.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		require.NoError(t, migrations.Check(t.Context(), url(migrations.RoleApp)))
	})

	t.Run("ADatabaseOfANewerBinaryIsRefused", func(t *testing.T) {
		t.Parallel()
		url := migrated(t, "newer")
		_, err := connect(t, url(migrations.RoleOwner)).Exec(t.Context(), "INSERT INTO schema_migrations (version, name, checksum) VALUES (9999, '9999_later', 'x')")
		require.NoError(t, err)
		require.ErrorIs(t, migrations.Up(t.Context(), url(migrations.RoleOwner), quiet), migrations.ErrNewerSchema)
		require.ErrorIs(t, migrations.Check(t.Context(), url(migrations.RoleApp)), migrations.ErrNewerSchema)
	})

	t.Run("ADatabaseOfAnOlderBinaryIsToldApart", func(t *testing.T) {
		t.Parallel()
		url := migrated(t, "older")
		_, err := connect(t, url(migrations.RoleOwner)).Exec(t.Context(), "DELETE FROM schema_migrations WHERE version = (SELECT max(version) FROM schema_migrations)")
		require.NoError(t, err)
		require.ErrorIs(t, migrations.Check(t.Context(), url(migrations.RoleWork)), migrations.ErrOlderSchema)
	})

	t.Run("AnEditedMigrationIsRefused", func(t *testing.T) {
		t.Parallel()
		url := migrated(t, "edited")
		_, err := connect(t, url(migrations.RoleOwner)).Exec(t.Context(), "UPDATE schema_migrations SET checksum = 'x' WHERE version = 1")
		require.NoError(t, err)
		err = migrations.Up(t.Context(), url(migrations.RoleOwner), quiet)
		require.ErrorContains(t, err, "was changed after it was applied")
	})

	t.Run("RiversTablesAreRiversOwn", func(t *testing.T) {
		t.Parallel()
		url := migrated(t, "rivers")
		require.Zero(t, one[int](t, url(migrations.RoleOwner), `SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
			WHERE c.relnamespace = 'river'::regnamespace AND c.relkind = 'r' AND r.rolname <> 'aftercare_river'`))
		app := connect(t, url(migrations.RoleApp))
		for _, sql := range []string{"DELETE FROM river.river_job", "UPDATE river.river_job SET state = 'cancelled'", "DROP TABLE river.river_job", "CREATE TABLE mine (id int)", "SELECT FROM river.river_leader"} {
			_, err := app.Exec(t.Context(), sql)
			var refused *pgconn.PgError
			require.ErrorAs(t, err, &refused, sql)
			require.Equal(t, "42501", refused.Code, sql)
		}
	})

	t.Run("ADumpSeesEveryRow", func(t *testing.T) {
		t.Parallel()
		url := migrated(t, "dumped")
		_, err := connect(t, url(migrations.RoleOwner)).Exec(t.Context(), `INSERT INTO offices (id, path, code, name, signature, level, created_at)
			VALUES ('00000000-0000-7000-8000-00000000000a', '{00000000-0000-7000-8000-00000000000a}', '1', 'x', 'x', 'county', now())`)
		require.NoError(t, err)
		require.Equal(t, 1, one[int](t, url(migrations.RoleDump), "SELECT count(*) FROM offices"))
		require.Zero(t, one[int](t, url(migrations.RoleApp), "SELECT count(*) FROM offices"))
	})
}
