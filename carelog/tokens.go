package carelog

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// longestToken is how long a program's secret is good before somebody looks at it again.
	longestToken = 366 * 24 * time.Hour
	// usedWithin is how exactly the last use of a token is kept: a write an hour, not one a request.
	usedWithin = time.Hour
)

// newToken is a token to be issued.
type newToken struct {
	user    UserID
	expires time.Time
	scopes  []Scope
}

// mayIssue refuses what the actor may not issue, and tells the user's office.
func mayIssue(ctx context.Context, tx txn, n newToken) (OfficeID, error) {
	var office OfficeID
	var duty string
	err := tx.QueryRow(ctx, "SELECT office_id, duty FROM users WHERE id = $1 AND state = 'active'", n.user).Scan(&office, &duty)
	if none(err) {
		return office, notFound("user")
	}
	if err != nil {
		return office, fmt.Errorf("read user: %w", err)
	}
	by, itself := tx.by, tx.by.User == n.user
	switch {
	case by.Kind == System:
	case itself && by.mayForOneself(n.user, IssueOwnToken):
	case itself:
		return office, forbidden("a token makes no other for itself: sign in at the console, or ask the operator")
	case duty != programDuty || !by.may(office, KeepTokens):
		return office, forbidden("a security administrator issues tokens for programs, people issue their own")
	case !by.Token.IsZero() && n.expires.After(by.until):
		return office, forbidden("a token makes none that lasts longer than itself")
	}
	if !itself && by.Kind != System {
		if err := reachesAll(ctx, tx, n.user); err != nil {
			return office, err
		}
	}
	return office, n.check(tx.now, duty)
}

func (n newToken) check(now time.Time, duty string) error {
	var p problems
	if n.expires.After(now.Add(longestToken)) {
		p.add("days", isBeyondAYear)
	}
	if duty == programDuty && len(n.scopes) == 0 {
		p.add("scopes", isRequired)
	}
	known := Scopes()
	if slices.ContainsFunc(n.scopes, func(s Scope) bool { return !slices.Contains(known, s) }) {
		p.add("scopes", isNoScope)
	}
	return p.err()
}

// noteUse keeps when a token was last used, once an hour.
func (l *Log) noteUse(ctx context.Context, secret string, last *time.Time) error {
	now := l.Now()
	if last != nil && now.Sub(*last) < usedWithin {
		return nil
	}
	if _, err := l.db.Exec(ctx, "SELECT token_used($1, $2)", secretHash(secret), now); err != nil {
		return fmt.Errorf("note the use of a token: %w", err)
	}
	return nil
}

// IssuedToken is a token as lists show it: everything but its secret.
type IssuedToken struct {
	ID         TokenID    `json:"token_id"`
	User       UserID     `json:"user_id"`
	Label      string     `json:"label"`
	Scopes     []Scope    `json:"scopes" nullable:"false" doc:"None: all that the person may"`
	CreatedAt  time.Time  `json:"created_at"`
	IssuedBy   UserID     `json:"issued_by,omitzero" doc:"Left out: the operator"`
	ExpiresAt  time.Time  `json:"expires_at"`
	LastUsedAt *time.Time `json:"last_used_at" doc:"To the hour"`
	RevokedAt  *time.Time `json:"revoked_at"`
}

// Tokens lists the API tokens of a person or program (zero: one's own), newest
// first, ended ones too. They may themself, and a security administrator of their office.
func (l *Log) Tokens(ctx context.Context, by Actor, user UserID) ([]IssuedToken, error) {
	if user.IsZero() {
		user = by.User
	}
	return read(ctx, l, by, func(tx txn) ([]IssuedToken, error) {
		if _, err := mayKeepTokens(ctx, tx, user); err != nil {
			return nil, err
		}
		rows, err := tx.Query(ctx, `SELECT id, user_id, label, scopes, created_at, issued_by, expires_at, last_used_at, revoked_at
			FROM tokens WHERE user_id = $1 ORDER BY id DESC LIMIT 200`, user)
		if err != nil {
			return nil, fmt.Errorf("list tokens: %w", err)
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (t IssuedToken, err error) {
			err = row.Scan(&t.ID, &t.User, &t.Label, &t.Scopes, &t.CreatedAt, &t.IssuedBy, &t.ExpiresAt, &t.LastUsedAt, &t.RevokedAt)
			return t, err
		})
	})
}

// EndToken ends one token. Whoever's it is may, and a security administrator of
// their office; a repeat is a conflict.
func (l *Log) EndToken(ctx context.Context, by Actor, id TokenID) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		var user UserID
		err := tx.QueryRow(ctx, "SELECT user_id FROM tokens WHERE id = $1", id).Scan(&user)
		if none(err) {
			return struct{}{}, notFound("token")
		}
		if err != nil {
			return struct{}{}, fmt.Errorf("read token: %w", err)
		}
		office, err := mayKeepTokens(ctx, tx, user)
		if err != nil {
			return struct{}{}, err
		}
		tag, err := tx.Exec(ctx, "UPDATE tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL", id, tx.now)
		if err != nil {
			return struct{}{}, fmt.Errorf("end token: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return struct{}{}, conflict("the token was ended already")
		}
		tx.audit(office, "token_revoked", anyID(user), id.String())
		return struct{}{}, nil
	})
	return err
}

func mayKeepTokens(ctx context.Context, tx txn, user UserID) (OfficeID, error) {
	var office OfficeID
	err := tx.QueryRow(ctx, "SELECT office_id FROM users WHERE id = $1", user).Scan(&office)
	if none(err) {
		return office, notFound("user")
	}
	if err != nil {
		return office, fmt.Errorf("read user: %w", err)
	}
	if !tx.by.may(office, KeepTokens) && !tx.by.mayForOneself(user, OwnTokens) {
		return office, forbidden("only a security administrator keeps the tokens of others")
	}
	return office, nil
}
