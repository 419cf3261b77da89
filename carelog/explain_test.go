package carelog_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// twoLatinWords is what an untranslated sentence has.
var twoLatinWords = regexp.MustCompile(`[a-z]{2,} [a-z]{2,}`)

// bothWays asks that every sentence is there in both languages, and that none
// of the Chinese is left in English.
func bothWays(t *testing.T, e carelog.Explanation) {
	t.Helper()
	sentences := []carelog.Sentence{e.Answer}
	for _, b := range e.Because {
		sentences = append(sentences, b.Sentence)
	}
	for _, s := range sentences {
		require.NotEmpty(t, s.English)
		require.NotContains(t, s.English, "%!")
		require.NotContains(t, s.Chinese, "%!")
		require.True(t, strings.ContainsFunc(s.Chinese, func(r rune) bool { return unicode.Is(unicode.Han, r) }), s.Chinese)
		require.False(t, twoLatinWords.MatchString(s.Chinese), "not in Chinese: %s", s.Chinese)
	}
}

func because(e carelog.Explanation, kind string) string {
	var all []string
	for _, b := range e.Because {
		if b.Kind == kind {
			all = append(all, b.English)
		}
	}
	return strings.Join(all, "\n")
}

func TestExplainCheckIn(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	made := c.enrol("YY-1", 0)
	explain := func(t *testing.T, step string) carelog.Explanation {
		t.Helper()
		e, err := c.app.ExplainCheckIn(c.ctx(), c.officer, c.step(made.Recipient, step).ID)
		require.NoError(t, err)
		bothWays(t, e)
		return e
	}
	t.Run("NamesTheStepAndTheTemplate", func(t *testing.T) {
		e := explain(t, "month-1")
		require.Contains(t, because(e, "template"), "step month-1")
		require.Contains(t, e.Answer.English, "phone call due on")
	})
	t.Run("SaysThatSomebodyMovedIt", func(t *testing.T) {
		moved := c.step(made.Recipient, "baseline")
		day := calendar.Official().NextWorkday(moved.Due)
		_, err := c.app.RescheduleCheckIn(c.ctx(), c.officer, moved.ID, day, "家里收玉米")
		require.NoError(t, err)
		e := explain(t, "baseline")
		require.Contains(t, because(e, "person"), "it stands on "+day.String())
		require.Contains(t, because(e, "event"), "the check-in was moved")
		require.NotContains(t, because(e, "person")+because(e, "event"), "家里") // what people typed stays sealed
	})
	t.Run("ListsTheTextsAndWhyEachIsPlannedThen", func(t *testing.T) {
		require.Contains(t, because(explain(t, "receipt"), "message"), "reminder")
	})
	t.Run("TellsNobodyOfAnotherOffice", func(t *testing.T) {
		other := c.addUser(c.addOffice("370322", "高青县人民检察院", carelog.OfficeID{}), "sun", "", carelog.Officer)
		_, err := c.app.ExplainCheckIn(c.ctx(), other, c.step(made.Recipient, "month-1").ID)
		require.Equal(t, carelog.NotFound, carelog.KindOf(err))
		_, err = c.app.ExplainSilence(c.ctx(), other, made.Recipient)
		require.Equal(t, carelog.NotFound, carelog.KindOf(err))
		_, err = c.app.ExplainSilence(c.ctx(), c.admin, made.Recipient)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
	})
}

func TestExplainNamesTheHolidayThatMovedADate(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	c.clock.set(calendar.New(2026, 9, 1).At(9, 0))
	made := c.enrol("YY-1", 0) // 30 days on is 1 October
	e, err := c.app.ExplainCheckIn(c.ctx(), c.officer, c.step(made.Recipient, "month-1").ID)
	require.NoError(t, err)
	require.Contains(t, because(e, "calendar"), "国庆节")
	require.Contains(t, because(e, "calendar"), "moved to 2026-10-08")
	bothWays(t, e)
}

func TestExplainMessage(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	made := c.enrol("YY-1", 0)
	message := c.messages(made.Recipient)[0]
	explain := func(t *testing.T) carelog.Explanation {
		t.Helper()
		e, err := c.app.ExplainMessage(c.ctx(), c.officer, message.ID)
		require.NoError(t, err)
		bothWays(t, e)
		return e
	}
	t.Run("SaysWhyItIsPlannedThen", func(t *testing.T) {
		e := explain(t)
		require.Contains(t, because(e, "hours"), "officer hours")
		require.Contains(t, because(e, "hours"), "due date")
	})
	t.Run("KeepsEveryTimeItWasPutOff", func(t *testing.T) {
		c.clock.set(message.NotBefore.Add(4 * 3600e9)) // noon
		c.send()
		require.Contains(t, because(explain(t), "cap"), "outside officer hours")
	})
	t.Run("SaysHowItEnded", func(t *testing.T) {
		c.clock.set(message.NotBefore.Add(6 * 3600e9))
		c.send()
		e := explain(t)
		require.Contains(t, because(e, "event"), "accepted")
		require.Contains(t, because(e, "cap"), "outside officer hours")
	})
}

func TestExplainSilence(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	made := c.enrol("YY-1", 0)
	explain := func(t *testing.T) carelog.Explanation {
		t.Helper()
		e, err := c.app.ExplainSilence(c.ctx(), c.officer, made.Recipient)
		require.NoError(t, err)
		bothWays(t, e)
		return e
	}
	t.Run("NamesTheNextTextAndTheNextCheckIn", func(t *testing.T) {
		e := explain(t)
		require.Contains(t, e.Answer.English, "nothing is due before")
		require.Contains(t, because(e, "template"), "the next check-in is due on")
	})
	t.Run("SaysWhoDecidesAboutAPausedPlan", func(t *testing.T) {
		review := calendar.Of(c.clock.now()).AddDays(30)
		_, err := c.app.PausePlan(c.ctx(), c.officer, made.Plan, review, "外出务工")
		require.NoError(t, err)
		e := explain(t)
		require.Contains(t, e.Answer.English, "the plan is paused")
		require.Contains(t, e.Answer.English, review.String())
	})
	t.Run("SaysThatTheContactOptedOut", func(t *testing.T) {
		c.reply(contactPhone, "TD")
		require.Contains(t, because(explain(t), "contact"), "asked for no more texts")
	})
}

func TestExplainAlert(t *testing.T) {
	t.Parallel()
	c, made := visited(t, "3033333333")
	var id carelog.AlertID
	require.NoError(t, c.pool.QueryRow(c.ctx(), "SELECT id FROM alerts WHERE recipient_id = $1 AND rule = 'R1'", made.Recipient).Scan(&id))
	explain := func(t *testing.T) carelog.Explanation {
		t.Helper()
		e, err := c.app.ExplainAlert(c.ctx(), c.officer, id)
		require.NoError(t, err)
		bothWays(t, e)
		return e
	}
	t.Run("NamesTheDomainAndTheTimeToAct", func(t *testing.T) {
		e := explain(t)
		require.Contains(t, e.Answer.English, "Income and debt")
		require.Contains(t, e.Answer.English, "rule R1, red, act within 24 hours")
		require.Contains(t, because(e, "rule"), "somebody has to act by")
	})
	t.Run("SaysWhoIsToldNext", func(t *testing.T) {
		require.Contains(t, because(explain(t), "ladder"), "somebody is told next on")
	})
	t.Run("KeepsSilenceFromSayingThatNothingIsDue", func(t *testing.T) {
		e, err := c.app.ExplainSilence(c.ctx(), c.officer, made.Recipient)
		require.NoError(t, err)
		bothWays(t, e)
		require.Equal(t, "alerts that are open and wait for a person: 1", e.Answer.English)
	})
	t.Run("SaysHowItEnded", func(t *testing.T) {
		c.resolve("red_alert")
		e := explain(t)
		require.Contains(t, because(e, "event"), "it ended as resolved")
		require.Contains(t, because(e, "ladder"), "the ladder stopped on")
	})
	t.Run("IsReadLikeAFileAndAudited", func(t *testing.T) {
		require.Positive(t, c.count("SELECT count(*) FROM audit WHERE act = 'alert_explained'"))
		_, err := c.app.ExplainAlert(c.ctx(), c.admin, id)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
	})
}
