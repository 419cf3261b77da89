package carelog_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/migrations/pgtest"
)

const goodPassword = "四只青蛙在读报纸 quietly 7"

// withPasswords is a county whose people have one.
func withPasswords(t *testing.T) *county {
	t.Helper()
	c := newCounty(t)
	c.guard = c.addUser(c.office, "guard", "", carelog.SecurityAdministrator)
	c.givePasswords(c.officer, c.boss, c.guard)
	return c
}

// givePasswords gives people one, on a cheap cost.
func (c *county) givePasswords(people ...carelog.Actor) {
	c.t.Helper()
	config := c.config
	config.SignIn = carelog.SignInRules{MemoryKiB: 64, Passes: 1}
	config.DB = pgtest.Pool(c.t, c.db.App)
	c.app = carelog.New(config)
	for _, who := range people {
		c.setPassword(who.User, goodPassword)
	}
}

func (c *county) setPassword(user carelog.UserID, password string) {
	c.t.Helper()
	ticket, err := c.work.IssueTicket(c.ctx(), carelog.TheSystem(), user, carelog.TicketPassword)
	require.NoError(c.t, err)
	require.NoError(c.t, c.app.SetPassword(c.ctx(), carelog.Actor{}, ticket.Secret, password))
}

func (c *county) try(login, password string) error { return c.tryFrom("", login, password) }

func (c *county) tryFrom(address, login, password string) error {
	_, err := c.app.SignIn(c.ctx(), carelog.Attempt{Login: login, Password: password, Address: address})
	return err
}

// enter signs in and says who that is.
func (c *county) enter(login string) (carelog.Session, carelog.Actor) {
	c.t.Helper()
	session, err := c.app.SignIn(c.ctx(), carelog.Attempt{Login: login, Password: goodPassword})
	require.NoError(c.t, err)
	return session, c.actor(session)
}

func (c *county) actor(session carelog.Session) carelog.Actor {
	c.t.Helper()
	by, err := c.app.AuthenticateSession(c.ctx(), session.Secret)
	require.NoError(c.t, err)
	return by
}

func (c *county) code(secret string, at time.Time) string {
	c.t.Helper()
	code, err := totp.GenerateCode(secret, at)
	require.NoError(c.t, err)
	return code
}

// enrolled signs in and enrols a second factor.
func (c *county) enrolled(login string) (secret string, done carelog.SecondFactor) {
	c.t.Helper()
	_, by := c.enter(login)
	made, err := c.app.EnrolSecondFactor(c.ctx(), by, "")
	require.NoError(c.t, err)
	done, err = c.app.ConfirmEnrolment(c.ctx(), by, c.code(made.Secret, c.clock.now()))
	require.NoError(c.t, err)
	return made.Secret, done
}

func TestSignIn(t *testing.T) {
	t.Parallel()

	t.Run("GivesEverybodyWhoDoesNotGetInOneAnswer", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		c.addUser(c.office, "wu", "", carelog.Officer) // without a password
		wrong := c.try("li", "not the password at all")
		require.Equal(t, carelog.Unauthorized, carelog.KindOf(wrong))
		for _, err := range []error{c.try("nobody", goodPassword), c.try("wu", goodPassword), c.try("", ""), c.try("li", "")} {
			require.Equal(t, wrong, err)
		}
		require.NoError(t, c.try(" LI ", goodPassword))
		require.Equal(t, 5, c.count("SELECT count(*) FROM audit WHERE act = 'sign_in_failed'"))
		require.Zero(t, c.count("SELECT count(*) FROM audit WHERE detail ~ 'nobody|wu'"), "what was typed in place of a login stands nowhere")
		require.Equal(t, 2, c.count("SELECT count(*) FROM audit WHERE act = 'sign_in_failed' AND detail LIKE 'unknown_login%'"))
	})

	t.Run("LocksForLongerAndLongerAfterFiveFailures", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		for range 4 {
			require.Error(t, c.try("li", "wrong"))
		}
		require.NoError(t, c.try("li", goodPassword), "four are free, and a right one forgets them")
		for range 4 {
			require.Error(t, c.try("li", "wrong"))
		}
		for _, minutes := range []int{1, 2, 5, 15, 30, 30} {
			wrong := c.try("li", "wrong")
			require.Equal(t, wrong, c.try("li", goodPassword), "the right one gets the same answer while it is locked")
			require.Equal(t, wrong, c.try("li", "wrong"), "and a wrong one does not lengthen the lock")
			c.later(time.Duration(minutes)*time.Minute - time.Second)
			require.Equal(t, wrong, c.try("li", goodPassword))
			c.later(time.Second)
		}
		require.NoError(t, c.try("li", goodPassword))
		require.NoError(t, c.try("zhao", goodPassword), "nobody else is locked")
		require.Equal(t, 6, c.count("SELECT count(*) FROM audit WHERE act = 'account_locked'"))
	})

	t.Run("IsUnlockedByAnAdministratorAndByNobodyElse", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		for range 5 {
			require.Error(t, c.try("li", "wrong"))
		}
		for _, by := range []carelog.Actor{c.boss, c.admin} {
			require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.Unlock(c.ctx(), by, c.officer.User)))
		}
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.Unlock(c.ctx(), c.guard, c.guard.User)))
		require.NoError(t, c.app.Unlock(c.ctx(), c.guard, c.officer.User))
		require.NoError(t, c.try("li", goodPassword))
		require.Equal(t, 1, c.count("SELECT count(*) FROM audit WHERE act = 'account_unlocked'"))
	})

	t.Run("SlowsAnAddressThatTriesManyLogins", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		for range 30 {
			require.Error(t, c.tryFrom("203.0.113.7", "nobody", "wrong"))
		}
		require.Error(t, c.tryFrom("203.0.113.7", "li", goodPassword))
		require.NoError(t, c.tryFrom("203.0.113.8", "li", goodPassword), "another address is free")
		c.later(time.Minute)
		require.NoError(t, c.tryFrom("203.0.113.7", "li", goodPassword))
		require.Zero(t, c.count("SELECT count(*) FROM sign_in_addresses WHERE encode(address_hash, 'escape') LIKE '%203.0.113%'"))
	})

	t.Run("LetsGuessesSideBySideHaveNoMoreTries", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		done := make(chan error, 20)
		for range 20 {
			go func() { done <- c.try("li", "wrong") }()
		}
		for range 20 {
			require.Error(t, <-done)
		}
		require.Equal(t, 5, c.count("SELECT failures FROM credentials WHERE user_id = $1", c.officer.User))
	})
}

func TestFailuresUnderUnknownLoginsAreTheTopOfficesToSee(t *testing.T) {
	t.Parallel()
	c := withPasswords(t)
	below := c.addOffice("37032301", "派驻检察室", c.office)
	require.Error(t, c.try("nobody", goodPassword))
	seen := func(by carelog.Actor) int {
		return length(c.app.Audit(c.ctx(), by, carelog.AuditFilter{Act: "sign_in_failed", Limit: 10}))(t)
	}
	require.Equal(t, 1, seen(c.addUser(c.office, "top", "", carelog.AuditAdministrator)))
	require.Zero(t, seen(c.addUser(below, "below", "", carelog.AuditAdministrator)))
	var all int
	require.NoError(t, pgx.BeginFunc(c.ctx(), pgtest.Pool(t, c.db.App), func(tx pgx.Tx) error {
		if _, err := tx.Exec(c.ctx(), "SELECT set_config('aftercare.offices', $1, true)", "{"+below.String()+"}"); err != nil {
			return err
		}
		return tx.QueryRow(c.ctx(), "SELECT count(*) FROM audit WHERE office_id IS NULL").Scan(&all)
	}))
	require.Zero(t, all, "nor past the verb")
}
