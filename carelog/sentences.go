package carelog

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

//go:embed sentences.json
var sentencesFile []byte

// sentences is every reason the care log gives, in both languages. Rows keep the
// English sentence; the catalogue knows it by its pattern.
type sentences struct {
	words    map[string]string // list.value: the Chinese of one value
	events   map[string]Sentence
	patterns []pattern
}

// pattern is a sentence with {placeholders} and what it is in Chinese.
type pattern struct {
	english *regexp.Regexp
	literal int // bytes that are no placeholder
	names   []string
	chinese string
}

var placeholder = regexp.MustCompile(`\\\{([a-z]+)\\\}`)

// theSentences reads the embedded file. A fault in it is a fault of the build.
var theSentences = sync.OnceValue(func() *sentences {
	var file struct {
		Words     map[string]string    `json:"words"`
		Events    map[string][2]string `json:"events"`
		Sentences [][2]string          `json:"sentences"`
	}
	if err := json.Unmarshal(sentencesFile, &file); err != nil {
		panic(fmt.Sprintf("carelog: read sentences.json: %v", err))
	}
	s := &sentences{words: file.Words, events: map[string]Sentence{}}
	for kind, pair := range file.Events {
		s.events[kind] = Sentence{pair[0], pair[1]}
	}
	for _, pair := range file.Sentences {
		s.patterns = append(s.patterns, newPattern(pair[0], pair[1]))
	}
	// The most specific first: a short pattern would swallow what a longer one says.
	slices.SortStableFunc(s.patterns, func(a, b pattern) int { return b.literal - a.literal })
	return s
})

func newPattern(english, chinese string) pattern {
	quoted := regexp.QuoteMeta(english)
	p := pattern{chinese: chinese}
	for _, name := range placeholder.FindAllStringSubmatch(quoted, -1) {
		p.names = append(p.names, name[1])
	}
	p.literal = len(placeholder.ReplaceAllLiteralString(quoted, ""))
	p.english = regexp.MustCompile("^" + placeholder.ReplaceAllLiteralString(quoted, "(.+?)") + "$")
	return p
}

// InChinese puts a reason of the care log into Chinese. What it does not know it
// leaves as it is: words that people typed come the same way.
func InChinese(reason string) string {
	s := theSentences()
	for _, p := range s.patterns {
		found := p.english.FindStringSubmatch(reason)
		if found == nil {
			continue
		}
		text := p.chinese
		for i, name := range p.names {
			text = strings.ReplaceAll(text, "{"+name+"}", s.filled(name, found[i+1]))
		}
		return text
	}
	return reason
}

// filled is what stands in a sentence for a placeholder's value.
func (s *sentences) filled(name, value string) string {
	if name == "why" {
		return InChinese(value)
	}
	if word, ok := s.words[name+"."+value]; ok {
		return word
	}
	return value
}

// word is one value of a list of values in both languages.
func word(list, value string) Sentence {
	s := Sentence{strings.ReplaceAll(value, "_", " "), value}
	if chinese, ok := theSentences().words[list+"."+value]; ok {
		s.Chinese = chinese
	}
	return s
}

// event is what a kind of history entry says happened.
func event(kind string) Sentence {
	if s, ok := theSentences().events[kind]; ok {
		return s
	}
	return word("event", kind)
}
