package notify

import (
	"slices"
	"strings"
	"unicode"
)

type tokenKind int

const (
	codeToken    tokenKind = iota // a valid task code
	badToken                      // looks like a code and fails its check
	digitToken                    // an answer 1..4
	oddToken                      // a number where an answer should stand, but none of 1..4
	statusToken                   // a word that means an answer
	togetherMark                  // 都: the codes before share one answer
)

type token struct {
	kind tokenKind
	text string // the code, or as typed
	word word
}

// scanner reads a normalised reply once, from left to right.
type scanner struct {
	runes  []rune
	tokens []token
	note   []rune
	// afterCode: nothing but separators since a code.
	afterCode bool
	// wordEnd is where the last status word ended.
	wordEnd int
}

// scan finds codes, answers and status words. note is the text without the codes and digits
// that were understood.
func scan(text string) (tokens []token, note string) {
	s := &scanner{runes: joinHan([]rune(text))}
	for i := 0; i < len(s.runes); {
		r := s.runes[i]
		switch {
		case isCodeRune(r):
			i = s.run(i)
		case unicode.Is(unicode.Han, r):
			i = s.han(i)
		default:
			s.note = append(s.note, r)
			s.afterCode = s.afterCode && !unicode.IsLetter(r) && !unicode.IsDigit(r)
			i++
		}
	}
	return s.tokens, tidy(string(s.note))
}

func (s *scanner) han(at int) int {
	next := at + 1
	found := statusAt(s.runes, at)
	switch {
	case found.length > 0:
		next = at + found.length
		switch denied := s.deniedAt(at); {
		case found.digit == '1' && denied:
			s.tokens = append(s.tokens, token{kind: oddToken}) // 不是很好 is not well, and not what else
		case found.digit != 0 && !denied:
			s.wordEnd = next
			s.add(token{kind: statusToken, word: found})
		}
		// 都好 says both: good, and all of them.
		if strings.ContainsRune(together, s.runes[at]) {
			s.tokens = append(s.tokens, token{kind: togetherMark})
		}
	case strings.ContainsRune(together, s.runes[at]):
		s.tokens = append(s.tokens, token{kind: togetherMark})
	}
	s.note = append(s.note, s.runes[at:next]...)
	s.afterCode = false
	return next
}

// deniedAt: a word of denial stands right before a status word that does not deny by itself.
func (s *scanner) deniedAt(at int) bool {
	if strings.ContainsRune("没不未无莫冇木么", s.runes[at]) {
		return false
	}
	before := string(s.runes[max(0, at-3):at])
	for denial := range strings.FieldsSeq(denials) {
		if strings.HasSuffix(before, denial) {
			return true
		}
	}
	return false
}

// run takes a stretch of Latin letters and digits that begins at from apart: codes and answers
// may stand without a blank between them (K7Q2M1, 1K7Q2M, K7Q2M1P4X9T2).
func (s *scanner) run(from int) int {
	end := from
	for end < len(s.runes) && isCodeRune(s.runes[end]) {
		end++
	}
	rest := string(s.runes[from:end])
	if number(rest) {
		s.number(from, end)
		return end
	}
	if digit := romanDigits[rest]; digit != "" && s.afterCode && !s.latinFollows(end) {
		s.digit(digit)
		return end
	}
	for found := false; rest != ""; {
		switch {
		case len(rest) >= codeLength && ValidCode(rest[:codeLength]):
			s.code(token{kind: codeToken, text: rest[:codeLength]})
			rest, found = rest[codeLength:], true
		case number(rest[:1]) && (len(rest) == 1 || len(rest) > codeLength && ValidCode(rest[1:codeLength+1])):
			s.digit(rest[:1])
			rest = rest[1:]
		case found && number(rest):
			s.odd(rest)
			rest = ""
		default:
			s.misspelt(rest, found)
			rest = ""
		}
	}
	return end
}

// romanDigits are typed on a Latin keypad; the single characters of Unicode are folded already.
var romanDigits = map[string]string{"I": "1", "II": "2", "III": "3", "IV": "4"}

// latinFollows: K7Q2M I AM FINE is a sentence, not an answer.
func (s *scanner) latinFollows(at int) bool {
	return slices.ContainsFunc(s.runes[at:], func(r rune) bool { return r >= 'A' && r <= 'Z' })
}

// number decides about a stretch of digits alone: an answer, a wrong answer, or a number that
// belongs to the note (2组, 11月24日, 9.2).
func (s *scanner) number(from, end int) {
	typed := string(s.runes[from:end])
	switch {
	case !s.standsAlone(from, end):
		s.note = append(s.note, s.runes[from:end]...)
		s.afterCode = false
	case len(typed) == 1:
		s.digit(typed)
	case s.afterCode, len(s.runes) == end-from:
		s.odd(typed)
	default:
		s.note = append(s.note, s.runes[from:end]...)
	}
}

func (s *scanner) standsAlone(from, end int) bool {
	if end < len(s.runes) {
		next := s.runes[end]
		if strings.ContainsRune(measures, next) && statusAt(s.runes, end).digit == 0 {
			return false
		}
		if next == '%' || joinsNumbers(next) && end+1 < len(s.runes) && unicode.IsDigit(s.runes[end+1]) {
			return false
		}
		if unicode.Is(unicode.Han, next) && from > 0 && !s.afterCode && statusAt(s.runes, end).length == 0 &&
			!strings.ContainsRune("吧了啊呀哈哦嗯谢收", next) {
			return false
		}
	}
	if from == 0 || s.afterCode || s.wordEnd == from {
		return true
	}
	before := s.runes[from-1]
	if joinsNumbers(before) && from > 1 && unicode.IsDigit(s.runes[from-2]) {
		return false
	}
	if !unicode.Is(unicode.Han, before) || strings.ContainsRune(announcers, before) {
		return true
	}
	return end == len(s.runes) && !strings.ContainsRune("第初周期拜号年月日楼话", before)
}

func (s *scanner) misspelt(rest string, afterCode bool) {
	if len(rest) == codeLength+1 && !afterCode {
		switch first, last := rest[:1], rest[codeLength:]; {
		case number(last) && last <= "4" && looksLikeCode(rest[:codeLength]):
			s.code(token{kind: badToken, text: rest[:codeLength]})
			s.digit(last)
			return
		case number(first) && looksLikeCode(rest[1:]):
			s.digit(first)
			s.code(token{kind: badToken, text: rest[1:]})
			return
		}
	}
	if afterCode && number(rest[:1]) && looksLikeCode(rest[1:]) {
		s.digit(rest[:1])
		rest = rest[1:]
	}
	if looksLikeCode(rest) {
		s.code(token{kind: badToken, text: rest})
	} else {
		s.afterCode = false
	}
	s.note = append(s.note, []rune(rest)...)
}

func (s *scanner) code(t token) {
	s.add(t)
	s.afterCode = true
}

func (s *scanner) digit(typed string) {
	if typed < "1" || typed > "4" {
		s.odd(typed)
		return
	}
	s.add(token{kind: digitToken, text: typed})
	s.afterCode = false
}

func (s *scanner) odd(typed string) {
	s.add(token{kind: oddToken, text: typed})
	s.note = append(s.note, []rune(typed)...)
}

// add leaves a blank in the note where something understood was taken out.
func (s *scanner) add(t token) {
	s.tokens = append(s.tokens, t)
	if t.kind != statusToken {
		s.note = append(s.note, ' ')
	}
}

// looksLikeCode: five letters and digits, or four to seven of both kinds mixed.
func looksLikeCode(run string) bool {
	letters := strings.ContainsFunc(run, unicode.IsLetter)
	digits := strings.ContainsFunc(run, unicode.IsDigit)
	return letters && (len(run) == codeLength || digits && len(run) >= codeLength-1 && len(run) <= codeLength+2)
}

func isCodeRune(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z'
}

func joinsNumbers(r rune) bool {
	return strings.ContainsRune(".-/:~", r)
}

func number(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func tidy(note string) string {
	note = strings.Join(strings.Fields(note), " ")
	return strings.TrimFunc(note, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(",.;:!?，。、；：！？“”\"'‘’·-_~()（）[]【】<>《》/|+*#=", r)
	})
}
