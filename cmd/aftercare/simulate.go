package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/internal/embeddedpg"
	"aftercare/migrations"
)

// simulateCommand runs a whole population through years of care: the real verbs
// and the real sweeps on an injected clock and a real PostgreSQL, with people,
// households and a carrier that do what the seed says.
type simulateCommand struct {
	DataDir    string  `env:"AFTERCARE_DATA_DIR" help:"Where the scratch PostgreSQL keeps its data, in a directory simulate of its own."`
	PgBin      string  `env:"AFTERCARE_PG_BIN" help:"The directory of initdb and postgres, when they are not found."`
	Recipients int     `default:"2000" help:"How many recipients are enrolled over the time."`
	Years      float64 `default:"3" help:"How long it goes on, from 5 January 2026."`
	Officers   int     `default:"30" help:"How many officers there are, ten an office."`
	Seed       uint64  `default:"1" help:"What everybody does follows from it: the same seed gives the same result."`
	Faults     string  `default:"all" help:"What goes wrong: all, none, or a list of ${faults}."`
	Keep       bool    `help:"Leave the scratch database for a look afterwards."`

	from     calendar.Date                            // tests: another first day
	progress io.Writer                                // nil: the standard error
	meddle   func(context.Context, *simulation) error // tests: done after every simulated day
}

// Run simulates, prints the figures and fails when a promise was broken.
func (c *simulateCommand) Run(ctx context.Context, out io.Writer) (err error) {
	began := time.Now()
	plan, err := c.settings()
	if err != nil {
		return err
	}
	db, err := c.scratch(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.leave(ctx, db)) }()
	s, err := newSimulation(ctx, db, plan)
	if err != nil {
		return err
	}
	defer s.close()
	if c.progress != nil {
		s.progress = c.progress
	}
	s.meddle = c.meddle
	if err := s.run(ctx); err != nil {
		return fmt.Errorf("%s: %w", s.clock.now().Format("2006-01-02 15:04"), err)
	}
	return s.report(ctx, out, time.Since(began))
}

// simulationPlan is what is simulated: the flags, checked.
type simulationPlan struct {
	recipients, officers int
	span                 int // days
	from                 calendar.Date
	seed                 uint64
	faults               faults
}

func (c *simulateCommand) settings() (simulationPlan, error) {
	if os.Getenv("AFTERCARE_DATABASE_URL") != "" {
		return simulationPlan{}, errors.New("simulate runs on a scratch database of its own: unset AFTERCARE_DATABASE_URL")
	}
	if c.Recipients < 1 || c.Officers < 1 || c.Years <= 0 || c.Years > 20 {
		return simulationPlan{}, errors.New("--recipients and --officers want at least 1, --years more than 0 and at most 20")
	}
	chosen, err := parseFaults(c.Faults)
	from := c.from
	if from.IsZero() {
		from = firstDay
	}
	return simulationPlan{c.Recipients, c.Officers, max(1, int(c.Years*365.25)), from, c.Seed, chosen}, err
}

// scratchSettings trade what a crash of the machine would lose for speed. Vacuum
// and statistics are made at simulated moments, so that the machine's load
// changes no plan of a query.
var scratchSettings = map[string]string{
	"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "wal_level": "minimal", "max_wal_senders": "0",
	"autovacuum": "off", "shared_buffers": "256MB", "max_wal_size": "4GB", "checkpoint_timeout": "30min",
}

// scratch starts the private PostgreSQL of simulations with an empty database. It
// refuses one that holds recipients no simulation made.
func (c *simulateCommand) scratch(ctx context.Context) (*database, error) {
	dir, err := databaseFlags{DataDir: c.DataDir}.dataDir()
	if err != nil {
		return nil, err
	}
	log := newLogger(slog.LevelWarn)
	db, err := startDatabase(ctx, embeddedpg.Options{DataDir: filepath.Join(dir, "simulate"), BinDir: c.PgBin, Settings: scratchSettings, Log: log})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(db.onlySimulated(ctx)); err != nil {
		return nil, errors.Join(err, db.close(ctx))
	}
	if err := errors.Join(db.recreate(ctx), db.migrate(ctx)); err != nil {
		return nil, errors.Join(err, db.close(ctx))
	}
	return db, nil
}

// leave drops the scratch database, which can be a gigabyte, and stops its server.
func (c *simulateCommand) leave(ctx context.Context, db *database) error {
	ctx = context.WithoutCancel(ctx)
	var err error
	if !c.Keep {
		err = execAs(ctx, db.super, "DROP DATABASE IF EXISTS "+databaseName+" WITH (FORCE)")
	}
	return errors.Join(err, db.close(ctx))
}

// onlySimulated refuses a database that holds recipients beside anything but the
// simulator's line.
func (d *database) onlySimulated(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, d.owner)
	if err != nil {
		return fmt.Errorf("look at the scratch database: %w", err)
	}
	defer conn.Close(ctx)
	var tables bool
	if err := conn.QueryRow(ctx, "SELECT to_regclass('recipients') IS NOT NULL AND to_regclass('lines') IS NOT NULL").Scan(&tables); err != nil || !tables {
		return err
	}
	var recipients, simulated, others int
	err = conn.QueryRow(ctx, `SELECT (SELECT count(*) FROM recipients), count(*) FILTER (WHERE carrier = $1), count(*) FILTER (WHERE carrier <> $1) FROM lines`, simulator).
		Scan(&recipients, &simulated, &others)
	if err != nil {
		return fmt.Errorf("look at the scratch database: %w", err)
	}
	if recipients > 0 && (simulated == 0 || others > 0) {
		return errors.New("this database holds recipients that no simulation made: choose another AFTERCARE_DATA_DIR")
	}
	return nil
}

// recreate makes the database anew, empty.
func (d *database) recreate(ctx context.Context) error {
	for _, sql := range []string{"DROP DATABASE IF EXISTS " + databaseName + " WITH (FORCE)", "CREATE DATABASE " + databaseName + " OWNER " + migrations.RoleOwner} {
		if err := execAs(ctx, d.super, sql); err != nil {
			return fmt.Errorf("make a new scratch database: %w", err)
		}
	}
	return nil
}

// faults are what goes wrong in a simulation, by name.
type faults map[string]bool

// The faults, in the order in which help names them.
const (
	faultSMS       = "sms-outage"       // the carrier takes nothing for ten days, or does not say
	faultScheduler = "scheduler-outage" // no sweep and no drain for ten days
	faultCalendar  = "late-calendar"    // next year's notice comes when the year has begun
	faultCrashes   = "crashes"          // processes die between claim and receipt
	faultReports   = "reports"          // delivery reports twice, late and out of order
	faultLeave     = "leave"            // officers are away, and leave for good
	faultContacts  = "contacts"         // contacts answer late, wrongly, never, or stop
)

var allFaults = []string{faultSMS, faultScheduler, faultCalendar, faultCrashes, faultReports, faultLeave, faultContacts}

func parseFaults(list string) (faults, error) {
	chosen := faults{}
	if list == "none" {
		return chosen, nil
	}
	names := strings.Split(list, ",")
	if list == "all" {
		names = allFaults
	}
	for _, name := range names {
		if name = strings.TrimSpace(name); !slices.Contains(allFaults, name) {
			return nil, fmt.Errorf("--faults %q is none of all, none, %s", name, strings.Join(allFaults, ", "))
		}
		chosen[name] = true
	}
	return chosen, nil
}

func (f faults) String() string {
	switch len(f) {
	case 0:
		return "none"
	case len(allFaults):
		return "all"
	}
	var names []string
	for _, name := range allFaults {
		if f[name] {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}
