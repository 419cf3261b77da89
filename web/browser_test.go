package web_test

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/stretchr/testify/require"
)

// browser is somebody at the console; it keeps cookies and follows no redirects.
type browser struct {
	county *county
	client *http.Client
	cookie *http.Cookie
	sso    *http.Cookie
	place  string // where the last answer sent it
	header http.Header
}

func (c *county) anybody() *browser {
	return &browser{county: c, client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (c *county) signIn(login string) *browser {
	c.t.Helper()
	b := c.anybody()
	status, _ := b.post("/signin", url.Values{"login": {login}, "password": {password}})
	require.Equal(c.t, http.StatusSeeOther, status)
	return b
}

func (b *browser) get(path string) (status int, body string) {
	b.county.t.Helper()
	return b.do(http.MethodGet, path, nil, nil)
}

func (b *browser) post(path string, form url.Values) (status int, body string) {
	b.county.t.Helper()
	return b.do(http.MethodPost, path, form, map[string]string{"Sec-Fetch-Site": "same-origin"})
}

func (b *browser) do(method, path string, form url.Values, header map[string]string) (status int, body string) {
	t := b.county.t
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, b.county.server.URL+path, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	for _, cookie := range []*http.Cookie{b.cookie, b.sso} {
		if cookie != nil {
			request.AddCookie(cookie)
		}
	}
	response, err := b.client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	for _, cookie := range response.Cookies() {
		if cookie.Name == "aftercare_sso" {
			b.sso = cookie
		} else {
			b.cookie = cookie
		}
	}
	b.place, b.header = response.Header.Get("Location"), response.Header
	return response.StatusCode, string(text)
}

// page gets a page that must be there.
func (b *browser) page(path string) string {
	b.county.t.Helper()
	status, body := b.get(path)
	require.Equal(b.county.t, http.StatusOK, status, body)
	return body
}

var (
	tagged = regexp.MustCompile(`<[^>]*>`)
	spaced = regexp.MustCompile(`\s+`)
)

// words is what a page says, without its tags.
func words(body string) string {
	return spaced.ReplaceAllString(tagged.ReplaceAllString(body, " "), " ")
}
