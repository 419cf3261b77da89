package carelog

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// Hint is a measure worth asking for, and what says so. It decides nothing.
type Hint struct {
	Measure Measure `json:"measure"`
	Name    string  `json:"name"`
	Why     string  `json:"why"`
	Chinese string  `json:"why_chinese"`
	Rule    RuleRef `json:"rule"`
}

// Hints are the measures that a household's situation suggests: legal aid for
// every recipient (they need no check of means), others by vulnerability. One
// that was ever referred, or that somebody set aside, is not shown again. Officers
// and supervisors of the file's office may; the read is audited.
func (l *Log) Hints(ctx context.Context, by Actor, recipient RecipientID) ([]Hint, error) {
	return write(ctx, l, by.anew(), func(tx txn) ([]Hint, error) {
		file, err := l.openFile(ctx, tx, recipient)
		if err != nil {
			return nil, err
		}
		household, err := l.openHousehold(ctx, tx, recipient)
		if err != nil {
			return nil, err
		}
		settled, err := settledMeasures(ctx, tx, recipient)
		if err != nil {
			return nil, err
		}
		tx.audit(file.office, "hints_read", anyID(recipient), "")
		hints := []Hint{}
		for _, r := range hintRules {
			named := slices.ContainsFunc(hints, func(h Hint) bool { return h.Measure == r.measure })
			if !named && !slices.Contains(settled, r.measure) && r.meets(tx, household) {
				hints = append(hints, Hint{r.measure, r.measure.Chinese(), r.why.english, r.why.chinese, r.rule})
			}
		}
		return hints, nil
	})
}

func (r hintRule) meets(tx txn, household []Member) bool {
	return r.everybody || slices.ContainsFunc(household, func(m Member) bool {
		return r.child && isMinor(m.BornOn, tx.today()) || slices.ContainsFunc(m.Flags, func(f Flag) bool { return slices.Contains(r.flags, f) })
	})
}

// settledMeasures are those that were referred or set aside.
func settledMeasures(ctx context.Context, tx txn, recipient RecipientID) ([]Measure, error) {
	rows, err := tx.Query(ctx, `SELECT measure FROM referrals WHERE recipient_id = $1
		UNION SELECT measure FROM hint_dismissals WHERE recipient_id = $1`, recipient)
	if err != nil {
		return nil, fmt.Errorf("find settled measures: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[Measure])
}

// DismissHint sets a hint aside for a household, with a reason, which is sealed
// in the history. Officers of the office may; a repeat changes nothing.
func (l *Log) DismissHint(ctx context.Context, by Actor, recipient RecipientID, measure Measure, why string) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		var p problems
		checkWhy(&p, why)
		if !slices.ContainsFunc(hintRules, func(r hintRule) bool { return r.measure == measure }) {
			p.add("measure", isUnknown)
		}
		if err := p.err(); err != nil {
			return struct{}{}, err
		}
		file, err := l.openFile(ctx, tx, recipient)
		if err != nil {
			return struct{}{}, err
		}
		if !by.may(file.office, Refer) {
			return struct{}{}, forbidden("only officers and supervisors of the office set hints aside")
		}
		tag, err := tx.Exec(ctx, `INSERT INTO hint_dismissals (recipient_id, measure, dismissed_by, dismissed_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT DO NOTHING`, recipient, measure, by.User, tx.now)
		if err != nil {
			return struct{}{}, fmt.Errorf("set the hint aside: %w", err)
		}
		if tag.RowsAffected() == 1 {
			tx.append(happening{recipient: recipient, kind: "hint_dismissed", subject: anyID(recipient), details: map[string]any{"measure": measure, "reason": why}})
		}
		return struct{}{}, nil
	})
	return err
}
