package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"aftercare/carelog"
)

// calendarCommand changes the nation's working days. The operator runs it.
type calendarCommand struct {
	Import   calendarImport   `cmd:"" help:"Take in a year's notice (the year's JSON file of holiday-cn) and lay anew what it touches."`
	Rollback calendarRollback `cmd:"" help:"Take a year's notice out of force again."`
}

type calendarImport struct {
	databaseFlags
	File    string `arg:"" type:"existingfile" help:"The year's file, such as 2027.json."`
	Preview bool   `help:"Tell what would move and keep nothing."`
	carrierFlags
}

// maxHolidays bounds what is read of a file: a year takes 4 KiB.
const maxHolidays = 1 << 20

// Run imports the notice, or shows what it would move.
func (c *calendarImport) Run(ctx context.Context, out io.Writer) error {
	file, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxHolidays))
	if err != nil {
		return err
	}
	return c.change(ctx, c.databaseFlags, out, func(s *service) (carelog.HolidayImport, error) {
		return s.work.ImportHolidays(ctx, carelog.TheSystem(), data, carelog.ImportHolidaysOptions{Preview: c.Preview})
	})
}

type calendarRollback struct {
	databaseFlags
	Notice  string `arg:"" help:"The id that the import printed."`
	Preview bool   `help:"Tell what would move and keep nothing."`
	carrierFlags
}

// Run takes the notice out of force, or shows what that would move.
func (c *calendarRollback) Run(ctx context.Context, out io.Writer) error {
	var id carelog.NoticeID
	if err := id.UnmarshalText([]byte(c.Notice)); err != nil || id.IsZero() {
		return errors.New("the notice is named by the id that the import printed")
	}
	return c.change(ctx, c.databaseFlags, out, func(s *service) (carelog.HolidayImport, error) {
		return s.work.RollBackHolidays(ctx, carelog.TheSystem(), id, carelog.ImportHolidaysOptions{Preview: c.Preview})
	})
}

// change runs a change of the working days and prints what it moved. Texts are
// planned on the line that serve sends from.
func (c carrierFlags) change(ctx context.Context, db databaseFlags, out io.Writer, act func(*service) (carelog.HolidayImport, error)) error {
	if err := c.checkCarrier(); err != nil {
		return err
	}
	return db.with(ctx, c.Carrier, func(s *service) error {
		if err := s.ensureLines(ctx, c); err != nil {
			return err
		}
		made, err := act(s)
		if err != nil {
			return err
		}
		return printDays(out, made)
	})
}

func printDays(w io.Writer, made carelog.HolidayImport) error {
	if made.Unchanged {
		_, err := fmt.Fprintf(w, "%d: the notice %s in force says the same, nothing was done\n", made.Year, made.Notice)
		return err
	}
	for _, day := range made.Days {
		fmt.Fprintf(w, "%s %s: %s\n", day.Date, map[bool]string{true: "is worked", false: "is off"}[day.Worked], day.Name)
	}
	for _, m := range made.Moves {
		fmt.Fprintf(w, "check-in %s (%s): %s -> %s\n", m.CheckIn, m.Step, m.From, m.To)
	}
	if rest := made.CheckIns - len(made.Moves); rest > 0 {
		fmt.Fprintf(w, "and %d more\n", rest)
	}
	for _, o := range made.Offices {
		fmt.Fprintf(w, "%s: %d check-ins of %d recipients\n", o.Name, o.CheckIns, o.Recipients)
	}
	if made.Preview {
		_, err := fmt.Fprintf(w, "%d: %d days change, %d check-ins of %d recipients would move (preview, nothing changed)\n", made.Year, len(made.Days), made.CheckIns, made.Recipients)
		return err
	}
	_, err := fmt.Fprintf(w, "%d: notice %s, %d days changed, %d check-ins of %d recipients moved\n", made.Year, made.Notice, len(made.Days), made.CheckIns, made.Recipients)
	return err
}
