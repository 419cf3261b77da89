package api_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/migrations/pgtest"
)

// everybodys are the tables without an owner: reference data, counters of versions, the audit's head.
var everybodys = []string{
	"purposes", "retention_rules", "retention_runs", "rule_refs", "condition_items",
	"calendar_notices", "calendar_notice_days", "office_closures", "calendar_version", "plan_templates", "template_steps", "ladder_rungs", "carrier_caps",
	"carriers", "wordings", "wording_approvals", "wordings_version", "audit_head", "schema_migrations",
}

// anybodyAdds are the tables that take a row from every scope, and why.
var anybodyAdds = map[string]string{
	"inbound_messages": "what a carrier brings is stored before anybody knows whose it is",
	"delivery_reports": "as above",
	"numbers":          "a number is nobody's: two offices may have a contact on it",
}

// unfilled are the tables that the walk leaves without a row, and why.
var unfilled = map[string]string{}

// reveals is what each function with the owner's rights tells, or does, beyond the caller's scope.
var reveals = map[string]string{
	"authenticate":      "who a secret stands for, to whoever has it",
	"find_login":        "of a login: the ids, the password's hash and the roles, for signing in",
	"find_ticket":       "whose a ticket is, to whoever has it",
	"find_identity":     "whom an identity at a provider means, and what they are granted",
	"open_plans_of":     "how many open plans a person has in which office",
	"address_is_locked": "whether an address is locked, by its keyed hash",
	"address_failed":    "how often an address failed, and counts one more",
	"lock_address":      "nothing; locks an address",
	"officer_is_there":  "nothing; refuses a plan whose officer has left",

	"authenticate_session": "who a session is, to whoever has its secret",

	"token_used":             "nothing; marks the token whose secret is given",
	"rights_of":              "which roles a person holds where, by their id",
	"shares":                 "nothing; whether a plan is of the scope",
	"receiving_line":         "the line of a number: its id, office and key, for a webhook",
	"speaking_line":          "the id of the line an office speaks from",
	"routed_line":            "the id of a line",
	"routes_of":              "the lines an office is routed over, with the last four digits of our own numbers",
	"lines_for":              "as routes_of",
	"hears":                  "what a carrier hears: reference data",
	"is_routed":              "whether there is a route at all",
	"scope_is_whole":         "whether the scope is the whole tree",
	"scope_holds_a_root":     "whether the scope holds a top office",
	"closures_in_force":      "which offices are closed when: no secret",
	"who_hears":              "ids of supervisors of an office",
	"stands_in":              "the id of a deputy",
	"away_until":             "until when a person is away",
	"deputies_loop":          "whether deputies lead back to a person",
	"may_deputise":           "whether somebody holds the roles of another",
	"on_duty":                "the id of whoever is on duty",
	"offered_plans":          "of a plan offered to or by an office of the scope: name, reason and state, while the offer is open",
	"office_by_code":         "the id and name of an office",
	"holds_beyond":           "whether a person holds a role outside some offices",
	"own_tickets":            "who began the caller's own account again, by login",
	"erase_case_of_the_last": "nothing; destroys the keys of a case when the last of its people was erased",
	"erase_file":             "nothing; erases one file of the scope that another person proposed to erase",
	"take_over":              "nothing; moves one plan offered to an office of the scope",
	"same_person_elsewhere":  "of a keyed index of a person: the names of the offices that have a file of theirs, and whether it is the same case",
}

// fillTheRest lays a row into what no operation of the walk comes to: sweeps, couriers and rarer paths of life fill it.
func (w *walker) fillTheRest() {
	recipient, checkIn := w.ids["recipient_id"], w.ids["check_in_id"]
	for sql, args := range map[string][]any{
		"INSERT INTO aid_sources (award_id, source, amount_fen) SELECT id, 'judicial_relief', total_fen FROM aid_awards WHERE recipient_id = $1":                                {recipient},
		"INSERT INTO household_members (id, recipient_id, created_at) VALUES (gen_random_uuid(), $1, now())":                                                                    {recipient},
		"INSERT INTO idempotency_keys VALUES ($1, 'k', '\\x00', NULL, now())":                                                                                                   {w.ids["user_id"]},
		"INSERT INTO blind_scorings (check_in_id, recipient_id, scorer_id, asked_at) VALUES ($2, $1, $3, now()) ON CONFLICT DO NOTHING":                                         {recipient, checkIn, w.ids["user_id"]},
		"INSERT INTO signals VALUES (gen_random_uuid(), $1, $2, 'village_difficulty', now())":                                                                                   {recipient, checkIn},
		"INSERT INTO mandatory_reports (id, recipient_id, task_id, body, reported_at, recorded_at) SELECT gen_random_uuid(), $1, $2, 'police', now(), now()":                    {recipient, w.ids["task_id"]},
		"INSERT INTO delivery_reports (id, carrier, carrier_message_id, message_id, status, received_at) VALUES (gen_random_uuid(), 'twilio', 'SM9', $1, 'sent', now())":        {w.ids["message_id"]},
		"INSERT INTO task_codes SELECT $1, 'K7Q2M', id, now() FROM asks WHERE recipient_id = $2 LIMIT 1":                                                                        {w.ids["line_id"], recipient},
		"INSERT INTO visit_confirmations (check_in_id, recipient_id, asked_at, state, reason, ended_at) VALUES ($2, $1, now(), 'not_asked', 'x', now()) ON CONFLICT DO NOTHING": {recipient, checkIn},
		"INSERT INTO office_usage VALUES ($1, '2026-11-01', 'twilio')":                                                                                                          {w.ids["office_id"]},
		"INSERT INTO weekly_digests VALUES ($1, '2026-11-23', $2, $3)":                                                                                                          {w.ids["user_id"], w.ids["office_id"], w.ids["message_id"]},
		"INSERT INTO wording_approvals SELECT key, language, version, 'twilio', 1, 'submitted', '', '', '', now() FROM wordings LIMIT 1":                                        nil,
		"INSERT INTO erasures (id, recipient_id, ground, proposed_at) VALUES (gen_random_uuid(), $1, 'retention', now()) ON CONFLICT DO NOTHING":                                {recipient},
		"INSERT INTO restrictions (id, recipient_id, ground, restricted_at) VALUES (gen_random_uuid(), $1, 'retention', now()) ON CONFLICT DO NOTHING":                          {recipient},
		"INSERT INTO restricted_views VALUES ($1, $2, now(), now())":                                                                                                            {recipient, w.ids["user_id"]},
		"INSERT INTO retention_runs VALUES ('2026-11-24', now())":                                                                                                               nil,
		"INSERT INTO case_groups (id, office_id, key, created_at) VALUES (gen_random_uuid(), $1, 'walked', now()) ON CONFLICT DO NOTHING":                                       {w.ids["office_id"]},
		"INSERT INTO index_mark (suite) VALUES ('aes') ON CONFLICT DO NOTHING":                                                                                                  nil,
		"INSERT INTO plan_grants SELECT $1, $2, id, now() FROM offices WHERE code = '370325'":                                                                                   {w.ids["plan_id"], recipient},
		`WITH p AS (INSERT INTO proofs VALUES (1, '2026-11-24', now(), 1, 1, 1, '\x00', 1, 0, 0, '{}', true))
			INSERT INTO proof_heads VALUES ($1, 1, 1, '\x00')`: {recipient},
	} {
		w.exec(sql, args...)
	}
}

// rowsAreHidden looks at every table as the application in the scope of an office that has nothing of its own.
func (w *walker) rowsAreHidden(t *testing.T) {
	w.fillTheRest()
	office, err := w.work.AddOffice(t.Context(), carelog.TheSystem(), carelog.NewOffice{Parent: w.city, Code: "370399", Name: "x", Signature: "x", Level: "county"})
	require.NoError(t, err)
	w.addUser(office, "stranger", carelog.Officer)
	user := w.userID("stranger")
	app := pgtest.Pool(t, w.db.App)
	own := map[string]string{
		"offices": "id <> $1", "users": "office_id <> $1", "grants": "office_id <> $1", "audit": "office_id <> $1",
		"tokens": "$1::uuid IS NOT NULL AND user_id <> scope_user()",
	}
	inScope := func(office string, do func(tx pgx.Tx)) {
		tx, err := app.Begin(t.Context())
		require.NoError(t, err)
		defer tx.Rollback(context.WithoutCancel(t.Context()))
		_, err = tx.Exec(t.Context(), "SELECT set_config('aftercare.offices', $1, true), set_config('aftercare.user', $2, true)", "{"+office+"}", user)
		require.NoError(t, err)
		do(tx)
	}
	for _, table := range w.tables() {
		name := pgx.Identifier{table}.Sanitize()
		if unfilled[table] == "" {
			assertFilled(t, w.count(name), "nothing was laid into %s, so nothing is shown by it: fill it, or name it with the reason", table)
		}
		if slices.Contains(everybodys, table) {
			continue
		}
		inScope(office.String(), func(tx pgx.Tx) {
			where, args := "true", []any{}
			if own[table] != "" {
				where, args = own[table], []any{office}
			}
			var foreign int
			require.NoError(t, tx.QueryRow(t.Context(), fmt.Sprintf("SELECT count(*) FROM %s WHERE %s", name, where), args...).Scan(&foreign), table)
			require.Zero(t, foreign, "%s shows rows of another office", table)
		})
		if own[table] == "" {
			for _, deed := range w.changes(table) {
				inScope(office.String(), func(tx pgx.Tx) {
					done, err := tx.Exec(t.Context(), deed)
					require.True(t, refusedByRights(err) || err == nil && done.RowsAffected() == 0, "%s: %v, %d rows", deed, err, done.RowsAffected())
				})
			}
		}
		if row, columns := w.oneRow(table); row != "" && anybodyAdds[table] == "" {
			inScope(office.String(), func(tx pgx.Tx) {
				_, err := tx.Exec(t.Context(), fmt.Sprintf("INSERT INTO %[1]s (%[2]s) SELECT %[2]s FROM json_populate_record(NULL::%[1]s, $1)", name, columns), row)
				require.True(t, refusedByRights(err), "a row of another office could be added to %s: %v", table, err)
			})
		}
	}
	t.Run("WithoutAScopeThereIsNothing", func(t *testing.T) {
		for _, table := range w.tables() {
			if !slices.Contains(everybodys, table) {
				inScope("", func(tx pgx.Tx) {
					_, err := tx.Exec(t.Context(), "SELECT set_config('aftercare.user', '', true)")
					require.NoError(t, err)
					var n int
					require.NoError(t, tx.QueryRow(t.Context(), "SELECT count(*) FROM "+pgx.Identifier{table}.Sanitize()).Scan(&n))
					require.Zero(t, n, table)
				})
			}
		}
	})
	t.Run("JointAidShowsOnePlanAlone", func(t *testing.T) {
		var helping string
		require.NoError(t, w.rows.QueryRow(t.Context(), "SELECT id::text FROM offices WHERE code = '370325'").Scan(&helping))
		seen := 0
		for _, table := range w.names("SELECT table_name::text FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'recipient_id' ORDER BY 1") {
			inScope(helping, func(tx pgx.Tx) {
				var mine, others int
				require.NoError(t, tx.QueryRow(t.Context(), fmt.Sprintf(`SELECT count(*) FILTER (WHERE recipient_id = $1), count(*) FILTER (WHERE recipient_id <> $1)
					FROM %s`, pgx.Identifier{table}.Sanitize()), w.ids["recipient_id"]).Scan(&mine, &others))
				require.Zero(t, others, table)
				seen += mine
			})
		}
		require.Positive(t, seen)
	})
}

// TestWhatRunsWithTheOwnersRights names every function that could tell more than its caller's scope.
func TestWhatRunsWithTheOwnersRights(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	for _, name := range c.names("SELECT DISTINCT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef ORDER BY 1") {
		require.NotEmpty(t, reveals[name], "%s runs with the owner's rights: say here what it can reveal", name)
	}
	require.Empty(t, c.names(`SELECT proname::text FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND prosecdef
		AND has_function_privilege('public', p.oid, 'EXECUTE')`), "everybody may call these")
	require.Empty(t, c.names(`SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef
		AND NOT coalesce(array_to_string(proconfig, ' ') LIKE 'search_path=%pg_temp', false)`), "these find what others put into their way")
	require.Empty(t, c.names("SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')"), "a view sees with its owner's eyes")
	require.Empty(t, c.names(`SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'schema_migrations'
		AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid))`), "no policy")
	require.Empty(t, c.names(`SELECT rolname::text FROM pg_roles WHERE rolname IN ('aftercare_app', 'aftercare_work') AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb
		OR pg_has_role(rolname, (SELECT tableowner FROM pg_tables WHERE tablename = 'recipients'), 'MEMBER'))`))
}

// refusedByRights is true for insufficient_privilege, which row-level security answers too.
func refusedByRights(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == "42501"
}

// changes are deeds that would touch every row of a table: they name no column, so no policy for reading hides any.
func (c *county) changes(table string) []string {
	deeds := []string{"DELETE FROM " + pgx.Identifier{table}.Sanitize()}
	for _, column := range c.names(fmt.Sprintf(`SELECT column_name::text FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '%s'
		AND has_column_privilege('aftercare_app', 'public.%[1]s', column_name, 'UPDATE') AND is_generated = 'NEVER' LIMIT 1`, table)) {
		deeds = append(deeds, fmt.Sprintf("UPDATE %s SET %s = NULL", pgx.Identifier{table}.Sanitize(), column))
	}
	return deeds
}

// oneRow is a row of the table as JSON, where the application may add any, and its columns.
func (c *county) oneRow(table string) (row, columns string) {
	c.t.Helper()
	conn, err := pgx.Connect(c.t.Context(), c.db.Super)
	require.NoError(c.t, err)
	defer conn.Close(c.t.Context())
	err = conn.QueryRow(c.t.Context(), fmt.Sprintf(`SELECT (SELECT row_to_json(x)::text FROM %s x LIMIT 1),
		(SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '%[1]s' AND is_generated = 'NEVER')
		WHERE has_table_privilege('aftercare_app', 'public.%[1]s', 'INSERT') AND EXISTS (SELECT FROM %[1]s)`, table)).Scan(&row, &columns)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", ""
	}
	require.NoError(c.t, err, table)
	return row, columns
}

func (c *county) names(sql string) []string {
	c.t.Helper()
	conn, err := pgx.Connect(c.t.Context(), c.db.Super)
	require.NoError(c.t, err)
	defer conn.Close(c.t.Context())
	rows, err := conn.Query(c.t.Context(), sql)
	require.NoError(c.t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(c.t, err)
	return names
}

// tables are all the tables there are, the ones made tomorrow too.
func (c *county) tables() []string {
	return c.names("SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname")
}

func assertFilled(t *testing.T, n int, text, table string) {
	if n == 0 {
		t.Errorf(text, table)
	}
}
