package carelog

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/internal/crypt"
)

// Limits of a session: document 5 wants 10 to 15 minutes idle; a working day is the rest.
const (
	SessionIdle  = 15 * time.Minute
	SessionLasts = 12 * time.Hour
	halfLasts    = 5 * time.Minute // between the password and the second factor
)

// What a session waits for before it is good for anything else.
const (
	AwaitsSecondFactor = "second_factor"
	AwaitsEnrolment    = "enrolment"
)

type sessionKind struct{}

// SessionID names a session.
type SessionID = ID[sessionKind]

// Session is what signing in gave. The secret is returned once and kept as a hash.
type Session struct {
	Secret string
	Awaits string // AwaitsSecondFactor, AwaitsEnrolment; empty: nothing
	Lasts  time.Duration
}

// newSession is a session on its way in.
type newSession struct {
	user     UserID
	office   OfficeID
	strength string
	awaits   string
}

func (l *Log) openSession(ctx context.Context, tx txn, n newSession) (Session, error) {
	secret, err := l.newSecret("as_")
	if err != nil {
		return Session{}, err
	}
	s := Session{Secret: secret, Awaits: n.awaits, Lasts: SessionLasts}
	idle := SessionIdle
	if n.awaits == AwaitsSecondFactor {
		s.Lasts, idle = halfLasts, halfLasts
	}
	_, err = tx.Exec(ctx, `INSERT INTO sessions (id, user_id, secret_hash, strength, awaits, created_at, seen_at, idle_ends_at, ends_at)
		VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8)`,
		newID[sessionKind](tx.now, l.random), n.user, secretHash(secret), n.strength, n.awaits, tx.now, tx.now.Add(idle), tx.now.Add(s.Lasts))
	if err != nil {
		return s, fmt.Errorf("insert session: %w", err)
	}
	if n.awaits != AwaitsSecondFactor {
		tx.audit(n.office, "signed_in", anyID(n.user), n.strength)
	}
	return s, nil
}

// newSecret makes 32 random bytes in letters, behind what tells its kind.
func (l *Log) newSecret(prefix string) (string, error) {
	random := make([]byte, 32)
	if _, err := io.ReadFull(l.random, random); err != nil {
		return "", fmt.Errorf("make a secret: %w", err)
	}
	return prefix + base64.RawURLEncoding.EncodeToString(random), nil
}

// AuthenticateSession turns a session's secret into the actor it stands for. One
// that is unknown, idle too long, over or ended is Unauthorized, and so are people
// who left. An actor whose session awaits something has no rights anywhere.
func (l *Log) AuthenticateSession(ctx context.Context, secret string) (Actor, error) {
	over := &Error{Kind: Unauthorized, Message: "sign in: the session is over"}
	if secret == "" || len(secret) > 200 {
		return Actor{}, over
	}
	a := Actor{Kind: Person}
	var rights rightsRow
	err := l.db.QueryRow(ctx, `SELECT session_id, awaits, user_id, office_id, login, data_key, sealed, right_offices, right_roles
		FROM authenticate_session($1, $2, $3)`, secretHash(secret), l.Now(), SessionIdle).
		Scan(&a.Session, &a.Awaits, &a.User, &a.Office, &a.Login, &rights.key, &rights.sealed, &rights.offices, &rights.roles)
	if none(err) {
		return Actor{}, over
	}
	if err != nil {
		return Actor{}, fmt.Errorf("authenticate session: %w", err)
	}
	if a.Awaits != "" {
		rights.offices = nil
	}
	return l.openActor(a, rights)
}

// rightsRow is what the database says of an actor's name and rights.
type rightsRow struct {
	key, sealed []byte
	offices     []OfficeID // ordered
	roles       []Role     // held there
}

func (l *Log) openActor(a Actor, row rightsRow) (Actor, error) {
	var err error
	if a.key, err = l.keys.Unwrap(a.User, row.key); err != nil {
		return Actor{}, fmt.Errorf("open the user's key: %w", err)
	}
	facts, err := crypt.OpenJSON[personFacts](a.key, row.sealed, "users.sealed")
	if err != nil {
		return Actor{}, fmt.Errorf("open the user: %w", err)
	}
	a.Name = facts.Name
	a.rights = map[Role]map[OfficeID]bool{}
	for i, office := range row.offices {
		if a.rights[row.roles[i]] == nil {
			a.rights[row.roles[i]] = map[OfficeID]bool{}
		}
		a.rights[row.roles[i]][office] = true
		if len(a.scope) == 0 || a.scope[len(a.scope)-1] != office {
			a.scope = append(a.scope, office)
		}
	}
	return a, nil
}

// ActAs is the person of a login with the rights they have, for the length of a
// command: what the operator does in their name is theirs in the histories. Only
// the system may; it goes into the audit.
func (l *Log) ActAs(ctx context.Context, by Actor, login string) (Actor, error) {
	if by.Kind != System {
		return Actor{}, forbidden("only the operator acts for somebody")
	}
	return write(ctx, l, by, func(tx txn) (Actor, error) {
		a := Actor{Kind: Person}
		var row rightsRow
		err := tx.QueryRow(ctx, `SELECT u.id, u.office_id, u.login, u.data_key, u.sealed, array_agg(x.office_id ORDER BY x.office_id, x.role), array_agg(x.role ORDER BY x.office_id, x.role)
			FROM users u CROSS JOIN LATERAL rights_of(u.id) x WHERE u.login = lower($1) AND u.state = 'active' GROUP BY u.id`, login).
			Scan(&a.User, &a.Office, &a.Login, &row.key, &row.sealed, &row.offices, &row.roles)
		if none(err) {
			return a, notFound("user")
		}
		if err != nil {
			return a, fmt.Errorf("read user: %w", err)
		}
		tx.audit(a.Office, "acted_as", anyID(a.User), "")
		return l.openActor(a, row)
	})
}

// SignOut ends the session the actor came with.
func (l *Log) SignOut(ctx context.Context, by Actor) error {
	return l.EndSession(ctx, by, by.Session)
}

// EndSession ends a session of one's own.
func (l *Log) EndSession(ctx context.Context, by Actor, id SessionID) error {
	_, err := write(ctx, l, by.anew(), func(tx txn) (struct{}, error) {
		tag, err := tx.Exec(ctx, "UPDATE sessions SET ended_at = $3 WHERE id = $1 AND user_id = $2 AND ended_at IS NULL", id, by.User, tx.now)
		if err != nil {
			return struct{}{}, fmt.Errorf("end session: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return struct{}{}, notFound("session")
		}
		tx.audit(by.Office, "session_ended", anyID(by.User), "")
		return struct{}{}, nil
	})
	return err
}

// endSessions ends a person's sessions but one (zero: all), and tells how many.
func endSessions(ctx context.Context, tx txn, user UserID, but SessionID) (int, error) {
	tag, err := tx.Exec(ctx, "UPDATE sessions SET ended_at = $3 WHERE user_id = $1 AND id IS DISTINCT FROM $2 AND ended_at IS NULL AND ends_at > $3", user, but, tx.now)
	if err != nil {
		return 0, fmt.Errorf("end sessions: %w", err)
	}
	return int(tag.RowsAffected()), nil
}

// endSecrets ends all sessions and tokens of a person, and tells how many.
func endSecrets(ctx context.Context, tx txn, user UserID) (int, error) {
	ended, err := endSessions(ctx, tx, user, SessionID{})
	if err != nil {
		return 0, err
	}
	tag, err := tx.Exec(ctx, "UPDATE tokens SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2", user, tx.now)
	if err != nil {
		return 0, fmt.Errorf("revoke tokens: %w", err)
	}
	return ended + int(tag.RowsAffected()), nil
}

// OpenSession is a session as its owner sees it.
type OpenSession struct {
	ID        SessionID
	Strength  string
	CreatedAt time.Time
	SeenAt    time.Time // give or take a minute
}

// Sessions lists one's own sessions that are not over, newest first.
func (l *Log) Sessions(ctx context.Context, by Actor) ([]OpenSession, error) {
	return read(ctx, l, by, func(tx txn) ([]OpenSession, error) {
		rows, err := tx.Query(ctx, `SELECT id, strength, created_at, seen_at FROM sessions
			WHERE user_id = $1 AND ended_at IS NULL AND idle_ends_at > $2 AND ends_at > $2 ORDER BY id DESC LIMIT $3`, by.User, tx.now, mostShown)
		if err != nil {
			return nil, fmt.Errorf("list sessions: %w", err)
		}
		return pgx.CollectRows(rows, pgx.RowToStructByPos[OpenSession])
	})
}

// forgetSignIns forgets what signing in left behind and the audit tells anyway.
func forgetSignIns(ctx context.Context, tx txn, limit int) error {
	before := tx.now.Add(-answersKept)
	_, err := tx.Exec(ctx, "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE ends_at < $1 ORDER BY ends_at LIMIT $2)", before, limit)
	if err != nil {
		return fmt.Errorf("forget sessions: %w", err)
	}
	_, err = tx.Exec(ctx, "DELETE FROM sign_in_addresses WHERE address_hash IN (SELECT address_hash FROM sign_in_addresses WHERE failed_at < $1 LIMIT $2)", before, limit)
	if err != nil {
		return fmt.Errorf("forget addresses: %w", err)
	}
	return nil
}
