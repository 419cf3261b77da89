package notify

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// catalogue is every version of a wording that a phrasebook knows beside those that came with the
// program. It never changes: learning makes the next one.
type catalogue struct {
	versions map[edition]Wording
	quotes   quotes
}

// edition names a version of a wording in one language.
type edition struct {
	key, language string
	version       int
}

// chinese is the language of what came with the program.
const chinese = "zh"

// Load adds versions that were ever put in force to those known: they are spoken by Speak, and a
// quotation of each is taken for our own words by Read. A version's text never changes, so what
// is known stays. The catalogue is a JSON list of wordings; they were checked when they were saved.
func (p *Phrasebook) Load(list []byte) error {
	var wordings []Wording
	if err := json.Unmarshal(list, &wordings); err != nil {
		return fmt.Errorf("read wordings: %w", err)
	}
	p.learning.Lock()
	defer p.learning.Unlock()
	p.known.Store(p.learn(wordings))
	return nil
}

// learn is what is known with these beside it.
func (p *Phrasebook) learn(wordings []Wording) *catalogue {
	next := &catalogue{versions: map[edition]Wording{}}
	if known := p.known.Load(); known != nil {
		maps.Copy(next.versions, known.versions)
	}
	for _, w := range wordings {
		w.Language = cmp.Or(w.Language, chinese)
		next.versions[edition{w.Key, w.Language, w.Version}] = w
	}
	next.quotes = quotesOf(distinct(slices.Concat(slices.Collect(maps.Values(next.versions)), p.shipped, standardWordings)))
	return next
}

// distinct leaves each form of words once, the longest first: a version that goes on where
// another ends would else leave its end behind, as if somebody had written it.
func distinct(wordings []Wording) []Wording {
	once := map[string]Wording{}
	for _, w := range wordings {
		once[w.Text+fmt.Sprint(w.Placeholders)] = w
	}
	forms := slices.Collect(maps.Values(once))
	slices.SortFunc(forms, func(a, b Wording) int {
		return cmp.Or(utf8.RuneCountInString(b.Text)-utf8.RuneCountInString(a.Text), strings.Compare(a.Text, b.Text), strings.Compare(a.Key, b.Key))
	})
	return forms
}

// Speak is Render for one version in one language, with the values of the template that a carrier
// has approved for it. The signature stands before a template and is none of its values. Facts
// that the version has no place for are left out. Errors are those of Render.
func (p *Phrasebook) Speak(language, key string, version int, facts map[string]string) (text string, segments int, params map[string]string, err error) {
	w, ok := p.known.Load().versions[edition{key, language, version}]
	shipped := p.wordings[key]
	switch {
	case !ok && (language != chinese || shipped.Key == "" || shipped.Version != version):
		return "", 0, nil, fmt.Errorf("wording %s, %s, version %d: %w", key, language, version, ErrUnknownWording)
	case !ok:
		w = shipped
	}
	facts = maps.Clone(facts)
	maps.DeleteFunc(facts, func(name, _ string) bool { return name != fullNameFact && !w.takes(name) && shipped.takes(name) })
	if text, segments, err = p.render(w, facts); err != nil {
		return "", 0, nil, err
	}
	params = map[string]string{}
	for _, place := range w.Placeholders {
		if place.Name != "office" || strings.Count(w.Text, "{office}") > 1 {
			params[place.Name] = cmp.Or(facts[place.Name], p.sign)
		}
	}
	return text, segments, params, nil
}

func (w Wording) takes(name string) bool {
	return slices.ContainsFunc(w.Placeholders, func(p Placeholder) bool { return p.Name == name })
}

// Shipped is the wordings that came with the program, as a JSON list.
func (p *Phrasebook) Shipped() []byte {
	list, err := json.Marshal(p.shipped)
	if err != nil {
		panic("notify: the built-in wordings cannot be written: " + err.Error()) // strings and numbers only
	}
	return list
}

// CheckWording looks a new version over, given as one wording in JSON: wrong lists every reason
// why it cannot be saved as {field, English, Chinese}, none when it can. Without placeholders
// it gets those of the shipped wording that its text names. saved is the wording as it is to be
// kept, segments what it takes at its longest.
func (p *Phrasebook) CheckWording(wording []byte) (saved []byte, segments int, wrong [][3]string) {
	var w Wording
	if err := json.Unmarshal(wording, &w); err != nil {
		return nil, 0, [][3]string{{"text", "cannot be read", "无法读取"}}
	}
	shipped, known := p.wordings[w.Key]
	if !known {
		return nil, 0, [][3]string{{"key", "is not one of the known values", "不在可选范围内"}}
	}
	if len(w.Placeholders) == 0 {
		for _, s := range shipped.Placeholders {
			if strings.Contains(w.Text, "{"+s.Name+"}") {
				w.Placeholders = append(w.Placeholders, s)
			}
		}
	}
	for _, f := range append(w.faults(), w.faultsBeside(shipped)...) {
		wrong = append(wrong, [3]string{f.Field, f.English, f.Chinese})
	}
	if saved, _ = json.Marshal(w); len(wrong) > 0 {
		saved = nil
	}
	return saved, w.MostSegments(), wrong
}
