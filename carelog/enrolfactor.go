package carelog

import (
	"context"
	"encoding/base32"
	"fmt"
	"io"
	"strings"
)

// NewFactor is a second factor that waits for its first code.
type NewFactor struct {
	Secret string // as an authenticator takes it by hand
	URI    string // otpauth://
}

// EnrolSecondFactor begins to enrol a second factor (TOTP, RFC 6238). Whoever has
// one already gives a code of it, or a recovery code; it stays good until the new
// one is confirmed.
func (l *Log) EnrolSecondFactor(ctx context.Context, by Actor, code string) (NewFactor, error) {
	if by.Session.IsZero() || by.Awaits == AwaitsSecondFactor {
		return NewFactor{}, forbidden("sign in first")
	}
	random := make([]byte, 20)
	if _, err := io.ReadFull(l.random, random); err != nil {
		return NewFactor{}, fmt.Errorf("make a second factor: %w", err)
	}
	made, err := write(ctx, l, by.anew(), func(tx txn) (*NewFactor, error) {
		f, err := l.lockFactor(ctx, tx)
		if err != nil {
			return nil, err
		}
		if f.secret != "" {
			if right, err := l.codeIsRight(ctx, tx, f, code); err != nil || right == "" {
				return nil, err
			}
		}
		made := NewFactor{Secret: base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(random)}
		made.URI = otpauth(by.Login, made.Secret)
		_, err = tx.Exec(ctx, `INSERT INTO credentials (user_id, totp_pending) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET totp_pending = $2`,
			by.User, by.key.Seal([]byte(made.Secret), totpWaitsBox))
		if err != nil {
			return nil, fmt.Errorf("keep the second factor: %w", err)
		}
		return &made, nil
	})
	if err == nil && made == nil {
		err = invalid("code", isNotTheCode)
	}
	if err != nil {
		return NewFactor{}, err
	}
	return *made, nil
}

// PendingSecondFactor is the enrolment that waits for its first code, to be shown
// again; NotFound when none does.
func (l *Log) PendingSecondFactor(ctx context.Context, by Actor) (NewFactor, error) {
	return read(ctx, l, by, func(tx txn) (NewFactor, error) {
		f, err := l.lockFactor(ctx, tx)
		if err != nil {
			return NewFactor{}, err
		}
		if f.pending == "" {
			return NewFactor{}, notFound("enrolment of a second factor")
		}
		return NewFactor{f.pending, otpauth(by.Login, f.pending)}, nil
	})
}

func otpauth(login, secret string) string {
	return "otpauth://totp/Aftercare:" + login + "?secret=" + secret + "&issuer=Aftercare&algorithm=SHA1&digits=6&period=30"
}

// HasSecondFactor tells whether one's account has a confirmed second factor.
func (l *Log) HasSecondFactor(ctx context.Context, by Actor) (bool, error) {
	return read(ctx, l, by, func(tx txn) (bool, error) {
		f, err := l.lockFactor(ctx, tx)
		return f.secret != "", err
	})
}

// SecondFactor is what confirming a second factor gave: recovery codes, returned once
// and kept as hashes, and a session in place of the one it was done in.
type SecondFactor struct {
	RecoveryCodes []string
	Session       Session
}

// ConfirmEnrolment puts the new second factor in force by its first code, makes ten
// recovery codes in place of older ones, and ends all one's sessions: each was opened
// with less than there is to prove now. It gives a whole one.
func (l *Log) ConfirmEnrolment(ctx context.Context, by Actor, code string) (SecondFactor, error) {
	if by.Session.IsZero() || by.Awaits == AwaitsSecondFactor {
		return SecondFactor{}, forbidden("sign in first")
	}
	done, err := write(ctx, l, by.anew(), func(tx txn) (*SecondFactor, error) {
		f, err := l.lockFactor(ctx, tx)
		if err != nil {
			return nil, err
		}
		if f.pending == "" {
			return nil, conflict("no second factor waits to be confirmed: begin again")
		}
		step := stepOf(f.pending, strings.TrimSpace(code), tx.now)
		if f.locked(tx.now) {
			return nil, l.noteFailure(ctx, tx, f.account(), nil, "locked")
		}
		if step == 0 {
			return nil, l.noteFailure(ctx, tx, f.account(), nil, "wrong_code")
		}
		return l.putInForce(ctx, tx, f, step)
	})
	if err == nil && done == nil {
		err = invalid("code", isNotTheCode)
	}
	if err != nil {
		return SecondFactor{}, err
	}
	return *done, nil
}

func (l *Log) putInForce(ctx context.Context, tx txn, f factor, step int64) (*SecondFactor, error) {
	_, err := tx.Exec(ctx, "UPDATE credentials SET totp = $2, totp_pending = NULL, totp_step = $3 WHERE user_id = $1",
		f.user, tx.by.key.Seal([]byte(f.pending), totpBox), step)
	if err != nil {
		return nil, fmt.Errorf("put the second factor in force: %w", err)
	}
	var first string
	err = tx.QueryRow(ctx, "SELECT strength FROM sessions WHERE id = $1 AND ended_at IS NULL", tx.by.Session).Scan(&first)
	if err != nil {
		return nil, fmt.Errorf("read the session: %w", err)
	}
	if _, err := endSessions(ctx, tx, f.user, SessionID{}); err != nil {
		return nil, err
	}
	tx.audit(f.office, "second_factor_set", anyID(f.user), "")
	var done SecondFactor
	if done.RecoveryCodes, err = l.makeRecoveryCodes(ctx, tx); err != nil {
		return nil, err
	}
	first, _, _ = strings.Cut(first, "+")
	done.Session, err = l.openSession(ctx, tx, newSession{user: f.user, office: f.office, strength: first + "+totp"})
	return &done, err
}

// makeRecoveryCodes replaces a person's recovery codes.
func (l *Log) makeRecoveryCodes(ctx context.Context, tx txn) ([]string, error) {
	if _, err := tx.Exec(ctx, "DELETE FROM recovery_codes WHERE user_id = $1", tx.by.User); err != nil {
		return nil, fmt.Errorf("forget the recovery codes: %w", err)
	}
	codes := make([]string, recoveryCodes)
	for i := range codes {
		random := make([]byte, 10)
		if _, err := io.ReadFull(l.random, random); err != nil {
			return nil, fmt.Errorf("make recovery codes: %w", err)
		}
		text := base32.StdEncoding.EncodeToString(random)
		codes[i] = text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:]
		_, err := tx.Exec(ctx, "INSERT INTO recovery_codes (user_id, code_hash, made_at) VALUES ($1, $2, $3)", tx.by.User, l.recoveryHash(tx.by.User, codes[i]), tx.now)
		if err != nil {
			return nil, fmt.Errorf("keep recovery codes: %w", err)
		}
	}
	return codes, nil
}

func (l *Log) recoveryHash(user UserID, code string) []byte {
	code = strings.ToUpper(strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' {
			return -1
		}
		return r
	}, normal(code)))
	return l.keys.Index("recovery_code", user.String()+" "+code)
}
