package web_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/internal/crypt"
	"aftercare/web"
)

func TestSession(t *testing.T) {
	t.Parallel()
	c := newCounty(t)

	t.Run("SendsStrangersToTheSignInPage", func(t *testing.T) {
		t.Parallel()
		b := c.anybody()
		for _, path := range []string{"/", "/tasks", "/inbox", "/contacts", "/phones", "/recipients/" + c.made.Recipient.String()} {
			status, _ := b.get(path)
			require.Equal(t, http.StatusSeeOther, status, path)
			require.Equal(t, "/signin", b.place)
		}
	})
	t.Run("RefusesWithoutRepeatingWhatWasTyped", func(t *testing.T) {
		t.Parallel()
		b := c.anybody()
		for _, login := range []string{"li", "nobody"} {
			status, body := b.post("/signin", url.Values{"login": {login}, "password": {"typed wrongly"}})
			require.Equal(t, http.StatusUnauthorized, status)
			require.Contains(t, body, "登录名或密码不正确")
			require.NotContains(t, body, "typed wrongly")
			require.NotContains(t, body, `value="`+login)
			require.Nil(t, b.cookie)
		}
	})
	t.Run("OpensASessionThatSigningOutEnds", func(t *testing.T) {
		t.Parallel()
		b := c.signIn("li")
		require.Equal(t, "/", b.place)
		require.Equal(t, "aftercare_session", b.cookie.Name)
		require.True(t, b.cookie.HttpOnly)
		require.Equal(t, http.SameSiteStrictMode, b.cookie.SameSite)
		require.False(t, b.cookie.Secure, "http here")
		session := b.cookie
		b.page("/")
		status, _ := b.post("/signout", nil)
		require.Equal(t, http.StatusSeeOther, status)
		b.cookie = session
		status, _ = b.get("/")
		require.Equal(t, http.StatusSeeOther, status, "the session is revoked, not only forgotten")
		c.signIn("li")
	})
	t.Run("RefusesADeedFromAnotherSite", func(t *testing.T) {
		t.Parallel()
		b := c.signIn("li")
		for _, header := range []map[string]string{{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}} {
			status, body := b.do(http.MethodPost, "/signout", url.Values{}, header)
			require.Equal(t, http.StatusForbidden, status)
			require.Contains(t, body, "请求来自其他网站")
		}
		b.page("/")
	})
}

func TestPages(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	c.send()
	recipient := "/recipients/" + c.made.Recipient.String()

	t.Run("TellAnOfficerWhatThereIsToDo", func(t *testing.T) {
		t.Parallel()
		said := words(c.signIn("li").page("/"))
		for _, word := range []string{"演示环境", "我承办的 · 待回访", "南麻街道", "马某某", "半年电话回访", "承办人"} {
			require.Contains(t, said, word)
		}
	})
	t.Run("TellASupervisorEverything", func(t *testing.T) {
		t.Parallel()
		said := words(c.signIn("zhao").page("/"))
		require.Contains(t, said, "全部 · 待回访")
		require.Contains(t, said, "马某某")
		require.NotContains(t, said, "我承办的")
	})
	t.Run("ShowTheCareHistory", func(t *testing.T) {
		t.Parallel()
		for _, login := range []string{"li", "zhao"} {
			said := words(c.signIn(login).page(recipient))
			for _, word := range []string{
				"马某某", "一般关怀", "进行中", "半年村委会询问", "已交运营商", "排队中", "2组老马家",
				"建立照护档案", "启动照护方案", "救助金额 5000元", "个工作日", "短信已交运营商",
			} {
				require.Contains(t, said, word, login)
			}
		}
	})
	t.Run("AreInChineseThroughout", func(t *testing.T) {
		t.Parallel()
		b := c.signIn("li")
		english := regexp.MustCompile(`[A-Za-z]{3,}( [a-z]+){2,}`)
		for _, path := range []string{"/", recipient, "/tasks", "/inbox", "/contacts", "/account", "/account/second-factor", "/check-ins/" + c.step("month-6-phone").ID.String()} {
			require.Empty(t, english.FindAllString(words(b.page(path)), -1), path)
		}
	})
	t.Run("HideAnotherOfficesFile", func(t *testing.T) {
		t.Parallel()
		b := c.signIn("sun")
		for _, path := range []string{recipient, "/check-ins/" + c.step("month-6-phone").ID.String()} {
			status, body := b.get(path)
			require.Equal(t, http.StatusNotFound, status)
			require.NotContains(t, body, "马某某")
		}
		require.NotContains(t, b.page("/"), "马某某")
	})
	t.Run("LeaveAnAdministratorWithoutHistories", func(t *testing.T) {
		t.Parallel()
		b := c.signIn("admin")
		status, _ := b.get("/")
		require.Equal(t, http.StatusSeeOther, status)
		require.Equal(t, "/contacts", b.place)
		require.Contains(t, words(b.page("/contacts")), "村委会主任 尾号 0101 南麻街道 柿岭村 在任")
		status, body := b.get("/tasks")
		require.Equal(t, http.StatusForbidden, status)
		require.Contains(t, body, "您没有这项权限")
		status, _ = b.get(recipient)
		require.Equal(t, http.StatusForbidden, status)
	})
	t.Run("AnswerAnUnknownAddressWithAPage", func(t *testing.T) {
		t.Parallel()
		b := c.signIn("li")
		for _, path := range []string{"/nowhere", "/recipients/1", "/check-ins/x", recipient + "?before=x", "/tasks?after=x", "/?list=due", "/?list=due&whose=mine&due=x", "/?list=due&whose=mine&due=2026-11-24&after=x", "/assets/none.css"} {
			status, body := b.get(path)
			require.Equal(t, http.StatusNotFound, status, path)
			require.Contains(t, body, "没有这个页面", path)
		}
	})
	t.Run("NeedNothingFromElsewhereAndNoScript", func(t *testing.T) {
		t.Parallel()
		b := c.signIn("li")
		paths := []string{"/", recipient, "/check-ins/" + c.step("month-6-phone").ID.String(), "/tasks", "/inbox", "/contacts", "/phones", "/signin", "/setup", "/account", "/account/second-factor", "/nowhere"}
		for _, path := range paths {
			_, body := b.get(path)
			require.NotRegexp(t, `(?i)<script|<style|\sstyle=|\son[a-z]+=|javascript:|(href|src|action)="(https?:)?//`, body, path)
			require.Contains(t, b.header.Get("Content-Security-Policy"), "default-src 'self'")
			require.Contains(t, b.header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
			require.Equal(t, "nosniff", b.header.Get("X-Content-Type-Options"))
			require.Equal(t, "no-store", b.header.Get("Cache-Control"))
			for _, asset := range regexp.MustCompile(`/assets/[^"]+`).FindAllString(body, -1) {
				content := b.page(asset)
				require.NotRegexp(t, `(?i)https?://|@import|url\(`, content, asset)
			}
		}
	})
	t.Run("NameNobodyInTitlesAndAddresses", func(t *testing.T) {
		t.Parallel()
		body := c.signIn("li").page(recipient)
		title := regexp.MustCompile(`<title>.*</title>`).FindString(body)
		require.NotContains(t, title, "马")
		require.NotContains(t, body, "马保国")
		for _, address := range regexp.MustCompile(`(href|action)="([^"]+)"`).FindAllString(body, -1) {
			require.NotRegexp(t, `154\d{8}|%E9|马`, address)
		}
	})
}

func TestATroubledDatabase(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), "postgres://nobody@127.0.0.1:1/none?connect_timeout=1")
	require.NoError(t, err)
	defer pool.Close()
	var logged strings.Builder
	handler := web.Handler(web.Config{Log: carelog.New(carelog.Config{DB: pool, Keys: anyKeys(t)}), Slog: slog.New(slog.NewTextHandler(&logged, nil))})
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/tasks?after=secret", nil)
	request.AddCookie(&http.Cookie{Name: "aftercare_session", Value: "ac_secret"})
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)

	require.Equal(t, http.StatusInternalServerError, answer.Code)
	require.Contains(t, answer.Body.String(), "系统出现问题")
	require.NotContains(t, answer.Body.String(), "127.0.0.1")
	require.Contains(t, logged.String(), "GET /tasks")
	typed := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/signin", strings.NewReader(url.Values{"login": {"secret-login"}, "password": {"secret password"}}.Encode()))
	typed.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer = httptest.NewRecorder()
	handler.ServeHTTP(answer, typed)
	require.Equal(t, http.StatusInternalServerError, answer.Code)
	require.Contains(t, logged.String(), "POST /signin")
	require.NotContains(t, logged.String(), "secret")
}

func anyKeys(t *testing.T) *crypt.Keyring {
	t.Helper()
	master, index, err := crypt.GenerateKeys(nil)
	require.NoError(t, err)
	keys, err := crypt.NewKeyring(master, index)
	require.NoError(t, err)
	return keys
}
