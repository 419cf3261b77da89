package calendar

import (
	"cmp"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"
)

const layout = "2006-01-02"

// The serial of 1970-01-01. Serials start at 1 on 0001-01-01, so that the zero
// value is free to mean "no date".
const epochSerial = 719163

const secondsPerDay = 86400

// A fixed zone: China has kept one offset since 1991, and a machine without
// tzdata must not shift every deadline by eight hours.
var shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

var errNotADate = errors.New("日期要写成 2026-11-24 这样的年-月-日，并且这一天要存在")

// Shanghai is the one time zone of care dates: fixed +08:00, named
// Asia/Shanghai, independent of any installed time zone data.
func Shanghai() *time.Location { return shanghai }

// Date is a civil date without time or zone. It is comparable with ==, can be
// a map key, and its zero value means "no date".
type Date struct {
	serial int32
}

// Of returns the date in Asia/Shanghai at the instant t. A zero t is no date.
func Of(t time.Time) Date {
	if t.IsZero() {
		return Date{}
	}
	return New(t.In(shanghai).Date())
}

// New returns the date of a year, month and day; values out of range carry
// over as in time.Date, so 32 January is 1 February.
func New(year int, month time.Month, day int) Date {
	unix := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix()
	// Exact: UTC midnights are multiples of a day, before 1970 too.
	return Date{serial: int32(unix/secondsPerDay) + epochSerial}
}

// Parse reads a date written 2026-11-24. The error is a sentence for people
// and never repeats the text, which may be personal.
func Parse(text string) (Date, error) {
	t, err := time.Parse(layout, text)
	if err != nil || t.Year() < 1 {
		return Date{}, errNotADate
	}
	return New(t.Date()), nil
}

// IsZero reports whether d is no date.
func (d Date) IsZero() bool { return d == Date{} }

// String writes the date as 2026-11-24, and no date as the empty string.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.utc().Format(layout)
}

// Chinese writes the month and day for people, as in 11月24日; no date is
// empty. The year is left out: texts speak of days near by.
func (d Date) Chinese() string {
	if d.IsZero() {
		return ""
	}
	_, month, day := d.utc().Date()
	return fmt.Sprintf("%d月%d日", int(month), day)
}

// MarshalText writes String; with it JSON and map keys work.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what Parse reads, and an empty text as no date.
func (d *Date) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// Value stores the date as a time at UTC midnight, and no date as NULL.
func (d Date) Value() (driver.Value, error) {
	if d.IsZero() {
		return nil, nil
	}
	return d.utc(), nil
}

// Scan reads a database date: a time.Time (its date as it stands, in its own
// zone, which is UTC midnight for a date column), text, or nil for no date.
// Never scan a timestamptz into a Date: use Of.
func (d *Date) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*d = Date{}
		return nil
	case time.Time:
		*d = New(v.Date())
		return nil
	case string:
		return d.UnmarshalText([]byte(v))
	case []byte:
		return d.UnmarshalText(v)
	default:
		return fmt.Errorf("scan a date: unexpected type %T", src)
	}
}

// Before reports whether d is earlier than other.
func (d Date) Before(other Date) bool { return d.serial < other.serial }

// After reports whether d is later than other.
func (d Date) After(other Date) bool { return d.serial > other.serial }

// Compare is -1, 0 or 1 as d is before, equal to or after other. No date comes
// before every date.
func (d Date) Compare(other Date) int { return cmp.Compare(d.serial, other.serial) }

// AddDays returns the date n calendar days later. No date stays no date.
func (d Date) AddDays(n int) Date {
	if d.IsZero() {
		return d
	}
	return Date{serial: d.serial + int32(n)}
}

// AddMonths returns the same day n months later, or the last day of that month
// when it is shorter: 31 January plus one is 28 or 29 February.
func (d Date) AddMonths(n int) Date {
	if d.IsZero() {
		return d
	}
	year, month, day := d.utc().Date()
	first := New(year, month+time.Month(n), 1)
	last := New(first.Year(), first.Month()+1, 0)
	return first.AddDays(min(day, last.Day()) - 1)
}

// AddYears is AddMonths of twelve: 29 February becomes 28 in a common year.
func (d Date) AddYears(n int) Date { return d.AddMonths(12 * n) }

// Sub returns the calendar days from other to d.
func (d Date) Sub(other Date) int { return int(d.serial - other.serial) }

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday { return time.Weekday(((d.serial % 7) + 7) % 7) }

// Year returns the year of d.
func (d Date) Year() int { return d.utc().Year() }

// Month returns the month of d.
func (d Date) Month() time.Month { return d.utc().Month() }

// Day returns the day of the month of d.
func (d Date) Day() int { return d.utc().Day() }

// At returns the instant of a wall clock time on that date in Asia/Shanghai.
// No date gives the zero time.
func (d Date) At(hour, minute int) time.Time {
	if d.IsZero() {
		return time.Time{}
	}
	year, month, day := d.utc().Date()
	return time.Date(year, month, day, hour, minute, 0, 0, shanghai)
}

// Age returns the completed years on a date of somebody born on d. Who was
// born on 29 February completes a year on 1 March of a common year. A date
// before the birth, or no date, gives 0.
func (d Date) Age(on Date) int {
	if d.IsZero() || on.Before(d) {
		return 0
	}
	years := on.Year() - d.Year()
	if on.Month() < d.Month() || (on.Month() == d.Month() && on.Day() < d.Day()) {
		years--
	}
	return years
}

func (d Date) utc() time.Time {
	return time.Unix(int64(d.serial-epochSerial)*secondsPerDay, 0).UTC()
}
