package carelog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
)

func TestSaidOnce(t *testing.T) {
	t.Parallel()

	t.Run("APauseAndAResumeOnOneDaySayNothingTwice", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 7) // the receipt call is due today
		require.Len(t, to(c.send(), officerPhone), 1)
		_, err := c.app.PausePlan(c.ctx(), c.officer, made.Plan, calendar.New(2026, time.December, 24), "住院")
		require.NoError(t, err)
		c.later(10 * time.Minute)
		_, err = c.app.StartPlan(c.ctx(), c.officer, made.Plan)
		require.NoError(t, err)
		require.Empty(t, to(c.send(), officerPhone))
		require.Equal(t, "receipt", c.step(made.Recipient, "receipt").Step)
		c.keeps()
	})

	t.Run("StartAsksTheContactAgainAboutWhatIsOpen", func(t *testing.T) {
		t.Parallel()
		c, made, _ := asked(t)
		c.reply(contactPhone, "TD")
		_, err := c.work.PlanMessages(c.ctx(), 100)
		require.NoError(t, err)
		require.Equal(t, 1, c.tasks("contact_opted_out"))
		c.clock.set(tuesday.AddDate(0, 0, 1))
		c.reply(contactPhone, "恢复")
		_, err = c.work.PlanMessages(c.ctx(), 100)
		require.NoError(t, err)
		texts := to(c.send(), contactPhone)
		require.Contains(t, texts[len(texts)-1].Text, "请协助看望")
		require.Zero(t, c.tasks("contact_opted_out"))
		require.Contains(t, c.kinds(made.Recipient), "contact_opted_in")
		c.keeps()
	})
}

func TestAnotherNumber(t *testing.T) {
	t.Parallel()
	c, made, code := asked(t)
	require.Positive(t, c.count("SELECT count(*) FROM messages WHERE dispatch = 'planned'"))
	const newNumber = "+8615400000998"
	line, err := c.work.EnsureLine(c.ctx(), carelog.TheSystem(), "twilio", newNumber, carelog.OfficeID{})
	require.NoError(t, err)
	moved, err := c.work.SpeakFrom(c.ctx(), carelog.TheSystem(), line)
	require.NoError(t, err)
	require.Positive(t, moved)
	require.Zero(t, c.count("SELECT count(*) FROM messages WHERE dispatch = 'planned' AND line_id <> $1", line))
	moved, err = c.work.SpeakFrom(c.ctx(), carelog.TheSystem(), line)
	require.NoError(t, err)
	require.Zero(t, moved)
	// The contact answers to the new number with the code of the old text.
	require.NoError(t, c.app.StoreReply(c.ctx(), carelog.Inbound{Carrier: "twilio", CarrierMessageID: "MOnew", From: contactPhone, To: newNumber, Text: code + " 1"}))
	c.receive()
	require.Contains(t, c.kinds(made.Recipient), "reply_received")
	c.keeps()
}

func TestAnotherCarrierIsServedToo(t *testing.T) {
	t.Parallel()
	c, _, _ := asked(t)
	planned := c.count("SELECT count(*) FROM messages WHERE dispatch = 'planned'")
	require.Positive(t, planned)
	line, err := c.work.EnsureLine(c.ctx(), carelog.TheSystem(), "aliyun", "沂源县检察院", carelog.OfficeID{})
	require.NoError(t, err)
	moved, err := c.work.SpeakFrom(c.ctx(), carelog.TheSystem(), line, "aliyun", "twilio")
	require.NoError(t, err)
	require.Zero(t, moved, "the other carrier still takes its own")
	moved, err = c.work.SpeakFrom(c.ctx(), carelog.TheSystem(), line, "aliyun")
	require.NoError(t, err)
	require.Equal(t, planned, moved, "nobody drains the line of a carrier that is gone")
}

func TestCrisis(t *testing.T) {
	t.Parallel()

	t.Run("AScoreOfZeroWakesTheOfficerAndOpensATask", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 74)
		c.send()
		scores := condition.Scores{}.With(condition.Domains()[6], condition.Crisis)
		_, err := c.app.RecordCheckIn(c.ctx(), c.officer, c.step(made.Recipient, "baseline").ID, carelog.CheckInRecord{
			Outcome: "reached", Informant: "self", Scores: scores,
		})
		require.NoError(t, err)
		texts := to(c.send(), officerPhone)
		require.Len(t, texts, 1)
		require.Contains(t, texts[0].Text, "红色预警")
		require.Equal(t, 1, c.tasks("red_alert"))
		require.Equal(t, 1, c.count("SELECT count(*) FROM alerts WHERE rule = 'R1' AND state = 'open'"))
		c.resolve("red_alert") // beside it may stand a second scoring: one visit in twenty
		require.Zero(t, c.count("SELECT count(*) FROM alerts WHERE state = 'open'"), "the deed closes the alert")
	})

	t.Run("UrgentWordsNobodyKnowsWhomTheyAreAboutWakeTheContactsOfficers", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.enrol("A-1", 74)
		c.send()
		c.clock.set(calendar.New(2026, time.November, 28).At(23, 0)) // a Saturday night
		c.reply(contactPhone, "出事了,快来人")
		texts := to(c.send(), officerPhone)
		require.Len(t, texts, 1)
		require.Contains(t, texts[0].Text, "紧急")
		require.Equal(t, 1, c.tasks("urgent_reply"))
	})

	t.Run("AStrangersUrgentWordsAreNotPutInTheContactsMouth", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		c.reply("+8615400000777", code+" 2 出事了")
		for _, e := range c.history(made.Recipient) {
			if e.Kind == "reply_received" {
				require.Equal(t, carelog.Program, e.ActorKind)
				require.Empty(t, e.ActorID)
				require.Contains(t, string(e.Details), "unverified_number")
			}
		}
		require.Zero(t, c.count("SELECT count(*) FROM inbound_messages WHERE contact_id IS NOT NULL"))
		require.NotEmpty(t, to(c.send(), officerPhone), "the officer is woken all the same")
	})
}
