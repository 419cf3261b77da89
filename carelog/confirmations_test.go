package carelog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// visitToConfirm is a county with a home check-in in its window, whose visit is
// (or is not) one that the village contact is asked to confirm.
func visitToConfirm(t *testing.T, chosen bool) (*county, carelog.Enrolled, carelog.CheckIn) {
	t.Helper()
	c := newCounty(t)
	made := c.enrol("A-1", 40)
	check := c.step(made.Recipient, "month-3")
	id := check.ID
	for n := byte(0); carelog.ConfirmationChosen(id) != chosen || carelog.BlindChosen(id); n++ {
		id[14] = n
		if n == 255 {
			id[13]++
		}
	}
	c.exec("UPDATE check_ins SET id = $2 WHERE id = $1", check.ID, id)
	check.ID = id
	c.clock.set(check.Due.At(9, 0))
	return c, made, check
}

// confirming is that county once the visit is recorded and the contact was asked.
func confirming(t *testing.T) (c *county, made carelog.Enrolled, check carelog.CheckIn, code string) {
	t.Helper()
	c, made, check = visitToConfirm(t, true)
	c.recordReached(check, c.clock.now())
	for _, out := range to(c.send(), contactPhone) {
		if strings.Contains(out.Text, "到过") {
			return c, made, check, codeIn(t, out.Text)
		}
	}
	t.Fatal("nobody was asked")
	return c, made, check, ""
}

// confirmation is where the confirmation of a visit stands, as its reader is shown.
func (c *county) confirmation(id carelog.CheckInID) string {
	c.t.Helper()
	check, err := c.app.CheckInOf(c.ctx(), c.boss, id)
	require.NoError(c.t, err)
	return check.Confirmation
}

// doubts are the doubts about visits that somebody's task list shows.
func (c *county) doubts(by carelog.Actor) []carelog.TaskID {
	c.t.Helper()
	list, err := c.app.Tasks(c.ctx(), by, carelog.Page{Limit: 200})
	require.NoError(c.t, err)
	var found []carelog.TaskID
	for _, task := range list {
		if task.Kind == "visit_doubted" {
			found = append(found, task.ID)
		}
	}
	return found
}

func TestConfirmations(t *testing.T) {
	t.Parallel()

	t.Run("AreAskedOfOneVisitInTen", func(t *testing.T) {
		t.Parallel()
		chosen := 0
		var id carelog.CheckInID
		for n := range 10000 {
			id[0], id[1], id[7] = byte(n), byte(n>>8), 0x70
			if carelog.ConfirmationChosen(id) {
				chosen++
			}
		}
		require.InDelta(t, 1000, chosen, 100)
		c, _, check := visitToConfirm(t, false)
		c.recordReached(check, c.clock.now())
		require.Zero(t, c.count("SELECT count(*) FROM asks WHERE purpose = 'visit_confirmation'"))
		require.Empty(t, c.confirmation(check.ID))
	})

	t.Run("TheTextNamesTheDayAndTheAliasAndNothingMore", func(t *testing.T) {
		t.Parallel()
		c, made, check := visitToConfirm(t, true)
		c.recordReached(check, check.Due.AddDays(-1).At(15, 0))
		texts := to(c.send(), contactPhone)
		require.Len(t, texts, 1)
		code := codeIn(t, texts[0].Text)
		require.Equal(t, "【沂源县检察院】本院人员"+check.Due.AddDays(-1).Chinese()+"到过2组老马家吗?任务"+code+",回复"+code+" 1来过 2没来。核实拨12309", texts[0].Text)
		e, err := c.app.ExplainMessage(c.ctx(), c.boss, texts[0].ID)
		require.NoError(t, err)
		require.Contains(t, reasons(e), "one home visit in ten is confirmed by the village contact")
		c.reply(contactPhone, code+" 1")
		require.Contains(t, c.kinds(made.Recipient), "visit_confirmed")
		require.Equal(t, "confirmed", c.confirmation(check.ID))
		require.Contains(t, to(c.send(), contactPhone)[0].Text, "已收到"+code)
		c.keeps()
	})

	t.Run("AVisitNobodySawIsToldTheSupervisor", func(t *testing.T) {
		t.Parallel()
		c, made, check, code := confirming(t)
		c.reply(contactPhone, code+" 2")
		require.Contains(t, c.kinds(made.Recipient), "visit_doubted")
		require.Equal(t, "doubted", c.confirmation(check.ID))
		e, err := c.app.ExplainCheckIn(c.ctx(), c.boss, check.ID)
		require.NoError(t, err)
		require.Contains(t, reasons(e), "doubted")
		doubts := c.doubts(c.boss)
		require.Len(t, doubts, 1)
		require.NoError(t, c.app.ResolveTask(c.ctx(), c.boss, doubts[0], "已向双方了解，日期写错"))
		require.Empty(t, c.doubts(c.boss))
		require.Zero(t, c.count("SELECT count(*) FROM alerts"), "nothing is known to be the matter with the household")
		c.keeps()
	})

	t.Run("TheRecorderNeverGetsTheDoubt", func(t *testing.T) {
		t.Parallel()
		c, _, check := visitToConfirm(t, true)
		second := c.addUser(c.office, "wu", "", carelog.Officer)
		both := c.addUser(c.office, "sun", "", carelog.Officer, carelog.Supervisor)
		r := reachedAll(3)
		r.Officers = []string{"li", "sun"}
		_, err := c.app.RecordCheckIn(c.ctx(), c.officer, check.ID, r)
		require.NoError(t, err)
		code := codeIn(t, to(c.send(), contactPhone)[0].Text)
		c.reply(contactPhone, code+" 2")
		task := c.doubts(c.boss)[0]
		for name, who := range map[string]carelog.Actor{"recorded it": c.officer, "made it, though a supervisor": both, "an officer like them": second} {
			require.Empty(t, c.doubts(who), name)
			require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.ResolveTask(c.ctx(), who, task, "没有问题")), name)
		}
		require.Zero(t, c.tasks("supervisor_missing"))
	})

	t.Run("ADoubtThatNobodyMayLookIntoAsksForASupervisor", func(t *testing.T) {
		t.Parallel()
		c, _, check := visitToConfirm(t, true)
		c.exec("INSERT INTO grants (user_id, office_id, role, granted_at) VALUES ($1, $2, 'officer', $3)", c.boss.User, c.office, tuesday)
		r := reachedAll(3)
		r.Officers = []string{"li", "zhao"}
		c.record(check.ID, r)
		c.reply(contactPhone, codeIn(t, to(c.send(), contactPhone)[0].Text)+" 2")
		require.Empty(t, c.doubts(c.boss))
		require.Equal(t, 1, c.tasks("visit_doubted"))
		require.Equal(t, 1, c.tasks("supervisor_missing"))
	})

	t.Run("WhoMadeTheVisitSettlesNoAnswerAboutIt", func(t *testing.T) {
		t.Parallel()
		c, made, check, code := confirming(t)
		c.reply(contactPhone, code+" 那天")
		waiting := c.inbox()
		require.Len(t, waiting, 1)
		require.Equal(t, "visit_confirmation", waiting[0].Suggestions[0].Purpose)
		match := carelog.Settlement{Decision: "match", Ask: waiting[0].Suggestions[0].Ask, Digit: 1, Why: "来过"}
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.SettleReply(c.ctx(), c.officer, waiting[0].ID, match)))
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.SettleReply(c.ctx(), c.officer, waiting[0].ID, carelog.Settlement{Decision: "nothing", Why: "无"})))
		var task carelog.TaskID
		require.NoError(t, c.pool.QueryRow(c.ctx(), "SELECT id FROM tasks WHERE kind = 'triage'").Scan(&task))
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.ResolveTask(c.ctx(), c.officer, task, "无")))
		match.Digit = 3
		require.Equal(t, carelog.Invalid, carelog.KindOf(c.app.SettleReply(c.ctx(), c.boss, waiting[0].ID, match)))
		match.Digit = 2
		require.NoError(t, c.app.SettleReply(c.ctx(), c.boss, waiting[0].ID, match))
		require.Contains(t, c.kinds(made.Recipient), "visit_doubted")
		require.Equal(t, "doubted", c.confirmation(check.ID))
		require.Len(t, c.doubts(c.boss), 1)
	})

	t.Run("AConfirmationCompletesNothing", func(t *testing.T) {
		t.Parallel()
		c, made, check, code := confirming(t)
		rows := func() []int {
			return []int{
				c.count("SELECT count(*) FROM check_in_records"), c.count("SELECT count(*) FROM assessments"), c.count("SELECT count(*) FROM check_ins WHERE state = 'done'"),
				c.count("SELECT count(*) FROM check_ins"), c.count("SELECT count(*) FROM alerts"),
			}
		}
		before := rows()
		c.reply(contactPhone, code+" 1")
		c.reply(contactPhone, code+" 2")
		require.Equal(t, before, rows())
		require.Equal(t, "done", c.checkIn(check.ID).State)
		require.NotContains(t, c.kinds(made.Recipient), "reply_received", "it tells nothing of the household")
		require.Len(t, c.doubts(c.boss), 1, "the one and then the other")
		require.Contains(t, c.taskReason("visit_doubted"), "now that")
		c.reply(contactPhone, code+" 1")
		require.Equal(t, "doubted", c.confirmation(check.ID), "a doubt is a person's to end")
		c.keeps()
	})

	t.Run("ABarredHouseholdIsNeverConfirmed", func(t *testing.T) {
		t.Parallel()
		for name, bar := range map[string]func(*county, carelog.Enrolled) string{
			"TheVillage": func(c *county, made carelog.Enrolled) string {
				_, err := c.app.BarVillage(c.ctx(), c.officer, made.Plan, "safety", "怕人议论")
				require.NoError(t, err)
				return "no village contact is asked about this household"
			},
			"AConflict": func(c *county, made carelog.Enrolled) string {
				require.NoError(t, c.app.FlagConflict(c.ctx(), c.officer, carelog.NewConflict{Contact: c.contact, Recipient: made.Recipient, Kind: "creditor", Reason: "借过钱"}))
				return "no contact of this household can be texted about it"
			},
			"AnUnverifiedNumber": func(c *county, _ carelog.Enrolled) string {
				c.exec("UPDATE numbers SET state = 'unverified'")
				return "the contact's number is not verified: it is asked about no visit"
			},
			"AQuarantinedNumber": func(c *county, _ carelog.Enrolled) string {
				c.exec("UPDATE numbers SET state = 'quarantined', quarantined_until = '2027-12-01'")
				return "the contact's number may be somebody else's: it is asked about no visit"
			},
			"AStoppedNumber": func(c *county, _ carelog.Enrolled) string {
				c.exec("UPDATE numbers SET opted_out_at = $1", tuesday)
				return "no contact of this household can be texted about it"
			},
			"TheOfficersOwnNumber": func(c *county, _ carelog.Enrolled) string {
				c.exec("UPDATE users SET phone_index = (SELECT phone_index FROM village_contacts WHERE id = $1) WHERE id = $2", c.contact, c.officer.User)
				return "the contact's number is that of somebody who made the visit"
			},
		} {
			c, made, check := visitToConfirm(t, true)
			why := bar(c, made)
			c.recordReached(check, c.clock.now())
			require.Zero(t, c.count("SELECT count(*) FROM asks WHERE purpose = 'visit_confirmation'"), name)
			require.Zero(t, c.count("SELECT count(*) FROM messages WHERE wording = 'visit_confirmation'"), name)
			require.Contains(t, c.kinds(made.Recipient), "visit_not_confirmed", name)
			e, err := c.app.ExplainCheckIn(c.ctx(), c.boss, check.ID)
			require.NoError(t, err)
			require.Contains(t, reasons(e), "not asked: "+why, name)
			err = c.app.RequestVisitConfirmation(c.ctx(), c.boss, check.ID)
			require.ErrorContains(t, err, why, name)
			require.Equal(t, carelog.Conflict, carelog.KindOf(err), name)
			c.keeps()
		}
	})

	t.Run("WhatBecomesBarredMeanwhileIsNotAsked", func(t *testing.T) {
		t.Parallel()
		c, made, check := visitToConfirm(t, true)
		c.recordReached(check, c.clock.now())
		_, err := c.app.BarVillage(c.ctx(), c.officer, made.Plan, "safety", "怕人议论")
		require.NoError(t, err)
		require.Empty(t, to(c.send(), contactPhone))
		require.Zero(t, c.count("SELECT count(*) FROM asks WHERE contact_id IS NOT NULL AND state = 'open'"))

		c, _, _, code := confirming(t)
		c.exec("UPDATE care_plans SET village_barred = true, village_bar_code = 'safety', primary_contact_id = NULL")
		c.reply(contactPhone, code+" 2")
		require.Zero(t, c.tasks("visit_doubted"))
		require.Equal(t, 1, c.tasks("triage"), "what the contact says of it is for a person to judge")
	})
}

func TestAnswersToConfirmations(t *testing.T) {
	t.Parallel()

	t.Run("ABareDigitNeverConfirms", func(t *testing.T) {
		t.Parallel()
		c, made, check, _ := confirming(t)
		for _, digit := range []string{"1", "2", "平安", "没来过"} {
			c.reply(contactPhone, digit)
			state, _ := c.inbound()
			require.Equal(t, "triage", state, digit)
		}
		require.Equal(t, "asked", c.confirmation(check.ID))
		require.NotContains(t, c.kinds(made.Recipient), "visit_confirmed")
		require.Zero(t, c.count("SELECT count(*) FROM messages WHERE purpose = 'answer'"), "about a visit nobody is asked a second time")
		c.keeps()
	})

	t.Run("AConfirmationDoesNotMakeABareDigitAmbiguous", func(t *testing.T) {
		t.Parallel()
		c, _, check, code := confirming(t)
		other := c.enrol("A-2", 176)
		request := to(c.send(), contactPhone)
		require.Len(t, request, 1)
		c.reply(contactPhone, "1")
		require.Equal(t, "done", c.village(other.Recipient).State)
		require.Equal(t, "asked", c.confirmation(check.ID))
		c.reply(contactPhone, code+" 1")
		require.Equal(t, "confirmed", c.confirmation(check.ID))
	})

	t.Run("AnUnclearReplyIsNotTakenForTheOtherQuestion", func(t *testing.T) {
		t.Parallel()
		c, _, _, code := confirming(t)
		c.enrol("A-2", 176)
		request := codeIn(t, to(c.send(), contactPhone)[0].Text)
		c.reply(contactPhone, "来过了")
		asked := to(c.send(), contactPhone)
		require.Len(t, asked, 1)
		require.Contains(t, asked[0].Text, code, "both codes stand there")
		require.Contains(t, asked[0].Text, request)
		c.reply(contactPhone, code+" 1")
		require.Equal(t, 1, c.tasks("triage"), "what was asked back about requests stands")
	})

	t.Run("AMisspeltCodeOfItIsSuggestedToAPersonAlone", func(t *testing.T) {
		t.Parallel()
		c, _, _, code := confirming(t)
		c.enrol("A-2", 176)
		c.send()
		c.reply(contactPhone, misspell(code)+" 1")
		require.Zero(t, c.count("SELECT count(*) FROM messages WHERE purpose = 'answer'"))
		require.Equal(t, "one_mistake", c.inbox()[0].Suggestions[0].Why)
	})

	t.Run("WordsAboutTheHouseholdConfirmNothing", func(t *testing.T) {
		t.Parallel()
		c, _, check, code := confirming(t)
		for i, text := range []string{"CODE 1 都好", "CODE 平安", "CODE 没人", "CODE 3", "CODE 4", "CODE 好像来过", "CODE"} {
			c.reply(contactPhone, strings.ReplaceAll(text, "CODE", code))
			require.Equal(t, "asked", c.confirmation(check.ID), text)
			require.Equal(t, i+1, c.tasks("triage"), text)
		}
		require.Zero(t, c.count("SELECT count(*) FROM messages WHERE purpose = 'answer'"))
		require.Zero(t, c.count("SELECT count(*) FROM alerts"))
	})

	t.Run("WordsAboutTheVisitMayStandBesideTheDigit", func(t *testing.T) {
		t.Parallel()
		for text, want := range map[string]string{"CODE 1 来过了,坐了一会": "confirmed", "CODE 2 没人来过": "doubted"} {
			c, _, check, code := confirming(t)
			c.reply(contactPhone, strings.ReplaceAll(text, "CODE", code))
			require.Equal(t, want, c.confirmation(check.ID), text)
		}
	})

	t.Run("DifficultyBesideItIsHeard", func(t *testing.T) {
		t.Parallel()
		for _, text := range []string{"CODE 有困难", "CODE 1 老人病了", "CODE 2 有困难"} {
			c, made, check, code := confirming(t)
			c.later(time.Hour)
			c.reply(contactPhone, strings.ReplaceAll(text, "CODE", code))
			require.Equal(t, 1, c.tasks("phone_household"), text)
			require.Equal(t, 1, c.count("SELECT count(*) FROM alerts WHERE rule = 'R8' AND recipient_id = $1", made.Recipient), text)
			require.Equal(t, "asked", c.confirmation(check.ID), text)
			require.Equal(t, 1, c.tasks("triage"), "whether they came is for a person to read: %s", text)
			c.keeps()
		}
	})

	t.Run("UrgentWordsInAConfirmationStillAlert", func(t *testing.T) {
		t.Parallel()
		c, made, check, code := confirming(t)
		c.reply(contactPhone, code+" 1 老人晕倒了,快来人")
		require.Equal(t, 1, c.count("SELECT count(*) FROM alerts WHERE rule = 'urgent_reply' AND level = 'red' AND recipient_id = $1", made.Recipient))
		require.Equal(t, 1, c.tasks("urgent_reply"))
		require.Equal(t, "asked", c.confirmation(check.ID), "a person reads the rest")
	})

	t.Run("NoAnswerIsOnlyNoted", func(t *testing.T) {
		t.Parallel()
		c, made, check, _ := confirming(t)
		tasks, checks, texts := c.count("SELECT count(*) FROM tasks WHERE check_in_id IS NULL OR check_in_id = $1", check.ID), c.count("SELECT count(*) FROM check_ins"), c.count("SELECT count(*) FROM messages WHERE contact_id IS NOT NULL")
		c.clock.set(calendar.Official().AddWorkdays(check.Due, 4).At(18, 0))
		require.NoError(t, c.markOverdue())
		require.Equal(t, "asked", c.confirmation(check.ID))
		c.clock.set(calendar.Official().AddWorkdays(check.Due, 5).At(18, 0))
		require.NoError(t, c.markOverdue())
		require.Equal(t, "unanswered", c.confirmation(check.ID))
		require.Equal(t, "visit_not_confirmed", c.lastEntry(made.Recipient, "visit_not_confirmed").Kind)
		require.Equal(t, tasks, c.count("SELECT count(*) FROM tasks WHERE check_in_id IS NULL OR check_in_id = $1", check.ID))
		require.Equal(t, checks, c.count("SELECT count(*) FROM check_ins"))
		require.Equal(t, texts, c.count("SELECT count(*) FROM messages WHERE contact_id IS NOT NULL"), "asked once")
		require.Zero(t, c.count("SELECT count(*) FROM escalations WHERE check_in_id = $1", check.ID))
		c.reply(contactPhone, c.codeOf(check.ID)+" 2")
		require.Len(t, c.doubts(c.boss), 1, "a late no is one all the same")
		c.keeps()
	})

	t.Run("StopClosesIt", func(t *testing.T) {
		t.Parallel()
		c, _, check, _ := confirming(t)
		checks := c.count("SELECT count(*) FROM check_ins")
		c.reply(contactPhone, "TD")
		require.Zero(t, c.count("SELECT count(*) FROM asks WHERE contact_id IS NOT NULL AND state = 'open'"))
		require.Equal(t, checks, c.count("SELECT count(*) FROM check_ins"))
		require.Zero(t, c.tasks("contact_missing"))
		require.Equal(t, "done", c.checkIn(check.ID).State)
		c.clock.set(calendar.Official().AddWorkdays(check.Due, 5).At(18, 0))
		require.NoError(t, c.markOverdue())
		e, err := c.app.ExplainCheckIn(c.ctx(), c.boss, check.ID)
		require.NoError(t, err)
		require.Contains(t, reasons(e), "unanswered: the contact asked for no more texts")
		c.keeps()
	})

	t.Run("APlanThatRestsAndARecordThatIsCorrectedWithdrawIt", func(t *testing.T) {
		t.Parallel()
		c, made, check, code := confirming(t)
		_, err := c.app.PausePlan(c.ctx(), c.boss, made.Plan, check.Due.AddDays(30), "外出务工")
		require.NoError(t, err)
		require.Equal(t, "withdrawn", c.confirmation(check.ID))
		c.reply(contactPhone, code+" 2")
		require.Zero(t, c.tasks("visit_doubted"))
		require.Contains(t, c.kinds(made.Recipient), "reply_noted")

		c, _, check = visitToConfirm(t, true)
		done := c.recordReached(check, c.clock.now())
		_, err = c.app.CorrectRecord(c.ctx(), c.officer, done.Record, carelog.CheckInRecord{Outcome: "no_answer"}, "没有见到，记错了")
		require.NoError(t, err)
		require.Equal(t, "withdrawn", c.confirmation(check.ID))
		require.Empty(t, to(c.send(), contactPhone))
		require.Equal(t, "planned", c.checkIn(check.ID).State)
		c.keeps()
	})

	t.Run("ItWaitsForTheVillagesHoursAndItsBudget", func(t *testing.T) {
		t.Parallel()
		c, _, check := visitToConfirm(t, true)
		c.clock.set(check.Due.At(12, 10))
		c.recordReached(check, c.clock.now())
		require.Empty(t, to(c.send(), contactPhone))
		c.clock.set(check.Due.At(18, 30)) // nobody sent in between; an officer could be texted now
		require.Empty(t, to(c.send(), contactPhone))
		c.exec("UPDATE offices SET requests_a_day = 1")
		c.enrol("A-2", 176)
		days := calendar.Official()
		c.clock.set(days.AddWorkdays(check.Due, 1).At(9, 0))
		texts := to(c.send(), contactPhone)
		require.Len(t, texts, 1)
		require.Contains(t, texts[0].Text, "协助看望", "a request goes first")
		c.clock.set(days.AddWorkdays(check.Due, 2).At(9, 0))
		texts = to(c.send(), contactPhone)
		require.Len(t, texts, 1)
		require.Contains(t, texts[0].Text, "到过")
	})

	t.Run("NothingThatStopsItIsAnybodysWork", func(t *testing.T) {
		t.Parallel()
		c, _, check := visitToConfirm(t, true)
		c.recordReached(check, c.clock.now())
		tasks := c.count("SELECT count(*) FROM tasks")
		c.exec("UPDATE numbers SET opted_out_at = $1", tuesday)
		require.Empty(t, to(c.send(), contactPhone))
		require.Equal(t, tasks, c.count("SELECT count(*) FROM tasks"))
		c.later(8 * 24 * time.Hour)
		require.NoError(t, c.markOverdue())
		require.Equal(t, "unanswered", c.confirmation(check.ID))
	})
}

func TestRequestVisitConfirmation(t *testing.T) {
	t.Parallel()
	c, made, check := visitToConfirm(t, false)
	request := func(by carelog.Actor) error { return c.app.RequestVisitConfirmation(c.ctx(), by, check.ID) }
	require.Equal(t, carelog.Conflict, carelog.KindOf(request(c.boss)), "no visit is recorded yet")
	both := c.addUser(c.office, "sun", "", carelog.Officer, carelog.Supervisor)
	r := reachedAll(3)
	r.Officers = []string{"li", "sun"}
	c.record(check.ID, r)
	require.Equal(t, carelog.Forbidden, carelog.KindOf(request(c.officer)))
	require.Equal(t, carelog.Forbidden, carelog.KindOf(request(both)), "made it")
	require.Equal(t, carelog.NotFound, carelog.KindOf(c.app.RequestVisitConfirmation(c.ctx(), c.boss, carelog.CheckInID(made.Recipient))))
	require.NoError(t, request(c.boss))
	require.Equal(t, carelog.Conflict, carelog.KindOf(request(c.boss)), "once")
	e, err := c.app.ExplainCheckIn(c.ctx(), c.boss, check.ID)
	require.NoError(t, err)
	require.Contains(t, reasons(e), "a supervisor has this home visit confirmed by the village contact")
	texts := to(c.send(), contactPhone)
	require.Len(t, texts, 1)
	c.reply(contactPhone, codeIn(t, texts[0].Text)+" 2")
	require.Len(t, c.doubts(c.boss), 1)
	c.keeps()
}

// codeOf is the code that a visit's confirmation was given.
func (c *county) codeOf(id carelog.CheckInID) (code string) {
	c.t.Helper()
	require.NoError(c.t, c.pool.QueryRow(c.ctx(), "SELECT code FROM asks WHERE check_in_id = $1 AND purpose = 'visit_confirmation'", id).Scan(&code))
	return code
}

// checkIn is one check-in as it stands.
func (c *county) checkIn(id carelog.CheckInID) carelog.CheckIn {
	c.t.Helper()
	check, err := c.app.CheckInOf(c.ctx(), c.officer, id)
	require.NoError(c.t, err)
	return check
}

// misspell writes a code with one wrong symbol that makes it none.
func misspell(code string) string {
	if code[1] == '7' {
		return code[:1] + "8" + code[2:]
	}
	return code[:1] + "7" + code[2:]
}
