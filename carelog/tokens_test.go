package carelog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	year := tuesday.AddDate(1, 0, 0)

	t.Run("ShowTheirLastUseToTheHour", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		secret, err := c.work.IssueToken(c.ctx(), carelog.TheSystem(), c.boss.User, "x", year)
		require.NoError(t, err)
		used := func() *time.Time {
			tokens, err := c.app.Tokens(c.ctx(), c.boss, carelog.UserID{})
			require.NoError(t, err)
			return tokens[0].LastUsedAt
		}
		require.Nil(t, used())
		for _, step := range []struct{ after, shown time.Duration }{{0, 0}, {30 * time.Minute, 0}, {61 * time.Minute, 61 * time.Minute}} {
			c.clock.set(tuesday.Add(step.after))
			_, err := c.app.Authenticate(c.ctx(), secret)
			require.NoError(t, err)
			require.True(t, used().Equal(tuesday.Add(step.shown)), "%s after", step.after)
		}
	})

	t.Run("OfAPersonReachTheirScopesAndNoFurther", func(t *testing.T) {
		t.Parallel()
		c := withPasswords(t)
		made := c.enrol("A-1", 3)
		_, signedIn := c.enter("li")
		secret, err := c.app.IssueToken(c.ctx(), signedIn, c.officer.User, "mine", year, "read:files")
		require.NoError(t, err, "at the console")
		scoped, err := c.app.Authenticate(c.ctx(), secret)
		require.NoError(t, err)
		require.NoError(t, second(c.app.PlanOf(c.ctx(), scoped, made.Recipient)))
		for name, err := range map[string]error{
			"lists":               second(c.app.Tasks(c.ctx(), scoped, carelog.Page{Limit: 10})),
			"writes":              second(c.app.PausePlan(c.ctx(), scoped, made.Plan, calendar.Of(tuesday).AddDays(9), "x")),
			"what they proposed":  second(c.app.RejectClosing(c.ctx(), scoped, made.Plan, "x")),
			"issues itself more":  second(c.app.IssueToken(c.ctx(), scoped, c.officer.User, "more", year)),
			"even without scopes": second(c.app.IssueToken(c.ctx(), c.officer, c.officer.User, "more", year)),
			"signs for another":   second(c.app.IssueToken(c.ctx(), signedIn, c.boss.User, "x", year)),
		} {
			require.Equal(t, carelog.Forbidden, carelog.KindOf(err), "%s: %v", name, err)
		}
		_, err = c.app.IssueToken(c.ctx(), signedIn, c.officer.User, "x", year.AddDate(0, 0, 2))
		require.Equal(t, []string{"days"}, fields(t, err), "longer than a year")
	})
}
