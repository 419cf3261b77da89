package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/notify"
)

const pushSecret = "a-secret-of-the-proxy"

// Alibaba Cloud alone: its pushes are heard, and nothing goes out without an approved template.
func TestServeWithAliyun(t *testing.T) {
	r, posts, officer, _ := onAliyun(t)

	status, contact := r.call(officer, "POST", "/v1/contacts", `{"name":"赵某","phone":"15400000101","role":"committee_head","villages":[{"township":"南麻街道","name":"柿岭村"}]}`)
	require.Equal(t, http.StatusCreated, status, "%v", contact)
	status, made := r.call(officer, "POST", "/v1/recipients", `{"external_id":"YY-1","name":"马某某","village":{"township":"南麻街道","name":"柿岭村"},
		"award":{"total_fen":500000,"paid_on":"2026-06-01"},"household_alias":"2组老马家","primary_contact_id":"`+contact["contact_id"].(string)+`"}`)
	require.Equal(t, http.StatusCreated, status, "%v", made)
	tasks := func(kind string) (found []map[string]any) {
		_, open := r.call(officer, "GET", "/v1/tasks", "")
		for _, task := range items(open) {
			if task["kind"] == kind {
				found = append(found, task)
			}
		}
		return found
	}
	require.Eventually(t, func() bool { return len(tasks("message_failed")) > 0 }, 5*time.Second, 20*time.Millisecond, "the work goes to a person")
	require.Contains(t, tasks("message_failed")[0]["reason"], "the wording is not approved at the carrier")
	require.Empty(t, posts, "a text without an approved template never leaves")

	push := func(secret string) int {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.base+notify.AliyunReplyPath,
			strings.NewReader(`[{"phone_number":"15400000777","content":"你好","sign_name":"沂源县检察院","sequence_id":1}]`))
		require.NoError(t, err)
		request.Header.Set(notify.AliyunPushHeader, secret)
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return response.StatusCode
	}
	require.Equal(t, http.StatusForbidden, push("a-guess-of-somebody"))
	require.Equal(t, http.StatusOK, push(pushSecret))
	require.Eventually(t, func() bool { return len(tasks("triage")) == 1 }, 5*time.Second, 20*time.Millisecond, "a reply of somebody unknown waits for a person")
	require.NoError(t, r.stop())

	doctor := func() string {
		var out bytes.Buffer
		_ = run(t.Context(), []string{"doctor"}, &out) // whether the promises are kept is not asked here
		return out.String()
	}
	require.NotContains(t, doctor(), "warning")
	t.Setenv("AFTERCARE_ALIYUN_TRUST", "pull")
	require.Contains(t, doctor(), "replies of 1 contacts of +86 cannot be heard")
}

// onAliyun serves with Alibaba Cloud alone and takes what is posted to it.
func onAliyun(t *testing.T) (r *running, posts chan url.Values, officer, admin string) {
	t.Helper()
	r = setUp(t)
	posts = make(chan url.Values, 100)
	carrier := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		_ = request.ParseForm()
		posts <- request.Form
		_, _ = io.WriteString(w, `{"Code":"OK","BizId":"9006^0"}`)
	}))
	t.Cleanup(carrier.Close)
	for name, value := range map[string]string{
		"AFTERCARE_CARRIER": "aliyun", "AFTERCARE_TWILIO_ACCOUNT_SID": "", "AFTERCARE_TWILIO_AUTH_TOKEN": "", "AFTERCARE_TWILIO_FROM": "",
		"AFTERCARE_ALIYUN_ACCESS_KEY_ID": "LTAI", "AFTERCARE_ALIYUN_ACCESS_KEY_SECRET": "secret", "AFTERCARE_ALIYUN_SIGN_NAME": "沂源县检察院",
		"AFTERCARE_ALIYUN_API_URL": carrier.URL, "AFTERCARE_ALIYUN_TRUST": "header", "AFTERCARE_ALIYUN_PUSH_SECRET": pushSecret,
	} {
		t.Setenv(name, value)
	}
	admin = r.person("first", "admin", "--code", "370323", "--office", "沂源县人民检察院", "--signature", "沂源县检察院", "--name", "管理员")
	officer = r.person("add-user", "li", "--office-code", "370323", "--role", "officer", "--name", "李某", "--phone", officerPhone)
	r.serve()
	return r, posts, officer, admin
}

// posted is the next request at the carrier.
func posted(t *testing.T, posts chan url.Values) url.Values {
	t.Helper()
	select {
	case form := <-posts:
		return form
	case <-time.After(30 * time.Second):
		t.Fatal("nothing reached the carrier")
		return nil
	}
}

// What the carrier approved goes out by its template, filled with the facts of the case.
func TestAnApprovedTemplateReachesTheCarrier(t *testing.T) {
	r, posts, officer, admin := onAliyun(t)
	status, noted := r.call(admin, "POST", "/v1/wordings/test/zh/versions/1/approvals", `{"carrier":"aliyun","state":"approved","template_id":"SMS_1"}`)
	require.Equal(t, http.StatusOK, status, "%v", noted)
	status, noted = r.call(admin, "POST", "/v1/wordings/village_request/zh/versions/1/approvals", `{"carrier":"aliyun","state":"approved","template_id":"SMS_2","signature":"沂源检察"}`)
	require.Equal(t, http.StatusOK, status, "%v", noted)
	status, made := r.call(officer, "POST", "/v1/test-texts", "")
	require.Equal(t, http.StatusCreated, status, "%v", made)
	form := posted(t, posts)
	require.Equal(t, "SMS_1", form.Get("TemplateCode"))
	require.Equal(t, "沂源县检察院", form.Get("SignName"))
	require.Equal(t, made["message_id"], form.Get("OutId"))
	require.Equal(t, strings.TrimPrefix(officerPhone, "+86"), form.Get("PhoneNumbers"))
	require.NotContains(t, form.Get("TemplateParam"), "office", "the signature stands before the template")

	status, contact := r.call(officer, "POST", "/v1/contacts", `{"name":"赵某","phone":"15400000101","number_verified":true,"role":"committee_head","villages":[{"township":"南麻街道","name":"柿岭村"}]}`)
	require.Equal(t, http.StatusCreated, status, "%v", contact)
	status, person := r.call(officer, "POST", "/v1/recipients", `{"external_id":"YY-1","name":"马某某","village":{"township":"南麻街道","name":"柿岭村"},
		"award":{"total_fen":500000,"paid_on":"2026-06-01"},"household_alias":"2组老马家","primary_contact_id":"`+contact["contact_id"].(string)+`"}`)
	require.Equal(t, http.StatusCreated, status, "%v", person)
	form = posted(t, posts)
	require.Equal(t, "SMS_2", form.Get("TemplateCode"))
	require.Equal(t, "沂源检察", form.Get("SignName"))
	require.Equal(t, "15400000101", form.Get("PhoneNumbers"))
	require.Contains(t, form.Get("TemplateParam"), `"alias":"2组老马家"`)
}

// The numbers that answer decide whether they are heard, not the one that asks.
func TestDoctorWarnsOfContactsNobodyHears(t *testing.T) {
	r := setUp(t)
	t.Setenv("AFTERCARE_TWILIO_FROM", "+15005550006")
	r.admin("first", "--code", "370323", "--office", "沂源县人民检察院", "--signature", "沂源县检察院", "--login", "admin", "--name", "管理员")
	officer := r.person("add-user", "li", "--office-code", "370323", "--role", "officer", "--name", "李某", "--phone", officerPhone)
	r.serve()
	for _, phone := range []string{"15400000101", "15400000102", "+85261234567"} {
		status, made := r.call(officer, "POST", "/v1/contacts", `{"name":"赵某","phone":"`+phone+`","role":"committee_head","villages":[{"township":"南麻街道","name":"柿岭村"}]}`)
		require.Equal(t, http.StatusCreated, status, "%v", made)
	}
	require.NoError(t, r.stop())
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"doctor"}, &out))
	require.Contains(t, out.String(), "warning: twilio cannot receive replies from numbers of +86: 2 contacts will not be heard")
	require.NotContains(t, out.String(), "+852")
}
