package carelog

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/condition"
	"aftercare/carelog/schedule"
)

// One home visit in so many is scored a second time, blind (domain 3: two
// officers should blind-score 5 % for agreement).
const (
	blindEvery   = 20
	blindSeed    = "aftercare: blind second scores, 1"
	blindWithin  = 5 // working days
	agreesWithin = 1 // points a domain
)

// BlindChosen tells whether a home check-in is one that is scored twice. It is
// settled when the check-in is laid: by its id alone, and by nobody's choice.
func BlindChosen(id CheckInID) bool {
	return oneIn(blindEvery, blindSeed, id)
}

// oneIn chooses one check-in in so many by its id, each seed others.
func oneIn(every uint64, seed string, id CheckInID) bool {
	sum := sha256.Sum256(append([]byte(seed), id[:]...))
	return binary.BigEndian.Uint64(sum[:8])%every == 0
}

// askBlindScores asks a second officer for scores once a chosen home visit is
// recorded. A visit that was asked about already is not asked about again.
func (l *Log) askBlindScores(ctx context.Context, tx txn, c checkIn, e entered) error {
	if c.id.IsZero() || c.kind != schedule.Home || !BlindChosen(c.id) {
		return nil
	}
	scorer, err := secondOfficer(ctx, tx, c, append(slices.Clone(e.officers), tx.by.User))
	if err != nil {
		return err
	}
	if scorer.IsZero() {
		return nil // nobody in the office could: the visit stands as it was scored
	}
	tag, err := tx.Exec(ctx, `INSERT INTO blind_scorings (check_in_id, recipient_id, scorer_id, asked_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (check_in_id) DO NOTHING`, c.id, c.recipient, scorer, tx.now)
	if err != nil {
		return fmt.Errorf("ask for blind scores: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return nil
	}
	return l.openTask(ctx, tx, newTask{
		kind: "blind_scoring", cause: "blind_scoring:" + c.id.String(), office: c.office, recipient: c.recipient, plan: c.plan, checkIn: c.id,
		reason: "this home visit is one in twenty that a second officer scores without seeing the first scores",
		actBy:  officerWindow.closes(tx.cal(c.office).AddWorkdays(tx.today(), blindWithin)),
	})
}

// secondOfficer is an officer of the office who was not there, else a supervisor;
// by the check-in's id, so that it is not always the same one.
func secondOfficer(ctx context.Context, tx txn, c checkIn, there []UserID) (UserID, error) {
	for _, role := range []Role{Officer, Supervisor} {
		rows, err := tx.Query(ctx, `SELECT DISTINCT u.id FROM users u JOIN grants g ON g.user_id = u.id
			WHERE g.office_id = $1 AND g.role = $2 AND u.state = 'active' AND u.id <> ALL ($3) ORDER BY u.id`, c.office, role, there)
		if err != nil {
			return UserID{}, fmt.Errorf("find a second officer: %w", err)
		}
		able, err := pgx.CollectRows(rows, pgx.RowTo[UserID])
		if err != nil {
			return UserID{}, fmt.Errorf("find a second officer: %w", err)
		}
		if len(able) > 0 {
			return able[int(c.id[15])%len(able)], nil
		}
	}
	return UserID{}, nil
}

// Agreement is how two people's scores of one visit agree.
type Agreement struct {
	CheckIn  CheckInID          `json:"check_in_id"`
	Compared int                `json:"compared"` // domains that both scored
	Agreed   int                `json:"agreed"`   // of these, within one point
	Diverged []condition.Domain `json:"diverged"` // the others
}

// compareScores counts the domains that two people scored alike, give or take a point.
func compareScores(a, b condition.Scores) Agreement {
	var found Agreement
	for i, d := range condition.Domains() {
		first, scored := a[i].Points()
		second, also := b[i].Points()
		if !scored || !also {
			continue
		}
		found.Compared++
		if max(first-second, second-first) <= agreesWithin {
			found.Agreed++
		} else {
			found.Diverged = append(found.Diverged, d)
		}
	}
	return found
}

// ScoreBlind takes the second scores of a visit from the person who was asked for
// them, once, and compares them with the first. Where a domain differs by more
// than a point the supervisor is told. The first scores stay what they are.
func (l *Log) ScoreBlind(ctx context.Context, by Actor, id CheckInID, scores condition.Scores) (Agreement, error) {
	return write(ctx, l, by, func(tx txn) (Agreement, error) {
		c, err := lockCheckIn(ctx, tx, id)
		if err != nil {
			return Agreement{}, err
		}
		if err := mayScoreBlind(ctx, tx, c); err != nil {
			return Agreement{}, err
		}
		if scores.Scored() == 0 {
			return Agreement{}, invalid("scores", isRequired)
		}
		first, err := scoresOfVisit(ctx, tx, id)
		if err != nil {
			return Agreement{}, err
		}
		found := compareScores(first, scores)
		found.CheckIn = id
		_, err = tx.Exec(ctx, `UPDATE blind_scorings SET scores = $2, scored_at = $3, compared = $4, agreed = $5, diverged = $6 WHERE check_in_id = $1`,
			id, storedScores(scores), tx.now, found.Compared, found.Agreed, listed(found.Diverged))
		if err != nil {
			return found, fmt.Errorf("write blind scores: %w", err)
		}
		tx.append(happening{recipient: c.recipient, kind: "blind_scored", subject: anyID(id), details: map[string]any{
			"blind_scores": scores, "compared": found.Compared, "agreed": found.Agreed, "diverged": found.Diverged,
		}})
		if err := l.endTasks(ctx, tx, []string{"blind_scoring:" + id.String()}, "the second scores are in"); err != nil {
			return found, err
		}
		return found, l.tellDivergence(ctx, tx, c, found)
	})
}

func mayScoreBlind(ctx context.Context, tx txn, c checkIn) error {
	if !tx.by.may(c.office, ScoreBlindAct) {
		return forbidden("only whoever was asked to scores this visit a second time")
	}
	var scorer UserID
	var scored bool
	err := tx.QueryRow(ctx, "SELECT scorer_id, scores IS NOT NULL FROM blind_scorings WHERE check_in_id = $1", c.id).Scan(&scorer, &scored)
	switch {
	case none(err):
		return conflict("nobody was asked to score this visit a second time")
	case err != nil:
		return fmt.Errorf("read who scores blind: %w", err)
	case scorer != tx.by.User:
		return forbidden("only whoever was asked to scores this visit a second time")
	case scored:
		return conflict("the second scores are in already")
	}
	return nil
}

// scoresOfVisit are the scores of a check-in as they stand now.
func scoresOfVisit(ctx context.Context, tx txn, id CheckInID) (condition.Scores, error) {
	var column []int16
	err := tx.QueryRow(ctx, "SELECT scores FROM assessments WHERE check_in_id = $1 AND superseded_by IS NULL ORDER BY occurred_at DESC LIMIT 1", id).Scan(&column)
	if err != nil && !none(err) {
		return condition.Scores{}, fmt.Errorf("read the first scores: %w", err)
	}
	return fromStored(column), nil
}

func (l *Log) tellDivergence(ctx context.Context, tx txn, c checkIn, found Agreement) error {
	if len(found.Diverged) == 0 {
		return nil
	}
	return l.openTask(ctx, tx, newTask{
		kind: "scores_diverge", cause: "scores_diverge:" + c.id.String(), office: c.office, recipient: c.recipient, plan: c.plan, checkIn: c.id,
		reason: "two people scored this visit more than a point apart: the supervisor talks it over with both",
		actBy:  officerWindow.closes(tx.cal(c.office).AddWorkdays(tx.today(), blindWithin)),
	})
}

// withheldSince is when the reader was first asked for second scores that are not
// in yet: what rules found since may rest on the first ones.
func withheldSince(ctx context.Context, tx txn, recipient RecipientID) (*time.Time, error) {
	if tx.by.Kind != Person {
		return nil, nil //nolint:nilnil // nothing is withheld
	}
	var since *time.Time
	err := tx.QueryRow(ctx, "SELECT min(asked_at) FROM blind_scorings WHERE scorer_id = $1 AND recipient_id = $2 AND scores IS NULL", tx.by.User, recipient).Scan(&since)
	if err != nil {
		return nil, fmt.Errorf("find withheld scores: %w", err)
	}
	return since, nil
}

// restsOnScores are the rules whose inputs tell scores.
var restsOnScores = []string{"R1", "R3", "R4", "R5", "R6", "R7", "R13", "R14"}

// withheld are the check-ins of a household whose scores the reader must not see
// yet: their own second ones are not in.
func withheld(ctx context.Context, tx txn, recipient RecipientID) (map[CheckInID]bool, error) {
	if tx.by.Kind != Person {
		return nil, nil //nolint:nilnil // nothing is withheld
	}
	rows, err := tx.Query(ctx, "SELECT check_in_id FROM blind_scorings WHERE scorer_id = $1 AND recipient_id = $2 AND scores IS NULL", tx.by.User, recipient)
	if err != nil {
		return nil, fmt.Errorf("find withheld scores: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[CheckInID])
	if err != nil {
		return nil, fmt.Errorf("find withheld scores: %w", err)
	}
	hidden := map[CheckInID]bool{}
	for _, id := range ids {
		hidden[id] = true
	}
	return hidden, nil
}

// scoreDetails are the details of a history entry that tell scores.
var scoreDetails = []string{"scores", "index", "complete", "counts", "evidence"}

// withholdScores takes the scores out of the entries that their reader must not
// see yet. What was written in words stays: it is what the second scores rest on.
func withholdScores(ctx context.Context, tx txn, recipient RecipientID, entries []Entry) error {
	hidden, err := withheld(ctx, tx, recipient)
	if err != nil || len(hidden) == 0 {
		return err
	}
	for i, e := range entries {
		id, err := ParseID[checkInKind](e.SubjectID)
		if err != nil || !hidden[id] {
			continue
		}
		var details map[string]json.RawMessage
		if err := json.Unmarshal(e.Details, &details); err != nil {
			return fmt.Errorf("read history entry %d: %w", e.Seq, err)
		}
		for _, key := range scoreDetails {
			delete(details, key)
		}
		if entries[i].Details, err = json.Marshal(details); err != nil {
			return fmt.Errorf("write history entry %d: %w", e.Seq, err)
		}
	}
	return nil
}
