package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"

	"aftercare/carelog"
	"aftercare/web"
)

// signInFlags say how people sign in.
type signInFlags struct {
	SecondFactor string `env:"AFTERCARE_SECOND_FACTOR" enum:"supervisors,all,none" default:"supervisors" help:"Who needs a second factor: supervisors (and everybody who is more than an officer), all, or none."`
	PasswordList string `env:"AFTERCARE_PASSWORD_LIST" type:"existingfile" help:"A file of leaked passwords, one a line, refused beside those the program knows."`

	OIDCIssuer      string                  `name:"oidc-issuer" env:"AFTERCARE_OIDC_ISSUER" help:"Single sign-on: the provider's address."`
	OIDCClientID    string                  `name:"oidc-client-id" env:"AFTERCARE_OIDC_CLIENT_ID"`
	OIDCLoginClaim  string                  `name:"oidc-login-claim" env:"AFTERCARE_OIDC_LOGIN_CLAIM" default:"preferred_username" help:"The claim that holds the login of whom to link."`
	OIDCOfficeClaim string                  `name:"oidc-office-claim" env:"AFTERCARE_OIDC_OFFICE_CLAIM" default:"office" help:"The claim that holds the office's code; dots lead into objects."`
	OIDCRoleClaim   string                  `name:"oidc-role-claim" env:"AFTERCARE_OIDC_ROLE_CLAIM" default:"roles" help:"The claim that holds one role or a list."`
	OIDCRoles       map[string]carelog.Role `name:"oidc-roles" env:"AFTERCARE_OIDC_ROLES" help:"What the provider calls our roles: clerk=officer;chief=supervisor."`
	OIDCCreate      bool                    `name:"oidc-create" env:"AFTERCARE_OIDC_CREATE" help:"Make people nobody here knows."`
}

// rules reads what the care log needs to know.
func (f signInFlags) rules() (carelog.SignInRules, error) {
	rules := carelog.SignInRules{SecondFactor: f.SecondFactor}
	if f.SecondFactor == "supervisors" {
		rules.SecondFactor = ""
	}
	if f.PasswordList == "" {
		return rules, nil
	}
	file, err := os.Open(f.PasswordList)
	if err != nil {
		return rules, fmt.Errorf("AFTERCARE_PASSWORD_LIST: %w", err)
	}
	defer file.Close()
	rules.Common, err = carelog.ReadPasswords(file)
	return rules, err
}

// sso is single sign-on as the console does it, or none.
func (f signInFlags) sso(public string) (web.SSO, error) {
	if f.OIDCIssuer == "" {
		return web.SSO{}, nil
	}
	issuer, err := url.Parse(f.OIDCIssuer)
	if err != nil || (issuer.Scheme != "https" && issuer.Hostname() != "localhost" && issuer.Hostname() != "127.0.0.1") {
		return web.SSO{}, errors.New("AFTERCARE_OIDC_ISSUER must be an https address")
	}
	clientSecret, err := secret("AFTERCARE_OIDC_CLIENT_SECRET")
	if err != nil {
		return web.SSO{}, err
	}
	if f.OIDCClientID == "" || len(f.OIDCRoles) == 0 {
		return web.SSO{}, errors.New("AFTERCARE_OIDC_ISSUER is set: set AFTERCARE_OIDC_CLIENT_ID and AFTERCARE_OIDC_ROLES too")
	}
	for theirs, ours := range f.OIDCRoles {
		if ours == carelog.Integration || !slices.Contains(carelog.Roles(), ours) {
			return web.SSO{}, fmt.Errorf("AFTERCARE_OIDC_ROLES: %s=%s names no role of ours", theirs, ours)
		}
	}
	return web.SSO{
		Issuer: f.OIDCIssuer, ClientID: f.OIDCClientID, ClientSecret: clientSecret, PublicURL: public,
		LoginClaim: f.OIDCLoginClaim, OfficeClaim: f.OIDCOfficeClaim, RoleClaim: f.OIDCRoleClaim, Roles: f.OIDCRoles, Create: f.OIDCCreate,
	}, nil
}

// address tells where a request came from, for counting failed sign-ins. A connection
// from this machine is a proxy's that nobody told us of: everybody would share it.
func address(r *http.Request) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || at.Addr().Unmap().IsLoopback() {
		return ""
	}
	return blockOf(r.RemoteAddr)
}
