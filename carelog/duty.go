package carelog

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

type dutyKind struct{}

// DutyID names an entry of the duty roster.
type DutyID = ID[dutyKind]

// Duty says who of an office gets what is red outside office hours, from and until when.
type Duty struct {
	ID       DutyID // given when it is recorded
	Office   OfficeID
	User     UserID
	UserName string // of lists
	From     time.Time
	Until    time.Time
}

// longestDuty bounds one entry of the roster.
const longestDuty = 62 * 24 * time.Hour

// SetDuty puts a person on the duty roster. A supervisor or administrator of the
// office may. Where entries overlap the newest holds: a swap is one more entry.
func (l *Log) SetDuty(ctx context.Context, by Actor, d Duty) (DutyID, error) {
	return write(ctx, l, by, func(tx txn) (DutyID, error) {
		if !by.may(d.Office, KeepDuty) {
			return DutyID{}, forbidden("the duty roster is kept by supervisors and administrators of the office")
		}
		if err := d.check(ctx, tx); err != nil {
			return DutyID{}, err
		}
		id := newID[dutyKind](tx.now, l.random)
		_, err := tx.Exec(ctx, `INSERT INTO duties (id, office_id, user_id, from_at, until_at, recorded_at, recorded_by)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`, id, d.Office, d.User, d.From, d.Until, tx.now, by.User)
		if err != nil {
			return DutyID{}, fmt.Errorf("insert duty: %w", err)
		}
		tx.audit(d.Office, "duty_set", anyID(d.User), d.From.UTC().Format(time.RFC3339)+" "+d.Until.UTC().Format(time.RFC3339))
		return id, nil
	})
}

// Duties lists the roster of the actor's offices as far as it is not over, oldest
// entry first; where entries overlap the last holds. Officers, supervisors and
// administrators may.
func (l *Log) Duties(ctx context.Context, by Actor, page Page) ([]Duty, error) {
	if !by.Holds(SeeRoster) {
		return nil, forbidden("only officers, supervisors and system administrators see leave and duty")
	}
	return read(ctx, l, by, func(tx txn) ([]Duty, error) {
		rows, err := tx.Query(ctx, `SELECT d.id, d.office_id, d.user_id, d.from_at, d.until_at, u.data_key, u.sealed
			FROM duties d LEFT JOIN users u ON u.id = d.user_id
			WHERE d.until_at > $1 AND d.id > $2 AND ($4 OR d.office_id = ANY ($5)) ORDER BY d.id LIMIT $3`,
			tx.now, page.afterOrFirst(), page.Limit, by.Kind == System, by.officesFor(SeeRoster))
		if err != nil {
			return nil, fmt.Errorf("list the duty roster: %w", err)
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Duty, err error) {
			var key, sealed []byte
			if err := row.Scan(&d.ID, &d.Office, &d.User, &d.From, &d.Until, &key, &sealed); err != nil {
				return d, err
			}
			user, err := l.openPerson(d.User, key, sealed, "users.sealed")
			d.UserName = user.Name
			return d, err
		})
	})
}

func (d Duty) check(ctx context.Context, tx txn) error {
	var p problems
	switch {
	case d.From.IsZero():
		p.add("from", isRequired)
	case d.Until.IsZero():
		p.add("until", isRequired)
	case !d.Until.After(d.From):
		p.add("until", endsBeforeItBegins)
	case !d.Until.After(tx.now):
		p.add("until", isInPast)
	case d.Until.Sub(d.From) > longestDuty:
		p.add("until", isOutsideWindow)
	}
	var able bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM users u JOIN grants g ON g.user_id = u.id AND g.role IN ('officer', 'supervisor')
		JOIN offices o ON o.id = $2 WHERE u.id = $1 AND u.state = 'active' AND g.office_id = ANY (o.path))`, d.User, d.Office).Scan(&able)
	if err != nil {
		return fmt.Errorf("read the duty officer: %w", err)
	}
	if !able {
		p.add("user_id", isNobodyForDuty)
	}
	return p.err()
}

// onDuty is who is on duty for the office now, by its own roster or the nearest
// one above; nobody where no roster says.
func onDuty(ctx context.Context, tx txn, office OfficeID) (UserID, error) {
	return dutyAt(ctx, tx, office, tx.now)
}

// dutyAt is who is on duty for the office at a moment, as the roster stands now.
func dutyAt(ctx context.Context, tx txn, office OfficeID, at time.Time) (UserID, error) {
	var user UserID
	if err := tx.QueryRow(ctx, "SELECT on_duty($1, $2)", office, at).Scan(&user); err != nil {
		return user, fmt.Errorf("find who is on duty: %w", err)
	}
	return user, nil
}
