package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	startPatience    = 30 * time.Second // until the server answers at all
	recoveryPatience = 10 * time.Minute // while it answers that it replays its journal
	lastGrace        = 10 * time.Second // for a server told to stop at once
	leftoverPatience = 10 * time.Second // for backends of a dead server to end
	leftoverPause    = 250 * time.Millisecond

	cannotConnectNow = "57P03" // PostgreSQL's code for "starting up"
)

// errExited says that the server ended before it answered.
var errExited = errors.New("the server ended at once")

// serverArgs are the arguments of postgres: defaults fit for one machine of
// two cores, over them the settings asked for, over those what keeps the
// server private and its times in UTC.
func (s *Server) serverArgs() []string {
	settings := map[string]string{
		"shared_buffers":   "128MB",
		"max_connections":  "100",
		"max_wal_size":     "1GB",
		"random_page_cost": "1.1",
		"wal_compression":  "on",
		"jit":              "off", // costs more than it brings on short queries
		"log_checkpoints":  "off",
		"log_line_prefix":  "%m [%p] ",
		// Details and statements quote the values of rows, and a log must not
		// hold anybody's name or number.
		"log_error_verbosity":               "terse",
		"log_min_error_statement":           "panic",
		"log_parameter_max_length":          "0",
		"log_parameter_max_length_on_error": "0",
	}
	maps.Copy(settings, s.settings)
	maps.Copy(settings, map[string]string{
		"listen_addresses":        "",
		"port":                    strconv.Itoa(port),
		"unix_socket_directories": s.socketDir,
		"unix_socket_permissions": "0700",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		"lc_messages":             "C",
		"log_destination":         "stderr",
		"logging_collector":       "off",
	})
	args := []string{"-D", s.cluster()}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}

// bootPatiently boots the server. Where a server died before, backends of it
// can outlive it for a moment and PostgreSQL rightly refuses to start beside
// them, so early exits are then tried again for a while.
func (s *Server) bootPatiently(ctx context.Context, left bool) error {
	giveUp := time.NewTimer(leftoverPatience)
	defer giveUp.Stop()
	for {
		err := s.boot(ctx)
		if err == nil || !left || !errors.Is(err, errExited) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-giveUp.C:
			return err
		case <-time.After(leftoverPause):
		}
	}
}

// boot starts the server once and waits until it answers.
func (s *Server) boot(ctx context.Context) error {
	logFile, offset, err := openLog(s.logPath())
	if err != nil {
		return err
	}
	defer logFile.Close()
	// It outlives the start: only Stop ends it.
	cmd := s.account.command(context.WithoutCancel(ctx), install{dir: s.bin}.program("postgres"), s.serverArgs()...)
	cmd.Stdout, cmd.Stderr = logFile, logFile
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start database: %w", err)
	}
	exited := make(chan struct{})
	s.cmd, s.exited = cmd, exited
	go func() {
		_ = cmd.Wait() // how it ended is kept in ProcessState
		close(exited)
	}()
	if err := s.awaitReady(ctx); err != nil {
		ended, cancel := context.WithCancel(context.WithoutCancel(ctx))
		cancel() // nothing in it is worth an orderly end
		stopErr := s.shutDown(ended)
		if errors.Is(stopErr, context.Canceled) {
			stopErr = nil
		}
		return errors.Join(fmt.Errorf("start database: %w: %s", err, lastWords(logFile, offset)), stopErr)
	}
	return nil
}

// awaitReady returns when a session could be opened. An unanswering server is
// given up after startPatience; one that replays its journal after a crash
// gets recoveryPatience.
func (s *Server) awaitReady(ctx context.Context) error {
	config, err := pgx.ParseConfig(s.URL(Superuser, Superuser))
	if err != nil {
		return fmt.Errorf("database address: %w", err)
	}
	config.ConnectTimeout = 5 * time.Second
	giveUp := time.NewTimer(startPatience)
	defer giveUp.Stop()
	recovering := false
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 250*time.Millisecond) {
		conn, err := pgx.ConnectConfig(ctx, config)
		if err == nil {
			return conn.Close(ctx)
		}
		if pg := (*pgconn.PgError)(nil); !recovering && errors.As(err, &pg) && pg.Code == cannotConnectNow {
			recovering = true
			giveUp.Reset(recoveryPatience)
		}
		select {
		case <-s.exited:
			return fmt.Errorf("%w (%s)", errExited, s.cmd.ProcessState)
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-giveUp.C:
			return fmt.Errorf("no answer in time: %w", err)
		case <-time.After(pause):
		}
	}
}

// shutDown ends our own server.
func (s *Server) shutDown(ctx context.Context) error {
	err := bringDown(ctx, s.exited, func(sig syscall.Signal) error {
		err := s.cmd.Process.Signal(sig)
		if errors.Is(err, os.ErrProcessDone) {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("stop database: %w", err)
	}
	return nil
}

// bringDown asks a server for a fast shutdown; when ctx ends, for an immediate
// one; and kills it when it does not do even that.
func bringDown(ctx context.Context, gone <-chan struct{}, signal func(syscall.Signal) error) error {
	select {
	case <-gone:
		return nil
	default:
	}
	if err := signal(syscall.SIGINT); err != nil {
		return fmt.Errorf("ask for shutdown: %w", err)
	}
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
	}
	for _, sig := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGKILL} {
		if err := signal(sig); err != nil {
			return fmt.Errorf("force shutdown: %w", err)
		}
		select {
		case <-gone:
			return fmt.Errorf("ended without an orderly shutdown: %w", context.Cause(ctx))
		case <-time.After(lastGrace):
		}
	}
	return errors.New("the server does not end")
}
