package carelog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

const strangerPhone = "+8615400000909"

// inbound is where a number's last reply stands, and why.
func (c *county) inbound() (state, reason string) {
	c.t.Helper()
	err := c.pool.QueryRow(c.ctx(), "SELECT state, reason FROM inbound_messages ORDER BY id DESC LIMIT 1").Scan(&state, &reason)
	require.NoError(c.t, err)
	return state, reason
}

// askedTwice is a county whose one contact was asked about two households.
func askedTwice(t *testing.T) (c *county, made []carelog.Enrolled, codes []string) {
	t.Helper()
	c = newCounty(t)
	made = []carelog.Enrolled{c.enrol("A-1", 176), c.enrol("A-2", 176)}
	requests := to(c.send(), contactPhone)
	require.Len(t, requests, 2)
	for _, m := range made {
		var code string
		require.NoError(t, c.pool.QueryRow(c.ctx(), "SELECT code FROM asks WHERE recipient_id = $1 AND code IS NOT NULL", m.Recipient).Scan(&code))
		codes = append(codes, code)
	}
	return c, made, codes
}

func TestReplies(t *testing.T) {
	t.Parallel()

	for name, form := range map[string]string{
		"CodeFirst": "CODE 1", "CodeLast": "1 CODE", "Together": "CODE1", "LowerCase": "code 一", "BareDigit": "1", "AWord": "平安",
	} {
		t.Run("CompletesTheVillageCheckIn/"+name, func(t *testing.T) {
			t.Parallel()
			c, made, code := asked(t)
			written := strings.ReplaceAll(strings.ReplaceAll(form, "CODE", code), "code", strings.ToLower(code))
			c.reply(contactPhone, written)
			require.Equal(t, "done", c.village(made.Recipient).State)
			state, _ := c.inbound()
			require.Equal(t, "matched", state)
			require.Zero(t, c.count("SELECT count(*) FROM messages WHERE check_in_id = $1 AND dispatch = 'planned'", c.village(made.Recipient).ID))
			require.Zero(t, c.count("SELECT count(*) FROM assessments"), "an SMS never scores")
			answers := to(c.send(), contactPhone)
			require.Len(t, answers, 1)
			require.Contains(t, answers[0].Text, "已收到"+code)
			c.keeps()
		})
	}

	t.Run("AnSMSNeverCompletesAPhoneCheckIn", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		c.reply(contactPhone, code+" 1")
		require.Equal(t, "planned", c.step(made.Recipient, "month-6-phone").State)
	})

	t.Run("ABareDigitWithTwoOpenAsksWhichOnce", func(t *testing.T) {
		t.Parallel()
		c, made, codes := askedTwice(t)
		c.reply(contactPhone, "1")
		for _, m := range made {
			require.Equal(t, "planned", c.village(m.Recipient).State)
		}
		answers := to(c.send(), contactPhone)
		require.Len(t, answers, 1)
		require.Contains(t, answers[0].Text, codes[0])
		require.Contains(t, answers[0].Text, codes[1])
		require.Equal(t, 1, c.tasks("triage"))
		state, reason := c.inbound()
		require.Equal(t, "triage", state)
		require.Equal(t, "several requests are open for this number and the reply names none", reason)
		c.keeps()
	})

	t.Run("TwoAnswersInOneTextAreTwoSignals", func(t *testing.T) {
		t.Parallel()
		c, made, codes := askedTwice(t)
		c.reply(contactPhone, codes[0]+" 1 "+codes[1]+" 2")
		require.Equal(t, "done", c.village(made[0].Recipient).State)
		require.Equal(t, "done", c.village(made[1].Recipient).State)
		require.Equal(t, 1, c.count("SELECT count(*) FROM alerts WHERE rule = 'R8' AND recipient_id = $1", made[1].Recipient))
		require.Zero(t, c.count("SELECT count(*) FROM alerts WHERE recipient_id = $1", made[0].Recipient))
	})

	t.Run("AValidCodeFromAStrangerIsUnverified", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		c.reply(strangerPhone, code+" 1")
		require.Equal(t, "planned", c.village(made.Recipient).State)
		state, reason := c.inbound()
		require.Equal(t, "triage", state)
		require.Equal(t, "a valid code from a number it was not sent to: unverified", reason)
		require.Equal(t, 1, c.tasks("triage"))
		require.Empty(t, to(c.send(), strangerPhone), "nobody unknown is texted")
	})

	t.Run("AnUnknownNumberGoesToTriage", func(t *testing.T) {
		t.Parallel()
		c, _, _ := asked(t)
		c.reply(strangerPhone, "1")
		state, reason := c.inbound()
		require.Equal(t, "triage", state)
		require.Equal(t, "the number is not one of our contacts", reason)
	})

	t.Run("AReplyAfterTheCheckInIsDoneIsLate", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		_, err := c.app.RecordCheckIn(c.ctx(), c.officer, c.village(made.Recipient).ID, carelog.CheckInRecord{Outcome: "reached", Informant: "village_contact", AskedVillage: true})
		require.NoError(t, err)
		c.reply(contactPhone, code+" 1")
		entries := c.history(made.Recipient)
		last := entries[len(entries)-1]
		require.Equal(t, "reply_received", last.Kind)
		require.Contains(t, string(last.Details), `"late":true`)
		require.Zero(t, c.tasks("triage"))
		c.keeps()
	})

	t.Run("AContradictionGoesToAPerson", func(t *testing.T) {
		t.Parallel()
		c, _, code := asked(t)
		c.reply(contactPhone, code+" 1")
		c.later(time.Minute)
		c.reply(contactPhone, code+" 3")
		require.Equal(t, 1, c.tasks("triage"))
		require.Equal(t, 1, c.count("SELECT count(*) FROM tasks WHERE reason LIKE 'the contact answered this request differently before%'"))
	})

	t.Run("DifficultyRaisesR8AndTextsTheOfficerInOfficerHours", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		c.clock.set(calendar.New(2026, time.November, 24).At(20, 30))
		c.reply(contactPhone, code+" 2 老马住院了")
		require.Equal(t, 1, c.count("SELECT count(*) FROM alerts WHERE rule = 'R8' AND level = 'amber' AND state = 'open' AND recipient_id = $1", made.Recipient))
		require.Equal(t, 1, c.tasks("phone_household"))
		require.Empty(t, to(c.claim(), officerPhone))
		c.clock.set(calendar.New(2026, time.November, 25).At(8, 30))
		var signals int
		for _, out := range to(c.send(), officerPhone) {
			require.NotContains(t, out.Text, "住院")
			if strings.Contains(out.Text, "反映有困难") {
				signals++
			}
		}
		require.Equal(t, 1, signals)
		c.keeps()
	})

	t.Run("DifficultyToldLateIsStillDifficulty", func(t *testing.T) {
		t.Parallel()
		c, _, code := asked(t)
		c.reply(contactPhone, code+" 1")
		c.later(time.Hour)
		c.reply(contactPhone, code+" 2")
		require.Equal(t, 1, c.count("SELECT count(*) FROM alerts WHERE rule = 'R8'"))
		require.Equal(t, 1, c.tasks("phone_household"))
	})

	t.Run("NotSeenIsAskedAgainAfterTwoWorkingDays", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		c.reply(contactPhone, code+" 3")
		check := c.village(made.Recipient)
		require.Equal(t, "planned", check.State)
		require.Equal(t, calendar.New(2026, time.November, 26), check.NextTryOn)
		c.send() // the acknowledgement
		c.clock.set(calendar.New(2026, time.November, 25).At(10, 0))
		require.Empty(t, to(c.send(), contactPhone))
		c.clock.set(calendar.New(2026, time.November, 26).At(9, 0))
		again := to(c.send(), contactPhone)
		require.Len(t, again, 1)
		require.Equal(t, code, codeIn(t, again[0].Text))
		c.later(time.Minute)
		c.reply(contactPhone, "1")
		require.Equal(t, "done", c.village(made.Recipient).State)
		c.keeps()
	})

	t.Run("FourAsksForAnotherContact", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		c.reply(contactPhone, code+" 4")
		require.Equal(t, 1, c.tasks("contact_change"))
		require.Equal(t, "planned", c.village(made.Recipient).State)
		c.clock.set(calendar.New(2026, time.November, 26).At(9, 0))
		require.Empty(t, to(c.send(), contactPhone))
		c.keeps()
	})

	t.Run("UrgentWordsAtTwoInTheNightTextTheOfficerAtOnce", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		night := calendar.New(2026, time.November, 25).At(2, 0)
		c.clock.set(night)
		c.reply(contactPhone, code+" 出事了 快来")
		red := to(c.send(), officerPhone)
		require.Len(t, red, 1)
		require.Contains(t, red[0].Text, "红色预警")
		require.Contains(t, red[0].Text, "需2小时内处置")
		require.Equal(t, 1, c.count("SELECT count(*) FROM tasks WHERE kind = 'urgent_reply' AND act_by <= $1", night.Add(2*time.Hour)))
		require.Equal(t, 1, c.count("SELECT count(*) FROM alerts WHERE level = 'red' AND recipient_id = $1", made.Recipient))
		c.keeps()
	})

	t.Run("UrgentWordsDuringAPauseStillTextTheOfficer", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		_, err := c.app.PausePlan(c.ctx(), c.officer, made.Plan, calendar.New(2026, time.December, 24), "住院")
		require.NoError(t, err)
		c.reply(contactPhone, code+" 2 出事了 快来")
		require.Len(t, to(c.send(), officerPhone), 1)
		require.Equal(t, 1, c.tasks("urgent_reply"))
	})

	t.Run("UrgentWordsFromAStrangerReachAPersonWithinTwoHours", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.reply(strangerPhone, "救命 有人打人")
		require.Equal(t, 1, c.count("SELECT count(*) FROM tasks WHERE kind = 'urgent_reply' AND act_by <= $1", tuesday.Add(2*time.Hour)))
	})

	t.Run("UrgentWordsUnderAnAlertsCodeReachAPerson", func(t *testing.T) {
		t.Parallel()
		c, _, code := asked(t)
		c.reply(contactPhone, code+" 2")
		var alert string
		for _, out := range to(c.send(), officerPhone) {
			if strings.Contains(out.Text, "反映有困难") {
				alert = codeIn(t, out.Text)
			}
		}
		require.NotEmpty(t, alert)
		c.later(time.Minute)
		c.reply(officerPhone, alert+" 2 出事了 快来")
		require.Equal(t, 1, c.tasks("urgent_reply"))
	})
}
