package carelog

import (
	"slices"
	"strings"
	"unicode"
)

// reading is what the grammar understood of a reply.
type reading struct {
	answers  [][2]string // task code (or "") and digit; the digit "" for a code without an answer
	misspelt []string    // what looks like a task code and is none
	mark     string      // of the text as a whole
	note     string      // what else was said
}

// understand has the room that speaks read a text.
func (l *Log) understand(text string) reading {
	var said reading
	said.answers, said.misspelt, said.mark, said.note = l.words.Read(text)
	return said
}

// codes are the different codes that the text names, misspelt ones too.
func (said reading) codes() []string {
	var codes []string
	for _, a := range said.answers {
		if a[0] != "" && !slices.Contains(codes, a[0]) {
			codes = append(codes, a[0])
		}
	}
	for _, code := range said.misspelt {
		if !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	return codes
}

// mereAnswers are words that say no more than the digits beside them do.
var mereAnswers = strings.Fields("平安 没事 好 都好 很好 正常 困难 有困难 有事 没见到 没见着 不在 谢谢 辛苦了 收到 好的")

// words are what the text says beside codes, digits and mere answers: what
// somebody has to read where it is not known whom it is about.
func (said reading) words() string {
	var left []string
	for _, w := range strings.FieldsFunc(said.note, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if strings.Trim(w, "0123456789") != "" && !slices.Contains(said.misspelt, w) && !slices.Contains(mereAnswers, w) {
			left = append(left, w)
		}
	}
	return strings.Join(left, " ")
}

// noteOf is the note that may stand in one household's history: none where the
// text names several codes, because it may be about another household.
func (said reading) noteOf() string {
	if len(said.codes()) > 1 {
		return ""
	}
	return said.note
}

// neverAnswered tells that a text gets no automatic answer: it is our own come
// back, another machine's, or comes from a short code.
func (r reply) neverAnswered() bool {
	digits := strings.Map(func(c rune) rune {
		if c < '0' || c > '9' {
			return -1
		}
		return c
	}, r.said.From)
	return r.mark == markEcho || r.mark == markAutomatic || len(digits) < shortestNumber
}

// Marks of a text that no person answers to.
const (
	markEcho      = "echo"      // nothing but our own words
	markAutomatic = "automatic" // a machine's reply
)

// shortestNumber is how many digits a number has that is no short code.
const shortestNumber = 7

// codeSymbols are the symbols of a task code.
const codeSymbols = "23456789ABCDEFGHJKMNPQRSTVWXYZ"

const codeLength = 5

// oneMistakeFrom lists what may have been meant by a misspelt code: one wrong,
// missing or extra symbol, or two neighbours swapped. Most were never given.
func oneMistakeFrom(code string) []string {
	var meant []string
	switch len(code) {
	case codeLength:
		for i := range len(code) {
			for _, symbol := range codeSymbols {
				meant = append(meant, code[:i]+string(symbol)+code[i+1:])
			}
			if i > 0 {
				meant = append(meant, code[:i-1]+code[i:i+1]+code[i-1:i]+code[i+1:])
			}
		}
	case codeLength - 1:
		for i := range len(code) + 1 {
			for _, symbol := range codeSymbols {
				meant = append(meant, code[:i]+string(symbol)+code[i:])
			}
		}
	case codeLength + 1:
		for i := range len(code) {
			meant = append(meant, code[:i]+code[i+1:])
		}
	}
	return meant
}
