package carelog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// tried records a try at the recipient's first open check-in of a kind.
func (c *county) tried(made carelog.Enrolled, outcome string) {
	c.t.Helper()
	_, err := c.app.RecordCheckIn(c.ctx(), c.officer, c.checkIns(made.Recipient, "open")[0].ID, carelog.CheckInRecord{Outcome: outcome})
	require.NoError(c.t, err)
}

func TestDeath(t *testing.T) {
	t.Parallel()

	t.Run("StopsEveryTextAtOnceAndAsksForADecision", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 176) // a village request is planned for today
		require.NotZero(t, c.count("SELECT count(*) FROM messages WHERE dispatch = 'planned' AND contact_id IS NOT NULL"))
		c.tried(made, "deceased")
		require.Zero(t, c.count("SELECT count(*) FROM messages WHERE dispatch = 'planned'"))
		require.Empty(t, c.send().Send)
		plan, err := c.app.PlanOf(c.ctx(), c.officer, made.Recipient)
		require.NoError(t, err)
		require.Equal(t, []any{"paused", "death", calendar.New(2026, time.November, 26)}, []any{plan.State, plan.Path, plan.ReviewOn})
		require.Equal(t, 1, c.tasks("death_review"))
		c.keeps()
		_, err = c.app.StartPlan(c.ctx(), c.officer, made.Plan)
		require.Equal(t, carelog.Conflict, carelog.KindOf(err), "nobody starts it again without a decision")
	})

	t.Run("AnAnswerThatWaitsForTheMorningIsNotSent", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		c.clock.set(tuesday.Add(12*time.Hour + 30*time.Minute)) // 21:30
		c.reply(contactPhone, code+" 1")
		const waits = "SELECT count(*) FROM messages WHERE purpose = 'answer' AND dispatch = 'planned'"
		require.Equal(t, 1, c.count(waits))
		c.tried(made, "deceased")
		require.Zero(t, c.count(waits))
		c.keeps()
	})

	t.Run("TheHouseholdThatIsLeftIsShownAndCaredFor", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		e := c.enrolment("A-1", 3)
		e.Household = []carelog.Member{{Relation: "女儿", Name: "马小某", BornOn: calendar.New(2018, time.May, 1)}, {Relation: "妻", Name: "孙某", BornOn: calendar.New(1980, time.May, 1)}}
		made, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		open := len(c.checkIns(made.Recipient, "open"))
		c.tried(made, "deceased")
		home, err := c.app.HouseholdOf(c.ctx(), c.officer, made.Recipient)
		require.NoError(t, err)
		require.Len(t, home.Members, 2)
		require.Equal(t, 1, home.Minors)
		_, err = c.app.ContinueForHousehold(c.ctx(), c.officer, made.Plan, carelog.Continuation{Alias: "马某某", Reason: "妻女"})
		require.Equal(t, carelog.Invalid, carelog.KindOf(err), "an alias with the full name")
		plan, err := c.app.ContinueForHousehold(c.ctx(), c.officer, made.Plan, carelog.Continuation{Alias: "2组孙家", Reason: "妻女"})
		require.NoError(t, err)
		require.Equal(t, []string{"active", ""}, []string{plan.State, plan.Path})
		require.Len(t, c.checkIns(made.Recipient, "open"), open)
		require.Zero(t, c.tasks("death_review"))
		require.Subset(t, c.kinds(made.Recipient), []string{"death_recorded", "facts_changed", "plan_continued"})
		c.keeps()
	})

	t.Run("ClosesOnItsOwnPathByTwoPeople", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		death := carelog.ClosingProposal{Path: "death", Reason: "家中无其他成员"}
		require.Equal(t, []string{"path"}, unmet(t, second(c.app.ProposeClosing(c.ctx(), c.officer, made.Plan, death))), "no death is recorded")
		c.tried(made, "deceased")
		plan, err := c.app.ProposeClosing(c.ctx(), c.officer, made.Plan, death)
		require.NoError(t, err)
		require.Equal(t, "closing", plan.State)
		require.Empty(t, c.checkIns(made.Recipient, "open"), "nobody is asked about somebody who died")
		c.later(200 * 24 * time.Hour)
		require.NoError(t, c.markOverdue())
		require.NoError(t, c.roll())
		c.plan()
		require.Empty(t, c.send().Send)
		c.keeps()
		plan, err = c.app.ClosePlan(c.ctx(), c.boss, made.Plan, "同意")
		require.NoError(t, err)
		require.Equal(t, []string{"closed", "death"}, []string{plan.State, plan.ClosingPath})
		require.Zero(t, c.tasks("death_review")+c.tasks("plan_review")+c.tasks("closing_approval"))
		c.keeps()
	})

	t.Run("AClosingOfTheDeathPathThatIsRejectedWaitsForAnother", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		c.tried(made, "deceased")
		_, err := c.app.ProposeClosing(c.ctx(), c.officer, made.Plan, carelog.ClosingProposal{Path: "death", Reason: "无其他成员"})
		require.NoError(t, err)
		plan, err := c.app.RejectClosing(c.ctx(), c.boss, made.Plan, "还有孙女")
		require.NoError(t, err)
		require.Equal(t, "paused", plan.State)
		require.False(t, plan.ReviewOn.IsZero())
		c.keeps()
	})
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	refused := func(t *testing.T) (*county, carelog.Enrolled) {
		t.Helper()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		c.tried(made, "refused")
		require.Equal(t, 1, c.tasks("refusal_review"))
		require.NotEmpty(t, c.checkIns(made.Recipient, "open"), "care goes on until somebody has decided")
		return c, made
	}

	t.Run("ShrinksToOneWordAYearAndGrowsBack", func(t *testing.T) {
		t.Parallel()
		c, made := refused(t)
		decide := func(by carelog.Actor, decision string) error {
			return second(c.app.DecideRefusal(c.ctx(), by, made.Plan, carelog.RefusalDecision{Decision: decision, Reason: "本人意愿"}))
		}
		require.Equal(t, carelog.Forbidden, carelog.KindOf(decide(c.officer, "minimal")))
		require.NoError(t, decide(c.boss, "minimal"))
		require.Zero(t, c.tasks("refusal_review"))
		open := c.checkIns(made.Recipient, "open")
		require.Len(t, open, 1)
		require.Equal(t, "yearly-word", open[0].Step)
		for range 5 { // years
			c.keeps()
			c.clock.set(open[0].Due.At(10, 0))
			c.sweepAll()
			_, err := c.app.RecordCheckIn(c.ctx(), c.officer, open[0].ID, carelog.CheckInRecord{Outcome: "reached"})
			require.NoError(t, err)
			next := c.checkIns(made.Recipient, "open")
			require.Len(t, next, 1)
			require.InDelta(t, 365, next[0].Due.Sub(open[0].Due), 20)
			open = next
		}
		require.NoError(t, decide(c.boss, "go_on"))
		for _, check := range c.checkIns(made.Recipient, "open") {
			require.NotEqual(t, "yearly-word", check.Step)
		}
		plan, err := c.app.PlanOf(c.ctx(), c.officer, made.Recipient)
		require.NoError(t, err)
		require.Equal(t, "G", plan.Template)
		c.keeps()
	})

	t.Run("MayBeClosedOnceASupervisorHasConfirmedIt", func(t *testing.T) {
		t.Parallel()
		c, made := refused(t)
		refusal := carelog.ClosingProposal{Path: "refusal", Reason: "多次拒绝"}
		require.Equal(t, []string{"path"}, unmet(t, second(c.app.ProposeClosing(c.ctx(), c.officer, made.Plan, refusal))))
		_, err := c.app.DecideRefusal(c.ctx(), c.boss, made.Plan, carelog.RefusalDecision{Decision: "close", Reason: "已核实"})
		require.NoError(t, err)
		_, err = c.app.ProposeClosing(c.ctx(), c.officer, made.Plan, refusal)
		require.NoError(t, err)
		require.NotEmpty(t, c.checkIns(made.Recipient, "open"))
		plan, err := c.app.ClosePlan(c.ctx(), c.boss, made.Plan, "同意")
		require.NoError(t, err)
		require.Equal(t, "closed", plan.State)
		c.keeps()
	})
}

func TestMovedAway(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	city := c.addOffice("370300", "淄博市人民检察院", carelog.OfficeID{})
	county := c.addOffice("370322", "高青县人民检察院", city)
	only := c.addUser(county, "only", "", carelog.Officer, carelog.Supervisor)
	above := c.addUser(city, "above", "", carelog.Supervisor)
	_, err := c.work.AddContact(c.ctx(), carelog.TheSystem(), carelog.NewContact{
		Verified: true, Office: county, Name: "周某", Phone: "+8615400000109", Role: "committee_head", Villages: []carelog.VillageName{{Township: "常家镇", Name: "西村"}},
	})
	require.NoError(t, err)
	e := c.enrolment("A-1", 3)
	e.Office, e.Officer, e.Village, e.Primary = county, "only", carelog.VillageName{Township: "常家镇", Name: "西村"}, carelog.ContactID{}
	made, err := c.app.EnrolRecipient(c.ctx(), only, e)
	require.NoError(t, err)
	open, err := c.app.CheckIns(c.ctx(), only, carelog.CheckInFilter{Recipient: made.Recipient, Standing: "open", Limit: 10})
	require.NoError(t, err)
	away := carelog.ClosingProposal{Path: "moved_away", Reason: "新疆某县检察院已书面接收"}
	require.Equal(t, []string{"path"}, unmet(t, second(c.app.ProposeClosing(c.ctx(), only, made.Plan, away))), "no move is recorded")
	_, err = c.app.RecordCheckIn(c.ctx(), only, open[0].ID, carelog.CheckInRecord{Outcome: "moved"})
	require.NoError(t, err)
	_, err = c.app.ProposeClosing(c.ctx(), only, made.Plan, away)
	require.NoError(t, err)
	_, err = c.app.ClosePlan(c.ctx(), only, made.Plan, "同意")
	require.Equal(t, carelog.Forbidden, carelog.KindOf(err), "the office has nobody independent")
	plan, err := c.app.ClosePlan(c.ctx(), above, made.Plan, "同意")
	require.NoError(t, err)
	require.Equal(t, []string{"closed", "moved_away"}, []string{plan.State, plan.ClosingPath})
	c.keeps()
}

func TestMove(t *testing.T) {
	t.Parallel()
	c, made, _ := asked(t)
	c.tried(made, "moved")
	require.Equal(t, 1, c.tasks("move_review"))
	c.keeps()
	elsewhere, err := c.work.AddContact(c.ctx(), carelog.TheSystem(), carelog.NewContact{
		Verified: true, Office: c.office, Name: "周某", Phone: "+8615400000109", Role: "committee_head", Villages: []carelog.VillageName{{Township: "悦庄镇", Name: "北村"}},
	})
	require.NoError(t, err)
	address := carelog.NewAddress{Village: carelog.VillageName{Township: "悦庄镇", Name: "北村"}, Address: "北村12号", Primary: c.contact, Reason: "随子女居住"}
	_, err = c.app.ChangeAddress(c.ctx(), c.officer, made.Plan, address)
	require.Equal(t, []string{"primary_contact_id"}, unmet(t, err), "the old contact does not serve the new village")
	address.Primary = elsewhere
	_, err = c.app.ChangeAddress(c.ctx(), c.officer, made.Plan, address)
	require.NoError(t, err)
	require.Zero(t, c.tasks("move_review"))
	require.Zero(t, c.count("SELECT count(*) FROM asks WHERE state = 'open' AND contact_id = $1", c.contact), "the old contact is asked no more")
	require.Len(t, to(c.send(), "+8615400000109"), 1, "the new one is asked")
	require.Equal(t, "北村", c.village(made.Recipient).Village)
	c.keeps()
}

// sweepAll is what the sweeps do.
func (c *county) sweepAll() {
	c.t.Helper()
	require.NoError(c.t, c.roll())
	c.plan()
	require.NoError(c.t, c.markOverdue())
}
