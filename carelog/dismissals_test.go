package carelog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

func TestDismissUser(t *testing.T) {
	t.Parallel()

	t.Run("HandsEveryPlanOnAndShutsOut", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		heir := c.addUser(c.office, "wu", "+8615400000209", carelog.Officer)
		for _, id := range []string{"A-1", "A-2", "A-3"} {
			c.enrol(id, 60)
		}
		offered := c.enrol("A-4", 60)
		_, err := c.app.TransferPlans(c.ctx(), c.officer, carelog.NewTransfer{Plans: []carelog.PlanID{offered.Plan}, To: "wu", Reason: "分工"})
		require.NoError(t, err)
		session, _ := c.enter("li")
		token, err := c.work.IssueToken(c.ctx(), carelog.TheSystem(), c.officer.User, "x", tuesday.AddDate(1, 0, 0))
		require.NoError(t, err)

		for _, d := range []carelog.Dismissal{{User: c.officer.User}, {User: c.officer.User, Successor: "li"}, {User: c.officer.User, Successor: "zhao"}} {
			_, err = c.app.DismissUser(c.ctx(), c.guard, d)
			require.Equal(t, carelog.Invalid, carelog.KindOf(err), "without an able successor nothing happens")
		}
		for _, by := range []carelog.Actor{c.boss, c.admin} {
			_, err = c.app.DismissUser(c.ctx(), by, carelog.Dismissal{User: c.officer.User, Successor: "wu"})
			require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		}
		c.actor(session)

		done, err := c.app.DismissUser(c.ctx(), c.guard, carelog.Dismissal{User: c.officer.User, Successor: "wu"})
		require.NoError(t, err)
		require.Equal(t, 4, done.Plans)
		require.Equal(t, 4, c.count("SELECT count(*) FROM care_plans WHERE officer_id = $1", heir.User))
		require.Zero(t, c.count("SELECT count(*) FROM care_plans WHERE officer_id = $1", c.officer.User))
		require.Zero(t, c.count("SELECT count(*) FROM messages WHERE user_id = $1 AND dispatch = 'planned'", c.officer.User))
		require.Positive(t, c.count("SELECT count(*) FROM messages WHERE user_id = $1 AND dispatch = 'planned'", heir.User))
		c.keeps()
		_, err = c.app.AuthenticateSession(c.ctx(), session.Secret)
		require.Equal(t, carelog.Unauthorized, carelog.KindOf(err))
		_, err = c.app.Authenticate(c.ctx(), token)
		require.Equal(t, carelog.Unauthorized, carelog.KindOf(err))
		require.Error(t, c.try("li", goodPassword))
		require.Zero(t, c.count("SELECT count(*) FROM grants WHERE user_id = $1", c.officer.User))
		require.Equal(t, 4, c.count("SELECT count(*) FROM history WHERE kind = 'plan_handed_on'"))
	})
	t.Run("GivesBackWhatWasOfferedToThem", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		leaver := c.addUser(c.office, "wu", "+8615400000209", carelog.Officer)
		made := c.enrol("A-1", 60)
		_, err := c.app.TransferPlans(c.ctx(), c.officer, carelog.NewTransfer{Plans: []carelog.PlanID{made.Plan}, To: "wu", Reason: "分工"})
		require.NoError(t, err)
		_, err = c.app.DismissUser(c.ctx(), c.guard, carelog.Dismissal{User: leaver.User})
		require.NoError(t, err)
		require.Equal(t, 1, c.count("SELECT count(*) FROM care_plans WHERE officer_id = $1", c.officer.User), "the sender stays responsible")
		require.Zero(t, c.count("SELECT count(*) FROM transfers WHERE state = 'open'"))
		c.keeps()
	})
	t.Run("GivesNoPlanToSomebodyWhoIsJustLeaving", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		tx, err := c.pool.Begin(c.ctx())
		require.NoError(t, err)
		defer tx.Rollback(c.ctx())
		_, err = tx.Exec(c.ctx(), "SELECT FROM users WHERE id = $1 FOR UPDATE", c.officer.User)
		require.NoError(t, err)
		_, err = tx.Exec(c.ctx(), "UPDATE users SET state = 'left' WHERE id = $1", c.officer.User)
		require.NoError(t, err)
		enrolled := make(chan error, 1)
		go func() { enrolled <- second(c.app.EnrolRecipient(c.ctx(), c.officer, c.enrolment("A-1", 3))) }()
		require.Eventually(t, func() bool {
			return c.count("SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE a.datname = current_database() AND NOT l.granted") > 0
		}, 5*time.Second, 20*time.Millisecond, "the plan waits for whoever is being shut out")
		require.NoError(t, tx.Commit(c.ctx()))
		require.Equal(t, carelog.Conflict, carelog.KindOf(<-enrolled))
	})
	t.Run("LeavesNoPlanBehindThatIsOutOfReach", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		sister := c.addOffice("370322", "邻县人民检察院", carelog.OfficeID{})
		c.exec("INSERT INTO grants VALUES ($1, $2, 'officer', now())", c.officer.User, sister)
		made := c.enrol("A-1", 60)
		c.exec("UPDATE care_plans SET office_id = $2 WHERE id = $1", made.Plan, sister)
		_, err := c.app.DismissUser(c.ctx(), c.guard, carelog.Dismissal{User: c.officer.User})
		require.Equal(t, carelog.Conflict, carelog.KindOf(err))
		require.Equal(t, 1, c.count("SELECT count(*) FROM users WHERE id = $1 AND state = 'active'", c.officer.User))
	})
}
