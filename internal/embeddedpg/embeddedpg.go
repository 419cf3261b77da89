// Package embeddedpg runs a private PostgreSQL from binaries that are already
// installed, for people who give Aftercare no database address. The server
// listens on a Unix socket in a directory only its own user can enter, belongs
// to one process at a time, and is found again after that process was killed.
//
// What lies in the data directory:
//
//	postgres/      the cluster
//	postgres.log   what the server says; postgres.log.1 is the one before
//	lock           held by the owning process as long as it lives
//	socket         the path of the socket directory in use
package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// Superuser is the role that owns the cluster. It is also the name of the
// database that always exists.
const Superuser = "postgres"

// Options say where the cluster lives and how it is run. DataDir is required.
type Options struct {
	// DataDir holds the cluster in DataDir/postgres, its log, and the lock
	// beside it. It is created when missing.
	DataDir string

	// BinDir is the directory of initdb and postgres. Empty: the usual places
	// are searched, see FindBinaries.
	BinDir string

	// Settings are further server settings, passed as -c name=value. They
	// override the defaults of this package, except for what keeps the server
	// private and in UTC. Tests pass fsync=off.
	Settings map[string]string

	// Log is told about starts, take-overs and unexpected exits; nil is silent.
	Log *slog.Logger
}

// Server is a running private PostgreSQL. Its methods may be called from
// several goroutines.
type Server struct {
	place
	bin       string
	settings  map[string]string
	socketDir string

	cmd      *exec.Cmd
	exited   chan struct{} // closed when cmd has ended, for whatever reason
	done     chan struct{} // closed only when that was unexpected
	stopping atomic.Bool

	stop    sync.Once
	stopErr error
}

// place is a locked data directory and the account that works in it.
type place struct {
	dataDir string // absolute, without symbolic links
	account account
	lock    *os.File
	log     *slog.Logger
}

func (p place) cluster() string      { return filepath.Join(p.dataDir, "postgres") }
func (p place) logPath() string      { return filepath.Join(p.dataDir, "postgres.log") }
func (p place) socketRecord() string { return filepath.Join(p.dataDir, "socket") }

// Start makes the cluster if there is none, deals with what a killed owner
// left behind (a stale pid file, a server still running, a socket directory),
// starts the server and returns once it answers queries.
//
// The context bounds the start only; the server runs until Stop. Refusals are
// one line: ErrNoBinaries, ErrInUse, a cluster of another major version, a
// directory the server's user cannot enter. A server that does not come up is
// reported with the last telling line of its log.
//
// Started by root, the server itself runs as the user postgres, or else as
// nobody, because PostgreSQL refuses to run as root.
func Start(ctx context.Context, o Options) (*Server, error) {
	p, installs, err := claim(ctx, o)
	if err != nil {
		return nil, err
	}
	s := &Server{place: p, settings: o.Settings, done: make(chan struct{})}
	if err := s.start(ctx, installs); err != nil {
		return nil, errors.Join(err, s.release())
	}
	go s.reportExit()
	s.log.Info("database ready", "pid", s.cmd.Process.Pid, "bin", s.bin, "data", s.cluster())
	return s, nil
}

// claim finds the binaries, makes the data directory and locks it.
func claim(ctx context.Context, o Options) (place, []install, error) {
	p := place{log: o.Log}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	if o.DataDir == "" {
		return p, nil, errors.New("embedded database: no data directory given")
	}
	installs, err := findInstalls(o.BinDir)
	if err != nil {
		return p, nil, err
	}
	if p.account, err = serverAccount(); err != nil {
		return p, nil, err
	}
	if p.dataDir, err = makeDataDir(ctx, p.account, installs[0], o.DataDir); err != nil {
		return p, nil, err
	}
	p.lock, err = lockDataDir(p.dataDir)
	return p, installs, err
}

// start does everything that needs the lock.
func (s *Server) start(ctx context.Context, installs []install) error {
	left, err := s.takeOver(ctx)
	if err != nil {
		return err
	}
	chosen, err := s.prepareCluster(ctx, installs, s.settings["fsync"] == "off")
	if err != nil {
		return err
	}
	s.bin = chosen.dir
	s.socketDir, err = s.makeSocketDir(ctx, chosen, os.TempDir(), "/tmp")
	if err != nil {
		return err
	}
	return s.bootPatiently(ctx, left)
}

// URL is the address of a database on this server for a role, in the form
// postgres:///database?host=/socket/directory&user=role. It carries no
// password: whoever can enter the socket directory is trusted.
func (s *Server) URL(user, database string) string {
	q := url.Values{
		"host": {s.socketDir},
		"port": {strconv.Itoa(port)}, // else PGPORT of the environment would count
		"user": {user},
	}
	// PostgreSQL's addresses know no plus sign for a space.
	query := strings.ReplaceAll(q.Encode(), "+", "%20")
	u := url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: query}
	return u.String()
}

// Done is closed when the server has ended without Stop having been asked.
// A server ended by Stop leaves it open. Stop must still be called, to
// give up the data directory.
func (s *Server) Done() <-chan struct{} { return s.done }

// Stop ends the server and waits for it: sessions are cut, their transactions
// rolled back, everything is written down. When ctx ends first, the server is
// stopped at once, the next start replays its journal, and the error says so;
// no committed transaction is lost either way. Then the socket directory
// is removed and the data directory given up. Further calls repeat the first
// result.
func (s *Server) Stop(ctx context.Context) error {
	s.stop.Do(func() {
		s.stopping.Store(true)
		s.stopErr = errors.Join(s.shutDown(ctx), s.release())
	})
	return s.stopErr
}

// release removes the socket directory and gives up the lock, in that order,
// so that the next owner never meets our leftovers.
func (s *Server) release() error {
	return errors.Join(s.removeSocketDir(), s.lock.Close())
}

// reportExit tells of an exit nobody asked for.
func (s *Server) reportExit() {
	<-s.exited
	if s.stopping.Load() {
		return
	}
	s.log.Error("database server ended unexpectedly",
		"state", s.cmd.ProcessState.String(), "log", s.logPath())
	close(s.done)
}

// makeDataDir creates the data directory and returns its real path. What it
// creates can be entered by the server's user and listed by nobody else.
func makeDataDir(ctx context.Context, a account, i install, dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("data directory: %w", err)
	}
	if err := a.checkPath(ctx, i, abs); err != nil {
		return "", err
	}
	mode := os.FileMode(0o700)
	if a.other {
		mode = 0o711
	}
	if err := mkdirAll(abs, mode); err != nil {
		return "", fmt.Errorf("make data directory: %w", err)
	}
	resolved, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return "", fmt.Errorf("data directory: %w", err)
	}
	return resolved, nil
}

// mkdirAll is os.MkdirAll with a mode that no umask narrows.
func mkdirAll(dir string, mode os.FileMode) error {
	for _, d := range ancestors(dir) {
		err := os.Mkdir(d, mode)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err == nil {
			err = os.Chmod(d, mode)
		}
		// A parent we may not write to can still exist, on a read-only disk say.
		if info, statErr := os.Stat(d); err != nil && (statErr != nil || !info.IsDir()) {
			return err
		}
	}
	return nil
}
