package carelog_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/migrations/pgtest"
)

// withSister is a county after a story, and an officer of the county next door.
func withSister(t *testing.T) (*county, carelog.Enrolled, carelog.Actor) {
	t.Helper()
	c, made, code := asked(t)
	c.reply(contactPhone, code+" 2")
	sister := c.addOffice("370322", "邻县人民检察院", carelog.OfficeID{})
	return c, made, c.addUser(sister, "sun", "+8615400000301", carelog.Officer, carelog.Supervisor)
}

func TestRights(t *testing.T) {
	t.Parallel()

	t.Run("ASisterOfficeFindsNothing", func(t *testing.T) {
		t.Parallel()
		c, made, stranger := withSister(t)
		ctx, check := c.ctx(), c.village(made.Recipient).ID
		var task carelog.TaskID
		require.NoError(t, c.pool.QueryRow(ctx, "SELECT id FROM tasks LIMIT 1").Scan(&task))
		for name, err := range map[string]error{
			"history":    second(c.app.History(ctx, stranger, made.Recipient, 0, 10)),
			"verify":     second(c.app.VerifyHistory(ctx, stranger, made.Recipient)),
			"plan":       second(c.app.PlanOf(ctx, stranger, made.Recipient)),
			"start":      second(c.app.StartPlan(ctx, stranger, made.Plan)),
			"pause":      second(c.app.PausePlan(ctx, stranger, made.Plan, calendar.Of(tuesday).AddDays(9), "x")),
			"close":      second(c.app.ClosePlan(ctx, stranger, made.Plan, "x")),
			"check-in":   second(c.app.CheckInOf(ctx, stranger, check)),
			"reschedule": second(c.app.RescheduleCheckIn(ctx, stranger, check, calendar.Of(tuesday).AddDays(9), "x")),
			"record":     second(c.app.RecordCheckIn(ctx, stranger, check, carelog.CheckInRecord{Outcome: "reached"})),
			"note":       second(c.app.NoteContact(ctx, stranger, made.Recipient, carelog.UnplannedContact{Kind: "walk_in", Note: "x"})),
			"task":       c.app.ResolveTask(ctx, stranger, task, "x"),
		} {
			require.Equal(t, carelog.NotFound, carelog.KindOf(err), "%s: %v", name, err)
		}
		for name, n := range map[string]int{
			"tasks":     length(c.app.Tasks(ctx, stranger, carelog.Page{Limit: 10}))(t),
			"check-ins": length(c.app.CheckIns(ctx, stranger, carelog.CheckInFilter{Limit: 10}))(t),
			"messages":  length(c.app.Messages(ctx, stranger, carelog.MessageFilter{Page: carelog.Page{Limit: 10}}))(t),
			"contacts":  length(c.app.Contacts(ctx, stranger, carelog.Page{Limit: 10}))(t),
		} {
			require.Zero(t, n, name)
		}
		e := c.enrolment("A-9", 3)
		e.Office = c.office
		_, err := c.app.EnrolRecipient(ctx, stranger, e)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		_, err = c.app.ImportLedger(ctx, stranger, carelog.Ledger{}, carelog.ImportOptions{Office: c.office})
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
	})

	t.Run("AnAdministratorReadsNoFile", func(t *testing.T) {
		t.Parallel()
		c, made, _ := withSister(t)
		ctx := c.ctx()
		for name, err := range map[string]error{
			"history":   second(c.app.History(ctx, c.admin, made.Recipient, 0, 10)),
			"plan":      second(c.app.PlanOf(ctx, c.admin, made.Recipient)),
			"check-in":  second(c.app.CheckInOf(ctx, c.admin, c.village(made.Recipient).ID)),
			"check-ins": second(c.app.CheckIns(ctx, c.admin, carelog.CheckInFilter{Limit: 10})),
			"messages":  second(c.app.Messages(ctx, c.admin, carelog.MessageFilter{Page: carelog.Page{Limit: 10}})),
			"tasks":     second(c.app.Tasks(ctx, c.admin, carelog.Page{Limit: 10})),
			"enrol":     second(c.app.EnrolRecipient(ctx, c.admin, c.enrolment("A-9", 3))),
		} {
			require.Equal(t, carelog.Forbidden, carelog.KindOf(err), "%s: %v", name, err)
		}
	})

	t.Run("WhoeverProposedAClosingCannotApproveIt", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		c.fit(made.Plan)
		_, err := c.app.ClosePlan(c.ctx(), c.boss, made.Plan, "已脱困")
		require.NoError(t, err)
		c.keeps()
		for _, by := range []carelog.Actor{c.boss, c.officer} {
			_, err = c.app.ClosePlan(c.ctx(), by, made.Plan, "同意")
			require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		}
		other := c.addUser(c.office, "wu", "", carelog.Supervisor)
		plan, err := c.app.ClosePlan(c.ctx(), other, made.Plan, "同意")
		require.NoError(t, err)
		require.Equal(t, "closed", plan.State)
		_, err = c.app.ClosePlan(c.ctx(), other, made.Plan, "同意")
		require.Equal(t, carelog.Conflict, carelog.KindOf(err))
	})

	t.Run("AnUnknownOrExpiredOrRevokedSecretIsNobody", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		secret, err := c.work.IssueToken(c.ctx(), carelog.TheSystem(), c.officer.User, "mine", tuesday.AddDate(0, 0, 1))
		require.NoError(t, err)
		actor, err := c.app.Authenticate(c.ctx(), secret)
		require.NoError(t, err)
		require.Equal(t, c.officer.User, actor.User)
		require.NoError(t, c.app.EndToken(c.ctx(), actor, actor.Token))
		lasting, err := c.work.IssueToken(c.ctx(), carelog.TheSystem(), c.officer.User, "mine", tuesday.AddDate(0, 0, 1))
		require.NoError(t, err)
		c.clock.set(tuesday.AddDate(0, 0, 2))
		for _, s := range []string{"", "ac_nobody", secret, lasting} {
			_, err := c.app.Authenticate(c.ctx(), s)
			require.Equal(t, carelog.Unauthorized, carelog.KindOf(err))
		}
		_, err = c.app.IssueToken(c.ctx(), c.officer, c.boss.User, "not mine", tuesday.AddDate(1, 0, 0))
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
	})
}

// everybodys are the tables without an owner: reference data, the head of the
// one audit chain, and the migrator's own.
var everybodys = []string{
	"purposes", "retention_rules", "retention_runs", "rule_refs", "condition_items", "calendar_notices", "calendar_notice_days", "office_closures", "calendar_version", "plan_templates", "template_steps", "ladder_rungs", "carrier_caps", "carriers", "wordings", "wording_approvals", "wordings_version", "audit_head", "schema_migrations",
}

func TestRowLevelSecurity(t *testing.T) {
	t.Parallel()
	c, _, stranger := withSister(t)
	c.exec("INSERT INTO idempotency_keys VALUES ($1, 'k', '\\x00', NULL, now())", c.officer.User)
	for _, sql := range []string{
		"INSERT INTO credentials (user_id) VALUES ($1)",
		"INSERT INTO recovery_codes VALUES ($1, '\\x00', now())",
		"INSERT INTO sessions VALUES (gen_random_uuid(), $1, '\\x00', 'sso', '', now(), now(), now(), now())",
		"INSERT INTO account_tickets VALUES (gen_random_uuid(), $1, '\\x00', 'password', NULL, now(), now())",
		"INSERT INTO sso_identities VALUES ('issuer', 'subject', $1, now())",
	} {
		c.exec(sql, c.officer.User)
	}
	c.exec("INSERT INTO sign_in_addresses VALUES ('\\x00', 1, now())")
	tables := c.tables()
	own := map[string]string{ // what the sister office has of its own
		"offices": " WHERE id <> $1", "users": " WHERE office_id <> $1", "grants": " WHERE office_id <> $1", "audit": " WHERE office_id <> $1",
		"tokens": " WHERE user_id NOT IN (SELECT id FROM users WHERE office_id = $1)",
	}
	app := pgtest.Pool(t, c.db.App)

	t.Run("EveryTableForcesItAndHasAPolicy", func(t *testing.T) {
		require.Empty(t, c.names(`SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
			AND c.relname <> 'schema_migrations' AND NOT (c.relrowsecurity AND c.relforcerowsecurity
			AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid))`))
	})

	for _, table := range tables {
		if slices.Contains(everybodys, table) {
			continue
		}
		t.Run("ASisterOfficeSeesNoRowOf/"+table, func(t *testing.T) {
			tx, err := app.Begin(c.ctx())
			require.NoError(t, err)
			defer tx.Rollback(context.Background())
			_, err = tx.Exec(c.ctx(), "SELECT set_config('aftercare.offices', $1, true), set_config('aftercare.user', $2, true)",
				"{"+stranger.Office.String()+"}", stranger.User.String())
			require.NoError(t, err)
			sql, args := fmt.Sprintf("SELECT count(*) FROM %s%s", pgx.Identifier{table}.Sanitize(), own[table]), []any{}
			if own[table] != "" {
				args = append(args, stranger.Office)
			}
			var foreign int
			require.NoError(t, tx.QueryRow(c.ctx(), sql, args...).Scan(&foreign))
			require.Zero(t, foreign)
		})
		t.Run("NoScopeSeesNoRowOf/"+table, func(t *testing.T) {
			var n int
			require.NoError(t, app.QueryRow(c.ctx(), "SELECT count(*) FROM "+pgx.Identifier{table}.Sanitize()).Scan(&n))
			require.Zero(t, n)
		})
	}
	t.Run("TheStoryFilledTheTables", func(t *testing.T) {
		for _, table := range []string{"recipients", "care_plans", "check_ins", "messages", "asks", "tasks", "alerts", "history", "inbound_messages", "task_codes"} {
			require.Positive(t, c.count("SELECT count(*) FROM "+table), table)
		}
	})
}

func (c *county) names(sql string) []string {
	c.t.Helper()
	rows, err := c.pool.Query(c.ctx(), sql)
	require.NoError(c.t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(c.t, err)
	return names
}

// tables are all the tables there are, the ones made tomorrow too.
func (c *county) tables() []string {
	return c.names("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname")
}

func second[T any](_ T, err error) error { return err }

func length[T any](list []T, err error) func(*testing.T) int {
	return func(t *testing.T) int {
		t.Helper()
		require.NoError(t, err)
		return len(list)
	}
}
