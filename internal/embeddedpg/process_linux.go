package embeddedpg

import (
	"fmt"
	"os"
	"strings"
)

// isPostmaster reports whether the process is a living PostgreSQL that works
// in the cluster. PostgreSQL changes into its cluster before it writes its
// pid file, so the working directory is the proof.
func isPostmaster(pid int, cluster string) bool {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil || strings.TrimSpace(string(name)) != "postgres" {
		return false
	}
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	return err == nil && sameDir(cwd, cluster)
}
