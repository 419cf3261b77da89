package carelog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

func TestSignInClaimed(t *testing.T) {
	t.Parallel()
	c := withPasswords(t)
	says := carelog.Vouched{Issuer: "https://id.example", Subject: "s-1", Login: "li", Office: "370323", Roles: []carelog.Role{carelog.Officer}, SecondFactor: true}
	enter := func(v carelog.Vouched) carelog.Actor {
		t.Helper()
		session, err := c.app.SignInClaimed(c.ctx(), v)
		require.NoError(t, err)
		return c.actor(session)
	}
	require.Equal(t, c.officer.User, enter(says).User)
	changed := says
	changed.Login, changed.Roles = "renamed", []carelog.Role{carelog.Supervisor}
	made := c.enrol("A-1", 60)
	by := enter(changed)
	require.Equal(t, c.officer.User, by.User, "the subject counts, not the login")
	require.True(t, by.Has(carelog.Supervisor))
	require.False(t, by.Has(carelog.Officer), "what is claimed no more is granted no more")
	require.Equal(t, 1, c.count("SELECT count(*) FROM tasks WHERE kind = 'officer_withdrawn' AND state = 'open'"), "somebody has to decide about the plans of the officer that was")
	require.NotZero(t, made.Plan)

	other := says
	other.Subject, other.Login = "s-2", "li"
	_, err := c.app.SignInClaimed(c.ctx(), other)
	require.Equal(t, carelog.Unauthorized, carelog.KindOf(err), "nobody takes over an account that is linked")
	other.Login = "nobody"
	_, err = c.app.SignInClaimed(c.ctx(), other)
	require.Equal(t, carelog.Unauthorized, carelog.KindOf(err))
	other.Create, other.Name = true, "吴某"
	require.Equal(t, "吴某", enter(other).Name)
	for _, v := range []carelog.Vouched{{Issuer: "i", Subject: "s", Login: "li", Office: "370323"}, {Issuer: "i", Subject: "s", Login: "li", Office: "1", Roles: []carelog.Role{carelog.Officer}}} {
		_, err = c.app.SignInClaimed(c.ctx(), v)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
	}
	plain := carelog.Vouched{Issuer: "https://id.example", Subject: "s-9", Login: "zhao", Office: "370323", Roles: []carelog.Role{carelog.Supervisor}}
	require.Equal(t, carelog.AwaitsEnrolment, enter(plain).Awaits, "a provider that saw no second factor does not spare ours")
}
