package web

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
	"aftercare/carelog/schedule"
)

//go:embed zh.json
var chinese []byte

// catalogue is every word of the console that is not data. The reasons of the
// care log are said by the care log itself.
type catalogue struct {
	texts map[string]string
	steps map[string]string // titles of the templates' steps
}

// newCatalogue reads the embedded file. A fault in it is a fault of the build.
func newCatalogue() *catalogue {
	var file struct {
		Texts map[string]string `json:"texts"`
	}
	if err := json.Unmarshal(chinese, &file); err != nil {
		panic(fmt.Sprintf("web: read zh.json: %v", err))
	}
	return &catalogue{texts: file.Texts, steps: schedule.Titles()}
}

// text is the text of a key, filled with args as fmt does. An unknown key shows
// as itself; a test keeps that from happening.
func (c *catalogue) text(key string, args ...any) string {
	text, ok := c.texts[key]
	if !ok {
		return key
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

func (c *catalogue) has(key string) bool {
	_, ok := c.texts[key]
	return ok
}

// word is the word for one value of a list of values, such as an outcome or a
// state. A value nobody gave a word is shown as it is.
func (c *catalogue) word(list string, value any) string {
	key := fmt.Sprint(value)
	if text, ok := c.texts[list+"."+key]; ok {
		return text
	}
	return key
}

// field names a field of a form: a word of ours, or a domain of the scale.
func (c *catalogue) field(name string) string {
	if domain, ok := strings.CutPrefix(name, "scores."); ok {
		return condition.Domain(domain).Chinese()
	}
	if domain, ok := strings.CutPrefix(name, "evidence."); ok {
		domain, _, _ = strings.Cut(domain, ".")
		return condition.Domain(domain).Chinese() + " " + c.text("field.evidence")
	}
	// A row of a list: uses[0].amount_fen is an amount, officers[1] one of the officers.
	if list, rest, ok := strings.Cut(name, "["); ok {
		if _, part, ok := strings.Cut(rest, "]."); ok && list == "uses" {
			return c.text("field.uses") + " " + c.word("field", part)
		}
		return c.word("field", list)
	}
	return c.word("field", name)
}

// say puts a reason of the care log into Chinese. What it does not know it
// leaves as it is: words that people typed come the same way.
func (c *catalogue) say(reason string) string { return carelog.InChinese(reason) }

// day is a date with its weekday, empty for no date.
func (c *catalogue) day(d calendar.Date) string {
	if d.IsZero() {
		return ""
	}
	return d.String() + " " + c.word("weekday", int(d.Weekday()))
}
