package crypt

import (
	"encoding/json"
	"fmt"
)

const sealHeader = 1 + ownerSize // suite, owner

// DataKey is one person's key, with its ciphers ready. Copies share the ciphers;
// it is safe for concurrent use and never prints its contents. The zero value
// stands for a destroyed key.
type DataKey struct {
	owner [ownerSize]byte
	suite Suite // of what it seals
	aead  lockedAEAD
}

// Owner is the id of the person whose key this is.
func (d DataKey) Owner() [16]byte { return d.owner }

// IsZero reports whether there is no key: it was destroyed or never unwrapped.
func (d DataKey) IsZero() bool { return d.aead == nil }

// Seal encrypts plaintext. context says where the value lives, as in
// "recipients.facts"; the value opens only with the same context. Sealing twice
// gives different bytes. nil stays nil, so that a missing value stays missing.
// It panics on the zero DataKey, because the alternative is plain text.
func (d DataKey) Seal(plaintext []byte, context string) []byte {
	if plaintext == nil {
		return nil
	}
	if d.IsZero() {
		panic("crypt: seal with a destroyed data key")
	}
	aead := d.aead(d.suite)
	out := make([]byte, 0, sealHeader+len(plaintext)+aead.Overhead())
	out = append(out, byte(d.suite))
	out = append(out, d.owner[:]...)
	return aead.Seal(out, nil, plaintext, sealAAD(out, context))
}

// Open decrypts what Seal made with the same context; nil stays nil.
// ErrDestroyed on the zero DataKey, ErrWrongKey when another person's key
// sealed the value, ErrTampered when the bytes or the context differ.
func (d DataKey) Open(sealed []byte, context string) ([]byte, error) {
	if sealed == nil {
		return nil, nil
	}
	plaintext, err := d.open(sealed, context)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", context, err)
	}
	return plaintext, nil
}

func (d DataKey) open(sealed []byte, context string) ([]byte, error) {
	if d.IsZero() {
		return nil, ErrDestroyed
	}
	if len(sealed) < sealHeader || !Suite(sealed[0]).known() {
		return nil, ErrTampered
	}
	aead := d.aead(Suite(sealed[0]))
	size := len(sealed) - sealHeader - aead.Overhead()
	if size < 0 {
		return nil, ErrTampered
	}
	header := sealed[:sealHeader]
	if [ownerSize]byte(header[1:]) != d.owner {
		return nil, ErrWrongKey
	}
	// A buffer of our own: an empty value must not come back as a missing one.
	plaintext, err := aead.Open(make([]byte, 0, size), nil, sealed[sealHeader:], sealAAD(header, context))
	if err != nil {
		return nil, ErrTampered
	}
	return plaintext, nil
}

func sealAAD(header []byte, context string) []byte {
	const label = "aftercare.data\x00"
	aad := make([]byte, 0, len(label)+sealHeader+len(context))
	aad = append(aad, label...)
	aad = append(aad, header...)
	return append(aad, context...)
}

// SealJSON seals v as JSON. The error names the type, never a value.
func SealJSON[T any](d DataKey, v T, context string) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		// The cause is left out: it can quote what is to be kept secret.
		return nil, fmt.Errorf("seal %s: %T cannot be written as JSON", context, v)
	}
	return d.Seal(text, context), nil
}

// OpenJSON opens what SealJSON made; nil gives the zero T. Errors are those of
// Open, or one that names the type when the JSON does not fit it.
func OpenJSON[T any](d DataKey, sealed []byte, context string) (T, error) {
	var v T
	text, err := d.Open(sealed, context)
	if err != nil || text == nil {
		return v, err
	}
	if json.Unmarshal(text, &v) != nil {
		var zero T
		// The cause is left out: it can quote what is to be kept secret.
		return zero, fmt.Errorf("open %s: the JSON does not fit %T", context, v)
	}
	return v, nil
}
