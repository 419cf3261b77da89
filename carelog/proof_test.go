package carelog_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// prove does what is left of the night, a few rows at a time; nil when it is not time.
func (c *county) prove(rows int) *carelog.Proof {
	c.t.Helper()
	for range 10_000 {
		done, more, err := c.work.Prove(c.ctx(), rows)
		require.NoError(c.t, err)
		if !more {
			return done
		}
	}
	c.t.Fatal("the night has no end")
	return nil
}

// proved is a county of two files whose first night has been proved, with the root as it
// was kept elsewhere.
func proved(t *testing.T) (c *county, made carelog.Enrolled, kept carelog.Root) {
	t.Helper()
	c, made, code := asked(t)
	c.enrol("A-2", 3)
	c.reply(contactPhone, code+" 1")
	require.NotNil(t, c.prove(2000))
	roots, err := c.work.RootsAfter(c.ctx(), carelog.TheSystem(), 0, 10)
	require.NoError(t, err)
	require.Len(t, roots, 1)
	return c, made, roots[0]
}

func (c *county) against(kept carelog.Root) []string {
	c.t.Helper()
	wrong, err := c.work.Against(c.ctx(), carelog.TheSystem(), kept)
	require.NoError(c.t, err)
	return wrong
}

// cut takes the last two entries off a chain and sets its head back, as the database's
// owner could.
func (c *county) cut(id carelog.RecipientID) (last int) {
	c.t.Helper()
	last = c.count("SELECT seq FROM history_heads WHERE recipient_id = $1", id)
	c.exec("DELETE FROM history WHERE recipient_id = $1 AND seq > $2", id, last-2)
	c.exec("UPDATE history_heads d SET seq = h.seq, hash = h.hash FROM history h WHERE d.recipient_id = $1 AND h.recipient_id = $1 AND h.seq = $2", id, last-2)
	return last
}

func TestProve(t *testing.T) {
	t.Parallel()

	t.Run("OnceANightFromOneOClockAndAfterAnOutage", func(t *testing.T) {
		t.Parallel()
		c, _, _ := asked(t)
		c.clock.set(calendar.Of(tuesday).At(0, 59))
		require.Nil(t, c.prove(2000))
		c.clock.set(calendar.Of(tuesday).At(1, 0))
		first := c.prove(2000)
		require.NotNil(t, first)
		require.True(t, first.AllSeen)
		require.Zero(t, first.Broken)
		require.Equal(t, []any{int64(1), int64(1)}, []any{first.No, first.Root.Files})
		require.Nil(t, c.prove(2000), "it was done tonight")
		c.clock.set(tuesday.AddDate(0, 0, 3))
		require.EqualValues(t, 2, c.prove(2000).No)
	})

	t.Run("ItGoesOnWhereItWas", func(t *testing.T) {
		t.Parallel()
		c, _ := everythingSealed(t)
		whole, err := c.work.VerifyAll(c.ctx(), carelog.TheSystem())
		require.NoError(t, err)
		for range 20 {
			done, more, err := c.work.Prove(c.ctx(), 1)
			require.NoError(t, err)
			require.Nil(t, done)
			require.True(t, more)
		}
		config := c.config
		config.DB = c.pool // another process; the owner may do what the workers may
		done := (&county{t: t, work: carelog.New(config)}).prove(1)
		require.NotNil(t, done)
		require.Equal(t, whole.Looked, done.Looked, "no row twice, none left out")
	})

	t.Run("ABreakIsOneTaskOfTheTopOffice", func(t *testing.T) {
		t.Parallel()
		c, made, _ := asked(t)
		c.exec("UPDATE history SET payload = set_byte(payload, 40, get_byte(payload, 40) # 1) WHERE recipient_id = $1 AND seq = 2", made.Recipient)
		for range 2 {
			done := c.prove(2000)
			require.Equal(t, 2, done.Broken, "the chain, and the value")
			require.Contains(t, done.Names[0], "entry 2 was changed")
			require.Equal(t, 1, c.tasks("proof_broken"))
			c.clock.set(c.clock.now().AddDate(0, 0, 1))
		}
		require.Equal(t, 2, c.count("SELECT count(*) FROM proofs WHERE broken = 2 AND found[1] LIKE '%entry 2 was changed%'"))
		require.Equal(t, 1, c.count("SELECT count(*) FROM tasks WHERE kind = 'proof_broken' AND office_id = $1", c.office))
	})

	t.Run("AnEmptyDatabaseHasARoot", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		require.Zero(t, c.prove(2000).Entries)
		c.exec("DELETE FROM audit")
		c.exec("UPDATE audit_head SET seq = 0, hash = decode(repeat('00', 32), 'hex')")
		require.NotEmpty(t, c.broken(), "an emptied audit is missed")
	})
}

func TestRoots(t *testing.T) {
	t.Parallel()

	t.Run("AGrowingDatabaseFitsItsKeptRoots", func(t *testing.T) {
		t.Parallel()
		c, made, kept := proved(t)
		require.Empty(t, c.against(kept))
		_, err := c.app.NoteContact(c.ctx(), c.officer, made.Recipient, carelog.UnplannedContact{Kind: "call_received", Note: "来电咨询"})
		require.NoError(t, err)
		c.clock.set(c.clock.now().AddDate(0, 0, 1))
		c.prove(2000)
		roots, err := c.work.RootsAfter(c.ctx(), carelog.TheSystem(), kept.No, 10)
		require.NoError(t, err)
		require.Len(t, roots, 1)
		require.Len(t, roots[0].Heads, 1, "the one chain that grew")
		require.NotEqual(t, kept.Hash, roots[0].Hash)
		require.Equal(t, kept.Entries+1, roots[0].Entries)
		require.Empty(t, c.against(kept))
		require.Empty(t, c.against(roots[0]))
		newest, err := c.work.NewestRoot(c.ctx(), carelog.TheSystem())
		require.NoError(t, err)
		require.Equal(t, roots[0].Hash, newest.Hash)
	})

	t.Run("ACutChainWithItsHeadSetBackIsNamed", func(t *testing.T) {
		t.Parallel()
		c, made, kept := proved(t)
		named := fmt.Sprintf("recipient %s: entry %d, under the ", made.Recipient, c.cut(made.Recipient))
		broken := c.broken()
		require.Len(t, broken, 1, "the chain itself is whole: its head under the root is missed")
		require.Contains(t, broken[0], named)
		// Who may cut a chain may take the stored head away as well; not the one kept elsewhere.
		c.exec("DELETE FROM proof_heads WHERE chain = $1", made.Recipient)
		require.Empty(t, c.broken())
		wrong := c.against(kept)
		require.Len(t, wrong, 2)
		require.Contains(t, wrong[0], "root 1 of 2026-11-24: the heads stored under it do not come to it any more")
		require.Contains(t, wrong[1], named)
		// With nothing but the root itself it is found, if not named.
		kept.Heads = nil
		require.Len(t, c.against(kept), 1)
	})

	t.Run("AReplacedEndIsNamed", func(t *testing.T) {
		t.Parallel()
		c, made, kept := proved(t)
		last := c.cut(made.Recipient)
		for range 2 { // other entries in their place, laid by the program itself
			_, err := c.app.NoteContact(c.ctx(), c.officer, made.Recipient, carelog.UnplannedContact{Kind: "call_received", Note: "x"})
			require.NoError(t, err)
		}
		named := fmt.Sprintf("recipient %s: entry %d, under the ", made.Recipient, last)
		require.Contains(t, c.broken()[0], named)
		require.Contains(t, c.against(kept)[0], named)
	})

	t.Run("AFileTakenAwayWholeIsNamed", func(t *testing.T) {
		t.Parallel()
		c, made, kept := proved(t)
		for _, table := range c.names("SELECT table_name::text FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'recipient_id'") {
			c.execUnbound("DELETE FROM "+table+" WHERE recipient_id = $1", made.Recipient)
		}
		c.execUnbound("DELETE FROM recipients WHERE id = $1", made.Recipient)
		named := "recipient " + made.Recipient.String() + ": entry "
		require.Contains(t, c.broken()[0], named)
		require.Contains(t, c.against(kept)[0], named)
		c.exec("DELETE FROM proof_heads WHERE chain = $1", made.Recipient)
		wrong := c.against(kept)
		require.Contains(t, wrong[0], "(2 files then, 1 now)")
		require.Contains(t, wrong[1], named)
	})

	t.Run("ACutAuditIsNamed", func(t *testing.T) {
		t.Parallel()
		c, _, kept := proved(t)
		last := c.count("SELECT seq FROM audit_head")
		c.exec("DELETE FROM audit WHERE seq = $1", last)
		c.exec("UPDATE audit_head SET seq = a.seq, hash = a.hash FROM audit a WHERE a.seq = $1", last-1)
		require.Equal(t, []string{fmt.Sprintf("audit: entry %d, under the kept root of 2026-11-24, is gone or was replaced", last)}, c.against(kept))
	})

	t.Run("AnErasureFits", func(t *testing.T) {
		t.Parallel()
		c, made, kept := proved(t)
		c.exec("UPDATE recipients SET data_key = NULL, sealed = NULL WHERE id = $1", made.Recipient)
		require.Empty(t, c.against(kept))
		c.clock.set(c.clock.now().Add(24 * time.Hour))
		done := c.prove(2000)
		require.Zero(t, done.Broken)
		require.Positive(t, done.Erased)
	})

	t.Run("OnlyTheOperatorKeepsThem", func(t *testing.T) {
		t.Parallel()
		c, _, kept := proved(t)
		for _, err := range []error{
			second(c.app.NewestRoot(c.ctx(), c.admin)), second(c.app.RootsAfter(c.ctx(), c.admin, 0, 1)), second(c.app.Against(c.ctx(), c.admin, kept)),
			second(c.app.VerifyAll(c.ctx(), c.admin)), second(c.app.KeyUses(c.ctx(), c.admin)), c.app.RotateKeys(c.ctx(), c.admin, 1, nil),
		} {
			require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		}
	})
}

// TestWhatOnlyGrows: neither role may change or remove anything that is proved.
func TestWhatOnlyGrows(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	for _, table := range []string{"history", "audit", "proofs", "proof_heads"} {
		for _, role := range []string{"aftercare_app", "aftercare_work"} {
			require.Equal(t, 1, c.count(`SELECT count(*) WHERE NOT has_any_column_privilege($1, $2, 'UPDATE')
				AND NOT has_table_privilege($1, $2, 'DELETE') AND NOT has_table_privilege($1, $2, 'TRUNCATE')`, role, table), "%s, %s", role, table)
		}
	}
	for _, head := range []string{"history_heads", "audit_head", "proof_round"} {
		for _, role := range []string{"aftercare_app", "aftercare_work"} {
			require.Equal(t, 1, c.count(`SELECT count(*) WHERE NOT has_table_privilege($1, $2, 'DELETE') AND NOT has_table_privilege($1, $2, 'TRUNCATE')`, role, head))
		}
	}
	require.Zero(t, c.count("SELECT count(*) WHERE has_any_column_privilege('aftercare_app', 'proof_heads', 'INSERT') OR has_any_column_privilege('aftercare_app', 'proofs', 'INSERT')"))
}
