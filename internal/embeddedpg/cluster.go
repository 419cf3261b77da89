package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// unfinished begins the names of directories in which initdb works. Only a
// finished cluster gets its real name, so an initdb killed half way leaves a
// directory to delete and not a cluster that never starts.
const unfinished = "postgres.new-"

// prepareCluster makes sure there is a cluster the account owns, and
// returns the binaries that fit it. unsafe skips the flush to disk: for tests
// that throw the cluster away.
func (p place) prepareCluster(ctx context.Context, installs []install, unsafe bool) (install, error) {
	p.sweepUnfinished()
	major, err := clusterVersion(p.cluster())
	if err != nil {
		return install{}, err
	}
	chosen, err := pick(installs, major)
	if err != nil {
		return install{}, err
	}
	if major != 0 {
		return chosen, p.account.ownTree(p.cluster())
	}
	// With this character type PostgreSQL knows Chinese letters as letters;
	// sorting is by code point either way. Not every system has it.
	err = p.initCluster(ctx, chosen, "C.UTF-8", unsafe)
	if err != nil && ctx.Err() == nil {
		err = p.initCluster(ctx, chosen, "C", unsafe)
	}
	return chosen, err
}

// clusterVersion is the major version that made the cluster, 0 for none.
func clusterVersion(cluster string) (int, error) {
	text, err := os.ReadFile(filepath.Join(cluster, "PG_VERSION"))
	if err == nil {
		major, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			return 0, fmt.Errorf("cluster version in %s: %w", cluster, err)
		}
		return major, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("read cluster version: %w", err)
	}
	entries, err := os.ReadDir(cluster)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("read cluster: %w", err)
	}
	if len(entries) > 0 {
		return 0, fmt.Errorf("%s is not empty and no PostgreSQL cluster: set AFTERCARE_DATA_DIR to another directory", cluster)
	}
	return 0, nil
}

// initCluster runs initdb beside the final place and moves the result there.
func (p place) initCluster(ctx context.Context, i install, ctype string, unsafe bool) error {
	dir, err := os.MkdirTemp(p.dataDir, unfinished)
	if err != nil {
		return fmt.Errorf("make cluster directory: %w", err)
	}
	defer os.RemoveAll(dir) // nothing is left of that name after the move
	if err := p.account.own(dir); err != nil {
		return fmt.Errorf("make cluster directory: %w", err)
	}
	args := []string{
		"--pgdata=" + dir, "--username=" + Superuser,
		"--encoding=UTF8", "--locale=C", "--lc-ctype=" + ctype, "--text-search-config=simple",
		"--data-checksums", "--auth-local=trust", "--auth-host=reject", "--no-instructions",
	}
	if unsafe {
		args = append(args, "--no-sync")
	}
	p.log.Info("making a database cluster", "data", p.cluster(), "major", i.major)
	out, err := p.account.command(ctx, i.program("initdb"), args...).CombinedOutput()
	if ctx.Err() != nil {
		return fmt.Errorf("make cluster: %w", context.Cause(ctx))
	}
	if err != nil {
		return fmt.Errorf("make cluster: initdb: %w: %s", err, tellingLine(string(out)))
	}
	if err := os.Rename(dir, p.cluster()); err != nil {
		return fmt.Errorf("move cluster into place: %w", err)
	}
	return syncDir(p.dataDir)
}

// sweepUnfinished deletes what killed initdbs left. What resists (an
// initdb that is still dying) is left for the next start.
func (p place) sweepUnfinished() {
	left, _ := filepath.Glob(filepath.Join(p.dataDir, unfinished+"*"))
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			p.log.Warn("unfinished cluster not removed", "dir", dir, "err", err)
		}
	}
}

// syncDir makes a rename in the directory survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("flush directory: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("flush directory: %w", err)
	}
	return nil
}
