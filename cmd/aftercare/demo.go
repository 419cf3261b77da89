package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
	"aftercare/notify"
)

// demoCommand runs the demo county: the whole service on a scratch database,
// with simulated phones in the carrier's place.
type demoCommand struct {
	databaseFlags
	listenFlags
	At    string `help:"Start the clock there (2026-11-24T09:00, Shanghai time) and let it run on."`
	Fresh bool   `help:"Throw the scratch database away first."`

	listening func(addr string)
}

// Run sets the demo up, prints where it is, and serves until interrupted.
func (c *demoCommand) Run(ctx context.Context, out io.Writer) (err error) {
	began := time.Now()
	now, err := c.clock()
	if err != nil {
		return err
	}
	if c.DatabaseURL != "" {
		return errors.New("the demo runs on a scratch database of its own: unset AFTERCARE_DATABASE_URL")
	}
	dir, err := c.dataDir()
	if err != nil {
		return err
	}
	dir = filepath.Join(dir, "demo")
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w (choose another with --listen)", c.Listen, err)
	}
	defer listener.Close()
	d := &demo{now: now, log: newLogger(slog.LevelWarn), dir: dir, address: "http://" + listener.Addr().String()}
	if err := d.open(ctx, c); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close(ctx)) }()
	if err := d.prepare(ctx); err != nil {
		return err
	}
	if err := d.announce(ctx, out, time.Since(began)); err != nil {
		return err
	}
	if c.listening != nil {
		c.listening(listener.Addr().String())
	}
	return d.service.serveOn(ctx, listener, d.handler(), notify.NewCarriers(d.carrier), roleAll)
}

// clock is the injected clock: the system's, or one that starts at --at.
func (c *demoCommand) clock() (func() time.Time, error) {
	if c.At == "" {
		return time.Now, nil
	}
	for _, form := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02"} {
		if at, err := time.ParseInLocation(form, c.At, calendar.Shanghai()); err == nil {
			shift := time.Until(at)
			return func() time.Time { return time.Now().Add(shift) }, nil
		}
	}
	return nil, fmt.Errorf("--at %s is not a time: write it as 2026-11-24T09:00", c.At)
}

// demo is the running demo.
type demo struct {
	now     func() time.Time
	log     *slog.Logger
	dir     string
	address string
	token   string // signs the simulated carrier's webhooks
	db      *database
	service *service
	carrier *notify.Simulator
	people  demoPeople
	replay  *replay // while the past is worked through
}

// simulator is the name of the demo's carrier, in lines and in stored messages.
const simulator = "simulator"

// open starts the private PostgreSQL and the service on it. Data that was
// recorded later than the clock's now is thrown away: it is a scratch database.
func (d *demo) open(ctx context.Context, c *demoCommand) error {
	if err := os.MkdirAll(d.dir, 0o711); err != nil {
		return fmt.Errorf("make the demo's directory: %w", err)
	}
	keys, err := d.keys()
	if err != nil {
		return err
	}
	if keys, err = c.sealing(keys); err != nil {
		return err
	}
	if d.db, err = c.openDatabase(ctx, d.dir, d.log); err != nil {
		return err
	}
	if err := d.refreshed(ctx, c.Fresh); err != nil {
		return errors.Join(err, d.db.close(ctx))
	}
	d.service, err = newService(ctx, serviceConfig{
		db: d.db, keys: keys, carrier: simulator, now: d.now, log: d.log,
		signIn: carelog.SignInRules{SecondFactor: "none"},
	})
	if err != nil {
		return errors.Join(err, d.db.close(ctx))
	}
	d.carrier, err = notify.NewSimulator(ctx, notify.SimulatorConfig{
		PublicURL: d.address, Token: d.token, From: demoLine, Now: d.carrierNow, Log: d.log,
		AcceptDelay: 150 * time.Millisecond, SentDelay: 500 * time.Millisecond, DeliveredDelay: 1500 * time.Millisecond,
		Failing: map[string]string{demoDeadPhone: "30005"}, File: filepath.Join(d.dir, "handsets.jsonl"),
		OnReport: d.reported, OnInbound: d.replied,
	})
	if err != nil {
		d.service.close()
		return errors.Join(err, d.db.close(ctx))
	}
	return nil
}

func (d *demo) close(ctx context.Context) error {
	end, done := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer done()
	err := d.carrier.Close(end)
	d.service.close()
	return errors.Join(err, d.db.close(ctx))
}

// keys are the demo's own, made once and kept beside its scratch database.
func (d *demo) keys() (*crypt.Keyring, error) {
	path := filepath.Join(d.dir, "keys")
	body, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		master, index, makeErr := crypt.GenerateKeys(nil)
		if makeErr != nil {
			return nil, makeErr
		}
		token, _, makeErr := crypt.GenerateKeys(nil)
		if makeErr != nil {
			return nil, makeErr
		}
		body = []byte(strings.Join([]string{master, index, token}, "\n"))
		err = os.WriteFile(path, body, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("keep the demo's keys: %w", err)
	}
	parts := bytes.Fields(body)
	if len(parts) != 3 {
		return nil, fmt.Errorf("%s is damaged: remove the demo's directory", path)
	}
	d.token = string(parts[2])
	return crypt.NewKeyring(string(parts[0]), string(parts[1]))
}

// announce prints where the demo is and how to get in.
func (d *demo) announce(ctx context.Context, out io.Writer, took time.Duration) error {
	logins, err := d.logins(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, `
Aftercare demo, ready in %.1f s. The clock says %s in Shanghai.

  console   %s/
  phones    %s/phones   (one officer, two village contacts: SMS arrive there, replies start there)
  API       %s/docs

`, took.Seconds(), calendar.Of(d.now()).String()+d.now().In(calendar.Shanghai()).Format(" 15:04"), d.address, d.address, d.address)
	for _, login := range logins {
		fmt.Fprintf(out, "  %-10s login %-8s access token %s\n", login.title, login.name, login.token)
	}
	fmt.Fprintf(out, "  password   %s, everybody's, on the console (the tokens are for the API)\n", demoPassword)
	fmt.Fprintf(out, "\n  ledger    %s\n  Ctrl-C stops it.\n\n", d.ledgerPath())
	return nil
}

// demoPassword lets everybody of the demo in, and nobody anywhere else: it stands in
// this file, so it is no password.
const demoPassword = "four-walnuts-by-the-well"

// demoLogin is how somebody of the demo gets in.
type demoLogin struct{ title, name, token string }

// logins gives the demo's people its password, and tokens for the API: their secrets
// are kept nowhere, so every start prints new ones.
func (d *demo) logins(ctx context.Context) ([]demoLogin, error) {
	var out []demoLogin
	system, work := carelog.TheSystem(), d.service.work
	for _, person := range demoStaff {
		user, err := work.UserByLogin(ctx, system, person.login)
		if err != nil {
			return nil, err
		}
		ticket, err := work.IssueTicket(ctx, system, user, carelog.TicketPassword)
		if err != nil {
			return nil, err
		}
		if err := work.SetPassword(ctx, carelog.Actor{}, ticket.Secret, demoPassword); err != nil {
			return nil, err
		}
		token, err := work.IssueToken(ctx, system, user, "demo", d.now().AddDate(0, 0, 7))
		if err != nil {
			return nil, err
		}
		out = append(out, demoLogin{person.title, person.login, token})
	}
	return out, nil
}
