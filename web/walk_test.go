package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/web"
)

// outside are the routes that ask for no sign-in.
var outside = []string{"GET /assets/{name}", "GET /signin", "POST /signin", "GET /setup", "POST /setup", "GET /signin/sso", "GET /signin/sso/return", "/"}

// between are the routes of a session that awaits something: a whole one is sent on.
var between = []string{"GET /signin/code", "POST /signin/code", "POST /account/sessions/{id}/end"} // the last: one's own alone, see TestAccount

// forms are what is sent to each deed: good enough that nothing but the right is in the way.
var forms = map[string]url.Values{
	"POST /recipients/{id}/plan/pause":  {"review_on": {"2026-12-20"}, "reason": {"x"}},
	"POST /recipients/{id}/plan/close":  {"seen": {"paused"}, "reason": {"x"}}, // as the deed before left it
	"POST /recipients/{id}/plan/reject": {"reason": {"x"}},
	"POST /recipients/{id}/plan/reopen": {"reason": {"x"}},
	"POST /check-ins/{id}/record":       {"outcome": {"no_answer"}},
	"POST /check-ins/{id}/answer":       {"digit": {"1"}, "note": {"x"}},
	"POST /check-ins/{id}/reschedule":   {"due": {"2026-12-01"}, "reason": {"x"}},
	"POST /tasks/{id}/resolve":          {"outcome": {"x"}},
	"POST /recipients/{id}/full":        {"purpose": {"home_visit"}, "reason": {"x"}},
	"POST /recipients/{id}/openings":    {"days": {"1"}, "reason": {"x"}},

	"POST /recipients/{id}/openings/{opening}": {"decision": {"approve"}, "reason": {"x"}},
	"POST /exports/ledger":                     {"purpose": {"other"}, "reason": {"x"}},
	"POST /inbox/{id}/settle":                  {"decision": {"nothing"}, "why": {"x"}},
	"POST /phones/{position}/reply":            {"text": {"x"}},
	"POST /people/{id}/ticket":                 {"purpose": {"password"}},
}

// idOf is the id of the first deed of a page.
func idOf(prefix, body string) string {
	return strings.TrimPrefix(regexp.MustCompile(prefix+`[0-9a-f-]{36}`).FindString(body), prefix)
}

func TestEveryRouteLetsInWhomTheTableNames(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	c.send()
	c.reply("好的收到，谢谢")
	who := c.walkers()
	ids := map[string]string{
		"/recipients/": c.made.Recipient.String(), "/check-ins/": c.step("month-6-phone").ID.String(),
		"/people/": c.actors["spare"].User.String(),
		"/tasks/":  idOf("/tasks/", c.signIn("li").page("/tasks")), "/inbox/": idOf("/inbox/", c.signIn("li").page("/inbox")),
	}
	opening, err := c.app.AskToOpen(t.Context(), c.actors["li"], c.made.Recipient, 1, "x")
	require.NoError(t, err)
	table := web.Acts()
	for _, route := range web.Patterns() {
		if slices.Contains(outside, route) || slices.Contains(between, route) || route == "POST /signout" {
			continue
		}
		acts := table[route]
		require.NotEmpty(t, acts, "%s stands in no row of web/permissions.go: say which acts it leads to", route)
		if route == "POST /recipients/{id}/plan/reject" { // nobody of these proposed the closing
			acts = []carelog.Act{carelog.ApproveClosing}
		}
		method, path, _ := strings.Cut(route, " ")
		path = strings.ReplaceAll(strings.TrimSuffix(path, "{$}"), "{position}", "0")
		path = strings.ReplaceAll(strings.ReplaceAll(path, "{opening}", opening.String()), "{list}", "contacts")
		about := false
		for prefix, id := range ids {
			if strings.HasPrefix(path, prefix) {
				require.NotEmpty(t, id, prefix)
				path, about = strings.Replace(path, "{id}", id, 1), true
			}
		}
		for _, w := range who {
			want := w.holds(acts) && (!about || w.here || w.helps && method == http.MethodGet)
			status, body := w.do(method, path, forms[route], nil)
			in := status != http.StatusForbidden && status != http.StatusNotFound && w.place != "/signin"
			require.Equal(t, want, in, "%s as %s: %d %s", route, w.login, status, words(body))
			require.Less(t, status, 500, "%s as %s", route, w.login)
			if !w.here && !w.helps {
				require.NotContains(t, body, "马某某", "%s as %s", route, w.login)
			}
		}
	}
}

func TestAProgramHasNoConsole(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	id, err := c.work.AddUser(t.Context(), carelog.TheSystem(), carelog.NewUser{Office: c.actors["li"].Office, Login: "program", Name: "x", Roles: []carelog.Role{carelog.Integration}})
	require.NoError(t, err)
	secret, err := c.work.IssueToken(t.Context(), carelog.TheSystem(), id, "x", tuesday.AddDate(0, 1, 0), "read:files")
	require.NoError(t, err)
	_, err = c.work.IssueTicket(t.Context(), carelog.TheSystem(), id, carelog.TicketPassword)
	require.Equal(t, carelog.Conflict, carelog.KindOf(err), "nobody gives it a password")
	b := c.anybody()
	status, _ := b.post("/signin", url.Values{"login": {"program"}, "password": {secret}})
	require.Equal(t, http.StatusUnauthorized, status)
	b.cookie = &http.Cookie{Name: "aftercare_session", Value: secret}
	b.get("/contacts")
	require.Equal(t, "/signin", b.place, "a token is no session")
}

// walker is somebody with a browser.
type walker struct {
	*browser
	login string
	roles []carelog.Role
	here  bool // of the office whose file it is
	helps bool // of an office that the plan was shared with
}

func (w walker) holds(acts []carelog.Act) bool {
	return slices.ContainsFunc(carelog.Permissions, func(p carelog.Permission) bool {
		return slices.Contains(acts, p.Act) && slices.ContainsFunc(w.roles, func(r carelog.Role) bool { return slices.Contains(p.Roles, r) })
	})
}

func (c *county) walkers() []walker {
	office, sister := c.actors["li"].Office, c.actors["sun"].Office
	helping := c.office("370325", "协办县人民检察院")
	c.user(helping, "helper", "", carelog.Officer)
	conn, err := pgx.Connect(c.t.Context(), c.db.Super)
	require.NoError(c.t, err)
	defer conn.Close(c.t.Context())
	_, err = conn.Exec(c.t.Context(), "INSERT INTO plan_grants (plan_id, recipient_id, office_id, granted_at) VALUES ($1, $2, $3, $4)", c.made.Plan, c.made.Recipient, helping, tuesday)
	require.NoError(c.t, err)
	all := []walker{{browser: c.anybody(), login: "nobody"}}
	add := func(login string, here, helps bool, role carelog.Role) {
		all = append(all, walker{c.signIn(login), login, []carelog.Role{role}, here, helps})
	}
	c.user(office, "spare", "", carelog.Officer)
	c.user(office, "guard", "", carelog.SecurityAdministrator)
	c.user(office, "auditor", "", carelog.AuditAdministrator)
	c.user(sister, "chief", "", carelog.Supervisor)
	c.user(sister, "keeper", "", carelog.SystemAdministrator)
	add("admin", true, false, carelog.SystemAdministrator)
	add("guard", true, false, carelog.SecurityAdministrator)
	add("auditor", true, false, carelog.AuditAdministrator)
	add("sun", false, false, carelog.Officer)
	add("chief", false, false, carelog.Supervisor)
	add("keeper", false, false, carelog.SystemAdministrator)
	add("helper", false, true, carelog.Officer)
	add("li", true, false, carelog.Officer)
	add("zhao", true, false, carelog.Supervisor)
	return all
}
