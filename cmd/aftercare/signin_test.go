package main

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

func TestSignInSettings(t *testing.T) {
	t.Parallel()

	t.Run("TellWhereARequestCameFrom", func(t *testing.T) {
		t.Parallel()
		for remote, want := range map[string]string{
			"203.0.113.7:4711": "203.0.113.7", "127.0.0.1:4711": "", "[::1]:4711": "", "[2001:db8:1:2:3:4:5:6]:4711": "2001:db8:1:2::/64",
		} {
			require.Equal(t, want, address(&http.Request{RemoteAddr: remote}), remote)
		}
	})
	t.Run("RefuseHalfASingleSignOn", func(t *testing.T) {
		t.Parallel()
		whole := signInFlags{OIDCIssuer: "https://id.example", OIDCClientID: "aftercare", OIDCRoles: map[string]carelog.Role{"clerk": carelog.Officer}}
		_, err := whole.sso("https://aftercare.example")
		require.NoError(t, err)
		for want, bend := range map[string]func(*signInFlags){
			"an https address": func(f *signInFlags) { f.OIDCIssuer = "http://id.example" }, "CLIENT_ID": func(f *signInFlags) { f.OIDCClientID = "" },
			"OIDC_ROLES": func(f *signInFlags) { f.OIDCRoles = nil }, "no role of ours": func(f *signInFlags) { f.OIDCRoles = map[string]carelog.Role{"clerk": "king"} },
		} {
			bent := whole
			bend(&bent)
			_, err := bent.sso("https://aftercare.example")
			require.ErrorContains(t, err, want)
		}
	})
	t.Run("ReadAListOfLeakedPasswords", func(t *testing.T) {
		t.Parallel()
		list := filepath.Join(t.TempDir(), "list")
		require.NoError(t, os.WriteFile(list, []byte("margarita-fjord-1987\n"), 0o600))
		rules, err := signInFlags{SecondFactor: "supervisors", PasswordList: list}.rules()
		require.NoError(t, err)
		require.Empty(t, rules.SecondFactor)
		require.True(t, rules.Common("margarita-fjord-1987"))
		_, err = signInFlags{PasswordList: list + "x"}.rules()
		require.Error(t, err)
	})
}

func TestAFailedSignInUnderAnUnknownLoginIsSeenInTheAudit(t *testing.T) {
	r := setUp(t)
	r.person("first", "admin", "--code", "370300", "--office", "淄博市人民检察院", "--signature", "市检察院", "--name", "管理员")
	auditor := r.person("add-user", "watch", "--office-code", "370300", "--role", "audit_administrator", "--name", "审某")
	r.serve()
	answer := r.form("/signin", url.Values{"login": {"root"}, "password": {"Summer2026!"}})
	require.Equal(t, http.StatusUnauthorized, answer.StatusCode)
	status, read := r.call(auditor, http.MethodGet, "/v1/audit?act=sign_in_failed", "")
	require.Equal(t, http.StatusOK, status)
	require.Len(t, items(read), 1)
	require.Contains(t, items(read)[0]["detail"], "unknown_login")
}
