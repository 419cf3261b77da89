package pgtest_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"aftercare/migrations"
	"aftercare/migrations/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestNew(t *testing.T) {
	t.Parallel()

	t.Run("EachTestHasADatabaseOfItsOwn", func(t *testing.T) {
		t.Parallel()
		a, b := pgtest.New(t), pgtest.New(t)
		_, err := pgtest.Pool(t, a.Owner).Exec(t.Context(), "UPDATE plan_templates SET name = 'changed'")
		require.NoError(t, err)
		var changed int
		require.NoError(t, pgtest.Pool(t, b.Owner).QueryRow(t.Context(), "SELECT count(*) FROM plan_templates WHERE name = 'changed'").Scan(&changed))
		require.Zero(t, changed)
	})

	t.Run("EveryRoleSignsInAndFindsTheSchema", func(t *testing.T) {
		t.Parallel()
		db := pgtest.New(t)
		for want, url := range map[string]string{migrations.RoleOwner: db.Owner, migrations.RoleApp: db.App, migrations.RoleWork: db.Work, "postgres": db.Super} {
			var role string
			require.NoError(t, pgtest.Pool(t, url).QueryRow(t.Context(), "SELECT current_user").Scan(&role))
			require.Equal(t, want, role)
			require.NoError(t, migrations.Check(t.Context(), url))
		}
	})

	t.Run("TheDatabaseGoesWithTheTest", func(t *testing.T) {
		t.Parallel()
		var db *pgtest.DB
		t.Run("Inner", func(t *testing.T) { db = pgtest.New(t) })
		_, err := pgx.Connect(context.Background(), db.Owner)
		require.ErrorContains(t, err, "does not exist")
	})
}
