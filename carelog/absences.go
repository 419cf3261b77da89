package carelog

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

type absenceKind struct{}

// AbsenceID names a time somebody is on leave.
type AbsenceID = ID[absenceKind]

// Absence is a time somebody of ours is on leave, whole days, and who acts for them.
type Absence struct {
	ID     AbsenceID
	User   UserID
	From   calendar.Date // the first day of it
	Until  calendar.Date // the last day of it
	Deputy UserID

	UserName, DeputyName string // lists alone give them
}

// longestAbsence bounds what one entry may say: a longer leave is a hand-over of the plans.
const longestAbsence = 366

// What can be wrong with a leave or the roster.
var (
	isThePerson     = reason{"is the person themself: name somebody else", "不能是本人,请另选他人"}
	isNoDeputy      = reason{"does not hold the same roles over this office, or is no longer there", "该人员在本单位没有相同的职责,或已离开"}
	leadsBack       = reason{"is stood in for, on some of these days, by the person themself: choose another", "该代理人在这段时间又由本人代理,请另选他人"}
	isNobodyForDuty = reason{"is no officer or supervisor of this office", "不是本单位的承办人或负责人"}
)

// SetAbsence records a leave. The person themself, a supervisor or an
// administrator of their office may. The deputy holds the same roles over the
// person's office and does not lead back to them on any of the days. From then on
// every text to the person goes to whoever stands in, those planned before as well.
func (l *Log) SetAbsence(ctx context.Context, by Actor, a Absence) (AbsenceID, error) {
	return write(ctx, l, by, func(tx txn) (AbsenceID, error) {
		office, err := l.lockAbsences(ctx, tx, by, a.User)
		if err != nil {
			return AbsenceID{}, err
		}
		if err := a.check(tx); err != nil {
			return AbsenceID{}, err
		}
		if err := checkDeputy(ctx, tx, a); err != nil {
			return AbsenceID{}, err
		}
		id := newID[absenceKind](tx.now, l.random)
		_, err = tx.Exec(ctx, `INSERT INTO absences (id, office_id, user_id, deputy_id, from_on, until_on, recorded_at, recorded_by)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, id, office, a.User, a.Deputy, a.From, a.Until, tx.now, by.User)
		if err != nil {
			return AbsenceID{}, fmt.Errorf("insert absence: %w", err)
		}
		tx.audit(office, "absence_set", anyID(a.User), a.From.String()+" "+a.Until.String())
		return id, nil
	})
}

// lockAbsences finds the person's office, asks who may, and keeps a second entry
// for the same person waiting.
func (l *Log) lockAbsences(ctx context.Context, tx txn, by Actor, user UserID) (OfficeID, error) {
	var office OfficeID
	err := tx.QueryRow(ctx, "SELECT office_id FROM users WHERE id = $1 AND state = 'active'", user).Scan(&office)
	if none(err) {
		return office, notFound("user")
	}
	if err != nil {
		return office, fmt.Errorf("read user: %w", err)
	}
	if !by.may(office, KeepRoster) && !by.mayForOneself(user, OwnLeave) {
		return office, forbidden("a leave is recorded by the person, or by a supervisor or administrator of the office")
	}
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended('absences:' || $1::text, 0))", user.String()); err != nil {
		return office, fmt.Errorf("lock the absences: %w", err)
	}
	return office, nil
}

func (a Absence) check(tx txn) error {
	var p problems
	switch {
	case a.From.IsZero():
		p.add("from", isRequired)
	case a.From.Before(tx.today().AddDays(-longestAbsence)):
		p.add("from", isOutsideWindow)
	}
	switch {
	case a.Until.IsZero():
		p.add("until", isRequired)
	case a.Until.Before(tx.today()):
		p.add("until", isInPast)
	case a.Until.Before(a.From):
		p.add("until", endsBeforeItBegins)
	case a.Until.After(a.From.AddDays(longestAbsence)):
		p.add("until", isOutsideWindow)
	}
	if a.Deputy.IsZero() {
		p.add("deputy_id", isRequired)
	} else if a.Deputy == a.User {
		p.add("deputy_id", isThePerson)
	}
	return p.err()
}

func checkDeputy(ctx context.Context, tx txn, a Absence) error {
	var able, loops, twice bool
	err := tx.QueryRow(ctx, `SELECT may_deputise($1, $2), deputies_loop($1, $2, $3, $4),
		EXISTS (SELECT FROM absences WHERE user_id = $1 AND ended_at IS NULL AND from_on <= $4 AND until_on >= $3)`,
		a.User, a.Deputy, a.From, a.Until).Scan(&able, &loops, &twice)
	switch {
	case err != nil:
		return fmt.Errorf("check the deputy: %w", err)
	case twice:
		return conflict("a leave is recorded for some of these days already: end that one first")
	case !able:
		return invalid("deputy_id", isNoDeputy)
	case loops:
		return invalid("deputy_id", leadsBack)
	}
	return nil
}

// EndAbsence ends a leave: the person is back early, or never went. Whoever may
// record one may end it.
func (l *Log) EndAbsence(ctx context.Context, by Actor, id AbsenceID) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		var user UserID
		err := tx.QueryRow(ctx, "SELECT user_id FROM absences WHERE id = $1 AND ended_at IS NULL", id).Scan(&user)
		if none(err) {
			return struct{}{}, notFound("leave")
		}
		if err != nil {
			return struct{}{}, fmt.Errorf("read absence: %w", err)
		}
		office, err := l.lockAbsences(ctx, tx, by, user)
		if err != nil {
			return struct{}{}, err
		}
		_, err = tx.Exec(ctx, "UPDATE absences SET ended_at = $2, ended_by = $3 WHERE id = $1 AND ended_at IS NULL", id, tx.now, by.User)
		if err != nil {
			return struct{}{}, fmt.Errorf("end absence: %w", err)
		}
		tx.audit(office, "absence_ended", anyID(user), "")
		return struct{}{}, nil
	})
	return err
}

// Absences lists the leaves of the actor's offices that are not over, in the
// order they were recorded.
func (l *Log) Absences(ctx context.Context, by Actor, page Page) ([]Absence, error) {
	if !by.Holds(SeeRoster) {
		return nil, forbidden("only officers, supervisors and system administrators see leave and duty")
	}
	return read(ctx, l, by, func(tx txn) ([]Absence, error) {
		rows, err := tx.Query(ctx, `SELECT a.id, a.user_id, a.from_on, a.until_on, a.deputy_id, u.data_key, u.sealed, d.data_key, d.sealed
			FROM absences a LEFT JOIN users u ON u.id = a.user_id LEFT JOIN users d ON d.id = a.deputy_id
			WHERE a.ended_at IS NULL AND a.until_on >= $1 AND a.id > $2 AND ($4 OR a.office_id = ANY ($5)) ORDER BY a.id LIMIT $3`,
			tx.today(), page.afterOrFirst(), page.Limit, by.Kind == System, by.officesFor(SeeRoster))
		if err != nil {
			return nil, fmt.Errorf("list absences: %w", err)
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (a Absence, err error) {
			var key, sealed, deputyKey, deputySealed []byte
			if err := row.Scan(&a.ID, &a.User, &a.From, &a.Until, &a.Deputy, &key, &sealed, &deputyKey, &deputySealed); err != nil {
				return a, err
			}
			user, err := l.openPerson(a.User, key, sealed, "users.sealed")
			if err != nil {
				return a, err
			}
			deputy, err := l.openPerson(a.Deputy, deputyKey, deputySealed, "users.sealed")
			a.UserName, a.DeputyName = user.Name, deputy.Name
			return a, err
		})
	})
}

// standIn is who acts for an officer or supervisor now, and why it is not
// themself: the first of the chain of deputies who is there, else the head of
// department, else the office above. Where nobody is, it stays the person.
func (l *Log) standIn(ctx context.Context, tx txn, user UserID) (UserID, string, error) {
	var deputy UserID
	var until calendar.Date
	var office OfficeID
	err := tx.QueryRow(ctx, "SELECT stands_in($1, $2), away_until($1, $2), (SELECT office_id FROM users WHERE id = $1)", user, tx.today()).
		Scan(&deputy, &until, &office)
	if err != nil {
		return user, "", fmt.Errorf("find who stands in: %w", err)
	}
	why := "no longer there"
	if !until.IsZero() {
		why = "on leave until " + until.String()
	}
	if deputy == user {
		return user, "", nil
	}
	if !deputy.IsZero() {
		return deputy, why + ": told the deputy", nil
	}
	heads, err := whoHears(ctx, tx, office, "head")
	if err != nil {
		return user, "", err
	}
	for _, head := range heads {
		if err := tx.QueryRow(ctx, "SELECT stands_in($1, $2)", head, tx.today()).Scan(&deputy); err != nil {
			return user, "", fmt.Errorf("find who stands in: %w", err)
		}
		if !deputy.IsZero() && deputy != user {
			return deputy, why + ", no deputy is there: told the head of department", nil
		}
	}
	return user, "", nil
}

// notice is a text to one person, and why they get it.
type notice struct {
	user UserID
	why  string
}

// presentOnly puts whoever stands in for them in the people's places, each once.
// Why is said of those who are told in their own right.
func (l *Log) presentOnly(ctx context.Context, tx txn, people []UserID, why string) ([]notice, error) {
	var present []notice
	for _, user := range people {
		there, insteadWhy, err := l.standIn(ctx, tx, user)
		if err != nil {
			return nil, err
		}
		if !isTold(present, there) {
			present = append(present, notice{there, cmp.Or(insteadWhy, why)})
		}
	}
	return present, nil
}

func isTold(present []notice, user UserID) bool {
	return slices.ContainsFunc(present, func(n notice) bool { return n.user == user })
}
