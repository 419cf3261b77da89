package crypt

import (
	"bytes"
	"crypto/cipher"
	"crypto/hmac"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"
	"github.com/stretchr/testify/require"
)

func TestSuites(t *testing.T) {
	t.Parallel()
	master, index := newKeys(t)
	western, err := NewKeyring(master, index)
	require.NoError(t, err)
	chinese := western.Sealing(SM4)

	t.Run("EachOpensWhatTheOtherSealed", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, AES, western.Suite())
		for _, pair := range [][2]*Keyring{{western, chinese}, {chinese, western}, {chinese, chinese}} {
			key, wrapped, err := pair[0].NewDataKey(nil, owner)
			require.NoError(t, err)
			sealed := key.Seal([]byte("kept"), facts)
			require.Equal(t, byte(pair[0].Suite()), sealed[0])
			require.Equal(t, byte(pair[0].Suite()), wrapped[0])
			again, err := pair[1].Unwrap(owner, wrapped)
			require.NoError(t, err)
			text, err := again.Open(sealed, facts)
			require.NoError(t, err)
			require.Equal(t, "kept", string(text))
			require.Equal(t, byte(pair[1].Suite()), again.Seal([]byte("new"), facts)[0])
		}
	})

	t.Run("RewrappingChangesTheSuiteToo", func(t *testing.T) {
		t.Parallel()
		_, wrapped, err := western.NewDataKey(nil, owner)
		require.NoError(t, err)
		rewrapped, changed, err := chinese.Rewrap(owner, wrapped)
		require.NoError(t, err)
		require.True(t, changed)
		require.True(t, bytes.HasPrefix(rewrapped, chinese.WrapHeader()))
		suite, id, configured := western.WrappedBy(rewrapped)
		require.Equal(t, SM4, suite)
		require.Equal(t, western.MasterID(), id)
		require.True(t, configured)
		_, changed, err = chinese.Rewrap(owner, rewrapped)
		require.NoError(t, err)
		require.False(t, changed)
	})

	t.Run("SM4DetectsEveryFlippedBitAndEveryCut", func(t *testing.T) {
		t.Parallel()
		key, wrapped, err := chinese.NewDataKey(nil, owner)
		require.NoError(t, err)
		sealed := key.Seal([]byte("三级残疾"), facts)
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
		for i := range wrapped {
			bad := bytes.Clone(wrapped)
			bad[i] ^= 1
			_, err := chinese.Unwrap(owner, bad)
			require.Error(t, err)
			_, err = chinese.Unwrap(owner, wrapped[:i])
			require.Error(t, err)
		}
		_, err = key.Open(sealed, "recipients.phone")
		require.ErrorIs(t, err, ErrTampered)
		sealed[0] = byte(AES)
		_, err = key.Open(sealed, facts)
		require.ErrorIs(t, err, ErrTampered)
	})

	// The two libraries agree with the standards: GB/T 32907's SM4 (the vector of RFC 8998
	// for its GCM mode) and GB/T 32905's SM3.
	t.Run("SpeaksTheStandards", func(t *testing.T) {
		t.Parallel()
		unhex := func(s string) []byte {
			b, err := hex.DecodeString(s)
			require.NoError(t, err)
			return b
		}
		block, err := sm4.NewCipher(unhex("0123456789abcdeffedcba9876543210"))
		require.NoError(t, err)
		gcm, err := cipher.NewGCM(block)
		require.NoError(t, err)
		plain := unhex("aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccddddddddddddddddeeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa")
		sealed := gcm.Seal(nil, unhex("00001234567800000000abcd"), plain, unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"))
		require.Equal(t, "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735d82710ca5c22f0ccfa7cbf93d496ac15"+
			"a56834cbcf98c397b4024a2691233b8d"+"83de3541e4c2b58177e065a9bf7b62ec", hex.EncodeToString(sealed))
		sum := sm3.Sum([]byte("abc"))
		require.Equal(t, "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0", hex.EncodeToString(sum[:]))
	})

	t.Run("AnIndexIsOfItsSuite", func(t *testing.T) {
		t.Parallel()
		mac := hmac.New(sm3.New, western.index())
		mac.Write([]byte("phone\x001"))
		require.Equal(t, mac.Sum(nil)[:16], western.Indexing(SM4).Index("phone", "1"))
		require.NotEqual(t, western.Index("phone", "1"), western.Indexing(SM4).Index("phone", "1"))
		require.Equal(t, western.Index("phone", "1"), chinese.Index("phone", "1"), "sealing in another suite moves no index")
	})

	t.Run("AnUnknownNameIsRefused", func(t *testing.T) {
		t.Parallel()
		for name, want := range map[string]Suite{"": AES, "aes": AES, "sm4": SM4} {
			suite, err := ParseSuite(name)
			require.NoError(t, err)
			require.Equal(t, want, suite)
		}
		_, err := ParseSuite("des")
		require.Error(t, err)
	})
}
