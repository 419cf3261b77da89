package carelog_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/migrations/pgtest"
)

// broken verifies everything and returns what is broken.
func (c *county) broken() []string {
	c.t.Helper()
	found, err := c.work.VerifyAll(c.ctx(), carelog.TheSystem())
	require.NoError(c.t, err)
	require.Len(c.t, found.Names, found.Broken)
	return found.Names
}

// brokenChains leaves out the values that do not open.
func (c *county) brokenChains() []string {
	return slices.DeleteFunc(c.broken(), func(name string) bool { return strings.HasPrefix(name, "history.payload") })
}

func TestHistory(t *testing.T) {
	t.Parallel()

	t.Run("AWholeChainVerifies", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		c.reply(contactPhone, code+" 2")
		require.Empty(t, c.broken())
		wrong, err := c.app.VerifyHistory(c.ctx(), c.boss, made.Recipient)
		require.NoError(t, err)
		require.Empty(t, wrong)
	})

	t.Run("AnyChangedColumnIsNamed", func(t *testing.T) {
		t.Parallel()
		c, made, _ := asked(t)
		other := c.enrol("A-2", 3)
		where := " WHERE recipient_id = $1 AND seq = 2"
		for column, change := range map[string]string{
			"kind": "kind || 'x'", "occurred_at": "occurred_at + interval '1 microsecond'", "recorded_at": "recorded_at - interval '1 microsecond'",
			"actor_kind": "'system'", "actor_id": "recipient_id", "subject_id": "recipient_id", "payload": "payload || '\\x00'::bytea",
			"prev_hash": "hash", "hash": "prev_hash", "seq": "9999",
		} {
			c.exec("CREATE TABLE kept AS SELECT * FROM history"+where, made.Recipient)
			c.exec("UPDATE history SET "+column+" = "+change+where, made.Recipient)
			require.Equal(t, []string{"recipient " + made.Recipient.String() + ": entry 2 was changed, removed or moved"}, c.brokenChains(), column)
			c.exec("DELETE FROM history WHERE recipient_id = $1 AND seq IN (2, 9999)", made.Recipient)
			c.exec("INSERT INTO history SELECT * FROM kept")
			c.exec("DROP TABLE kept")
			require.Empty(t, c.broken(), column)
		}
		c.exec("UPDATE history SET recipient_id = $2, seq = 9999"+where, made.Recipient, other.Recipient)
		require.Len(t, c.brokenChains(), 2)
	})

	t.Run("ARemovedPayloadIsNamed", func(t *testing.T) {
		t.Parallel()
		c, made, _ := asked(t)
		c.exec("UPDATE history SET payload = NULL WHERE recipient_id = $1 AND seq = 1", made.Recipient)
		require.Equal(t, []string{"recipient " + made.Recipient.String() + ": entry 1 was changed, removed or moved"}, c.broken())
	})

	t.Run("ADeletedEntryIsNamed", func(t *testing.T) {
		t.Parallel()
		c, made, _ := asked(t)
		c.exec("DELETE FROM history WHERE recipient_id = $1 AND seq = 3", made.Recipient)
		require.Equal(t, []string{"recipient " + made.Recipient.String() + ": entry 3 was changed, removed or moved"}, c.broken())
	})

	t.Run("ACutOffEndIsFound", func(t *testing.T) {
		t.Parallel()
		c, made, _ := asked(t)
		c.exec("DELETE FROM history WHERE recipient_id = $1 AND seq = (SELECT max(seq) FROM history WHERE recipient_id = $1)", made.Recipient)
		require.Len(t, c.broken(), 1)
		require.Contains(t, c.broken()[0], "its head says")
	})

	t.Run("TwoSwappedEntriesAreNamed", func(t *testing.T) {
		t.Parallel()
		c, made, _ := asked(t)
		for _, step := range [][2]int{{2, 9999}, {3, 2}, {9999, 3}} {
			c.exec("UPDATE history SET seq = $3 WHERE recipient_id = $1 AND seq = $2", made.Recipient, step[0], step[1])
		}
		require.Equal(t, []string{"recipient " + made.Recipient.String() + ": entry 2 was changed, removed or moved"}, c.broken())
	})

	t.Run("AChangedAuditIsNamed", func(t *testing.T) {
		t.Parallel()
		c, _, _ := asked(t)
		for column, change := range map[string]string{
			"at": "at + interval '1 microsecond'", "office_id": "NULL", "actor_kind": "'person'", "actor_id": "gen_random_uuid()", "act": "act || 'x'",
			"subject_id": "gen_random_uuid()", "detail": "detail || 'x'", "prev_hash": "hash", "hash": "prev_hash",
		} {
			c.exec("CREATE TABLE kept AS SELECT * FROM audit WHERE seq = 2")
			c.exec("UPDATE audit SET " + column + " = " + change + " WHERE seq = 2")
			require.Equal(t, []string{"audit: entry 2 was changed, removed or moved"}, c.broken(), column)
			c.exec("DELETE FROM audit WHERE seq = 2")
			require.Equal(t, []string{"audit: entry 2 was changed, removed or moved"}, c.broken())
			c.exec("INSERT INTO audit SELECT * FROM kept")
			c.exec("DROP TABLE kept")
			require.Empty(t, c.broken())
		}
	})

	t.Run("PagesWalkEveryEntryOnce", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		c.reply(contactPhone, code+" 1")
		for _, size := range []int{1, 2, 3, 200} {
			var seqs []int64
			for before := int64(0); ; {
				page, err := c.app.History(c.ctx(), c.boss, made.Recipient, before, size)
				require.NoError(t, err)
				require.LessOrEqual(t, len(page.Entries), size)
				for _, e := range page.Entries {
					seqs = append(seqs, e.Seq)
				}
				if before = page.Next; before == 0 {
					break
				}
			}
			total := c.count("SELECT count(*) FROM history WHERE recipient_id = $1", made.Recipient)
			require.Len(t, seqs, total)
			for i, seq := range seqs {
				require.EqualValues(t, total-i, seq)
			}
		}
	})

	t.Run("EveryReadIsInTheAudit", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		c.history(made.Recipient)
		require.Equal(t, 1, c.count("SELECT count(*) FROM audit WHERE act = 'history_read' AND subject_id = $1 AND actor_id = $2", made.Recipient, c.boss.User))
	})

	t.Run("NeitherDoorNorWorkersMayChangeIt", func(t *testing.T) {
		t.Parallel()
		c, _, _ := asked(t)
		for _, url := range []string{c.db.App, c.db.Work} {
			pool := pgtest.Pool(t, url)
			for _, table := range []string{"history", "audit", "assessments", "check_in_records"} {
				for _, sql := range []string{"UPDATE " + table + " SET recorded_at = now()", "DELETE FROM " + table, "TRUNCATE " + table} {
					if table == "audit" {
						sql = map[bool]string{true: "UPDATE audit SET at = now()", false: sql}[sql[0] == 'U']
					}
					_, err := pool.Exec(c.ctx(), sql)
					var refused *pgconn.PgError
					require.ErrorAs(t, err, &refused, sql)
					require.Equal(t, "42501", refused.Code, sql)
				}
			}
		}
	})

	t.Run("ManyAtOnceKeepTheChainWhole", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		var group sync.WaitGroup
		for range 16 {
			group.Go(func() {
				_, err := c.app.NoteContact(context.Background(), c.officer, made.Recipient, carelog.UnplannedContact{Kind: "call_received", Note: "来电咨询"})
				require.NoError(t, err)
			})
		}
		group.Wait()
		require.Equal(t, 16, c.count("SELECT count(*) FROM history WHERE kind = 'contact_noted'"))
		require.Empty(t, c.broken())
	})

	t.Run("ACorrectionOfTheClockIsKeptInBothTimes", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		yesterday := tuesday.Add(-30 * time.Hour)
		check := c.step(made.Recipient, "receipt")
		done, err := c.app.RecordCheckIn(c.ctx(), c.officer, check.ID, carelog.CheckInRecord{Outcome: "no_answer", OccurredAt: yesterday})
		require.NoError(t, err)
		require.True(t, done.Late)
		require.Equal(t, calendar.New(2026, time.November, 26), c.step(made.Recipient, "receipt").NextTryOn)
		entries := c.history(made.Recipient)
		last := entries[len(entries)-1]
		require.Equal(t, "check_in_attempted", last.Kind)
		require.True(t, last.OccurredAt.Equal(yesterday))
		require.True(t, last.RecordedAt.Equal(tuesday))
	})
}
