package api_test

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"aftercare/api"
	"aftercare/carelog"
	"aftercare/notify"
)

// caller is somebody with one token, and where they may what.
type caller struct {
	name, token string
	roles       []carelog.Role
	at          string // "office": where everything belongs; "city": above it; "sister": beside it
	scopes      []carelog.Scope
	shared      bool // a plan of the office was shared with theirs
}

// walker is a county below a city with a sister, and one of everything that an operation can be about.
type walker struct {
	*county
	ids     map[string]string // by the name of a path parameter or a field
	callers []caller
	served  map[string]*huma.Operation
	ways    map[string]asked // what of an operation its description does not say

	city, sister carelog.OfficeID
	enrolled     int
}

// sharedReads are the operations that joint aid opens: the file of the one plan.
var sharedReads = []string{
	"read-plan", "read-history", "list-visits", "list-assessments", "list-events", "list-judgements", "read-household", "read-referrals", "list-hints",
	"list-replies", "list-conflicts", "list-openings", "read-check-in", "list-records", "read-funds", "read-outcome",
}

// asked is how an operation is asked where its description does not say enough.
type asked struct {
	as    []carelog.Act // what this very request is about; nothing: all that the operation leads to
	own   bool          // it is about whoever asks: everybody of the role gets in, and sees nothing of others
	and   string        // who gets in beside them, because it is theirs
	once  bool          // there is nothing left of it for a second
	ids   map[string]string
	query string
	body  any    // fields that the description leaves open, or all of it
	kind  string // of a body that is not JSON
}

// TestEveryOperationLetsInWhomTheTableNames leaves a row in every table, which the
// database then has to hide.
func TestEveryOperationLetsInWhomTheTableNames(t *testing.T) {
	t.Parallel()
	w := newWalker(t)
	table := api.Acts()
	for _, name := range slices.Sorted(maps.Keys(w.served)) {
		op := w.served[name]
		if open, _ := op.Metadata["public"].(bool); open {
			continue
		}
		method, path, _ := strings.Cut(name, " ")
		acts := table[op.OperationID]
		require.NotEmpty(t, acts, "%s stands in no row of api/permissions.go: say which acts it leads to", op.OperationID)
		how := w.how(op.OperationID)
		if how.as != nil {
			acts = how.as
		}
		// Those who are refused change nothing, so they ask first.
		byTurn := slices.SortedStableFunc(slices.Values(w.callers), func(a, b caller) int {
			return index(w.letsIn(op.OperationID, acts, how, a)) - index(w.letsIn(op.OperationID, acts, how, b))
		})
		done := false
		for _, who := range byTurn {
			if done && how.once {
				break
			}
			want := w.letsIn(op.OperationID, acts, how, who)
			got := w.ask(method, path, op, how, who)
			in := got.status != http.StatusUnauthorized && got.status != http.StatusForbidden && got.status != http.StatusNotFound
			done = done || want
			if want != in || got.status >= 500 {
				t.Errorf("%s as %s: let in %t by the table, answered %d %s", op.OperationID, who.name, want, got.status, got.text)
			}
			if who.at == "sister" {
				for _, foreign := range []string{w.ids["recipient_id"], w.ids["plan_id"], w.ids["contact_id"], w.ids["check_in_id"]} {
					require.NotContains(t, got.text, foreign, "%s tells %s of a file of another office", op.OperationID, who.name)
				}
			}
		}
	}
	t.Run("AndNoTableShowsAnotherOfficesRows", w.rowsAreHidden)
}

// TestTheDoorRefusesBeforeItReads: whoever holds none of the acts is refused whatever they send.
func TestTheDoorRefusesBeforeItReads(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	table, auditor := api.Acts(), c.addUser(c.office, "auditor", carelog.AuditAdministrator)
	for name, op := range operations(t) {
		method, path, _ := strings.Cut(name, " ")
		if open, _ := op.Metadata["public"].(bool); open || holds(table[op.OperationID], []carelog.Role{carelog.AuditAdministrator}) {
			continue
		}
		got := c.send(auditor, method, pathField.ReplaceAllString(path, "x"), `{"nonsense":`)
		require.Equal(t, http.StatusForbidden, got.status, "%s: %s", op.OperationID, got.text)
	}
}

func index(b bool) int { return map[bool]int{true: 1}[b] }

func rowOf(act carelog.Act) carelog.Permission {
	i := slices.IndexFunc(carelog.Permissions, func(p carelog.Permission) bool { return p.Act == act })
	return carelog.Permissions[i]
}

func holds(acts []carelog.Act, roles []carelog.Role) bool {
	return slices.ContainsFunc(acts, func(a carelog.Act) bool {
		return slices.ContainsFunc(roles, func(r carelog.Role) bool { return slices.Contains(rowOf(a).Roles, r) })
	})
}

// letsIn is what the table says about a request for something of the office.
func (w *walker) letsIn(id string, acts []carelog.Act, how asked, who caller) bool {
	if who.shared && slices.Contains(sharedReads, id) || how.and == who.name && how.and != "" {
		return true
	}
	return slices.ContainsFunc(acts, func(act carelog.Act) bool {
		row := rowOf(act)
		for _, role := range who.roles {
			below := who.at == "city" && role != carelog.Officer
			there := how.own || who.at == "office" || below
			if row.Top {
				there = who.at == "city"
			}
			scoped := row.Scope == carelog.AnyToken || row.Scope != carelog.NoToken && (len(who.scopes) == 0 || slices.Contains(who.scopes, row.Scope))
			if there && scoped && slices.Contains(row.Roles, role) {
				return true
			}
		}
		return false
	})
}

func (w *walker) ask(method, path string, op *huma.Operation, how asked, who caller) reply {
	path = pathField.ReplaceAllStringFunc(path, func(p string) string {
		id := cmp.Or(how.ids[strings.Trim(p, "{}")], w.ids[strings.Trim(p, "{}")])
		require.NotEmpty(w.t, id, "%s: there is nothing to put for %s", op.OperationID, p)
		return id
	})
	if how.query != "" {
		path += "?" + how.query
	}
	if method == http.MethodGet {
		return w.send(who.token, method, path, nil)
	}
	if how.kind != "" {
		return w.send(who.token, method, path, how.body, "Content-Type", how.kind)
	}
	body, _ := w.example(op, how).(map[string]any)
	return w.send(who.token, method, path, body)
}

// example is a body as the description asks for it, with what is known put in.
func (w *walker) example(op *huma.Operation, how asked) any {
	if op.RequestBody == nil {
		return nil
	}
	content := op.RequestBody.Content["application/json"]
	if content == nil {
		return nil
	}
	made, _ := w.fill("", content.Schema).(map[string]any)
	extra, _ := how.body.(object)
	for field, value := range extra {
		made[field] = value
	}
	return made
}

var description = api.Description("test")

func (w *walker) fill(name string, s *huma.Schema) any {
	if s.Ref != "" {
		s = description.Components.Schemas.SchemaFromRef(s.Ref)
	}
	switch {
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Format == "uuid":
		return w.ids[name]
	case s.Format == "date":
		return "2026-12-01"
	case s.Format == "date-time":
		return "2026-11-24T10:00:00+08:00"
	case s.Type == "object":
		made := map[string]any{}
		for _, field := range s.Required {
			made[field] = w.fill(field, s.Properties[field])
		}
		return made
	case s.Type == "array":
		return []any{w.fill(strings.TrimSuffix(name, "s"), s.Items)}
	case s.Type == "boolean":
		return false
	case s.Type == "integer" || s.Type == "number":
		return 1
	case name == "phone":
		return "15400000777"
	}
	return "x"
}

func newWalker(t *testing.T) *walker {
	t.Helper()
	w := &walker{county: newCounty(t), ids: map[string]string{}, served: operations(t)}
	w.below()
	w.people()
	w.household()
	w.around()
	w.ways = w.known()
	w.server = httptest.NewServer(api.AjarHandler(w.config))
	t.Cleanup(w.server.Close)
	return w
}

// below puts the county under a city, beside a sister: as offices are laid out.
func (w *walker) below() {
	add := func(parent carelog.OfficeID, code, level string) carelog.OfficeID {
		id, err := w.work.AddOffice(w.t.Context(), carelog.TheSystem(), carelog.NewOffice{Parent: parent, Code: code, Name: code + "人民检察院", Signature: "检察院", Level: level})
		require.NoError(w.t, err)
		return id
	}
	w.city = add(carelog.OfficeID{}, "370300", "city")
	w.sister = add(w.city, "370324", "county")
	w.exec("UPDATE offices SET parent_id = $1, path = ARRAY[$1, id] WHERE id = $2", w.city, w.office)
}

func (w *walker) people() {
	all := []carelog.Role{carelog.Officer, carelog.Supervisor, carelog.SystemAdministrator, carelog.SecurityAdministrator, carelog.AuditAdministrator}
	w.callers = []caller{{name: "nobody"}, {name: "an unknown token", token: "ac_nobody"}}
	for at, office := range map[string]carelog.OfficeID{"office": w.office, "city": w.city, "sister": w.sister} {
		for _, role := range all {
			who := caller{name: at + " " + string(role), roles: []carelog.Role{role}, at: at}
			switch who.name {
			case "office officer":
				who.token = w.officer
			case "office supervisor":
				who.token = w.boss
			case "office system_administrator":
				who.token = w.admin
			default:
				who.token = w.addUser(office, strings.ReplaceAll(who.name, " ", "."), role)
			}
			w.callers = append(w.callers, who)
		}
		program := w.addProgram(office, at+".program")
		w.ids[at+" program"] = program
		for _, scopes := range [][]carelog.Scope{carelog.Scopes(), {"read:partners"}} {
			name := fmt.Sprintf("%s program with %d scopes", at, len(scopes))
			w.callers = append(w.callers, caller{name, w.tokenUntil(at+".program", tuesday.AddDate(0, 1, 0), scopes...), []carelog.Role{carelog.Integration}, at, scopes, false})
		}
	}
	helping, err := w.work.AddOffice(w.t.Context(), carelog.TheSystem(), carelog.NewOffice{Parent: w.city, Code: "370325", Name: "协办院", Signature: "检察院", Level: "county"})
	require.NoError(w.t, err)
	w.callers = append(w.callers, caller{"helping officer", w.addUser(helping, "helper", carelog.Officer), []carelog.Role{carelog.Officer}, "helping", nil, true})
	w.addUser(w.office, "wang", carelog.Officer)
	w.addUser(w.office, "leaving", carelog.Officer)
	for _, sql := range []string{ // what signing in leaves, which no operation shows
		"INSERT INTO credentials (user_id) VALUES ($1)",
		"INSERT INTO recovery_codes VALUES ($1, '\\x00', now())",
		"INSERT INTO sessions VALUES (gen_random_uuid(), $1, '\\x00', 'sso', '', now(), now(), now(), now())",
		"INSERT INTO sso_identities VALUES ('issuer', 'subject', $1, now())",
		"INSERT INTO sign_in_addresses SELECT '\\x00', 1, now() WHERE $1::uuid IS NOT NULL",
	} {
		w.exec(sql, w.userID("li"))
	}
	narrow := w.tokenUntil("li", tuesday.AddDate(0, 1, 0), "read:files") // a person's token can name scopes too
	w.callers = append(w.callers, caller{"office officer to read", narrow, []carelog.Role{carelog.Officer}, "office", []carelog.Scope{"read:files"}, false})
	w.addUser(w.office, "resting", carelog.AuditAdministrator)
	w.ids["user_id"], w.ids["office_id"] = w.userID("wang"), w.office.String()
	w.ids["deputy_id"] = w.userID("li")
	w.ids["token_id"] = w.items(w.tokenUntil("wang", tuesday.AddDate(0, 1, 0)), "/v1/tokens")[0]["token_id"].(string)
	w.ids["person_id"] = w.ids["user_id"]
}

func (w *walker) items(token, path string) []object {
	w.t.Helper()
	return w.send(token, http.MethodGet, path, nil).items()
}

// make posts and gives the id that is answered.
func (w *walker) make(token, path string, body any, field string) string {
	w.t.Helper()
	made := w.send(token, http.MethodPost, path, body)
	require.Less(w.t, made.status, 300, made.text)
	id, _ := made.object()[field].(string)
	require.NotEmpty(w.t, id, made.text)
	return id
}

// household is one file with all that can hang on it.
func (w *walker) household() {
	recipient, plan := w.enrol("YY-1")
	other, _ := w.enrol("YY-2")
	w.ids["recipient_id"], w.ids["plan_id"], w.ids["other"] = recipient, plan, other
	file := "/v1/recipients/" + recipient
	w.ids["contact_id"], w.ids["primary_contact_id"] = w.contact.String(), w.contact.String()
	w.ids["check_in_id"] = w.checkIn(recipient, "baseline")
	scores := object{"basic_needs": "3", "income": "3", "housing": "3", "health": "0", "care": "3", "children": "X", "wellbeing": "3", "safety": "3", "funds_legal": "3", "support": "3"}
	recorded := w.post("/v1/check-ins/"+w.ids["check_in_id"]+"/records", object{"outcome": "reached", "informant": "self", "asked_village": true, "scores": scores})
	require.Less(w.t, recorded.status, 300, recorded.text)
	w.ids["record_id"] = w.items(w.boss, "/v1/visits-to-sign")[0]["record_id"].(string)
	w.ids["alert_id"] = w.items(w.boss, "/v1/alerts?level=red")[0]["alert_id"].(string)
	w.ids["event_id"] = w.make(w.officer, file+"/events", object{"kind": "job_loss", "occurred_on": "2026-11-20", "source": "self"}, "event_id")
	w.ids["partner_id"] = w.make(w.officer, "/v1/partners", object{"name": "县司法局", "kind": "justice"}, "partner_id")
	w.ids["referral_id"] = w.make(w.officer, file+"/referrals", object{"measure": "legal_aid", "partner_id": w.ids["partner_id"], "need": "x"}, "referral_id")
	w.ids["message_id"] = w.items(w.officer, "/v1/messages")[0]["message_id"].(string)
	require.Equal(w.t, http.StatusOK, w.webhook(notify.TwilioInboundPath, inboundForm("SM1", contactPhone, "啥意思")).status)
	require.NoError(w.t, w.work.ReceiveReply(w.t.Context(), w.queue.replies[0]))
	w.ids["inbound_id"] = w.items(w.officer, "/v1/inbox")[0]["inbound_id"].(string)
	w.ids["task_id"] = w.items(w.officer, "/v1/tasks")[0]["task_id"].(string)
	require.Equal(w.t, http.StatusNoContent, w.post(file+"/conflicts", object{"contact_id": w.ids["contact_id"], "kind": "other", "reason": "x"}).status)
	w.ids["phone_id"] = w.make(w.officer, "/v1/contacts/"+w.ids["contact_id"]+"/phones", object{"phone": "15400000555"}, "phone_id")
	w.ids["measure"] = "legal_aid"
	maps.Copy(w.ids, w.openedCase())
	twin, _ := w.enrol("YY-21")
	w.ids["merge_id"] = w.make(w.officer, file+"/merge", object{"gone_id": twin, "reason": "x"}, "merge_id")
	twin, _ = w.enrol("YY-22")
	w.ids["gone_id"] = twin
	funds := w.post(file+"/supervision", object{
		"signed_on": "2026-11-20", "recipient_side": "x", "village": "x", "office": "x",
		"instalments": []object{{"amount_fen": 100, "due_on": "2026-12-20", "condition": "x"}},
	})
	require.Less(w.t, funds.status, 300, funds.text)
	w.ids["instalment_id"] = funds.object()["instalments"].([]any)[0].(map[string]any)["instalment_id"].(string)
	funds = w.post(file+"/fund-uses", object{"used_on": "2026-11-20", "amount_fen": 1, "category": "medical", "told_by": "self", "evidence": "told"})
	require.Less(w.t, funds.status, 300, funds.text)
	w.ids["fund_use_id"] = funds.object()["uses"].([]any)[0].(map[string]any)["fund_use_id"].(string)
	w.ids["opening_id"] = w.make(w.officer, file+"/openings", object{"days": 1, "reason": "x"}, "opening_id")
	w.exec("INSERT INTO plan_grants (plan_id, recipient_id, office_id, granted_at) SELECT $1, $2, id, '2026-11-24' FROM offices WHERE code = '370325'", plan, recipient)
}

// openedCase is a case with a document, and a clue that waits for its answer: their ids.
func (c *county) openedCase() map[string]string {
	c.t.Helper()
	ids := map[string]string{"item": "harm_is_proved", "rule": "aid_rules"}
	made := func(token, path string, body any, field string) string {
		got := c.send(token, http.MethodPost, path, body)
		require.Less(c.t, got.status, 300, got.text)
		return got.object()[field].(string)
	}
	department := func(name, kind string) string {
		return made(c.boss, "/v1/departments", object{"name": name, "kind": kind}, "department_id")
	}
	lead, criminal := department("第五检察部", "lead"), department("第一检察部", "criminal")
	ids["department_id"], ids["to_department_id"] = department("旧部门", "other"), lead
	clue := func(number, from string) string {
		return made(c.officer, "/v1/clues", object{
			"number": number, "received_on": "2026-11-20", "origin": "ex_officio", "case_stage": "trial", "from_department_id": from, "to_department_id": lead,
			"persons": 1, "subject": "x",
		}, "clue_id")
	}
	ids["clue_id"] = clue("1", criminal)
	partner := made(c.officer, "/v1/partners", object{"name": "县退役军人事务局", "kind": "veterans"}, "partner_id")
	ids["partner_id"] = partner
	ids["meeting_id"] = made(c.officer, "/v1/meetings", object{"planned_on": "2026-11-24", "partner_ids": []string{partner}}, "meeting_id")
	ids["case_id"] = made(c.officer, "/v1/clues/"+clue("2", lead)+"/case", object{"number": "C-1"}, "case_id")
	added := c.send(c.officer, http.MethodPost, "/v1/cases/"+ids["case_id"]+"/files", pdfForm, "Content-Type", "multipart/form-data; boundary=b")
	require.Less(c.t, added.status, 300, added.text)
	ids["file_id"], _ = added.object()["file_id"].(string)
	return ids
}

const pdfForm = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n%PDF-1.7 x\r\n--b--\r\n"

// around is what an office has beside its files.
func (w *walker) around() {
	var id string
	leave := object{"user_id": w.ids["user_id"], "from": "2026-12-01", "until": "2026-12-02", "deputy_id": w.ids["deputy_id"]}
	w.ids["absence_id"] = w.make(w.boss, "/v1/absences", leave, "absence_id")
	w.ids["closure_id"] = w.make(w.admin, "/v1/calendar/closures", object{"from": "2026-12-01", "name": "x", "reason": "training"}, "closure_id")
	require.NoError(w.t, w.rows.QueryRow(w.t.Context(), "SELECT id::text FROM lines").Scan(&id))
	w.ids["line_id"] = id
	_, err := w.work.EnsureWordings(w.t.Context(), carelog.TheSystem())
	require.NoError(w.t, err)
	w.ids["year"] = "2026"
	w.ids["subscription_id"] = w.make(w.admin, "/v1/subscriptions", object{"url": "https://platform.example/hook"}, "subscription_id")
	w.ids["key"], w.ids["language"], w.ids["version"] = "G", "zh", "1"
	w.ids["new_contact_id"] = w.make(w.officer, "/v1/contacts", object{
		"name": "钱某", "phone": "15400000102", "role": "grid_worker", "villages": []object{{"township": "南麻街道", "name": "柿岭村"}},
	}, "contact_id")
	w.ids["transfer_id"] = w.offered()
}

func (w *walker) how(id string) asked { return w.ways[id] }

// exec changes rows as the superuser, whom nothing holds back.
func (c *county) exec(sql string, args ...any) {
	c.t.Helper()
	conn, err := pgx.Connect(c.t.Context(), c.db.Super)
	require.NoError(c.t, err)
	defer conn.Close(c.t.Context())
	_, err = conn.Exec(c.t.Context(), sql, args...)
	require.NoError(c.t, err)
}

// known is what of each operation its description does not say.
func (w *walker) known() map[string]asked {
	office, user, plan := w.ids["office_id"], w.ids["user_id"], []string{w.ids["plan_id"]}
	offered := func() map[string]string { return map[string]string{"transfer_id": w.offered()} }
	wording := map[string]string{"key": "village_request"}
	texting := w.send(w.boss, http.MethodGet, "/v1/offices/"+office+"/texting", nil).object() // a supervisor switches, and changes nothing else
	for _, shown := range []string{"$schema", "office_id", "messages", "segments", "fen"} {
		delete(texting, shown)
	}
	texting["mode"] = "off"
	third, _ := w.enrol("YY-3")
	w.exec(`INSERT INTO retention_rules (kind, version, keep_months, at_least_months, anchor, action, basis, proposed_at)
		SELECT kind, 2, keep_months, at_least_months, anchor, action, basis, now() FROM retention_rules WHERE kind = 'inbound_text'`)
	frozen := map[string]string{"recipient_id": third}
	known := map[string]asked{
		"save-group":           {body: object{"office_id": office}},
		"plan-meeting":         {body: object{"office_id": office, "partner_ids": []string{w.ids["partner_id"]}}},
		"hold-meeting":         {body: object{"held_on": "2026-11-24", "decisions": []object{{"what": "x"}}}, once: true},
		"put-recipient":        {ids: map[string]string{"external_id": "YY-77"}, body: object{"office_id": office, "officer": "li", "external_id": "YY-77", "award": object{"total_fen": 100, "paid_on": "2026-09-20"}}},
		"add-subscription":     {body: object{"office_id": office, "url": "https://platform.example/hook"}},
		"add-department":       {body: object{"office_id": office}},
		"record-clue":          {body: object{"office_id": office, "from_department_id": w.ids["to_department_id"], "received_on": "2026-11-20"}},
		"add-rule":             {ids: map[string]string{"rule": "aid_rules"}},
		"add-case-file":        {body: pdfForm, kind: "multipart/form-data; boundary=b"},
		"add-case-entry":       {as: []carelog.Act{carelog.KeepCases}},
		"withdraw-consent":     {ids: map[string]string{"purpose": "photos"}},
		"restrict-file":        {ids: frozen},
		"lift-restriction":     {ids: frozen},
		"open-restricted-file": {ids: frozen},
		"place-hold":           {ids: frozen},
		"lift-hold":            {ids: frozen},
		"propose-erasure":      {ids: frozen},
		"erase-file":           {ids: frozen},
		"reject-erasure":       {ids: frozen},
		"propose-retention":    {ids: map[string]string{"kind": "outbound_text"}, body: object{"keep_months": 30}},
		"approve-retention":    {ids: map[string]string{"kind": "inbound_text", "version": "2"}, once: true},
		"enrol-recipient":      {body: object{"office_id": office, "officer": "li", "external_id": "YY-9", "award": object{"total_fen": 100, "paid_on": "2026-09-20"}}},
		"import-ledger":        {own: true, body: "外部编号,姓名\n1,马某某\n", kind: "text/csv"},
		"withdraw-event":       {as: []carelog.Act{carelog.OverruleEvent}, and: "office officer"},

		"score-blind":       {ids: map[string]string{"check_in_id": w.checkIn(w.ids["other"], "baseline")}},
		"join-household":    {body: object{"recipient_ids": []string{w.ids["recipient_id"], w.ids["other"]}}},
		"agree-appointment": {body: object{"at": "10:00"}},
		"bar-topics":        {body: object{"topics": []string{}}},
		"add-contact":       {body: object{"office_id": office}},
		"add-partner":       {body: object{"office_id": office}},
		"end-conflict":      {once: true},
		"remove-phone":      {once: true},
		"settle-reply":      {body: object{"decision": "nothing", "why": "x"}},

		"decide-tier":           {body: object{"tier": "red"}},
		"agree-supervision":     {ids: map[string]string{"recipient_id": w.ids["other"]}, body: object{"signed_on": "2026-11-20"}},
		"record-fund-use":       {body: object{"used_on": "2026-11-20"}},
		"withdraw-fund-use":     {once: true},
		"propose-contact-merge": {body: object{"gone_id": w.ids["new_contact_id"]}},
		"decide-merge":          {once: true},
		"reject-closing":        {as: []carelog.Act{carelog.ApproveClosing}},
		"move-plans":            {body: object{"plan_ids": plan, "office_id": office}, once: true},
		"transfer-plans":        {body: object{"plan_ids": plan, "to": "wang"}},
		"accept-transfer":       {as: []carelog.Act{carelog.AnswerForOther}, ids: offered(), once: true},
		"decline-transfer":      {as: []carelog.Act{carelog.AnswerForOther}, ids: offered(), once: true},
		"withdraw-transfer":     {as: []carelog.Act{carelog.HandOver}, and: "office officer", ids: offered(), once: true},
		"share-plan":            {body: object{"office_code": "370324"}, once: true},

		"set-absence":     {as: []carelog.Act{carelog.KeepRoster}, body: object{"user_id": user, "from": "2026-12-08", "until": "2026-12-09"}},
		"end-absence":     {as: []carelog.Act{carelog.KeepRoster}, once: true},
		"set-duty":        {body: object{"office_id": office, "from": "2026-12-01T18:00:00+08:00", "until": "2026-12-02T08:00:00+08:00"}},
		"close-office":    {body: object{"office_id": office}},
		"end-closure":     {once: true},
		"import-holidays": {body: notice2027, kind: "application/json"},

		"roll-back-holidays": {ids: map[string]string{"notice_id": w.notice()}},
		"set-texting":        {as: []carelog.Act{carelog.SwitchTexting}, body: texting},
		"set-route":          {body: object{"country": "+86", "line_id": w.ids["line_id"]}},
		"save-wording":       {ids: wording},
		"put-in-force":       {ids: wording},
		"record-approval":    {ids: wording},

		"add-user":        {body: object{"office_id": office}},
		"grant-role":      {body: object{"office_id": office}},
		"withdraw-role":   {body: object{"office_id": office, "role": "audit_administrator"}, ids: map[string]string{"user_id": w.userID("resting")}, once: true},
		"set-text-budget": {as: []carelog.Act{carelog.SetTextBudget}},
		"issue-token":     {body: object{"user_id": w.ids["office program"], "scopes": []string{"read:partners"}, "days": 7}},
		"list-tokens":     {as: []carelog.Act{carelog.KeepTokens}, query: "user_id=" + user},
		"revoke-token":    {as: []carelog.Act{carelog.KeepTokens}},
		"dismiss-user":    {ids: map[string]string{"user_id": w.userID("leaving")}, once: true},
	}
	for _, id := range []string{
		"list-plans", "list-transfers", "list-referrals", "list-check-ins", "list-messages", "list-inbox", "list-tasks", "list-alerts",
		"list-visits-to-sign", "count-plans", "list-erasures", "list-retention", "list-retention-runs", "list-partners", "list-contacts",
		"list-templates", "read-calendar", "list-absences", "list-duties", "list-lines", "read-statistics", "list-changes", "list-subscriptions", "list-groups", "read-trip",
		"list-meetings", "list-departments", "list-clues", "list-cases", "list-rules", "search-files", "list-wordings", "read-me", "read-audit",
		"send-test", "list-users", "list-merges",
	} {
		known[id] = asked{own: true}
	}
	return known
}

// offered is a plan of its own, offered to a colleague.
func (w *walker) offered() string {
	w.enrolled++
	_, plan := w.enrol(fmt.Sprint("YY-1", w.enrolled))
	return w.make(w.officer, "/v1/transfers", object{"plan_ids": []string{plan}, "to": "wang", "reason": "x"}, "transfer_id")
}

// notice is a year's holidays, taken in by the operator.
func (w *walker) notice() string {
	made, err := w.work.ImportHolidays(w.t.Context(), carelog.TheSystem(), []byte(notice2027), carelog.ImportHolidaysOptions{})
	require.NoError(w.t, err)
	return made.Notice.String()
}
