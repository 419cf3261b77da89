package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	cryptorand "crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"sync"

	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"
)

// Suite is a family of algorithms. Its number is the first byte of every envelope.
type Suite byte

// The suites.
const (
	AES Suite = 1 // AES-256-GCM, HMAC-SHA-256
	SM4 Suite = 2 // SM4-GCM, HMAC-SM3: China's commercial cryptography
)

// ParseSuite reads "aes" or "sm4"; "" is aes.
func ParseSuite(name string) (Suite, error) {
	switch name {
	case "", "aes":
		return AES, nil
	case "sm4":
		return SM4, nil
	}
	return 0, errors.New("the cryptography is aes or sm4")
}

// String is the name that ParseSuite reads.
func (s Suite) String() string {
	switch s {
	case AES:
		return "aes"
	case SM4:
		return "sm4"
	}
	return fmt.Sprintf("unknown (%d)", byte(s))
}

func (s Suite) known() bool { return s == AES || s == SM4 }

func (s Suite) newHash() hash.Hash {
	if s == SM4 {
		return sm3.New()
	}
	return sha256.New()
}

// lockedAEAD hands out the cipher of a suite, made once. It is a func because fmt
// follows every pointer when the verb is wrong (%s of a struct, say) and would print
// the key; a func it prints as an address.
type lockedAEAD func(Suite) cipher.AEAD

// lockAEAD panics on a key of another length, which no caller can bring about. The
// SM4 cipher is made when something asks for it: most installations never do.
func lockAEAD(key []byte) lockedAEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("crypt: " + err.Error())
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("crypt: " + err.Error())
	}
	kept := [keySize]byte(key)
	chinese := sync.OnceValue(func() cipher.AEAD { return newSM4(kept[:]) })
	return func(s Suite) cipher.AEAD {
		if s == SM4 {
			return chinese()
		}
		return aead
	}
}

// newSM4 takes the first 16 bytes of HMAC-SM3(key, label) for its key: a key that two
// ciphers share would let what is learnt of one count against the other.
func newSM4(key []byte) cipher.AEAD {
	mac := hmac.New(sm3.New, key)
	mac.Write([]byte("aftercare.sm4"))
	block, err := sm4.NewCipher(mac.Sum(nil)[:sm4.BlockSize])
	if err != nil {
		panic("crypt: " + err.Error())
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("crypt: " + err.Error())
	}
	return randomNonce{aead}
}

// randomNonce is what cipher.NewGCMWithRandomNonce is for AES alone: the nonce is
// made here and stands before the ciphertext.
type randomNonce struct{ cipher.AEAD }

func (r randomNonce) NonceSize() int { return 0 }

func (r randomNonce) Overhead() int { return r.AEAD.NonceSize() + r.AEAD.Overhead() }

func (r randomNonce) Seal(dst, _, plaintext, additional []byte) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, r.AEAD.NonceSize())...)
	nonce := dst[start:]
	cryptorand.Read(nonce)
	return r.AEAD.Seal(dst, nonce, plaintext, additional)
}

func (r randomNonce) Open(dst, _, sealed, additional []byte) ([]byte, error) {
	size := r.AEAD.NonceSize()
	if len(sealed) < r.Overhead() {
		return nil, ErrTampered
	}
	return r.AEAD.Open(dst, sealed[:size], sealed[size:], additional)
}
