package carelog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/migrations/pgtest"
)

func TestSecondFactor(t *testing.T) {
	t.Parallel()

	t.Run("LetsASupervisorWithoutOneDoNothingButEnrol", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		made := c.enrol("A-1", 3)
		session, by := c.enter("zhao")
		require.Equal(t, carelog.AwaitsEnrolment, session.Awaits)
		_, err := c.app.History(c.ctx(), by, made.Recipient, 0, 10)
		require.Equal(t, carelog.NotFound, carelog.KindOf(err))
		_, err = c.app.Tasks(c.ctx(), by, carelog.Page{Limit: 10})
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.ChangePassword(c.ctx(), by, goodPassword, "quite another phrase 19")))
		_, err = c.app.IssueToken(c.ctx(), by, by.User, "for later", tuesday.AddDate(1, 0, 0))
		require.Error(t, err, "no way round by a token")

		second, err := c.app.EnrolSecondFactor(c.ctx(), by, "")
		require.NoError(t, err)
		require.Contains(t, second.URI, second.Secret)
		_, err = c.app.ConfirmEnrolment(c.ctx(), by, "000000")
		require.Equal(t, carelog.Invalid, carelog.KindOf(err))
		done, err := c.app.ConfirmEnrolment(c.ctx(), by, c.code(second.Secret, c.clock.now()))
		require.NoError(t, err)
		require.Len(t, done.RecoveryCodes, 10)
		_, err = c.app.Tasks(c.ctx(), c.actor(done.Session), carelog.Page{Limit: 10})
		require.NoError(t, err)
		_, err = c.app.AuthenticateSession(c.ctx(), session.Secret)
		require.Error(t, err, "the session without it is over")
		require.Zero(t, c.count("SELECT count(*) FROM credentials WHERE position($1::bytea IN totp) > 0", []byte(second.Secret)))
	})
	t.Run("TakesEachCodeOnce", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		secret, _ := c.enrolled("zhao")
		session, half := c.enter("zhao")
		require.Equal(t, carelog.AwaitsSecondFactor, session.Awaits)
		_, err := c.app.Tasks(c.ctx(), half, carelog.Page{Limit: 10})
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		_, err = c.app.EnrolSecondFactor(c.ctx(), half, "")
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		_, err = c.app.ConfirmSecondFactor(c.ctx(), half, c.code(secret, c.clock.now()))
		require.Equal(t, carelog.Unauthorized, carelog.KindOf(err), "it was used to enrol")
		next := c.code(secret, c.clock.now().Add(30*time.Second))
		whole, err := c.app.ConfirmSecondFactor(c.ctx(), half, next)
		require.NoError(t, err, "a clock may be half a minute off")
		require.True(t, c.actor(whole).Has(carelog.Supervisor))
		_, again := c.enter("zhao")
		_, err = c.app.ConfirmSecondFactor(c.ctx(), again, next)
		require.Equal(t, carelog.Unauthorized, carelog.KindOf(err))
		c.later(2 * time.Minute)
		_, err = c.app.ConfirmSecondFactor(c.ctx(), again, c.code(secret, c.clock.now().Add(-90*time.Second)))
		require.Error(t, err, "too old")
		_, err = c.app.ConfirmSecondFactor(c.ctx(), again, c.code(secret, c.clock.now()))
		require.NoError(t, err)
		c.later(4 * time.Minute)
		late, _ := c.enter("zhao")
		c.later(5 * time.Minute)
		_, err = c.app.AuthenticateSession(c.ctx(), late.Secret)
		require.Equal(t, carelog.Unauthorized, carelog.KindOf(err), "five minutes to find the code")
	})
	t.Run("TakesEachRecoveryCodeOnce", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		_, done := c.enrolled("zhao")
		_, half := c.enter("zhao")
		_, err := c.app.ConfirmSecondFactor(c.ctx(), half, strings.ToLower(strings.ReplaceAll(done.RecoveryCodes[3], "-", " ")))
		require.NoError(t, err)
		_, half = c.enter("zhao")
		_, err = c.app.ConfirmSecondFactor(c.ctx(), half, done.RecoveryCodes[3])
		require.Equal(t, carelog.Unauthorized, carelog.KindOf(err))
		whole, err := c.app.ConfirmSecondFactor(c.ctx(), half, done.RecoveryCodes[4])
		require.NoError(t, err)
		_, err = c.app.EnrolSecondFactor(c.ctx(), c.actor(whole), "")
		require.Equal(t, carelog.Invalid, carelog.KindOf(err), "another phone asks for a code of the first")
		_, err = c.app.EnrolSecondFactor(c.ctx(), c.actor(whole), done.RecoveryCodes[5])
		require.NoError(t, err)
	})
	t.Run("CannotBeGuessedByGivingThePasswordAgain", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		secret, _ := c.enrolled("zhao")
		c.later(time.Minute)
		for range 5 {
			_, half := c.enter("zhao")
			_, err := c.app.ConfirmSecondFactor(c.ctx(), half, "000000")
			require.Error(t, err)
		}
		require.Error(t, c.try("zhao", goodPassword), "the right password forgets no failure of the second factor")
		c.later(time.Minute)
		_, half := c.enter("zhao")
		_, err := c.app.ConfirmSecondFactor(c.ctx(), half, c.code(secret, c.clock.now()))
		require.NoError(t, err)
	})
	t.Run("IsWhatTheSettingSays", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		config := c.config
		config.DB = pgtest.Pool(t, c.db.App)
		for setting, awaits := range map[string]string{"all": carelog.AwaitsEnrolment, "none": ""} {
			config.SignIn = carelog.SignInRules{MemoryKiB: 64, Passes: 1, SecondFactor: setting}
			for _, login := range []string{"li", "zhao"} {
				session, err := carelog.New(config).SignIn(c.ctx(), carelog.Attempt{Login: login, Password: goodPassword})
				require.NoError(t, err)
				require.Equal(t, awaits, session.Awaits, setting)
			}
		}
	})
}
