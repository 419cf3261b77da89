package carelog_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/notify"
)

// mistyped is the code with one wrong character: one that is no code, and that no
// other code of the county is one mistake away from.
func mistyped(t *testing.T, code string, others ...string) string {
	t.Helper()
	for _, symbol := range "23456789ABCDEFGHJKMNPQRSTVWXYZ" {
		wrong := code[:2] + string(symbol) + code[3:]
		far := wrong != code
		for _, other := range others {
			differs := 0
			for i := range other {
				if other[i] != wrong[i] {
					differs++
				}
			}
			far = far && differs > 2
		}
		if far && !notify.ValidCode(wrong) {
			return wrong
		}
	}
	t.Fatal("no such code")
	return ""
}

// notes are the words that stand in a recipient's history.
func (c *county) notes(id carelog.RecipientID) string {
	c.t.Helper()
	var all []string
	for _, e := range c.history(id) {
		all = append(all, string(e.Details))
	}
	return strings.Join(all, "\n")
}

// decisions are what was decided on the parts of the last reply, in their order.
func (c *county) decisions() string {
	c.t.Helper()
	return strings.Join(c.names("SELECT decision FROM inbound_answers WHERE inbound_id = (SELECT id FROM inbound_messages ORDER BY id DESC LIMIT 1) ORDER BY position"), " ")
}

func TestPartsOfAReply(t *testing.T) {
	t.Parallel()

	t.Run("ClearAnswersCountBesideAnUnclearOne", func(t *testing.T) {
		t.Parallel()
		c, made, codes := askedTwice(t)
		c.reply(contactPhone, codes[0]+" 1 "+mistyped(t, codes[1], codes[0])+" 2")
		require.Equal(t, "done", c.village(made[0].Recipient).State)
		require.Equal(t, "planned", c.village(made[1].Recipient).State)
		require.Equal(t, "matched triage", c.decisions())
		require.Equal(t, 1, c.tasks("triage"))
		state, _ := c.inbound()
		require.Equal(t, "triage", state)
		answers := to(c.send(), contactPhone)
		require.Len(t, answers, 1)
		require.Contains(t, answers[0].Text, "您说的是编号"+codes[1])
		c.keeps()
	})

	t.Run("AClearAnswerCountsBesideACodeWithoutOne", func(t *testing.T) {
		t.Parallel()
		c, made, codes := askedTwice(t)
		c.reply(contactPhone, codes[0]+" 1 "+codes[1])
		require.Equal(t, "done", c.village(made[0].Recipient).State)
		require.Equal(t, "planned", c.village(made[1].Recipient).State)
		require.Equal(t, "matched triage", c.decisions())
	})

	t.Run("ANoteBesideTwoCodesGoesIntoNoHistory", func(t *testing.T) {
		t.Parallel()
		c, made, codes := askedTwice(t)
		c.reply(contactPhone, codes[0]+" 1 "+codes[1]+" 1 麦子收完了")
		for _, m := range made {
			require.Equal(t, "done", c.village(m.Recipient).State)
			require.NotContains(t, c.notes(m.Recipient), "麦子")
		}
		require.Equal(t, "matched matched triage", c.decisions())
		require.Equal(t, 1, c.tasks("triage"))
		tasks, err := c.app.Tasks(c.ctx(), c.officer, carelog.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, tasks, 1)
		require.Contains(t, tasks[0].Said, "麦子收完了")
		require.Equal(t, 2, c.count("SELECT cardinality(sealed_for) FROM inbound_messages"), "it goes when the key of either goes")
		answers := to(c.send(), contactPhone)
		require.Len(t, answers, 1)
		require.Contains(t, answers[0].Text, codes[0])
		require.Contains(t, answers[0].Text, codes[1])
		c.keeps()
		c.exec("UPDATE recipients SET data_key = NULL WHERE id = $1", made[1].Recipient)
		tasks, err = c.app.Tasks(c.ctx(), c.officer, carelog.Page{Limit: 10})
		require.NoError(t, err)
		require.Empty(t, tasks[0].Said, "the key of one household was destroyed")
	})

	t.Run("AnUnclearReplyWaitsInTheContactsOffice", func(t *testing.T) {
		t.Parallel()
		c, _, _ := askedTwice(t)
		above := c.addOffice("370300", "淄博市人民检察院", carelog.OfficeID{})
		c.exec("UPDATE lines SET office_id = $1", above)
		c.reply(contactPhone, "1")
		require.Equal(t, 1, c.count("SELECT count(*) FROM tasks WHERE kind = 'triage' AND office_id = $1", c.office))
		require.Len(t, c.inbox(), 1)
	})

	t.Run("ANoteBesideOneCodeStaysInItsHistory", func(t *testing.T) {
		t.Parallel()
		c, made, codes := askedTwice(t)
		c.reply(contactPhone, codes[0]+" 1 麦子收完了")
		require.Contains(t, c.notes(made[0].Recipient), "麦子收完了")
		require.NotContains(t, c.notes(made[1].Recipient), "麦子收完了")
		require.Zero(t, c.tasks("triage"))
	})

	t.Run("AnswersInWordsBesideTwoCodesAreNoNote", func(t *testing.T) {
		t.Parallel()
		c, _, codes := askedTwice(t)
		c.reply(contactPhone, codes[0]+" 1 平安 "+codes[1]+" 2 有困难,谢谢")
		require.Equal(t, "matched matched", c.decisions())
		require.Zero(t, c.tasks("triage"))
	})

	t.Run("UrgentWordsBesideTwoCodesAreRedForBoth", func(t *testing.T) {
		t.Parallel()
		c, made, codes := askedTwice(t)
		c.reply(contactPhone, codes[0]+" 1 "+codes[1]+" 出事了 快来")
		for _, m := range made {
			require.Equal(t, 1, c.count("SELECT count(*) FROM alerts WHERE level = 'red' AND recipient_id = $1", m.Recipient))
			require.NotContains(t, c.notes(m.Recipient), "快来")
		}
		require.Equal(t, 2, c.tasks("urgent_reply"))
		c.keeps()
	})

	t.Run("TwoRepliesAboutTheSameTwoHouseholdsWaitForEachOther", func(t *testing.T) {
		t.Parallel()
		c, made, codes := askedTwice(t)
		done := make(chan error, 2)
		for i, text := range []string{codes[0] + " 1 " + codes[1] + " 1", codes[1] + " 1 " + codes[0] + " 1"} {
			require.NoError(t, c.app.StoreReply(c.ctx(), carelog.Inbound{Carrier: "twilio", CarrierMessageID: fmt.Sprint("MO", i), From: contactPhone, To: lineNumber, Text: text}))
		}
		for _, id := range c.queue.replies {
			go func() { done <- c.work.ReceiveReply(c.ctx(), id) }()
		}
		require.NoError(t, <-done)
		require.NoError(t, <-done)
		for _, m := range made {
			require.Equal(t, "done", c.village(m.Recipient).State)
		}
		require.Equal(t, 2, c.count("SELECT count(*) FROM inbound_answers WHERE decision = 'late'"))
	})
}

func TestQuestionsBack(t *testing.T) {
	t.Parallel()

	t.Run("ACodeWithOneWrongCharacterIsSuggestedNotGuessed", func(t *testing.T) {
		t.Parallel()
		c, made, codes := askedTwice(t)
		c.reply(contactPhone, mistyped(t, codes[1], codes[0])+" 2")
		for _, m := range made {
			require.Equal(t, "planned", c.village(m.Recipient).State)
			require.NotContains(t, c.kinds(m.Recipient), "reply_received")
		}
		require.Zero(t, c.count("SELECT count(*) FROM alerts"))
		require.Zero(t, c.count("SELECT count(*) FROM inbound_messages WHERE recipient_id IS NOT NULL"), "nothing is booked")
		answers := to(c.send(), contactPhone)
		require.Len(t, answers, 1)
		require.Contains(t, answers[0].Text, "您说的是编号"+codes[1])
		require.NotContains(t, answers[0].Text, codes[0])
		require.Contains(t, answers[0].Text, "12309")
		require.Equal(t, 1, c.tasks("triage"))
		c.keeps()
	})

	t.Run("ACodeNobodyCanMakeOutIsAskedAbout", func(t *testing.T) {
		t.Parallel()
		c, _, codes := askedTwice(t)
		c.reply(contactPhone, mistyped(t, "K7Q2M", codes...)+" 1")
		answers := to(c.send(), contactPhone)
		require.Len(t, answers, 1)
		require.Contains(t, answers[0].Text, "您有2件任务待复")
	})

	t.Run("OneClarifyingTextThenAPerson", func(t *testing.T) {
		t.Parallel()
		c, made, _ := askedTwice(t)
		c.reply(contactPhone, "1")
		require.Len(t, to(c.send(), contactPhone), 1)
		require.Equal(t, 1, c.tasks("triage"), "no reply waits for an answer that may never come")
		c.later(time.Minute)
		c.reply(contactPhone, "啥意思")
		require.Empty(t, to(c.send(), contactPhone), "it was asked once")
		require.Equal(t, 2, c.tasks("triage"))
		_, reason := c.inbound()
		require.Contains(t, reason, "unclear again after we asked back: ")
		for _, m := range made {
			require.Equal(t, "planned", c.village(m.Recipient).State)
		}
		c.later(30 * time.Hour)
		require.Equal(t, 2, c.count("SELECT count(*) FROM tasks WHERE kind = 'triage' AND state = 'open' AND act_by IS NOT NULL"))
		c.keeps()
	})

	t.Run("AClearAnswerAfterTheQuestionEndsTheTask", func(t *testing.T) {
		t.Parallel()
		c, made, codes := askedTwice(t)
		c.reply(contactPhone, "1")
		c.send()
		c.later(time.Hour)
		c.reply(contactPhone, codes[1]+" 1")
		require.Equal(t, "done", c.village(made[1].Recipient).State)
		require.Zero(t, c.count("SELECT count(*) FROM tasks WHERE kind = 'triage' AND state = 'open'"))
		require.Equal(t, 1, c.count("SELECT count(*) FROM tasks WHERE ended_why = 'answered after the question'"))
		require.Equal(t, 1, c.count("SELECT count(*) FROM inbound_messages WHERE state = 'settled'"))
		c.later(time.Minute)
		c.reply(contactPhone, "嗯嗯嗯嗯")
		require.Len(t, to(c.send(), contactPhone), 1, "what is unclear anew is asked anew")
		c.keeps()
	})

	t.Run("AClearAnswerTwoDaysLaterLeavesTheTaskToAPerson", func(t *testing.T) {
		t.Parallel()
		c, _, codes := askedTwice(t)
		c.reply(contactPhone, "1")
		c.send()
		c.later(48 * time.Hour)
		c.reply(contactPhone, codes[1]+" 1")
		require.Equal(t, 1, c.count("SELECT count(*) FROM tasks WHERE kind = 'triage' AND state = 'open'"))
	})

	t.Run("TwoUnclearRepliesAtOnceAreAskedAboutOnce", func(t *testing.T) {
		t.Parallel()
		c, _, _ := askedTwice(t)
		done := make(chan error, 4)
		for i := range 4 {
			require.NoError(t, c.app.StoreReply(c.ctx(), carelog.Inbound{Carrier: "twilio", CarrierMessageID: fmt.Sprint("MO", i), From: contactPhone, To: lineNumber, Text: "1"}))
		}
		for _, id := range c.queue.replies {
			go func() { done <- c.work.ReceiveReply(c.ctx(), id) }()
		}
		for range 4 {
			require.NoError(t, <-done)
		}
		require.Equal(t, 1, c.count("SELECT count(*) FROM messages WHERE purpose = 'answer'"))
	})
}
