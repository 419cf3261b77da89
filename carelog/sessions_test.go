package carelog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

func TestSessions(t *testing.T) {
	t.Parallel()

	t.Run("EndWhenNobodyUsesThem", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		session, by := c.enter("li")
		require.True(t, by.Has(carelog.Officer))
		for range 4 {
			c.later(14 * time.Minute)
			c.actor(session)
		}
		c.later(15 * time.Minute)
		_, err := c.app.AuthenticateSession(c.ctx(), session.Secret)
		require.Equal(t, carelog.Unauthorized, carelog.KindOf(err))
	})
	t.Run("EndAfterTwelveHoursOfUse", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		session, _ := c.enter("li")
		for range 71 {
			c.later(10 * time.Minute)
			c.actor(session)
		}
		c.later(10 * time.Minute)
		_, err := c.app.AuthenticateSession(c.ctx(), session.Secret)
		require.Equal(t, carelog.Unauthorized, carelog.KindOf(err))
	})
	t.Run("AreWrittenDownAtMostOnceAMinute", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		session, _ := c.enter("li")
		c.later(59 * time.Second)
		c.actor(session)
		require.Equal(t, 1, c.count("SELECT count(*) FROM sessions WHERE seen_at = created_at"))
		c.later(time.Second)
		c.actor(session)
		require.Zero(t, c.count("SELECT count(*) FROM sessions WHERE seen_at = created_at"))
	})
	t.Run("EndWithTheOldPassword", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		elsewhere, _ := c.enter("li")
		here, by := c.enter("li")
		err := c.app.ChangePassword(c.ctx(), by, "wrong", "quite another phrase 19")
		require.Equal(t, carelog.Invalid, carelog.KindOf(err))
		require.Equal(t, 1, c.count("SELECT failures FROM credentials WHERE user_id = $1", c.officer.User), "a wrong one counts")
		require.NoError(t, c.app.ChangePassword(c.ctx(), by, goodPassword, "quite another phrase 19"))
		c.actor(here)
		_, err = c.app.AuthenticateSession(c.ctx(), elsewhere.Secret)
		require.Equal(t, carelog.Unauthorized, carelog.KindOf(err))
		require.Error(t, c.try("li", goodPassword))
		require.NoError(t, c.try("li", "quite another phrase 19"))
	})
	t.Run("AreListedAndEndedByTheirOwner", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		lost, other := c.enter("li")
		_, by := c.enter("li")
		_, boss := c.enter("zhao")
		list, err := c.app.Sessions(c.ctx(), by)
		require.NoError(t, err)
		require.Len(t, list, 2)
		require.Equal(t, carelog.NotFound, carelog.KindOf(c.app.EndSession(c.ctx(), boss, other.Session)))
		require.NoError(t, c.app.EndSession(c.ctx(), by, other.Session))
		_, err = c.app.AuthenticateSession(c.ctx(), lost.Secret)
		require.Error(t, err)
		require.NoError(t, c.app.SignOut(c.ctx(), by))
	})
	t.Run("AreNoTokensNorTheOtherWayRound", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		session, by := c.enter("li")
		_, err := c.app.Authenticate(c.ctx(), session.Secret)
		require.Equal(t, carelog.Unauthorized, carelog.KindOf(err))
		token, err := c.app.IssueToken(c.ctx(), by, by.User, "x", tuesday.AddDate(0, 1, 0))
		require.NoError(t, err)
		_, err = c.app.AuthenticateSession(c.ctx(), token)
		require.Equal(t, carelog.Unauthorized, carelog.KindOf(err))
	})
}
