package web

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

// Keys as templates and Go files write them: whole ones, and lists of words.
var (
	wholeKey = regexp.MustCompile(`(?:\bt|words\.text|c\.text|words\.has)[ (]"([a-z]+\.[a-zA-Z0-9_.]+)"|, "(error\.[a-z0-9]+)"\)`)
	listKey  = regexp.MustCompile(`(?:\bword|words\.word|c\.word)[ (]"([a-z]+)"`)
)

// handed are lists whose name is data: the key of a history's detail, a
// placeholder of a sentence, a kind of refusal, a deed of done.
var handed = []string{
	"outcome", "informant", "receipt", "demands", "signal", "source", "contact", "level", "rule", "task", "purpose", "template",
	"plan", "path", "checkin", "delivery", "class", "error", "title", "did", "ended", "rung", "passed", "ladder", "event", "place", "confirmed",
	"conflict", "sure", "allowed", "measure", "ground", "disclosed", "decision", "before", "bar", "body", "referral",
}

func TestCatalogue(t *testing.T) {
	t.Parallel()
	words := newCatalogue()
	whole, lists := usedKeys(t)

	t.Run("DefinesEveryKeyThatIsUsed", func(t *testing.T) {
		t.Parallel()
		for key := range whole {
			require.True(t, words.has(key), key)
		}
		for list := range lists {
			require.True(t, hasList(words, list), list)
		}
		for _, name := range pageNames {
			require.True(t, words.has("title."+name), name)
		}
		for _, status := range statuses {
			require.NotContains(t, words.text("error."+strconv.Itoa(status)), "error.")
		}
	})
	t.Run("UsesEveryKeyThatIsDefined", func(t *testing.T) {
		t.Parallel()
		for key, text := range words.texts {
			list, _, _ := strings.Cut(key, ".")
			require.True(t, whole[key] || lists[list], key)
			require.NotEmpty(t, strings.TrimSpace(text), key)
		}
	})
	t.Run("DefinesNoKeyTwice", func(t *testing.T) {
		t.Parallel()
		decoder := json.NewDecoder(strings.NewReader(string(chinese)))
		seen := map[string]int{}
		for {
			token, err := decoder.Token()
			if err != nil {
				break
			}
			if key, is := token.(string); is && words.has(key) {
				seen[key]++
			}
		}
		for key, times := range seen {
			require.Equal(t, 1, times, key)
		}
	})
	t.Run("HoldsAllTheChineseThereIs", func(t *testing.T) {
		t.Parallel()
		for _, name := range sourceFiles(t) {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			for number, line := range strings.Split(string(text), "\n") {
				code, _, _ := strings.Cut(line, "//")
				require.Equal(t, -1, strings.IndexFunc(code, func(r rune) bool { return unicode.Is(unicode.Han, r) }), "%s:%d", name, number+1)
			}
		}
	})
	t.Run("NamesEveryChoiceOfTheForms", func(t *testing.T) {
		t.Parallel()
		for list, values := range map[string][]string{"outcome": outcomes, "informant": informants, "receipt": receipts, "demands": demands, "answer": answers} {
			for _, value := range values {
				require.True(t, words.has(list+"."+value), list+"."+value)
			}
		}
		for _, key := range detailOrder {
			require.True(t, words.has("detail."+key), key)
		}
	})
}

// usedKeys is the whole keys, and the lists, that templates and Go files name.
func usedKeys(t *testing.T) (whole, lists map[string]bool) {
	t.Helper()
	whole, lists = map[string]bool{}, map[string]bool{"field": true}
	for _, name := range sourceFiles(t) {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, found := range wholeKey.FindAllStringSubmatch(string(text), -1) {
			whole[found[1]+found[2]] = true
		}
		for _, found := range listKey.FindAllStringSubmatch(string(text), -1) {
			lists[found[1]] = true
		}
	}
	for _, list := range handed {
		lists[list] = true
	}
	return whole, lists
}

func sourceFiles(t *testing.T) []string {
	t.Helper()
	templates, err := filepath.Glob("templates/*.html")
	require.NoError(t, err)
	code, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range code {
		if !strings.HasSuffix(name, "_test.go") {
			templates = append(templates, name)
		}
	}
	require.NotEmpty(t, templates)
	return templates
}

func hasList(words *catalogue, list string) bool {
	for key := range words.texts {
		if strings.HasPrefix(key, list+".") {
			return true
		}
	}
	return false
}

func TestSay(t *testing.T) {
	t.Parallel()
	words := newCatalogue()
	for reason, want := range map[string]string{
		"reminder 3 working days before the due date 2026-12-01":                                                                     "到期日 2026-12-01 前 3 个工作日提醒",
		"the check-in is done: only an open one can be moved":                                                                        "该次回访已完成，不能改期",
		"the check-in is cancelled":                                                                                                  "该次回访已取消",
		"the carrier said throttled 429: try 2 follows":                                                                              "运营商答复：限流 429，将第 2 次尝试",
		"the carrier could not deliver it: the carrier reported undelivered, code 30003":                                             "运营商未能送达：运营商回报：未送达，代码 30003",
		"urgent words, and it is not known whom they are about: no request is open for this number: call the contact within 2 hours": "回复中有紧急字样，但不知涉及哪一户（该号码没有待答复的询问）：请在2小时内致电联系人",
		"red alert by rule urgent_reply":                                                                                             "红色预警：回复中有紧急字样",
		"外出打工":                                                                                                                       "外出打工",
		"":                                                                                                                           "",
	} {
		require.Equal(t, want, words.say(reason))
	}
}

// Reasons as the care log writes them: in a refusal, beside a task, a message or
// a check-in.
var reasonText = regexp.MustCompile(`(?:forbidden|conflict|deferTo|refusedText)\((?:fmt\.Sprintf\()?"([^"]+)"|\breason: +(?:fmt\.Sprintf\()?"([^"]+)"` +
	`|(?:finishCheckIn|cancelOpenWork|settleAsks|cancelPlanned|toTriage|unclearReply|settleReply)\([^"\n]*"([a-z][^"]* [^"]+)"`)

func TestEveryReasonOfTheCareLogIsSaidInChinese(t *testing.T) {
	t.Parallel()
	words := newCatalogue()
	files, err := filepath.Glob("../carelog/*.go")
	require.NoError(t, err)
	seen := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, found := range reasonText.FindAllStringSubmatch(string(text), -1) {
			reason := found[1] + found[2] + found[3]
			if strings.HasSuffix(reason, " ") || !strings.Contains(reason, " ") {
				continue // a part of a sentence, or a key
			}
			seen++
			filled := regexp.MustCompile(`%[a-z]`).ReplaceAllString(reason, "7")
			require.NotEqual(t, filled, words.say(filled), "%s: carelog/sentences.json has no sentence for this reason", name)
		}
	}
	require.Greater(t, seen, 40)
}

func TestYuan(t *testing.T) {
	t.Parallel()
	for fen, want := range map[string]string{"500000": "5000", "500050": "5000.50", "5": "0.05", "x": "x"} {
		require.Equal(t, want, yuan(fen))
	}
}
