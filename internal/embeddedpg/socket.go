package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	// port only names the socket file; nothing listens on the network.
	port = 5432

	socketPrefix = "aftercare-pg-"
	socketName   = ".s.PGSQL.5432"

	// maxSocketPath is what every system accepts: Linux takes 107 bytes, macOS 103.
	maxSocketPath = 103

	// randomPart is the longest suffix os.MkdirTemp makes.
	randomPart = 10
)

// makeSocketDir makes a fresh private directory under the first base that
// does, and notes it in the data directory for whoever comes after a crash.
func (p place) makeSocketDir(ctx context.Context, i install, bases ...string) (string, error) {
	var refusals []string
	for _, base := range bases {
		base, err := filepath.Abs(base)
		if err == nil {
			err = p.checkSocketBase(ctx, i, base)
		}
		if err == nil {
			var dir string
			if dir, err = p.newSocketDir(base); err == nil {
				return dir, nil
			}
		}
		refusals = append(refusals, err.Error())
	}
	return "", fmt.Errorf("no place for the database socket, set TMPDIR to a short directory: %s", strings.Join(refusals, "; "))
}

func (p place) checkSocketBase(ctx context.Context, i install, base string) error {
	length := len(filepath.Join(base, socketPrefix, socketName)) + randomPart
	if length > maxSocketPath {
		return fmt.Errorf("a socket under %s would have a path of %d bytes where %d are allowed", base, length, maxSocketPath)
	}
	if strings.ContainsAny(base, `,"`) {
		return fmt.Errorf("%s has a comma or quote, which separate directories in PostgreSQL's settings", base)
	}
	info, err := os.Stat(base)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is no directory", base)
	}
	if err := p.account.canEnter(ctx, i, base); err != nil {
		return fmt.Errorf("%s is closed to the database's user", base)
	}
	return nil
}

func (p place) newSocketDir(base string) (string, error) {
	dir, err := os.MkdirTemp(base, socketPrefix) // mode 0700
	if err != nil {
		return "", fmt.Errorf("make socket directory: %w", err)
	}
	err = p.account.own(dir)
	if err == nil {
		err = os.WriteFile(p.socketRecord(), []byte(dir+"\n"), 0o600)
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("make socket directory: %w", err), os.Remove(dir))
	}
	return dir, nil
}

// removeSocketDir removes the socket directory on record, ours or a dead
// owner's. It deletes by name and never a whole tree: the record is a file
// somebody could have edited.
func (p place) removeSocketDir() error {
	text, err := os.ReadFile(p.socketRecord())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read socket record: %w", err)
	}
	dir := strings.TrimSpace(string(text))
	if filepath.IsAbs(dir) && strings.HasPrefix(filepath.Base(dir), socketPrefix) {
		for _, path := range []string{filepath.Join(dir, socketName), filepath.Join(dir, socketName+".lock"), dir} {
			if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("remove socket directory: %w", err)
			}
		}
	}
	if err := os.Remove(p.socketRecord()); err != nil {
		return fmt.Errorf("remove socket record: %w", err)
	}
	return nil
}
