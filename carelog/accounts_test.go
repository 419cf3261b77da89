package carelog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

func TestTickets(t *testing.T) {
	t.Parallel()

	t.Run("AreGoodOnceAndForADay", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		session, _ := c.enter("li")
		first, err := c.app.IssueTicket(c.ctx(), c.guard, c.officer.User, carelog.TicketPassword)
		require.NoError(t, err)
		require.Equal(t, "li", first.Login)
		require.Error(t, c.try("li", goodPassword), "a lost password is good no more")
		_, err = c.app.AuthenticateSession(c.ctx(), session.Secret)
		require.Error(t, err)
		second, err := c.app.IssueTicket(c.ctx(), c.guard, c.officer.User, carelog.TicketPassword)
		require.NoError(t, err)
		refused := c.app.SetPassword(c.ctx(), carelog.Actor{}, first.Secret, goodPassword)
		require.Equal(t, carelog.Unauthorized, carelog.KindOf(refused), "a newer one replaces it")
		require.Equal(t, carelog.Invalid, carelog.KindOf(c.app.SetPassword(c.ctx(), carelog.Actor{}, second.Secret, "short")))
		require.NoError(t, c.app.SetPassword(c.ctx(), carelog.Actor{}, second.Secret, goodPassword))
		require.Equal(t, refused, c.app.SetPassword(c.ctx(), carelog.Actor{}, second.Secret, goodPassword))
		require.NoError(t, c.try("li", goodPassword))
		late, err := c.app.IssueTicket(c.ctx(), c.guard, c.officer.User, carelog.TicketPassword)
		require.NoError(t, err)
		c.later(24 * time.Hour)
		require.Equal(t, refused, c.app.SetPassword(c.ctx(), carelog.Actor{}, late.Secret, goodPassword))
	})
	t.Run("AreIssuedByAnAdministratorForOthers", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		sister := c.addOffice("370322", "邻县人民检察院", carelog.OfficeID{})
		stranger := c.addUser(sister, "sun", "", carelog.SecurityAdministrator)
		for _, by := range []carelog.Actor{c.officer, c.boss, c.admin} {
			_, err := c.app.IssueTicket(c.ctx(), by, c.officer.User, carelog.TicketPassword)
			require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		}
		_, err := c.app.IssueTicket(c.ctx(), c.guard, c.guard.User, carelog.TicketSecondFactor)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		_, err = c.app.IssueTicket(c.ctx(), stranger, c.officer.User, carelog.TicketPassword)
		require.Equal(t, carelog.NotFound, carelog.KindOf(err))
	})
	t.Run("ReplaceALostSecondFactorOnlyWithThePassword", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		c.enrolled("zhao")
		ticket, err := c.app.IssueTicket(c.ctx(), c.guard, c.boss.User, carelog.TicketSecondFactor)
		require.NoError(t, err)
		require.Error(t, c.app.SetPassword(c.ctx(), carelog.Actor{}, ticket.Secret, goodPassword), "it is for nothing else")
		_, half := c.enter("zhao")
		session, err := c.app.ConfirmSecondFactor(c.ctx(), half, ticket.Secret)
		require.NoError(t, err)
		require.Equal(t, carelog.AwaitsEnrolment, session.Awaits)
		by := c.actor(session)
		require.False(t, by.Has(carelog.Supervisor))
		_, err = c.app.EnrolSecondFactor(c.ctx(), by, "")
		require.NoError(t, err)
	})
}

func TestOneSecurityAdministrator(t *testing.T) {
	t.Parallel()

	t.Run("CannotAloneEnterAnAccountWithASecondFactor", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		c.enrolled("zhao")
		_, err := c.app.IssueTicket(c.ctx(), c.guard, c.boss.User, carelog.TicketPassword)
		require.NoError(t, err)
		_, err = c.app.IssueTicket(c.ctx(), c.guard, c.boss.User, carelog.TicketSecondFactor)
		require.Equal(t, carelog.Conflict, carelog.KindOf(err))
		other := c.addUser(c.office, "guard2", "", carelog.SecurityAdministrator)
		_, err = c.app.IssueTicket(c.ctx(), other, c.boss.User, carelog.TicketSecondFactor)
		require.NoError(t, err)
		_, err = c.app.IssueTicket(c.ctx(), other, c.boss.User, carelog.TicketPassword)
		require.Equal(t, carelog.Conflict, carelog.KindOf(err), "nor the other way round")
		c.later(30 * 24 * time.Hour)
		_, err = c.app.IssueTicket(c.ctx(), other, c.boss.User, carelog.TicketPassword)
		require.NoError(t, err)
	})
	t.Run("CannotTakeTheAccountOfSomebodyWhoMayMoreThanThey", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		below := c.addOffice("37032301", "派驻检察室", c.office)
		guard, above := c.addUser(below, "low", "", carelog.SecurityAdministrator), c.addUser(c.office, "high", "", carelog.SecurityAdministrator)
		wu := c.addUser(below, "wu", "", carelog.Officer)
		_, err := c.app.IssueTicket(c.ctx(), guard, wu.User, carelog.TicketPassword)
		require.NoError(t, err)
		program, err := c.work.AddUser(c.ctx(), carelog.TheSystem(), carelog.NewUser{Office: below, Login: "program", Name: "接口", Roles: []carelog.Role{carelog.Integration}})
		require.NoError(t, err)
		year := tuesday.AddDate(1, 0, 0)
		_, err = c.app.IssueToken(c.ctx(), guard, program, "x", year, "read:work")
		require.NoError(t, err)
		for _, g := range []carelog.NewGrant{{User: wu.User, Office: c.office, Role: carelog.Supervisor}, {User: program, Office: c.office, Role: carelog.Integration}} {
			require.NoError(t, c.app.GrantRole(c.ctx(), above, g))
		}
		for _, purpose := range []string{carelog.TicketPassword, carelog.TicketSecondFactor} {
			_, err = c.app.IssueTicket(c.ctx(), guard, wu.User, purpose)
			require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		}
		_, err = c.app.IssueToken(c.ctx(), guard, program, "x", year, "read:work")
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		_, err = c.app.IssueTicket(c.ctx(), above, wu.User, carelog.TicketPassword)
		require.NoError(t, err)
	})
	t.Run("IsNamedToTheOwnerAndInTheAuditAndDoesNotUseTheTicketThemself", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		_, guard := c.enter("guard")
		_, li := c.enter("li")
		told, err := c.app.OwnTickets(c.ctx(), li)
		require.NoError(t, err)
		require.Empty(t, told, "the first ticket of an account is nothing to tell")
		ticket, err := c.app.IssueTicket(c.ctx(), c.guard, c.officer.User, carelog.TicketPassword)
		require.NoError(t, err)
		err = c.app.SetPassword(c.ctx(), guard, ticket.Secret, goodPassword)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		require.NoError(t, c.app.SetPassword(c.ctx(), carelog.Actor{}, ticket.Secret, goodPassword), "a refusal does not use it up")
		_, li = c.enter("li")
		c.later(29 * 24 * time.Hour)
		told, err = c.app.OwnTickets(c.ctx(), li)
		require.NoError(t, err)
		require.Len(t, told, 1)
		require.Equal(t, "password guard", told[0].Purpose+" "+told[0].Issuer)
		require.True(t, told[0].At.Equal(tuesday))
		told, err = c.app.OwnTickets(c.ctx(), c.boss)
		require.NoError(t, err)
		require.Empty(t, told, "nobody else's")
		require.Equal(t, 1, c.count("SELECT count(*) FROM audit WHERE act = 'ticket_issued' AND actor_id = $1 AND subject_id = $2", c.guard.User, c.officer.User))
		require.Equal(t, 1, c.count("SELECT count(*) FROM audit WHERE act = 'password_changed' AND subject_id = $1 AND detail = 'ticket of ' || $2", c.officer.User, c.guard.User.String()))
	})
	t.Run("EndsTheTokensToo", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		_, by := c.enter("li")
		token, err := c.app.IssueToken(c.ctx(), by, by.User, "mine", tuesday.AddDate(0, 1, 0))
		require.NoError(t, err)
		_, err = c.app.IssueTicket(c.ctx(), c.guard, c.officer.User, carelog.TicketPassword)
		require.NoError(t, err)
		_, err = c.app.Authenticate(c.ctx(), token)
		require.Equal(t, carelog.Unauthorized, carelog.KindOf(err), "whoever found the password may have made it")
	})
}
