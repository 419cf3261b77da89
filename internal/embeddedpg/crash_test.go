package embeddedpg

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const helperDir = "EMBEDDEDPG_TEST_HELPER_DIR"

// TestMain lets the test binary act as an owner that can be killed.
func TestMain(m *testing.M) {
	dir := os.Getenv(helperDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	s, err := Start(context.Background(), quick(dir))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintf(os.Stdout, "%d\n%s\n", s.cmd.Process.Pid, s.socketDir)
	select {} // until killed
}

// owner is another process that owns a data directory.
type owner struct {
	cmd *exec.Cmd
	out *bufio.Scanner
}

func startOwner(t *testing.T, dir string, env ...string) owner {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), helperDir+"="+dir), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return owner{cmd: cmd, out: bufio.NewScanner(out)}
}

// server waits until the owner's server runs.
func (o owner) server(t *testing.T) (pid int, socketDir string) {
	t.Helper()
	require.True(t, o.out.Scan())
	pid, err := strconv.Atoi(o.out.Text())
	require.NoError(t, err)
	require.True(t, o.out.Scan())
	return pid, o.out.Text()
}

func (o owner) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, o.cmd.Process.Kill())
	require.Error(t, o.cmd.Wait())
}

func TestTakeOver(t *testing.T) {
	t.Parallel()

	t.Run("StopsTheServerOfAKilledOwner", func(t *testing.T) {
		t.Parallel()
		dir := newDir(t)
		dead := startOwner(t, dir)
		pid, socketDir := dead.server(t)
		run(t, &Server{socketDir: socketDir}, "CREATE TABLE visits AS SELECT 'kept' AS note")
		_, err := Start(t.Context(), quick(dir))
		require.ErrorIs(t, err, ErrInUse)
		require.ErrorContains(t, err, "process "+strconv.Itoa(dead.cmd.Process.Pid))
		dead.kill(t)
		require.True(t, isPostmaster(pid, filepath.Join(dir, "postgres")), "the server outlives its owner")

		s := start(t, quick(dir))
		require.False(t, isPostmaster(pid, s.cluster()))
		require.NotEqual(t, socketDir, s.socketDir)
		requireGone(t, socketDir)
		require.Equal(t, "kept", ask(t, s, "SELECT note FROM visits"))
	})

	t.Run("OutlivesAnInitdbKilledHalfWay", func(t *testing.T) {
		t.Parallel()
		dir := newDir(t)
		dead := startOwner(t, dir)
		require.Eventually(t, func() bool {
			found, _ := filepath.Glob(filepath.Join(dir, unfinished+"*", "base"))
			return len(found) > 0
		}, testPatience, time.Millisecond)
		dead.kill(t)
		s := start(t, quick(dir))
		require.Equal(t, "1", ask(t, s, "SELECT '1'"))
	})

	t.Run("StartsOverAPidFileOfTheDead", func(t *testing.T) {
		t.Parallel()
		o := quick(newDir(t))
		s := start(t, o)
		stop(t, s)
		ended := exec.Command("true")
		require.NoError(t, ended.Run())
		leavePIDFile(t, s, strconv.Itoa(ended.Process.Pid))
		s = start(t, o)
		require.Equal(t, "1", ask(t, s, "SELECT '1'"))
	})

	t.Run("SparesAProgramThatGotTheNumber", func(t *testing.T) {
		t.Parallel()
		o := quick(newDir(t))
		s := start(t, o)
		stop(t, s)
		// Of the server's own user, so that PostgreSQL takes it for a server.
		other := s.account.command(t.Context(), "sleep", "600")
		require.NoError(t, other.Start())
		t.Cleanup(func() {
			_ = other.Process.Kill()
			_ = other.Wait()
		})
		leavePIDFile(t, s, strconv.Itoa(other.Process.Pid))
		s = start(t, o)
		require.Equal(t, "1", ask(t, s, "SELECT '1'"))
		require.NoError(t, other.Process.Signal(syscall.Signal(0)), "the other program lives on")
	})

	t.Run("StartsOverATornPidFile", func(t *testing.T) {
		t.Parallel()
		o := quick(newDir(t))
		s := start(t, o)
		stop(t, s)
		leavePIDFile(t, s, "")
		s = start(t, o)
		require.Equal(t, "1", ask(t, s, "SELECT '1'"))
	})
}

// leavePIDFile writes what a killed server of that number would have left.
func leavePIDFile(t *testing.T, s *Server, pid string) {
	t.Helper()
	path := filepath.Join(s.cluster(), "postmaster.pid")
	text := pid + "\n" + s.cluster() + "\n1700000000\n5432\n/tmp\n\n  1234567  7654321\nready   \n"
	if pid == "" {
		text = ""
	}
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	require.NoError(t, s.account.own(path))
}

func TestDone(t *testing.T) {
	t.Parallel()

	t.Run("ClosesWhenTheServerDiesAndItStartsAgain", func(t *testing.T) {
		t.Parallel()
		o := quick(newDir(t))
		s := start(t, o)
		run(t, s, "CREATE TABLE visits AS SELECT 'kept' AS note")
		// A backend deep in computation does not notice the death at once, and
		// PostgreSQL refuses to start beside it.
		busy := connect(t, s)
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			_, _ = busy.Exec(t.Context(), "SELECT count(*) FROM (SELECT generate_series(1, 30000000)) a")
		}()
		require.Eventually(t, func() bool {
			return ask(t, s, "SELECT count(*)::text FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%generate_series%' AND pid <> pg_backend_pid()") == "1"
		}, testPatience, time.Millisecond)
		require.NoError(t, s.cmd.Process.Kill())
		select {
		case <-s.Done():
		case <-time.After(testPatience):
			require.Fail(t, "nobody was told")
		}
		require.NoError(t, s.Stop(t.Context()))
		s = start(t, o)
		require.Equal(t, "kept", ask(t, s, "SELECT note FROM visits"))
		<-answered
	})
}

func TestBringDown(t *testing.T) {
	t.Parallel()

	t.Run("ForcesWhatDoesNotEndInTime", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan struct{})
		var sent []syscall.Signal
		err := bringDown(ctx, gone, func(sig syscall.Signal) error {
			sent = append(sent, sig)
			switch sig {
			case syscall.SIGINT:
				cancel()
			case syscall.SIGQUIT:
				close(gone)
			}
			return nil
		})
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT}, sent)
	})

	t.Run("PassesOnARefusedSignal", func(t *testing.T) {
		t.Parallel()
		refused := errors.New("refused")
		err := bringDown(t.Context(), make(chan struct{}), func(syscall.Signal) error { return refused })
		require.ErrorIs(t, err, refused)
	})
}

func TestCommand(t *testing.T) {
	t.Parallel()

	t.Run("KeepsOurSecretsFromTheServer", func(t *testing.T) {
		t.Parallel()
		a, err := serverAccount()
		require.NoError(t, err)
		for _, entry := range a.command(t.Context(), "true").Env {
			name, _, _ := strings.Cut(entry, "=")
			require.Contains(t, []string{"PATH", "LC_ALL", "HOME", "LD_LIBRARY_PATH"}, name)
		}
	})
}
