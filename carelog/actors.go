package carelog

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"aftercare/internal/crypt"
)

// Role is what a grant lets a person do in an office and the offices below it.
type Role string

// The roles of a grant.
const (
	Officer    Role = "officer"    // enrols, visits, records: in the office of the grant alone
	Supervisor Role = "supervisor" // head of department or deputy chief: reads every history, approves

	// The three administrators are separate people, and open no files.
	SystemAdministrator   Role = "system_administrator"   // people's records, templates, texts, calendar
	SecurityAdministrator Role = "security_administrator" // grants, tokens, shutting out
	AuditAdministrator    Role = "audit_administrator"    // reads the audit and changes nothing

	Integration Role = "integration" // a program's account: what its token's scopes name
)

var (
	people    = []Role{Officer, Supervisor, SystemAdministrator, SecurityAdministrator, AuditAdministrator}
	everyRole = append(slices.Clone(people), Integration)
)

// Roles are all there are.
func Roles() []Role { return slices.Clone(everyRole) }

// ActorKind says what sort of doer stands behind an act.
type ActorKind string

// The kinds of actor.
const (
	Person  ActorKind = "person"
	Program ActorKind = "program"
	Contact ActorKind = "contact"
	System  ActorKind = "system"
)

// Actor is who does it, with the rights they have. It is a parameter of every
// verb and comes from Authenticate, or is the zero-configuration System actor.
type Actor struct {
	Kind   ActorKind
	User   UserID
	Office OfficeID
	Login  string
	Name   string
	Token  TokenID // what a program, or a person at another door than the console, came with

	// Session is what a person at the console came with. While it awaits something
	// (AwaitsSecondFactor, AwaitsEnrolment) they have no rights anywhere.
	Session SessionID
	Awaits  string

	// RequestKey makes a verb that changes something answer a repeat with its
	// first answer. RequestHash tells a repeat from another request.
	RequestKey  string
	RequestHash []byte

	scopes []Scope   // of the token; none: all that the person may
	until  time.Time // when the token ends
	rights map[Role]map[OfficeID]bool
	scope  []OfficeID
	key    crypt.DataKey
}

// TheSystem acts for the service itself: sweeps, jobs and the command line. It
// works through the workers' database role, which sees every office.
func TheSystem() Actor { return Actor{Kind: System} }

// Has tells whether the actor holds the role anywhere.
func (a Actor) Has(role Role) bool { return a.Kind == System || len(a.rights[role]) > 0 }

// Authenticate turns a bearer secret into the actor it stands for. Unknown,
// expired and revoked secrets, and people who left, are all Unauthorized.
func (l *Log) Authenticate(ctx context.Context, secret string) (Actor, error) {
	unknown := &Error{Kind: Unauthorized, Message: "sign in: this token is unknown, expired or revoked"}
	if secret == "" || len(secret) > 200 {
		return Actor{}, unknown
	}
	a := Actor{Kind: Person}
	var rights rightsRow
	var used *time.Time
	var duty string
	err := l.db.QueryRow(ctx, `SELECT token_id, scopes, expires_at, last_used_at, user_id, office_id, login, duty, data_key, sealed, right_offices, right_roles
		FROM authenticate($1, $2)`, secretHash(secret), l.now()).
		Scan(&a.Token, &a.scopes, &a.until, &used, &a.User, &a.Office, &a.Login, &duty, &rights.key, &rights.sealed, &rights.offices, &rights.roles)
	if none(err) {
		return Actor{}, unknown
	}
	if err != nil {
		return Actor{}, fmt.Errorf("authenticate: %w", err)
	}
	if duty == programDuty {
		a.Kind = Program
	}
	if err := l.noteUse(ctx, secret, used); err != nil {
		return Actor{}, err
	}
	return l.openActor(a, rights)
}

// IssueToken makes a bearer secret for user that ends at expires, within a year.
//
//	The secret is returned once and kept only as a hash. Without
//
// scopes it is let into all that the person may; a program's has to name some. A
// person may issue for themself where they signed in without a token, a security
// administrator for the programs of their offices, and no token makes one that
// lasts longer than itself.
func (l *Log) IssueToken(ctx context.Context, by Actor, user UserID, label string, expires time.Time, scopes ...Scope) (string, error) {
	random := make([]byte, 32)
	if _, err := io.ReadFull(l.random, random); err != nil {
		return "", fmt.Errorf("make a token: %w", err)
	}
	secret := "ac_" + base64.RawURLEncoding.EncodeToString(random)
	_, err := write(ctx, l, by.anew(), func(tx txn) (struct{}, error) {
		office, err := mayIssue(ctx, tx, newToken{user, expires, scopes})
		if err != nil {
			return struct{}{}, err
		}
		id := newID[tokenKind](tx.now, l.random)
		_, err = tx.Exec(ctx, `INSERT INTO tokens (id, user_id, secret_hash, label, created_at, expires_at, scopes, issued_by)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, id, user, secretHash(secret), label, tx.now, expires, listed(scopes), by.User)
		if err != nil {
			return struct{}{}, fmt.Errorf("insert token: %w", err)
		}
		tx.audit(office, "token_issued", anyID(user), id.String())
		return struct{}{}, nil
	})
	return secret, err
}

// RevokeTokens ends every token and session of a person at once: a secret that
// was lost, or somebody who leaves. They may, and a security administrator of their office.
func (l *Log) RevokeTokens(ctx context.Context, by Actor, user UserID) (int, error) {
	return write(ctx, l, by.anew(), func(tx txn) (int, error) {
		var office OfficeID
		err := tx.QueryRow(ctx, "SELECT office_id FROM users WHERE id = $1", user).Scan(&office)
		if none(err) {
			return 0, notFound("user")
		}
		if err != nil {
			return 0, fmt.Errorf("read user: %w", err)
		}
		if !by.may(office, KeepTokens) && !by.mayForOneself(user, OwnTokens) {
			return 0, forbidden("only a security administrator revokes the tokens of others")
		}
		ended, err := endSecrets(ctx, tx, user)
		if err != nil {
			return 0, err
		}
		tx.audit(office, "tokens_revoked", anyID(user), fmt.Sprint(ended))
		return ended, nil
	})
}

// anew is the actor without the request key: for acts that must not be replayed.
func (a Actor) anew() Actor {
	a.RequestKey, a.RequestHash = "", nil
	return a
}

func secretHash(secret string) []byte {
	sum := sha256.Sum256([]byte(strings.TrimSpace(secret)))
	return sum[:]
}

// scopeText is the actor's offices as PostgreSQL writes an array.
func (a Actor) scopeText() string {
	var b strings.Builder
	b.WriteByte('{')
	for i, o := range a.scope {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(o.String())
	}
	b.WriteByte('}')
	return b.String()
}
