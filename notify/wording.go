package notify

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Wording is one text of the catalogue with the facts it needs.
type Wording struct {
	Key          string        `json:"key"`
	Language     string        `json:"language,omitempty"` // "": Chinese
	Version      int           `json:"version"`            // raised with every change; carriers approve a version
	Text         string        `json:"text"`               // facts stand as {name}
	Placeholders []Placeholder `json:"placeholders"`
}

// Placeholder is a fact a wording needs. Max is its bound in characters. Holds narrows the
// value: "" any text, "code" one task code, "codes" task codes joined by 、, "number" digits,
// "date" a day such as 11月24日, "choice" one of Choices, "alias" a household alias (then the fact
// full_name is needed too).
type Placeholder struct {
	Name  string `json:"name"`
	Max   int    `json:"max"`
	Holds string `json:"holds,omitempty"`
	// Choices are the values a "choice" may have, and belong to nothing else.
	Choices []string `json:"choices,omitempty"`
}

var contents = []string{"", "code", "codes", "number", "alias", "date", "choice"}

// FactError names the fact a wording cannot be rendered with. It never repeats the value.
type FactError struct {
	Name   string
	Reason string
}

// Error is safe to log and to show.
func (e *FactError) Error() string { return "fact " + e.Name + " " + e.Reason }

// fullNameFact is checked against every rendered text and never rendered.
const fullNameFact = "full_name"

var (
	//go:embed wording.zh.json
	standardJSON []byte

	standardWordings = mustParseWordings(standardJSON)
	standardQuotes   = quotesOf(standardWordings)

	placeholderPattern = regexp.MustCompile(`\{([^{}]*)\}`)
	dayPattern         = regexp.MustCompile(`^(?:1[0-2]|[1-9])月(?:3[01]|[12][0-9]|[1-9])日$`)
)

// ParseWordings reads a catalogue: a JSON list of wordings. Every problem is reported together:
// a doubled key, a version below 1, a placeholder that is not declared or not used, a missing
// signature, a text that asks somebody to act without naming 12309 or the officer, and whatever
// Check refuses.
func ParseWordings(catalogue []byte) ([]Wording, error) {
	var wordings []Wording
	decoder := json.NewDecoder(bytes.NewReader(catalogue))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&wordings); err != nil {
		return nil, fmt.Errorf("read wordings: %w", err)
	}
	var problems []error
	seen := map[string]bool{}
	for _, w := range wordings {
		if seen[w.Key] {
			problems = append(problems, fmt.Errorf("wording %s: key is used twice", w.Key))
		}
		seen[w.Key] = true
		problems = append(problems, w.Validate())
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return wordings, nil
}

// Validate reports every reason why a wording cannot be saved, nil when there is none.
func (w Wording) Validate() error {
	var problems []error
	for _, f := range w.faults() {
		problems = append(problems, fmt.Errorf("wording %s: %s %s", w.Key, f.Field, f.English))
	}
	return errors.Join(problems...)
}

// fill puts the facts in, each checked against its placeholder.
func (w Wording) fill(facts map[string]string) (string, error) {
	for name := range facts {
		if name != fullNameFact && !slices.ContainsFunc(w.Placeholders, func(p Placeholder) bool { return p.Name == name }) {
			return "", &FactError{Name: name, Reason: "is unknown"}
		}
	}
	for _, p := range w.Placeholders {
		if err := p.check(facts[p.Name], facts[fullNameFact]); err != nil {
			return "", err
		}
	}
	return w.write(facts, ""), nil
}

// write leaves out facts of the content without, unless that is "". One pass: a brace in a value
// is never read as a placeholder.
func (w Wording) write(facts map[string]string, without string) string {
	return placeholderPattern.ReplaceAllStringFunc(w.Text, func(found string) string {
		name := strings.Trim(found, "{}")
		if without != "" && slices.ContainsFunc(w.Placeholders, func(p Placeholder) bool { return p.Name == name && p.Holds == without }) {
			return "、"
		}
		return facts[name]
	})
}

func (p Placeholder) check(value, fullName string) error {
	fails := func(reason string) error { return &FactError{Name: p.Name, Reason: reason} }
	switch {
	case strings.TrimSpace(value) == "":
		return fails("is missing")
	case utf8.RuneCountInString(value) > p.Max:
		return fails(fmt.Sprintf("is longer than %d characters", p.Max))
	case strings.ContainsFunc(value, unprintable):
		return fails("contains a character that cannot be sent")
	}
	switch p.Holds {
	case "code":
		if !ValidCode(value) {
			return fails("is no task code")
		}
	case "codes":
		for code := range strings.SplitSeq(value, "、") {
			if !ValidCode(code) {
				return fails("is no list of task codes")
			}
		}
	case "number":
		if !number(value) {
			return fails("is no number")
		}
	case "date":
		if !dayPattern.MatchString(value) {
			return fails("is no date")
		}
	case "choice":
		if !slices.Contains(p.Choices, value) {
			return fails("is none of its choices")
		}
	case "alias":
		return CheckAlias(value, fullName)
	}
	return nil
}

// unprintable characters would break the signature, the placeholders or the line.
func unprintable(r rune) bool {
	return !unicode.IsPrint(r) || strings.ContainsRune("【】{}", r)
}

func mustParseWordings(catalogue []byte) []Wording {
	wordings, err := ParseWordings(catalogue)
	if err != nil {
		panic("notify: the built-in wordings are not safe: " + err.Error())
	}
	return wordings
}
