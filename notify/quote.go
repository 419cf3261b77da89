package notify

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// quotes recognises our own words inside a reply: every wording of the catalogue, with anything
// of fitting length where a fact stood, and what phones leave of one when they cut it short.
type quotes []*regexp.Regexp

// cutQuotes are remains of a quoted text: the ask from its signature to the hotline or the
// login sentence, the reply instruction alone, the signature alone.
var cutQuotes = quotes{
	regexp.MustCompile(`【[^【】]{1,20}】[^【】]{0,160}?核实 ?拨 ?12309[。.]?`),
	regexp.MustCompile(`回复 ?[0-9A-Z]{5} ?1 ?平安 ?2 ?有困难 ?3 ?没见到(?: ?4 ?换人)?[。.]?(?: ?核实 ?拨 ?12309[。.]?)?`),
	signatures,
}

// signatures alone are stripped as well, but carriers, shops and phones use them too, so one
// does not make a text an echo of ours.
var signatures = regexp.MustCompile(`【[^【】]{1,20}】`)

// wrapping is what phones and trial accounts put around a text they send back.
var wrapping = regexp.MustCompile(`^(?:转发|原文|原短信|引用|回复|FWD?|RE|SENT FROM YOUR TWILIO TRIAL ACCOUNT|[\p{P}\p{Z}\p{Sm}])*$`)

// cutAfter is how many characters of a wording, its signature counted as three, must stand
// before an ellipsis for the rest to be taken as cut off.
const cutAfter = 6

// placeholderMark starts the private-use characters that stand for placeholders while a wording
// is normalised; no such character is touched by Normalize.
const placeholderMark = '\uE000'

func quotesOf(wordings []Wording) quotes {
	var whole, cut quotes
	for _, w := range wordings {
		text, marked := w.Text, map[rune]string{}
		for i, p := range w.Placeholders {
			mark := placeholderMark + rune(i)
			text = strings.ReplaceAll(text, "{"+p.Name+"}", string(mark))
			marked[mark] = fmt.Sprintf(`.{1,%d}?`, p.Max)
			if p.Holds == "date" {
				marked[mark] = fmt.Sprintf(`[0-9月日]{1,%d}?`, p.Max)
			}
		}
		var parts []string
		for _, r := range Normalize(text) {
			switch fill, ok := marked[r]; {
			case ok:
				parts = append(parts, fill)
			case r == ' ':
				parts = append(parts, ` ?`)
			default:
				parts = append(parts, regexp.QuoteMeta(string(r)))
			}
		}
		whole = append(whole, regexp.MustCompile(strings.Join(parts, "")))
		if len(parts) > cutAfter {
			head, tail := strings.Join(parts[:cutAfter], ""), parts[cutAfter:]
			pattern := head + `(?:` + strings.Join(tail, `(?:`) + strings.Repeat(`)?`, len(tail)) + `\.{2,}`
			cut = append(cut, regexp.MustCompile(pattern))
		}
	}
	return slices.Concat(whole, cut, cutQuotes)
}

// strip takes our words out of a normalised reply. code is the one task code that stood in them,
// "" when there was none or more than one; quoted means that more than a signature was found.
func (q quotes) strip(text string) (rest, code string, quoted bool) {
	codes := map[string]bool{}
	for _, pattern := range q {
		text = pattern.ReplaceAllStringFunc(text, func(words string) string {
			quoted = quoted || pattern != signatures
			for _, run := range codeRuns.FindAllString(words, -1) {
				if ValidCode(run) {
					codes[run] = true
					code = run
				}
			}
			return " "
		})
	}
	if len(codes) != 1 {
		code = ""
	}
	return strings.Join(strings.Fields(text), " "), code, quoted
}

var codeRuns = regexp.MustCompile(`[0-9A-Z]+`)
