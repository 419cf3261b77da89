package carelog

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

// workdays are the working days as one version of the database has them. They
// never change, so that transactions share them.
type workdays struct {
	version  int64
	national *calendar.Calendar
	local    map[OfficeID]*calendar.Calendar // of the offices with closures, their own or of an office above
}

func (w *workdays) of(office OfficeID) *calendar.Calendar {
	if local, ok := w.local[office]; ok {
		return local
	}
	return w.national
}

// cal is the working days of an office as this transaction knows them: one
// reading a transaction, so that what it plans agrees with itself.
func (tx txn) cal(office OfficeID) *calendar.Calendar { return tx.days.of(office) }

// dueFloor is the first due date that is not overdue in an office today: on a rest
// day the last working day's check-ins still count as due, and while an office is
// closed those of its last open day.
func (tx txn) dueFloor(office OfficeID) calendar.Date { return tx.cal(office).RollBack(tx.today()) }

// dueFloors are the floors of all offices, for a statement over many: the
// nation's, and those of the few offices that differ from it on that day. Every due date
// before latest is looked at by an index; dueFloorOf then asks for its office.
type dueFloors struct {
	latest, national calendar.Date
	offices          []OfficeID
	dates            []calendar.Date
}

func (tx txn) dueFloors(today calendar.Date) dueFloors {
	f := dueFloors{national: tx.days.national.RollBack(today), offices: []OfficeID{}, dates: []calendar.Date{}}
	f.latest = f.national
	for office, cal := range tx.days.local {
		floor := cal.RollBack(today)
		if floor == f.national {
			continue
		}
		f.offices, f.dates = append(f.offices, office), append(f.dates, floor)
		if floor.After(f.latest) {
			f.latest = floor
		}
	}
	return f
}

// dueFloorOf is SQL for the floor of an office's column; its three placeholders
// are the arguments offices, dates and national.
func dueFloorOf(column, offices, dates, national string) string {
	return fmt.Sprintf("coalesce((%s::date[])[array_position(%s::uuid[], %s)], %s::date)", dates, offices, column, national)
}

// stillAhead is SQL for a check-in c that is to come: its day is not over, or the
// hour of its clock; the placeholders are those of dueFloorOf and the moment.
func stillAhead(offices, dates, national, now string) string {
	return fmt.Sprintf("c.state = 'planned' AND CASE WHEN c.real_time THEN c.act_by > %s ELSE c.due >= %s END", now, dueFloorOf("c.office_id", offices, dates, national))
}

// closuresKept is how far back an office's closures are remembered: they tell how
// long ago, in working days, something was due.
const closuresKept = -2 // years

// currentDays are the working days of a version: those remembered when nothing
// changed since, else as they are read now. Another process sees a change in the
// next transaction it begins.
func (l *Log) currentDays(ctx context.Context, tx txn, version int64) (*workdays, error) {
	known := l.days.Load()
	if known.version == version {
		return known, nil
	}
	days, err := l.readDays(ctx, tx, version)
	if err == nil {
		l.days.Store(days)
	}
	return days, err
}

// readDays reads the working days as the transaction sees them now.
func (l *Log) readDays(ctx context.Context, tx txn, version int64) (*workdays, error) {
	notices, err := noticesInForce(ctx, tx)
	if err != nil {
		return nil, err
	}
	w := &workdays{version: version, national: l.calendar.Announce(notices...), local: map[OfficeID]*calendar.Calendar{}}
	days, err := closedDays(ctx, tx, w.national)
	if err != nil {
		return nil, err
	}
	for office, own := range days {
		w.local[office] = w.national.Local(own)
	}
	return w, nil
}

// noticesInForce are, of each year's notices, the newest that was not rolled back.
func noticesInForce(ctx context.Context, tx txn) ([]calendar.Notice, error) {
	rows, err := tx.Query(ctx, `SELECT n.year, d.day, d.off, d.name FROM calendar_notice_days d
		JOIN (SELECT DISTINCT ON (year) id, year FROM calendar_notices WHERE state = 'active' ORDER BY year, id DESC) n ON n.id = d.notice_id
		ORDER BY n.year, d.day`)
	if err != nil {
		return nil, fmt.Errorf("read the notices in force: %w", err)
	}
	var notices []calendar.Notice
	var year int
	var day calendar.Day
	_, err = pgx.ForEachRow(rows, []any{&year, &day.Date, &day.Off, &day.Name}, func() error {
		if len(notices) == 0 || notices[len(notices)-1].Year != year {
			notices = append(notices, calendar.Notice{Year: year})
		}
		day.Source, day.Official = calendar.NoticeOf(year), true
		last := &notices[len(notices)-1]
		last.Days = append(last.Days, day)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the notices in force: %w", err)
	}
	return notices, nil
}

// closedDays are the days that offices close or work beside the nation's. Of
// several for one day the office's own holds, then the latest.
func closedDays(ctx context.Context, tx txn, national *calendar.Calendar) (map[OfficeID][]calendar.Day, error) {
	rows, err := tx.Query(ctx, "SELECT for_office, from_day, until_day, worked, name FROM closures_in_force($1)", tx.today().AddYears(closuresKept))
	if err != nil {
		return nil, fmt.Errorf("read the closures: %w", err)
	}
	days := map[OfficeID][]calendar.Day{}
	var office OfficeID
	var from, until calendar.Date
	var worked bool
	var name string
	_, err = pgx.ForEachRow(rows, []any{&office, &from, &until, &worked, &name}, func() error {
		for d := from; !d.After(until); d = d.AddDays(1) {
			day := calendar.Day{Date: d, Off: !worked, Name: name, Source: closureSource}
			if !worked && !national.IsWorkday(d) {
				day = national.Day(d) // a rest day keeps its own name
			}
			days[office] = append(days[office], day)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the closures: %w", err)
	}
	return days, nil
}

// closureSource is where a closed day of an office comes from, for people.
const closureSource = "本单位停办公或上班安排"

// The lock between a change of the working days and whoever lays check-ins at the
// same moment: shared by those who laid some, from just before they commit.
const daysLock = 0x61667465726361 // "afterca"

// errDaysChanged begins a transaction again that laid check-ins by working days
// that changed meanwhile.
var errDaysChanged = errors.New("the working days changed meanwhile")

// sameDays makes sure that what this transaction laid down was laid by the working
// days in force, and keeps them so until it commits.
func (tx txn) sameDays(ctx context.Context) error {
	if !tx.pending.laid {
		return nil
	}
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock_shared($1)", daysLock); err != nil {
		return fmt.Errorf("keep the working days: %w", err)
	}
	var version int64
	if err := tx.QueryRow(ctx, "SELECT version FROM calendar_version").Scan(&version); err != nil {
		return fmt.Errorf("read the calendar's version: %w", err)
	}
	if version != tx.days.version {
		return errDaysChanged
	}
	return nil
}
