package api_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestEnrolRecipient(t *testing.T) {
	t.Parallel()
	c := newCounty(t)

	t.Run("PlansTextsWithTimeAndReason", func(t *testing.T) {
		made := c.post("/v1/recipients", c.enrolment("YY-1"))
		require.Equal(t, http.StatusCreated, made.status, made.text)
		got := made.object()
		require.Equal(t, "active", got["plan_state"])
		require.Equal(t, "G", got["template"])
		require.NotNil(t, got["warnings"])
		recipient, _ := got["recipient_id"].(string)
		require.Equal(t, "/v1/recipients/"+recipient+"/plan", made.header.Get("Location"))
		require.Equal(t, "active", c.get(made.header.Get("Location")).object()["state"])

		texts := c.get("/v1/messages?recipient_id=" + recipient + "&dispatch=planned").items()
		require.NotEmpty(t, texts)
		for _, text := range texts {
			require.NotEmpty(t, text["not_before"])
			require.NotEmpty(t, text["reason"])
			require.Equal(t, "planned", text["dispatch"])
		}
		require.NotEmpty(t, c.get("/v1/recipients/"+recipient+"/history").items())
	})
	t.Run("TakesAHouseholdAndTheSourcesOfTheAward", func(t *testing.T) {
		e := c.enrolment("YY-4")
		e["household"] = []object{{"relation": "女儿", "name": "马某", "born_on": "2015-04-26", "flags": []string{"minor_victim"}}}
		e["flags"] = []string{"elderly_alone"}
		e["award"] = object{
			"total_fen": 500000, "paid_on": "2026-09-20", "origin": "application",
			"sources": []object{{"name": "本级", "amount_fen": 300000}, {"name": "上级", "amount_fen": 200000}},
		}
		made := c.post("/v1/recipients", e)
		require.Equal(t, http.StatusCreated, made.status, made.text)
		require.Equal(t, "K", made.object()["template"])
		require.Equal(t, 1, c.count("household_members"))
		require.Equal(t, 2, c.count("aid_sources"))
	})
	t.Run("LeavesADraft", func(t *testing.T) {
		e := c.enrolment("YY-2")
		e["draft"] = true
		got := c.post("/v1/recipients", e).object()
		require.Equal(t, "draft", got["plan_state"])
		plan, _ := got["plan_id"].(string)
		require.Equal(t, "active", c.post("/v1/plans/"+plan+"/start", nil).object()["state"])
		c.post("/v1/plans/"+plan+"/start", nil).requireProblem(http.StatusConflict)
	})
	t.Run("RefusesTheSameExternalIDTwice", func(t *testing.T) {
		c.post("/v1/recipients", c.enrolment("YY-1")).requireProblem(http.StatusConflict)
	})
	t.Run("KeepsAnAdministratorOut", func(t *testing.T) {
		c.send(c.admin, http.MethodPost, "/v1/recipients", c.enrolment("YY-3")).requireProblem(http.StatusForbidden)
	})
}

func TestEnrolRecipientRefuses(t *testing.T) {
	t.Parallel()
	c := newCounty(t)

	award := func(change object) object {
		a := object{"total_fen": 500000, "paid_on": "2026-09-20"}
		for k, v := range change {
			a[k] = v
		}
		return object{"award": a}
	}
	tests := []struct {
		name   string
		change object
		named  string
		secret string // what was sent and must not come back
	}{
		{"AnUnknownField", object{"nickname": "secret-sauce"}, "body.nickname", "secret-sauce"},
		{"AnUnknownFieldInside", award(object{"colour": "secret-sauce"}), "body.award.colour", "secret-sauce"},
		{"NoPhone", object{"phone": "call me maybe"}, "body.phone", "call me maybe"},
		{"APaymentInTheFuture", award(object{"paid_on": "2027-01-02"}), "body.award.paid_on", "2027-01-02"},
		{"APaymentThatIsNoDate", award(object{"paid_on": "2026-02-31"}), "body.award.paid_on", "2026-02-31"},
		{"AnAwardOfLessThanNothing", award(object{"total_fen": -1}), "body.award.total_fen", "-1"},
		{"AnAwardThatIsText", award(object{"total_fen": "lots-of-it"}), "body.award.total_fen", "lots-of-it"},
		{"AnAwardBeyondCounting", award(object{"total_fen": 9e30}), "body.award.total_fen", "9e+30"},
		{"AVillageNobodyKnows", object{"village": object{"township": "桃花岛", "name": "桃花村"}}, "body.village", "桃花"},
		{"AnIdentityNumberThatIsNone", object{"id_number": "990323197206201170"}, "body.id_number", "990323197206201170"},
		{"AnOfficerNobodyKnows", object{"officer": "nobody-here"}, "body.officer", "nobody-here"},
		{"AContactOfNobody", object{"primary_contact_id": "0190a1b2-0000-7000-8000-00000000beef"}, "body.primary_contact_id", "beef"},
		{"AContactThatIsNoID", object{"primary_contact_id": "urn:xxxx:secret-sauce-secret-sauce-secret-sauc"}, "body.primary_contact_id", "secret"},
		{"AnAliasWithTheFullName", object{"household_alias": "马某某家"}, "body.household_alias", "马某某家"},
		{"AMissingName", object{"name": nil}, "body.name", ""},
		{"AnUnknownFlag", object{"flags": []string{"secret-sauce"}}, "body.flags", "secret-sauce"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := c.enrolment("YY-bad")
			for k, v := range test.change {
				e[k] = v
			}
			got := c.post("/v1/recipients", e)
			got.requireProblem(http.StatusUnprocessableEntity, test.named)
			if test.secret != "" {
				require.NotContains(t, got.text, test.secret)
			}
			require.NotContains(t, got.text, "15400000001")
		})
	}
	t.Run("AMissingFieldByName", func(t *testing.T) {
		e := c.enrolment("YY-bad")
		delete(e, "external_id")
		delete(e, "award")
		c.post("/v1/recipients", e).requireProblem(http.StatusUnprocessableEntity, "body.external_id", "body.award")
	})
	t.Run("EveryFieldAtOnce", func(t *testing.T) {
		e := c.enrolment("")
		e["phone"], e["award"] = "x", object{"total_fen": 0, "paid_on": "2027-01-02"}
		c.post("/v1/recipients", e).requireProblem(http.StatusUnprocessableEntity,
			"body.external_id", "body.phone", "body.award.total_fen", "body.award.paid_on")
	})
	t.Run("BrokenJSON", func(t *testing.T) {
		got := c.post("/v1/recipients", `{"name": "secret-sauce", `)
		got.requireProblem(http.StatusBadRequest, "body")
		require.NotContains(t, got.text, "secret-sauce")
	})
	t.Run("ANumberThatIsNoInteger", func(t *testing.T) {
		text := `{"external_id":"a","name":"b","village":{"township":"c","name":"d"},"award":{"total_fen":5e2,"paid_on":"2026-09-20"}}`
		got := c.post("/v1/recipients", text)
		require.Equal(t, http.StatusUnprocessableEntity, got.status, got.text)
		require.NotContains(t, got.text, "Go struct")
		require.NotContains(t, got.text, "enrolmentBody")
	})
	t.Run("NoBody", func(t *testing.T) {
		c.post("/v1/recipients", "").requireProblem(http.StatusBadRequest, "body")
	})
	t.Run("AnotherKindOfBody", func(t *testing.T) {
		got := c.post("/v1/recipients", "<a/>", "Content-Type", "application/secret-sauce")
		got.requireProblem(http.StatusUnsupportedMediaType)
		require.NotContains(t, got.text, "secret-sauce")
	})
	t.Run("ACharacterNoTextHolds", func(t *testing.T) {
		e := c.enrolment("a\x00b")
		c.post("/v1/recipients", e).requireProblem(http.StatusUnprocessableEntity, "body")
	})
	t.Run("TenMegabytesWithAClearAnswer", func(t *testing.T) {
		got := c.post("/v1/recipients", `{"name":"`+strings.Repeat("x", 10<<20)+`"}`)
		require.Contains(t, got.requireProblem(http.StatusRequestEntityTooLarge)["detail"], "128 KiB")
	})
	t.Run("TenMegabytesOfUnknownLength", func(t *testing.T) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.server.URL+"/v1/recipients",
			struct{ *bytes.Reader }{bytes.NewReader(bytes.Repeat([]byte("x"), 10<<20))})
		require.NoError(t, err)
		r.ContentLength = -1
		r.Header.Set("Authorization", "Bearer "+c.officer)
		answer, err := c.server.Client().Do(r)
		require.NoError(t, err)
		defer answer.Body.Close()
		require.Equal(t, http.StatusRequestEntityTooLarge, answer.StatusCode)
	})
	t.Run("TenMegabytesOfACallerThatReadsOnlyAfterwards", func(t *testing.T) {
		for token, status := range map[string]int{c.officer: http.StatusRequestEntityTooLarge, "ac_nobody": http.StatusUnauthorized} {
			var dial net.Dialer
			line, err := dial.DialContext(t.Context(), "tcp", c.server.Listener.Addr().String())
			require.NoError(t, err)
			defer line.Close()
			_, err = fmt.Fprintf(line, "POST /v1/recipients HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n", token, 10<<20)
			require.NoError(t, err)
			_, err = line.Write(bytes.Repeat([]byte("x"), 10<<20))
			require.NoError(t, err, "the connection was closed while the body was written")
			answer, err := http.ReadResponse(bufio.NewReader(line), nil)
			require.NoError(t, err)
			defer answer.Body.Close()
			require.Equal(t, status, answer.StatusCode)
		}
	})
	t.Run("UnknownQueryParameters", func(t *testing.T) {
		got := c.get("/v1/check-ins?standing=open&shade=secret-sauce")
		got.requireProblem(http.StatusUnprocessableEntity, "query.shade")
		require.NotContains(t, got.text, "secret-sauce")
	})
	t.Run("AndStoresNothing", func(t *testing.T) {
		require.Zero(t, c.count("recipients"))
		require.Zero(t, c.count("messages"))
		require.Zero(t, c.count("history"))
		require.NotContains(t, c.log.text(), "secret-sauce")
	})
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	c := newCounty(t)

	t.Run("GivesARepeatTheFirstAnswer", func(t *testing.T) {
		first := c.post("/v1/recipients", c.enrolment("YY-1"), "Idempotency-Key", "k1")
		again := c.post("/v1/recipients", c.enrolment("YY-1"), "Idempotency-Key", "k1")
		require.Equal(t, http.StatusCreated, first.status, first.text)
		require.Equal(t, first.status, again.status)
		require.Equal(t, first.text, again.text)
		require.Equal(t, first.header.Get("Location"), again.header.Get("Location"))
		require.Equal(t, 1, c.count("recipients"))
	})
	t.Run("RefusesAnotherRequestUnderTheSameKey", func(t *testing.T) {
		c.post("/v1/recipients", c.enrolment("YY-2"), "Idempotency-Key", "k1").requireProblem(http.StatusUnprocessableEntity)
		c.post("/v1/contacts", object{
			"name": "钱某", "phone": "15400000102", "role": "grid_worker", "villages": []object{{"township": "南麻街道", "name": "柿岭村"}},
		}, "Idempotency-Key", "k1").requireProblem(http.StatusUnprocessableEntity)
		require.Equal(t, 1, c.count("recipients"))
	})
	t.Run("RefusesAKeyThatIsNone", func(t *testing.T) {
		for _, key := range []string{"two words", strings.Repeat("k", 101)} {
			c.post("/v1/recipients", c.enrolment("YY-2"), "Idempotency-Key", key).
				requireProblem(http.StatusUnprocessableEntity, "header.Idempotency-Key")
		}
	})
	t.Run("EnrolsOnceForTwins", func(t *testing.T) {
		answers := make([]reply, 4)
		var wait sync.WaitGroup
		for i := range answers {
			wait.Go(func() { answers[i] = c.post("/v1/recipients", c.enrolment("YY-twin"), "Idempotency-Key", "twin") })
		}
		wait.Wait()
		for _, a := range answers {
			require.Equal(t, http.StatusCreated, a.status, a.text)
			require.Equal(t, answers[0].text, a.text)
		}
		require.Equal(t, 1, c.count("recipients WHERE external_id = 'YY-twin'"))
	})
}

// TestNoAnswerRepeatsWhatWasSent puts a marked value anywhere into an enrolment.
func TestNoAnswerRepeatsWhatWasSent(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	fields := []string{
		"office_id", "external_id", "name", "sex", "id_number", "born_on", "phone", "village", "address", "flags", "household", "award",
		"officer", "template", "primary_contact_id", "backup_contact_id", "household_alias", "draft", "unknown",
	}
	values := []any{
		"sekret", "urn:nope:sekret0-sekret0-sekret0-sekret0-sekret0",
		[]string{"sekret"},
		object{"sekret_field": "sekret"},
		[]object{{"name": "sekret", "relation": "sekret", "born_on": "sekret"}},
		object{"township": "sekret", "name": "sekret"},
		object{"total_fen": "sekret", "paid_on": "sekret", "origin": "sekret"},
		1e300, -7, nil, true, strings.Repeat("sekret", 2000),
	}
	rapid.Check(t, func(rt *rapid.T) {
		e := c.enrolment("YY-9")
		e["village"] = object{"township": "nowhere", "name": "nowhere"} // so that nothing is ever enrolled
		for _, field := range rapid.SliceOfNDistinct(rapid.SampledFrom(fields), 1, 4, rapid.ID[string]).Draw(rt, "fields") {
			e[field] = rapid.SampledFrom(values).Draw(rt, field)
		}
		got := c.post("/v1/recipients", e)
		require.Contains(rt, []int{http.StatusForbidden, http.StatusUnprocessableEntity}, got.status, got.text)
		require.Equal(rt, "application/problem+json", got.header.Get("Content-Type"))
		require.NotContains(rt, strings.ReplaceAll(got.text, "sekret_field", ""), "sekret")
		require.NotContains(rt, got.text, "Go ")
	})
	require.Zero(t, c.count("recipients"))
	require.NotContains(t, c.log.text(), "sekret")
}
