package carelog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

// ImportHolidaysOptions say how a year's notice is taken in.
type ImportHolidaysOptions struct {
	Preview bool // tell what would move, keep nothing
}

// HolidayImport is a year's notice that came into force, or would, and what it moves.
type HolidayImport struct {
	Notice    NoticeID `json:"notice_id"` // zero: a preview
	Year      int      `json:"year"`
	Unchanged bool     `json:"unchanged"` // the notice in force says the same: nothing was done
	DaysChanged
}

// previewError rolls back what was only looked at.
type previewError[T any] struct{ found T }

func (previewError[T]) Error() string { return "a preview keeps nothing" }

// previewed runs do in a transaction, which is rolled back when it is only a
// preview: what it tells is exactly what would be done.
func previewed[T any](ctx context.Context, l *Log, by Actor, preview bool, do func(tx txn) (T, error)) (T, error) {
	if !preview {
		return write(ctx, l, by, do)
	}
	_, err := read(ctx, l, by.anew(), func(tx txn) (T, error) {
		found, err := do(tx)
		if err == nil {
			err = previewError[T]{found}
		}
		return found, err
	})
	var told previewError[T]
	if errors.As(err, &told) {
		return told.found, nil
	}
	var none T
	return none, err
}

// mayAnnounce lets in who may change the nation's working days: the operator, or
// an administrator of every office at the top of the tree, as all others move with it.
func mayAnnounce(ctx context.Context, tx txn) error {
	if tx.by.Kind == System {
		return nil
	}
	refused := forbidden("only an administrator of the top office changes the nation's working days")
	var whole bool
	if err := tx.QueryRow(ctx, "SELECT scope_is_whole()").Scan(&whole); err != nil {
		return fmt.Errorf("look at the scope: %w", err)
	}
	if !whole {
		return refused
	}
	rows, err := tx.Query(ctx, "SELECT id FROM offices WHERE parent_id IS NULL")
	if err != nil {
		return fmt.Errorf("find the top offices: %w", err)
	}
	roots, err := pgx.CollectRows(rows, pgx.RowTo[OfficeID])
	if err != nil {
		return fmt.Errorf("find the top offices: %w", err)
	}
	for _, root := range roots {
		if !tx.by.may(root, KeepHolidays) {
			return refused
		}
	}
	return nil
}

// ImportHolidays takes in a year's notice in the form of holiday-cn, and lays
// anew what it touches: future, unsent work of running plans, in one transaction.
// Every problem of the file is told at once, by its path, and then nothing is
// done. A notice of a year replaces the one before it until it is rolled back; the
// same again is unchanged. The operator and an administrator of the top office may.
func (l *Log) ImportHolidays(ctx context.Context, by Actor, data []byte, o ImportHolidaysOptions) (HolidayImport, error) {
	notice, faults := calendar.ParseHolidays(data)
	if err := holidayProblems(faults); err != nil {
		return HolidayImport{}, err
	}
	return previewed(ctx, l, by, o.Preview, func(tx txn) (HolidayImport, error) {
		if err := mayAnnounce(ctx, tx); err != nil {
			return HolidayImport{}, err
		}
		made := HolidayImport{Year: notice.Year}
		made.Preview = o.Preview
		known, err := inForce(ctx, tx, notice)
		if err != nil || !known.IsZero() {
			made.Notice, made.Unchanged = known, err == nil
			made.DaysChanged = nothingChanged(o.Preview)
			return made, err
		}
		id := newID[noticeKind](tx.now, l.random)
		made.DaysChanged, err = l.turnDays(ctx, tx, daysTurn{
			why:   fmt.Sprintf("the notice of the working days of %d came into force", notice.Year),
			write: func(tx txn) error { return insertNotice(ctx, tx, id, notice) },
		})
		if err != nil {
			return HolidayImport{}, err
		}
		made.Preview = o.Preview
		if !o.Preview {
			made.Notice = id
		}
		tx.audit(by.Office, "holidays_imported", anyID(id), made.audited(notice.Year))
		return made, nil
	})
}

func nothingChanged(preview bool) DaysChanged {
	return DaysChanged{Preview: preview, Days: []ChangedDay{}, Offices: []OfficeMoves{}, Moves: []Move{}}
}

func (d DaysChanged) audited(what any) string {
	return fmt.Sprintf("%v: %d days, %d check-ins of %d recipients moved", what, len(d.Days), d.CheckIns, d.Recipients)
}

func holidayProblems(faults []calendar.Problem) error {
	var p problems
	for _, f := range faults {
		field := f.Path
		if field == "" {
			field = "file"
		}
		p.add(field, reason{f.Reason, f.Chinese})
	}
	return p.err()
}

// inForce is the id of the year's notice in force if it says the same.
func inForce(ctx context.Context, tx txn, notice calendar.Notice) (NoticeID, error) {
	var id NoticeID
	var papers []string
	err := tx.QueryRow(ctx, "SELECT id, papers FROM calendar_notices WHERE year = $1 AND state = 'active' ORDER BY id DESC LIMIT 1", notice.Year).Scan(&id, &papers)
	if none(err) {
		return NoticeID{}, nil
	}
	if err != nil {
		return NoticeID{}, fmt.Errorf("read the notice in force: %w", err)
	}
	dates, offs, names := noticeColumns(notice)
	var same bool
	err = tx.QueryRow(ctx, `SELECT $2::text[] = $3::text[] AND NOT EXISTS (
			(SELECT day, off, name FROM calendar_notice_days WHERE notice_id = $1) EXCEPT SELECT * FROM unnest($4::date[], $5::bool[], $6::text[]))
		AND cardinality($4::date[]) = (SELECT count(*) FROM calendar_notice_days WHERE notice_id = $1)`,
		id, papers, notice.Papers, dates, offs, names).Scan(&same)
	if err != nil {
		return NoticeID{}, fmt.Errorf("compare with the notice in force: %w", err)
	}
	if !same {
		return NoticeID{}, nil
	}
	return id, nil
}

func noticeColumns(n calendar.Notice) (dates []calendar.Date, offs []bool, names []string) {
	for _, day := range n.Days {
		dates, offs, names = append(dates, day.Date), append(offs, day.Off), append(names, day.Name)
	}
	return dates, offs, names
}

func insertNotice(ctx context.Context, tx txn, id NoticeID, n calendar.Notice) error {
	_, err := tx.Exec(ctx, "INSERT INTO calendar_notices (id, year, papers, imported_at, imported_by) VALUES ($1, $2, $3, $4, $5)",
		id, n.Year, n.Papers, tx.now, tx.by.User)
	if err != nil {
		return fmt.Errorf("insert notice: %w", err)
	}
	dates, offs, names := noticeColumns(n)
	_, err = tx.Exec(ctx, `INSERT INTO calendar_notice_days (notice_id, day, off, name)
		SELECT $1, * FROM unnest($2::date[], $3::bool[], $4::text[])`, id, dates, offs, names)
	if err != nil {
		return fmt.Errorf("insert the notice's days: %w", err)
	}
	return nil
}

// RollBackHolidays takes a notice out of force again: the one before it, or the
// shipped calendar, holds, and what it had moved is laid anew. Of a year's notices
// only the one in force can be rolled back; anything else is a Conflict. The same
// may as import.
func (l *Log) RollBackHolidays(ctx context.Context, by Actor, id NoticeID, o ImportHolidaysOptions) (HolidayImport, error) {
	return previewed(ctx, l, by, o.Preview, func(tx txn) (HolidayImport, error) {
		if err := mayAnnounce(ctx, tx); err != nil {
			return HolidayImport{}, err
		}
		made := HolidayImport{Notice: id}
		err := tx.QueryRow(ctx, "SELECT year FROM calendar_notices WHERE id = $1", id).Scan(&made.Year)
		if none(err) {
			return HolidayImport{}, notFound("notice")
		}
		if err != nil {
			return HolidayImport{}, fmt.Errorf("read notice: %w", err)
		}
		made.DaysChanged, err = l.turnDays(ctx, tx, daysTurn{
			why:   fmt.Sprintf("the notice of the working days of %d was rolled back", made.Year),
			write: func(tx txn) error { return retractNotice(ctx, tx, id, made.Year) },
		})
		if err != nil {
			return HolidayImport{}, err
		}
		made.Preview = o.Preview
		tx.audit(by.Office, "holidays_rolled_back", anyID(id), made.audited(made.Year))
		return made, nil
	})
}

func retractNotice(ctx context.Context, tx txn, id NoticeID, year int) error {
	var newest NoticeID
	err := tx.QueryRow(ctx, "SELECT id FROM calendar_notices WHERE year = $1 AND state = 'active' ORDER BY id DESC LIMIT 1", year).Scan(&newest)
	if err != nil && !none(err) {
		return fmt.Errorf("read the notice in force: %w", err)
	}
	if newest != id {
		return conflict("this notice is not in force: only the notice in force of a year can be rolled back")
	}
	_, err = tx.Exec(ctx, "UPDATE calendar_notices SET state = 'rolled_back', rolled_back_at = $2, rolled_back_by = $3 WHERE id = $1", id, tx.now, tx.by.User)
	if err != nil {
		return fmt.Errorf("roll notice back: %w", err)
	}
	return nil
}

// CalendarYear is a year's working days as an office has them.
type CalendarYear struct {
	Year     int            `json:"year"`
	Official bool           `json:"official"` // its notice is known; else the law's days, provisional
	Days     []calendar.Day // what a notice, the law or the office singles out, in order
	Notices  []NoticeTaken  // every import, newest first
	Closures []ClosureTaken // of the office and those above it, by date
}

// NoticeTaken is one import of a year's notice.
type NoticeTaken struct {
	ID         NoticeID   `json:"notice_id"`
	Papers     []string   `json:"papers"`
	State      string     `json:"state"` // active, rolled_back; of several active ones the newest is in force
	ImportedAt time.Time  `json:"imported_at"`
	RolledBack *time.Time `json:"rolled_back_at"`
}

// Calendar reads a year's working days as the actor's office has them (the
// nation's for the system), with the imports and closures behind them. Everybody
// who signs in may.
func (l *Log) Calendar(ctx context.Context, by Actor, year int) (CalendarYear, error) {
	if year < 1 || year > 9999 {
		return CalendarYear{}, invalid("year", isOutsideWindow)
	}
	return read(ctx, l, by, func(tx txn) (CalendarYear, error) {
		cal := tx.cal(by.Office)
		found := CalendarYear{Year: year, Official: cal.OfficialYear(year)}
		from, until := calendar.New(year, time.January, 1), calendar.New(year, time.December, 31)
		found.Days = cal.Named(from, until)
		rows, err := tx.Query(ctx, "SELECT id, papers, state, imported_at, rolled_back_at FROM calendar_notices WHERE year = $1 ORDER BY id DESC LIMIT 200", year)
		if err != nil {
			return found, fmt.Errorf("list notices: %w", err)
		}
		if found.Notices, err = pgx.CollectRows(rows, pgx.RowToStructByPos[NoticeTaken]); err != nil {
			return found, fmt.Errorf("list notices: %w", err)
		}
		found.Closures, err = listClosures(ctx, tx, by.Office, from, until)
		return found, err
	})
}
