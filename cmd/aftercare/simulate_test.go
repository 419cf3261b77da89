package main

import (
	"context"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"aftercare/carelog/calendar"
)

// simulated runs a small simulation and gives its report without the elapsed time.
// It begins in December, so that the year changes and its holidays come in time
// or late.
func simulated(t *testing.T, dir string, meddle func(context.Context, *simulation) error, args ...string) (string, error) {
	t.Helper()
	var out strings.Builder
	args = append([]string{"simulate", "--data-dir", dir, "--recipients", "60", "--years", "0.165", "--officers", "6"}, args...)
	err := run(t.Context(), args, &out, func(c *commands) {
		c.Simulate.progress, c.Simulate.meddle, c.Simulate.from = io.Discard, meddle, calendar.New(2026, time.November, 30)
	})
	return regexp.MustCompile(`(?m)^took .*\n`).ReplaceAllString(out.String(), ""), err
}

func TestSimulate(t *testing.T) {
	t.Setenv("AFTERCARE_DATABASE_URL", "")
	dir := scratch(t)

	t.Run("ForgetsNobodyUnderAllFaultsAndTellsTheSameTwice", func(t *testing.T) {
		first, err := simulated(t, dir, nil, "--seed", "7")
		require.NoError(t, err, first)
		require.True(t, strings.HasSuffix(first, "\n0 forgotten, 0 silently dropped, seed 7\n"), first)
		require.Regexp(t, `texts +[1-9]\d+ taken`, first)
		require.Regexp(t, `1 notices moved [1-9]`, first)
		require.Regexp(t, `replies +.*matched [1-9]`, first)
		second, err := simulated(t, dir, nil, "--seed", "7")
		require.NoError(t, err)
		require.Equal(t, first, second)
	})

	t.Run("FailsWhenAPlanIsForgotten", func(t *testing.T) {
		spoiled := false
		report, err := simulated(t, dir, func(ctx context.Context, s *simulation) error {
			if spoiled || s.enrolled() < 10 {
				return nil
			}
			spoiled = true
			return execAs(ctx, strings.Replace(s.db.super, "/postgres?", "/"+databaseName+"?", 1), `UPDATE check_ins SET state = 'cancelled', reason = 'behind the back'
				WHERE plan_id = (SELECT id FROM care_plans WHERE state = 'active' ORDER BY id LIMIT 1)`)
		}, "--faults", "none", "--years", "0.05")
		require.ErrorContains(t, err, "promises were broken: 1 forgotten")
		require.Contains(t, report, "forgotten plan ")
		require.True(t, strings.HasSuffix(report, "\n1 forgotten, 0 silently dropped, seed 1\n"), report)
	})

	t.Run("RefusesADatabaseThatHoldsRealRecipients", func(t *testing.T) {
		_, err := simulated(t, dir, nil, "--faults", "none", "--keep", "--years", "0.02")
		require.NoError(t, err)
		inScratch(t, dir, `UPDATE lines SET carrier = 'twilio'`)
		_, err = simulated(t, dir, nil, "--faults", "none", "--years", "0.02")
		require.ErrorContains(t, err, "no simulation made")
		inScratch(t, dir, `UPDATE lines SET carrier = 'simulator'`)
		_, err = simulated(t, dir, nil, "--faults", "none", "--years", "0.02")
		require.NoError(t, err)
	})

	t.Run("KnowsItsFaults", func(t *testing.T) {
		_, err := simulated(t, dir, nil, "--faults", "sms-outage,weather")
		require.ErrorContains(t, err, `"weather" is none of all, none, sms-outage`)
		chosen, err := parseFaults("leave, crashes")
		require.NoError(t, err)
		require.Equal(t, "crashes,leave", chosen.String())
	})
}

// inScratch changes the kept scratch database while no simulation runs.
func inScratch(t *testing.T, dir, sql string) {
	t.Helper()
	db, err := databaseFlags{}.openDatabase(t.Context(), dir+"/simulate", newLogger(0))
	require.NoError(t, err)
	conn, err := pgx.Connect(t.Context(), strings.Replace(db.super, "/postgres?", "/"+databaseName+"?", 1))
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), sql)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	require.NoError(t, db.close(t.Context()))
}
