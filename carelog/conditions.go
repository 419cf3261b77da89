package carelog

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

// ConditionCheck is one item of a clue's checklist with its newest answer, and the
// version of the rules that was in force on the day of the answer (L23).
type ConditionCheck struct {
	Item        string        `json:"item"`
	Words       string        `json:"words"`  // in Chinese, ours
	Answer      string        `json:"answer"` // met, not_met, unknown
	AnsweredOn  calendar.Date `json:"answered_on"`
	AnsweredBy  UserID        `json:"answered_by"`
	RuleTitle   string        `json:"rule_title"`
	RuleVersion int           `json:"rule_version"`
}

// AnswerCondition notes what was found about one item. Earlier answers stay; the
// newest holds. Officers and supervisors of the office may.
func (l *Log) AnswerCondition(ctx context.Context, by Actor, id ClueID, item, answer, on string) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		c, key, err := l.lockClue(ctx, tx, id)
		if err != nil {
			return struct{}{}, err
		}
		var p problems
		if !slices.Contains([]string{"met", "not_met", "unknown"}, answer) {
			p.add("answer", isUnknown)
		}
		if len(on) > 4000 {
			p.add("note", isTooLong)
		}
		var rule string
		var version int
		err = tx.QueryRow(ctx, `SELECT i.rule_key, r.version FROM condition_items i JOIN rule_refs r ON r.key = i.rule_key
			WHERE i.key = $1 AND r.effective_from <= $2 ORDER BY r.effective_from DESC, r.version DESC LIMIT 1`, item, tx.today()).Scan(&rule, &version)
		if none(err) {
			p.add("item", isUnknown)
		} else if err != nil {
			return struct{}{}, fmt.Errorf("find the rule: %w", err)
		}
		if err := p.err(); err != nil {
			return struct{}{}, err
		}
		answerID := newID[plainKind](tx.now, l.random)
		sealed := key.Seal([]byte(on), "condition_answers.sealed/"+answerID.String())
		_, err = tx.Exec(ctx, `INSERT INTO condition_answers (id, clue_id, item, rule_key, rule_version, answer, answered_on, answered_by, sealed)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, answerID, c.ID, item, rule, version, answer, tx.today(), by.User, sealed)
		if err != nil {
			return struct{}{}, fmt.Errorf("answer condition: %w", err)
		}
		tx.audit(c.Office, "condition_answered", anyID(c.ID), item+" "+answer)
		return struct{}{}, nil
	})
	return err
}

// Conditions reads a clue's checklist. Officers and supervisors of its office may.
func (l *Log) Conditions(ctx context.Context, by Actor, id ClueID) ([]ConditionCheck, error) {
	return read(ctx, l, by, func(tx txn) ([]ConditionCheck, error) {
		c, _, err := l.openClue(ctx, tx, id, SeeCases, "")
		if err != nil {
			return nil, err
		}
		tx.audit(c.Office, "clue_read", anyID(id), "conditions")
		return conditionsOf(ctx, tx, []ClueID{id})
	})
}

// conditionsOf is the newest answer to each item on any of the clues.
func conditionsOf(ctx context.Context, tx txn, clues []ClueID) ([]ConditionCheck, error) {
	rows, err := tx.Query(ctx, `SELECT i.key, i.words, coalesce(a.answer, 'unknown'), a.answered_on, a.answered_by, coalesce(r.title, ''), coalesce(r.version, 0)
		FROM condition_items i
		LEFT JOIN LATERAL (SELECT * FROM condition_answers w WHERE w.item = i.key AND w.clue_id = ANY ($1) ORDER BY w.id DESC LIMIT 1) a ON true
		LEFT JOIN rule_refs r ON r.key = a.rule_key AND r.version = a.rule_version ORDER BY i.place`, clues)
	if err != nil {
		return nil, fmt.Errorf("read conditions: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[ConditionCheck])
}

// RuleVersion is a version of the rules that conditions rest on.
type RuleVersion struct {
	Key           string        `json:"key"`
	Version       int           `json:"version"`
	Title         string        `json:"title"`
	EffectiveFrom calendar.Date `json:"effective_from"`
}

// RuleVersions lists every version. Whoever signs in may read them.
func (l *Log) RuleVersions(ctx context.Context, by Actor) ([]RuleVersion, error) {
	return read(ctx, l, by, func(tx txn) ([]RuleVersion, error) {
		rows, err := tx.Query(ctx, "SELECT key, version, title, effective_from FROM rule_refs ORDER BY key, version")
		if err != nil {
			return nil, fmt.Errorf("list rules: %w", err)
		}
		return pgx.CollectRows(rows, pgx.RowToStructByPos[RuleVersion])
	})
}

// AddRuleVersion adds the next version of the rules, in force from a day: answers given
// from then on name it, earlier ones keep theirs. Administrators of the top office may.
func (l *Log) AddRuleVersion(ctx context.Context, by Actor, key, title string, from calendar.Date) (RuleVersion, error) {
	return write(ctx, l, by, func(tx txn) (RuleVersion, error) {
		r := RuleVersion{Key: key, Title: title, EffectiveFrom: from}
		if err := administersRoot(ctx, tx, KeepRules, "adds rules"); err != nil {
			return r, err
		}
		var p problems
		p.needsText("title", title, 300)
		if from.IsZero() {
			p.add("effective_from", isRequired)
		}
		if err := p.err(); err != nil {
			return r, err
		}
		if err := tx.QueryRow(ctx, "SELECT coalesce(max(version), 0) + 1 FROM rule_refs WHERE key = $1", key).Scan(&r.Version); err != nil {
			return r, fmt.Errorf("number the rule: %w", err)
		}
		if r.Version == 1 {
			return r, notFound("rule")
		}
		_, err := tx.Exec(ctx, "INSERT INTO rule_refs (key, version, title, effective_from, recorded_by, recorded_at) VALUES ($1, $2, $3, $4, $5, $6)",
			key, r.Version, title, from, by.User, tx.now)
		if err != nil {
			return r, fmt.Errorf("add rule: %w", err)
		}
		tx.audit(by.Office, "rule_added", anyID{}, fmt.Sprintf("%s %d", key, r.Version))
		return r, nil
	})
}
