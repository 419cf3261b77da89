// Package crypt holds the keys of the care log and the envelopes made with
// them. Every person has a data key of their own; data keys are kept wrapped by
// a master key that never enters the database. Rotation re-wraps data keys and
// rewrites no record; destroying one wrapped key erases one person.
//
// Ciphers are AES-256-GCM or SM4-GCM, as each envelope says in its first byte,
// with a random 96-bit nonce. A person's data key may therefore seal up to 2^32
// values, a master key wrap as many persons.
package crypt

import (
	"crypto/hmac"
	cryptorand "crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
)

const (
	keySize   = 32 // AES-256; SM4 derives its 16 bytes from them
	ownerSize = 16 // a UUID
	indexSize = 16 // half of SHA-256 or SM3: 2^64 values before a chance collision
)

// The reasons why an envelope does not open. Test for them with errors.Is.
var (
	// ErrUnknownKey says that the master key a data key was wrapped with is
	// not configured.
	ErrUnknownKey = errors.New("wrapped with a master key that is not configured")
	// ErrDestroyed says that the person's data key was erased; what it sealed
	// can never be read again.
	ErrDestroyed = errors.New("data key was destroyed")
	// ErrTampered says that bytes, context or owner are not those that were
	// sealed.
	ErrTampered = errors.New("ciphertext was altered or moved")
	// ErrWrongKey says that the value was sealed with another person's key.
	ErrWrongKey = errors.New("sealed with another person's data key")
)

// Keyring holds the master keys and the index key. It never changes after
// NewKeyring, is safe for concurrent use and never prints its contents.
type Keyring struct {
	current    string                // id of the master key that wraps new keys
	masters    map[string]lockedAEAD // every master key, by its id and by its fingerprint
	index      func() []byte         // the index key, hidden like a lockedAEAD
	suite      Suite                 // of what is wrapped and sealed from now on
	indexSuite Suite                 // of blind indexes: one an installation
}

// Sealing is the same keyring, whose new envelopes are of suite. Envelopes of every
// suite open, whichever is chosen.
func (k Keyring) Sealing(suite Suite) *Keyring {
	k.suite = suite
	return &k
}

// Indexing is the same keyring, whose blind indexes are of suite. Indexes of different
// suites are never equal.
func (k Keyring) Indexing(suite Suite) *Keyring {
	k.indexSuite = suite
	return &k
}

// Suite is that of new envelopes.
func (k *Keyring) Suite() Suite { return k.suite }

// GenerateKeys makes a master key and an index key, both in base64 as
// NewKeyring reads them. A nil rand is the system's generator.
func GenerateKeys(rand io.Reader) (master, index string, err error) {
	var key [2 * keySize]byte
	if _, err := io.ReadFull(source(rand), key[:]); err != nil {
		return "", "", fmt.Errorf("generate keys: %w", err)
	}
	encode := base64.StdEncoding.EncodeToString
	return encode(key[:keySize]), encode(key[keySize:]), nil
}

// MasterID is the id of the master key that wraps new data keys. It is no
// secret.
func (k *Keyring) MasterID() string { return k.current }

// NewDataKey makes the data key of a person and wraps it with the current
// master key; store wrapped beside the person. owner is the person's id and is
// bound to both. A nil rand is the system's generator; a seeded one makes the
// key predictable and belongs in simulations only.
func (k *Keyring) NewDataKey(rand io.Reader, owner [16]byte) (key DataKey, wrapped []byte, err error) {
	var secret [keySize]byte
	defer clear(secret[:])
	if _, err := io.ReadFull(source(rand), secret[:]); err != nil {
		return DataKey{}, nil, fmt.Errorf("make data key: %w", err)
	}
	return DataKey{owner: owner, suite: k.suite, aead: lockAEAD(secret[:])}, k.wrap(owner, secret[:]), nil
}

// Unwrap opens the data key of owner. ErrDestroyed when wrapped is empty,
// ErrUnknownKey when its master key is not configured, ErrTampered when it was
// altered or belongs to another owner.
func (k *Keyring) Unwrap(owner [16]byte, wrapped []byte) (DataKey, error) {
	secret, _, err := k.unwrap(owner, wrapped)
	if err != nil {
		return DataKey{}, fmt.Errorf("unwrap data key: %w", err)
	}
	defer clear(secret)
	return DataKey{owner: owner, suite: k.suite, aead: lockAEAD(secret)}, nil
}

// Rewrap wraps the same data key with the current master key, so that an old
// master key can be retired; everything the data key sealed stays as it is.
// When the current one already wraps it in the chosen suite, wrapped comes back unchanged. Errors
// are those of Unwrap.
func (k *Keyring) Rewrap(owner [16]byte, wrapped []byte) (newWrapped []byte, changed bool, err error) {
	secret, id, err := k.unwrap(owner, wrapped)
	if err != nil {
		return nil, false, fmt.Errorf("rewrap data key: %w", err)
	}
	defer clear(secret)
	if id == k.current && Suite(wrapped[0]) == k.suite {
		return wrapped, false, nil
	}
	return k.wrap(owner, secret), true, nil
}

// Index is the blind index of a value: 16 bytes that are equal for equal kind
// and value and tell nothing without the index key. kind names the column
// family ("phone", "id_number") and holds no zero byte; normalise value before.
// An empty value has no index: nil, which no look-up equals.
func (k *Keyring) Index(kind, value string) []byte {
	if value == "" {
		return nil
	}
	mac := hmac.New(k.indexSuite.newHash, k.index())
	buf := make([]byte, 0, 96)
	buf = append(buf, kind...)
	buf = append(buf, 0)
	buf = append(buf, value...)
	mac.Write(buf)
	return mac.Sum(buf[:0])[:indexSize:indexSize]
}

// WrapHeader is how every data key begins that the current master key wraps in the
// chosen suite.
func (k *Keyring) WrapHeader() []byte {
	return append([]byte{byte(k.suite), byte(len(k.current))}, k.current...)
}

// WrappedBy tells from a wrapped data key or its header, without opening it, which
// master key it hangs on, and whether that one is configured. "" when it is no wrapped
// key at all.
func (k *Keyring) WrappedBy(wrapped []byte) (suite Suite, id string, configured bool) {
	header, ok := wrapHeader(wrapped)
	if !ok {
		return 0, "", false
	}
	id = string(header[2:])
	_, configured = k.masters[id]
	return Suite(header[0]), id, configured
}

// wrap lays out: suite, length of the master id, master id, nonce, encrypted
// key, tag.
func (k *Keyring) wrap(owner [ownerSize]byte, secret []byte) []byte {
	header := k.WrapHeader()
	aead := k.masters[k.current](k.suite)
	out := make([]byte, 0, len(header)+keySize+aead.Overhead())
	out = append(out, header...)
	return aead.Seal(out, nil, secret, wrapAAD(header, owner))
}

func (k *Keyring) unwrap(owner [ownerSize]byte, wrapped []byte) (secret []byte, id string, err error) {
	if len(wrapped) == 0 {
		return nil, "", ErrDestroyed
	}
	header, ok := wrapHeader(wrapped)
	if !ok {
		return nil, "", ErrTampered
	}
	id = string(header[2:])
	master, ok := k.masters[id]
	if !ok {
		return nil, "", ErrUnknownKey
	}
	secret, err = master(Suite(header[0])).Open(nil, nil, wrapped[len(header):], wrapAAD(header, owner))
	if err != nil || len(secret) != keySize {
		return nil, "", ErrTampered
	}
	return secret, id, nil
}

func wrapHeader(wrapped []byte) ([]byte, bool) {
	if len(wrapped) < 2 || !Suite(wrapped[0]).known() {
		return nil, false
	}
	header := 2 + int(wrapped[1])
	if len(wrapped) < header {
		return nil, false
	}
	return wrapped[:header], true
}

func wrapAAD(header []byte, owner [ownerSize]byte) []byte {
	const label = "aftercare.wrap\x00"
	aad := make([]byte, 0, len(label)+len(header)+ownerSize)
	aad = append(aad, label...)
	aad = append(aad, header...)
	return append(aad, owner[:]...)
}

func source(rand io.Reader) io.Reader {
	if rand == nil {
		return cryptorand.Reader
	}
	return rand
}
