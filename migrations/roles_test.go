package migrations_test

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"aftercare/migrations"
	"aftercare/migrations/pgtest"
)

// Roles belong to the whole server, so these run one after the other.
func TestRoles(t *testing.T) {
	at := pgtest.Server(t, "of_roles")
	owner := at(migrations.RoleOwner)

	t.Run("GivesAddressesOfTheTwoRolesAServerRunsWith", func(t *testing.T) {
		made, err := migrations.CreateRoles(t.Context(), owner)
		require.NoError(t, err)
		passwords := map[string]bool{}
		for role, address := range map[string]string{migrations.RoleApp: made.App, migrations.RoleWork: made.Work} {
			u, err := url.Parse(address)
			require.NoError(t, err)
			require.Equal(t, role, u.User.Username())
			password, set := u.User.Password()
			require.True(t, set)
			require.GreaterOrEqual(t, len(password), 32)
			passwords[password] = true
			require.Equal(t, role, one[string](t, address, "SELECT current_user"))
			require.Equal(t, "of_roles", one[string](t, address, "SELECT current_database()"))
			require.True(t, one[bool](t, owner, "SELECT rolcanlogin AND NOT rolsuper AND NOT rolbypassrls AND NOT rolcreaterole FROM pg_roles WHERE rolname = $1", role))
		}
		require.Len(t, passwords, 2)
		require.False(t, one[bool](t, owner, "SELECT rolcanlogin FROM pg_roles WHERE rolname = $1", migrations.RoleRiver))
	})

	t.Run("ASecondTimeGivesNewPasswords", func(t *testing.T) {
		first, err := migrations.CreateRoles(t.Context(), owner)
		require.NoError(t, err)
		again, err := migrations.CreateRoles(t.Context(), owner)
		require.NoError(t, err)
		require.NotEqual(t, first.App, again.App)
		require.NotEqual(t, first.Work, again.Work)
	})

	t.Run("AnAddressThatIsNoURLIsRefusedInWords", func(t *testing.T) {
		config, err := pgx.ParseConfig(owner)
		require.NoError(t, err)
		_, err = migrations.CreateRoles(t.Context(), fmt.Sprintf("host=%s port=%d user=%s dbname=of_roles", config.Host, config.Port, config.User))
		require.ErrorContains(t, err, "AFTERCARE_MIGRATE_URL must be a postgres:// address")
	})

	t.Run("PreparingTwiceChangesNothing", func(t *testing.T) {
		super := at("postgres")
		const state = "SELECT string_agg(rolname || rolcanlogin || rolbypassrls, ',' ORDER BY rolname) FROM pg_roles WHERE rolname LIKE 'aftercare%'"
		before := one[string](t, super, state)
		require.NoError(t, migrations.Prepare(t.Context(), super, "of_roles"))
		require.Equal(t, before, one[string](t, super, state))
	})

	t.Run("MigratesWithTheRolesItMade", func(t *testing.T) {
		require.NoError(t, migrations.Up(t.Context(), owner, quiet))
		made, err := migrations.CreateRoles(t.Context(), owner)
		require.NoError(t, err)
		require.NoError(t, migrations.Check(t.Context(), made.App))
		require.NoError(t, migrations.Check(t.Context(), made.Work))
	})
}
