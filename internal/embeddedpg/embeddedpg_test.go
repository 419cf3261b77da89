package embeddedpg

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const testPatience = time.Minute

// newDir makes a data directory that the server's user can reach; those of
// t.TempDir are closed to it.
func newDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "embeddedpg-test-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	return dir
}

// quick are options for clusters that need not survive a power cut.
func quick(dir string) Options {
	return Options{DataDir: dir, Settings: map[string]string{"fsync": "off"}}
}

func start(t *testing.T, o Options) *Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testPatience)
	defer cancel()
	s, err := Start(ctx, o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Stop(context.Background()) })
	return s
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testPatience)
	defer cancel()
	require.NoError(t, s.Stop(ctx))
}

func connect(t *testing.T, s *Server) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL(Superuser, Superuser))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func ask(t *testing.T, s *Server, query string) string {
	t.Helper()
	var answer string
	require.NoError(t, connect(t, s).QueryRow(t.Context(), query).Scan(&answer))
	return answer
}

func run(t *testing.T, s *Server, statement string) {
	t.Helper()
	_, err := connect(t, s).Exec(t.Context(), statement)
	require.NoError(t, err)
}

func requireGone(t *testing.T, path string) {
	t.Helper()
	_, err := os.Lstat(path)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestStart(t *testing.T) {
	t.Parallel()

	t.Run("AnswersPrivatelyAndDurably", func(t *testing.T) {
		t.Parallel()
		s := start(t, Options{DataDir: newDir(t)})
		for setting, want := range map[string]string{
			"listen_addresses": "",
			"server_encoding":  "UTF8",
			"timezone":         "UTC",
			"data_checksums":   "on",
			"fsync":            "on",
			"data_directory":   s.cluster(),
		} {
			require.Equal(t, want, ask(t, s, "SHOW "+setting), setting)
		}
		require.Equal(t, "on", ask(t, s, "SHOW synchronous_commit"))
		require.Equal(t, "C", ask(t, s, "SELECT datcollate::text FROM pg_database WHERE datname = 'template1'"))
		info, err := os.Stat(s.socketDir)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
		group, err := syscall.Getpgid(s.cmd.Process.Pid)
		require.NoError(t, err)
		require.NotEqual(t, syscall.Getpgrp(), group, "Ctrl-C must not reach the server")
	})

	t.Run("KeepsDataBetweenStarts", func(t *testing.T) {
		t.Parallel()
		o := quick(newDir(t))
		s := start(t, o)
		run(t, s, "CREATE TABLE visits AS SELECT 'kept' AS note")
		stop(t, s)
		soon, cancel := context.WithTimeout(t.Context(), 5*time.Second) // 90 ms when idle
		defer cancel()
		s, err := Start(soon, o)
		require.NoError(t, err)
		t.Cleanup(func() { _ = s.Stop(context.Background()) })
		require.Equal(t, "kept", ask(t, s, "SELECT note FROM visits"))
	})

	t.Run("MakesTheDataDirectory", func(t *testing.T) {
		t.Parallel()
		s := start(t, quick(filepath.Join(newDir(t), "deep", "down")))
		require.Equal(t, "1", ask(t, s, "SELECT '1'"))
	})

	t.Run("RefusesASecondOwner", func(t *testing.T) {
		t.Parallel()
		o := quick(newDir(t))
		s := start(t, o)
		_, err := Start(t.Context(), o)
		require.ErrorIs(t, err, ErrInUse)
		require.ErrorContains(t, err, o.DataDir)
		require.ErrorContains(t, err, "process "+strconv.Itoa(os.Getpid()))
		require.Equal(t, "1", ask(t, s, "SELECT '1'"), "the first owner is undisturbed")
	})

	t.Run("SaysWhyTheServerDidNotCome", func(t *testing.T) {
		t.Parallel()
		o := quick(newDir(t))
		o.Settings["shared_buffers"] = "plenty"
		_, err := Start(t.Context(), o)
		require.ErrorContains(t, err, "FATAL:")
		require.ErrorContains(t, err, "shared_buffers")
		require.NotContains(t, err.Error(), "\n")
		s := start(t, quick(o.DataDir))
		require.Equal(t, "1", ask(t, s, "SELECT '1'"), "nothing was left locked")
	})

	t.Run("GivesUpWithItsContext", func(t *testing.T) {
		t.Parallel()
		o := quick(newDir(t))
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("operator left"))
		_, err := Start(ctx, o)
		require.ErrorContains(t, err, "operator left")
		start(t, o)
	})

	t.Run("NeedsADataDirectory", func(t *testing.T) {
		t.Parallel()
		_, err := Start(t.Context(), Options{})
		require.ErrorContains(t, err, "no data directory")
	})

	t.Run("NamesTheDirectoryThatIsClosed", func(t *testing.T) {
		t.Parallel()
		closed := filepath.Join(newDir(t), "closed")
		require.NoError(t, os.Mkdir(closed, 0o700))
		if os.Geteuid() != 0 { // root enters everywhere; its server does not
			require.NoError(t, os.Chmod(closed, 0))
		}
		_, err := Start(t.Context(), quick(filepath.Join(closed, "aftercare")))
		require.ErrorContains(t, err, closed)
		require.NotContains(t, err.Error(), "\n")
		if os.Geteuid() == 0 {
			require.ErrorContains(t, err, "AFTERCARE_DATA_DIR")
			requireGone(t, filepath.Join(closed, "aftercare"))
		}
	})
}

func TestStop(t *testing.T) {
	t.Parallel()

	t.Run("LeavesNothingRunning", func(t *testing.T) {
		t.Parallel()
		s := start(t, quick(newDir(t)))
		pid := s.cmd.Process.Pid
		conn := connect(t, s) // an open session does not hold it up
		stop(t, s)
		require.ErrorIs(t, syscall.Kill(-pid, 0), syscall.ESRCH, "no process of its group lives")
		require.Error(t, conn.Ping(t.Context()))
		requireGone(t, s.socketDir)
		requireGone(t, s.socketRecord())
		requireGone(t, filepath.Join(s.cluster(), "postmaster.pid"))
		select {
		case <-s.Done():
			require.Fail(t, "an exit that was asked for is no surprise")
		default:
		}
		require.NoError(t, s.Stop(t.Context()), "a second call is harmless")
	})

	t.Run("HurriesWhenItsContextEnds", func(t *testing.T) {
		t.Parallel()
		o := quick(newDir(t))
		s := start(t, o)
		run(t, s, "CREATE TABLE visits AS SELECT 'kept' AS note")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		// Either signal may win: a server this idle can end in order in time.
		if err := s.Stop(ctx); err != nil {
			require.ErrorIs(t, err, context.Canceled)
		}
		require.NotNil(t, s.cmd.ProcessState)
		s = start(t, o)
		require.Equal(t, "kept", ask(t, s, "SELECT note FROM visits"))
	})
}

func TestURL(t *testing.T) {
	t.Parallel()

	t.Run("IsUnderstoodByPgx", func(t *testing.T) {
		t.Parallel()
		s := &Server{socketDir: "/tmp/aftercare pg+1"}
		require.Equal(t, "postgres:///care?host=%2Ftmp%2Faftercare%20pg%2B1&port=5432&user=app", s.URL("app", "care"))
		rapid.Check(t, func(t *rapid.T) {
			name := rapid.StringMatching(`[a-z%/?&# 中_-]{1,20}`)
			user, database := name.Draw(t, "user"), name.Draw(t, "database")
			config, err := pgx.ParseConfig(s.URL(user, database))
			require.NoError(t, err)
			require.Equal(t, user, config.User)
			require.Equal(t, database, config.Database)
			require.Equal(t, s.socketDir, config.Host)
			network, address := pgconn.NetworkAddress(config.Host, config.Port)
			require.Equal(t, "unix", network)
			require.Equal(t, filepath.Join(s.socketDir, socketName), address)
			require.Nil(t, config.TLSConfig)
		})
	})
}
