package house

import (
	"bytes"
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// mobile is a mainland mobile number, written together or in the usual groups, with or
// without the country's code.
var mobile = regexp.MustCompile(`(?:(?:\+|00)?86[- ]?)?1[3-9][0-9][- ]?[0-9]{4}[- ]?[0-9]{4}`)

// checkPhones reports mobile numbers that somebody may own. Ours begin with 154, a
// prefix that no carrier was given.
func checkPhones(name string, text []byte) []violation {
	var found []violation
	for _, at := range mobile.FindAllIndex(text, -1) {
		number := digits(text[at[0]:at[1]])
		if bytes.HasPrefix(number[len(number)-11:], []byte("154")) || partOfMore(text, at[0], at[1]) {
			continue
		}
		found = append(found, violation{
			file: name, line: 1 + bytes.Count(text[:at[0]], []byte("\n")),
			why: "a mobile number that may be somebody's: made-up ones begin with 154",
		})
	}
	return found
}

// partOfMore is true inside a longer number, a hash or a decimal fraction, and for
// numbers of another country (+1 500 555 0006 is one of Twilio's).
func partOfMore(text []byte, from, to int) bool {
	if to < len(text) && isHex(text[to]) {
		return true
	}
	if from == 0 {
		return false
	}
	before := text[from-1]
	if before == '.' && from > 1 && isDigit(text[from-2]) {
		return true
	}
	return isHex(before) || before == '+'
}

func digits(text []byte) []byte {
	var only []byte
	for _, b := range text {
		if isDigit(b) {
			only = append(only, b)
		}
	}
	return only
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func isHex(b byte) bool { return isDigit(b) || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F' }

// setting is the name of one of our environment variables.
var setting = regexp.MustCompile(`\bAFTERCARE_[A-Z0-9]+(?:_[A-Z0-9]+)*\b`)

// settingsOf lists the environment variables that a file names in its texts and tags,
// each as where it stands and, for want of a reason yet, its name.
func settingsOf(s source) []violation {
	var found []violation
	ast.Inspect(s.file, func(n ast.Node) bool {
		if literal, is := n.(*ast.BasicLit); is && literal.Kind == token.STRING {
			for _, name := range setting.FindAllString(literal.Value, -1) {
				found = append(found, s.at(literal.Pos(), name))
			}
		}
		return true
	})
	return found
}

func TestPhones(t *testing.T) {
	t.Parallel()

	// Put together here, so that this file holds no such number itself.
	owned := "138" + "00138000"
	tests := []struct {
		name, text string
		found      int
	}{
		{"FindsOne", "call " + owned + ".", 1},
		{"FindsOneWithTheCountry", "+86" + owned, 1},
		{"FindsOneInGroups", "138" + "-0013-8000, 86 138" + " 0013 8000", 2},
		{"FindsOneInAText", "电话" + owned + "。", 1},
		{"AllowsAnUnassignedPrefix", "15400000001, +8615400000001, 154-0000-0001", 0},
		{"AllowsALongerNumber", "9903231986" + owned[:8] + " " + owned + "000", 0},
		{"AllowsAHash", "f" + owned + "e", 0},
		{"AllowsAFraction", "118." + owned, 0},
		{"AllowsAnotherCountry", "+15005550006", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			found := checkPhones("a.md", []byte("first line\n"+test.text))
			require.Len(t, found, test.found)
			for _, v := range found {
				require.Equal(t, 2, v.line)
				require.NotContains(t, v.String(), owned, "the report repeats no number")
			}
		})
	}
}

// TestSettings keeps the list of settings that operators copy complete and true.
func TestSettings(t *testing.T) {
	t.Parallel()

	example, err := os.ReadFile(filepath.Join(root(t), "deploy", "aftercare.env.example"))
	require.NoError(t, err)
	listed := map[string]bool{}
	for _, name := range setting.FindAllString(string(example), -1) {
		listed[name] = true
	}
	var missing []violation
	for _, s := range sources(t) {
		if !covers("cmd", s.dir()) || s.isTest() {
			continue
		}
		for _, mention := range settingsOf(s) {
			if !listed[mention.why] {
				mention.why += " is not in deploy/aftercare.env.example, where operators look for it"
				missing = append(missing, mention)
			}
		}
	}
	requireNone(t, missing)
}
