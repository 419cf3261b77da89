package carelog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/schedule"
)

// silent is a county whose contact was asked, asked again, and did not answer
// until the check-in became a phone call.
func silent(t *testing.T) (c *county, made carelog.Enrolled, code string) {
	t.Helper()
	c, made, code = asked(t) // Tuesday; due on Monday the 30th
	for day := 25; day <= 27; day++ {
		c.clock.set(calendar.New(2026, 11, day).At(9, 30))
		require.Equal(t, schedule.Village, c.village(made.Recipient).Kind, "day %d", day)
		c.plan()
		c.sweep()
	}
	c.clock.set(calendar.New(2026, 11, 30).At(8, 0))
	require.NoError(t, c.markOverdue())
	return c, made, code
}

func TestByPhone(t *testing.T) {
	t.Parallel()

	t.Run("SilenceBecomesAPhoneCall", func(t *testing.T) {
		t.Parallel()
		c, made, _ := silent(t)
		require.Equal(t, 2, c.count("SELECT count(*) FROM messages WHERE purpose = 'village_request' AND dispatch = 'accepted'"))
		check := c.village(made.Recipient)
		require.Equal(t, schedule.Phone, check.Kind)
		require.Equal(t, "planned", check.State)
		require.Contains(t, c.kinds(made.Recipient), "asked_by_phone")
		require.Zero(t, c.count("SELECT count(*) FROM asks WHERE check_in_id = $1 AND contact_id IS NOT NULL AND state = 'open'", check.ID))
		e, err := c.app.ExplainCheckIn(c.ctx(), c.officer, check.ID)
		require.NoError(t, err)
		require.Contains(t, reasons(e), "the village was to be asked, and it is a phone call of the officer now: the village contact did not answer the request and its repeat")
		c.clock.set(calendar.New(2026, 11, 30).At(9, 30))
		sent := c.sweep()
		require.NotEmpty(t, to(sent, officerPhone))
		require.Empty(t, to(sent, contactPhone))
		c.recordReached(check, c.clock.now())
		require.Equal(t, "done", c.village(made.Recipient).State)
		c.keeps()
	})

	t.Run("WhoAnswersNotSeenIsAskedAgainBeforeTheOfficerPhones", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		c.clock.set(calendar.New(2026, 11, 26).At(9, 30))
		c.reply(contactPhone, code+" 3")
		for day := calendar.New(2026, 11, 27); day.Before(calendar.New(2026, 12, 2)); day = day.AddDays(1) {
			c.clock.set(day.At(9, 30))
			c.sweep()
			require.Equal(t, schedule.Village, c.village(made.Recipient).Kind, day.String())
		}
		c.clock.set(calendar.New(2026, 12, 2).At(9, 30))
		c.sweep()
		require.Equal(t, schedule.Phone, c.village(made.Recipient).Kind)
		c.keeps()
	})

	t.Run("ARequestThatWaitsForItsHourIsNoSilence", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 176)
		c.exec("UPDATE offices SET texting = 'off'")
		c.clock.set(calendar.New(2026, 11, 27).At(9, 30))
		c.sweep()
		require.Equal(t, schedule.Village, c.village(made.Recipient).Kind)
		c.clock.set(calendar.New(2026, 12, 1).At(9, 30))
		c.sweep()
		require.NoError(t, c.markOverdue())
		check := c.village(made.Recipient)
		require.Equal(t, []any{schedule.Phone, "overdue"}, []any{check.Kind, check.State})
		c.keeps()
	})

	t.Run("AFailedRequestBecomesAPhoneCall", func(t *testing.T) {
		t.Parallel()
		for _, class := range []carelog.Class{carelog.Unreachable, carelog.OptedOut} {
			c := newCounty(t)
			made := c.enrol("A-1", 176)
			out := to(c.claim(), contactPhone)
			c.answered(out, carelog.Receipt{Class: class, Code: "21614"})
			require.Equal(t, 1, c.tasks("message_failed"))
			require.Positive(t, c.plan())
			require.Equal(t, schedule.Phone, c.village(made.Recipient).Kind, class)
			require.Equal(t, 1, c.tasks("contact_missing"))
			require.Contains(t, c.kinds(made.Recipient), "asked_by_phone")
			require.NotZero(t, c.count("SELECT count(*) FROM messages WHERE check_in_id = $1 AND purpose = 'officer_reminder' AND dispatch = 'planned'", c.village(made.Recipient).ID))
			c.keeps()
		}
	})

	t.Run("ATextThatIsRefusedTwiceBecomesAPhoneCall", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 176)
		c.answered(to(c.claim(), contactPhone), carelog.Receipt{Class: carelog.Refused, Code: "1"})
		c.sweep()
		require.Equal(t, schedule.Village, c.village(made.Recipient).Kind, "the repeat is to come")
		c.clock.set(calendar.New(2026, 11, 26).At(9, 30))
		c.answered(to(c.claim(), contactPhone), carelog.Receipt{Class: carelog.Refused, Code: "1"})
		c.sweep()
		require.Equal(t, schedule.Phone, c.village(made.Recipient).Kind)
		c.keeps()
	})

	t.Run("ALateAnswerAfterThatIsALateSignal", func(t *testing.T) {
		t.Parallel()
		c, made, code := silent(t)
		c.reply(contactPhone, code+" 1")
		require.Equal(t, "planned", c.village(made.Recipient).State)
		require.Equal(t, "late", c.decisions())
		c.reply(contactPhone, code+" 2")
		require.Equal(t, "planned", c.village(made.Recipient).State)
		require.Equal(t, 1, c.tasks("phone_household"))
		c.keeps()
	})

	t.Run("TheVillagesAnswerOnThePhoneCompletesIt", func(t *testing.T) {
		t.Parallel()
		c, made, _ := silent(t)
		check := c.village(made.Recipient)
		require.True(t, check.ForVillage)
		said := carelog.UnplannedContact{Kind: "village_answer", CheckIn: check.ID, Digit: 3}
		require.NoError(t, second(c.app.NoteContact(c.ctx(), c.officer, made.Recipient, said)))
		require.Equal(t, "planned", c.village(made.Recipient).State, "not seen keeps it open")
		said.Digit = 2
		require.NoError(t, second(c.app.NoteContact(c.ctx(), c.officer, made.Recipient, said)))
		require.Equal(t, "done", c.village(made.Recipient).State)
		require.Equal(t, 1, c.tasks("phone_household"))
		require.Equal(t, 2, c.count("SELECT count(*) FROM check_in_records WHERE check_in_id = $1 AND kind = 'village' AND informant = 'village_contact'", check.ID))
		c.keeps()
	})

	t.Run("ButNotOfAHouseholdThatIsBarredFromIt", func(t *testing.T) {
		t.Parallel()
		c, made, _ := silent(t)
		c.exec("UPDATE care_plans SET village_barred = true, village_bar_code = 'safety', primary_contact_id = NULL WHERE id = $1", made.Plan)
		check := c.village(made.Recipient)
		require.False(t, check.ForVillage)
		said := carelog.UnplannedContact{Kind: "village_answer", CheckIn: check.ID, Digit: 1}
		require.Equal(t, carelog.Invalid, carelog.KindOf(second(c.app.NoteContact(c.ctx(), c.officer, made.Recipient, said))))
	})

	t.Run("APlainPhoneCallIsNotTheVillagesToAnswer", func(t *testing.T) {
		t.Parallel()
		c, made, _ := asked(t)
		for _, check := range c.checkIns(made.Recipient, "") {
			if check.Kind == schedule.Phone {
				said := carelog.UnplannedContact{Kind: "village_answer", CheckIn: check.ID, Digit: 1}
				require.Equal(t, carelog.Invalid, carelog.KindOf(second(c.app.NoteContact(c.ctx(), c.officer, made.Recipient, said))))
			}
		}
	})

	t.Run("WhoeverIsNamedInsteadIsAsked", func(t *testing.T) {
		t.Parallel()
		c, made, _ := silent(t)
		const other = "+8615400000133"
		_, err := c.app.NameContacts(c.ctx(), c.officer, carelog.NewContacts{Plan: made.Plan, Primary: c.addContact("孙某", other), Reason: "换人"})
		require.NoError(t, err)
		check := c.village(made.Recipient)
		require.Equal(t, []any{schedule.Village, "半年村委会询问"}, []any{check.Kind, check.Title})
		c.clock.set(calendar.New(2026, 11, 30).At(9, 30))
		require.Len(t, to(c.send(), other), 1)
		c.keeps()
	})

	t.Run("ItStaysAPhoneCallWhenThePlanIsLaidAnew", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 176)
		c.answered(to(c.claim(), contactPhone), carelog.Receipt{Class: carelog.Unreachable, Code: "21614"})
		c.plan()
		c.setTier(made.Plan, "amber")
		check := c.village(made.Recipient)
		require.Equal(t, []any{schedule.Phone, "planned"}, []any{check.Kind, check.State})
		require.Equal(t, 1, c.count("SELECT count(*) FROM check_ins WHERE recipient_id = $1 AND step = 'month-6-village'", made.Recipient))
		c.keeps()
	})

	t.Run("TwoFailedCallsBecomeAHomeVisit", func(t *testing.T) {
		t.Parallel()
		c, made, _ := silent(t)
		for day := range 3 { // on three days within seven, as R9 counts
			c.clock.set(calendar.New(2026, 11, 30).AddDays(day).At(10, 0))
			require.Zero(t, c.count("SELECT count(*) FROM check_ins WHERE step = 'missed-home'"))
			c.record(c.village(made.Recipient).ID, carelog.CheckInRecord{Outcome: "no_answer"})
		}
		visit := c.step(made.Recipient, "missed-home")
		require.Equal(t, []any{schedule.Home, "planned", calendar.New(2026, 12, 4), true}, []any{visit.Kind, visit.State, visit.Due, visit.Scored})
		require.Zero(t, c.tasks("home_visit"), "one thing to do, not two")
		require.Contains(t, c.kinds(made.Recipient), "home_visit_due")
		require.NotZero(t, c.count("SELECT count(*) FROM messages WHERE check_in_id = $1 AND purpose = 'officer_reminder' AND dispatch = 'planned'", visit.ID))
		e, err := c.app.ExplainCheckIn(c.ctx(), c.officer, visit.ID)
		require.NoError(t, err)
		require.Contains(t, reasons(e), "nobody has seen or reached the household: rule R9 asks for a home visit within 2 working days")
		c.keeps()

		c.setTier(made.Plan, "red")
		require.Equal(t, visit.Due, c.step(made.Recipient, "missed-home").Due, "it stays when the plan is laid anew")
		c.clock.set(calendar.New(2026, 12, 3).At(10, 0))
		c.record(visit.ID, carelog.CheckInRecord{Outcome: "reached", Informant: "self", Scores: scores(t, "3333333333")})
		require.Equal(t, 1, c.count("SELECT count(*) FROM check_ins WHERE step = 'missed-home' AND state = 'done'"))
		require.Contains(t, c.judged(made.Recipient), "R9 amber settled")
		require.Empty(t, c.alerts(made.Recipient, openAlert))
		c.keeps()
	})

	t.Run("AHomeVisitThatIsDueByThenIsTheOne", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		baseline := c.step(made.Recipient, "baseline")
		receipt := c.step(made.Recipient, "receipt")
		for day := range 3 {
			c.clock.set(baseline.Due.AddDays(day-3).At(10, 0))
			c.record(receipt.ID, carelog.CheckInRecord{Outcome: "no_answer"})
		}
		require.Equal(t, []string{"R9 amber"}, c.alerts(made.Recipient, openAlert))
		require.Zero(t, c.count("SELECT count(*) FROM check_ins WHERE step = 'missed-home'"))
		c.keeps()
	})

	t.Run("NobodyGoesThereOnceSomebodyIsReachedByPhone", func(t *testing.T) {
		t.Parallel()
		c, made, _ := silent(t)
		for day := range 3 {
			c.clock.set(calendar.New(2026, 11, 30).AddDays(day).At(10, 0))
			c.record(c.village(made.Recipient).ID, carelog.CheckInRecord{Outcome: "no_answer"})
		}
		require.Equal(t, "planned", c.step(made.Recipient, "missed-home").State)
		c.later(time.Hour)
		c.recordReached(c.village(made.Recipient), c.clock.now())
		require.Equal(t, 1, c.count("SELECT count(*) FROM check_ins WHERE step = 'missed-home' AND state = 'superseded'"))
		c.keeps()
	})
}
