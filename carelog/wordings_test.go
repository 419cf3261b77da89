package carelog_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

const otherWords = "【{office}】烦请到{alias}看一看,任务{code},{due}前。看后回复{code} 1平安 2有困难 3没见到。可问经办人"

// withWordings is a county whose office is the top one, with two administrators
// and the shipped wordings.
func withWordings(t *testing.T) (*county, carelog.Actor) {
	t.Helper()
	c := newCounty(t)
	added, err := c.work.EnsureWordings(c.ctx(), carelog.TheSystem())
	require.NoError(t, err)
	require.Positive(t, added)
	return c, c.addUser(c.office, "second", "", carelog.SystemAdministrator)
}

// overAliyun has the county speak through the carrier that approves its texts.
func (c *county) overAliyun() {
	c.t.Helper()
	line, err := c.work.EnsureLine(c.ctx(), carelog.TheSystem(), "aliyun", "沂源县检察院", c.office)
	require.NoError(c.t, err)
	require.NoError(c.t, c.app.SetRoute(c.ctx(), c.admin, c.office, "+86", line))
	c.line = line
}

func (c *county) saveWording(text string) carelog.WordingVersion {
	c.t.Helper()
	saved, err := c.app.SaveWording(c.ctx(), c.admin, carelog.Wording{Key: "village_request", Text: text})
	require.NoError(c.t, err)
	return saved
}

func (c *county) approve(version int, a carelog.Approval) {
	c.t.Helper()
	a.Carrier = "aliyun"
	_, err := c.app.RecordApproval(c.ctx(), c.admin, "village_request", "zh", version, a)
	require.NoError(c.t, err)
}

func TestWordings(t *testing.T) {
	t.Parallel()

	t.Run("TheShippedOnesAreVersionOneAndComeOnce", func(t *testing.T) {
		t.Parallel()
		c, _ := withWordings(t)
		again, err := c.work.EnsureWordings(c.ctx(), carelog.TheSystem())
		require.NoError(t, err)
		require.Zero(t, again)
		list, err := c.app.Wordings(c.ctx(), c.boss)
		require.NoError(t, err)
		for _, w := range list {
			require.Equal(t, 1, w.Version, w.Key)
			require.Equal(t, "in_force", w.State)
			require.Positive(t, w.Segments)
			require.NotEmpty(t, w.Placeholders)
			require.Empty(t, w.Approvals)
		}
		_, err = c.app.Wordings(c.ctx(), c.officer)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
	})

	t.Run("WhoSavesAWordingDoesNotPutItInForce", func(t *testing.T) {
		t.Parallel()
		c, second := withWordings(t)
		saved := c.saveWording(otherWords)
		require.Equal(t, 2, saved.Version)
		require.Equal(t, "draft", saved.State)
		require.Len(t, saved.Placeholders, 4, "those of the shipped wording that the text names")
		for _, by := range []carelog.Actor{c.admin, c.boss, c.officer} {
			_, err := c.app.PutInForce(c.ctx(), by, "village_request", "zh", 2)
			require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		}
		put, err := c.app.PutInForce(c.ctx(), second, "village_request", "zh", 2)
		require.NoError(t, err)
		require.Equal(t, "in_force", put.State)
		_, err = c.app.PutInForce(c.ctx(), second, "village_request", "zh", 2)
		require.Equal(t, carelog.Conflict, carelog.KindOf(err))
		_, err = c.app.PutInForce(c.ctx(), second, "village_request", "zh", 3)
		require.Equal(t, carelog.NotFound, carelog.KindOf(err))
		made := c.enrol("A-1", 176)
		sent := to(c.send(), contactPhone)
		require.Len(t, sent, 1)
		require.Contains(t, sent[0].Text, "烦请到2组老马家看一看")
		require.Empty(t, sent[0].Template)
		require.Equal(t, 1, c.count("SELECT count(*) FROM messages WHERE recipient_id = $1 AND contact_id IS NOT NULL AND wording_version = 2 AND language = 'zh'", made.Recipient))
		_, err = c.app.PutInForce(c.ctx(), second, "village_request", "zh", 1)
		require.NoError(t, err, "an older one may come back")
		require.Equal(t, 1, c.count("SELECT version FROM wordings WHERE key = 'village_request' AND state = 'in_force'"))
	})

	t.Run("ASisterOfficeBelowTheTopSavesNothing", func(t *testing.T) {
		t.Parallel()
		c, _ := withWordings(t)
		below := c.addUser(c.addOffice("37032301", "派出检察室", c.office), "qian", "", carelog.SystemAdministrator)
		_, err := c.app.SaveWording(c.ctx(), below, carelog.Wording{Key: "village_request", Text: otherWords})
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		_, err = c.app.RecordApproval(c.ctx(), below, "village_request", "zh", 1, carelog.Approval{Carrier: "aliyun", State: "submitted"})
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
	})

	t.Run("ABadWordingIsToldFieldByField", func(t *testing.T) {
		t.Parallel()
		c, _ := withWordings(t)
		_, err := c.app.SaveWording(c.ctx(), c.admin, carelog.Wording{
			Key: "village_request", Language: "Chinese", Text: "请看低保户{alias} {x}" + strings.Repeat("长", 220),
			Placeholders: []carelog.WordingPlaceholder{{Name: "alias", Max: 4, Holds: "alias"}},
		})
		var refused *carelog.Error
		require.ErrorAs(t, err, &refused)
		require.Equal(t, carelog.Invalid, refused.Kind)
		told := map[string]bool{}
		for _, f := range refused.Fields {
			told[f.Field+" "+f.Reason] = true
			require.NotEmpty(t, f.Chinese)
		}
		for _, sentence := range []string{
			"language is no language tag, such as zh", "text does not begin with the signature \u3010{office}\u3011",
			"text asks somebody to act and names neither 12309 nor the officer", "text contains a word that must not be sent: 低保",
			"text placeholder x is not declared", "text takes 4 segments at its longest: at most 3",
			"text placeholder code is left out: without the code nobody can answer", "placeholders[0].max placeholder alias is filled with up to 8 characters",
		} {
			require.True(t, told[sentence], "%s: %v", sentence, told)
		}
		require.Zero(t, c.count("SELECT count(*) FROM wordings WHERE version > 1"))
		_, err = c.app.RecordApproval(c.ctx(), c.admin, "village_request", "zh", 1, carelog.Approval{Carrier: "aliyun", State: "approved"})
		require.ErrorContains(t, err, "template_id")
		_, err = c.app.RecordApproval(c.ctx(), c.admin, "village_request", "zh", 1, carelog.Approval{Carrier: "twilio", State: "submitted"})
		require.ErrorContains(t, err, "carrier approves no texts")
	})

	t.Run("AnUnapprovedTextIsNeverSentAndAPersonIsAsked", func(t *testing.T) {
		t.Parallel()
		c, _ := withWordings(t)
		c.overAliyun()
		made, other := c.enrol("A-1", 176), c.enrol("A-2", 176)
		claimed := c.send()
		require.Empty(t, claimed.Send)
		require.Positive(t, claimed.Refused)
		for _, id := range []carelog.RecipientID{made.Recipient, other.Recipient} {
			require.Equal(t, 1, c.count("SELECT count(*) FROM messages WHERE recipient_id = $1 AND contact_id IS NOT NULL AND dispatch = 'failed' AND dispatch_reason = 'the wording is not approved at the carrier'", id))
			require.Positive(t, c.count("SELECT count(*) FROM tasks WHERE recipient_id = $1 AND kind = 'message_failed' AND reason = 'the wording is not approved at the carrier'", id))
		}
		require.Equal(t, 1, c.count("SELECT count(*) FROM tasks WHERE cause = 'wording:village_request:zh:1:aliyun'"), "one task for all the texts it holds back")
		require.Zero(t, c.count("SELECT count(*) FROM messages WHERE text IS NOT NULL"))
		c.keeps()
		c.approve(1, carelog.Approval{State: "approved", TemplateID: "SMS_1"})
		require.Zero(t, c.count("SELECT count(*) FROM tasks WHERE cause = 'wording:village_request:zh:1:aliyun' AND state = 'open'"))
	})

	t.Run("AnOfficesTextsGoOutInItsLanguage", func(t *testing.T) {
		t.Parallel()
		c, second := withWordings(t)
		inItsLanguage := func(by carelog.Actor, language string) error {
			is, err := c.app.TextingOf(c.ctx(), c.boss, c.office)
			require.NoError(t, err)
			is.Language = language
			return c.app.SetTexting(c.ctx(), by, is, "本地语言")
		}
		require.Equal(t, carelog.Invalid, carelog.KindOf(inItsLanguage(c.admin, "Miao")))
		require.Equal(t, carelog.Invalid, carelog.KindOf(inItsLanguage(c.admin, "hmn")), "nothing is worded in it")
		_, err := c.app.SaveWording(c.ctx(), c.admin, carelog.Wording{Key: "village_request", Language: "hmn", Text: otherWords})
		require.NoError(t, err)
		_, err = c.app.PutInForce(c.ctx(), second, "village_request", "hmn", 1)
		require.NoError(t, err)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(inItsLanguage(c.boss, "hmn")))
		require.NoError(t, inItsLanguage(c.admin, "hmn"))
		require.NoError(t, inItsLanguage(c.admin, ""), "not said is as it was")
		c.enrol("A-1", 176)
		sent := to(c.send(), contactPhone)
		require.Len(t, sent, 1)
		require.Contains(t, sent[0].Text, "烦请到2组老马家看一看")
		require.Equal(t, []string{"hmn"}, c.names("SELECT language FROM messages WHERE contact_id IS NOT NULL AND dispatch = 'accepted'"))
		c.reply(contactPhone, codeIn(t, sent[0].Text)+" 1")
		require.Contains(t, to(c.send(), contactPhone)[0].Text, "已收到", "what is not worded in it goes out in zh")
	})

	t.Run("ApprovedItGoesOutByItsTemplate", func(t *testing.T) {
		t.Parallel()
		c, _ := withWordings(t)
		c.overAliyun()
		c.approve(1, carelog.Approval{State: "submitted"})
		c.approve(1, carelog.Approval{State: "approved", TemplateID: "SMS_1", Signature: "【沂源检察】"})
		c.enrol("A-1", 176)
		sent := to(c.send(), contactPhone)
		require.Len(t, sent, 1)
		require.Equal(t, "aliyun", sent[0].Carrier)
		require.Equal(t, "SMS_1", sent[0].Template)
		require.Equal(t, "沂源检察", sent[0].Signature)
		code := sent[0].Params["code"]
		require.Equal(t, map[string]string{"alias": "2组老马家", "code": code, "due": sent[0].Params["due"]}, sent[0].Params)
		require.True(t, strings.HasPrefix(sent[0].Text, "【沂源检察】请协助看望2组老马家,任务"+code), "what is kept is what is said: %s", sent[0].Text)
	})

	t.Run("ARefusedVersionLeavesTheOldOneInForce", func(t *testing.T) {
		t.Parallel()
		c, second := withWordings(t)
		c.overAliyun()
		c.approve(1, carelog.Approval{State: "approved", TemplateID: "SMS_1"})
		c.saveWording(otherWords)
		_, err := c.app.PutInForce(c.ctx(), second, "village_request", "zh", 2)
		require.NoError(t, err)
		c.approve(2, carelog.Approval{State: "submitted"})
		c.enrol("A-1", 176)
		require.Equal(t, "SMS_1", to(c.send(), contactPhone)[0].Template, "while the new one waits")
		c.approve(2, carelog.Approval{State: "refused", Reason: "文本含变量过多"})
		c.enrol("A-2", 176)
		require.Equal(t, "SMS_1", to(c.send(), contactPhone)[0].Template, "when it is refused")
		require.Equal(t, 2, c.count("SELECT count(*) FROM messages WHERE wording = 'village_request' AND wording_version = 1 AND dispatch = 'accepted'"))
		c.approve(2, carelog.Approval{State: "approved", TemplateID: "SMS_2"})
		c.enrol("A-3", 176)
		require.Equal(t, "SMS_2", to(c.send(), contactPhone)[0].Template)
		c.approve(2, carelog.Approval{State: "refused", Reason: "撤回"})
		require.Equal(t, 4, c.count("SELECT count(*) FROM wording_approvals WHERE version = 2"), "every word is kept")
	})

	t.Run("AQuoteOfAnOldVersionIsStillOurs", func(t *testing.T) {
		t.Parallel()
		c, second := withWordings(t)
		c.saveWording("【{office}】烦请到{alias}看一看,任务{code},{due}前。家里出事了直接打电话,看后回复{code} 1平安 2有困难 3没见到。可问经办人")
		_, err := c.app.PutInForce(c.ctx(), second, "village_request", "zh", 2)
		require.NoError(t, err)
		made := c.enrol("A-1", 176)
		text := to(c.send(), contactPhone)[0].Text
		c.saveWording(otherWords)
		_, err = c.app.PutInForce(c.ctx(), second, "village_request", "zh", 3)
		require.NoError(t, err)
		c.reply(contactPhone, "1 "+text)
		require.Zero(t, c.tasks("urgent_reply"), "the cry for help in it is our own sentence")
		require.Equal(t, "done", c.village(made.Recipient).State)
	})
}

func TestRoutes(t *testing.T) {
	t.Parallel()

	t.Run("TwoOfficesSpeakThroughTwoCarriers", func(t *testing.T) {
		t.Parallel()
		c, _ := withWordings(t)
		city := c.office
		north, south := c.addOffice("37032301", "北县人民检察院", city), c.addOffice("37032302", "南县人民检察院", city)
		admin := c.addUser(south, "qian", "", carelog.SystemAdministrator)
		line, err := c.work.EnsureLine(c.ctx(), carelog.TheSystem(), "aliyun", "沂源县检察院", city)
		require.NoError(t, err)
		require.NoError(t, c.app.SetRoute(c.ctx(), admin, south, "+86", line))
		_, err = c.app.RecordApproval(c.ctx(), c.admin, "test", "zh", 1, carelog.Approval{Carrier: "aliyun", State: "approved", TemplateID: "SMS_9"})
		require.NoError(t, err)
		carrierOf := func(office carelog.OfficeID, login, phone string) string {
			person := c.addUser(office, login, phone, carelog.Officer)
			id, err := c.app.SendTest(c.ctx(), person)
			require.NoError(t, err)
			var carrier string
			require.NoError(t, c.pool.QueryRow(c.ctx(), "SELECT n.carrier FROM messages m JOIN lines n ON n.id = m.line_id WHERE m.id = $1", id).Scan(&carrier))
			return carrier
		}
		require.Equal(t, "twilio", carrierOf(north, "n1", "+8615400000401"))
		require.Equal(t, "aliyun", carrierOf(south, "s1", "+8615400000402"))
		require.Equal(t, "twilio", carrierOf(south, "s2", "+85261234567"), "the route is of one country")
		claimed, err := c.work.ClaimMessages(c.ctx(), line, 10)
		require.NoError(t, err)
		require.Len(t, claimed.Send, 1)
		require.Equal(t, "SMS_9", claimed.Send[0].Template)
		found, err := c.app.Routing(c.ctx(), admin, south)
		require.NoError(t, err)
		require.Len(t, found.Routes, 1)
		require.True(t, found.Routes[0].Heard)
		require.Len(t, found.Lines, 2, "those of the office above")
	})

	t.Run("AChildTakesTheNearestRouteAndAnOwnOneWins", func(t *testing.T) {
		t.Parallel()
		c, _ := withWordings(t)
		county := c.addOffice("37032301", "北县人民检察院", c.office)
		admin := c.addUser(c.office, "qian", "", carelog.SystemAdministrator)
		ids := map[string]carelog.LineID{"twilio": c.line}
		for _, carrier := range []string{"aliyun", "simulator"} {
			line, err := c.work.EnsureLine(c.ctx(), carelog.TheSystem(), carrier, carrier, c.office)
			require.NoError(t, err)
			ids[carrier] = line
		}
		speaks := func(country string) string {
			var carrier string
			require.NoError(t, c.pool.QueryRow(c.ctx(), "SELECT carrier FROM lines WHERE id = speaking_line($1, 'twilio', $2)", county, country).Scan(&carrier))
			return carrier
		}
		require.NoError(t, c.app.SetRoute(c.ctx(), admin, c.office, "+86", ids["aliyun"]))
		require.Equal(t, []string{"aliyun", "twilio"}, []string{speaks("+86"), speaks("+852")})
		require.NoError(t, c.app.SetRoute(c.ctx(), admin, county, "*", ids["simulator"]))
		require.Equal(t, []string{"simulator", "simulator"}, []string{speaks("+86"), speaks("+852")})
		require.NoError(t, c.app.SetRoute(c.ctx(), admin, county, "*", carelog.LineID{}))
		require.Equal(t, "aliyun", speaks("+86"))
		require.Equal(t, carelog.NotFound, carelog.KindOf(c.app.SetRoute(c.ctx(), admin, county, "*", carelog.LineID{})))
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.SetRoute(c.ctx(), c.boss, county, "*", ids["twilio"])))
		require.Equal(t, carelog.Invalid, carelog.KindOf(c.app.SetRoute(c.ctx(), admin, county, "86", ids["twilio"])))
		foreign, err := c.work.EnsureLine(c.ctx(), carelog.TheSystem(), "twilio", "+8615400000998", c.addOffice("370322", "邻县人民检察院", carelog.OfficeID{}))
		require.NoError(t, err)
		require.Equal(t, carelog.NotFound, carelog.KindOf(c.app.SetRoute(c.ctx(), admin, county, "+86", foreign)))
	})

	t.Run("WhatIsPlannedTakesTheNewLineWithItsCode", func(t *testing.T) {
		t.Parallel()
		c, _ := withWordings(t)
		made := c.enrol("A-1", 176)
		first := to(c.send(), contactPhone)
		require.Len(t, first, 1)
		old := c.line
		c.overAliyun()
		c.approve(1, carelog.Approval{State: "approved", TemplateID: "SMS_1"})
		next := c.village(made.Recipient).Due
		for day := calendar.Of(tuesday); !day.After(next); day = day.AddDays(1) {
			c.clock.set(day.At(9, 0))
			claimed, err := c.work.ClaimMessages(c.ctx(), old, 100)
			require.NoError(t, err)
			require.Empty(t, claimed.Send, "nothing goes out over the old line")
			if sent := to(c.send(), contactPhone); len(sent) > 0 {
				require.Equal(t, "aliyun", sent[0].Carrier)
				code := sent[0].Params["code"]
				require.Contains(t, first[0].Text, code, "the ask keeps its code")
				require.Equal(t, 2, c.count("SELECT count(*) FROM task_codes WHERE code = $1", code), "and is known by it on both lines")
				return
			}
		}
		t.Fatal("the repeat never went out")
	})
}
