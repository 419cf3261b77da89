package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

func TestABrowserSessionIsNoToken(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	user, err := c.work.UserByLogin(t.Context(), carelog.TheSystem(), "admin")
	require.NoError(t, err)
	ticket, err := c.work.IssueTicket(t.Context(), carelog.TheSystem(), user, carelog.TicketPassword)
	require.NoError(t, err)
	require.NoError(t, c.work.SetPassword(t.Context(), carelog.Actor{}, ticket.Secret, "frog reads newspaper"))
	opened, err := c.work.SignIn(t.Context(), carelog.Attempt{Login: "admin", Password: "frog reads newspaper"})
	require.NoError(t, err)
	session := opened.Secret
	c.send(session, http.MethodGet, "/v1/me", nil).requireProblem(http.StatusUnauthorized)
	c.send(session, http.MethodPost, "/v1/tokens", object{"days": 365}).requireProblem(http.StatusUnauthorized)
}
