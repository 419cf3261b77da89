package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

func TestNumbersOverHTTP(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	recipient, _ := c.enrol("YY-1")
	made := c.post("/v1/contacts", object{
		"name": "钱某", "phone": "15400000301", "role": "grid_worker", "villages": []object{{"township": "南麻街道", "name": "柿岭村"}},
	})
	require.Equal(t, http.StatusCreated, made.status, made.text)
	id, _ := made.object()["contact_id"].(string)
	state := func() any { return c.get("/v1/contacts").items()[1]["number_state"] }
	require.Equal(t, "unverified", state())

	contact, old := "/v1/contacts/"+id, "/v1/contacts/"+c.contact.String()
	c.post(contact+"/verify-number", object{"how": "guessed"}).requireProblem(http.StatusUnprocessableEntity, "body.how")
	require.Equal(t, http.StatusNoContent, c.post(contact+"/verify-number", object{"how": "called"}).status)
	require.Equal(t, "verified", state())
	c.post(contact+"/verify-number", object{"how": "called"}).requireProblem(http.StatusConflict)

	c.post(contact+"/change-phone", object{"phone": "12"}).requireProblem(http.StatusUnprocessableEntity, "body.phone")
	require.Equal(t, http.StatusNoContent, c.post(contact+"/change-phone", object{"phone": "15400000302"}).status)
	require.Equal(t, "unverified", state())
	c.post(contact+"/allow-texts", object{"reason": "asked_by_phone"}).requireProblem(http.StatusConflict)

	c.post(contact+"/phones", object{"phone": "12"}).requireProblem(http.StatusUnprocessableEntity, "body.phone")
	added := c.post(contact+"/phones", object{"phone": "15400000303", "number_verified": true})
	require.Equal(t, http.StatusCreated, added.status, added.text)
	phone, _ := added.object()["phone_id"].(string)
	c.post(contact+"/phones", object{"phone": "15400000304"}).requireProblem(http.StatusConflict)
	phones, _ := c.get(contact + "/phones").object()["phones"].([]any)
	require.Len(t, phones, 2)
	require.Equal(t, http.StatusNoContent, c.post(contact+"/phones/"+phone+"/remove", object{}).status)
	c.post(contact+"/phones/"+phone+"/remove", object{}).requireProblem(http.StatusNotFound)

	conflicts := "/v1/recipients/" + recipient + "/conflicts"
	require.Equal(t, http.StatusNoContent, c.post(conflicts, object{"contact_id": id, "kind": "creditor", "reason": "借过钱"}).status)
	require.Equal(t, "creditor", c.get(conflicts).items()[0]["kind"])
	c.post(conflicts+"/"+id+"/end", object{"reason": "已还清"}).requireProblem(http.StatusForbidden)

	c.post(contact+"/barred-topics", object{"topics": []string{"weather"}}).requireProblem(http.StatusUnprocessableEntity, "body.topics")
	require.Equal(t, http.StatusOK, c.post(contact+"/barred-topics", object{"topics": []string{"minor_victim"}}).status)

	done := c.post(old+"/replace", object{"new_contact_id": id, "reason": "换届选举"})
	require.Equal(t, http.StatusOK, done.status, done.text)
	require.InDelta(t, 1, done.object()["without"], 0)
	c.post(old+"/replace", object{"new_contact_id": id, "reason": "换届选举"}).requireProblem(http.StatusConflict)
	require.Equal(t, http.StatusNoContent, c.send(c.boss, http.MethodPost, conflicts+"/"+id+"/end", object{"reason": "已还清"}).status)

	missing := "/v1/contacts/" + carelog.ContactID{1}.String()
	c.post(missing+"/verify-number", object{"how": "called"}).requireProblem(http.StatusNotFound)
	c.post(missing+"/allow-texts", object{"reason": "asked_by_phone"}).requireProblem(http.StatusNotFound)
}
