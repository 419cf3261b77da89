package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

func TestAccountsOverHTTP(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	c.enrol("YY-1")
	id := func(login string) string {
		user, err := c.work.UserByLogin(t.Context(), carelog.TheSystem(), login)
		require.NoError(t, err)
		return "/v1/users/" + user.String()
	}
	guard := c.addUser(c.office, "guard", carelog.SecurityAdministrator)
	c.send(c.admin, http.MethodGet, "/v1/users", nil).requireProblem(http.StatusForbidden)
	c.send(c.officer, http.MethodGet, "/v1/users", nil).requireProblem(http.StatusForbidden)
	c.send(c.officer, http.MethodPost, id("zhao")+"/tickets", object{"purpose": "password"}).requireProblem(http.StatusForbidden)
	c.send(guard, http.MethodPost, id("guard")+"/tickets", object{"purpose": "second_factor"}).requireProblem(http.StatusForbidden)
	issued := c.send(guard, http.MethodPost, id("li")+"/tickets", object{"purpose": "password"})
	require.Equal(t, http.StatusCreated, issued.status)
	ticket, _ := issued.object()["ticket"].(string)
	require.NoError(t, c.work.SetPassword(t.Context(), carelog.Actor{}, ticket, "frog reads newspaper"))
	require.Equal(t, http.StatusNoContent, c.send(guard, http.MethodPost, id("li")+"/unlock", nil).status)

	c.send(guard, http.MethodPost, id("li")+"/dismiss", object{}).requireProblem(http.StatusUnprocessableEntity, "body.successor")
	c.addUser(c.office, "wu", carelog.Officer)
	done := c.send(guard, http.MethodPost, id("li")+"/dismiss", object{"successor": "wu"})
	require.Equal(t, http.StatusOK, done.status)
	require.InDelta(t, 1, done.object()["plans"], 0)
	c.send(c.officer, http.MethodGet, "/v1/me", nil).requireProblem(http.StatusUnauthorized)
}
