package carelog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

func TestRetention(t *testing.T) {
	t.Parallel()

	t.Run("TheJobReportsCountsAndAHoldStopsIt", func(t *testing.T) {
		t.Parallel()
		c, gone, stays := lived(t)
		texts := c.count("SELECT count(*) FROM messages WHERE text IS NOT NULL")
		require.Positive(t, texts)
		require.NoError(t, c.app.PlaceHold(c.ctx(), c.boss, gone.Recipient, "检查"))
		require.Equal(t, carelog.Conflict, carelog.KindOf(c.app.PlaceHold(c.ctx(), c.boss, gone.Recipient, "检查")))
		run := c.night()
		require.Equal(t, map[string]int{"outbound_text": 0, "inbound_text": 0, "recipient_file": 0, "held_file": 1}, run.Counts)

		c.clock.set(later)
		run = c.night()
		require.Equal(t, 1, run.Counts["recipient_file"], "the other one; what a hold keeps is left alone")
		require.Equal(t, 1, run.Counts["held_file"])
		require.Positive(t, run.Counts["outbound_text"]+run.Counts["inbound_text"])
		require.Equal(t, 1, c.count("SELECT count(*) FROM tasks WHERE kind = 'erasure_proposed' AND state = 'open' AND recipient_id = $1", stays.Recipient))
		held := "SELECT count(*) FROM messages m WHERE text IS NOT NULL AND (recipient_id = $1 OR EXISTS (SELECT FROM messages r WHERE r.rides_with = m.id AND r.recipient_id = $1))"
		require.Positive(t, c.count(held, gone.Recipient))
		require.Positive(t, c.count("SELECT count(*) FROM inbound_messages i JOIN inbound_answers w ON w.inbound_id = i.id WHERE w.recipient_id = $1 AND i.sealed IS NOT NULL", gone.Recipient))
		require.Zero(t, c.count("SELECT count(*) FROM messages m WHERE text IS NOT NULL AND recipient_id = $1 AND rides_with IS NULL AND NOT EXISTS (SELECT FROM messages r WHERE r.rides_with = m.id)", stays.Recipient))

		again, err := c.work.ApplyRetention(c.ctx(), 100)
		require.NoError(t, err)
		require.Zero(t, again.Batch, "once a night")
		runs, err := c.app.RetentionRuns(c.ctx(), c.boss)
		require.NoError(t, err)
		require.Len(t, runs, 2)
		require.Equal(t, run.Counts, runs[0].Counts)

		require.NoError(t, c.app.LiftHold(c.ctx(), c.boss, gone.Recipient, "结束"))
		c.clock.set(later.AddDate(0, 0, 1))
		require.Equal(t, 1, c.night().Counts["recipient_file"])
		require.Zero(t, c.count(held, gone.Recipient))
		c.keeps()
	})

	t.Run("TenDaysWithoutARunAreMadeUpForInBatches", func(t *testing.T) {
		t.Parallel()
		c, _, _ := lived(t)
		c.clock.set(calendar.New(2028, 11, 24).At(9, 0)) // the texts are two years old tomorrow
		require.Zero(t, c.night().Counts["outbound_text"])
		words := c.count("SELECT count(*) FROM messages WHERE text IS NOT NULL AND dispatched_at IS NOT NULL")
		c.clock.set(calendar.New(2028, 12, 4).At(9, 0))
		run, err := c.work.ApplyRetention(c.ctx(), 1)
		require.NoError(t, err)
		require.Nil(t, run.EndedAt, "there is more")
		require.Equal(t, words, c.night().Counts["outbound_text"])
		require.Zero(t, c.count("SELECT count(*) FROM messages WHERE text IS NOT NULL AND dispatched_at IS NOT NULL"))
		c.clock.set(calendar.New(2028, 12, 5).At(1, 30))
		run, err = c.work.ApplyRetention(c.ctx(), 100)
		require.NoError(t, err)
		require.Equal(t, "2028-12-04", run.Night.String(), "half past one belongs to the night before")
	})

	t.Run("ARejectedFileIsProposedAgainAfterAYear", func(t *testing.T) {
		t.Parallel()
		c, gone, _ := lived(t)
		c.clock.set(later)
		c.night()
		require.NoError(t, c.app.RejectErasure(c.ctx(), c.boss, gone.Recipient, "案件再审"))
		open := "SELECT count(*) FROM erasures WHERE state = 'proposed' AND recipient_id = $1"
		c.clock.set(later.AddDate(0, 11, 0))
		c.night()
		require.Zero(t, c.count(open, gone.Recipient))
		c.clock.set(later.AddDate(1, 0, 2))
		c.night()
		require.Equal(t, 1, c.count(open, gone.Recipient))
	})

	t.Run("AnotherTimeTakesTwoPeopleAndNeverLessThanTheLaw", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		_, err := c.app.ProposeRetention(c.ctx(), c.officer, "recipient_file", 120, "x")
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		for _, months := range []int{35, 721} {
			_, err = c.app.ProposeRetention(c.ctx(), c.boss, "recipient_file", months, "x")
			require.Equal(t, carelog.Invalid, carelog.KindOf(err))
		}
		r, err := c.app.ProposeRetention(c.ctx(), c.boss, "recipient_file", 120, "诉讼档案管理办法")
		require.NoError(t, err)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.ApproveRetention(c.ctx(), c.boss, "recipient_file", r.Version)))
		other := c.addUser(c.office, "wu", "", carelog.Supervisor)
		require.NoError(t, c.app.ApproveRetention(c.ctx(), other, "recipient_file", r.Version))
		require.Equal(t, 120, c.count("SELECT keep_months FROM retention_rules WHERE kind = 'recipient_file' AND state = 'in_force'"))
		_, err = c.pool.Exec(c.ctx(), "UPDATE retention_rules SET keep_months = 1 WHERE kind = 'audit'")
		require.Equal(t, "retention_keeps_what_the_law_asks_for", constraintOf(err))
	})

	t.Run("AnErasedFilesLateReportIsWrittenDownWithoutWords", func(t *testing.T) {
		t.Parallel()
		c, gone, _ := lived(t)
		c.clock.set(later)
		c.night()
		require.NoError(t, c.app.EraseFile(c.ctx(), c.boss, gone.Recipient))
		c.exec("UPDATE messages SET delivery = 'sent' WHERE recipient_id = $1 AND rides_with IS NULL", gone.Recipient)
		var id string
		require.NoError(t, c.pool.QueryRow(c.ctx(), "SELECT id::text FROM messages WHERE recipient_id = $1 AND contact_id IS NOT NULL AND dispatch = 'accepted' LIMIT 1", gone.Recipient).Scan(&id))
		require.NoError(t, c.app.StoreReport(c.ctx(), carelog.Report{Carrier: "twilio", CarrierMessageID: "SM1", MessageID: id, Status: "delivered", Delivery: "delivered"}))
		c.clock.set(later.Add(time.Minute))
		_, err := c.work.ApplyReports(c.ctx(), 10)
		require.NoError(t, err)
		wrong, err := c.app.VerifyHistory(c.ctx(), c.boss, gone.Recipient)
		require.NoError(t, err)
		require.Empty(t, wrong)
	})
}
