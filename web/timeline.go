package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
	"aftercare/carelog/schedule"
)

// moment is one entry of a history in words.
type moment struct {
	Seq                    int64
	Kind, Title, Who, Link string
	OccurredAt, RecordedAt time.Time
	EnteredLater           bool // written down on another day than it happened
	Facts                  []fact
	Scores                 []scored
	Index                  string // 0-100; empty: nothing was assessed
	Complete, Counts       bool
}

// fact is one detail of an entry.
type fact struct{ Label, Text string }

// scored is one domain of an assessment.
type scored struct {
	Code, Domain, Score, Meaning string
}

// detailOrder is the order in which details are told. Others follow by name.
var detailOrder = []string{
	"external_id", "template", "template_from", "template_to", "changed", "has_harvest", "harvest", "household", "flags", "award_fen", "paid_on", "check_ins",
	"kind", "step", "contact", "signal", "source", "matched", "why", "outcome", "informant", "asked_village", "receipt", "demands",
	"officers", "ended_at", "place", "partner", "interpreter", "safeguarding", "use_of_money", "uses", "changes", "income", "health", "schooling",
	"mood", "legal", "assistance_in_place", "assistance_lapsed", "needs", "satisfaction", "confirmed", "issues", "next_visit", "tier_proposal",
	"event", "occurred_on", "note", "version", "was_appointed_at", "appointed_at", "compared", "agreed", "diverged", "comment", "late", "from", "to", "due", "closes", "review_on",
	"path", "other_file", "handed_to", "accept_by", "plans", "to_another_office", "with_household",
	"township", "village", "address", "address_before", "alias", "alias_before",
	"was_level", "level", "rule", "rules", "act_by", "rung", "passed", "until", "ended", "task", "purpose", "reason", "moved", "text", "received_on",
	"measure", "referred_to", "need", "ground", "disclosed", "sent_at", "acknowledged_at", "acknowledge_by", "decide_by", "decision", "decided_on",
	"signed_on", "recipient_side", "office", "instalments", "instalment", "due_on", "used_on", "category", "amount_fen",
	"effective_from", "expires_on", "no_end", "document", "proof", "correction", "before", "before_expires_on", "bar", "body", "reference", "person", "conflict", "sure", "allowed",
}

// unsaid are details that say nothing to people, or that another part says.
var unsaid = []string{
	"scores", "index", "complete", "counts", "digit", "contact_id", "check_in_id", "evidence", "blind_scores", "corrects", "rule_version", "template_version", "carrier_message_id", "proposed_by",
	"primary_contact_id", "backup_contact_id", "new_contact_id", "reply",
}

// moment puts an entry into words for its reader.
func (c *catalogue) moment(e carelog.Entry, by carelog.Actor) (moment, error) {
	m := moment{Seq: e.Seq, Kind: e.Kind, Title: c.word("history", e.Kind), OccurredAt: e.OccurredAt, RecordedAt: e.RecordedAt, Who: c.who(e, by)}
	m.EnteredLater = calendar.Of(e.OccurredAt) != calendar.Of(e.RecordedAt)
	if strings.HasPrefix(e.Kind, "check_in_") {
		m.Link = "/check-ins/" + e.SubjectID
	}
	details := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(e.Details))
	decoder.UseNumber()
	if err := decoder.Decode(&details); err != nil {
		return m, fmt.Errorf("read the details of history entry %d: %w", e.Seq, err)
	}
	m.Facts = c.facts(details)
	if _, assessed := details["scores"]; !assessed {
		return m, nil
	}
	var assessment struct {
		Scores           condition.Scores
		Index            int
		Complete, Counts bool
	}
	if err := json.Unmarshal(e.Details, &assessment); err != nil {
		return m, fmt.Errorf("read the scores of history entry %d: %w", e.Seq, err)
	}
	m.Index, m.Complete, m.Counts = strconv.Itoa(assessment.Index), assessment.Complete, assessment.Counts
	for _, entry := range condition.Scale() {
		score := assessment.Scores.Of(entry.Domain)
		line := scored{Code: entry.Domain.Code(), Domain: entry.Chinese, Score: score.String(), Meaning: score.Chinese()}
		if points, ok := score.Points(); ok {
			line.Meaning = entry.LadderChinese[points]
		}
		m.Scores = append(m.Scores, line)
	}
	return m, nil
}

// who says who did it, by the name their office knows them by.
func (c *catalogue) who(e carelog.Entry, by carelog.Actor) string {
	if e.ActorKind == carelog.Person && e.ActorID == by.User.String() {
		return c.text("actor.me")
	}
	if e.ActorName != "" {
		return c.word("actor", e.ActorKind) + " " + e.ActorName
	}
	return c.word("actor", e.ActorKind)
}

func (c *catalogue) facts(details map[string]any) []fact {
	var found []fact
	for _, key := range inOrder(details) {
		if text := c.detail(key, details[key]); text != "" {
			found = append(found, fact{c.word("detail", key), text})
		}
	}
	return found
}

// inOrder is the keys of details as they are told.
func inOrder(details map[string]any) []string {
	place := func(key string) int {
		if i := slices.Index(detailOrder, key); i >= 0 {
			return i
		}
		return len(detailOrder)
	}
	keys := slices.Sorted(maps.Keys(details))
	keys = slices.DeleteFunc(keys, func(key string) bool { return slices.Contains(unsaid, key) })
	slices.SortStableFunc(keys, func(a, b string) int { return place(a) - place(b) })
	return keys
}

var isoDate = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)

// detail is the value of a detail in words.
func (c *catalogue) detail(key string, value any) string {
	switch value := value.(type) {
	case string:
		return c.detailText(key, value)
	case json.Number:
		if strings.HasSuffix(key, "_fen") {
			return c.text("money.yuan", yuan(value.String()))
		}
		return value.String()
	case bool:
		return c.word("yesno", value)
	case []any:
		var words []string
		for _, one := range value {
			words = append(words, c.listed(key, one))
		}
		return strings.Join(words, c.text("list.comma"))
	case nil:
		return ""
	default:
		return fmt.Sprint(value)
	}
}

// moved says which step moved from where to where.
func (c *catalogue) moved(move map[string]any) string {
	text := func(key string) string {
		value, _ := move[key].(string)
		return c.detailText(key, value)
	}
	return text("step") + " " + text("from") + " \u2192 " + text("to")
}

// listed is one of the things a detail lists.
func (c *catalogue) listed(key string, one any) string {
	entry, _ := one.(map[string]any)
	switch key {
	case "uses":
		return c.moneyUse(entry)
	case "moved":
		return c.moved(entry)
	case "schooling":
		return strings.TrimSpace(fmt.Sprint(entry["child"], " ", entry["text"]))
	case "diverged":
		return condition.Domain(fmt.Sprint(one)).Chinese()
	case "disclosed":
		return c.word("disclosed", one)
	default:
		return c.word("flag", one)
	}
}

// moneyUse is one use of the aid money: what for, how much, how it is known, what is left.
func (c *catalogue) moneyUse(use map[string]any) string {
	words := []string{c.word("category", use["category"])}
	if fen, ok := use["amount_fen"].(json.Number); ok {
		words = append(words, c.text("money.yuan", yuan(fen.String())))
	}
	if evidence, ok := use["evidence"].(string); ok {
		words = append(words, c.word("evidence", evidence))
	}
	if fen, ok := use["balance_fen"].(json.Number); ok {
		words = append(words, c.text("uses.balance", c.text("money.yuan", yuan(fen.String()))))
	}
	if concern, ok := use["concern"].(string); ok {
		words = append(words, concern)
	}
	return strings.Join(words, " ")
}

func (c *catalogue) detailText(key, value string) string {
	switch key {
	case "kind":
		if word := schedule.Kind(value).Chinese(); word != "" {
			return word
		}
	case "step":
		if title, ok := c.steps[value]; ok {
			return title
		}
	case "was_level":
		return c.word("level", value)
	case "reason", "matched":
		return c.say(value)
	case "handed_to", "township", "village", "address", "address_before", "alias", "alias_before":
		return value
	case "use_of_money", "changes", "needs", "note", "text", "external_id", "partner", "interpreter", "income", "health", "mood", "legal",
		"assistance_in_place", "assistance_lapsed", "issues", "next_visit", "tier_proposal", "comment", "rules", "why", "recipient_side", "office", "document", "reference":
		return value
	}
	if isoDate.MatchString(value) {
		if d, err := calendar.Parse(value); err == nil {
			return c.day(d)
		}
	}
	if at, err := time.Parse(time.RFC3339Nano, value); err == nil {
		return at.In(calendar.Shanghai()).Format("2006-01-02 15:04")
	}
	return c.word(key, value)
}

// yuan writes an amount in fen as yuan.
func yuan(fen string) string {
	n, err := strconv.ParseInt(fen, 10, 64)
	if err != nil {
		return fen
	}
	if n%100 == 0 {
		return strconv.FormatInt(n/100, 10)
	}
	return strconv.FormatFloat(float64(n)/100, 'f', 2, 64)
}
