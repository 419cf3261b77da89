package notify

import (
	"slices"
	"strconv"
)

type answerState int

const (
	unanswered answerState = iota
	answered
	contradicted
)

// group is one code with the answers that belong to it.
type group struct {
	code     string
	misspelt bool
	digits   []string
	words    []word
	odd      bool
	shared   bool // 都 stood among its answers
}

func (g group) answer() (digit string, state answerState) {
	digits, words := g.digits, wordDigits(g.words)
	switch {
	case g.odd || len(digits) > 1:
		return "", contradicted
	case len(digits) == 1:
		// The dearest mistake is to close as "well" what the note says is not.
		if digits[0] == "1" && !slices.Contains(words, "1") && slices.ContainsFunc(g.words, func(w word) bool { return w.decided }) {
			return "", contradicted
		}
		return digits[0], answered
	case len(words) > 1:
		return "", contradicted
	case len(words) == 1:
		return words[0], answered
	}
	return "", unanswered
}

func (g *group) take(t token) {
	switch t.kind {
	case digitToken:
		if !slices.Contains(g.digits, t.text) {
			g.digits = append(g.digits, t.text)
		}
	case oddToken:
		g.odd = true
	case statusToken:
		g.words = append(g.words, t.word)
	case togetherMark:
		g.shared = true
	}
}

func (g group) empty() bool {
	return len(g.digits) == 0 && len(g.words) == 0 && !g.odd
}

// attach gives every answer to its code: to the one before it when the message begins with a
// code, to the one after it when it begins with an answer. Without any code there is one group
// without a code; with one code all answers are its own.
func attach(tokens []token) []group {
	var groups []group
	for _, t := range tokens {
		if t.kind == codeToken || t.kind == badToken {
			groups = append(groups, group{code: t.text, misspelt: t.kind == badToken})
		}
	}
	if len(groups) == 0 {
		groups = []group{{}}
	}
	if numbersItems(tokens) {
		tokens = slices.DeleteFunc(slices.Clone(tokens), func(t token) bool { return t.kind == digitToken })
	}
	codesFirst, current := beginsWithCode(tokens), -1
	hasDigits := slices.ContainsFunc(tokens, func(t token) bool { return t.kind == digitToken })
	explains := false // in "1 K7Q2M 没见到" the word explains the code before it
	for _, t := range tokens {
		if t.kind == codeToken || t.kind == badToken {
			current++
			explains = hasDigits
			continue
		}
		explains = explains && t.kind != digitToken && t.kind != oddToken
		at := current
		if !codesFirst && !explains {
			at++
		}
		groups[min(max(at, 0), len(groups)-1)].take(t)
	}
	switch first := groups[0]; {
	case codesFirst:
		share(groups)
	case first.shared && !slices.ContainsFunc(groups[1:], func(g group) bool { return !g.empty() }):
		for i := range groups {
			groups[i].digits, groups[i].words, groups[i].odd = first.digits, first.words, first.odd
		}
	}
	return groups
}

// numbersItems: in "1.K7Q2M没见到 2.P4X9T平安" the digits count the households and the words are
// the answers. So it is when every code has its number from 1 on before it and a word after it.
func numbersItems(tokens []token) bool {
	kinds := []tokenKind{digitToken, codeToken, statusToken}
	tokens = slices.DeleteFunc(slices.Clone(tokens), func(t token) bool { return t.kind == togetherMark })
	for i, t := range tokens {
		if t.kind != kinds[i%len(kinds)] || t.kind == digitToken && t.text != strconv.Itoa(i/len(kinds)+1) {
			return false
		}
	}
	return len(tokens) > len(kinds) && len(tokens)%len(kinds) == 0
}

func beginsWithCode(tokens []token) bool {
	hasDigits := slices.ContainsFunc(tokens, func(t token) bool { return t.kind == digitToken || t.kind == oddToken })
	for _, t := range tokens {
		switch t.kind {
		case codeToken, badToken:
			return true
		case digitToken, oddToken:
			return false
		case statusToken:
			if !hasDigits {
				return false
			}
		}
	}
	return true
}

// share settles several codes in a row before one answer: with 都 the answer is everybody's,
// without it nobody's, because it may have been meant for the last alone.
func share(groups []group) {
	for i := len(groups) - 2; i >= 0; i-- {
		next := groups[i+1]
		if !groups[i].empty() || (next.empty() && !next.odd) {
			continue
		}
		if next.shared {
			groups[i].digits, groups[i].words, groups[i].shared = next.digits, next.words, true
			continue
		}
		groups[i].odd, groups[i+1].odd = true, true
	}
}

func wordDigits(words []word) []string {
	var digits []string
	for _, w := range words {
		if d := string(w.digit); !slices.Contains(digits, d) {
			digits = append(digits, d)
		}
	}
	return digits
}

// agreed drops repeats, and every answer to a code that was answered in two ways.
func agreed(answers []Answer, reply *Reply) []Answer {
	said := map[string]string{}
	disputed := map[string]bool{}
	for _, a := range answers {
		if before, ok := said[a.Code]; ok && before != a.Digit {
			disputed[a.Code] = true
			reply.Unclear = true
		}
		said[a.Code] = a.Digit
	}
	var kept []Answer
	for _, a := range answers {
		if !disputed[a.Code] && !slices.Contains(kept, a) {
			kept = append(kept, a)
		}
	}
	return kept
}
