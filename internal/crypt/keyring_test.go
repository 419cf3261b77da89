package crypt

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var (
	owner = [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	other = [16]byte{16, 15, 14}
)

func newKeys(t testing.TB) (master, index string) {
	t.Helper()
	master, index, err := GenerateKeys(nil)
	require.NoError(t, err)
	return master, index
}

func newRing(t testing.TB) *Keyring {
	t.Helper()
	ring, err := NewKeyring(newKeys(t))
	require.NoError(t, err)
	return ring
}

func TestRotation(t *testing.T) {
	t.Parallel()
	oldMaster, index := newKeys(t)
	newMaster, _ := newKeys(t)
	before, err := NewKeyring("2025:"+oldMaster, index)
	require.NoError(t, err)
	key, wrapped, err := before.NewDataKey(nil, owner)
	require.NoError(t, err)
	sealed := key.Seal([]byte("kept"), "recipients.facts")

	between, err := NewKeyring("2026:"+newMaster+",2025:"+oldMaster, index)
	require.NoError(t, err)
	after, err := NewKeyring("2026:"+newMaster, index)
	require.NoError(t, err)

	opens := func(t *testing.T, ring *Keyring, wrapped []byte) {
		t.Helper()
		key, err := ring.Unwrap(owner, wrapped)
		require.NoError(t, err)
		text, err := key.Open(sealed, "recipients.facts")
		require.NoError(t, err)
		require.Equal(t, "kept", string(text))
	}

	t.Run("OldMasterStillOpens", func(t *testing.T) {
		t.Parallel()
		opens(t, between, wrapped)
	})

	t.Run("RewrapChangesOnlyTheWrapping", func(t *testing.T) {
		t.Parallel()
		rewrapped, changed, err := between.Rewrap(owner, wrapped)
		require.NoError(t, err)
		require.True(t, changed)
		require.NotEqual(t, wrapped, rewrapped)
		opens(t, after, rewrapped)

		again, changed, err := between.Rewrap(owner, rewrapped)
		require.NoError(t, err)
		require.False(t, changed)
		require.Equal(t, rewrapped, again)
	})

	t.Run("RetiredMasterIsNamedAsUnknown", func(t *testing.T) {
		t.Parallel()
		_, err := after.Unwrap(owner, wrapped)
		require.ErrorIs(t, err, ErrUnknownKey)
		_, _, err = after.Rewrap(owner, wrapped)
		require.ErrorIs(t, err, ErrUnknownKey)
	})

	t.Run("KeyGivenANameLaterStillOpens", func(t *testing.T) {
		t.Parallel()
		unnamed, err := NewKeyring(oldMaster, index)
		require.NoError(t, err)
		_, wrapped, err := unnamed.NewDataKey(nil, owner)
		require.NoError(t, err)
		_, err = before.Unwrap(owner, wrapped)
		require.NoError(t, err)
		_, changed, err := before.Rewrap(owner, wrapped)
		require.NoError(t, err)
		require.True(t, changed)
	})
}

func TestUnwrap(t *testing.T) {
	t.Parallel()
	ring := newRing(t)
	_, wrapped, err := ring.NewDataKey(nil, owner)
	require.NoError(t, err)

	t.Run("DestroyedKeyIsSaidToBeDestroyed", func(t *testing.T) {
		t.Parallel()
		for _, none := range [][]byte{nil, {}} {
			key, err := ring.Unwrap(owner, none)
			require.ErrorIs(t, err, ErrDestroyed)
			require.True(t, key.IsZero())
			_, err = key.Open([]byte{1}, "recipients.facts")
			require.ErrorIs(t, err, ErrDestroyed)
			require.Panics(t, func() { key.Seal([]byte("x"), "recipients.facts") })
			_, _, err = ring.Rewrap(owner, none)
			require.ErrorIs(t, err, ErrDestroyed)
		}
	})

	t.Run("RefusesAnotherOwner", func(t *testing.T) {
		t.Parallel()
		_, err := ring.Unwrap(other, wrapped)
		require.ErrorIs(t, err, ErrTampered)
		_, _, err = ring.Rewrap(other, wrapped)
		require.ErrorIs(t, err, ErrTampered)
	})

	t.Run("DetectsEveryFlippedBitAndEveryCut", func(t *testing.T) {
		t.Parallel()
		for i := range wrapped {
			for bit := range 8 {
				bad := bytes.Clone(wrapped)
				bad[i] ^= 1 << bit
				_, err := ring.Unwrap(owner, bad)
				require.True(t, errors.Is(err, ErrTampered) || errors.Is(err, ErrUnknownKey), "byte %d bit %d", i, bit)
			}
			if i > 0 {
				_, err := ring.Unwrap(owner, wrapped[:i])
				require.Error(t, err, "cut at %d", i)
			}
		}
		_, err := ring.Unwrap(owner, append(bytes.Clone(wrapped), 0))
		require.ErrorIs(t, err, ErrTampered)
	})

	t.Run("SurvivesAnyBytes", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(r *rapid.T) {
			_, err := ring.Unwrap(owner, rapid.SliceOf(rapid.Byte()).Draw(r, "wrapped"))
			if err == nil {
				r.Fatal("random bytes were unwrapped")
			}
		})
	})
}

func TestGenerators(t *testing.T) {
	t.Parallel()

	t.Run("SeededSourceRepeats", func(t *testing.T) {
		t.Parallel()
		seed := strings.Repeat("s", 64)
		m1, i1, err := GenerateKeys(strings.NewReader(seed))
		require.NoError(t, err)
		m2, i2, err := GenerateKeys(strings.NewReader(seed))
		require.NoError(t, err)
		require.Equal(t, m1+i1, m2+i2)
	})

	t.Run("FailingSourceIsReported", func(t *testing.T) {
		t.Parallel()
		broken := errors.New("broken")
		_, _, err := GenerateKeys(iotest.ErrReader(broken))
		require.ErrorIs(t, err, broken)
		_, _, err = newRing(t).NewDataKey(iotest.ErrReader(broken), owner)
		require.ErrorIs(t, err, broken)
	})
}

func TestIndex(t *testing.T) {
	t.Parallel()
	master, index := newKeys(t)
	ring, err := NewKeyring(master, index)
	require.NoError(t, err)

	t.Run("IsEqualForEqualValuesOnly", func(t *testing.T) {
		t.Parallel()
		phone := ring.Index("phone", "+8615400000001")
		require.Len(t, phone, 16)
		require.Equal(t, phone, ring.Index("phone", "+8615400000001"))
		require.NotEqual(t, phone, ring.Index("phone", "+8615400000002"))
		require.NotEqual(t, phone, ring.Index("id_number", "+8615400000001"))
		require.NotEqual(t, ring.Index("a", "bc"), ring.Index("ab", "c"))
	})

	t.Run("DependsOnTheIndexKeyAlone", func(t *testing.T) {
		t.Parallel()
		rotated, sameIndex := newKeys(t)
		again, err := NewKeyring(rotated, index)
		require.NoError(t, err)
		require.Equal(t, ring.Index("phone", "1"), again.Index("phone", "1"))
		foreign, err := NewKeyring(master, sameIndex)
		require.NoError(t, err)
		require.NotEqual(t, ring.Index("phone", "1"), foreign.Index("phone", "1"))
	})

	t.Run("MissingValueHasNone", func(t *testing.T) {
		t.Parallel()
		require.Nil(t, ring.Index("phone", ""))
	})
}

func TestKeyringIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	ring := newRing(t)
	key, wrapped, err := ring.NewDataKey(nil, owner)
	require.NoError(t, err)
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			for range 200 {
				again, err := ring.Unwrap(owner, wrapped)
				if err != nil {
					errs[i] = err
					return
				}
				if _, err := again.Open(key.Seal([]byte("text"), "c"), "c"); err != nil {
					errs[i] = err
				}
				ring.Index("phone", "1")
			}
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
}
