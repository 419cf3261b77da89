package notify

import (
	"fmt"
	"regexp"
	"strings"
)

// quotes recognises our own words inside a reply: every wording of the catalogue, with anything
// of fitting length where a fact stood, and what phones leave of one when they cut it short.
type quotes []*regexp.Regexp

// cutQuotes are remains of a quoted text: the ask from its signature to the hotline or the
// login sentence, the reply instruction alone, the signature alone.
var cutQuotes = quotes{
	regexp.MustCompile(`【[^【】]{1,20}】[^【】]{0,70}?核实 ?拨 ?12309[。.]?`),
	regexp.MustCompile(`回复 ?[0-9A-Z]{5} ?1 ?平安 ?2 ?有困难 ?3 ?没见到(?: ?4 ?换人)?[。.]?(?: ?核实 ?拨 ?12309[。.]?)?`),
	regexp.MustCompile(`【[^【】]{1,20}】`),
}

// placeholderMark starts the private-use characters that stand for placeholders while a wording
// is normalised; no such character is touched by Normalize.
const placeholderMark = '\uE000'

func quotesOf(wordings []Wording) quotes {
	var found quotes
	for _, w := range wordings {
		text, marked := w.Text, map[rune]string{}
		for i, p := range w.Placeholders {
			mark := placeholderMark + rune(i)
			text = strings.ReplaceAll(text, "{"+p.Name+"}", string(mark))
			marked[mark] = fmt.Sprintf(`.{1,%d}?`, p.Max)
		}
		var pattern strings.Builder
		for _, r := range Normalize(text) {
			switch fill, ok := marked[r]; {
			case ok:
				pattern.WriteString(fill)
			case r == ' ':
				pattern.WriteString(` ?`)
			default:
				pattern.WriteString(regexp.QuoteMeta(string(r)))
			}
		}
		found = append(found, regexp.MustCompile(pattern.String()))
	}
	return append(found, cutQuotes...)
}

// strip takes our words out of a normalised reply. code is the one task code that stood in them,
// "" when there was none or more than one.
func (q quotes) strip(text string) (rest, code string) {
	codes := map[string]bool{}
	for _, pattern := range q {
		text = pattern.ReplaceAllStringFunc(text, func(quoted string) string {
			for _, run := range codeRuns.FindAllString(quoted, -1) {
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
	return strings.Join(strings.Fields(text), " "), code
}

var codeRuns = regexp.MustCompile(`[0-9A-Z]+`)
