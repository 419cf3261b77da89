package carelog_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
)

func TestJudgingCorrections(t *testing.T) {
	t.Parallel()

	t.Run("OfAnEarlierScoreJudgeTheLaterOnesAnew", func(t *testing.T) { // vector (h)
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 74)
		first := c.visit(made.Recipient, "baseline", "4444444444")
		c.clock.set(calendar.New(2026, time.December, 10).At(9, 0))
		c.visit(made.Recipient, "month-3", "4244444444")
		require.Equal(t, []string{"R4 amber"}, c.judged(made.Recipient))
		fixed := carelog.CheckInRecord{Outcome: "reached", Informant: "self", AskedVillage: true, Scores: scores(t, "4344444444")}
		_, err := c.app.CorrectRecord(c.ctx(), c.officer, first.Record, fixed, "收入一项录入有误")
		require.NoError(t, err)
		require.Equal(t, []string{"R4 amber superseded"}, c.judged(made.Recipient))
		require.Empty(t, c.alerts(made.Recipient, openAlert))
		require.Equal(t, []string{"R4 amber"}, c.alerts(made.Recipient, "outcome = 'superseded'"), "kept, not deleted")
		require.Contains(t, c.kinds(made.Recipient), "judgement_superseded")
		require.Equal(t, "amber", c.tier(made.Recipient), "a person takes the tier back")
		_, err = c.app.ProposeTierDown(c.ctx(), c.officer, made.Plan, "green", "当时录入有误")
		require.NoError(t, err, "what raised it was corrected away")
		now, err := c.app.DecideTier(c.ctx(), c.boss, made.Plan, "green", "核对无误")
		require.NoError(t, err)
		require.Equal(t, "green", now.Tier)
		c.keeps()
	})

	t.Run("OfAnEarlierScoreFindWhatNobodySaw", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 74)
		first := c.visit(made.Recipient, "baseline", "3333333333")
		c.clock.set(calendar.New(2026, time.December, 10).At(9, 0))
		c.visit(made.Recipient, "month-3", "3333333332")
		require.Empty(t, c.judged(made.Recipient))
		fixed := carelog.CheckInRecord{Outcome: "reached", Informant: "self", AskedVillage: true, Scores: scores(t, "3333333334")}
		_, err := c.app.CorrectRecord(c.ctx(), c.officer, first.Record, fixed, "录入有误")
		require.NoError(t, err)
		require.Equal(t, []string{"R4 amber"}, c.judged(made.Recipient))
		require.Equal(t, []string{"R4 amber"}, c.alerts(made.Recipient, openAlert))
	})

	t.Run("OfTheNoteChangeNothing", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 74)
		first := c.visit(made.Recipient, "baseline", "3033333333")
		c.resolve("red_alert")
		same := carelog.CheckInRecord{Outcome: "reached", Informant: "self", AskedVillage: true, Scores: scores(t, "3033333333"), Note: "补充"}
		_, err := c.app.CorrectRecord(c.ctx(), c.officer, first.Record, same, "补充说明")
		require.NoError(t, err)
		require.Equal(t, []string{"R1 red"}, c.judged(made.Recipient))
		require.Empty(t, c.alerts(made.Recipient, openAlert), "the same facts raise nothing again")
	})

	t.Run("OfWhatItWasComparedWithRaiseNothingAPersonResolved", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 74)
		first := c.visit(made.Recipient, "baseline", "3333333333")
		c.clock.set(calendar.New(2026, time.December, 10).At(9, 0))
		c.visit(made.Recipient, "month-3", "3133333333")
		c.resolve("red_alert")
		fixed := carelog.CheckInRecord{Outcome: "reached", Informant: "self", AskedVillage: true, Scores: scores(t, "3433333333")}
		_, err := c.app.CorrectRecord(c.ctx(), c.officer, first.Record, fixed, "录入有误")
		require.NoError(t, err)
		require.Equal(t, []string{"R3 red superseded", "R3 red"}, c.judged(made.Recipient), "from 4 and not from 3")
		require.Empty(t, c.alerts(made.Recipient, openAlert))
	})

	t.Run("ThatFindMoreRaiseItAgain", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 74)
		first := c.visit(made.Recipient, "baseline", "3033333333")
		c.resolve("red_alert")
		more := carelog.CheckInRecord{Outcome: "reached", Informant: "self", AskedVillage: true, Scores: scores(t, "3033330333")}
		_, err := c.app.CorrectRecord(c.ctx(), c.officer, first.Record, more, "漏录")
		require.NoError(t, err)
		require.Equal(t, []string{"R1 red superseded", "R1 red"}, c.judged(made.Recipient))
		require.Equal(t, []string{"R1 red"}, c.alerts(made.Recipient, openAlert))
	})
}

func TestJudgingFacts(t *testing.T) {
	t.Parallel()

	t.Run("ASafeguardingFlagIsRedWithinTwoHoursWhateverTheScores", func(t *testing.T) {
		t.Parallel()
		c, made := visited(t, "3333333333")
		flagged := carelog.CheckInRecord{Outcome: "no_answer", Flags: []condition.Flag{condition.ChildHarm}}
		_, err := c.app.RecordCheckIn(c.ctx(), c.officer, c.step(made.Recipient, "month-3").ID, flagged)
		require.NoError(t, err)
		require.Equal(t, []string{"R2 red"}, c.judged(made.Recipient))
		require.Equal(t, 1, c.count("SELECT count(*) FROM alerts WHERE rule = 'R2' AND act_by = $1", c.clock.now().Add(2*time.Hour)))
		require.Equal(t, 1, c.tasks("mandatory_report"))
		require.Equal(t, "red", c.tier(made.Recipient))
		c.keeps()
	})

	t.Run("DangerWhereAChildLivesIsReportedToo", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		e := c.enrolment("A-1", 74)
		e.Household = []carelog.Member{{Name: "马小某", Relation: "child", BornOn: calendar.New(2018, time.May, 4)}}
		made, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		_, err = c.app.RecordCheckIn(c.ctx(), c.officer, c.step(made.Recipient, "baseline").ID,
			carelog.CheckInRecord{Outcome: "no_answer", Flags: []condition.Flag{condition.Violence}})
		require.NoError(t, err)
		require.Equal(t, 1, c.tasks("mandatory_report"))
	})

	t.Run("MoneyThatWasTakenIsNoReportAboutAChild", func(t *testing.T) {
		t.Parallel()
		c, made := visited(t, "3333333333")
		_, err := c.app.RecordCheckIn(c.ctx(), c.officer, c.step(made.Recipient, "month-3").ID,
			carelog.CheckInRecord{Outcome: "no_answer", Flags: []condition.Flag{condition.FundSeizure}})
		require.NoError(t, err)
		require.Equal(t, []string{"R2 red"}, c.judged(made.Recipient))
		require.Zero(t, c.tasks("mandatory_report"))
	})

	t.Run("AnEventIsJudgedAndAWithdrawnOneSuperseded", func(t *testing.T) {
		t.Parallel()
		c, made := visited(t, "3333333333")
		job, err := c.app.ReportEvent(c.ctx(), c.officer, made.Recipient, carelog.Event{Kind: "job_loss", OccurredOn: calendar.Of(c.clock.now()), Source: "self", Note: "厂子停工"})
		require.NoError(t, err)
		_, err = c.app.ReportEvent(c.ctx(), c.officer, made.Recipient, carelog.Event{Kind: "death_of_carer", OccurredOn: calendar.Of(c.clock.now()), Source: "relative", Note: "祖母"})
		require.NoError(t, err)
		require.Equal(t, []string{"R12 amber", "R12 red"}, c.judged(made.Recipient))
		require.Equal(t, "red", c.tier(made.Recipient))
		require.NoError(t, c.app.WithdrawEvent(c.ctx(), c.officer, job, "听错了"))
		require.Equal(t, []string{"R12 amber superseded", "R12 red"}, c.judged(made.Recipient))
		require.Equal(t, []string{"R12 red"}, c.alerts(made.Recipient, openAlert))
		c.keeps()
	})

	t.Run("AStuckDomainEndsWhenHelpIsAskedFor", func(t *testing.T) {
		t.Parallel()
		c, made := visited(t, "3331333333")
		c.visit(made.Recipient, "month-3", "3331333333")
		require.Equal(t, []string{"R13 amber"}, c.judged(made.Recipient))
		c.later(time.Hour)
		partner, err := c.app.AddPartner(c.ctx(), c.officer, carelog.NewPartner{Name: "沂源县医保局", Kind: "medical_insurance"})
		require.NoError(t, err)
		draft, err := c.app.DraftReferral(c.ctx(), c.officer, made.Recipient, carelog.NewReferral{Measure: "medical_aid", Partner: partner, Need: "药费"})
		require.NoError(t, err)
		require.Equal(t, []string{"R13 amber"}, c.alerts(made.Recipient, openAlert), "a draft helps nobody")
		_, err = c.app.SendReferral(c.ctx(), c.officer, draft.ID, carelog.Sending{Ground: "consent", Disclosed: []string{"name"}})
		require.NoError(t, err)
		require.Equal(t, []string{"R13 amber settled"}, c.judged(made.Recipient))
		require.Empty(t, c.alerts(made.Recipient, openAlert))
		c.keeps()
	})

	t.Run("ABenefitAboutToLapseIsAmberUntilItIsRenewed", func(t *testing.T) {
		t.Parallel()
		c, made, partner := referred(t)
		r := c.granted(made, partner, calendar.Of(c.clock.now()).AddDays(60))
		require.Empty(t, c.judged(made.Recipient))
		c.clock.set(tuesday.AddDate(0, 0, 30))
		c.watch()
		require.Equal(t, []string{"R11 amber"}, c.judged(made.Recipient))
		c.clock.set(tuesday.AddDate(0, 0, 31))
		c.watch()
		require.Equal(t, []string{"R11 amber"}, c.judged(made.Recipient), "the same end, the same cause")
		_, err := c.app.RenewReferral(c.ctx(), c.officer, r.ID, carelog.Renewal{ExpiresOn: calendar.Of(c.clock.now()).AddDays(365)})
		require.NoError(t, err)
		require.Equal(t, []string{"R11 amber settled"}, c.judged(made.Recipient))
		require.Empty(t, c.alerts(made.Recipient, openAlert))
		c.keeps()
	})

	t.Run("ACheckInPastItsGraceIsANoticeUntilItIsDone", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		check := c.checkIns(made.Recipient, "open")[0]
		c.clock.set(check.Closes.AddDays(1).At(9, 0))
		for range 2 {
			_, err := c.work.MarkOverdue(c.ctx(), 100)
			require.NoError(t, err)
		}
		require.Equal(t, []string{"R10 notice"}, c.judged(made.Recipient))
		require.Equal(t, "green", c.tier(made.Recipient), "it is we who are late")
		_, err := c.app.RecordCheckIn(c.ctx(), c.officer, check.ID, carelog.CheckInRecord{Outcome: "reached", Informant: "self", Receipt: "full"})
		require.NoError(t, err)
		require.Equal(t, []string{"R10 notice settled"}, c.judged(made.Recipient))
		require.Empty(t, c.alerts(made.Recipient, openAlert))
		c.keeps()
	})

	t.Run("AnUnplannedVisitIsJudgedLikeAnyOther", func(t *testing.T) {
		t.Parallel()
		c, made := visited(t, "3333333333")
		c.clock.set(calendar.New(2026, time.November, 28).At(9, 0))
		done, err := c.app.NoteVisit(c.ctx(), c.officer, made.Recipient, "home", carelog.CheckInRecord{Outcome: "reached", Informant: "self", Scores: scores(t, "3333333033")})
		require.NoError(t, err)
		require.Equal(t, []string{"R1 red", "R3 red"}, c.judged(made.Recipient))
		fixed := carelog.CheckInRecord{Outcome: "reached", Informant: "self", Scores: scores(t, "3333333033"), Note: "补充"}
		_, err = c.app.CorrectRecord(c.ctx(), c.officer, done.Record, fixed, "补充")
		require.NoError(t, err)
		require.Equal(t, []string{"R1 red", "R3 red"}, c.judged(made.Recipient), "a new version is the same visit")
	})

	t.Run("TheCostDoesNotGrowWithALife", func(t *testing.T) {
		t.Parallel()
		c, made := visited(t, "3333333333")
		for i := range 30 {
			c.later(30 * 24 * time.Hour)
			_, err := c.app.NoteVisit(c.ctx(), c.officer, made.Recipient, "home", carelog.CheckInRecord{
				Outcome: "reached", Informant: "self", Scores: scores(t, fmt.Sprintf("333333333%d", 3-i%2*2)),
			})
			require.NoError(t, err)
		}
		require.Len(t, c.alerts(made.Recipient, "rule = 'R3'"), 15, "each fall is judged once, those out of view stay as they are")
		require.Empty(t, c.alerts(made.Recipient, "outcome = 'superseded'"))
	})
}
