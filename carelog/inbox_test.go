package carelog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

// inbox are the replies in the officer's inbox.
func (c *county) inbox() []carelog.WaitingReply {
	c.t.Helper()
	list, err := c.app.Inbox(c.ctx(), c.officer, carelog.Page{Limit: 50})
	require.NoError(c.t, err)
	return list
}

// askOf is the suggested request of that code; a stranger's own code is no suggestion
// of the number, so the request it was decided on.
func askOf(t *testing.T, w carelog.WaitingReply, code string) carelog.AskID {
	t.Helper()
	for _, s := range w.Suggestions {
		if s.Code == code {
			return s.Ask
		}
	}
	for _, d := range w.Decisions {
		if d.Code == code {
			return d.Ask
		}
	}
	t.Fatal("the request is not suggested")
	return carelog.AskID{}
}

func TestInbox(t *testing.T) {
	t.Parallel()

	t.Run("SuggestsTheOpenRequestOfTheNumber", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		c.reply(contactPhone, "啥意思")
		c.send()
		list := c.inbox()
		require.Len(t, list, 1)
		w := list[0]
		require.Equal(t, "啥意思", w.Said)
		require.Equal(t, "0101", w.PhoneEnding)
		require.Equal(t, "赵某", w.ContactName)
		require.Equal(t, "nothing in it was understood as an answer", w.Reason)
		require.Equal(t, "accepted", w.Question)
		require.NotNil(t, w.ActBy)
		require.Len(t, w.Suggestions, 1)
		require.Equal(t, made.Recipient, w.Suggestions[0].Recipient)
		require.Equal(t, code, w.Suggestions[0].Code)
		require.Equal(t, "open", w.Suggestions[0].Why)
		require.Equal(t, "马某某", w.Suggestions[0].MaskedName)
		require.Len(t, w.Decisions, 1)
		require.Equal(t, "triage", w.Decisions[0].Decision)
	})

	t.Run("SuggestsWhatIsOneMistakeAwayAndWhatClosedLately", func(t *testing.T) {
		t.Parallel()
		c, _, codes := askedTwice(t)
		c.reply(contactPhone, codes[0]+" 1")
		c.later(time.Hour)
		c.reply(strangerPhone, mistyped(t, codes[1], codes[0])+" 1")
		c.reply(contactPhone, "啥意思")
		list := c.inbox()
		require.Len(t, list, 2)
		require.Len(t, list[0].Suggestions, 1)
		require.Equal(t, codes[1], list[0].Suggestions[0].Code)
		require.Equal(t, "one_mistake", list[0].Suggestions[0].Why)
		require.Len(t, list[1].Suggestions, 2)
		require.Equal(t, "open", list[1].Suggestions[0].Why)
		require.Equal(t, "closed_lately", list[1].Suggestions[1].Why)
		require.Equal(t, codes[0], list[1].Suggestions[1].Code)
		c.later(15 * 24 * time.Hour)
		require.Len(t, c.inbox()[1].Suggestions, 1, "what closed long ago is suggested no more")
	})

	t.Run("SuggestsTheContactsOfTheVillageForACodeFromAStranger", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		c.addContact("钱某", "+8615400000102")
		c.reply(strangerPhone, code+" 1")
		w := c.inbox()[0]
		require.Equal(t, made.Recipient, w.Recipient)
		require.Len(t, w.Neighbours, 2)
		require.Equal(t, "unverified", w.Decisions[0].Decision)
	})

	t.Run("NobodySeesAnotherOfficesInbox", func(t *testing.T) {
		t.Parallel()
		c, _, code := asked(t)
		c.reply(strangerPhone, code+" 1")
		w := c.inbox()[0]
		elsewhere := c.addOffice("370324", "沂水县人民检察院", carelog.OfficeID{})
		sun := c.addUser(elsewhere, "sun", "+8615400000301", carelog.Officer)
		list, err := c.app.Inbox(c.ctx(), sun, carelog.Page{Limit: 50})
		require.NoError(t, err)
		require.Empty(t, list)
		err = c.app.SettleReply(c.ctx(), sun, w.ID, carelog.Settlement{Decision: "nothing", Why: "x"})
		require.Equal(t, carelog.NotFound, carelog.KindOf(err))
		_, err = c.app.Replies(c.ctx(), sun, w.Recipient, carelog.Page{Limit: 50})
		require.Equal(t, carelog.NotFound, carelog.KindOf(err))
		_, err = c.app.Inbox(c.ctx(), c.admin, carelog.Page{Limit: 50})
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.SettleReply(c.ctx(), c.admin, w.ID, carelog.Settlement{Decision: "nothing", Why: "x"})))
	})
}

func TestSettlingReplies(t *testing.T) {
	t.Parallel()

	t.Run("OneActSettlesAReplyAndTheHistorySaysWho", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		c.reply(strangerPhone, code+" 1 换了新号")
		w := c.inbox()[0]
		s := carelog.Settlement{Decision: "match", Ask: askOf(t, w, code), Digit: 1, Why: "已致电核实是赵某的新号"}
		require.NoError(t, c.app.SettleReply(c.ctx(), c.officer, w.ID, s))
		require.Equal(t, "done", c.village(made.Recipient).State)
		require.Empty(t, c.inbox())
		require.Zero(t, c.tasks("triage"))
		state, reason := c.inbound()
		require.Equal(t, "matched", state)
		require.Equal(t, "matched by hand", reason)
		var heard *carelog.Entry
		for _, e := range c.history(made.Recipient) {
			if e.Kind == "reply_received" {
				heard = &e
			}
		}
		require.NotNil(t, heard)
		require.Equal(t, carelog.Person, heard.ActorKind)
		require.Equal(t, c.officer.User.String(), heard.ActorID)
		for _, said := range []string{`"matched":"matched by hand"`, `"why":"已致电核实是赵某的新号"`, `"source":"unverified_number"`, `换了新号`} {
			require.Contains(t, string(heard.Details), said)
		}
		list, err := c.app.Replies(c.ctx(), c.boss, made.Recipient, carelog.Page{Limit: 50})
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Contains(t, list[0].Said, "换了新号")
		require.Len(t, list[0].Decisions, 2)
		require.Equal(t, "unverified", list[0].Decisions[0].Decision)
		require.Equal(t, "matched", list[0].Decisions[1].Decision)
		require.Equal(t, c.officer.User, list[0].Decisions[1].By)
		require.Equal(t, carelog.Conflict, carelog.KindOf(c.app.SettleReply(c.ctx(), c.officer, w.ID, s)))
		c.keeps()
	})

	t.Run("TheRestOfAReplyIsMatchedBesideWhatWasClear", func(t *testing.T) {
		t.Parallel()
		c, made, codes := askedTwice(t)
		c.reply(contactPhone, codes[0]+" 1 "+mistyped(t, codes[1], codes[0])+" 2")
		w := c.inbox()[0]
		require.NoError(t, c.app.SettleReply(c.ctx(), c.officer, w.ID, carelog.Settlement{Decision: "match", Ask: askOf(t, w, codes[1]), Digit: 2, Why: "编码错一位"}))
		require.Equal(t, "done", c.village(made[1].Recipient).State)
		require.Equal(t, 1, c.tasks("phone_household"))
		require.Equal(t, 2, c.count("SELECT cardinality(sealed_for) FROM inbound_messages"))
		for _, m := range made {
			list, err := c.app.Replies(c.ctx(), c.boss, m.Recipient, carelog.Page{Limit: 50})
			require.NoError(t, err)
			require.Len(t, list, 1)
			require.NotEmpty(t, list[0].Said)
		}
		c.keeps()
	})

	t.Run("ANoteGoesIntoTheNamedFileAlone", func(t *testing.T) {
		t.Parallel()
		c, made, codes := askedTwice(t)
		c.reply(contactPhone, codes[0]+" 1 "+codes[1]+" 1 麦子收完了")
		w := c.inbox()[0]
		require.NoError(t, c.app.SettleReply(c.ctx(), c.officer, w.ID, carelog.Settlement{Decision: "note", Recipient: made[1].Recipient, Why: "问过,说的是第二户"}))
		require.NotContains(t, c.notes(made[0].Recipient), "麦子")
		require.Contains(t, c.notes(made[1].Recipient), "麦子")
		require.Contains(t, c.kinds(made[1].Recipient), "reply_noted")
		require.Zero(t, c.tasks("triage"))
		c.keeps()
	})

	t.Run("AWrongNumberHasTheContactReplaced", func(t *testing.T) {
		t.Parallel()
		c, _, _ := asked(t)
		c.reply(contactPhone, "这是哪里的短信呀")
		w := c.inbox()[0]
		require.NoError(t, c.app.SettleReply(c.ctx(), c.officer, w.ID, carelog.Settlement{Decision: "wrong_number", Why: "接电话的是外地人"}))
		require.Equal(t, 1, c.tasks("contact_change"))
		require.Zero(t, c.tasks("triage"))
		require.Equal(t, 1, c.count("SELECT count(*) FROM numbers WHERE state = 'quarantined'"))
		c.reply(strangerPhone, "我不是本人")
		err := c.app.SettleReply(c.ctx(), c.officer, c.inbox()[0].ID, carelog.Settlement{Decision: "wrong_number", Why: "x"})
		require.Equal(t, carelog.Invalid, carelog.KindOf(err))
	})

	t.Run("UrgentWordsAskForADeedFirst", func(t *testing.T) {
		t.Parallel()
		c, _, code := asked(t)
		c.reply(contactPhone, code+" 出事了 快来")
		w := c.inbox()[0]
		nothing := carelog.Settlement{Decision: "nothing", Why: "误报"}
		require.Equal(t, carelog.Conflict, carelog.KindOf(c.app.SettleReply(c.ctx(), c.officer, w.ID, nothing)))
		require.Len(t, c.inbox(), 1)
		require.NoError(t, c.app.SettleReply(c.ctx(), c.boss, w.ID, nothing))
		require.Empty(t, c.inbox())
	})

	t.Run("ABarredHouseholdIsMatchedToNothing", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		c.reply(strangerPhone, code+" 1")
		w := c.inbox()[0]
		ask := askOf(t, w, code)
		_, err := c.app.BarVillage(c.ctx(), c.officer, made.Plan, "safety", "x")
		require.NoError(t, err)
		require.Empty(t, c.inbox()[0].Suggestions)
		err = c.app.SettleReply(c.ctx(), c.officer, w.ID, carelog.Settlement{Decision: "match", Ask: ask, Digit: 1, Why: "x"})
		require.Equal(t, carelog.Conflict, carelog.KindOf(err))
	})

	t.Run("RefusesWhatIsNotSaid", func(t *testing.T) {
		t.Parallel()
		c, _, _ := asked(t)
		c.reply(contactPhone, "啥意思")
		w := c.inbox()[0]
		for _, s := range []carelog.Settlement{{}, {Decision: "match", Why: "x"}, {Decision: "match", Ask: w.Suggestions[0].Ask, Digit: 5, Why: "x"}, {Decision: "note", Why: "x"}, {Decision: "nothing"}} {
			require.Equal(t, carelog.Invalid, carelog.KindOf(c.app.SettleReply(c.ctx(), c.officer, w.ID, s)), "%+v", s)
		}
		require.Len(t, c.inbox(), 1)
	})

	t.Run("ATaskThatIsDoneTakesItsReplyAlong", func(t *testing.T) {
		t.Parallel()
		c, _, _ := asked(t)
		c.reply(contactPhone, "啥意思")
		tasks, err := c.app.Tasks(c.ctx(), c.officer, carelog.Page{Limit: 10})
		require.NoError(t, err)
		require.NoError(t, c.app.ResolveTask(c.ctx(), c.officer, tasks[0].ID, "已电话问清"))
		require.Empty(t, c.inbox())
		require.Equal(t, "triage nothing", c.decisions())
	})
}
