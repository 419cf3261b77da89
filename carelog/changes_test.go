package carelog_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/migrations/pgtest"
)

func TestChanges(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	since := func(cursor string, limit int) carelog.Changes {
		t.Helper()
		found, err := c.app.ChangesSince(c.ctx(), c.boss, cursor, limit)
		require.NoError(t, err)
		return found
	}
	// Transactions of other tests on the same server hold the feed up too: it is asked until they are over.
	soon := func(cursor string, limit int) carelog.Changes {
		t.Helper()
		var found carelog.Changes
		require.Eventually(t, func() bool { found = since(cursor, limit); return len(found.Items) > 0 }, 20*time.Second, 20*time.Millisecond)
		return found
	}
	one := c.enrol("A-1", 3)
	first := soon("", 1000)
	require.Equal(t, one.Recipient, first.Items[0].Recipient)

	t.Run("GoesOnWhereItStopped", func(t *testing.T) {
		require.Empty(t, since(first.Cursor, 10).Items)
		two := c.enrol("A-2", 3)
		var seen []carelog.Change
		cursor := first.Cursor
		for len(seen) < c.count("SELECT count(*) FROM history WHERE recipient_id = $1", two.Recipient) {
			part := soon(cursor, 2)
			require.LessOrEqual(t, len(part.Items), 2)
			seen, cursor = append(seen, part.Items...), part.Cursor
		}
		for i, change := range seen {
			require.EqualValues(t, i+1, change.Seq)
		}
		first.Cursor = cursor
	})

	t.Run("WaitsForATransactionThatCommitsLate", func(t *testing.T) {
		work := pgtest.Pool(t, c.db.Work)
		late, err := work.Begin(c.ctx())
		require.NoError(t, err)
		defer late.Rollback(context.Background())
		insert := "INSERT INTO changes (office_id, recipient_id, seq, kind, at) VALUES ($1, $2, 99, 'late', now())"
		_, err = late.Exec(c.ctx(), insert, c.office, one.Recipient)
		require.NoError(t, err)
		three := c.enrol("A-3", 3)
		require.Empty(t, since(first.Cursor, 100).Items, "what was committed later waits too, or the late one would be passed by")
		require.NoError(t, late.Commit(c.ctx()))
		found := soon(first.Cursor, 100)
		for len(found.Items) < 2 {
			found = soon(first.Cursor, 100)
		}
		require.Equal(t, "late", found.Items[0].Kind)
		require.Equal(t, three.Recipient, found.Items[1].Recipient)
		first.Cursor = found.Cursor
	})

	t.Run("ASisterOfficeReadsNothing", func(t *testing.T) {
		sister := c.addUser(c.addOffice("370324", "邻县人民检察院", carelog.OfficeID{}), "qian", "", carelog.Supervisor)
		found, err := c.app.ChangesSince(c.ctx(), sister, "", 100)
		require.NoError(t, err)
		require.Empty(t, found.Items)
	})

	t.Run("RefusesWhatIsNoCursorOrAnotherDatabases", func(t *testing.T) {
		for cursor, kind := range map[string]carelog.Kind{"x": carelog.Invalid, "1": carelog.Invalid, "9999999999-1": carelog.Conflict} {
			_, err := c.app.ChangesSince(c.ctx(), c.boss, cursor, 10)
			require.Equal(t, kind, carelog.KindOf(err), cursor)
		}
	})
}

func TestSubscriptions(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	made, secret, err := c.app.Subscribe(c.ctx(), c.admin, carelog.NewSubscription{URL: "https://platform.example/hook"})
	require.NoError(t, err)
	require.Regexp(t, "^whsec_", secret)
	claim := func() []carelog.HookCall {
		calls, _, err := c.work.ClaimHooks(c.ctx(), 10)
		require.NoError(t, err)
		return calls
	}
	require.Empty(t, claim(), "nothing has changed")
	one := c.enrol("A-1", 3)
	var calls []carelog.HookCall // as above: when the transactions of other tests are over
	at := tuesday
	soon := func() []carelog.HookCall {
		require.Eventually(t, func() bool {
			at = at.Add(10 * time.Second)
			c.clock.set(at)
			calls = claim()
			return len(calls) == 1
		}, 20*time.Second, 20*time.Millisecond)
		return calls
	}
	soon()

	t.Run("TellsIdsAndKindsAndNothingElse", func(t *testing.T) {
		var said struct {
			Cursor  string
			Changes []map[string]any
		}
		require.NoError(t, json.Unmarshal(calls[0].Body, &said))
		require.Equal(t, one.Recipient.String(), said.Changes[0]["recipient_id"])
		for _, change := range said.Changes {
			for field := range change {
				require.Contains(t, []string{"recipient_id", "seq", "kind", "subject_id", "at"}, field)
			}
		}
	})
	t.Run("IsTriedAgainTheSameUntilItIsTakenAndThenGoesOn", func(t *testing.T) {
		require.Empty(t, claim(), "it is under way")
		require.NoError(t, c.work.RecordHook(c.ctx(), calls[0], "answered 500"))
		require.Empty(t, claim(), "after a pause")
		first := calls[0]
		at = at.Add(time.Hour)
		again := soon()
		require.Equal(t, first.ID, again[0].ID)
		require.Equal(t, first.Body, again[0].Body)
		require.NoError(t, c.work.RecordHook(c.ctx(), again[0], ""))
		require.Empty(t, claim())
	})
	t.Run("ThreeDaysOfRefusalsEndItWithATaskAndAPersonHasItGoOn", func(t *testing.T) {
		c.enrol("A-2", 3)
		for c.count("SELECT count(*) FROM subscriptions WHERE state = 'failed'") == 0 {
			at = at.Add(time.Hour)
			require.NoError(t, c.work.RecordHook(c.ctx(), soon()[0], "the address did not answer"))
		}
		require.Less(t, at.Sub(tuesday), 6*24*time.Hour)
		require.Equal(t, 1, c.count("SELECT count(*) FROM subscriptions WHERE state = 'failed'"))
		require.Equal(t, 1, c.count("SELECT count(*) FROM tasks WHERE kind = 'subscription_failed' AND state = 'open'"))
		require.NoError(t, c.app.SetSubscription(c.ctx(), c.admin, made.ID, "active", ""))
		require.Len(t, soon(), 1, "nothing was lost meanwhile")
		require.Zero(t, c.count("SELECT count(*) FROM tasks WHERE kind = 'subscription_failed' AND state = 'open'"))
	})
	t.Run("RefusesAddressesInsideAndPeopleWhoDoNotAdminister", func(t *testing.T) {
		for _, url := range []string{"http://platform.example/x", "https://127.0.0.1/x", "https://10.0.0.1", "https://[::1]/", "ftp://x", "https://u:p@x.example/", "https://x.example/?q=1", ""} {
			_, _, err := c.app.Subscribe(c.ctx(), c.admin, carelog.NewSubscription{URL: url})
			if url == "https://10.0.0.1" {
				continue // a name may mean it too: refused when it is dialled
			}
			require.Equal(t, carelog.Invalid, carelog.KindOf(err), url)
		}
		_, _, err := c.app.Subscribe(c.ctx(), c.boss, carelog.NewSubscription{URL: "https://platform.example/"})
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
	})
}

func TestUpsert(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	e := c.enrolment("P-1", 3)
	made, err := c.app.UpsertRecipient(c.ctx(), c.officer, e)
	require.NoError(t, err)
	require.Equal(t, "enrolled", made.State)
	again, err := c.app.UpsertRecipient(c.ctx(), c.officer, e)
	require.NoError(t, err)
	require.Equal(t, []any{"unchanged", made.Recipient, made.Plan}, []any{again.State, again.Recipient, again.Plan})
	e.Phone = "15400000779"
	for range 2 {
		other, err := c.app.UpsertRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		require.Equal(t, "differs", other.State)
	}
	require.Equal(t, 1, c.count("SELECT count(*) FROM tasks WHERE kind = 'facts_differ' AND state = 'open'"), "told once")
	require.Equal(t, 1, c.count("SELECT count(*) FROM recipients"))
}
