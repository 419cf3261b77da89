package crypt

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNewKeyring(t *testing.T) {
	t.Parallel()
	master, index := newKeys(t)
	raw, err := base64.StdEncoding.DecodeString(master)
	require.NoError(t, err)
	old, _ := newKeys(t)

	t.Run("ReadsEveryEncodingOfOneKeyAsTheSameKey", func(t *testing.T) {
		t.Parallel()
		ring, err := NewKeyring(master, index)
		require.NoError(t, err)
		_, wrapped, err := ring.NewDataKey(nil, owner)
		require.NoError(t, err)
		for _, text := range []string{
			strings.TrimRight(master, "="), hex.EncodeToString(raw),
			strings.ToUpper(hex.EncodeToString(raw)), " " + master + "\n", "named:" + master,
		} {
			again, err := NewKeyring(text, index)
			require.NoError(t, err)
			_, err = again.Unwrap(owner, wrapped)
			require.NoError(t, err)
		}
	})

	t.Run("NamesTheVariableAndNeverTheValue", func(t *testing.T) {
		t.Parallel()
		for name, c := range map[string]struct{ master, index, want string }{
			"MasterMissing":    {"", index, "AFTERCARE_MASTER_KEY is not set"},
			"MasterShort":      {master[:40], index, "AFTERCARE_MASTER_KEY: entry 1 is not 32 bytes"},
			"MasterNotBase64":  {"?" + master[1:], index, "AFTERCARE_MASTER_KEY: entry 1 is not 32 bytes"},
			"SecondMasterBad":  {master + ",b:" + old[1:], index, "AFTERCARE_MASTER_KEY: entry 2 is not 32 bytes"},
			"IDBad":            {"a b:" + master, index, "entry 1 has an id that is not"},
			"IDTooLong":        {strings.Repeat("a", 33) + ":" + master, index, "entry 1 has an id that is not"},
			"IDTwice":          {"a:" + master + ",a:" + old, index, "entry 2 has the id of another entry"},
			"IDIsAFingerprint": {master + "," + fingerprint(raw) + ":" + old, index, "entry 2 has the id of another entry"},
			"IndexMissing":     {master, " ", "AFTERCARE_INDEX_KEY is not set"},
			"IndexShort":       {master, index[4:], "AFTERCARE_INDEX_KEY is not 32 bytes"},
			"IndexIsTheMaster": {"a:" + old + ",b:" + master, master, "AFTERCARE_INDEX_KEY must be a key of its own"},
		} {
			ring, err := NewKeyring(c.master, c.index)
			require.ErrorContains(t, err, c.want, name)
			require.Nil(t, ring, name)
			for _, secret := range []string{master, old, index} {
				require.NotContains(t, err.Error(), secret[4:20], name)
			}
		}
	})

	t.Run("ReportsBothProblemsTogether", func(t *testing.T) {
		t.Parallel()
		_, err := NewKeyring("", "")
		require.ErrorContains(t, err, "AFTERCARE_MASTER_KEY")
		require.ErrorContains(t, err, "AFTERCARE_INDEX_KEY")
	})

	t.Run("WrapsWithTheFirst", func(t *testing.T) {
		t.Parallel()
		ring, err := NewKeyring("new:"+master+","+old, index)
		require.NoError(t, err)
		require.Equal(t, "new", ring.MasterID())
		ring, err = NewKeyring(master+",old:"+old, index)
		require.NoError(t, err)
		require.Equal(t, fingerprint(raw), ring.MasterID())
	})
}
