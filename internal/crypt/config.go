package crypt

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

const (
	masterVariable = "AFTERCARE_MASTER_KEY"
	indexVariable  = "AFTERCARE_INDEX_KEY"
	maxIDLength    = 32
)

// NewKeyring reads the keys from their configuration. A key is 32 bytes in
// base64 (padded or not) or hex. master may be several keys separated by
// commas, each "id:key" or just "key": the first wraps new data keys, all of
// them unwrap. A key without an id goes by its fingerprint, the first 4 bytes
// of its SHA-256 in hex, by which every key is found besides. An id is 1 to 32
// letters, digits, dots, dashes or underscores.
//
// The error reports everything that is wrong, names the variable
// (AFTERCARE_MASTER_KEY, AFTERCARE_INDEX_KEY) and never contains a value.
func NewKeyring(master, index string) (*Keyring, error) {
	k := &Keyring{suite: AES, indexSuite: AES, masters: map[string]lockedAEAD{}}
	indexKey, indexErr := parseIndex(index)
	err := errors.Join(k.parseMasters(master), indexErr)
	if err != nil {
		return nil, err
	}
	if _, same := k.masters[fingerprint(indexKey)]; same {
		return nil, fmt.Errorf("%s must be a key of its own, not a copy of %s", indexVariable, masterVariable)
	}
	k.index = func() []byte { return indexKey }
	return k, nil
}

func parseIndex(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, fmt.Errorf("%s is not set", indexVariable)
	}
	key, ok := decodeKey(text)
	if !ok {
		return nil, fmt.Errorf("%s is not 32 bytes in base64 or hex", indexVariable)
	}
	return key, nil
}

func (k *Keyring) parseMasters(text string) error {
	if strings.TrimSpace(text) == "" {
		return fmt.Errorf("%s is not set", masterVariable)
	}
	var problems []error
	keys := map[string]string{} // id → fingerprint of its key
	for i, entry := range strings.Split(text, ",") {
		id, key, err := parseMaster(entry)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: entry %d %w", masterVariable, i+1, err))
			continue
		}
		mark := fingerprint(key)
		if id == "" {
			id = mark
		}
		if k.current == "" {
			k.current = id
		}
		// The fingerprint stays valid beside a name, so that a key can be given
		// a name after it has wrapped something.
		for _, name := range []string{id, mark} {
			if other, taken := keys[name]; taken && other != mark {
				problems = append(problems, fmt.Errorf("%s: entry %d has the id of another entry", masterVariable, i+1))
				continue
			}
			keys[name] = mark
			k.masters[name] = lockAEAD(key)
		}
	}
	return errors.Join(problems...)
}

func parseMaster(entry string) (id string, key []byte, err error) {
	text := strings.TrimSpace(entry)
	id, encoded, named := strings.Cut(text, ":")
	if !named {
		id, encoded = "", text
	}
	if named && !validID(id) {
		return "", nil, fmt.Errorf("has an id that is not 1 to %d letters, digits, dots, dashes or underscores", maxIDLength)
	}
	key, ok := decodeKey(strings.TrimSpace(encoded))
	if !ok {
		return "", nil, errors.New("is not 32 bytes in base64 or hex")
	}
	return id, key, nil
}

func validID(id string) bool {
	if id == "" || len(id) > maxIDLength {
		return false
	}
	return strings.IndexFunc(id, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		return !letter && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	}) < 0
}

// decodeKey tells the encodings apart by length alone: 64 characters are hex,
// 44 padded and 43 bare base64.
func decodeKey(text string) ([]byte, bool) {
	var key []byte
	var err error
	switch len(text) {
	case hex.EncodedLen(keySize):
		key, err = hex.DecodeString(text)
	case base64.StdEncoding.EncodedLen(keySize):
		key, err = base64.StdEncoding.DecodeString(text)
	default:
		key, err = base64.RawStdEncoding.DecodeString(text)
	}
	return key, err == nil && len(key) == keySize
}

func fingerprint(key []byte) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:4])
}
