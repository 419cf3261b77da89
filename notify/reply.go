package notify

import (
	"slices"
	"strings"
	"unicode"
)

// Marks of a reply as a whole.
const (
	MarkStop   = "stop"
	MarkStart  = "start"
	MarkUrgent = "urgent"
	// MarkUnclear is given by Phrasebook.Read alone; Reply says the same by Unclear and Misspelt.
	MarkUnclear = "unclear"
)

// Answer is what a reply says about one ask: Digit "1" well, "2" difficulties, "3" not met,
// "4" the contact is no longer the right one. Code is empty where none was given.
type Answer struct{ Code, Digit string }

// Reply is what the grammar understood of a text. The zero value means nothing was understood.
type Reply struct {
	Answers []Answer
	// Mark is "", MarkStop, MarkStart or MarkUrgent. Urgent stands beside any answers.
	Mark string
	// Note is the normalised free text without our own quoted words and without the codes and
	// digits that were understood.
	Note string
	// Misspelt holds, as typed in upper case, what looks like a task code and fails its check; an
	// answer that belongs to it is not in Answers. SuggestCodes lists what may have been meant.
	Misspelt []string
	// Named holds the well-formed codes that stand, or are quoted, beside no answer.
	Named []string
	// Unclear: an answer was contradicted, missing beside its code, out of range, or only words
	// of guess or intention. What was clear beside it is still in Answers.
	Unclear bool
}

const (
	stopWords  = " TD T R TDQX 退订 拒收 回TD 回复TD TD退订 退订TD STOP UNSUBSCRIBE "
	startWords = " START 恢复 UNSTOP 回复恢复 "
)

// Read understands a text a village contact sent: pure, total and never guessing.
func Read(text string) Reply {
	return readWith(standardQuotes, text)
}

func readWith(known quotes, text string) Reply {
	normalized := Normalize(text)
	switch whole := " " + trimPunctuation(normalized) + " "; {
	case whole == "  ":
		return Reply{}
	case strings.Contains(stopWords, whole):
		return Reply{Mark: MarkStop}
	case strings.Contains(startWords, whole):
		return Reply{Mark: MarkStart}
	}
	own, quotedCode := known.strip(normalized)
	own = joinSplitCodes(own)
	tokens, note := scan(own)
	reply := resolve(tokens, own)
	reply.Note = note
	if urgent(string(joinHan([]rune(own)))) {
		reply.Mark = MarkUrgent
	}
	if len(reply.Answers) == 0 && len(reply.Named) == 0 && quotedCode != "" {
		reply.Named = []string{quotedCode}
	}
	// Quoting the ask says which one is meant, when nothing else does.
	if len(reply.Answers) == 1 && reply.Answers[0].Code == "" {
		reply.Answers[0].Code = quotedCode
	}
	return reply
}

func resolve(tokens []token, text string) Reply {
	var reply Reply
	if tentative(text) {
		tokens = slices.DeleteFunc(slices.Clone(tokens), func(t token) bool {
			// A weak 好 is merely polite here; any other word is an answer we must not trust.
			reply.Unclear = reply.Unclear || t.kind == statusToken && !t.word.weak
			return t.kind == statusToken
		})
		if slices.ContainsFunc(tokens, func(t token) bool { return t.kind == digitToken }) {
			reply.Unclear = false
		}
	}
	groups := attach(tokens)
	for i, g := range groups {
		if g.misspelt {
			reply.Misspelt = append(reply.Misspelt, g.code)
			continue
		}
		digit, state := g.answer()
		switch {
		case state == answered:
			reply.Answers = append(reply.Answers, Answer{Code: g.code, Digit: digit})
		case state == contradicted || g.code != "":
			reply.Unclear = true
			if g.code != "" {
				reply.Named = append(reply.Named, g.code)
			}
		}
		groups[i] = g
	}
	reply.Answers = agreed(reply.Answers, &reply)
	return reply
}

// tentative: words of intention or hearsay, a question, or a bare "all right" after which 好 is
// no report. A digit is always meant as an answer; only words are weighed.
func tentative(text string) bool {
	return containsAny(text, intentions) || containsAny(text, acknowledgements) || strings.HasSuffix(text, "?")
}

func trimPunctuation(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}
