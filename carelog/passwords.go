package carelog

import (
	"bufio"
	"context"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// SignInRules is how people sign in. The zero value is the default.
type SignInRules struct {
	// SecondFactor says who needs one: "" everybody who is more than an officer,
	// "all", or "none" (the demo).
	SecondFactor string
	// MemoryKiB and Passes are what a password costs to check. 0: 19 MiB and 2, the
	// least of OWASP's Password Storage Cheat Sheet for argon2id with one lane.
	MemoryKiB, Passes uint32
	// Common tells of a password that everybody tries, beside those that came with
	// the program; nil: no others.
	Common func(password string) bool
}

const (
	owaspMemory = 19 << 10 // KiB
	owaspPasses = 2
	keyBytes    = 32
	saltBytes   = 16
	shortest    = 12 // characters
	longest     = 128
	// sideBySide bounds how many passwords are checked at a time: as many as the two
	// cores do any faster, and 38 MiB at the default cost.
	sideBySide = 2
)

// What can be wrong with a password.
var (
	isTooShort     = reason{"is too short or too long: 12 to 128 characters", "\u957f\u5ea6\u987b\u4e3a12\u81f3128\u4e2a\u5b57\u7b26"}
	holdsTheLogin  = reason{"contains the login: choose something else", "\u4e0d\u5f97\u5305\u542b\u767b\u5f55\u540d\uff0c\u8bf7\u53e6\u9009"}
	isCommon       = reason{"is one that everybody tries: choose something of your own, such as four words that do not belong together", "\u592a\u5e38\u89c1\uff0c\u5bb9\u6613\u88ab\u731c\u5230\uff0c\u8bf7\u6362\u6210\u81ea\u5df1\u60f3\u7684\uff0c\u4f8b\u5982\u56db\u4e2a\u4e92\u4e0d\u76f8\u5e72\u7684\u8bcd"}
	isNotThePasswd = reason{"is not right, or was tried too often: wait and try again", "\u4e0d\u6b63\u786e\uff0c\u6216\u5c1d\u8bd5\u6b21\u6570\u8fc7\u591a\uff0c\u8bf7\u7a0d\u540e\u518d\u8bd5"}
)

// passwords checks and makes password hashes, a few at a time.
type passwords struct {
	rules  SignInRules
	random io.Reader
	turn   chan struct{}
	nobody string // what an unknown login's password is compared with
}

func newPasswords(rules SignInRules, random io.Reader) *passwords {
	if rules.MemoryKiB == 0 {
		rules.MemoryKiB = owaspMemory
	}
	if rules.Passes == 0 {
		rules.Passes = owaspPasses
	}
	p := &passwords{rules: rules, random: random, turn: make(chan struct{}, sideBySide)}
	// No password has this hash but by chance; to compare with it is the same work.
	p.nobody = p.written(make([]byte, saltBytes), make([]byte, keyBytes))
	return p
}

// normal is the one form of what may be typed in several ways (full width, composed).
func normal(password string) string { return norm.NFKC.String(password) }

// check tells what is wrong with a new password, under the name of its field.
func (p *passwords) check(probs *problems, field, login, password string) {
	text := normal(password)
	lower := strings.ToLower(text)
	switch n := utf8.RuneCountInString(text); {
	case !utf8.ValidString(password), n < shortest, n > longest:
		probs.add(field, isTooShort)
	case login != "" && strings.Contains(lower, strings.ToLower(login)):
		probs.add(field, holdsTheLogin)
	case common(lower), p.rules.Common != nil && p.rules.Common(text):
		probs.add(field, isCommon)
	}
}

// hash makes what is kept of a password. It waits for its turn.
func (p *passwords) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	if _, err := io.ReadFull(p.random, salt); err != nil {
		return "", fmt.Errorf("make a salt: %w", err)
	}
	if err := p.wait(ctx); err != nil {
		return "", err
	}
	defer func() { <-p.turn }()
	return p.written(salt, argon2.IDKey([]byte(normal(password)), salt, p.rules.Passes, p.rules.MemoryKiB, 1, keyBytes)), nil
}

func (p *passwords) written(salt, key []byte) string {
	base := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, p.rules.MemoryKiB, p.rules.Passes, base.EncodeToString(salt), base.EncodeToString(key))
}

// verify tells whether the password has the hash. With no hash it does the same
// work and says no, so that nothing shows who has an account.
func (p *passwords) verify(ctx context.Context, password, hash string) (bool, error) {
	known := hash != ""
	if !known {
		hash = p.nobody
	}
	var version int
	var memory, passes uint32
	parts := strings.Split(hash, "$")
	if len(parts) != 6 {
		return false, fmt.Errorf("a stored password hash has no known form")
	}
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=1", &version, &memory, &passes); err != nil || version != argon2.Version {
		return false, fmt.Errorf("a stored password hash has no known form")
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	key, keyErr := base64.RawStdEncoding.DecodeString(parts[5])
	if saltErr != nil || keyErr != nil || len(key) != keyBytes {
		return false, fmt.Errorf("a stored password hash has no known form")
	}
	if utf8.RuneCountInString(password) > 4*longest { // nothing we ever took, and dear to normalise
		password = ""
	}
	if err := p.wait(ctx); err != nil {
		return false, err
	}
	defer func() { <-p.turn }()
	got := argon2.IDKey([]byte(normal(password)), salt, passes, memory, 1, keyBytes)
	return subtle.ConstantTimeCompare(got, key) == 1 && known, nil
}

func (p *passwords) wait(ctx context.Context) error {
	select {
	case p.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait to check a password: %w", ctx.Err())
	}
}

//go:embed passwords.txt
var passwordPieces string

// pieces are what common passwords are made of, lower case.
var pieces = func() map[string]bool {
	found := map[string]bool{}
	for _, piece := range strings.Fields(passwordPieces) {
		found[piece] = true
	}
	return found
}()

// lookalikes undoes what people put in place of letters.
var lookalikes = strings.NewReplacer("@", "a", "4", "a", "3", "e", "1", "i", "!", "i", "0", "o", "$", "s", "5", "s", "7", "t")

// common tells whether a password, in lower case, is made of nothing but what
// everybody uses: pieces of the list in any order, runs of the keyboard, a few
// characters over and over, with digits and signs between.
func common(lower string) bool {
	distinct := map[rune]bool{}
	for _, r := range lower {
		distinct[r] = true
	}
	return len(distinct) < 5 || madeOfPieces(lower) || madeOfPieces(lookalikes.Replace(lower))
}

// enough is how many characters beside the pieces make a password somebody's own.
const enough = 5

// madeOfPieces finds the fewest characters that are left when pieces are taken out.
// Digits and signs count half: everybody adds a year and an exclamation mark.
func madeOfPieces(text string) bool {
	runes := []rune(text)
	left := make([]int, len(runes)+1) // twice the characters left up to here
	for end := 1; end <= len(runes); end++ {
		weight := 1
		if unicode.IsLetter(runes[end-1]) {
			weight = 2
		}
		left[end] = left[end-1] + weight
		for begin := max(0, end-24); begin <= end-3; begin++ {
			if left[begin] < left[end] && (pieces[string(runes[begin:end])] || isRun(runes[begin:end])) {
				left[end] = left[begin]
			}
		}
	}
	return left[len(runes)] < 2*enough
}

// isRun tells whether characters follow one another in the alphabet or the digits,
// up or down, or are all the same.
func isRun(runes []rune) bool {
	step := runes[1] - runes[0]
	if step < -1 || step > 1 {
		return false
	}
	for i := 2; i < len(runes); i++ {
		if runes[i]-runes[i-1] != step {
			return false
		}
	}
	return true
}

// ReadPasswords reads a list of passwords that leaked, one a line, for
// SignInRules.Common. Those that would be too short anyway are left out; of the
// others eight bytes each are kept.
func ReadPasswords(from io.Reader) (func(password string) bool, error) {
	var sums []uint64
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		text := strings.ToLower(normal(strings.TrimRight(lines.Text(), "\r")))
		if utf8.RuneCountInString(text) >= shortest {
			sums = append(sums, sumOf(text))
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the list of passwords: %w", err)
	}
	slices.Sort(sums)
	sums = slices.Clip(slices.Compact(sums))
	return func(password string) bool {
		_, found := slices.BinarySearch(sums, sumOf(strings.ToLower(normal(password))))
		return found
	}, nil
}

func sumOf(text string) uint64 {
	h := fnv.New64a()
	io.WriteString(h, text) //nolint:errcheck // a hash takes everything
	return h.Sum64()
}
