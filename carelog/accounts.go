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

// IssueTicket makes a ticket for somebody to set a password or another second
// factor, in place of any made before. A password that is lost may have been found:
// it ends with its sessions at once. A security administrator of the person's office may,
// never for themself; so may the system.
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
		if person.duty == programDuty {
			return t, conflict("a program signs in nowhere: issue a token")
		}
		var had bool
		err = tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM credentials WHERE user_id = $1 AND changed_at IS NOT NULL)", user).Scan(&had)
		if err != nil {
			return t, fmt.Errorf("look for a password: %w", err)
		}
		if purpose == TicketPassword && !had {
			t.ExpiresAt = tx.now.Add(firstTicketLasts)
		}
		if purpose == TicketPassword && had {
			if _, err := tx.Exec(ctx, "UPDATE credentials SET password = NULL WHERE user_id = $1", user); err != nil {
				return t, fmt.Errorf("end the password: %w", err)
			}
			if _, err := endSessions(ctx, tx, user, SessionID{}); err != nil {
				return t, err
			}
		}
		if err := endTickets(ctx, tx, user); err != nil {
			return t, err
		}
		_, err = tx.Exec(ctx, `INSERT INTO account_tickets (id, user_id, secret_hash, purpose, issued_by, issued_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`, newID[ticketKind](tx.now, l.random), user, secretHash(secret), purpose, by.User, tx.now, t.ExpiresAt)
		if err != nil {
			return t, fmt.Errorf("insert ticket: %w", err)
		}
		tx.audit(person.office, "ticket_issued", anyID(user), purpose)
		return t, nil
	})
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

// useTicket ends a ticket by using it; one that was used meanwhile is refused.
func useTicket(ctx context.Context, tx txn, hash []byte, purpose string) (bool, error) {
	tag, err := tx.Exec(ctx, `UPDATE account_tickets SET ended_at = $3 WHERE user_id = $1 AND secret_hash = $2 AND purpose = $4
		AND ended_at IS NULL AND expires_at > $3`, tx.by.User, hash, tx.now, purpose)
	if err != nil {
		return false, fmt.Errorf("use ticket: %w", err)
	}
	return tag.RowsAffected() == 1, nil
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
