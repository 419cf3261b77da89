package carelog

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
	"aftercare/internal/crypt"
)

// storedHit is a hit that stands, to be compared with what is found now.
type storedHit struct {
	id      anyID
	rule    string
	level   condition.Level
	cause   string
	on      string
	at      time.Time
	settled bool
	hit     condition.Hit
}

// same tells whether nothing at all that the rule looked at has changed.
func (s storedHit) same(f finding) bool {
	f.hit.Inputs.On = s.hit.Inputs.On // what runs out with time was found on its first day
	return equalHits(s.hit, f.hit)
}

// alike tells whether the hit says the same about the household, whatever became
// of what it was compared with.
func (s storedHit) alike(f finding) bool {
	was, is := s.hit, f.hit
	was.Inputs, is.Inputs = condition.Input{}, condition.Input{}
	was.Version, is.Version = 0, 0
	was.Index, is.Index = nil, nil
	return equalHits(was, is)
}

// equalHits compares hits as they are stored.
func equalHits(a, b condition.Hit) bool {
	was, errA := json.Marshal(a)
	is, errB := json.Marshal(b)
	return errA == nil && errB == nil && bytes.Equal(was, is)
}

// standingHits are the hits not superseded that the findings can be compared
// with: those of the same causes, those young enough to be judged anew, and
// those that only time settles.
func (j *judging) standingHits(ctx context.Context) (map[string]storedHit, error) {
	causes := make([]string, len(j.found))
	for i, f := range j.found {
		causes[i] = f.cause
	}
	rows, err := j.tx.Query(ctx, `SELECT id, rule, level, cause, rests_on, fact_at, settled_at IS NOT NULL, sealed FROM rule_hits
		WHERE recipient_id = $1 AND superseded_at IS NULL
			AND (cause = ANY ($2) OR rests_on IN ('check_in', 'referral') AND settled_at IS NULL
				OR rests_on = 'assessment' AND fact_at >= $3 OR rests_on = 'record' AND fact_at >= $4
				OR rests_on IN ('signal', 'contact') AND fact_at >= $5 OR rests_on = 'event' AND fact_at >= $6)`,
		j.recipient, causes, j.floors["assessment"], j.floors["record"], j.floors["contact"], j.floors["event"])
	if err != nil {
		return nil, fmt.Errorf("read standing hits: %w", err)
	}
	standing := map[string]storedHit{}
	var s storedHit
	var sealed []byte
	_, err = pgx.ForEachRow(rows, []any{&s.id, &s.rule, &s.level, &s.cause, &s.on, &s.at, &s.settled, &sealed}, func() (err error) {
		s.hit, err = crypt.OpenJSON[condition.Hit](j.key, sealed, "rule_hits.sealed/"+s.id.String())
		standing[s.cause] = s
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read standing hits: %w", err)
	}
	return standing, nil
}

// store writes a finding down, settled already where a deed has answered it.
func (j *judging) store(ctx context.Context, f finding) error {
	id := newID[plainKind](j.tx.now, j.random)
	sealed, err := crypt.SealJSON(j.key, f.hit, "rule_hits.sealed/"+id.String())
	if err != nil {
		return fmt.Errorf("seal the hit: %w", err)
	}
	var settledAt *time.Time
	if f.settled != "" {
		settledAt = &j.tx.now
	}
	_, err = j.tx.Exec(ctx, `INSERT INTO rule_hits
		(id, recipient_id, plan_id, rule, version, level, cause, rests_on, rests_on_id, check_in_id, fact_at, found_at, sealed, settled_at, settled_why)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		id, j.recipient, j.plan.id, f.hit.Rule, f.hit.Version, f.hit.Level, f.cause, f.on, f.id, f.checkIn, f.at, j.tx.now, sealed, settledAt, f.settled)
	if err != nil {
		return fmt.Errorf("insert hit: %w", err)
	}
	return nil
}

// settle notes the deed that answered a hit, and ends its alert with it.
func (j *judging) settle(ctx context.Context, was storedHit, why string) error {
	if was.settled {
		return nil
	}
	_, err := j.tx.Exec(ctx, "UPDATE rule_hits SET settled_at = $2, settled_why = $3 WHERE id = $1", was.id, j.tx.now, why)
	if err != nil {
		return fmt.Errorf("settle hit: %w", err)
	}
	return j.end(ctx, was.cause, "resolved", why)
}

func (j *judging) supersede(ctx context.Context, was storedHit, why string) error {
	_, err := j.tx.Exec(ctx, "UPDATE rule_hits SET superseded_at = $2, superseded_why = $3 WHERE id = $1", was.id, j.tx.now, why)
	if err != nil {
		return fmt.Errorf("supersede hit: %w", err)
	}
	j.tx.append(happening{
		recipient: j.recipient, kind: "judgement_superseded", actor: System, subject: was.id,
		details: map[string]any{"rule": was.rule, "level": was.level, "reason": why},
	})
	return nil
}

func (j *judging) replace(ctx context.Context, was storedHit, f finding, why string) error {
	if err := j.supersede(ctx, was, why); err != nil {
		return err
	}
	return j.store(ctx, f)
}

// Judgement is a rule that applied to a household, with its reason in words.
type Judgement struct {
	ID            string          `json:"judgement_id"`
	Rule          string          `json:"rule"`
	Version       int             `json:"version"`
	Level         condition.Level `json:"level"`
	Chinese       string          `json:"zh"`
	English       string          `json:"en"`
	Inputs        condition.Input `json:"inputs"`
	CheckIn       CheckInID       `json:"check_in_id"`
	FactAt        time.Time       `json:"fact_at"`
	FoundAt       time.Time       `json:"found_at"`
	SettledAt     *time.Time      `json:"settled_at"`
	SettledWhy    string          `json:"settled_why"`
	SupersededAt  *time.Time      `json:"superseded_at"`
	SupersededWhy string          `json:"superseded_why"`
}

// Judged is how closely a household is looked after, and what the rules found,
// newest first, superseded hits too.
type Judged struct {
	Tier       string        `json:"tier"` // green, amber, red; empty without an open plan
	TierSince  calendar.Date `json:"tier_since"`
	Judgements []Judgement   `json:"judgements"`
}

// Judgements reads what the rules found of a household, newest first, at most
// 200, with the sentence that explains each: what the person concerned is told
// who asks (PIPL art. 24). Officers and supervisors of the file's office may; the
// read goes into the audit.
func (l *Log) Judgements(ctx context.Context, by Actor, recipient RecipientID) (Judged, error) {
	return write(ctx, l, by.anew(), func(tx txn) (Judged, error) {
		file, err := l.openFile(ctx, tx, recipient)
		if err != nil {
			return Judged{}, err
		}
		found := Judged{Judgements: []Judgement{}}
		err = tx.QueryRow(ctx, "SELECT tier, tier_since FROM care_plans WHERE recipient_id = $1 AND state <> 'closed'", recipient).Scan(&found.Tier, &found.TierSince)
		if err != nil && !none(err) {
			return found, fmt.Errorf("read the tier: %w", err)
		}
		rows, err := tx.Query(ctx, `SELECT id, check_in_id, fact_at, found_at, settled_at, settled_why, superseded_at, superseded_why, sealed
			FROM rule_hits WHERE recipient_id = $1 ORDER BY found_at DESC, id DESC LIMIT 200`, recipient)
		if err != nil {
			return found, fmt.Errorf("read judgements: %w", err)
		}
		found.Judgements, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Judgement, error) { return scanJudgement(row, file.key) })
		if err != nil {
			return found, fmt.Errorf("read judgements: %w", err)
		}
		since, err := withheldSince(ctx, tx, recipient)
		if err != nil {
			return found, err
		}
		// What rests on scores that the reader is to give blind would tell them.
		found.Judgements = slices.DeleteFunc(found.Judgements, func(j Judgement) bool {
			return since != nil && !j.FoundAt.Before(*since) && slices.Contains(restsOnScores, j.Rule)
		})
		tx.audit(file.office, "judgements_read", anyID(recipient), "")
		return found, nil
	})
}

func scanJudgement(row pgx.CollectableRow, key crypt.DataKey) (Judgement, error) {
	var j Judgement
	var id anyID
	var sealed []byte
	err := row.Scan(&id, &j.CheckIn, &j.FactAt, &j.FoundAt, &j.SettledAt, &j.SettledWhy, &j.SupersededAt, &j.SupersededWhy, &sealed)
	if err != nil {
		return j, err
	}
	hit, err := crypt.OpenJSON[condition.Hit](key, sealed, "rule_hits.sealed/"+id.String())
	if err != nil {
		return j, fmt.Errorf("open judgement %s: %w", id, err)
	}
	j.ID, j.Rule, j.Version, j.Level, j.Inputs = id.String(), hit.Rule, hit.Version, hit.Level, hit.Inputs
	j.Chinese, j.English = condition.Explain(hit)
	return j, nil
}
