package web

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"aftercare/carelog"
)

// SSO is single sign-on by OpenID Connect. Without an issuer there is none.
type SSO struct {
	Issuer, ClientID, ClientSecret string
	PublicURL                      string // ours, as the provider sends browsers back to it
	LoginClaim                     string // whom an identity is linked with; empty: preferred_username
	OfficeClaim                    string // the office's administrative code; dots lead into objects
	RoleClaim                      string // one value or a list
	Roles                          map[string]carelog.Role
	Create                         bool         // make people nobody here knows
	Client                         *http.Client // nil: one that waits ten seconds
}

func (c SSO) on() bool { return c.Issuer != "" }

const (
	ssoCookie = "aftercare_sso"
	ssoLasts  = 10 * time.Minute
	ssoReturn = "/signin/sso/return"
)

// provider is the identity provider once it has answered; it is asked at the first
// sign-in, so that the service starts without it.
type provider struct {
	sync.Mutex
	oauth    *oauth2.Config
	verifier *oidc.IDTokenVerifier
}

// client is what speaks to the provider, now and when its keys change.
func (s *console) ssoClient(ctx context.Context) context.Context {
	client := s.SSO.Client
	if client == nil {
		client = &http.Client{Timeout: 10 * time.Second}
	}
	return oidc.ClientContext(ctx, client)
}

func (s *console) idProvider(ctx context.Context) (*oauth2.Config, *oidc.IDTokenVerifier, error) {
	s.provider.Lock()
	defer s.provider.Unlock()
	if s.provider.oauth == nil {
		// Its keys are fetched with this context for as long as the service runs.
		lasting := s.ssoClient(context.WithoutCancel(ctx))
		found, err := oidc.NewProvider(lasting, s.SSO.Issuer)
		if err != nil {
			return nil, nil, fmt.Errorf("ask the identity provider: %w", err)
		}
		s.provider.oauth = &oauth2.Config{
			ClientID: s.SSO.ClientID, ClientSecret: s.SSO.ClientSecret, Endpoint: found.Endpoint(),
			RedirectURL: s.SSO.PublicURL + ssoReturn, Scopes: []string{oidc.ScopeOpenID, "profile"},
		}
		s.provider.verifier = found.VerifierContext(lasting, &oidc.Config{ClientID: s.SSO.ClientID, Now: s.Log.Now})
	}
	return s.provider.oauth, s.provider.verifier, nil
}

// beginSSO sends the browser to the provider. State, nonce and the PKCE verifier wait
// in a cookie of the browser that asked; it is Lax, because the way back begins elsewhere.
func (s *console) beginSSO(w http.ResponseWriter, r *http.Request) {
	oauth, _, err := s.idProvider(r.Context())
	if err != nil {
		s.ssoFailed(w, r, "discovery", err)
		return
	}
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	s.setSSO(w, state+"|"+nonce+"|"+verifier, int(ssoLasts.Seconds()))
	http.Redirect(w, r, oauth.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)), http.StatusSeeOther)
}

func (s *console) setSSO(w http.ResponseWriter, value string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: s.cookieName(ssoCookie), Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode,
	})
}

var errNotOurs = errors.New("the answer belongs to no sign-in of this browser")

// endSSO takes the provider's answer and signs in whom it vouches for.
func (s *console) endSSO(w http.ResponseWriter, r *http.Request) {
	cookie, err := r.Cookie(s.cookieName(ssoCookie))
	s.setSSO(w, "", -1)
	parts := []string{}
	if err == nil {
		parts = strings.Split(cookie.Value, "|")
	}
	query := r.URL.Query()
	if len(parts) != 3 || subtle.ConstantTimeCompare([]byte(parts[0]), []byte(query.Get("state"))) != 1 || query.Get("code") == "" {
		s.ssoFailed(w, r, "state", errNotOurs)
		return
	}
	vouched, step, err := s.exchange(r.Context(), query.Get("code"), parts[1], parts[2])
	if err != nil {
		s.ssoFailed(w, r, step, err)
		return
	}
	opened, err := s.Log.SignInClaimed(r.Context(), vouched)
	switch carelog.KindOf(err) {
	case carelog.Unauthorized:
		s.showError(w, r, nil, http.StatusUnauthorized, "error.stranger")
		return
	case carelog.Forbidden:
		s.showError(w, r, nil, http.StatusForbidden, "error.claims")
		return
	}
	if err != nil {
		s.fail(w, r, nil, err)
		return
	}
	// The session's cookie is Strict: a redirect would still count as coming from the
	// provider and go without it. A page of ours that goes on by itself does not.
	s.setSession(w, opened)
	s.show(w, r, nil, http.StatusOK, page{Name: "onward", Onward: s.onward(r, opened)})
}

// exchange trades the code for claims that are checked and mapped.
func (s *console) exchange(ctx context.Context, code, nonce, verifier string) (v carelog.Vouched, step string, err error) {
	oauth, check, err := s.idProvider(ctx)
	if err != nil {
		return v, "discovery", err
	}
	token, err := oauth.Exchange(s.ssoClient(ctx), code, oauth2.VerifierOption(verifier))
	if err != nil {
		var refused *oauth2.RetrieveError
		if errors.As(err, &refused) { // its text repeats the provider's whole answer
			err = fmt.Errorf("the provider answered %s", refused.ErrorCode)
		}
		return v, "exchange", err
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := check.Verify(s.ssoClient(ctx), raw)
	if err != nil {
		return v, "verify", err
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1 {
		return v, "nonce", errNotOurs
	}
	var claims map[string]any
	if err := id.Claims(&claims); err != nil {
		return v, "claims", errors.New("the claims are no object")
	}
	return s.SSO.vouched(id, claims), "", nil
}

// vouched maps the claims to an office and roles of ours.
func (c SSO) vouched(id *oidc.IDToken, claims map[string]any) carelog.Vouched {
	login := c.LoginClaim
	if login == "" {
		login = "preferred_username"
	}
	v := carelog.Vouched{Issuer: id.Issuer, Subject: id.Subject, Create: c.Create}
	for claim, into := range map[string]*string{login: &v.Login, "name": &v.Name, c.OfficeClaim: &v.Office} {
		if values := claimed(claims, claim); len(values) == 1 {
			*into = values[0]
		}
	}
	seen := map[carelog.Role]bool{}
	for _, value := range claimed(claims, c.RoleClaim) {
		if role, ok := c.Roles[value]; ok && !seen[role] {
			seen[role] = true
			v.Roles = append(v.Roles, role)
		}
	}
	for _, method := range claimed(claims, "amr") { // RFC 8176
		v.SecondFactor = v.SecondFactor || method == "mfa"
	}
	return v
}

// claimed is the texts of a claim, one or a list; dots lead into objects.
func claimed(claims map[string]any, name string) []string {
	head, rest, deeper := strings.Cut(name, ".")
	if inner, is := claims[head].(map[string]any); deeper && is {
		return claimed(inner, rest)
	}
	switch value := claims[name].(type) {
	case string:
		return []string{value}
	case []any:
		var texts []string
		for _, one := range value {
			if text, is := one.(string); is {
				texts = append(texts, text)
			}
		}
		return texts
	}
	return nil
}

// ssoFailed tells what the reader can do and logs the step, never the answer.
func (s *console) ssoFailed(w http.ResponseWriter, r *http.Request, step string, err error) {
	if r.Context().Err() == nil {
		s.Slog.WarnContext(r.Context(), "single sign-on failed", "step", step, "error", err)
	}
	s.showError(w, r, nil, http.StatusBadGateway, "error.sso")
}
