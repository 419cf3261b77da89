package carelog

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
)

// Hit is a file that was found, as lists show it, and by what.
type Hit struct {
	Recipient  RecipientID `json:"recipient_id"`
	MaskedName string      `json:"masked_name"`
	Township   string      `json:"township"`
	Village    string      `json:"village"`
	ExternalID string      `json:"external_id"`
	PlanState  string      `json:"plan_state"` // of the last plan; empty: none
	Tier       string      `json:"tier"`
	By         []string    `json:"by" nullable:"false" doc:"name, village, external_id, task_code, last_four"`
}

// Hits are the files that were found; More tells that there are more.
type Hits struct {
	Items []Hit `json:"items" nullable:"false"`
	More  bool  `json:"more"`
}

// codeShape is what a task code looks like; whether it is one, the asks know.
var codeShape = regexp.MustCompile(`^[A-HJKMNP-TV-Z][2-9A-HJKMNP-TV-Z]{3}[A-HJKMNP-TV-Z]$`)

const (
	hitsShown   = 50
	looksAt     = 20_000 // files opened for one question
	searchTerms = 5
)

// Search finds files of the actor's offices by words that must all fit: a masked
// name or surname, a village or township, the office's own number, a task code, the
// last four characters of a phone or identity number. A full name is masked before
// it is compared, so that nobody learns a name by guessing. Names and numbers are
// sealed and have no index that would tell them apart in a stolen database: the files
// in reach are opened, at most 20,000. Officers, supervisors and programs that list
// work may; that somebody searched stands in the audit, the words do not. Invalid
// without a word, with too many, and where too many files are in reach.
func (l *Log) Search(ctx context.Context, by Actor, words string) (Hits, error) {
	if !by.Holds(ListWork) {
		return Hits{}, forbidden("only officers and supervisors search files")
	}
	terms := strings.Fields(words)
	var probs problems
	switch {
	case len(terms) == 0:
		probs.add("q", isRequired)
	case len(terms) > searchTerms || utf8.RuneCountInString(words) > 100:
		probs.add("q", isTooLong)
	}
	if err := probs.err(); err != nil {
		return Hits{}, err
	}
	return read(ctx, l, by, func(tx txn) (Hits, error) {
		s := search{tx: tx, l: l}
		if err := s.understand(ctx, terms); err != nil {
			return Hits{}, err
		}
		found, err := s.look(ctx)
		if err == nil {
			tx.audit(by.Office, "files_searched", anyID{}, fmt.Sprintf("%s: %d", strings.Join(s.kinds(), " "), len(found.Items)))
		}
		return found, err
	})
}

// search is a question as it was understood.
type search struct {
	tx       txn
	l        *Log
	codes    []string
	lastFour []string
	villages [][]VillageID // of each term that names a place
	rest     []string      // a name or the office's own number
}

func (s *search) kinds() []string {
	var kinds []string
	for kind, n := range map[string]int{"task_code": len(s.codes), "last_four": len(s.lastFour), "village": len(s.villages), "name": len(s.rest)} {
		if n > 0 {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	return kinds
}

// understand tells what each term is: what can only be one thing is that.
func (s *search) understand(ctx context.Context, terms []string) error {
	for _, term := range terms {
		code := strings.ToUpper(term)
		switch {
		case codeShape.MatchString(code):
			s.codes = append(s.codes, code)
			continue
		case isLastFour(code):
			s.lastFour = append(s.lastFour, code)
			continue
		}
		var places []VillageID
		if utf8.RuneCountInString(term) > 1 {
			rows, err := s.tx.Query(ctx, "SELECT id FROM villages WHERE ($1 OR office_id = ANY ($2)) AND (starts_with(name, $3) OR starts_with(township, $3))",
				s.tx.by.Kind == System, s.tx.by.officesFor(ListWork), term)
			if err != nil {
				return fmt.Errorf("find villages: %w", err)
			}
			if places, err = pgx.CollectRows(rows, pgx.RowTo[VillageID]); err != nil {
				return fmt.Errorf("find villages: %w", err)
			}
		}
		if len(places) > 0 {
			s.villages = append(s.villages, places)
		} else {
			s.rest = append(s.rest, term)
		}
	}
	return nil
}

// isLastFour tells whether a word can be the end of a phone or identity number.
func isLastFour(word string) bool {
	return len(word) == 4 && strings.Trim(word[:3], "0123456789") == "" && strings.Trim(word[3:], "0123456789X") == ""
}

// look opens the files in reach and keeps those that fit.
func (s *search) look(ctx context.Context) (Hits, error) {
	where, args := "", []any{s.tx.by.Kind == System, s.tx.by.officesFor(ListWork), looksAt + 1}
	for _, places := range s.villages {
		args = append(args, places)
		where += fmt.Sprintf(" AND r.village_id = ANY ($%d)", len(args))
	}
	for _, code := range s.codes {
		args = append(args, code)
		where += fmt.Sprintf(" AND EXISTS (SELECT FROM task_codes t JOIN asks a ON a.id = t.ask_id WHERE t.code = $%d AND a.recipient_id = r.id)", len(args))
	}
	rows, err := s.tx.Query(ctx, `SELECT r.id, r.data_key, r.sealed, r.external_id, coalesce(v.township, ''), coalesce(v.name, ''), coalesce(p.state, ''), coalesce(p.tier, '')
		FROM recipients r LEFT JOIN villages v ON v.id = r.village_id
		LEFT JOIN LATERAL (SELECT state, tier FROM care_plans WHERE recipient_id = r.id ORDER BY created_at DESC, id DESC LIMIT 1) p ON true
		WHERE ($1 OR r.office_id = ANY ($2)) AND r.erased_at IS NULL`+where+" ORDER BY r.id DESC LIMIT $3", args...)
	if err != nil {
		return Hits{}, fmt.Errorf("search files: %w", err)
	}
	found, seen := Hits{Items: []Hit{}}, 0
	var h Hit
	var wrapped, sealed []byte
	_, err = pgx.ForEachRow(rows, []any{&h.Recipient, &wrapped, &sealed, &h.ExternalID, &h.Township, &h.Village, &h.PlanState, &h.Tier}, func() error {
		if seen++; seen > looksAt || len(found.Items) == hitsShown && found.More {
			return nil
		}
		facts, err := s.l.openRecipient(h.Recipient, wrapped, sealed)
		if err != nil {
			return err
		}
		one := h
		one.MaskedName, one.By = MaskName(facts.Name), []string{}
		switch {
		case !s.fits(&one, facts):
		case len(found.Items) == hitsShown:
			found.More = true
		default:
			found.Items = append(found.Items, one)
		}
		return nil
	})
	if err != nil {
		return Hits{}, fmt.Errorf("search files: %w", err)
	}
	if seen > looksAt {
		var probs problems
		probs.add("q", reachesTooMany)
		return Hits{}, probs.err()
	}
	return found, nil
}

// fits tells whether every word is in the file, and notes by what it was found.
func (s *search) fits(h *Hit, facts recipientFacts) bool {
	if len(s.villages) > 0 {
		h.By = append(h.By, "village")
	}
	if len(s.codes) > 0 {
		h.By = append(h.By, "task_code")
	}
	for _, end := range s.lastFour {
		switch {
		case strings.HasSuffix(facts.Phone, end) || strings.HasSuffix(facts.IDNumber, end):
			h.By = append(h.By, "last_four")
		case strings.EqualFold(h.ExternalID, end):
			h.By = append(h.By, "external_id")
		default:
			return false
		}
	}
	for _, word := range s.rest {
		switch {
		case isOfName(word, h.MaskedName):
			h.By = append(h.By, "name")
		case utf8.RuneCountInString(word) > 2 && strings.HasSuffix(strings.ToUpper(h.ExternalID), strings.ToUpper(word)):
			h.By = append(h.By, "external_id")
		default:
			return false
		}
	}
	h.By = slices.Compact(h.By)
	return true
}

// isOfName tells whether a word is the surname, or a name that the mask makes the same.
func isOfName(word, masked string) bool {
	surname := strings.TrimRight(masked, "某")
	return strings.TrimRight(word, "某") == surname || surname != "" && strings.HasPrefix(word, surname) && MaskName(word) == masked
}
