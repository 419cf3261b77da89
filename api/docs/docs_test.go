package docs

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func ask(t *testing.T, method, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	recorder := httptest.NewRecorder()
	Handler().ServeHTTP(recorder, request)
	return recorder
}

func TestHandler(t *testing.T) {
	t.Parallel()

	const lib = "/docs/" + vendored
	for _, test := range []struct{ name, path, kind, lifetime string }{
		{"ServesThePage", "/docs", "text/html; charset=utf-8", "no-cache"},
		{"ServesThePageBehindASlash", "/docs/", "text/html; charset=utf-8", "no-cache"},
		{"ServesItsStart", "/docs/init.js", "text/javascript; charset=utf-8", "no-cache"},
		{"ServesTheLibrary", lib + "/swagger-ui-bundle.js", "text/javascript; charset=utf-8", "immutable"},
		{"ServesItsStyles", lib + "/swagger-ui.css", "text/css; charset=utf-8", "immutable"},
		{"ServesItsIcon", lib + "/favicon-32x32.png", "image/png", "immutable"},
		{"ServesItsLicence", lib + "/LICENSE", "text/plain; charset=utf-8", "immutable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			answer := ask(t, http.MethodGet, test.path)
			require.Equal(t, http.StatusOK, answer.Code)
			require.Equal(t, test.kind, answer.Header().Get("Content-Type"))
			require.Contains(t, answer.Header().Get("Cache-Control"), test.lifetime)
			require.Equal(t, policy, answer.Header().Get("Content-Security-Policy"))
			require.Equal(t, "nosniff", answer.Header().Get("X-Content-Type-Options"))
			require.NotZero(t, answer.Body.Len())

			again := ask(t, http.MethodGet, test.path, "If-None-Match", answer.Header().Get("ETag"))
			require.Equal(t, http.StatusNotModified, again.Code)
		})
	}
	t.Run("AnswersHeadWithoutABody", func(t *testing.T) {
		t.Parallel()
		answer := ask(t, http.MethodHead, "/docs")
		require.Equal(t, http.StatusOK, answer.Code)
		require.Zero(t, answer.Body.Len())
	})
	t.Run("KnowsNoOtherFile", func(t *testing.T) {
		t.Parallel()
		for _, path := range []string{"/docs/docs.go", "/docs/../docs.go", "/docs/" + vendored, "/documents", "/"} {
			require.Equal(t, http.StatusNotFound, ask(t, http.MethodGet, path).Code, path)
		}
	})
	t.Run("TakesNothing", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, http.StatusMethodNotAllowed, ask(t, http.MethodPost, "/docs").Code)
	})
}

func TestPageLoadsNothingFromOutside(t *testing.T) {
	t.Parallel()

	for _, name := range []string{"index.html", "init.js"} {
		text, err := embedded.ReadFile(name)
		require.NoError(t, err)
		require.NotRegexp(t, `(?i)https?:|["'(=]\s*//[a-z]`, string(text), name)
		require.NotRegexp(t, `(?i)<script>|\son[a-z]+\s*=|javascript:`, string(text), "the policy refuses inline scripts")
	}
	t.Run("EveryFileItNamesIsHere", func(t *testing.T) {
		t.Parallel()
		page, err := embedded.ReadFile("index.html")
		require.NoError(t, err)
		named := regexp.MustCompile(`<(?:script|link)[^>]* (?:src|href)="([^"]+)"`).FindAllSubmatch(page, -1)
		require.Len(t, named, 4)
		for _, file := range named {
			require.Equal(t, http.StatusOK, ask(t, http.MethodGet, "/docs/"+string(file[1])).Code, string(file[1]))
		}
	})
	t.Run("AsksNoValidatorAndKeepsNoCredentials", func(t *testing.T) {
		t.Parallel()
		start, err := embedded.ReadFile("init.js")
		require.NoError(t, err)
		require.Contains(t, string(start), `url: "/openapi.json"`)
		require.Contains(t, string(start), "validatorUrl: null")
		require.Contains(t, string(start), "persistAuthorization: false")
	})
	t.Run("StylesLoadNothingFromOutside", func(t *testing.T) {
		t.Parallel()
		styles, err := embedded.ReadFile(vendored + "/swagger-ui.css")
		require.NoError(t, err)
		require.NotRegexp(t, `(?i)@import|url\(["']?(?:https?:)?//`, string(styles))
	})
}

func TestVendoredFilesAreUnchanged(t *testing.T) {
	t.Parallel()

	sums, err := embedded.ReadFile(vendored + "/SHA256SUMS")
	require.NoError(t, err)
	checked := map[string]bool{"SHA256SUMS": true}
	for lines := bufio.NewScanner(bytes.NewReader(sums)); lines.Scan(); {
		want, name, _ := strings.Cut(lines.Text(), "  ")
		content, err := embedded.ReadFile(vendored + "/" + name)
		require.NoError(t, err)
		sum := sha256.Sum256(content)
		require.Equal(t, want, hex.EncodeToString(sum[:]), name)
		checked[name] = true
	}
	entries, err := embedded.ReadDir(vendored)
	require.NoError(t, err)
	for _, entry := range entries {
		require.True(t, checked[entry.Name()], "%s has no sum", entry.Name())
	}
}
