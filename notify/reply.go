package notify

import (
	"slices"
	"strings"
)

// Marks of a reply as a whole.
const (
	MarkStop   = "stop"
	MarkStart  = "start"
	MarkUrgent = "urgent"
	// MarkAutomatic: written by a phone, a carrier or an advertiser. It answers nothing, and is
	// never answered: the two machines would talk for ever.
	MarkAutomatic = "automatic"
	// MarkEcho: nothing but our own words came back. It is settled, and never answered.
	MarkEcho = "echo"
	// MarkUnclear is given by Phrasebook.Read alone; Reply says the same by Unclear and Misspelt.
	MarkUnclear = "unclear"
)

// Answer is what a reply says about one ask: Digit "1" well, "2" difficulties, "3" not met,
// "4" the contact is no longer the right one. Code is empty where none was given.
type Answer struct{ Code, Digit string }

// Reply is what the grammar understood of a text. The zero value means nothing was understood.
type Reply struct {
	Answers []Answer
	// Mark is "" or one of the marks above. Urgent stands beside any answers, the others alone.
	Mark string
	// Note is the normalised free text without our own quoted words and without the codes and
	// digits that were understood.
	Note string
	// Misspelt holds, as typed in upper case, what looks like a task code and fails its check,
	// with the digit that belongs to it, "" where that is not clear. Nothing of it is in Answers.
	// SuggestCodes lists what may have been meant.
	Misspelt []Answer
	// Named holds the well-formed codes that stand, or are quoted, beside no answer.
	Named []string
	// Unclear: an answer was contradicted, missing beside its code, out of range, or only words
	// of guess or intention. What was clear beside it is still in Answers.
	Unclear bool
}

// Read understands a text a village contact sent: pure, total and never guessing.
func Read(text string) Reply {
	return readWith(standardQuotes, text)
}

func readWith(known quotes, text string) Reply {
	normalized := Normalize(text)
	own, quotedCode, quoted := known.strip(normalized)
	if quoted && wrapping.MatchString(own) {
		return Reply{Mark: MarkEcho, Named: named(quotedCode)}
	}
	if mark := switchMark(own); mark != "" {
		return Reply{Mark: mark}
	}
	own = joinSplitCodes(own)
	tokens, note := scan(own)
	if automatic(normalized, tokens) {
		reply := Reply{Mark: MarkAutomatic, Note: note}
		if urgent(emergencyOffers.ReplaceAllString(own, " ")) {
			reply.Mark = MarkUrgent
		}
		return reply
	}
	reply := resolve(tokens, own)
	reply.Note = note
	if urgent(own) {
		reply.Mark = MarkUrgent
	}
	if len(reply.Answers) == 0 && len(reply.Named) == 0 {
		reply.Named = named(quotedCode)
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
		digit, state := g.answer()
		if g.misspelt {
			reply.Misspelt = append(reply.Misspelt, Answer{Code: g.code, Digit: digit})
			continue
		}
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
	// 我去看了 is done, though 我去看 is still to come.
	text = strings.NewReplacer("去看了", "", "去看过", "").Replace(text)
	return containsAny(text, intentions) || containsAny(text, acknowledgements) || strings.HasSuffix(text, "?")
}

func named(code string) []string {
	if code == "" {
		return nil
	}
	return []string{code}
}
