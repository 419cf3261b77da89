package carelog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/migrations/pgtest"
)

// lineUp holds a row, lets first run into it and second after it, and lets go:
// what each of them answers when they meet as closely as can be.
func (c *county) lineUp(hold string, id any, first, second func() error) (error, error) {
	c.t.Helper()
	tx, err := c.pool.Begin(c.ctx())
	require.NoError(c.t, err)
	defer tx.Rollback(c.ctx())
	_, err = tx.Exec(c.ctx(), hold, id)
	require.NoError(c.t, err)
	answers := [2]chan error{make(chan error, 1), make(chan error, 1)}
	for i, verb := range []func() error{first, second} {
		go func() { answers[i] <- verb() }()
		c.waiting(i + 1)
	}
	require.NoError(c.t, tx.Rollback(c.ctx()))
	return <-answers[0], <-answers[1]
}

// waiting returns once n sessions of this database wait for a lock.
func (c *county) waiting(n int) {
	c.t.Helper()
	super := pgtest.Pool(c.t, c.db.Super) // others' waits are shown to nobody else
	require.Eventually(c.t, func() bool {
		var waiting int
		err := super.QueryRow(c.ctx(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&waiting)
		return err == nil && waiting >= n
	}, 10*time.Second, 5*time.Millisecond)
}

// Two verbs that meet at one recipient wait for each other in one order, never in
// a ring: PostgreSQL would end one of them, and an officer would be told of a fault.
func TestMeetings(t *testing.T) {
	t.Parallel()

	t.Run("ADrainAndARecord", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 176)
		check := c.village(made.Recipient)
		drain, record := c.lineUp("SELECT FROM asks WHERE check_in_id = $1 FOR UPDATE", check.ID,
			func() error { return second(c.work.ClaimMessages(c.ctx(), c.line, 10)) },
			func() error {
				return second(c.app.RecordCheckIn(c.ctx(), c.officer, check.ID, carelog.CheckInRecord{Outcome: "reached", Informant: "self"}))
			})
		require.NoError(t, drain)
		require.NoError(t, record)
		require.Equal(t, "done", c.village(made.Recipient).State)
		require.Empty(t, c.broken())
	})

	t.Run("AReplyAndARecord", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		check := c.village(made.Recipient)
		require.NoError(t, c.app.StoreReply(c.ctx(), carelog.Inbound{Carrier: "twilio", CarrierMessageID: "MO1", From: contactPhone, To: lineNumber, Text: code + " 1"}))
		record, reply := c.lineUp("SELECT FROM check_ins WHERE id = $1 FOR UPDATE", check.ID,
			func() error {
				return second(c.app.RecordCheckIn(c.ctx(), c.officer, check.ID, carelog.CheckInRecord{Outcome: "reached", Informant: "self"}))
			},
			func() error { return c.work.ReceiveReply(c.ctx(), c.queue.replies[0]) })
		require.NoError(t, record)
		require.NoError(t, reply)
		require.Equal(t, 1, c.count("SELECT count(*) FROM check_in_records"))
		c.keeps()
	})

	t.Run("APauseAndAMove", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		check := c.step(made.Recipient, "receipt")
		pause, move := c.lineUp("SELECT FROM care_plans WHERE id = $1 FOR UPDATE", made.Plan,
			func() error {
				return second(c.app.PausePlan(c.ctx(), c.officer, made.Plan, calendar.New(2026, time.December, 24), "住院"))
			},
			func() error {
				return second(c.app.RescheduleCheckIn(c.ctx(), c.officer, check.ID, calendar.New(2026, time.December, 8), "外出"))
			})
		require.NoError(t, pause)
		if move != nil { // the plan is paused by then: a refusal is an answer, a fault is not
			require.Equal(t, carelog.Conflict, carelog.KindOf(move), "%v", move)
		}
		c.keeps()
	})

	t.Run("TwoRecordsOfOneCheckIn", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		check := c.step(made.Recipient, "receipt")
		record := func() error {
			return second(c.app.RecordCheckIn(c.ctx(), c.officer, check.ID, carelog.CheckInRecord{Outcome: "reached", Informant: "self"}))
		}
		first, again := c.lineUp("SELECT FROM check_ins WHERE id = $1 FOR UPDATE", check.ID, record, record)
		require.NoError(t, first)
		require.Equal(t, carelog.Conflict, carelog.KindOf(again))
		require.Equal(t, 1, c.count("SELECT count(*) FROM check_in_records"))
	})

	t.Run("ARefusedRecordAndAClosing", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		check := c.step(made.Recipient, "receipt")
		c.fit(made.Plan)
		_, err := c.app.ClosePlan(c.ctx(), c.officer, made.Plan, "已脱困")
		require.NoError(t, err)
		closing, record := c.lineUp("SELECT FROM check_ins WHERE id = $1 FOR UPDATE", check.ID,
			func() error { return second(c.app.ClosePlan(c.ctx(), c.boss, made.Plan, "同意")) },
			func() error {
				return second(c.app.RecordCheckIn(c.ctx(), c.officer, check.ID, carelog.CheckInRecord{Outcome: "reached", Informant: "self"}))
			})
		require.NoError(t, closing)
		require.Equal(t, carelog.Conflict, carelog.KindOf(record))
		require.Zero(t, c.count("SELECT count(*) FROM messages WHERE recipient_id = $1 AND dispatch = 'planned'", made.Recipient))
		c.keeps()
	})
}
