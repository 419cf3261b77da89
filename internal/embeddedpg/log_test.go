package embeddedpg

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestServerLog(t *testing.T) {
	t.Parallel()

	t.Run("HoldsNoValuesOfRows", func(t *testing.T) {
		t.Parallel()
		s := start(t, quick(newDir(t)))
		run(t, s, "CREATE TABLE contacts (phone text CONSTRAINT phone_is_known_once UNIQUE)")
		run(t, s, "INSERT INTO contacts VALUES ('secret-number')")
		conn := connect(t, s)
		_, err := conn.Exec(t.Context(), "INSERT INTO contacts VALUES ($1)", "secret-number")
		require.Error(t, err)
		_, err = conn.Exec(t.Context(), "INSERT INTO contacts VALUES ('secret-number')")
		require.Error(t, err)
		stop(t, s)
		text, err := os.ReadFile(s.logPath())
		require.NoError(t, err)
		require.Contains(t, string(text), "phone_is_known_once")
		require.NotContains(t, string(text), "secret-number")
	})

	t.Run("IsSetAsideWhenLarge", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "postgres.log")
		require.NoError(t, os.WriteFile(path, []byte("small"), 0o600))
		f, offset, err := openLog(path)
		require.NoError(t, err)
		require.EqualValues(t, 5, offset)
		require.NoError(t, f.Close())
		require.NoError(t, os.Truncate(path, maxLog+1))
		f, offset, err = openLog(path)
		require.NoError(t, err)
		require.Zero(t, offset)
		require.NoError(t, f.Close())
		info, err := os.Stat(path + ".1")
		require.NoError(t, err)
		require.EqualValues(t, maxLog+1, info.Size())
	})

	t.Run("IsQuotedWhereItTellsTheReason", func(t *testing.T) {
		t.Parallel()
		for text, want := range map[string]string{
			"LOG:  starting\nFATAL:  no room\nLOG:  shut down\n": "FATAL:  no room",
			"initdb: error: bad\ninitdb: removing\n":             "initdb: error: bad",
			"one\ntwo\n\n":                                       "two",
			"":                                                   "it said nothing",
		} {
			require.Equal(t, want, tellingLine(text))
		}
	})
}
