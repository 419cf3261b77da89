package embeddedpg

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSocketDir(t *testing.T) {
	t.Parallel()

	newPlace := func(t *testing.T) (place, install) {
		t.Helper()
		a, err := serverAccount()
		require.NoError(t, err)
		installs, err := findInstalls("")
		require.NoError(t, err)
		return place{dataDir: newDir(t), account: a}, installs[0]
	}

	t.Run("AvoidsALongTemporaryDirectory", func(t *testing.T) {
		t.Parallel()
		p, i := newPlace(t)
		long := filepath.Join(p.dataDir, strings.Repeat("x", 100))
		require.NoError(t, os.Mkdir(long, 0o755))
		dir, err := p.makeSocketDir(t.Context(), i, long, "/tmp")
		require.NoError(t, err)
		require.Equal(t, "/tmp", filepath.Dir(dir))
		require.NoError(t, p.removeSocketDir())
		requireGone(t, dir)
	})

	t.Run("AvoidsWhatPostgresWouldReadAsTwoDirectories", func(t *testing.T) {
		t.Parallel()
		p, i := newPlace(t)
		odd := filepath.Join(p.dataDir, "a,b")
		require.NoError(t, os.Mkdir(odd, 0o755))
		dir, err := p.makeSocketDir(t.Context(), i, odd, "/tmp")
		require.NoError(t, err)
		require.Equal(t, "/tmp", filepath.Dir(dir))
		require.NoError(t, p.removeSocketDir())
	})

	t.Run("ExplainsWhenNoPlaceIsLeft", func(t *testing.T) {
		t.Parallel()
		p, i := newPlace(t)
		_, err := p.makeSocketDir(t.Context(), i, "/"+strings.Repeat("x", 100), filepath.Join(p.dataDir, "missing"))
		require.ErrorContains(t, err, "set TMPDIR")
		require.ErrorContains(t, err, "103 are allowed")
		require.NotContains(t, err.Error(), "\n")
	})

	t.Run("ServesUnderALongTMPDIR", func(t *testing.T) {
		t.Parallel()
		dir := newDir(t)
		long := filepath.Join(dir, strings.Repeat("x", 100))
		require.NoError(t, os.Mkdir(long, 0o755))
		dead := startOwner(t, dir, "TMPDIR="+long)
		_, socketDir := dead.server(t)
		require.Equal(t, "1", ask(t, &Server{socketDir: socketDir}, "SELECT '1'"))
		dead.kill(t)
		stop(t, start(t, quick(dir)))
	})

	t.Run("NeverDeletesWhatIsNotItsOwn", func(t *testing.T) {
		t.Parallel()
		p, _ := newPlace(t)
		precious := t.TempDir()
		require.NoError(t, os.WriteFile(p.socketRecord(), []byte(precious+"\n"), 0o600))
		require.NoError(t, p.removeSocketDir())
		require.DirExists(t, precious)
		requireGone(t, p.socketRecord())
	})
}
