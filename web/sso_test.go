package web_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/web"
)

// idProvider is an OpenID provider on loopback with real keys and signatures. Its
// answers can be bent.
type idProvider struct {
	sync.Mutex
	t         *testing.T
	server    *httptest.Server
	key       *rsa.PrivateKey
	challenge string // PKCE, of the last request
	nonce     string
	claims    map[string]any // beside those every token has
	forged    bool           // signed with another key
}

func newIDProvider(t *testing.T) *idProvider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	p := &idProvider{t: t, key: key, claims: map[string]any{}}
	mux := http.NewServeMux()
	p.server = httptest.NewServer(mux)
	t.Cleanup(p.server.Close)
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		p.answer(w, map[string]any{
			"issuer": p.server.URL, "authorization_endpoint": p.server.URL + "/authorize", "token_endpoint": p.server.URL + "/token",
			"jwks_uri": p.server.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		encode := base64.RawURLEncoding.EncodeToString
		p.answer(w, map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1", "n": encode(key.N.Bytes()), "e": encode(big.NewInt(int64(key.E)).Bytes()),
		}}})
	})
	mux.HandleFunc("POST /token", p.token)
	return p
}

func (p *idProvider) answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

func (p *idProvider) token(w http.ResponseWriter, r *http.Request) {
	p.Lock()
	defer p.Unlock()
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if r.PostFormValue("code") != "the-code" || base64.RawURLEncoding.EncodeToString(sum[:]) != p.challenge {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant","error_description":"the-code is not good"}`))
		return
	}
	claims := map[string]any{
		"iss": p.server.URL, "aud": "aftercare", "sub": "s-1", "nonce": p.nonce, "iat": tuesday.Unix(), "exp": tuesday.Add(time.Hour).Unix(),
		"preferred_username": "li", "office": "370323", "realm_access": map[string]any{"roles": []string{"clerk", "other"}},
	}
	for name, value := range p.claims {
		claims[name] = value
	}
	p.answer(w, map[string]any{"access_token": "an-access-token", "token_type": "Bearer", "id_token": p.sign(claims)})
}

func (p *idProvider) sign(claims map[string]any) string {
	body, err := json.Marshal(claims)
	require.NoError(p.t, err)
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"RS256","kid":"1"}`)) + "." + encode(body)
	key := p.key
	if p.forged {
		if key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			panic(err)
		}
	}
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	require.NoError(p.t, err)
	return text + "." + encode(signature)
}

// visit goes to the provider and comes back: the address it comes back to.
func (p *idProvider) visit(b *browser) string {
	p.t.Helper()
	status, _ := b.get("/signin/sso")
	require.Equal(p.t, http.StatusSeeOther, status)
	there, err := url.Parse(b.place)
	require.NoError(p.t, err)
	asked := there.Query()
	require.Equal(p.t, "S256", asked.Get("code_challenge_method"))
	require.Equal(p.t, b.county.server.URL+"/signin/sso/return", asked.Get("redirect_uri"))
	p.Lock()
	defer p.Unlock()
	p.challenge, p.nonce = asked.Get("code_challenge"), asked.Get("nonce")
	return "/signin/sso/return?" + url.Values{"state": {asked.Get("state")}, "code": {"the-code"}}.Encode()
}

func TestSingleSignOn(t *testing.T) {
	t.Parallel()
	set := func(t *testing.T) (*county, *idProvider) {
		t.Helper()
		c, p := newCounty(t), newIDProvider(t)
		c.strictly(web.SSO{
			Issuer: p.server.URL, ClientID: "aftercare", ClientSecret: "hush", PublicURL: c.server.URL,
			OfficeClaim: "office", RoleClaim: "realm_access.roles", Roles: map[string]carelog.Role{"clerk": carelog.Officer, "chief": carelog.Supervisor},
		})
		return c, p
	}

	t.Run("LetsInWhomTheProviderVouchesFor", func(t *testing.T) {
		t.Parallel()
		c, p := set(t)
		b := c.anybody()
		require.Contains(t, b.page("/signin"), `href="/signin/sso"`)
		back := p.visit(b)
		require.Equal(t, http.SameSiteLaxMode, b.sso.SameSite)
		require.True(t, b.sso.HttpOnly)
		status, body := b.get(back)
		require.Equal(t, http.StatusOK, status)
		require.Contains(t, body, `content="0; url=/"`, "the page goes on by itself: a redirect would come without the cookie")
		require.Equal(t, http.SameSiteStrictMode, b.cookie.SameSite)
		require.Contains(t, b.page("/"), "li某")
		require.NotContains(t, body, "the-code")

		p.claims = map[string]any{"preferred_username": "renamed", "realm_access": map[string]any{"roles": "chief"}, "amr": []string{"pwd", "mfa"}}
		b = c.anybody()
		_, _ = b.get(p.visit(b))
		require.Contains(t, words(b.page("/")), "部门负责人", "other claims, other rights")
	})
	t.Run("AsksForOurSecondFactorWhereTheProviderSawNone", func(t *testing.T) {
		t.Parallel()
		c, p := set(t)
		p.claims = map[string]any{"realm_access": map[string]any{"roles": []string{"chief"}}}
		b := c.anybody()
		_, body := b.get(p.visit(b))
		require.Contains(t, body, "url=/account/second-factor")
	})
	t.Run("RefusesWhatIsNotForUs", func(t *testing.T) {
		t.Parallel()
		c, p := set(t)
		for name, claims := range map[string]map[string]any{
			"nonce": {"nonce": "another"}, "audience": {"aud": "elsewhere"}, "issuer": {"iss": "https://elsewhere.example"},
			"expired": {"exp": tuesday.Add(-time.Minute).Unix()},
		} {
			p.claims = claims
			b := c.anybody()
			status, body := b.get(p.visit(b))
			require.Equal(t, http.StatusBadGateway, status, name)
			require.Contains(t, body, "统一身份认证未能完成", name)
			require.Nil(t, b.cookie, name)
		}
		p.claims, p.forged = nil, true
		b := c.anybody()
		status, _ := b.get(p.visit(b))
		require.Equal(t, http.StatusBadGateway, status, "signed by somebody else")
		p.forged = false
		b = c.anybody()
		back := p.visit(b)
		for _, state := range []string{"", "another"} {
			other := *b
			status, _ = other.get("/signin/sso/return?code=the-code&state=" + state)
			require.Equal(t, http.StatusBadGateway, status)
		}
		stranger := c.anybody()
		status, _ = stranger.get(back)
		require.Equal(t, http.StatusBadGateway, status, "another browser cannot finish it")
		p.challenge = "another"
		status, _ = b.get(back)
		require.Equal(t, http.StatusBadGateway, status, "nor whoever lacks the verifier")
	})
	t.Run("SaysClearlyWhenNobodyIsMeant", func(t *testing.T) {
		t.Parallel()
		c, p := set(t)
		for want, claims := range map[string]map[string]any{
			"没有给出您在本系统的单位和职责": {"realm_access": map[string]any{"roles": []string{"other"}}},
			"没有您的账号":          {"preferred_username": "nobody", "sub": "s-9"},
		} {
			p.claims = claims
			b := c.anybody()
			_, body := b.get(p.visit(b))
			require.Contains(t, body, want)
			require.Nil(t, b.cookie)
		}
		p.claims = map[string]any{"office": "999999"}
		b := c.anybody()
		status, _ := b.get(p.visit(b))
		require.Equal(t, http.StatusForbidden, status)
	})
}
