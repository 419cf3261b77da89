package embeddedpg

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// minMajor is the oldest PostgreSQL Aftercare's SQL is written for.
const minMajor = 14

// ErrNoBinaries says that no usable PostgreSQL is installed, and what to install.
var ErrNoBinaries = errors.New("no PostgreSQL 14 or newer is installed here" +
	" (Debian: apt-get install postgresql; macOS: brew install postgresql@16)")

// install is one installed PostgreSQL.
type install struct {
	dir   string // holds initdb and postgres
	major int
}

func (i install) program(name string) string { return filepath.Join(i.dir, name) }

// usualPlaces are searched after PATH, in this order; within one pattern the
// newest version comes first.
func usualPlaces() []string {
	return []string{
		"/usr/lib/postgresql/*/bin", // Debian, Ubuntu
		"/usr/pgsql-*/bin",          // the PostgreSQL project's RPMs
		"/opt/homebrew/opt/postgresql*/bin",
		"/usr/local/opt/postgresql*/bin",
		"/Applications/Postgres.app/Contents/Versions/*/bin",
	}
}

// FindBinaries returns the directory of initdb and postgres, version 14 or
// newer. With explicit given only that directory is looked at; otherwise
// PATH, then Debian's, Homebrew's and Postgres.app's directories, newest
// version first. The error is or wraps ErrNoBinaries.
func FindBinaries(explicit string) (dir string, err error) {
	installs, err := findInstalls(explicit)
	if err != nil {
		return "", err
	}
	return installs[0].dir, nil
}

// findInstalls returns every usable PostgreSQL, best first, at least one.
func findInstalls(explicit string) ([]install, error) {
	if explicit != "" {
		return explicitInstall(explicit, askVersion)
	}
	installs := search(filepath.SplitList(os.Getenv("PATH")), usualPlaces(), askVersion)
	if len(installs) == 0 {
		return nil, ErrNoBinaries
	}
	return installs, nil
}

func explicitInstall(dir string, version func(dir string) (int, error)) ([]install, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	major, err := version(abs)
	if err != nil {
		return nil, fmt.Errorf("%s holds no initdb and postgres: %w", abs, ErrNoBinaries)
	}
	if major < minMajor {
		return nil, fmt.Errorf("%s holds PostgreSQL %d: %w", abs, major, ErrNoBinaries)
	}
	return []install{{dir: abs, major: major}}, nil
}

// search looks through the directories of path, then through the patterns.
// Unusable candidates are passed over; the same place is listed once.
func search(path, patterns []string, version func(dir string) (int, error)) []install {
	var found []install
	groups := [][]string{path}
	for _, pattern := range patterns {
		dirs, _ := filepath.Glob(pattern) // errs only on a malformed pattern
		groups = append(groups, dirs)
	}
	seen := map[string]bool{}
	for n, dirs := range groups {
		var group []install
		for _, dir := range dirs {
			resolved, err := filepath.EvalSymlinks(dir)
			if err != nil || !filepath.IsAbs(resolved) || seen[resolved] {
				continue
			}
			seen[resolved] = true
			if major, err := version(dir); err == nil && major >= minMajor {
				group = append(group, install{dir: dir, major: major})
			}
		}
		if n > 0 { // PATH keeps the order its owner chose
			slices.SortStableFunc(group, func(a, b install) int { return cmp.Compare(b.major, a.major) })
		}
		found = append(found, group...)
	}
	return found
}

var versionText = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// askVersion asks the binaries of a directory for their major version. Both
// must be there: client packages install neither.
func askVersion(dir string) (int, error) {
	i := install{dir: dir}
	if _, err := exec.LookPath(i.program("initdb")); err != nil {
		return 0, fmt.Errorf("look for initdb: %w", err)
	}
	if _, err := exec.LookPath(i.program("postgres")); err != nil {
		return 0, fmt.Errorf("look for postgres: %w", err)
	}
	out, err := exec.Command(i.program("postgres"), "--version").Output() //nolint:noctx // answers at once or not at all
	if err != nil {
		return 0, fmt.Errorf("ask postgres for its version: %w", err)
	}
	return parseVersion(string(out))
}

func parseVersion(text string) (int, error) {
	m := versionText.FindStringSubmatch(text)
	if m == nil {
		return 0, errors.New("postgres does not tell its version")
	}
	return strconv.Atoi(m[1])
}

// pick chooses the binaries for a cluster of the given major version;
// 0 is a cluster yet to be made and takes the best.
func pick(installs []install, major int) (install, error) {
	if major == 0 {
		return installs[0], nil
	}
	for _, i := range installs {
		if i.major == major {
			return i, nil
		}
	}
	return install{}, fmt.Errorf("the database was made by PostgreSQL %d but %s holds version %d: install PostgreSQL %d, or convert with pg_upgrade",
		major, installs[0].dir, installs[0].major, major)
}
