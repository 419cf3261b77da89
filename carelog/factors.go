package carelog

import (
	"context"
	"crypto/subtle"
	"fmt"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
)

const (
	codeLasts     = 30 // seconds
	recoveryCodes = 10
	totpBox       = "credentials.totp"
	totpWaitsBox  = "credentials.totp_pending"
)

// isNotTheCode is the one answer to a wrong code, a used one, and any while locked.
var isNotTheCode = reason{"is not right, was used already, or was tried too often: wait for the next code and try again", "\u4e0d\u6b63\u786e\u3001\u5df2\u7528\u8fc7\uff0c\u6216\u5c1d\u8bd5\u6b21\u6570\u8fc7\u591a\uff0c\u8bf7\u7b49\u4e0b\u4e00\u4e2a\u9a8c\u8bc1\u7801\u518d\u8bd5"}

// ConfirmSecondFactor trades a session that awaits the second factor for a whole
// one: by the code of now or of the 30 seconds before or after, each code once; by a
// recovery code, once; or by an administrator's ticket, which takes the lost factor
// away. A wrong one counts as a failed sign-in and is Unauthorized.
func (l *Log) ConfirmSecondFactor(ctx context.Context, by Actor, code string) (Session, error) {
	if by.Awaits != AwaitsSecondFactor {
		return Session{}, forbidden("sign in first")
	}
	var roles []Role
	if err := l.db.QueryRow(ctx, "SELECT roles FROM find_login($1)", by.Login).Scan(&roles); err != nil {
		return Session{}, fmt.Errorf("read the roles: %w", err)
	}
	opened, err := write(ctx, l, by.anew(), func(tx txn) (*Session, error) {
		f, err := l.lockFactor(ctx, tx)
		if err != nil {
			return nil, err
		}
		how, err := l.codeIsRight(ctx, tx, f, code)
		if err != nil || how == "" {
			return nil, err
		}
		var first string
		err = tx.QueryRow(ctx, "UPDATE sessions SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL RETURNING strength", by.Session, tx.now).Scan(&first)
		if none(err) {
			return nil, nil // somebody else was quicker with it
		}
		if err != nil {
			return nil, fmt.Errorf("end the session that waited: %w", err)
		}
		if err := forgetFailures(ctx, tx, by.User); err != nil {
			return nil, err
		}
		n := newSession{user: by.User, office: by.Office, strength: first + "+" + how}
		if how == "ticket" {
			n.strength = first
			if l.needsSecondFactor(roles) {
				n.awaits = AwaitsEnrolment
			}
		}
		opened, err := l.openSession(ctx, tx, n)
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

// factor is the actor's second factor as their account has it.
type factor struct {
	user            UserID
	office          OfficeID
	secret, pending string
	step            int64
	until           *time.Time
}

func (f factor) locked(now time.Time) bool { return f.until != nil && f.until.After(now) }

func (f factor) account() signingIn { return signingIn{user: f.user, office: f.office} }

func (l *Log) lockFactor(ctx context.Context, tx txn) (factor, error) {
	f := factor{user: tx.by.User, office: tx.by.Office}
	var secret, pending []byte
	err := tx.QueryRow(ctx, "SELECT totp, totp_pending, totp_step, locked_until FROM credentials WHERE user_id = $1 FOR NO KEY UPDATE", f.user).
		Scan(&secret, &pending, &f.step, &f.until)
	if none(err) {
		return f, nil
	}
	if err != nil {
		return f, fmt.Errorf("lock the account: %w", err)
	}
	for _, box := range []struct {
		name   string
		sealed []byte
		into   *string
	}{{totpBox, secret, &f.secret}, {totpWaitsBox, pending, &f.pending}} {
		if box.sealed == nil {
			continue
		}
		plain, err := tx.by.key.Open(box.sealed, box.name)
		if err != nil {
			return f, fmt.Errorf("open the second factor: %w", err)
		}
		*box.into = string(plain)
	}
	return f, nil
}

// codeIsRight tells what kind of proof a code is (totp, recovery, ticket) and uses it
// up, or counts it as a failure and says "".
func (l *Log) codeIsRight(ctx context.Context, tx txn, f factor, code string) (how string, err error) {
	code = strings.TrimSpace(code)
	class := "wrong_code"
	switch step := stepOf(f.secret, code, tx.now); {
	case f.locked(tx.now):
		class = "locked"
	case step > f.step:
		_, err := tx.Exec(ctx, "UPDATE credentials SET totp_step = $2 WHERE user_id = $1", f.user, step)
		if err != nil {
			return "", fmt.Errorf("use the code up: %w", err)
		}
		return "totp", nil
	case step > 0:
		class = "used_code"
	case strings.HasPrefix(code, "at_"):
		if used, err := l.takeFactorAway(ctx, tx, code); err != nil || used {
			return "ticket", err
		}
	case len(code) >= 16 && len(code) <= 40:
		tag, err := tx.Exec(ctx, "UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL", f.user, l.recoveryHash(f.user, code), tx.now)
		if err != nil {
			return "", fmt.Errorf("use a recovery code: %w", err)
		}
		if tag.RowsAffected() == 1 {
			tx.audit(f.office, "recovery_code_used", anyID(f.user), "")
			return "recovery", nil
		}
	}
	return "", l.noteFailure(ctx, tx, f.account(), nil, class)
}

// takeFactorAway uses a ticket for another second factor.
func (l *Log) takeFactorAway(ctx context.Context, tx txn, ticket string) (bool, error) {
	issuer, used, err := useTicket(ctx, tx, secretHash(ticket), TicketSecondFactor)
	if err != nil || !used {
		return false, err
	}
	if _, err := tx.Exec(ctx, "UPDATE credentials SET totp = NULL, totp_pending = NULL WHERE user_id = $1", tx.by.User); err != nil {
		return false, fmt.Errorf("take the second factor away: %w", err)
	}
	if _, err := tx.Exec(ctx, "DELETE FROM recovery_codes WHERE user_id = $1", tx.by.User); err != nil {
		return false, fmt.Errorf("forget the recovery codes: %w", err)
	}
	tx.audit(tx.by.Office, "second_factor_taken_away", anyID(tx.by.User), byTicket(issuer))
	return true, nil
}

// stepOf is the 30 seconds that a code belongs to, of those around now; 0: none.
func stepOf(secret, code string, now time.Time) int64 {
	if secret == "" || len(code) != 6 {
		return 0
	}
	var found int64
	for _, shift := range []int64{-1, 0, 1} {
		step := now.Unix()/codeLasts + shift
		want, err := totp.GenerateCodeCustom(secret, time.Unix(step*codeLasts, 0), totp.ValidateOpts{Period: codeLasts, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			found = step
		}
	}
	return found
}
