package carelog_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/schedule"
)

// enrolAs takes a recipient into care by a template named by hand.
func (c *county) enrolAs(externalID, template string, paidDaysAgo int) carelog.Enrolled {
	c.t.Helper()
	e := c.enrolment(externalID, paidDaysAgo)
	e.Template = template
	made, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
	require.NoError(c.t, err)
	return made
}

// setTier sets a plan's tier as the judgement would, and brings its check-ins in line.
func (c *county) setTier(plan carelog.PlanID, tier string) []carelog.Move {
	c.t.Helper()
	c.exec("UPDATE care_plans SET tier = $2, tier_since = CASE WHEN $2 = 'green' THEN NULL ELSE $3::date END WHERE id = $1", plan, tier, calendar.Of(c.clock.now()))
	moves, err := c.work.LayAnew(c.ctx(), plan, "the plan follows another template now")
	require.NoError(c.t, err)
	return moves
}

// ahead are the planned check-ins of a plan as "due step", in order.
func (c *county) ahead(recipient carelog.RecipientID) []string {
	c.t.Helper()
	var dues []string
	for _, check := range c.checkIns(recipient, "open") {
		dues = append(dues, check.Due.String()+" "+check.Step)
	}
	return dues
}

func TestSeededTemplates(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	// M, minimal contact, is laid by a supervisor's decision alone and has no quarterly tail: it is none of the seeds.
	require.Equal(t, len(schedule.Seeds()), c.count("SELECT count(*) FROM plan_templates WHERE key <> 'M'"))
	for _, want := range schedule.Seeds() {
		t.Run(fmt.Sprint(want.Key, want.Version), func(t *testing.T) {
			rows, err := c.pool.Query(c.ctx(), `SELECT s.key, occasion, title, kind, anchor, offset_days, every_days, lead_days, grace_workdays, scored, asks_village, closure,
					policy, gap_days, until_age, yearly_on, real_time
				FROM template_steps s JOIN plan_templates t ON t.id = s.template_id WHERE t.key = $1 AND t.version = $2 AND t.name = $3 ORDER BY position`,
				want.Key, want.Version, want.Name)
			require.NoError(t, err)
			steps, err := pgx.CollectRows(rows, pgx.RowToStructByPos[schedule.Step])
			require.NoError(t, err)
			require.Equal(t, want.Steps, steps)
		})
	}
}

func TestEveryTemplateGoesOn(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"G", "K", "H", "C", "R"} {
		t.Run("FiveYears/"+key, func(t *testing.T) {
			t.Parallel()
			c := newCounty(t)
			made := c.enrolAs("A-1", key, 3)
			c.keeps()
			for month := 1; month <= 66; month += 3 {
				c.clock.set(tuesday.AddDate(0, month, 0))
				require.NoError(t, c.roll())
				require.NoError(t, c.markOverdue())
				ahead := c.count("SELECT coalesce(min(due) - $2::date, 9999) FROM check_ins WHERE plan_id = $1 AND state = 'planned' AND due >= $2",
					made.Plan, calendar.Of(c.clock.now()))
				require.LessOrEqual(t, ahead, 100, "month %d", month)
			}
			c.keeps()
		})
	}
}

func TestTierOverlay(t *testing.T) {
	t.Parallel()

	t.Run("RedAddsTheStepsOfHAtOnceAndTheyEndWithIt", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 120) // G: the half year is due in January
		before := c.ahead(made.Recipient)
		added := c.setTier(made.Plan, "red")
		require.NotEmpty(t, added)
		for _, move := range added {
			require.True(t, move.From.IsZero(), "%v", move)
		}
		require.Contains(t, c.ahead(made.Recipient), "2026-11-25 tier-red-contact")
		require.Contains(t, c.ahead(made.Recipient), "2026-12-01 tier-red-village")
		require.Contains(t, c.ahead(made.Recipient), "2026-12-24 tier-red-home")
		require.Subset(t, c.ahead(made.Recipient), before, "the template goes on")
		c.keeps()

		dropped := c.setTier(made.Plan, "green")
		require.Len(t, dropped, len(added))
		require.Equal(t, before, c.ahead(made.Recipient))
		require.Zero(t, c.count("SELECT count(*) FROM messages m JOIN check_ins c ON c.id = m.check_in_id WHERE c.state = 'superseded' AND m.dispatch = 'planned'"))
		c.keeps()
	})

	t.Run("AContactOnARestDaySaysWhy", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 120)
		c.clock.set(calendar.New(2026, time.November, 27).At(16, 0)) // a Friday
		c.setTier(made.Plan, "red")
		contact := c.step(made.Recipient, "tier-red-contact")
		require.Equal(t, "2026-11-28", contact.Due.String())
		require.Equal(t, "a tier's clock runs on rest days too", contact.Reason)
		c.keeps()
	})

	t.Run("WhatWasTextedAboutStays", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 120)
		c.setTier(made.Plan, "red")
		c.clock.set(calendar.New(2026, time.November, 30).At(9, 5)) // the window of the first week has opened
		require.NotEmpty(t, to(c.send(), contactPhone))
		c.setTier(made.Plan, "green")
		require.Contains(t, c.ahead(made.Recipient), "2026-12-01 tier-red-village")
		require.NotContains(t, c.ahead(made.Recipient), "2026-12-08 tier-red-village")
		c.keeps()
	})

	t.Run("AmberAddsNothingToK", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrolAs("A-1", "K", 120)
		require.Empty(t, c.setTier(made.Plan, "amber"))
		require.NotEmpty(t, c.setTier(made.Plan, "red"))
		c.keeps()
	})

	t.Run("ASecondRiseIsLaidAnew", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 120)
		c.setTier(made.Plan, "red")
		c.recordReached(c.step(made.Recipient, "tier-red-contact"), tuesday)
		c.setTier(made.Plan, "green")
		c.clock.set(tuesday.AddDate(0, 0, 10))
		require.NoError(t, c.markOverdue())
		c.setTier(made.Plan, "red")
		require.Contains(t, c.ahead(made.Recipient), "2026-12-05 tier-red-contact")
		c.keeps()
	})
}

// recordReached records that a check-in reached the household at a time.
func (c *county) recordReached(check carelog.CheckIn, at time.Time) carelog.Recorded {
	c.t.Helper()
	done, err := c.app.RecordCheckIn(c.ctx(), c.officer, check.ID, carelog.CheckInRecord{Outcome: "reached", Informant: "self", OccurredAt: at, Scores: scoresFor(check)})
	require.NoError(c.t, err)
	return done
}

func TestVisitsMoveWhatFollows(t *testing.T) {
	t.Parallel()

	t.Run("ALateHomeVisitPushesTheNextOneOff", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrolAs("A-1", "K", 85) // the quarter is due on 30 November
		check := c.step(made.Recipient, "quarterly-home")
		require.Equal(t, "2026-11-30", check.Due.String()) // 29 November is a Sunday
		c.clock.set(calendar.New(2027, time.January, 20).At(10, 0))
		require.NoError(t, c.markOverdue())
		require.NoError(t, c.roll())
		require.Contains(t, c.ahead(made.Recipient), "2027-03-01 quarterly-home") // 27 February is a Saturday
		require.Equal(t, "done", c.recordReached(check, c.clock.now()).State)
		require.Contains(t, c.ahead(made.Recipient), "2027-03-08 quarterly-home", "45 days after the visit is a Saturday")
		c.keeps()
	})

	t.Run("AnUnplannedVisitKeepsTheNextAtADistance", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrolAs("A-1", "K", 40) // the quarter is due on 13 January, and may be made from the 3rd
		require.Contains(t, c.ahead(made.Recipient), "2027-01-13 quarterly-home")
		c.clock.set(calendar.New(2026, time.December, 20).At(10, 0))
		_, err := c.app.NoteVisit(c.ctx(), c.officer, made.Recipient, schedule.Home, carelog.CheckInRecord{Outcome: "reached", Informant: "self"})
		require.NoError(t, err)
		require.Contains(t, c.ahead(made.Recipient), "2027-02-03 quarterly-home")
		require.NotContains(t, c.ahead(made.Recipient), "2027-01-13 quarterly-home")
		c.keeps()
	})
}
