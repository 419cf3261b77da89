package notify

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
)

// Phrasebook renders what we say and reads what is answered. Its methods take built-in types
// only, so that a room which may not import notify can declare the interface it needs. It only
// learns (Load) and is safe for concurrent use.
type Phrasebook struct {
	sign     string
	shipped  []Wording
	wordings map[string]Wording // shipped, by key

	learning sync.Mutex
	known    atomic.Pointer[catalogue]
}

// ErrUnknownWording means that the catalogue has no text of that key.
var ErrUnknownWording = errors.New("no wording of that key")

// UnsafeError lists why a rendered text must not leave the house. It never repeats the text.
type UnsafeError struct {
	Key      string
	Problems []Problem
}

// Error is safe to log and to show.
func (e *UnsafeError) Error() string {
	reasons := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		reasons[i] = p.String()
	}
	return "wording " + e.Key + " would carry " + strings.Join(reasons, ", ")
}

// NewPhrasebook speaks the built-in Chinese wordings. sign stands as the fact "office" where the
// caller gives none; it may be empty.
func NewPhrasebook(sign string) *Phrasebook {
	return phrasebookOf(sign, standardWordings)
}

// NewPhrasebookFrom speaks a catalogue of the operator's own; see ParseWordings for what is refused.
func NewPhrasebookFrom(sign string, catalogue []byte) (*Phrasebook, error) {
	wordings, err := ParseWordings(catalogue)
	if err != nil {
		return nil, err
	}
	return phrasebookOf(sign, wordings), nil
}

func phrasebookOf(sign string, wordings []Wording) *Phrasebook {
	p := &Phrasebook{sign: sign, shipped: wordings, wordings: map[string]Wording{}}
	for _, w := range wordings {
		p.wordings[w.Key] = w
	}
	p.known.Store(p.learn(nil))
	return p
}

// Wording returns the text behind a key, for its version and its placeholders.
func (p *Phrasebook) Wording(key string) (Wording, error) {
	w, ok := p.wordings[key]
	if !ok {
		return Wording{}, fmt.Errorf("wording %s: %w", key, ErrUnknownWording)
	}
	return w, nil
}

// Render writes the text of a key from facts and counts its segments. The fact full_name is
// never written; when it is given, the text must not contain it, and a wording with a household
// alias demands it. Errors: ErrUnknownWording; *FactError for a missing, unknown, over-long or
// misshapen fact; *UnsafeError when the privacy check refuses the result. No error repeats a fact.
func (p *Phrasebook) Render(key string, facts map[string]string) (text string, segments int, err error) {
	w, err := p.Wording(key)
	if err != nil {
		return "", 0, err
	}
	return p.render(w, facts)
}

func (p *Phrasebook) render(w Wording, facts map[string]string) (text string, segments int, err error) {
	if facts["office"] == "" && p.sign != "" {
		signed := map[string]string{"office": p.sign}
		for name, value := range facts {
			if name != "office" {
				signed[name] = value
			}
		}
		facts = signed
	}
	if text, err = w.fill(facts); err != nil {
		return "", 0, fmt.Errorf("render %s: %w", w.Key, err)
	}
	problems := append(Check(text), outsideAlias(w.write(facts, "alias"))...)
	if carriesName(text, facts[fullNameFact]) {
		problems = append(problems, Problem{Rule: "full_name"})
	}
	if len(problems) > 0 {
		return "", 0, &UnsafeError{Key: w.Key, Problems: problems}
	}
	return text, Segments(text), nil
}

// Check says in safe sentences why a text must not be sent; none means it may.
func (p *Phrasebook) Check(text string) []string {
	var reasons []string
	for _, problem := range Check(text) {
		reasons = append(reasons, problem.String())
	}
	return reasons
}

// Read understands a reply: answers as {task code or "", "1".."4"}; misspelt is what looks like
// a task code and is none, in upper case; mark is "", "stop", "start", "urgent", "automatic",
// "echo" (our own words came back) or "unclear" (something has to be read by a person; urgent
// goes before unclear); note is the remaining free text. Clear answers are given beside urgent
// and unclear too, and so are the codes the text names without one, with the digit "". Automatic
// and echo carry none and are never answered. What is misspelt makes a text unclear.
func (p *Phrasebook) Read(text string) (answers [][2]string, misspelt []string, mark, note string) {
	reply := readWith(p.known.Load().quotes, text)
	answered := map[string]bool{}
	for _, a := range reply.Answers {
		answers = append(answers, [2]string{a.Code, a.Digit})
		answered[a.Code] = true
	}
	mark = reply.Mark
	if mark == "" && (reply.Unclear || len(reply.Misspelt) > 0) {
		mark = MarkUnclear
	}
	if mark == MarkUrgent || mark == MarkUnclear {
		for _, code := range reply.Named {
			if !answered[code] {
				answers = append(answers, [2]string{code, ""})
				answered[code] = true
			}
		}
	}
	for _, a := range reply.Misspelt {
		misspelt = append(misspelt, a.Code)
	}
	return answers, misspelt, mark, reply.Note
}

// SuggestCodes is the function of the same name.
func (p *Phrasebook) SuggestCodes(typed string, among []string) []string {
	return SuggestCodes(typed, among)
}

// IsShortCode is the function of the same name.
func (p *Phrasebook) IsShortCode(number string) bool { return IsShortCode(number) }

// TaskCode is MintCode.
func (p *Phrasebook) TaskCode(n uint64) string { return MintCode(n) }

// CheckAlias is the function of the same name: nil when the alias may stand in a text.
func (p *Phrasebook) CheckAlias(alias, fullName string) error { return CheckAlias(alias, fullName) }
