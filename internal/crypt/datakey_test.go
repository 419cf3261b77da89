package crypt

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const facts = "recipients.facts"

func newKey(t testing.TB) DataKey {
	t.Helper()
	key, _, err := newRing(t).NewDataKey(nil, owner)
	require.NoError(t, err)
	return key
}

func TestSeal(t *testing.T) {
	t.Parallel()
	ring := newRing(t)
	key, wrapped, err := ring.NewDataKey(nil, owner)
	require.NoError(t, err)
	sealed := key.Seal([]byte("三级残疾"), facts)

	t.Run("OpensWhatItSealed", func(t *testing.T) {
		t.Parallel()
		again, err := ring.Unwrap(owner, wrapped)
		require.NoError(t, err)
		require.Equal(t, owner, again.Owner())
		rapid.Check(t, func(r *rapid.T) {
			text := rapid.SliceOf(rapid.Byte()).Draw(r, "text")
			context := rapid.String().Draw(r, "context")
			opened, err := again.Open(key.Seal(text, context), context)
			if err != nil || !bytes.Equal(opened, text) || (opened == nil) != (text == nil) {
				r.Fatalf("opened %x, error %v", opened, err)
			}
		})
	})

	t.Run("MissingStaysMissingAndEmptyStaysEmpty", func(t *testing.T) {
		t.Parallel()
		require.Nil(t, key.Seal(nil, facts))
		missing, err := key.Open(nil, facts)
		require.NoError(t, err)
		require.Nil(t, missing)
		empty, err := key.Open(key.Seal([]byte{}, facts), facts)
		require.NoError(t, err)
		require.NotNil(t, empty)
		require.Empty(t, empty)
	})

	t.Run("SealsTheSameTextDifferentlyEachTime", func(t *testing.T) {
		t.Parallel()
		seen := map[string]bool{}
		for range 1000 {
			seen[string(key.Seal([]byte("同"), facts))] = true
		}
		require.Len(t, seen, 1000)
	})

	t.Run("RefusesAnotherContext", func(t *testing.T) {
		t.Parallel()
		for _, context := range []string{"recipients.phone", "", facts + "x", "recipients.fact"} {
			_, err := key.Open(sealed, context)
			require.ErrorIs(t, err, ErrTampered)
		}
	})

	t.Run("RefusesAnotherPersonsKey", func(t *testing.T) {
		t.Parallel()
		foreign, _, err := ring.NewDataKey(nil, other)
		require.NoError(t, err)
		_, err = foreign.Open(sealed, facts)
		require.ErrorIs(t, err, ErrWrongKey)
	})

	t.Run("RefusesAReplacedKeyOfTheSamePerson", func(t *testing.T) {
		t.Parallel()
		replaced, _, err := ring.NewDataKey(nil, owner)
		require.NoError(t, err)
		_, err = replaced.Open(sealed, facts)
		require.ErrorIs(t, err, ErrTampered)
	})

	t.Run("DetectsEveryFlippedBitAndEveryCut", func(t *testing.T) {
		t.Parallel()
		for i := range sealed {
			for bit := range 8 {
				bad := bytes.Clone(sealed)
				bad[i] ^= 1 << bit
				_, err := key.Open(bad, facts)
				require.True(t, errors.Is(err, ErrTampered) || errors.Is(err, ErrWrongKey), "byte %d bit %d", i, bit)
			}
			_, err := key.Open(sealed[:i], facts)
			require.ErrorIs(t, err, ErrTampered, "cut at %d", i)
		}
		_, err := key.Open(append(bytes.Clone(sealed), 0), facts)
		require.ErrorIs(t, err, ErrTampered)
	})

	t.Run("WrappedKeyAndValueCannotStandForEachOther", func(t *testing.T) {
		t.Parallel()
		_, err := key.Open(wrapped, facts)
		require.Error(t, err)
		_, err = ring.Unwrap(owner, sealed)
		require.Error(t, err)
	})
}

func TestJSON(t *testing.T) {
	t.Parallel()
	type fact struct {
		Phone string `json:"phone"`
		Fen   int64  `json:"fen"`
	}
	key := newKey(t)

	t.Run("OpensWhatItSealed", func(t *testing.T) {
		t.Parallel()
		want := fact{Phone: "+8615400000001", Fen: 500000}
		sealed, err := SealJSON(key, want, facts)
		require.NoError(t, err)
		got, err := OpenJSON[fact](key, sealed, facts)
		require.NoError(t, err)
		require.Equal(t, want, got)
	})

	t.Run("MissingGivesTheZeroValue", func(t *testing.T) {
		t.Parallel()
		got, err := OpenJSON[fact](key, nil, facts)
		require.NoError(t, err)
		require.Zero(t, got)
	})

	t.Run("PassesOnWhyItDoesNotOpen", func(t *testing.T) {
		t.Parallel()
		sealed, err := SealJSON(key, fact{}, facts)
		require.NoError(t, err)
		_, err = OpenJSON[fact](key, sealed, "plans.facts")
		require.ErrorIs(t, err, ErrTampered)
	})

	t.Run("QuotesNoValueWhenTheShapeDiffers", func(t *testing.T) {
		t.Parallel()
		sealed, err := SealJSON(key, map[string]any{"fen": 7, "phone": 15400000001}, facts)
		require.NoError(t, err)
		got, err := OpenJSON[fact](key, sealed, facts)
		require.ErrorContains(t, err, "crypt.fact")
		require.NotContains(t, err.Error(), "15400000001")
		require.Zero(t, got)
		_, err = SealJSON(key, math.Inf(1), facts)
		require.ErrorContains(t, err, "float64")
	})
}

func TestNothingIsPrinted(t *testing.T) {
	t.Parallel()
	master, index := newKeys(t)
	ring, err := NewKeyring(master, index)
	require.NoError(t, err)
	key, wrapped, err := ring.NewDataKey(nil, owner)
	require.NoError(t, err)
	secret, _, err := ring.unwrap(owner, wrapped)
	require.NoError(t, err)

	// Behind an unexported field fmt cannot call the redacting methods.
	hidden := struct {
		ring *Keyring
		copy Keyring
		key  DataKey
	}{ring, *ring, key}

	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		for _, v := range []any{ring, *ring, key, &key, hidden, &hidden, []DataKey{key}, map[string]*Keyring{"k": ring}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, log := range []*slog.Logger{slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))} {
		log.Info("keys", "ring", ring, "copy", *ring, "key", key, "pointer", &key, "nested", []DataKey{key})
	}
	encoded, err := json.Marshal(map[string]any{"ring": ring, "copy": *ring, "key": key})
	require.NoError(t, err)
	out.Write(encoded)
	out.WriteString(ring.String() + ring.GoString() + key.String() + key.GoString())

	printed := strings.ToLower(out.String())
	for _, text := range []string{master, index} {
		raw, err := base64.StdEncoding.DecodeString(text)
		require.NoError(t, err)
		requireAbsent(t, printed, raw)
	}
	requireAbsent(t, printed, secret)
}

func requireAbsent(t *testing.T, printed string, secret []byte) {
	t.Helper()
	decimal := strings.Trim(fmt.Sprint(secret[4:9]), "[]")
	words := []uint32{binary.BigEndian.Uint32(secret[4:]), binary.LittleEndian.Uint32(secret[4:])}
	for _, form := range []string{
		fmt.Sprint(words[0]), fmt.Sprintf("%x", words[0]), // as a key schedule holds them
		fmt.Sprint(words[1]), fmt.Sprintf("%x", words[1]),
		base64.StdEncoding.EncodeToString(secret)[:8], hex.EncodeToString(secret)[:12],
		decimal, strings.ReplaceAll(decimal, " ", ", "), string(secret),
	} {
		require.False(t, strings.Contains(printed, strings.ToLower(form)), "a key was printed")
	}
}

func BenchmarkUnwrap(b *testing.B) {
	ring := newRing(b)
	_, wrapped, err := ring.NewDataKey(nil, owner)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ring.Unwrap(owner, wrapped); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	key, text := newKey(b), bytes.Repeat([]byte("平"), 100)
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		key.Seal(text, facts)
	}
}

func BenchmarkOpen(b *testing.B) {
	key := newKey(b)
	sealed := key.Seal(bytes.Repeat([]byte("平"), 100), facts)
	b.ReportAllocs()
	b.SetBytes(300)
	for b.Loop() {
		if _, err := key.Open(sealed, facts); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIndex(b *testing.B) {
	ring := newRing(b)
	b.ReportAllocs()
	for b.Loop() {
		ring.Index("phone", "+8615400000001")
	}
}
