package crypt

import (
	"fmt"
	"io"
	"log/slog"
)

const (
	redactedKeyring = "crypt.Keyring(redacted)"
	redactedDataKey = "crypt.DataKey(redacted)"
)

// Format prints a fixed text whatever the verb.
func (Keyring) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redactedKeyring) }

// String is a fixed text.
func (Keyring) String() string { return redactedKeyring }

// GoString is a fixed text.
func (Keyring) GoString() string { return redactedKeyring }

// LogValue is a fixed text.
func (Keyring) LogValue() slog.Value { return slog.StringValue(redactedKeyring) }

// MarshalJSON is a fixed text.
func (Keyring) MarshalJSON() ([]byte, error) { return []byte(`"` + redactedKeyring + `"`), nil }

// Format prints a fixed text whatever the verb.
func (DataKey) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redactedDataKey) }

// String is a fixed text.
func (DataKey) String() string { return redactedDataKey }

// GoString is a fixed text.
func (DataKey) GoString() string { return redactedDataKey }

// LogValue is a fixed text.
func (DataKey) LogValue() slog.Value { return slog.StringValue(redactedDataKey) }

// MarshalJSON is a fixed text.
func (DataKey) MarshalJSON() ([]byte, error) { return []byte(`"` + redactedDataKey + `"`), nil }
