package carelog

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Attempt is what somebody who wants in has given.
type Attempt struct {
	Login    string
	Password string
	Address  string // where it came from; empty: not known, and not counted
}

// Wrong passwords and codes in a row before waiting begins: document 5 asks for 5.
// An address stands for a whole office behind one router, so it may fail more often.
const (
	freeTries        = 5
	freeAddressTries = 30
)

// waits is how long nobody gets in after each failure from then on.
var waits = []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute}

// waitAfter is how long to wait after so many failures in a row.
func waitAfter(failures, free int) time.Duration {
	if failures < free {
		return 0
	}
	return waits[min(failures-free, len(waits)-1)]
}

// forgottenAfter is when failures that nobody followed up count no more.
const forgottenAfter = 24 * time.Hour

// notIn is the one answer to everybody who does not get in: it does not tell a
// wrong password from an unknown login, an account without one, or a lock.
var notIn = &Error{Kind: Unauthorized, Message: "sign in: login or password is not right, or it was tried too often: wait and try again"}

// signingIn is an account as signing in knows it.
type signingIn struct {
	user     UserID
	office   OfficeID
	password string
	factor   bool // it has a second one
	roles    []Role
}

func (s signingIn) actor() Actor { return Actor{Kind: Person, User: s.user, Office: s.office} }

// SignIn checks a login and password and opens a session: a whole one, one that
// awaits the second factor for five minutes, or one that is good for enrolling a
// second factor alone. After five failures in a row nobody gets in for 1, 2, 5, 15,
// then 30 minutes, with the right password either; an address has 30. Whoever does
// not get in gets one answer, after the same work: Unauthorized.
func (l *Log) SignIn(ctx context.Context, a Attempt) (Session, error) {
	address := l.keys.Index("sign_in_address", a.Address)
	s, locked, err := l.whoSignsIn(ctx, a.Login, address)
	if err != nil {
		return Session{}, err
	}
	if locked {
		return Session{}, notIn // the address's own doing: it may see that less work is done
	}
	right, err := l.passwords.verify(ctx, a.Password, s.password)
	if err != nil {
		return Session{}, err
	}
	opened, err := write(ctx, l, s.actor(), func(tx txn) (*Session, error) {
		class, err := l.judgeAttempt(ctx, tx, s, right)
		if err != nil {
			return nil, err
		}
		if class != "" {
			if class == "unknown_login" { // what was typed may be a password, or somebody's name
				class += " " + hex.EncodeToString(l.keys.Index("login", normalLogin(a.Login)))
			}
			return nil, l.noteFailure(ctx, tx, s, address, class)
		}
		opened, err := l.letIn(ctx, tx, s, "password")
		return &opened, err
	})
	if err == nil && opened == nil {
		err = notIn
	}
	if err != nil {
		return Session{}, err
	}
	return *opened, nil
}

func normalLogin(login string) string { return strings.ToLower(strings.TrimSpace(login)) }

func (l *Log) whoSignsIn(ctx context.Context, login string, address []byte) (s signingIn, locked bool, err error) {
	if err := l.db.QueryRow(ctx, "SELECT address_is_locked($1, $2)", address, l.Now()).Scan(&locked); err != nil || locked {
		return s, locked, err
	}
	var password *string
	err = l.db.QueryRow(ctx, "SELECT user_id, office_id, password, factor, roles FROM find_login($1)", normalLogin(login)).
		Scan(&s.user, &s.office, &password, &s.factor, &s.roles)
	if none(err) {
		return s, false, nil
	}
	if err != nil {
		return s, false, fmt.Errorf("find login: %w", err)
	}
	if password != nil {
		s.password = *password
	}
	return s, false, nil
}

// judgeAttempt locks the account and says why somebody does not get in, or "". That
// the lock is looked at here keeps guesses made side by side within their number.
func (l *Log) judgeAttempt(ctx context.Context, tx txn, s signingIn, right bool) (class string, err error) {
	if s.user.IsZero() {
		return "unknown_login", nil
	}
	var password *string
	var until *time.Time
	err = tx.QueryRow(ctx, "SELECT password, locked_until FROM credentials WHERE user_id = $1 FOR NO KEY UPDATE", s.user).Scan(&password, &until)
	switch {
	case none(err):
		return "no_password", nil
	case err != nil:
		return "", fmt.Errorf("lock the account: %w", err)
	case until != nil && until.After(tx.now):
		return "locked", nil
	case s.password == "":
		return "no_password", nil
	case !right, password == nil, *password != s.password: // it was changed meanwhile
		return "wrong_password", nil
	}
	return "", nil
}

// noteFailure counts a failure, locks where it was one too many, and writes it into
// the audit. What was tried while the account was locked does not lengthen the lock.
func (l *Log) noteFailure(ctx context.Context, tx txn, s signingIn, address []byte, class string) error {
	tx.audit(s.office, "sign_in_failed", anyID(s.user), class)
	if address != nil {
		var failures int
		if err := tx.QueryRow(ctx, "SELECT address_failed($1, $2)", address, tx.now).Scan(&failures); err != nil {
			return fmt.Errorf("count the address's failures: %w", err)
		}
		if wait := waitAfter(failures, freeAddressTries); wait > 0 {
			if _, err := tx.Exec(ctx, "SELECT lock_address($1, $2)", address, tx.now.Add(wait)); err != nil {
				return fmt.Errorf("lock the address: %w", err)
			}
			tx.audit(OfficeID{}, "address_locked", anyID{}, hex.EncodeToString(address)+" "+wait.String())
		}
	}
	if s.user.IsZero() || class == "locked" || class == "no_password" {
		return nil
	}
	var failures int
	err := tx.QueryRow(ctx, `UPDATE credentials SET failed_at = $2, failures = CASE WHEN failed_at <= $3 THEN 1 ELSE failures + 1 END
		WHERE user_id = $1 RETURNING failures`, s.user, tx.now, tx.now.Add(-forgottenAfter)).Scan(&failures)
	if err != nil {
		return fmt.Errorf("count the failures: %w", err)
	}
	wait := waitAfter(failures, freeTries)
	if wait == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, "UPDATE credentials SET locked_until = $2 WHERE user_id = $1", s.user, tx.now.Add(wait)); err != nil {
		return fmt.Errorf("lock the account: %w", err)
	}
	tx.audit(s.office, "account_locked", anyID(s.user), wait.String())
	return nil
}

// letIn opens what the person may have after proving who they are in one way.
func (l *Log) letIn(ctx context.Context, tx txn, s signingIn, strength string) (Session, error) {
	n := newSession{user: s.user, office: s.office, strength: strength}
	switch {
	case s.factor:
		n.awaits = AwaitsSecondFactor // the failures stand until that is right too
	case l.needsSecondFactor(s.roles):
		n.awaits = AwaitsEnrolment
		fallthrough
	default:
		if err := forgetFailures(ctx, tx, s.user); err != nil {
			return Session{}, err
		}
	}
	return l.openSession(ctx, tx, n)
}

func forgetFailures(ctx context.Context, tx txn, user UserID) error {
	_, err := tx.Exec(ctx, "UPDATE credentials SET failures = 0, failed_at = NULL, locked_until = NULL WHERE user_id = $1 AND failures > 0", user)
	if err != nil {
		return fmt.Errorf("forget the failures: %w", err)
	}
	return nil
}

// needsSecondFactor tells whether somebody with these roles needs one: by default
// whoever holds any role beside an officer's, so that a role made later does too.
func (l *Log) needsSecondFactor(roles []Role) bool {
	switch l.passwords.rules.SecondFactor {
	case "none":
		return false
	case "all":
		return true
	}
	return slices.ContainsFunc(roles, func(r Role) bool { return r != Officer })
}
