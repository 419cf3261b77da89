package carelog_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/migrations/pgtest"
)

func TestPasswords(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	ticket, err := c.work.IssueTicket(c.ctx(), carelog.TheSystem(), c.boss.User, carelog.TicketPassword)
	require.NoError(t, err)
	leaked, err := carelog.ReadPasswords(strings.NewReader("short\nmargarita-fjord-1987\r\n"))
	require.NoError(t, err)
	config := c.config
	config.DB = pgtest.Pool(t, c.db.App)
	config.SignIn = carelog.SignInRules{MemoryKiB: 64, Passes: 1, Common: leaked}
	log := carelog.New(config)
	for password, why := range map[string]string{
		"elevenchars": "too short", strings.Repeat("长", 129): "too long", "\xff\xfe valid? no it is not": "not text",
		"my login is ZHAO": "holds the login", "password1234": "common", "Passw0rd2026!": "common", "1qaz2wsx3edc": "common",
		"123456789012": "a run", "aaaaaaaaaaaaaa": "one character", "woaini1314520": "common", "qwertyuiop[]": "common",
		"abcdefghijklm": "a run", "P@ssw0rdP@ssw0rd": "common", "ｐａｓｓｗｏｒｄ１２３４": "common in full width",
		"Margarita-Fjord-1987": "leaked, by the operator's list",
	} {
		err := log.SetPassword(c.ctx(), carelog.Actor{}, ticket.Secret, password)
		require.Equal(t, carelog.Invalid, carelog.KindOf(err), "%s: %s: %v", password, why, err)
		require.NotContains(t, err.Error(), password)
	}
	require.NoError(t, log.SetPassword(c.ctx(), carelog.Actor{}, ticket.Secret, "ｆrog reads Newspaper"))
	_, err = log.SignIn(c.ctx(), carelog.Attempt{Login: "zhao", Password: "frog reads Newspaper"})
	require.NoError(t, err, "however it was typed")
	require.Equal(t, 1, c.count("SELECT count(*) FROM credentials WHERE password LIKE '$argon2id$v=19$m=64,t=1,p=1$%'"))
}
