//go:build unix && !linux

package embeddedpg

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// isPostmaster reports whether the process is a living PostgreSQL that was
// started on the cluster. Without /proc the command line has to tell; ours
// always names the cluster in full.
func isPostmaster(pid int, cluster string) bool {
	out, err := exec.Command("ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return false
	}
	program, args, _ := strings.Cut(string(out), " -D ")
	dir, _, _ := strings.Cut(args, " -c ")
	return filepath.Base(program) == "postgres" && sameDir(strings.TrimSpace(dir), cluster)
}
