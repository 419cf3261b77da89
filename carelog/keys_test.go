package carelog_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/internal/crypt"
	"aftercare/migrations/pgtest"
)

// with is the county's workers on another keyring.
func (c *county) with(keys *crypt.Keyring) *carelog.Log {
	c.t.Helper()
	config := c.config
	config.DB, config.Keys = pgtest.Pool(c.t, c.db.Work), keys
	return carelog.New(config)
}

func keyring(t testing.TB, master, index string) *crypt.Keyring {
	t.Helper()
	keys, err := crypt.NewKeyring(master, index)
	require.NoError(t, err)
	return keys
}

// opensAll tells whether a keyring opens every data key there is.
func (c *county) opensAll(keys *crypt.Keyring) bool {
	c.t.Helper()
	for _, table := range carelog.KeyTables {
		rows, err := c.pool.Query(c.ctx(), "SELECT id, data_key FROM "+table+" WHERE data_key IS NOT NULL")
		require.NoError(c.t, err)
		var id [16]byte
		var wrapped []byte
		whole := true
		_, err = pgx.ForEachRow(rows, []any{&id, &wrapped}, func() error {
			_, err := keys.Unwrap(id, wrapped)
			whole = whole && err == nil
			return nil
		})
		require.NoError(c.t, err)
		if !whole {
			return false
		}
	}
	return true
}

func TestKeyRotation(t *testing.T) {
	t.Parallel()
	first, index, err := crypt.GenerateKeys(nil)
	require.NoError(t, err)
	second, _, err := crypt.GenerateKeys(nil)
	require.NoError(t, err)
	ctx, system := context.Background(), carelog.TheSystem()

	t.Run("NoTableWithDataKeysIsForgotten", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		tables := c.names("SELECT DISTINCT table_name::text FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'data_key'")
		require.ElementsMatch(t, tables, carelog.KeyTables, "list the new table in carelog/keys.go, and let the workers update its data_key")
	})

	t.Run("InterruptedAndContinuedItRewritesNoHistory", func(t *testing.T) {
		t.Parallel()
		c := newCountyWith(t, keyring(t, "old:"+first, index))
		one, two := c.enrol("A-1", 3), c.enrol("A-2", 3)
		c.exec("UPDATE recipients SET data_key = NULL WHERE id = $1", c.enrol("A-3", 3).Recipient)
		const everything = "SELECT md5(string_agg(h::text, '' ORDER BY recipient_id, seq)) FROM history h"
		before := c.names(everything)
		bothKeys := keyring(t, "new:"+second+",old:"+first, index)
		both := c.with(bothKeys)

		interrupted, stop := context.WithCancel(ctx)
		batches := 0
		err := both.RotateKeys(interrupted, system, 2, func(string, int) {
			if batches++; batches == 2 {
				stop()
			}
		})
		require.ErrorIs(t, err, context.Canceled)
		standing := func(log *carelog.Log) map[string]int {
			uses, err := log.KeyUses(ctx, system)
			require.NoError(t, err)
			found := map[string]int{}
			for _, u := range uses {
				require.Equal(t, u.Master == "new", u.Current)
				found[u.Master] += u.Keys
			}
			return found
		}
		half := standing(both)
		require.Positive(t, half["old"])
		require.Positive(t, half["new"])
		require.True(t, c.opensAll(bothKeys), "in the middle both keys open everything")

		// A person erased meanwhile is not brought back.
		c.exec("UPDATE recipients SET data_key = NULL WHERE id = $1", two.Recipient)
		require.NoError(t, both.RotateKeys(ctx, system, 2, func(string, int) {}))
		require.Zero(t, standing(both)["old"])
		require.Equal(t, 2, c.count("SELECT count(*) FROM recipients WHERE data_key IS NULL"))

		only := c.with(keyring(t, "new:"+second, index))
		require.True(t, c.opensAll(keyring(t, "new:"+second, index)), "afterwards the new key alone opens everything")
		page, err := only.History(ctx, c.boss, one.Recipient, 0, 10)
		require.NoError(t, err)
		require.NotEmpty(t, page.Entries)
		require.Equal(t, before, c.names(everything))
		found, err := only.VerifyAll(ctx, system)
		require.NoError(t, err)
		require.Empty(t, found.Names, "every value opens with the new key alone")
		require.False(t, c.opensAll(keyring(t, "old:"+first, index)), "the old key may be retired")

		again := 0
		require.NoError(t, only.RotateKeys(ctx, system, 2, func(_ string, n int) { again += n }))
		require.Zero(t, again, "a second run finds nothing to do")
	})

	t.Run("AnotherSuiteIsTakenUpWithoutAPause", func(t *testing.T) {
		t.Parallel()
		c := newCountyWith(t, keyring(t, first, index))
		one := c.enrol("A-1", 3)
		chinese := c.with(keyring(t, first, index).Sealing(crypt.SM4))
		require.NoError(t, chinese.RotateKeys(ctx, system, 100, func(string, int) {}))
		require.Equal(t, 0, c.count("SELECT count(*) FROM users WHERE get_byte(data_key, 0) <> 2"))
		_, err := chinese.NoteContact(ctx, c.officer, one.Recipient, carelog.UnplannedContact{Kind: "call_received", Note: "x"})
		require.NoError(t, err)
		require.Equal(t, 1, c.count("SELECT count(*) FROM history WHERE get_byte(payload, 0) = 2"))
		page, err := c.app.History(ctx, c.boss, one.Recipient, 0, 50)
		require.NoError(t, err, "a process that still seals with AES reads it")
		require.Equal(t, "contact_noted", page.Entries[0].Kind)
	})

	t.Run("AMissingMasterKeyIsSaidAndNothingIsLost", func(t *testing.T) {
		t.Parallel()
		c := newCountyWith(t, keyring(t, first, index))
		foreign := c.with(keyring(t, second, index))
		require.ErrorIs(t, foreign.RotateKeys(ctx, system, 100, func(string, int) {}), crypt.ErrUnknownKey)
		uses, err := foreign.KeyUses(ctx, system)
		require.NoError(t, err)
		require.NotEmpty(t, uses)
		for _, u := range uses {
			require.False(t, u.Configured, u.Table)
		}
		require.True(t, c.opensAll(c.keys))
	})
}

func TestIndexMark(t *testing.T) {
	t.Parallel()
	master, index, err := crypt.GenerateKeys(nil)
	require.NoError(t, err)
	_, other, err := crypt.GenerateKeys(nil)
	require.NoError(t, err)
	keys, ctx := keyring(t, master, index), context.Background()

	t.Run("TheIndexesStayAsTheyWereBegun", func(t *testing.T) {
		t.Parallel()
		for begun, later := range map[crypt.Suite]crypt.Suite{crypt.AES: crypt.SM4, crypt.SM4: crypt.AES} {
			pool := pgtest.Pool(t, pgtest.New(t).Work)
			one, err := carelog.FitKeys(ctx, pool, keys.Sealing(begun))
			require.NoError(t, err)
			two, err := carelog.FitKeys(ctx, pool, keys.Sealing(later))
			require.NoError(t, err)
			require.Equal(t, later, two.Suite())
			require.Equal(t, keys.Indexing(begun).Index("phone", "1"), one.Index("phone", "1"))
			require.Equal(t, one.Index("phone", "1"), two.Index("phone", "1"))
		}
	})

	t.Run("AnotherIndexKeyIsRefused", func(t *testing.T) {
		t.Parallel()
		db := pgtest.New(t)
		pool := pgtest.Pool(t, db.Work)
		// As the migration leaves a database that is in use.
		_, err := pgtest.Pool(t, db.Owner).Exec(ctx, "INSERT INTO index_mark (suite) VALUES ('aes')")
		require.NoError(t, err)
		fitting, err := carelog.FitKeys(ctx, pool, keys.Sealing(crypt.SM4))
		require.NoError(t, err)
		require.Equal(t, keys.Index("phone", "1"), fitting.Index("phone", "1"))
		_, err = carelog.FitKeys(ctx, pool, keyring(t, master, other))
		require.ErrorContains(t, err, "AFTERCARE_INDEX_KEY is not the one")
	})
}
