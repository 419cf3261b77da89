package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// account is the system user the server runs as. The zero value is our own.
type account struct {
	name     string
	uid, gid uint32
	other    bool // not the user we run as ourselves
}

// serverAccount is our own user, or for root the unprivileged one that
// PostgreSQL insists on.
func serverAccount() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return account{}, fmt.Errorf("user %s: %w", name, err)
		}
		return account{name: name, uid: uint32(uid), gid: uint32(gid), other: true}, nil
	}
	return account{}, errors.New("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody to run it as")
}

// command prepares a program to run as the account. It has a process group of
// its own, so that Ctrl-C in a terminal reaches only us and we stop
// things in order. Its environment is bare: ours holds keys and passwords,
// which are no business of another user's process. A context that ends kills
// the whole group.
func (a account) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = "/" // ours may be closed to that user
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "HOME=/"}
	if libs, ok := os.LookupEnv("LD_LIBRARY_PATH"); ok {
		cmd.Env = append(cmd.Env, "LD_LIBRARY_PATH="+libs)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if a.other {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// canEnter tries it: a process of that user changes into the directory. Mode
// bits would not tell the whole truth where access lists are used.
func (a account) canEnter(ctx context.Context, i install, dir string) error {
	cmd := a.command(ctx, i.program("postgres"), "--version")
	cmd.Dir = dir
	return cmd.Run()
}

// checkPath says which directory on the way to path is closed to the account.
// Parts that do not exist yet are fine.
func (a account) checkPath(ctx context.Context, i install, path string) error {
	if !a.other {
		return nil // our own refusals speak for themselves
	}
	existing := slices.DeleteFunc(ancestors(path), func(dir string) bool {
		_, err := os.Stat(dir)
		return errors.Is(err, os.ErrNotExist)
	})
	if a.canEnter(ctx, i, existing[len(existing)-1]) == nil {
		return nil
	}
	for n, dir := range existing {
		err := a.canEnter(ctx, i, dir)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case n == 0: // everybody enters the root directory, so it is the program
			return fmt.Errorf("user %s cannot run %s: %w", a.name, i.program("postgres"), err)
		default:
			return fmt.Errorf("the database runs as user %s, who cannot enter %s: set AFTERCARE_DATA_DIR to a directory elsewhere, such as /var/lib/aftercare, or allow it with chmod o+x", a.name, dir)
		}
	}
	return nil
}

// own gives one file or directory to the account.
func (a account) own(path string) error {
	if !a.other {
		return nil
	}
	return os.Lchown(path, int(a.uid), int(a.gid))
}

// ownTree makes a cluster the account's, as it must be for the server to
// accept it. A cluster made by another user is handed over when we are root.
func (a account) ownTree(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("look at cluster: %w", err)
	}
	owner := info.Sys().(*syscall.Stat_t).Uid
	if !a.other {
		if owner != uint32(os.Geteuid()) {
			return fmt.Errorf("%s belongs to user %d: run as that user or as root, or set AFTERCARE_DATA_DIR", dir, owner)
		}
		return nil
	}
	if owner == a.uid {
		return nil
	}
	// Through os.Root, because the present owner could swap a directory for a
	// link while root walks it.
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open cluster: %w", err)
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		return root.Lchown(path, int(a.uid), int(a.gid))
	})
	if err == nil { // the top comes last: it is what tells that all is done
		err = root.Lchown(".", int(a.uid), int(a.gid))
	}
	if err != nil {
		return fmt.Errorf("give cluster to user %s: %w", a.name, err)
	}
	return nil
}

// ancestors lists the directories from the root down to path itself.
func ancestors(path string) []string {
	dirs := []string{path}
	for parent := filepath.Dir(path); parent != dirs[len(dirs)-1]; parent = filepath.Dir(parent) {
		dirs = append(dirs, parent)
	}
	slices.Reverse(dirs)
	return dirs
}
