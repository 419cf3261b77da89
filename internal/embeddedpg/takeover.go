package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	orphanPatience = 30 * time.Second // for an orphan's orderly end
	pollEvery      = 20 * time.Millisecond
)

// takeOver deals with what an owner that was killed has left: a server still
// running is stopped, a pid file whose number another program now has is
// defused, the socket directory removed. It reports whether anything of a
// server was left. Holding the lock, we know that the owner is dead.
func (p place) takeOver(ctx context.Context) (left bool, err error) {
	left, err = p.clearPostmaster(ctx)
	if err != nil {
		return left, err
	}
	if err := p.removeSocketDir(); err != nil { // only clutter
		p.log.Warn("socket directory of a dead owner not removed", "err", err)
	}
	return left, nil
}

func (p place) clearPostmaster(ctx context.Context) (left bool, err error) {
	cluster, err := os.OpenRoot(p.cluster())
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("open cluster: %w", err)
	}
	defer cluster.Close()
	text, err := cluster.ReadFile("postmaster.pid")
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read postmaster.pid: %w", err)
	}
	first, rest, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	switch {
	case err != nil || pid <= 0:
		// Torn by a power cut, after which nothing runs; PostgreSQL would ask
		// a person to delete it.
		return true, cluster.Remove("postmaster.pid")
	case isPostmaster(pid, p.cluster()):
		p.log.Warn("stopping the server of a dead owner", "pid", pid)
		return true, stopOrphan(ctx, pid, p.cluster())
	case isAlive(pid):
		// Somebody else has the number now, which makes PostgreSQL refuse.
		// Deleting the file would also delete its note of the shared memory,
		// by which it notices old backends still at work. The number of its
		// own parent it knows to be stale, so it gets ours.
		p.log.Warn("defusing a stale pid file", "pid", pid)
		return true, cluster.WriteFile("postmaster.pid", []byte(strconv.Itoa(os.Getpid())+"\n"+rest), 0o600)
	}
	return true, nil
}

// stopOrphan ends a server that is not our child.
func stopOrphan(ctx context.Context, pid int, cluster string) error {
	ctx, cancel := context.WithTimeout(ctx, orphanPatience)
	defer cancel()
	watching, stopWatching := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWatching()
	gone := make(chan struct{})
	go func() {
		tick := time.NewTicker(pollEvery)
		defer tick.Stop()
		for isPostmaster(pid, cluster) {
			select {
			case <-watching.Done():
				return
			case <-tick.C:
			}
		}
		close(gone)
	}()
	err := bringDown(ctx, gone, func(sig syscall.Signal) error {
		if !isPostmaster(pid, cluster) {
			return nil // ended by itself; the number may be another's already
		}
		return syscall.Kill(pid, sig)
	})
	if err != nil && isPostmaster(pid, cluster) {
		return fmt.Errorf("stop the server of a dead owner, process %d: %w", pid, err)
	}
	return nil // how it ended does not matter, the new one replays the journal
}

// isAlive reports whether a process of that number exists.
func isAlive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// sameDir compares directories by their real paths.
func sameDir(a, b string) bool {
	ra, errA := filepath.EvalSymlinks(a)
	rb, errB := filepath.EvalSymlinks(b)
	return errA == nil && errB == nil && ra == rb
}
