// Aftercare keeps looking after the families of crime victims who were given
// state judicial aid: one-time aid, long-term care.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is stamped by the build.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "aftercare:", strings.ReplaceAll(err.Error(), "\n", "; "))
		os.Exit(1)
	}
}

// commands are what the binary can do. Every one exits non-zero on failure and
// says why in one line.
type commands struct {
	Demo     demoCommand     `cmd:"" help:"Run the demo county on a scratch database: the whole service, with simulated phones."`
	Serve    serveCommand    `cmd:"" help:"Run the service."`
	Migrate  migrateCommand  `cmd:"" help:"Bring the database to this binary's schema."`
	Admin    adminCommand    `cmd:"" help:"Set up offices and people, issue access tokens."`
	Import   importCommand   `cmd:"" help:"Enrol the recipients of a ledger (xlsx or csv), all or none."`
	Calendar calendarCommand `cmd:"" help:"Take in the State Council's notice of a year's working days, or take it back."`
	Keys     keysCommand     `cmd:"" help:"Make, rotate and count the keys."`
	Doctor   doctorCommand   `cmd:"" help:"Check the set-up, the schema and every history chain."`

	Simulate simulateCommand `cmd:"" help:"Run a whole population through years of care on a scratch database, with faults, and count whom the service forgot."`

	Version kong.VersionFlag `help:"Print the version."`
}

// noSecretsIn refuses a database password on the command line: everybody on the
// machine reads the process list.
func noSecretsIn(args []string) error {
	for i, arg := range args {
		name, value, given := strings.Cut(arg, "=")
		if !given && i+1 < len(args) {
			value = args[i+1]
		}
		if !strings.HasPrefix(name, "--") || !strings.HasSuffix(name, "-url") {
			continue
		}
		_, authority, _ := strings.Cut(value, "://")
		user, _, signsIn := strings.Cut(authority, "@")
		if signsIn && strings.Contains(user, ":") {
			return fmt.Errorf("%s: a password does not belong on the command line: set the variable AFTERCARE%s instead",
				name, strings.ToUpper(strings.ReplaceAll(name[1:], "-", "_")))
		}
	}
	return nil
}

// run is main without the process: tests call it too. What a command has to say
// goes to out.
func run(ctx context.Context, args []string, out io.Writer, prepare ...func(*commands)) error {
	var c commands
	for _, p := range prepare {
		p(&c)
	}
	parser, err := kong.New(&c, kong.Name("aftercare"), kong.UsageOnError(),
		kong.Description("One-time aid, long-term care: follow-up of judicial-aid recipients."),
		kong.Vars{"version": version, "faults": strings.Join(allFaults, ", ")}, kong.BindTo(ctx, (*context.Context)(nil)), kong.BindTo(out, (*io.Writer)(nil)))
	if err != nil {
		return err
	}
	if err := noSecretsIn(args); err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return err
	}
	return parsed.Run()
}
