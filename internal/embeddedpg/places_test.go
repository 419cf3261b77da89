package embeddedpg

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestFindBinaries(t *testing.T) {
	t.Parallel()

	t.Run("FindsAnInstalledServer", func(t *testing.T) {
		t.Parallel()
		dir, err := FindBinaries("")
		require.NoError(t, err)
		again, err := FindBinaries(dir)
		require.NoError(t, err)
		require.Equal(t, dir, again)
	})

	t.Run("SaysWhatToInstall", func(t *testing.T) {
		t.Parallel()
		empty := t.TempDir()
		_, err := FindBinaries(empty)
		require.ErrorIs(t, err, ErrNoBinaries)
		require.ErrorContains(t, err, empty)
		require.ErrorContains(t, err, "apt-get install postgresql")
		require.ErrorContains(t, err, "brew install postgresql@16")
		require.NotContains(t, err.Error(), "\n")
		_, err = Start(t.Context(), Options{DataDir: newDir(t), BinDir: empty})
		require.ErrorIs(t, err, ErrNoBinaries)
	})
}

// pretend makes empty directories and an askVersion that reads the version
// off their path, .../13/bin say; "bin" elsewhere holds no server.
func pretend(t *testing.T, dirs ...string) (root string, version func(string) (int, error)) {
	t.Helper()
	root = t.TempDir()
	for _, dir := range dirs {
		require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	return root, func(dir string) (int, error) {
		return strconv.Atoi(filepath.Base(filepath.Dir(dir)))
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()

	t.Run("TakesPathThenTheNewest", func(t *testing.T) {
		t.Parallel()
		root, version := pretend(t, "own/14/bin", "lib/9/bin", "lib/13/bin", "lib/15/bin", "lib/17/bin", "brew/18/bin")
		require.NoError(t, os.Symlink(filepath.Join(root, "lib/17/bin"), filepath.Join(root, "alias")))
		found := search(
			[]string{filepath.Join(root, "own/bin"), "", ".", filepath.Join(root, "own/14/bin")},
			[]string{filepath.Join(root, "lib/*/bin"), filepath.Join(root, "alias"), filepath.Join(root, "brew/*/bin")},
			version)
		var got []string
		for _, i := range found {
			rel, err := filepath.Rel(root, i.dir)
			require.NoError(t, err)
			got = append(got, rel)
		}
		require.Equal(t, []string{"own/14/bin", "lib/17/bin", "lib/15/bin", "brew/18/bin"}, got)
	})

	t.Run("RefusesAnOldServerNamedOutright", func(t *testing.T) {
		t.Parallel()
		root, version := pretend(t, "lib/13/bin")
		_, err := explicitInstall(filepath.Join(root, "lib/13/bin"), version)
		require.ErrorIs(t, err, ErrNoBinaries)
		require.ErrorContains(t, err, "PostgreSQL 13")
	})

	t.Run("ReadsTheVersion", func(t *testing.T) {
		t.Parallel()
		for text, want := range map[string]int{
			"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n": 15,
			"postgres (PostgreSQL) 18beta1\n":                        18,
			"postgres (PostgreSQL) 9.6.24\n":                         9,
		} {
			got, err := parseVersion(text)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
		_, err := parseVersion("sh: not found")
		require.Error(t, err)
	})
}

func TestPick(t *testing.T) {
	t.Parallel()
	installs := []install{{dir: "/a", major: 17}, {dir: "/b", major: 15}}

	t.Run("TakesTheBestForANewCluster", func(t *testing.T) {
		t.Parallel()
		i, err := pick(installs, 0)
		require.NoError(t, err)
		require.Equal(t, "/a", i.dir)
	})

	t.Run("TakesTheVersionThatMadeTheCluster", func(t *testing.T) {
		t.Parallel()
		i, err := pick(installs, 15)
		require.NoError(t, err)
		require.Equal(t, "/b", i.dir)
	})

	t.Run("RefusesAClusterOfAnotherVersion", func(t *testing.T) {
		t.Parallel()
		dir := newDir(t)
		require.NoError(t, os.Mkdir(filepath.Join(dir, "postgres"), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "postgres", "PG_VERSION"), []byte("12\n"), 0o600))
		_, err := Start(t.Context(), quick(dir))
		require.ErrorContains(t, err, "made by PostgreSQL 12")
		require.NotContains(t, err.Error(), "\n")
	})
}

func TestClusterVersion(t *testing.T) {
	t.Parallel()

	t.Run("IsNoneWhereNothingIs", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		for _, cluster := range []string{dir, filepath.Join(dir, "missing")} {
			major, err := clusterVersion(cluster)
			require.NoError(t, err)
			require.Zero(t, major)
		}
	})

	t.Run("SparesForeignFiles", func(t *testing.T) {
		t.Parallel()
		dir := newDir(t)
		letter := filepath.Join(dir, "postgres", "letter.txt")
		require.NoError(t, os.MkdirAll(filepath.Dir(letter), 0o755))
		require.NoError(t, os.WriteFile(letter, []byte("dear"), 0o600))
		_, err := Start(t.Context(), quick(dir))
		require.ErrorContains(t, err, "no PostgreSQL cluster")
		require.FileExists(t, letter)
	})
}

func TestOwnTree(t *testing.T) {
	t.Parallel()

	t.Run("HandsAForeignClusterOverOrRefuses", func(t *testing.T) {
		t.Parallel()
		if os.Geteuid() != 0 {
			require.ErrorContains(t, account{}.ownTree("/"), "belongs to user 0")
			return
		}
		o := quick(newDir(t))
		s := start(t, o)
		stop(t, s)
		stranger := account{name: "stranger", uid: 54321, gid: 54321, other: true}
		require.NoError(t, stranger.ownTree(s.cluster()))
		s = start(t, o)
		require.Equal(t, "1", ask(t, s, "SELECT '1'"))
	})
}

func TestAncestors(t *testing.T) {
	t.Parallel()

	t.Run("LeadFromTheRootDown", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, []string{"/"}, ancestors("/"))
		rapid.Check(t, func(t *rapid.T) {
			path := "/" + strings.Join(rapid.SliceOfN(rapid.StringMatching(`[a-z]{1,5}`), 1, 6).Draw(t, "parts"), "/")
			dirs := ancestors(path)
			require.Equal(t, "/", dirs[0])
			require.Equal(t, path, dirs[len(dirs)-1])
			for n, dir := range dirs[1:] {
				require.Equal(t, dirs[n], filepath.Dir(dir))
			}
		})
	})
}

func TestLock(t *testing.T) {
	t.Parallel()

	t.Run("IsFreeAgainAfterItsOwner", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		first, err := lockDataDir(dir)
		require.NoError(t, err)
		_, err = lockDataDir(dir)
		require.ErrorIs(t, err, ErrInUse)
		require.NoError(t, first.Close())
		second, err := lockDataDir(dir)
		require.NoError(t, err)
		require.NoError(t, second.Close())
	})
}
