package carelog

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// mayHandleAccounts tells who handles the accounts of an office's people: tickets,
// locks, and who leaves. The one place that says so.
func mayHandleAccounts(by Actor, office OfficeID) bool { return by.may(office, KeepAccounts) }

// What a ticket is for.
const (
	TicketPassword     = "password"      // the first one, or a new one
	TicketSecondFactor = "second_factor" // another one; it goes in the place of a code, after the password
)

// Ticket is what somebody begins with, or begins again: handed over in person, good
// once. The secret is returned once and kept as a hash.
type Ticket struct {
	Secret    string
	Login     string
	ExpiresAt time.Time
}

// ticketLasts is how long a ticket is good: a first one may lie over a holiday's
// beginning, one to begin again is used by somebody who waits for it.
const (
	firstTicketLasts = 7 * 24 * time.Hour
	ticketLasts      = 24 * time.Hour
)

type ticketKind struct{}

// bothWithin is how long whoever issued a ticket for a password issues none for the
// second factor of the same account, and the other way round: alone they would be in it.
const bothWithin = 30 * 24 * time.Hour

// IssueTicket makes a ticket for somebody to set a password or another second
// factor, in place of any made before. A password that is lost may have been found:
// it ends with its sessions and tokens at once. A security administrator of every office
// where the person holds a role may, never for themself; so may the system. A Conflict
// where the same administrator has issued the other kind in the last 30 days: password
// and second factor of one account take two.
func (l *Log) IssueTicket(ctx context.Context, by Actor, user UserID, purpose string) (Ticket, error) {
	if purpose != TicketPassword && purpose != TicketSecondFactor {
		return Ticket{}, invalid("purpose", isUnknown)
	}
	secret, err := l.newSecret("at_")
	if err != nil {
		return Ticket{}, err
	}
	return write(ctx, l, by.anew(), func(tx txn) (Ticket, error) {
		t := Ticket{Secret: secret, ExpiresAt: tx.now.Add(ticketLasts)}
		person, err := accountToHandle(ctx, tx, user)
		if err != nil {
			return t, err
		}
		t.Login = person.login
		if err := reachesAll(ctx, tx, user); err != nil {
			return t, err
		}
		if person.duty == programDuty {
			return t, conflict("a program signs in nowhere: issue a token")
		}
		had, err := hasBegun(ctx, tx, user)
		if err != nil {
			return t, err
		}
		first := purpose == TicketPassword && !had
		if first {
			t.ExpiresAt = tx.now.Add(firstTicketLasts)
		}
		if err := notBoth(ctx, tx, user, purpose); err != nil {
			return t, err
		}
		if purpose == TicketPassword && had {
			if _, err := tx.Exec(ctx, "UPDATE credentials SET password = NULL WHERE user_id = $1", user); err != nil {
				return t, fmt.Errorf("end the password: %w", err)
			}
			if _, err := endSecrets(ctx, tx, user); err != nil {
				return t, err
			}
		}
		if err := endTickets(ctx, tx, user); err != nil {
			return t, err
		}
		_, err = tx.Exec(ctx, `INSERT INTO account_tickets (id, user_id, secret_hash, purpose, issued_by, issued_at, expires_at, first)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, newID[ticketKind](tx.now, l.random), user, secretHash(secret), purpose, by.User, tx.now, t.ExpiresAt, first)
		if err != nil {
			return t, fmt.Errorf("insert ticket: %w", err)
		}
		tx.audit(person.office, "ticket_issued", anyID(user), purpose)
		return t, nil
	})
}

// hasBegun tells whether somebody has ever had anything to sign in with.
func hasBegun(ctx context.Context, tx txn, user UserID) (bool, error) {
	var has bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM credentials WHERE user_id = $1 AND (changed_at IS NOT NULL OR totp IS NOT NULL))
		OR EXISTS (SELECT FROM sso_identities WHERE user_id = $1)`, user).Scan(&has)
	if err != nil {
		return false, fmt.Errorf("look for a password: %w", err)
	}
	return has, nil
}

// notBoth refuses whoever would alone begin both halves of an account again. A first
// ticket gives nobody what somebody else had.
func notBoth(ctx context.Context, tx txn, user UserID, purpose string) error {
	var other bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM account_tickets WHERE user_id = $1 AND issued_by = $2 AND purpose <> $3 AND NOT first AND issued_at > $4)`,
		user, tx.by.User, purpose, tx.now.Add(-bothWithin)).Scan(&other)
	if err != nil {
		return fmt.Errorf("look for other tickets: %w", err)
	}
	if other {
		return conflict("nobody alone begins both the password and the second factor of an account again: ask another security administrator, or the operator")
	}
	return nil
}

// reachesAll refuses where the person holds a role in an office whose accounts the
// actor does not handle: their secret would open more than the actor may.
func reachesAll(ctx context.Context, tx txn, user UserID) error {
	if tx.by.Kind == System {
		return nil
	}
	var beyond bool
	if err := tx.QueryRow(ctx, "SELECT holds_beyond($1, $2)", user, tx.by.officesFor(KeepAccounts)).Scan(&beyond); err != nil {
		return fmt.Errorf("look for roles out of reach: %w", err)
	}
	if beyond {
		return forbidden("the account holds a role in an office beyond yours: a security administrator of that office does this")
	}
	return nil
}

// account is somebody's whose account is handled.
type account struct {
	office OfficeID
	login  string
	duty   string
}

// accountToHandle finds an active person, locks their row so that nothing new is
// made theirs, and asks who may.
func accountToHandle(ctx context.Context, tx txn, user UserID) (account, error) {
	var a account
	err := tx.QueryRow(ctx, "SELECT office_id, login, duty FROM users WHERE id = $1 AND state = 'active' FOR UPDATE", user).Scan(&a.office, &a.login, &a.duty)
	if none(err) {
		return a, notFound("user")
	}
	if err != nil {
		return a, fmt.Errorf("read user: %w", err)
	}
	if !mayHandleAccounts(tx.by, a.office) {
		return a, forbidden("only a security administrator of the person's office does this")
	}
	if tx.by.User == user {
		return a, forbidden("nobody does this for themself: ask another administrator, or the operator")
	}
	return a, nil
}

func endTickets(ctx context.Context, tx txn, user UserID) error {
	_, err := tx.Exec(ctx, "UPDATE account_tickets SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL", user, tx.now)
	if err != nil {
		return fmt.Errorf("end tickets: %w", err)
	}
	return nil
}

// useTicket ends a ticket by using it, and tells who issued it (zero: the operator); one
// that was used meanwhile is refused.
func useTicket(ctx context.Context, tx txn, hash []byte, purpose string) (issuer UserID, used bool, err error) {
	err = tx.QueryRow(ctx, `UPDATE account_tickets SET ended_at = $3 WHERE user_id = $1 AND secret_hash = $2 AND purpose = $4
		AND ended_at IS NULL AND expires_at > $3 RETURNING issued_by`, tx.by.User, hash, tx.now, purpose).Scan(&issuer)
	if none(err) {
		return issuer, false, nil
	}
	if err != nil {
		return issuer, false, fmt.Errorf("use ticket: %w", err)
	}
	return issuer, true, nil
}

// byTicket is how the audit names the issuer of the ticket that was used.
func byTicket(issuer UserID) string {
	if issuer.IsZero() {
		return "ticket of the operator"
	}
	return "ticket of " + issuer.String()
}

// ticketsTold is for how long people are told at every sign-in who issued a ticket for
// their account: longer than leave lasts, and whoever came before them cannot end it.
const ticketsTold = 30 * 24 * time.Hour

// HandedTicket is a ticket that somebody else had made for one's account.
type HandedTicket struct {
	At      time.Time
	Purpose string
	Issuer  string // login; empty: the operator
}

// OwnTickets lists the tickets of the last 30 days to begin one's own account again,
// newest first.
func (l *Log) OwnTickets(ctx context.Context, by Actor) ([]HandedTicket, error) {
	return read(ctx, l, by, func(tx txn) ([]HandedTicket, error) {
		rows, err := tx.Query(ctx, "SELECT issued_at, purpose, issuer FROM own_tickets($1)", tx.now.Add(-ticketsTold))
		if err != nil {
			return nil, fmt.Errorf("list tickets: %w", err)
		}
		return pgx.CollectRows(rows, pgx.RowToStructByPos[HandedTicket])
	})
}

// Unlock lets somebody in again whose account is locked after failures. An
// administrator of their office may, never for themself; so may the system.
func (l *Log) Unlock(ctx context.Context, by Actor, user UserID) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		person, err := accountToHandle(ctx, tx, user)
		if err != nil {
			return struct{}{}, err
		}
		tx.audit(person.office, "account_unlocked", anyID(user), "")
		return struct{}{}, forgetFailures(ctx, tx, user)
	})
	return err
}

// HandlesAccounts tells whether the actor handles the accounts of some office.
func (a Actor) HandlesAccounts() bool {
	return a.Holds(KeepAccounts)
}

// Staff is somebody who signs in, as those who handle their account see them.
type Staff struct {
	ID           UserID   `json:"user_id"`
	Office       OfficeID `json:"office_id"`
	Login        string   `json:"login"`
	Name         string   `json:"name"`
	Roles        []string `json:"roles" nullable:"false"` // in any office
	State        string   `json:"state"`                  // active, left
	Password     bool     `json:"password"`
	SecondFactor bool     `json:"second_factor"`
	Locked       bool     `json:"locked"`
	Plans        int      `json:"plans"` // open ones they are responsible for
}

// StaffOf lists the people of the offices whose accounts the actor handles, in the
// order they came; the read goes into the audit.
func (l *Log) StaffOf(ctx context.Context, by Actor, page Page) ([]Staff, error) {
	if !by.HandlesAccounts() {
		return nil, forbidden("only a security administrator lists the people of an office")
	}
	offices := by.officesFor(KeepAccounts)
	return write(ctx, l, by.anew(), func(tx txn) ([]Staff, error) {
		rows, err := tx.Query(ctx, `SELECT u.id, u.office_id, u.login, u.data_key, u.sealed, u.state,
				ARRAY(SELECT DISTINCT g.role FROM grants g WHERE g.user_id = u.id ORDER BY g.role),
				coalesce(c.password IS NOT NULL, false), coalesce(c.totp IS NOT NULL, false), coalesce(c.locked_until > $1, false),
				(SELECT count(*) FROM care_plans p WHERE p.officer_id = u.id AND p.state <> 'closed')
			FROM users u LEFT JOIN credentials c ON c.user_id = u.id
			WHERE u.office_id = ANY ($2) AND u.id > $3 ORDER BY u.id LIMIT $4`, tx.now, offices, page.afterOrFirst(), page.Limit)
		if err != nil {
			return nil, fmt.Errorf("list people: %w", err)
		}
		staff, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Staff, err error) {
			var key, sealed []byte
			err = row.Scan(&p.ID, &p.Office, &p.Login, &key, &sealed, &p.State, &p.Roles, &p.Password, &p.SecondFactor, &p.Locked, &p.Plans)
			if err != nil {
				return p, err
			}
			facts, err := l.openPerson(p.ID, key, sealed, "users.sealed")
			p.Name = facts.Name
			return p, err
		})
		if err != nil {
			return nil, fmt.Errorf("list people: %w", err)
		}
		tx.audit(by.Office, "staff_read", anyID{}, strconv.Itoa(len(staff)))
		return staff, nil
	})
}
