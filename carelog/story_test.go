package carelog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
)

func TestStory(t *testing.T) {
	t.Parallel()

	t.Run("AReplyBecomesASignalInTheHistory", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 176) // half a year in four days: the village is asked now
		planned := c.messages(made.Recipient)
		require.NotEmpty(t, planned)
		for _, m := range planned {
			require.Equal(t, "planned", m.Dispatch)
			require.NotEmpty(t, m.Reason)
			require.False(t, m.NotBefore.Before(tuesday))
		}
		claimed := c.send()
		var request carelog.Outgoing
		for _, out := range claimed.Send {
			if out.To == contactPhone {
				request = out
			}
		}
		require.Contains(t, request.Text, "2组老马家")
		require.NotContains(t, request.Text, "马某某")
		code := codeIn(t, request.Text)
		c.reply(contactPhone, code+" 1")
		entries := c.history(made.Recipient)
		last := entries[len(entries)-1]
		require.Equal(t, "reply_received", last.Kind)
		require.JSONEq(t, `{"signal":"safe","digit":1,"source":"village_contact_sms","contact_id":"`+c.contact.String()+`","matched":"by its task code"}`, string(last.Details))
		require.Equal(t, carelog.Contact, last.ActorKind)
	})

	t.Run("ARecordedVisitCompletesItsCheckInAndDropsItsTexts", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		check := c.checkIns(made.Recipient, "open")[0]
		require.Equal(t, "receipt", check.Step)
		done, err := c.app.RecordCheckIn(c.ctx(), c.officer, check.ID, carelog.CheckInRecord{Outcome: "reached", Informant: "self", Receipt: "full"})
		require.NoError(t, err)
		require.Equal(t, "done", done.State)
		require.Zero(t, c.count("SELECT count(*) FROM messages WHERE check_in_id = $1 AND dispatch = 'planned'", check.ID))
		require.Positive(t, c.count("SELECT count(*) FROM messages WHERE check_in_id = $1 AND dispatch = 'cancelled' AND dispatch_reason = 'the check-in is done'", check.ID))
		require.Contains(t, c.kinds(made.Recipient), "check_in_recorded")
	})

	t.Run("OnlyScoresAfterTheBaselineAndTheVillageCount", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 74)
		scores := condition.Scores{}
		for _, d := range condition.Domains() {
			scores = scores.With(d, condition.ScoreOf(3))
		}
		baseline := c.step(made.Recipient, "baseline")
		done, err := c.app.RecordCheckIn(c.ctx(), c.officer, baseline.ID, carelog.CheckInRecord{Outcome: "reached", Informant: "self", AskedVillage: true, Scores: scores})
		require.NoError(t, err)
		require.False(t, done.Counts)
		require.Equal(t, 75, done.Index)
		c.clock.set(tuesday.AddDate(0, 0, 16))
		quarter := c.step(made.Recipient, "month-3")
		done, err = c.app.RecordCheckIn(c.ctx(), c.officer, quarter.ID, carelog.CheckInRecord{Outcome: "reached", Informant: "self", Scores: scores})
		require.NoError(t, err)
		require.True(t, done.Counts)
		require.True(t, done.Complete)
	})

	t.Run("OverdueWorkReachesTheSupervisor", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		check := c.checkIns(made.Recipient, "open")[0]
		c.clock.set(calendar.New(2026, time.December, 2).At(9, 0))
		marked, err := c.work.MarkOverdue(c.ctx(), 100)
		require.NoError(t, err)
		require.Equal(t, 1, marked.Overdue)
		require.Equal(t, "overdue", string(c.checkIns(made.Recipient, "overdue")[0].Standing))
		require.Equal(t, 1, c.escalations(check.ID))
		c.clock.set(calendar.New(2026, time.December, 8).At(8, 30)) // 5 working days after Tuesday the 1st
		found, err := c.work.Escalate(c.ctx(), 100)
		require.NoError(t, err)
		require.Equal(t, 1, found)
		require.Equal(t, 1, c.count("SELECT count(*) FROM messages WHERE wording = 'supervisor_overdue' AND dispatch = 'planned' AND check_in_id = $1", check.ID))
		again, err := c.work.MarkOverdue(c.ctx(), 100)
		require.NoError(t, err)
		require.Zero(t, again.Total())
		require.Contains(t, c.kinds(made.Recipient), "check_in_overdue")
	})
}

// step is the open check-in of a step.
func (c *county) step(id carelog.RecipientID, step string) carelog.CheckIn {
	c.t.Helper()
	for _, check := range c.checkIns(id, "open") {
		if check.Step == step {
			return check
		}
	}
	c.t.Fatalf("no open check-in of step %s", step)
	return carelog.CheckIn{}
}

// codeIn finds the task code in a text.
func codeIn(t testing.TB, text string) string {
	t.Helper()
	const marker = "任务"
	for i := range text {
		if len(text) >= i+len(marker)+5 && text[i:i+len(marker)] == marker {
			return text[i+len(marker) : i+len(marker)+5]
		}
	}
	t.Fatal("no code in the text")
	return ""
}
