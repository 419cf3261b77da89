package web_test

import (
	"image/png"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/migrations/pgtest"
	"aftercare/web"
)

// strictly puts a console in front of the county that asks for second factors, as
// the service does, over https as far as it knows.
func (c *county) strictly(sso web.SSO) {
	c.t.Helper()
	config := c.config
	config.SignIn.SecondFactor = ""
	config.DB = pgtest.Pool(c.t, c.db.App)
	c.server.Config.Handler = web.Handler(web.Config{Log: carelog.New(config), SSO: sso, Secure: sso.Issuer == ""})
}

func (c *county) ticket(login, purpose string) string {
	c.t.Helper()
	ticket, err := c.work.IssueTicket(c.t.Context(), carelog.TheSystem(), c.actors[login].User, purpose)
	require.NoError(c.t, err)
	return ticket.Secret
}

func TestSignInWithASecondFactor(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	c.strictly(web.SSO{})
	b := c.anybody()
	status, _ := b.post("/signin", url.Values{"login": {"zhao"}, "password": {password}})
	require.Equal(t, http.StatusSeeOther, status)
	require.Equal(t, "/account/second-factor", b.place)
	require.Equal(t, "__Host-aftercare_session", b.cookie.Name)
	require.True(t, b.cookie.Secure && b.cookie.HttpOnly && b.cookie.Path == "/" && b.cookie.Domain == "")
	require.Equal(t, http.SameSiteStrictMode, b.cookie.SameSite)
	for _, path := range []string{"/", "/tasks", "/account", "/people", "/recipients/" + c.made.Recipient.String()} {
		status, _ := b.get(path)
		require.Equal(t, http.StatusSeeOther, status, path)
		require.Equal(t, "/account/second-factor", b.place, "there is nothing to do before the second factor")
	}
	status, _ = b.post("/account/password", url.Values{"present_password": {password}})
	require.Equal(t, http.StatusSeeOther, status)

	b.post("/account/second-factor/begin", nil)
	body := b.page("/account/second-factor")
	secret := regexp.MustCompile(`<code>([A-Z2-7]{32})</code>`).FindStringSubmatch(body)[1]
	picture, err := png.Decode(strings.NewReader(b.page("/account/second-factor/picture")))
	require.NoError(t, err)
	require.Equal(t, 240, picture.Bounds().Dx())
	status, _ = b.post("/account/second-factor/confirm", url.Values{"code": {"000000"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	code := func() string {
		code, err := totp.GenerateCode(secret, c.clock.now())
		require.NoError(t, err)
		return code
	}
	status, body = b.post("/account/second-factor/confirm", url.Values{"code": {code()}})
	require.Equal(t, http.StatusOK, status)
	recovery := regexp.MustCompile(`<code>([A-Z2-7-]{19})</code>`).FindAllStringSubmatch(body, -1)
	require.Len(t, recovery, 10)
	b.page("/tasks")
	require.NotContains(t, b.page("/account/second-factor"), recovery[0][1], "shown once")

	c.clock.set(c.clock.now().Add(time.Minute))
	b = c.anybody()
	b.post("/signin", url.Values{"login": {"zhao"}, "password": {password}})
	require.Equal(t, "/signin/code", b.place)
	b.page("/signin/code")
	status, _ = b.get("/tasks")
	require.Equal(t, http.StatusSeeOther, status)
	status, body = b.post("/signin/code", url.Values{"code": {"123456"}})
	require.Equal(t, http.StatusUnauthorized, status)
	require.NotContains(t, body, "123456")
	half := b.cookie.Value
	status, _ = b.post("/signin/code", url.Values{"code": {code()}})
	require.Equal(t, http.StatusSeeOther, status)
	require.NotEqual(t, half, b.cookie.Value, "the session is another one after each step")
	b.page("/tasks")
	require.Contains(t, words(b.page("/account")), "密码和二次验证")
}

func TestSetUpByTicket(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	ticket := c.ticket("li", carelog.TicketPassword)
	b := c.anybody()
	b.page("/setup")
	for want, form := range map[string]url.Values{
		"两次输入不一致": {"ticket": {ticket}, "new_password": {"another phrase 22"}, "repeat": {"another phrase 23"}},
		"长度须为":    {"ticket": {ticket}, "new_password": {"short"}, "repeat": {"short"}},
		"凭条不正确":   {"ticket": {"at_wrong"}, "new_password": {"another phrase 22"}, "repeat": {"another phrase 22"}},
	} {
		_, body := b.post("/setup", form)
		require.Contains(t, body, want)
		require.NotContains(t, body, "another phrase")
		require.NotContains(t, body, ticket)
	}
	status, _ := b.post("/setup", url.Values{"ticket": {ticket}, "new_password": {"another phrase 22"}, "repeat": {"another phrase 22"}})
	require.Equal(t, http.StatusSeeOther, status)
	status, _ = b.post("/signin", url.Values{"login": {"li"}, "password": {"another phrase 22"}})
	require.Equal(t, http.StatusSeeOther, status)
	require.NotContains(t, c.logged.String(), ticket)
}

func TestTheOwnerIsToldWhoHadTheirPasswordReset(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	c.user(c.actors["li"].Office, "guard", "", carelog.SecurityAdministrator)
	guard := c.signIn("guard")
	_, body := guard.post("/people/"+c.actors["li"].User.String()+"/ticket", url.Values{"purpose": {carelog.TicketPassword}})
	ticket := regexp.MustCompile(`<code>(at_[A-Za-z0-9_-]+)</code>`).FindStringSubmatch(body)[1]
	form := url.Values{"ticket": {ticket}, "new_password": {"another phrase 22"}, "repeat": {"another phrase 22"}}
	status, _ := guard.post("/setup", form)
	require.Equal(t, http.StatusForbidden, status, "not in the browser of whoever issued it")
	b := c.anybody()
	status, _ = b.post("/setup", form)
	require.Equal(t, http.StatusSeeOther, status)
	for range 2 { // whoever came first does not end it
		b.post("/signin", url.Values{"login": {"li"}, "password": {"another phrase 22"}})
		require.Equal(t, "/account", b.place)
		require.Contains(t, words(b.page("/account")), "重设密码 2026")
		require.Contains(t, words(b.page("/account")), "签发人 guard")
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	lost, b := c.signIn("li"), c.signIn("li")
	end := regexp.MustCompile(`/account/sessions/[0-9a-f-]+/end`).FindAllString(b.page("/account"), -1)
	require.Len(t, end, 1, "the session one sits in ends by signing out")
	status, _ := b.post(end[0], nil)
	require.Equal(t, http.StatusSeeOther, status)
	status, _ = lost.get("/")
	require.Equal(t, "/signin", lost.place, status)

	elsewhere := c.signIn("li")
	status, body := b.post("/account/password", url.Values{"present_password": {"wrong"}, "new_password": {"another phrase 22"}, "repeat": {"another phrase 22"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.NotContains(t, body, "another phrase")
	status, _ = b.post("/account/password", url.Values{"present_password": {password}, "new_password": {"another phrase 22"}, "repeat": {"another phrase 22"}})
	require.Equal(t, http.StatusSeeOther, status)
	b.page("/account")
	elsewhere.get("/")
	require.Equal(t, "/signin", elsewhere.place)
}

func TestEveryDeedIsRefusedFromAnotherSite(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	b := c.signIn("admin")
	li := "/people/" + c.actors["li"].User.String()
	for _, path := range []string{"/signin", "/signin/code", "/setup", "/signout", "/account/password", "/account/second-factor/begin", "/account/second-factor/confirm", li + "/ticket", li + "/unlock", li + "/dismiss"} {
		for _, header := range []map[string]string{{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://elsewhere.example"}} {
			status, _ := b.do(http.MethodPost, path, url.Values{"purpose": {"password"}}, header)
			require.Equal(t, http.StatusForbidden, status, path)
		}
	}
	c.signIn("li")
}

func TestPeople(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	office := c.actors["li"].Office
	c.user(office, "wu", "+8615400000204", carelog.Officer)
	c.user(office, "guard", "", carelog.SecurityAdministrator)
	b := c.signIn("guard")
	b.get("/")
	require.Equal(t, "/people", b.place, "what they are there for comes first")
	require.NotContains(t, b.page("/people"), "/people/"+c.actors["guard"].User.String(), "nobody handles their own account")

	li := "/people/" + c.actors["li"].User.String()
	status, body := b.post(li+"/ticket", url.Values{"purpose": {"password"}})
	require.Equal(t, http.StatusOK, status)
	ticket := regexp.MustCompile(`<code>(at_[\w-]+)</code>`).FindStringSubmatch(body)
	require.Len(t, ticket, 2)
	status, _ = c.anybody().post("/setup", url.Values{"ticket": {ticket[1]}, "new_password": {password}, "repeat": {password}})
	require.Equal(t, http.StatusSeeOther, status)
	for range 5 {
		c.anybody().post("/signin", url.Values{"login": {"li"}, "password": {"wrong"}})
	}
	require.Contains(t, b.page("/people"), "已锁定")
	b.post(li+"/unlock", nil)
	leaver := c.signIn("li")

	status, body = b.post(li+"/dismiss", url.Values{"successor": {"zhao"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, body, "不是本单位承办人的登录名")
	leaver.page("/")
	status, _ = b.post(li+"/dismiss", url.Values{"successor": {"wu"}})
	require.Equal(t, http.StatusSeeOther, status)
	leaver.get("/")
	require.Equal(t, "/signin", leaver.place)
	require.Contains(t, b.page("/people"), "已离任")
	require.Contains(t, c.signIn("wu").page("/"), "马某某")
}
