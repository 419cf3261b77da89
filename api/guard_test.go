package api_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/require"

	"aftercare/api"
	"aftercare/carelog"
)

// operations are those of the description, by method and path.
func operations(t *testing.T) map[string]*huma.Operation {
	t.Helper()
	found := map[string]*huma.Operation{}
	for path, item := range api.Description("test").Paths {
		for method, op := range map[string]*huma.Operation{
			http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete,
		} {
			if op != nil {
				found[method+" "+path] = op
			}
		}
	}
	require.NotEmpty(t, found)
	return found
}

var pathField = regexp.MustCompile(`\{[a-z_]+\}`)

func TestEveryOperation(t *testing.T) {
	t.Parallel()
	c := newCounty(t)

	for name, op := range operations(t) {
		method, path, _ := strings.Cut(name, " ")
		path = pathField.ReplaceAllString(path, "0190a1b2-0000-7000-8000-000000000001")
		isPublic, _ := op.Metadata["public"].(bool)
		t.Run(op.OperationID, func(t *testing.T) {
			require.True(t, isPublic || len(op.Security) > 0, "%s says neither who may nor that all may", name)
			require.NotEmpty(t, op.Summary)
			require.Regexp(t, "^[a-z]+(-[a-z]+)+$", op.OperationID)
			if isPublic {
				return
			}
			for _, token := range []string{"", "ac_not-a-token", strings.Repeat("x", 5000)} {
				got := c.send(token, method, path, nil)
				got.requireProblem(http.StatusUnauthorized)
				require.Contains(t, got.header.Get("WWW-Authenticate"), "Bearer")
			}
		})
	}
	require.Zero(t, c.count("audit WHERE act NOT IN ('office_added', 'user_added', 'token_issued', 'contact_added')"))
}

func TestGuard(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	recipient, plan := c.enrol("YY-1")

	t.Run("KnowsWhoCalls", func(t *testing.T) {
		me := c.get("/v1/me").object()
		require.Equal(t, "li", me["login"])
		require.Equal(t, []any{"officer"}, me["roles"])
		require.Equal(t, c.office.String(), me["office_id"])
	})
	t.Run("TakesTheSchemeInAnyCase", func(t *testing.T) {
		require.Equal(t, http.StatusOK, c.send("", http.MethodGet, "/v1/me", nil, "Authorization", "bearer "+c.officer).status)
		require.Equal(t, http.StatusUnauthorized, c.send("", http.MethodGet, "/v1/me", nil, "Authorization", "Basic "+c.officer).status)
	})
	t.Run("HidesOneOfficeFromAnother", func(t *testing.T) {
		sister := c.addUser(c.addOffice("370324", "沂南县人民检察院"), "sun", carelog.Officer)
		checkIn, _ := c.get("/v1/check-ins?standing=open").items()[0]["check_in_id"].(string)
		for _, path := range []string{"/v1/recipients/" + recipient + "/plan", "/v1/recipients/" + recipient + "/history", "/v1/check-ins/" + checkIn} {
			c.send(sister, http.MethodGet, path, nil).requireProblem(http.StatusNotFound)
		}
		for path, body := range map[string]any{
			"/v1/plans/" + plan + "/start": nil, "/v1/plans/" + plan + "/close": object{"reason": "x"},
			"/v1/plans/" + plan + "/pause":                    object{"reason": "x", "review_on": "2026-12-24"},
			"/v1/check-ins/" + checkIn + "/records":           object{"outcome": "no_answer"},
			"/v1/check-ins/" + checkIn + "/reschedule":        object{"due": "2026-12-01", "reason": "x"},
			"/v1/recipients/" + recipient + "/contacts-noted": object{"kind": "walk_in", "note": "x"},
		} {
			c.send(sister, http.MethodPost, path, body).requireProblem(http.StatusNotFound)
		}
		for _, path := range []string{"/v1/check-ins", "/v1/messages", "/v1/contacts", "/v1/tasks"} {
			require.Empty(t, c.send(sister, http.MethodGet, path, nil).items())
		}
	})
	t.Run("RefusesAnIDThatIsNone", func(t *testing.T) {
		c.get("/v1/recipients/secret-sauce/plan").requireProblem(http.StatusUnprocessableEntity, "path.recipient_id")
		c.get("/v1/check-ins?recipient_id=secret-sauce").requireProblem(http.StatusUnprocessableEntity, "query.recipient_id")
	})
}

func TestShield(t *testing.T) {
	t.Parallel()
	c := newCounty(t)

	t.Run("MakesProblemsOfTheMuxsErrors", func(t *testing.T) {
		c.get("/v1/nothing-here").requireProblem(http.StatusNotFound)
		c.get("/docs/nothing-here").requireProblem(http.StatusNotFound)
		got := c.send(c.officer, http.MethodDelete, "/v1/check-ins", nil)
		got.requireProblem(http.StatusMethodNotAllowed)
		require.Contains(t, got.header.Get("Allow"), http.MethodGet)
	})
	t.Run("SetsTheHeaders", func(t *testing.T) {
		got := c.get("/v1/me")
		require.Equal(t, "nosniff", got.header.Get("X-Content-Type-Options"))
		require.Equal(t, "no-referrer", got.header.Get("Referrer-Policy"))
		require.Equal(t, "no-store", got.header.Get("Cache-Control"))
		require.NotEmpty(t, got.header.Get("X-Request-Id"))
	})
	t.Run("LogsTheRouteAndNoIDs", func(t *testing.T) {
		const id = "0190a1b2-0000-7000-8000-00000000cafe"
		got := c.get("/v1/check-ins?recipient_id=" + id)
		c.get("/v1/check-ins/" + id).requireProblem(http.StatusNotFound)
		line := c.log.text()
		require.Contains(t, line, `method=GET route="GET /v1/check-ins/{check_in_id}" status=404`)
		require.Contains(t, line, "id="+got.header.Get("X-Request-Id"))
		require.NotContains(t, line, id)
		require.NotContains(t, line, c.officer)
	})
}

func TestInternalErrors(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	require.Equal(t, http.StatusOK, c.get("/readyz").status)
	c.app.Close()

	t.Run("AnswerAFixedTextWithAnID", func(t *testing.T) {
		for _, got := range []reply{c.get("/v1/me"), c.post("/v1/recipients", c.enrolment("YY-1"))} {
			problem := got.requireProblem(http.StatusInternalServerError)
			require.Equal(t, "internal error", problem["detail"])
			require.Equal(t, "urn:uuid:"+got.header.Get("X-Request-Id"), problem["instance"])
			require.NotContains(t, got.text, "pool")
			require.Contains(t, c.log.text(), "id="+got.header.Get("X-Request-Id")+" operation=")
		}
		require.Contains(t, c.log.text(), "closed pool")
	})
	t.Run("AreAPanicToo", func(t *testing.T) {
		// A door without a log panics on the first call.
		broken := newBroken(t, c.log)
		got := broken.get("/v1/me")
		require.Equal(t, "internal error", got.requireProblem(http.StatusInternalServerError)["detail"])
		require.Contains(t, c.log.text(), "msg=panic id="+got.header.Get("X-Request-Id"))
	})
	t.Run("LeaveTheProcessAliveButNotReady", func(t *testing.T) {
		require.Equal(t, http.StatusOK, c.get("/healthz").status)
		c.get("/readyz").requireProblem(http.StatusServiceUnavailable)
	})
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	c := newCounty(t)

	t.Run("AnswerToAnybody", func(t *testing.T) {
		for path, kind := range map[string]string{
			"/openapi.json": "application/openapi+json", "/openapi.yaml": "application/openapi+yaml", "/docs": "text/html", "/docs/": "text/html",
		} {
			got := c.send("", http.MethodGet, path, nil)
			require.Equal(t, http.StatusOK, got.status, path)
			require.Contains(t, got.header.Get("Content-Type"), kind)
			require.NotContains(t, got.text, "cdn", path)
		}
	})
	t.Run("DescribeTheVersionAndNoNullArrays", func(t *testing.T) {
		text := c.send("", http.MethodGet, "/openapi.json", nil)
		described := text.object()
		require.Equal(t, "3.1.0", described["openapi"])
		info, _ := described["info"].(map[string]any)
		require.Equal(t, "1.2.3", info["version"])
		require.False(t, strings.Contains(text.text, `["array","null"]`))
		require.False(t, strings.Contains(text.text, "$schema"))
		require.False(t, strings.Contains(text.text, "The value at the given location"))
		require.True(t, strings.Contains(text.text, "multipart/form-data"))
		require.True(t, strings.Contains(text.text, "Idempotency-Key"))
	})
}
