package embeddedpg

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// ErrInUse says that a living process owns the data directory.
var ErrInUse = errors.New("data directory is in use")

// lockDataDir takes the lock of the directory and holds it until the file is
// closed or the process dies: the kernel gives it up, however the end came.
// The server does not inherit it, so an orphaned one does not block us.
func lockDataDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		err = inUse(dir, f)
	case err == nil:
		err = writePID(f)
	default:
		err = fmt.Errorf("lock %s: %w", dir, err)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return fmt.Errorf("write lock: %w", err)
	}
	if _, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		return fmt.Errorf("write lock: %w", err)
	}
	return nil
}

// inUse names the directory and, where the lock tells it, the owner.
func inUse(dir string, f *os.File) error {
	text, _ := io.ReadAll(f)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return fmt.Errorf("%w: %s", ErrInUse, dir)
	}
	return fmt.Errorf("%w: %s by process %d", ErrInUse, dir, pid)
}
