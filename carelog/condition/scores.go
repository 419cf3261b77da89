package condition

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const (
	ladderSteps = 5
	topScore    = ladderSteps - 1

	// An index over fewer domains would compare unlike with unlike.
	minScored = 7
)

// Score is one domain's value: a step of the ladder from 0 (crisis) to 4
// (secure), NotObserved or NotApplicable. The zero value is NotObserved, so
// the ladder is stored one higher; use Points to count.
type Score int8

// The scores. As text and in JSON they are "0" to "4", "N" and "X".
const (
	NotApplicable Score = -1
	NotObserved   Score = 0
	Crisis        Score = 1 // 0: harm now or within days
	Severe        Score = 2 // 1: severe difficulty
	Strained      Score = 3 // 2: managing with help
	Stable        Score = 4 // 3
	Secure        Score = 5 // 4: secure or improving
)

var errNotAScore = errors.New("评分只能是 0、1、2、3、4、N（未观察）或 X（不适用）")

// ScoreOf returns the score of 0 to 4 points; anything else is NotObserved.
func ScoreOf(points int) Score {
	if points < 0 || points > topScore {
		return NotObserved
	}
	return Score(points) + Crisis
}

// ParseScore reads "0" to "4", "N" or "X", in either case. The error is a
// sentence for people.
func ParseScore(text string) (Score, error) {
	switch text = strings.ToUpper(strings.TrimSpace(text)); text {
	case "N":
		return NotObserved, nil
	case "X":
		return NotApplicable, nil
	case "0", "1", "2", "3", "4":
		return Crisis + Score(text[0]-'0'), nil
	default:
		return NotObserved, errNotAScore
	}
}

// Points returns 0 to 4, and false for N and X.
func (s Score) Points() (points int, scored bool) {
	if s < Crisis || s > Secure {
		return 0, false
	}
	return int(s - Crisis), true
}

// String returns "0" to "4", "N" or "X".
func (s Score) String() string {
	if points, scored := s.Points(); scored {
		return strconv.Itoa(points)
	}
	if s == NotApplicable {
		return "X"
	}
	return "N"
}

// Chinese names the score for people.
func (s Score) Chinese() string {
	switch s {
	case NotApplicable:
		return "不适用"
	case Crisis:
		return "危急"
	case Severe:
		return "严重困难"
	case Strained:
		return "有帮助尚能维持"
	case Stable:
		return "稳定"
	case Secure:
		return "良好或向好"
	default:
		return "未观察"
	}
}

// MarshalText writes String.
func (s Score) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what ParseScore reads.
func (s *Score) UnmarshalText(text []byte) error {
	parsed, err := ParseScore(string(text))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}

// Scores holds a score for each domain, in the order of Domains. The zero
// value has observed nothing. In JSON it is an object by domain key.
type Scores [domainCount]Score

// Problem is one thing wrong with entered scores: the field and a Chinese
// sentence for people.
type Problem struct {
	Field string `json:"field"`
	Text  string `json:"text"`
}

// Parse reads scores by domain key; a domain left out was not observed. It
// reports every unknown domain and bad value, sorted by field.
func Parse(values map[string]string) (Scores, []Problem) {
	var scores Scores
	var problems []Problem
	for _, field := range slices.Sorted(maps.Keys(values)) {
		i := Domain(field).position()
		if i < 0 {
			problems = append(problems, Problem{Field: field, Text: "没有这个评估领域"})
			continue
		}
		score, err := ParseScore(values[field])
		if err != nil {
			problems = append(problems, Problem{Field: field, Text: err.Error()})
			continue
		}
		scores[i] = score
	}
	return scores, problems
}

// Of returns the score of a domain; an unknown domain was not observed.
func (s Scores) Of(d Domain) Score {
	i := d.position()
	if i < 0 {
		return NotObserved
	}
	return s[i]
}

// With returns a copy with one domain's score replaced; an unknown domain
// changes nothing.
func (s Scores) With(d Domain, score Score) Scores {
	if i := d.position(); i >= 0 {
		s[i] = score
	}
	return s
}

// Scored counts the domains that have points.
func (s Scores) Scored() int {
	count := 0
	for _, score := range s {
		if _, scored := score.Points(); scored {
			count++
		}
	}
	return count
}

// Missing lists the domains not observed. One that is not applicable is not
// missing.
func (s Scores) Missing() []Domain {
	var missing []Domain
	for i, score := range s {
		if score == NotObserved {
			missing = append(missing, domains[i])
		}
	}
	return missing
}

// Index returns 0 to 100: the share of the points that the scored domains
// could have, rounded half up. It is complete, and may be compared, when at
// least seven domains are scored and both basic needs and wellbeing are. It
// averages: look at the domains too, a 0 can hide in a good index.
func (s Scores) Index() (index int, complete bool) {
	sum, scored := 0, 0
	for _, score := range s {
		if points, ok := score.Points(); ok {
			sum += points
			scored++
		}
	}
	if scored == 0 {
		return 0, false
	}
	possible := topScore * scored
	index = (200*sum + possible) / (2 * possible)
	_, needs := s.Of(BasicNeeds).Points()
	_, mind := s.Of(Wellbeing).Points()
	return index, scored >= minScored && needs && mind
}

// MarshalJSON writes an object with all ten domains in order.
func (s Scores) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	b.WriteByte('{')
	for i, d := range domains {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"%s":"%s"`, d, s[i])
	}
	b.WriteByte('}')
	return []byte(b.String()), nil
}

// UnmarshalJSON reads an object as Parse does and replaces all ten scores; the
// error names the first field that is wrong.
func (s *Scores) UnmarshalJSON(text []byte) error {
	var values map[string]string
	if err := json.Unmarshal(text, &values); err != nil {
		return fmt.Errorf("read scores: %w", err)
	}
	scores, problems := Parse(values)
	if len(problems) > 0 {
		return fmt.Errorf("%s：%s", problems[0].Field, problems[0].Text)
	}
	*s = scores
	return nil
}
