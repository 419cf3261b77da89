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
	session, err := c.work.IssueToken(t.Context(), carelog.TheSystem(), user, carelog.SessionToken, "browser", tuesday.AddDate(0, 0, 1))
	require.NoError(t, err)
	c.send(session, http.MethodGet, "/v1/me", nil).requireProblem(http.StatusUnauthorized)
	c.send(session, http.MethodPost, "/v1/tokens", object{"days": 365}).requireProblem(http.StatusUnauthorized)
}
