package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

// checkIn finds a recipient's check-in of a step.
func (c *county) checkIn(recipient, step string) string {
	c.t.Helper()
	for _, item := range c.get("/v1/check-ins?standing=open&recipient_id=" + recipient).items() {
		if item["step"] == step {
			id, _ := item["check_in_id"].(string)
			return id
		}
	}
	require.Fail(c.t, "no such check-in", step)
	return ""
}

func TestPlans(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	recipient, plan := c.enrol("YY-1")

	t.Run("PauseUntilAReviewAndResume", func(t *testing.T) {
		paused := c.post("/v1/plans/"+plan+"/pause", object{"review_on": "2026-12-24", "reason": "外出务工"}).object()
		require.Equal(t, "paused", paused["state"])
		require.Equal(t, "2026-12-24", paused["review_on"])
		require.Empty(t, c.get("/v1/check-ins?standing=open&recipient_id="+recipient).items())
		resumed := c.post("/v1/plans/"+plan+"/start", nil).object()
		require.Equal(t, "active", resumed["state"])
		require.NotContains(t, resumed, "review_on")
	})
	t.Run("RefuseAReviewInThePast", func(t *testing.T) {
		c.post("/v1/plans/"+plan+"/pause", object{"review_on": "2026-11-01", "reason": ""}).
			requireProblem(http.StatusUnprocessableEntity, "body.review_on", "body.reason")
		c.post("/v1/plans/"+plan+"/pause", object{"review_on": "tomorrow", "reason": "x"}).
			requireProblem(http.StatusUnprocessableEntity, "body.review_on")
	})
	t.Run("CloseByTwoPeople", func(t *testing.T) {
		path, why := "/v1/plans/"+plan+"/close", object{"reason": "生活稳定"}
		c.post(path, why).requireProblem(http.StatusUnprocessableEntity, "body.exit.twelve_months", "body.exit.last_two_visits")
		exit := c.get("/v1/plans/" + plan + "/exit").object()
		require.Equal(t, false, exit["may_close"])
		require.Len(t, exit["conditions"], 5)
		c.post("/v1/check-ins/"+c.checkIn(recipient, "baseline")+"/records", object{"outcome": "deceased"})
		died := object{"reason": "无其他家庭成员", "path": "death"}
		require.Equal(t, "closing", c.post("/v1/plans/"+plan+"/propose-closing", died).object()["state"])
		require.Equal(t, "closing", c.get("/v1/plans?state=closing").items()[0]["state"])
		require.EqualValues(t, 1, c.get("/v1/plans/counts").object()["closing"])
		c.post(path, why).requireProblem(http.StatusForbidden)
		require.Equal(t, "closed", c.send(c.boss, http.MethodPost, path, why).object()["state"])
		c.send(c.boss, http.MethodPost, path, why).requireProblem(http.StatusConflict)
	})
}

func TestTransfers(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	recipient, plan := c.enrol("YY-1")
	colleague := c.addUser(c.office, "sun", carelog.Officer)
	c.boss = c.addUser(c.office, "head", carelog.Supervisor)
	c.send(c.boss, http.MethodPost, "/v1/transfers", object{"plan_ids": []string{plan}, "to": "nobody", "reason": "分工"}).
		requireProblem(http.StatusUnprocessableEntity, "body.to")
	act := c.send(c.boss, http.MethodPost, "/v1/transfers", object{"from": "li", "to": "sun", "reason": "分工"}).object()
	require.EqualValues(t, 1, act["open"])
	id, _ := act["transfer_id"].(string)
	require.Len(t, c.send(colleague, http.MethodGet, "/v1/transfers", nil).items(), 1)
	offered := c.send(colleague, http.MethodGet, "/v1/transfers/"+id+"/plans", nil)
	require.Contains(t, offered.text, "分工")
	require.Equal(t, "ended", c.send(colleague, http.MethodPost, "/v1/transfers/"+id+"/accept", object{}).object()["state"])
	require.NotEqual(t, c.get("/v1/me").object()["user_id"], c.get("/v1/recipients/" + recipient + "/plan").object()["officer_id"])
	require.Empty(t, c.get("/v1/transfers").items())
	c.send(colleague, http.MethodPost, "/v1/transfers/"+id+"/accept", object{}).requireProblem(http.StatusConflict)
}

func TestRecordCheckIn(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	recipient, _ := c.enrol("YY-1")
	baseline := "/v1/check-ins/" + c.checkIn(recipient, "baseline")

	t.Run("TellsAllThatIsWrongAtOnce", func(t *testing.T) {
		c.post(baseline+"/records", object{
			"outcome": "teleported", "scores": object{"basic_needs": "7", "hunger": "1", "income": "2"}, "occurred_at": "yesterday", "weather": "good",
		}).requireProblem(http.StatusUnprocessableEntity, "body.outcome", "body.scores.basic_needs", "body.scores.hunger", "body.occurred_at", "body.weather")
	})
	t.Run("AsksForTheScoresOfAScoredVisit", func(t *testing.T) {
		c.post(baseline+"/records", object{"outcome": "reached"}).requireProblem(http.StatusUnprocessableEntity, "body.scores")
	})
	t.Run("KeepsATryOpen", func(t *testing.T) {
		made := c.post(baseline+"/records", object{"outcome": "no_answer", "next_try_on": "2026-11-26"})
		require.Equal(t, http.StatusCreated, made.status, made.text)
		require.Equal(t, "planned", made.object()["state"])
		require.Equal(t, baseline, made.header.Get("Location"))
		require.Equal(t, "2026-11-26", c.get(baseline).object()["next_try_on"])
	})
	t.Run("RecordsOnceWithTheSameKey", func(t *testing.T) {
		record := object{"outcome": "reached", "informant": "self", "scores": object{"basic_needs": "2", "income": "1", "housing": "N", "children": "X"}}
		made := c.post(baseline+"/records", record, "Idempotency-Key", "visit-1")
		require.Equal(t, http.StatusCreated, made.status, made.text)
		require.Equal(t, "done", made.object()["state"])
		require.EqualValues(t, 38, made.object()["index"])
		again := c.post(baseline+"/records", record, "Idempotency-Key", "visit-1")
		require.Equal(t, made.text, again.text)
		c.post(baseline+"/records", record).requireProblem(http.StatusConflict)
	})
}

func TestCheckIns(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	recipient, _ := c.enrol("YY-1")
	baseline := "/v1/check-ins/" + c.checkIn(recipient, "baseline")

	t.Run("MoveToAWorkingDay", func(t *testing.T) {
		moved := c.post(baseline+"/reschedule", object{"due": "2026-12-11", "reason": "雨天路滑"})
		require.Equal(t, http.StatusOK, moved.status, moved.text)
		require.Equal(t, "2026-12-11", moved.object()["due"])
		require.Equal(t, "马某某", moved.object()["masked_name"])
	})
	t.Run("RefuseASunday", func(t *testing.T) {
		c.post(baseline+"/reschedule", object{"due": "2026-12-13", "reason": "x"}).requireProblem(http.StatusUnprocessableEntity, "body.due")
	})
	t.Run("NoteAContactNobodyScheduled", func(t *testing.T) {
		path := "/v1/recipients/" + recipient + "/contacts-noted"
		noted := c.post(path, object{"kind": "call_received", "note": "来电说孩子上学了"})
		require.Equal(t, http.StatusCreated, noted.status, noted.text)
		require.Equal(t, "contact_noted", noted.object()["kind"])
		details, _ := noted.object()["details"].(map[string]any)
		require.Equal(t, "来电说孩子上学了", details["note"])
		newest := c.get("/v1/recipients/" + recipient + "/history?limit=1").items()[0]
		require.Equal(t, noted.object()["hash"], newest["hash"])
		c.post(path, object{"kind": "walk_in"}).requireProblem(http.StatusUnprocessableEntity, "body.note")
	})
}

func TestUsersAndTokens(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	user := object{"login": "Wang", "name": "王某", "phone": "15400000203"}
	security := c.addUser(c.office, "guard", carelog.SecurityAdministrator)
	var added string

	t.Run("AreAddedByASystemAdministratorWithoutRoles", func(t *testing.T) {
		c.post("/v1/users", user).requireProblem(http.StatusForbidden)
		c.send(security, http.MethodPost, "/v1/users", user).requireProblem(http.StatusForbidden)
		withRole := object{"login": "x", "name": "x", "roles": []string{"officer"}}
		c.send(c.admin, http.MethodPost, "/v1/users", withRole).requireProblem(http.StatusForbidden)
		made := c.send(c.admin, http.MethodPost, "/v1/users", user)
		require.Equal(t, http.StatusCreated, made.status, made.text)
		added, _ = made.object()["user_id"].(string)
		c.send(c.admin, http.MethodPost, "/v1/users", user).requireProblem(http.StatusConflict)
	})
	t.Run("AreGrantedWhatTheyMayByASecurityAdministrator", func(t *testing.T) {
		roles := "/v1/users/" + added + "/roles"
		c.send(c.admin, http.MethodPost, roles, object{"role": "officer"}).requireProblem(http.StatusForbidden)
		require.Equal(t, http.StatusNoContent, c.send(security, http.MethodPost, roles, object{"role": "officer"}).status)
		for _, other := range []string{"system_administrator", "security_administrator", "audit_administrator", "integration"} {
			c.send(security, http.MethodPost, roles, object{"role": other}).requireProblem(http.StatusConflict)
		}
		require.Equal(t, http.StatusNoContent, c.send(security, http.MethodPost, roles+"/withdraw", object{"role": "officer"}).status)
		c.send(security, http.MethodPost, roles+"/withdraw", object{"role": "officer"}).requireProblem(http.StatusNotFound)
		require.Equal(t, http.StatusNoContent, c.send(security, http.MethodPost, roles, object{"role": "audit_administrator"}).status, "who may nothing any more")
	})
	t.Run("RefuseARoleNobodyHas", func(t *testing.T) {
		c.send(c.admin, http.MethodPost, "/v1/users", object{"login": "x", "name": "x", "roles": []string{"king"}}).
			requireProblem(http.StatusUnprocessableEntity, "body.roles[0]")
	})
}

func TestTokens(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	security := c.addUser(c.office, "guard", carelog.SecurityAdministrator)
	program := c.addProgram(c.office, "dashboard")
	issue := func(by string, body object) reply { return c.send(by, http.MethodPost, "/v1/tokens", body) }
	statistics := object{"user_id": program, "label": "dashboard", "days": 30, "scopes": []string{"read:statistics"}}

	t.Run("AreNotMadeByATokenForItself", func(t *testing.T) {
		mine := object{"days": 30, "scopes": []string{"read:statistics"}}
		for _, by := range []string{c.officer, c.admin, security} {
			issue(by, mine).requireProblem(http.StatusForbidden)
		}
		issue(c.officer, statistics).requireProblem(http.StatusForbidden)
	})
	t.Run("OfAProgramAreLetIntoTheirScopesAndEnd", func(t *testing.T) {
		made := issue(security, statistics)
		require.Equal(t, http.StatusCreated, made.status, made.text)
		expires, err := time.Parse(time.RFC3339, made.object()["expires_at"].(string))
		require.NoError(t, err)
		require.True(t, expires.Equal(tuesday.AddDate(0, 0, 30)))
		token, _ := made.object()["token"].(string)
		require.Equal(t, http.StatusOK, c.send(token, http.MethodGet, "/v1/plans/counts", nil).status)
		c.send(token, http.MethodGet, "/v1/plans", nil).requireProblem(http.StatusForbidden)
		issue(token, statistics).requireProblem(http.StatusForbidden)
		require.NotContains(t, c.log.text(), token)

		kept := c.send(security, http.MethodGet, "/v1/tokens?user_id="+program, nil).items()
		require.Len(t, kept, 1)
		require.NotEmpty(t, kept[0]["last_used_at"])
		require.NotContains(t, kept[0], "token")
		id, _ := kept[0]["token_id"].(string)
		c.post("/v1/tokens/"+id+"/revoke", nil).requireProblem(http.StatusForbidden)
		require.Equal(t, http.StatusNoContent, c.send(security, http.MethodPost, "/v1/tokens/"+id+"/revoke", nil).status)
		c.send(token, http.MethodGet, "/v1/plans/counts", nil).requireProblem(http.StatusUnauthorized)
	})
	t.Run("RefuseLongerAndUnknownScopes", func(t *testing.T) {
		issue(security, object{"user_id": program, "days": 366, "scopes": []string{"read:files"}}).requireProblem(http.StatusUnprocessableEntity, "body.days")
		issue(security, object{"user_id": program, "scopes": []string{"write:everything"}}).requireProblem(http.StatusUnprocessableEntity, "body.scopes")
		issue(security, object{"user_id": program}).requireProblem(http.StatusUnprocessableEntity, "body.scopes")
		brief := c.tokenUntil("guard", tuesday.AddDate(0, 0, 7))
		issue(brief, statistics).requireProblem(http.StatusForbidden)
	})
	t.Run("OfPeopleAreNotTheSecurityAdministratorsToIssue", func(t *testing.T) {
		issue(security, object{"user_id": c.userID("li"), "scopes": []string{"read:files"}}).requireProblem(http.StatusForbidden)
	})
	t.Run("AreListedAndEndedByTheirOwner", func(t *testing.T) {
		mine := c.get("/v1/tokens").items()
		require.Len(t, mine, 1)
		c.get("/v1/tokens?user_id=" + c.userID("zhao")).requireProblem(http.StatusForbidden)
		id, _ := mine[0]["token_id"].(string)
		require.Equal(t, http.StatusNoContent, c.post("/v1/tokens/"+id+"/revoke", nil).status)
		c.get("/v1/me").requireProblem(http.StatusUnauthorized)
	})
}

func TestTheAuditIsReadByItsAdministratorAlone(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	recipient, _ := c.enrol("YY-1")
	require.Equal(t, http.StatusOK, c.get("/v1/recipients/"+recipient+"/history").status)
	auditor := c.addUser(c.office, "auditor", carelog.AuditAdministrator)
	for _, by := range []string{c.officer, c.boss, c.admin} {
		c.send(by, http.MethodGet, "/v1/audit", nil).requireProblem(http.StatusForbidden)
	}
	read := c.send(auditor, http.MethodGet, "/v1/audit?act=history_read&subject_id="+recipient, nil).items()
	require.Len(t, read, 1)
	require.Equal(t, c.userID("li"), read[0]["actor_id"])
	first := c.send(auditor, http.MethodGet, "/v1/audit?limit=2", nil)
	require.Equal(t, "audit_read", first.items()[0]["act"], "the reading stands there too")
	next, _ := first.object()["next_cursor"].(string)
	second := c.send(auditor, http.MethodGet, "/v1/audit?limit=2&cursor="+next, nil).items()
	require.Less(t, second[0]["seq"], first.items()[1]["seq"])
	elsewhere := c.addUser(c.addOffice("370324", "沂南县人民检察院"), "other", carelog.AuditAdministrator)
	for _, e := range c.send(elsewhere, http.MethodGet, "/v1/audit", nil).items() {
		require.NotEqual(t, c.office.String(), e["office_id"])
	}
}
