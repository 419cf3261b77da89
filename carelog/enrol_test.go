package carelog_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// fields are the names of the fields a refusal complains about.
func fields(t *testing.T, err error) []string {
	t.Helper()
	var refusal *carelog.Error
	require.ErrorAs(t, err, &refusal)
	var names []string
	for _, f := range refusal.Fields {
		require.NotEmpty(t, f.Reason)
		require.NotEmpty(t, f.Chinese)
		names = append(names, f.Field)
	}
	return names
}

func TestEnrol(t *testing.T) {
	t.Parallel()

	t.Run("TellsEveryProblemAtOnce", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		tomorrow := calendar.Of(tuesday).AddDays(1)
		_, err := c.app.EnrolRecipient(c.ctx(), c.officer, carelog.Enrolment{
			IDNumber: "990323197206201178", BornOn: tomorrow, Phone: "12", Flags: []carelog.Flag{"poor"}, Officer: "nobody", Template: "Z",
			Village: carelog.VillageName{Township: "南麻街道", Name: "无名村"}, Primary: carelog.ContactID{15: 9}, Backup: carelog.ContactID{15: 8},
			Household: []carelog.Member{{BornOn: tomorrow, Flags: []carelog.Flag{"poor"}}},
			Award: carelog.Award{
				LossFen: -1, CompensationFen: -1, PaidOn: tomorrow, Origin: "somehow",
				Sources: []carelog.Source{{AmountFen: 5}, {Name: "市级", AmountFen: -5}, {Name: "本级", AmountFen: 7}},
			},
			Alias: "2组老马家的大儿子和小儿子",
		})
		require.Equal(t, carelog.Invalid, carelog.KindOf(err))
		require.ElementsMatch(t, []string{
			"external_id", "name", "phone", "id_number", "born_on", "flags", "household[0].name", "household[0].born_on", "household[0].flags",
			"award.total_fen", "award.loss_fen", "award.compensation_fen", "award.paid_on", "award.origin", "award.sources[0].name",
			"award.sources[1].amount_fen", "award.sources", "household_alias", "village", "officer", "primary_contact_id", "backup_contact_id", "template",
		}, fields(t, err))
		require.NotContains(t, err.Error(), "990323197206201178")
		require.Zero(t, c.count("SELECT count(*) FROM recipients"))
	})

	t.Run("RefusesAContactOfAnotherVillage", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		e := c.enrolment("A-1", 3)
		other, err := c.work.AddContact(c.ctx(), carelog.TheSystem(), carelog.NewContact{
			Verified: true, Office: c.office, Name: "孙某", Phone: "+8615400000102", Role: "grid_worker", Villages: []carelog.VillageName{{Township: "南麻街道", Name: "东村"}},
		})
		require.NoError(t, err)
		e.Primary = other
		_, err = c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.Equal(t, []string{"primary_contact_id"}, fields(t, err))
	})

	t.Run("WarnsAboutANumberThePlanDoesNotKnow", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		e := c.enrolment("A-1", 3)
		e.Phone = "+8620000000000"
		made, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		require.Len(t, made.Warnings, 1)
	})

	for name, c := range map[string]struct {
		change func(*carelog.Enrolment)
		want   string
	}{
		"GForMost":              {func(*carelog.Enrolment) {}, "G"},
		"GForChronicIllness":    {func(e *carelog.Enrolment) { e.Flags = []carelog.Flag{"chronic_illness"} }, "G"},
		"KForTheElderlyAlone":   {func(e *carelog.Enrolment) { e.Flags = []carelog.Flag{"chronic_illness", "elderly_alone"} }, "K"},
		"CForAMinor":            {func(e *carelog.Enrolment) { e.BornOn = calendar.New(2008, time.November, 25) }, "C"},
		"CForAMinorVictim":      {func(e *carelog.Enrolment) { e.Flags = []carelog.Flag{"elderly_alone", "minor_victim"} }, "C"},
		"HOnlyByHand":           {func(e *carelog.Enrolment) { e.Template = "H" }, "H"},
		"GFromEighteenOn":       {func(e *carelog.Enrolment) { e.BornOn = calendar.New(2008, time.November, 24) }, "G"},
		"TheOneAPersonHasNamed": {func(e *carelog.Enrolment) { e.Template = "K" }, "K"},
	} {
		t.Run("ChoosesTheTemplate/"+name, func(t *testing.T) {
			t.Parallel()
			k := newCounty(t)
			e := k.enrolment("A-1", 3)
			c.change(&e)
			made, err := k.app.EnrolRecipient(k.ctx(), k.officer, e)
			require.NoError(t, err)
			require.Equal(t, c.want, made.Template)
		})
	}

	for name, days := range map[string]int{"ThreeDays": 3, "TwoHundredDays": 200, "TwoYears": 730, "SixYears": 2191} {
		t.Run("NobodyIsForgottenPaidAgo/"+name, func(t *testing.T) {
			t.Parallel()
			c := newCounty(t)
			made := c.enrol("A-1", days)
			c.keeps()
			today := calendar.Of(tuesday)
			for _, check := range c.checkIns(made.Recipient, "") {
				before := check.Due.Before(today)
				require.Equal(t, before, check.State == "before_enrolment", "%s %s", check.Step, check.Due)
			}
			require.Zero(t, c.count(`SELECT count(*) FROM messages m JOIN check_ins c ON c.id = m.check_in_id WHERE c.state = 'before_enrolment'`))
			require.Zero(t, c.count("SELECT count(*) FROM alerts"))
			for range 30 { // a year and a quarter, nobody doing anything
				c.later(15 * 24 * time.Hour)
				for _, sweep := range []func() error{c.roll, c.markOverdue} {
					require.NoError(t, sweep())
				}
				require.Zero(t, c.forgotten())
			}
		})
	}

	t.Run("WorkDoneEarlyLeavesANextOne", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 2191)
		for _, check := range c.checkIns(made.Recipient, "open") {
			if opens := check.Opens.At(9, 0); opens.After(c.clock.now()) {
				c.clock.set(opens)
			}
			_, err := c.app.RecordCheckIn(c.ctx(), c.officer, check.ID, carelog.CheckInRecord{Outcome: "reached", Informant: "self", Scores: scoresFor(check)})
			require.NoError(t, err)
		}
		c.keeps()
	})

	t.Run("WorkMovedForwardAndDoneLeavesANextOne", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 2191)
		for _, check := range c.checkIns(made.Recipient, "open") {
			_, err := c.app.RescheduleCheckIn(c.ctx(), c.officer, check.ID, calendar.New(2026, time.November, 24), "一并走访")
			require.NoError(t, err)
			_, err = c.app.RecordCheckIn(c.ctx(), c.officer, check.ID, carelog.CheckInRecord{Outcome: "reached", Informant: "self", Scores: scoresFor(check)})
			require.NoError(t, err)
			c.keeps()
		}
	})

	t.Run("AMissedOneStandsInForNoNextOne", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 2191)
		checks := c.checkIns(made.Recipient, "open")
		for _, check := range checks[1:] {
			_, err := c.app.RescheduleCheckIn(c.ctx(), c.officer, check.ID, calendar.Of(tuesday), "一并走访")
			require.NoError(t, err)
			_, err = c.app.RecordCheckIn(c.ctx(), c.officer, check.ID, carelog.CheckInRecord{Outcome: "reached", Informant: "self", Scores: scoresFor(check)})
			require.NoError(t, err)
		}
		c.clock.set(calendar.Official().NextWorkday(checks[0].Due).At(9, 0))
		require.NoError(t, c.markOverdue())
		c.clock.set(calendar.New(2026, time.December, 23).At(9, 0)) // the supervisor's text has expired, the horizon is far
		c.send()
		require.NoError(t, c.roll())
		c.keeps()
	})

	t.Run("ADraftHasAReviewDate", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		e := c.enrolment("A-1", 3)
		e.Draft = true
		made, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		require.Equal(t, "draft", made.State)
		plan, err := c.app.PlanOf(c.ctx(), c.officer, made.Recipient)
		require.NoError(t, err)
		require.Equal(t, calendar.New(2026, time.November, 25), plan.ReviewOn)
		require.Empty(t, c.messages(made.Recipient))
		c.keeps()
		c.clock.set(calendar.New(2026, time.November, 25).At(9, 0))
		require.NoError(t, c.markOverdue())
		require.Equal(t, 1, c.tasks("plan_review"))
		plan, err = c.app.StartPlan(c.ctx(), c.officer, made.Plan)
		require.NoError(t, err)
		require.Equal(t, "active", plan.State)
		c.keeps()
	})

	t.Run("ResumingAPausedPlanLaysDownWhatIsAhead", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 200)
		_, err := c.app.PausePlan(c.ctx(), c.officer, made.Plan, calendar.New(2026, time.December, 24), "住院")
		require.NoError(t, err)
		require.Empty(t, c.checkIns(made.Recipient, "open"))
		c.keeps()
		c.clock.set(calendar.New(2026, time.December, 24).At(9, 0))
		_, err = c.app.StartPlan(c.ctx(), c.officer, made.Plan)
		require.NoError(t, err)
		require.NotEmpty(t, c.checkIns(made.Recipient, "open"))
		require.Contains(t, c.kinds(made.Recipient), "plan_resumed")
		c.keeps()
	})

	t.Run("ADuplicateExternalIDIsAConflict", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.enrol("A-1", 3)
		_, err := c.app.EnrolRecipient(c.ctx(), c.officer, c.enrolment("A-1", 3))
		require.Equal(t, carelog.Conflict, carelog.KindOf(err))
		require.Equal(t, 1, c.count("SELECT count(*) FROM recipients"))
	})

	t.Run("FiftyAtOnceAreAllEnrolled", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		var group sync.WaitGroup
		for i := range 50 {
			group.Go(func() {
				_, err := c.app.EnrolRecipient(c.ctx(), c.officer, c.enrolment(fmt.Sprint("A-", i), 3))
				require.NoError(t, err)
			})
		}
		group.Wait()
		require.Equal(t, 50, c.count("SELECT count(DISTINCT external_id) FROM recipients"))
		c.keeps()
	})
}

func (c *county) roll() error { _, err := c.work.RollCheckIns(c.ctx(), 1000); return err }

// markOverdue marks what is late and has the ladder tell of it.
func (c *county) markOverdue() error {
	if _, err := c.work.MarkOverdue(c.ctx(), 1000); err != nil {
		return err
	}
	_, err := c.work.Escalate(c.ctx(), 1000)
	return err
}
