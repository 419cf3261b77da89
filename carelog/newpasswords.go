package carelog

import (
	"context"
	"fmt"
)

// SetPassword takes a ticket for a password. The person signs in with it then; all
// their sessions end. Unauthorized when the ticket is not good; Invalid when the
// password is not; Forbidden when whoever is signed in at that browser (the zero Actor:
// nobody) issued it.
func (l *Log) SetPassword(ctx context.Context, at Actor, ticket, password string) error {
	notGood := &Error{Kind: Unauthorized, Message: "the ticket is unknown, used or expired: ask for a new one"}
	if ticket == "" || len(ticket) > 200 {
		return notGood
	}
	by := Actor{Kind: Person}
	var id ID[ticketKind]
	var purpose string
	err := l.db.QueryRow(ctx, "SELECT ticket_id, user_id, office_id, login, purpose FROM find_ticket($1, $2)", secretHash(ticket), l.Now()).
		Scan(&id, &by.User, &by.Office, &by.Login, &purpose)
	if none(err) || (err == nil && purpose != TicketPassword) {
		return notGood
	}
	if err != nil {
		return fmt.Errorf("find ticket: %w", err)
	}
	hash, err := l.newPassword(ctx, by, password)
	if err != nil {
		return err
	}
	_, err = write(ctx, l, by, func(tx txn) (struct{}, error) {
		issuer, used, err := useTicket(ctx, tx, secretHash(ticket), TicketPassword)
		if err != nil {
			return struct{}{}, err
		}
		if !used {
			return struct{}{}, notGood
		}
		if !issuer.IsZero() && issuer == at.User {
			return struct{}{}, forbidden("whoever issues a ticket does not use it: hand it over")
		}
		return struct{}{}, l.keepPassword(ctx, tx, hash, byTicket(issuer))
	})
	return err
}

// newPassword checks a password that is to be and makes its hash. No transaction
// is open while it is made.
func (l *Log) newPassword(ctx context.Context, by Actor, password string) (string, error) {
	var probs problems
	l.passwords.check(&probs, "new_password", by.Login, password)
	if err := probs.err(); err != nil {
		return "", err
	}
	return l.passwords.hash(ctx, password)
}

// keepPassword puts the actor's new password in force: their other sessions and
// their tickets end, and a lock is over.
func (l *Log) keepPassword(ctx context.Context, tx txn, hash, how string) error {
	_, err := tx.Exec(ctx, `INSERT INTO credentials (user_id, password, changed_at) VALUES ($1, $2, $3)
		ON CONFLICT (user_id) DO UPDATE SET password = $2, changed_at = $3, failures = 0, failed_at = NULL, locked_until = NULL`, tx.by.User, hash, tx.now)
	if err != nil {
		return fmt.Errorf("keep the password: %w", err)
	}
	if _, err := endSessions(ctx, tx, tx.by.User, tx.by.Session); err != nil {
		return err
	}
	if err := endTickets(ctx, tx, tx.by.User); err != nil {
		return err
	}
	tx.audit(tx.by.Office, "password_changed", anyID(tx.by.User), how)
	return nil
}

// ChangePassword replaces one's own password and ends all one's other sessions.
// A wrong present one counts as a failed sign-in.
func (l *Log) ChangePassword(ctx context.Context, by Actor, present, next string) error {
	if by.Session.IsZero() || by.Awaits != "" {
		return forbidden("sign in with the second factor first")
	}
	s := signingIn{user: by.User, office: by.Office}
	err := l.db.QueryRow(ctx, "SELECT coalesce(password, '') FROM find_login($1)", by.Login).Scan(&s.password)
	if err != nil {
		return fmt.Errorf("read the password: %w", err)
	}
	right, err := l.passwords.verify(ctx, present, s.password)
	if err != nil {
		return err
	}
	hash := ""
	if right {
		if hash, err = l.newPassword(ctx, by, next); err != nil {
			return err
		}
	}
	changed, err := write(ctx, l, by.anew(), func(tx txn) (bool, error) {
		class, err := l.judgeAttempt(ctx, tx, s, right)
		if err != nil {
			return false, err
		}
		if class != "" {
			return false, l.noteFailure(ctx, tx, s, nil, class)
		}
		return true, l.keepPassword(ctx, tx, hash, "")
	})
	if err == nil && !changed {
		err = invalid("present_password", isNotThePasswd)
	}
	return err
}
