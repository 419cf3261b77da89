package carelog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// lonely is a small office below a city: one person is its officer and its
// supervisor, so that nobody there is independent of them.
func lonely(t *testing.T) (c *county, made carelog.Enrolled, only, above carelog.Actor) {
	t.Helper()
	c = newCounty(t)
	city := c.addOffice("370300", "淄博市人民检察院", carelog.OfficeID{})
	c.exec("UPDATE offices SET parent_id = $1, path = ARRAY[$1, id] WHERE id = $2", city, c.office)
	c.exec("UPDATE users SET state = 'left' WHERE login = 'zhao'")
	only = c.addUser(c.office, "only", "+8615400000206", carelog.Officer, carelog.Supervisor)
	above = c.addUser(city, "above", "+8615400000207", carelog.Supervisor)
	e := c.enrolment("A-1", 3)
	e.Officer = "only"
	made, err := c.app.EnrolRecipient(c.ctx(), only, e)
	require.NoError(t, err)
	return c, made, only, above
}

// Whoever approves is never who proposed, and where a small office has nobody
// independent the one above stands in.
func TestWhoeverApprovesIsNeverWhoProposed(t *testing.T) {
	t.Parallel()
	for name, propose := range map[string]func(t *testing.T) (c *county, proposed, independent carelog.Actor, approve func(by carelog.Actor) error){
		"Closing": func(t *testing.T) (*county, carelog.Actor, carelog.Actor, func(carelog.Actor) error) {
			c, made, only, above := lonely(t)
			c.fit(made.Plan)
			require.NoError(t, second(c.app.ClosePlan(c.ctx(), only, made.Plan, "已脱困")))
			return c, only, above, func(by carelog.Actor) error { return second(c.app.ClosePlan(c.ctx(), by, made.Plan, "同意")) }
		},
		"LowerTier": func(t *testing.T) (*county, carelog.Actor, carelog.Actor, func(carelog.Actor) error) {
			c, made, only, above := lonely(t)
			c.fit(made.Plan)
			c.exec("UPDATE care_plans SET tier = 'red', tier_since = $2 WHERE id = $1", made.Plan, calendar.Of(tuesday).AddDays(-300))
			require.NoError(t, second(c.app.ProposeTierDown(c.ctx(), only, made.Plan, "amber", "好转")))
			return c, only, above, func(by carelog.Actor) error {
				return second(c.app.DecideTier(c.ctx(), by, made.Plan, "amber", "好转"))
			}
		},
		"SignOff": func(t *testing.T) (*county, carelog.Actor, carelog.Actor, func(carelog.Actor) error) {
			c, made, only, above := lonely(t)
			done, err := c.app.RecordCheckIn(c.ctx(), only, c.step(made.Recipient, "baseline").ID, reachedAll(3))
			require.NoError(t, err)
			return c, only, above, func(by carelog.Actor) error { return c.app.SignOff(c.ctx(), by, done.Record, "") }
		},
		"SignOffOfACorrection": func(t *testing.T) (*county, carelog.Actor, carelog.Actor, func(carelog.Actor) error) {
			c, made, only, above := lonely(t)
			done, err := c.app.RecordCheckIn(c.ctx(), c.officer, c.step(made.Recipient, "baseline").ID, reachedAll(3))
			require.NoError(t, err)
			again, err := c.app.CorrectRecord(c.ctx(), only, done.Record, reachedAll(2), "看错")
			require.NoError(t, err)
			return c, only, above, func(by carelog.Actor) error { return c.app.SignOff(c.ctx(), by, again.Record, "") }
		},
		"Refusal": func(t *testing.T) (*county, carelog.Actor, carelog.Actor, func(carelog.Actor) error) {
			c, made, only, above := lonely(t)
			_, err := c.app.RecordCheckIn(c.ctx(), only, c.checkIns(made.Recipient, "open")[0].ID, carelog.CheckInRecord{Outcome: "refused"})
			require.NoError(t, err)
			return c, only, above, func(by carelog.Actor) error {
				return second(c.app.DecideRefusal(c.ctx(), by, made.Plan, carelog.RefusalDecision{Decision: "minimal", Reason: "本人意愿"}))
			}
		},
		"RedEventTakenBack": func(t *testing.T) (*county, carelog.Actor, carelog.Actor, func(carelog.Actor) error) {
			c, made, only, above := lonely(t)
			id, err := c.app.ReportEvent(c.ctx(), only, made.Recipient, carelog.Event{Kind: "offender_released", OccurredOn: calendar.New(2026, 11, 22), Source: "police"})
			require.NoError(t, err)
			c.exec("UPDATE alerts SET level = 'red', cause = 'R12:' || $1 WHERE recipient_id = $2 AND state <> 'closed'", id.String(), made.Recipient)
			require.Positive(t, c.count("SELECT count(*) FROM alerts WHERE level = 'red'"))
			return c, only, above, func(by carelog.Actor) error { return c.app.WithdrawEvent(c.ctx(), by, id, "误报") }
		},
		"HandOverToAColleague": func(t *testing.T) (*county, carelog.Actor, carelog.Actor, func(carelog.Actor) error) {
			c, made, only, above := lonely(t)
			act, err := c.app.TransferPlans(c.ctx(), only, carelog.NewTransfer{Plans: []carelog.PlanID{made.Plan}, To: "li", Reason: "分工"})
			require.NoError(t, err)
			return c, only, above, func(by carelog.Actor) error {
				return second(c.app.AcceptTransfer(c.ctx(), by, act.ID, carelog.Acceptance{}))
			}
		},
		"Wording": func(t *testing.T) (*county, carelog.Actor, carelog.Actor, func(carelog.Actor) error) {
			c, other := withWordings(t)
			saved, err := c.app.SaveWording(c.ctx(), c.admin, carelog.Wording{Key: "village_request", Text: otherWords})
			require.NoError(t, err)
			return c, c.admin, other, func(by carelog.Actor) error {
				return second(c.app.PutInForce(c.ctx(), by, saved.Key, saved.Language, saved.Version))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, proposed, independent, approve := propose(t)
			require.Equal(t, carelog.Forbidden, carelog.KindOf(approve(proposed)), "by whoever proposed it")
			require.NoError(t, approve(independent))
		})
	}
	t.Run("LooserTemplate", func(t *testing.T) {
		t.Parallel()
		c, made, only, above := lonely(t)
		looser := func(by carelog.Actor) carelog.Kind {
			return carelog.KindOf(second(c.app.ChangeTemplate(c.ctx(), by, made.Plan, "R", "x")))
		}
		require.Equal(t, carelog.Forbidden, looser(only), "who answers for the plan")
		require.Equal(t, carelog.Conflict, looser(above), "somebody else may, once the household is calm")
	})
}

func TestDutiesAreOfSeparatePeople(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	guard := c.addUser(c.office, "guard", "", carelog.SecurityAdministrator)
	all := []carelog.Role{carelog.Officer, carelog.Supervisor, carelog.SystemAdministrator, carelog.SecurityAdministrator, carelog.AuditAdministrator, carelog.Integration}
	caring := func(r carelog.Role) bool { return r == carelog.Officer || r == carelog.Supervisor }
	for _, one := range all {
		for _, other := range all {
			together := one == other || caring(one) && caring(other)
			_, err := c.work.AddUser(c.ctx(), carelog.TheSystem(), carelog.NewUser{Office: c.office, Login: string(one) + string(other), Name: "x", Roles: unique(one, other)})
			require.Equal(t, !together, err != nil, "%s and %s: %v", one, other, err)
			user, err := c.work.AddUser(c.ctx(), carelog.TheSystem(), carelog.NewUser{Office: c.office, Login: "a-" + string(one) + string(other), Name: "x", Roles: []carelog.Role{one}})
			require.NoError(t, err)
			err = c.app.GrantRole(c.ctx(), guard, carelog.NewGrant{User: user, Office: c.office, Role: other})
			require.Equal(t, !together, carelog.KindOf(err) == carelog.Conflict, "%s and %s: %v", one, other, err)
		}
	}
	require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.GrantRole(c.ctx(), guard, carelog.NewGrant{User: guard.User, Office: c.office, Role: carelog.SecurityAdministrator})))
	c.enrol("A-1", 3)
	err := c.app.WithdrawRole(c.ctx(), guard, carelog.NewGrant{User: c.officer.User, Office: c.office, Role: carelog.Officer})
	require.Equal(t, carelog.Conflict, carelog.KindOf(err), "the officer answers for an open plan")
}

func unique(roles ...carelog.Role) []carelog.Role {
	if roles[0] == roles[1] {
		return roles[:1]
	}
	return roles
}
