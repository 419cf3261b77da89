package carelog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/migrations/pgtest"
)

// reminded is a county whose officer has just been reminded of a phone call.
func reminded(t *testing.T) (c *county, made carelog.Enrolled, check carelog.CheckInID, code string) {
	t.Helper()
	c = newCounty(t)
	made = c.enrol("A-1", 176)
	c.clock.set(calendar.New(2026, time.November, 24).At(9, 30))
	for range 60 {
		if len(to(c.send(), officerPhone)) > 0 {
			break
		}
		c.later(24 * time.Hour)
		c.plan()
	}
	err := c.pool.QueryRow(c.ctx(), `SELECT a.code, a.check_in_id FROM asks a WHERE a.recipient_id = $1 AND a.code IS NOT NULL
		AND a.purpose = 'officer_reminder' AND a.state = 'open'`, made.Recipient).Scan(&code, &check)
	require.NoError(t, err)
	return c, made, check, code
}

func TestOfficersTexts(t *testing.T) {
	t.Parallel()

	for name, words := range map[string]string{"Zero": " 0", "InWords": " 没接", "InASentence": " 没人接电话"} {
		t.Run("AnOfficersCodeRecordsAnAttempt/"+name, func(t *testing.T) {
			t.Parallel()
			c, made, check, code := reminded(t)
			c.later(time.Minute)
			c.reply(officerPhone, code+words)
			entries := c.history(made.Recipient)
			last := entries[len(entries)-1]
			require.Equal(t, "check_in_attempted", last.Kind)
			require.Equal(t, carelog.Person, last.ActorKind)
			require.Equal(t, c.officer.User.String(), last.ActorID)
			require.Equal(t, 1, c.count("SELECT count(*) FROM check_in_records WHERE check_in_id = $1 AND outcome = 'no_answer' AND recorded_by = $2", check, c.officer.User))
			require.Equal(t, 1, c.count("SELECT count(*) FROM check_ins WHERE id = $1 AND state <> 'done' AND next_try_on IS NOT NULL", check))
			require.Equal(t, "attempted", c.decisions())
			require.Empty(t, to(c.claim(), officerPhone))
			c.keeps()
		})
	}

	t.Run("ACodeWithAnythingElseIsANoteAndCompletesNothing", func(t *testing.T) {
		t.Parallel()
		c, made, check, code := reminded(t)
		c.reply(officerPhone, code+" 1 改到下周去")
		entries := c.history(made.Recipient)
		require.Equal(t, "officer_text_noted", entries[len(entries)-1].Kind)
		require.Contains(t, string(entries[len(entries)-1].Details), "改到下周去")
		require.Zero(t, c.count("SELECT count(*) FROM check_ins WHERE id = $1 AND state = 'done'", check))
		require.Zero(t, c.count("SELECT count(*) FROM check_in_records WHERE check_in_id = $1", check))
		require.Equal(t, "noted", c.decisions())
	})

	t.Run("AnOfficersTextWithoutACodeGoesToTriage", func(t *testing.T) {
		t.Parallel()
		c, _, _, _ := reminded(t)
		c.reply(officerPhone, "1")
		state, reason := c.inbound()
		require.Equal(t, "triage", state)
		require.Equal(t, "from an officer's own number, without a task code: note it in the file it is about", reason)
		require.Equal(t, 1, c.tasks("triage"))
		require.Empty(t, to(c.claim(), officerPhone), "an officer is asked nothing back")
	})

	t.Run("AnOfficersStopIsAPersonsToLookAtAndTheirTextsGoOn", func(t *testing.T) {
		t.Parallel()
		c, _, _ := asked(t)
		c.reply(officerPhone, "TD")
		require.Contains(t, c.taskReason("triage"), "from one of our own people")
		require.Equal(t, 1, c.count("SELECT count(*) FROM tasks WHERE kind = 'triage' AND office_id = $1", c.office))
		_, err := c.app.SendTest(c.ctx(), c.officer)
		require.NoError(t, err)
		require.NotEmpty(t, to(c.send(), officerPhone))
	})

	t.Run("AnOfficerOfAnotherOfficeRecordsNothing", func(t *testing.T) {
		t.Parallel()
		c, made, _, code := reminded(t)
		c.addUser(c.addOffice("370324", "沂水县人民检察院", carelog.OfficeID{}), "sun", "+8615400000301", carelog.Officer)
		before := len(c.history(made.Recipient))
		c.reply("+8615400000301", code+" 0")
		state, _ := c.inbound()
		require.Equal(t, "triage", state)
		require.NotContains(t, c.kinds(made.Recipient)[before:], "check_in_attempted")
		require.Equal(t, 1, c.tasks("triage"))
	})

	t.Run("ACodeOfASettledTaskGoesToTriage", func(t *testing.T) {
		t.Parallel()
		c, _, check, code := reminded(t)
		c.exec("UPDATE asks SET state = 'closed' WHERE check_in_id = $1", check)
		c.reply(officerPhone, code+" 0")
		state, _ := c.inbound()
		require.Equal(t, "triage", state)
	})

	t.Run("OfAPhoneThatIsAContactsAndAnOfficersTheContactsCodeWins", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		c.addUser(c.office, "qian", contactPhone, carelog.Officer)
		c.reply(contactPhone, code+" 1")
		require.Equal(t, "done", c.village(made.Recipient).State)
		require.Equal(t, "matched", c.decisions())
	})

	t.Run("PeopleAddedBeforeAreFoundOnceTheirNumbersAreIndexed", func(t *testing.T) {
		t.Parallel()
		c, _, _, code := reminded(t)
		c.exec("UPDATE users SET phone_index = NULL")
		indexed, err := c.work.IndexStaffNumbers(c.ctx(), 100)
		require.NoError(t, err)
		require.Equal(t, 3, indexed)
		indexed, err = c.work.IndexStaffNumbers(c.ctx(), 100)
		require.NoError(t, err)
		require.Zero(t, indexed, "somebody without a number is not looked at for ever")
		c.reply(officerPhone, code+" 0")
		require.Equal(t, "attempted", c.decisions())
	})
}

func TestAnEchoOfOurOwnWordsGetsNoAnswer(t *testing.T) {
	t.Parallel()
	for name, mark := range map[string]string{"Echo": "echo", "Automatic": "automatic"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, made, _ := asked(t)
			c.work = c.hearing(mark)
			c.reply(contactPhone, "我现在有事，稍后回复您")
			require.Empty(t, c.claim().Send)
			require.Zero(t, c.count("SELECT count(*) FROM messages WHERE purpose = 'answer'"))
			require.Equal(t, 1, c.tasks("triage"), "and yet it lands with a person")
			require.Equal(t, 1, c.count("SELECT count(*) FROM inbound_messages WHERE mark = $1", mark))
			require.Equal(t, "planned", c.village(made.Recipient).State)
			c.keeps()
		})
	}
	t.Run("ShortCode", func(t *testing.T) {
		t.Parallel()
		c, _, _ := asked(t)
		c.reply("10086", "您的话费余额不足")
		require.Zero(t, c.count("SELECT count(*) FROM messages WHERE purpose = 'answer'"))
		require.Equal(t, 1, c.tasks("triage"))
	})
}

// marking reads every text as one of a mark.
type marking struct {
	carelog.Words
	mark string
}

func (m marking) Read(string) (answers [][2]string, misspelt []string, mark, note string) {
	return nil, nil, m.mark, ""
}

// hearing is a worker that hears a mark in every text.
func (c *county) hearing(mark string) *carelog.Log {
	c.t.Helper()
	config := c.config
	config.DB, config.Words = pgtest.Pool(c.t, c.db.Work), marking{config.Words, mark}
	return carelog.New(config)
}
