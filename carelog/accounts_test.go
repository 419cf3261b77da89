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
		refused := c.app.SetPassword(c.ctx(), first.Secret, goodPassword)
		require.Equal(t, carelog.Unauthorized, carelog.KindOf(refused), "a newer one replaces it")
		require.Equal(t, carelog.Invalid, carelog.KindOf(c.app.SetPassword(c.ctx(), second.Secret, "short")))
		require.NoError(t, c.app.SetPassword(c.ctx(), second.Secret, goodPassword))
		require.Equal(t, refused, c.app.SetPassword(c.ctx(), second.Secret, goodPassword))
		require.NoError(t, c.try("li", goodPassword))
		late, err := c.app.IssueTicket(c.ctx(), c.guard, c.officer.User, carelog.TicketPassword)
		require.NoError(t, err)
		c.later(24 * time.Hour)
		require.Equal(t, refused, c.app.SetPassword(c.ctx(), late.Secret, goodPassword))
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
		require.Error(t, c.app.SetPassword(c.ctx(), ticket.Secret, goodPassword), "it is for nothing else")
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
