package carelog

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

// How long what is kept (PIPL 19, 47). The rules are data, by kind of record; a
// nightly run applies them, tells what it did by kind, and catches up on all that
// came due since it last ran. Words of texts go by themselves; a person's whole
// file is proposed to a supervisor, and goes when a second one agrees.

// RetentionRule is one version of how long one kind of record is kept.
type RetentionRule struct {
	Kind       string     `json:"kind"` // outbound_text, inbound_text, recipient_file, disclosure, audit, service_log
	Version    int        `json:"version"`
	KeepMonths int        `json:"keep_months"`
	AtLeast    int        `json:"at_least_months"` // what the law asks for
	Anchor     string     `json:"anchor"`          // dispatched, received, closed, written
	Action     string     `json:"action"`          // erase: by the job; propose: to a person; keep: never less; operator: outside the database
	Basis      string     `json:"basis"`
	State      string     `json:"state"` // draft, in_force, retired
	ProposedBy UserID     `json:"proposed_by"`
	ProposedAt time.Time  `json:"proposed_at"`
	ApprovedBy UserID     `json:"approved_by"`
	ApprovedAt *time.Time `json:"approved_at"`
}

// The kinds that a run acts on.
const (
	outboundTexts  = "outbound_text"
	inboundTexts   = "inbound_text"
	recipientFiles = "recipient_file"
)

const selectRetention = `SELECT kind, version, keep_months, at_least_months, anchor, action, basis, state, proposed_by, proposed_at, approved_by, approved_at FROM retention_rules `

func scanRetention(row pgx.CollectableRow) (r RetentionRule, err error) {
	err = row.Scan(&r.Kind, &r.Version, &r.KeepMonths, &r.AtLeast, &r.Anchor, &r.Action, &r.Basis, &r.State, &r.ProposedBy, &r.ProposedAt, &r.ApprovedBy, &r.ApprovedAt)
	return r, err
}

// RetentionRules lists every version of every rule. Whoever signs in may read them.
func (l *Log) RetentionRules(ctx context.Context, by Actor) ([]RetentionRule, error) {
	return read(ctx, l, by, func(tx txn) ([]RetentionRule, error) {
		rows, err := tx.Query(ctx, selectRetention+"ORDER BY kind, version DESC")
		if err != nil {
			return nil, fmt.Errorf("list retention rules: %w", err)
		}
		return pgx.CollectRows(rows, scanRetention)
	})
}

// mostKept bounds what may be set, in months: the long class of litigation archives.
const mostKept = 60 * 12

// ProposeRetention proposes another time for a kind. Supervisors and administrators
// of the top office may. Refusals: Invalid below what the law asks for, NotFound.
func (l *Log) ProposeRetention(ctx context.Context, by Actor, kind string, keepMonths int, basis string) (RetentionRule, error) {
	return write(ctx, l, by, func(tx txn) (RetentionRule, error) {
		if err := setsRetention(ctx, tx); err != nil {
			return RetentionRule{}, err
		}
		rows, err := tx.Query(ctx, selectRetention+"WHERE kind = $1 ORDER BY version DESC LIMIT 1", kind)
		if err != nil {
			return RetentionRule{}, fmt.Errorf("read retention rule: %w", err)
		}
		r, err := pgx.CollectExactlyOneRow(rows, scanRetention)
		if none(err) {
			return r, notFound("kind of record")
		}
		if err != nil {
			return r, fmt.Errorf("read retention rule: %w", err)
		}
		var p problems
		if keepMonths < r.AtLeast || keepMonths > mostKept {
			p.add("keep_months", isOutsideRange)
		}
		if strings.TrimSpace(basis) == "" {
			p.add("basis", isRequired)
		} else if len(basis) > 500 {
			p.add("basis", isTooLong)
		}
		if err := p.err(); err != nil {
			return r, err
		}
		r.Version, r.KeepMonths, r.Basis, r.State = r.Version+1, keepMonths, basis, "draft"
		r.ProposedBy, r.ProposedAt, r.ApprovedBy, r.ApprovedAt = by.User, tx.now, UserID{}, nil
		_, err = tx.Exec(ctx, `INSERT INTO retention_rules (kind, version, keep_months, at_least_months, anchor, action, basis, proposed_by, proposed_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, r.Kind, r.Version, r.KeepMonths, r.AtLeast, r.Anchor, r.Action, r.Basis, by.User, tx.now)
		if err != nil {
			return r, fmt.Errorf("propose retention: %w", err)
		}
		tx.audit(by.Office, "retention_proposed", anyID{}, fmt.Sprintf("%s %d: %d months", kind, r.Version, keepMonths))
		return r, nil
	})
}

// ApproveRetention puts a proposed version in force. Somebody else of the top
// office than who proposed it may.
func (l *Log) ApproveRetention(ctx context.Context, by Actor, kind string, version int) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		if err := setsRetention(ctx, tx); err != nil {
			return struct{}{}, err
		}
		var proposer UserID
		err := tx.QueryRow(ctx, "SELECT proposed_by FROM retention_rules WHERE kind = $1 AND version = $2 AND state = 'draft' FOR UPDATE", kind, version).Scan(&proposer)
		if none(err) {
			return struct{}{}, notFound("proposed rule")
		}
		if err != nil {
			return struct{}{}, fmt.Errorf("read retention rule: %w", err)
		}
		if proposer == by.User {
			return struct{}{}, forbidden("whoever proposed the rule may not approve it")
		}
		_, err = tx.Exec(ctx, "UPDATE retention_rules SET state = 'retired' WHERE kind = $1 AND (state = 'in_force' OR state = 'draft' AND version < $2)", kind, version)
		if err != nil {
			return struct{}{}, fmt.Errorf("retire retention rule: %w", err)
		}
		_, err = tx.Exec(ctx, "UPDATE retention_rules SET state = 'in_force', approved_by = $3, approved_at = $4 WHERE kind = $1 AND version = $2", kind, version, by.User, tx.now)
		if err != nil {
			return struct{}{}, fmt.Errorf("approve retention rule: %w", err)
		}
		tx.audit(by.Office, "retention_approved", anyID{}, fmt.Sprintf("%s %d", kind, version))
		return struct{}{}, nil
	})
	return err
}

// setsRetention asks for a supervisor or administrator of the top office.
func setsRetention(ctx context.Context, tx txn) error {
	err := administersRoot(ctx, tx, SetRetention, "sets how long records are kept")
	if KindOf(err) == Forbidden || err == nil && tx.by.Kind != Person {
		return forbidden("only supervisors and administrators of the top office set how long records are kept")
	}
	return err
}

// RetentionRun is what one night's run did, by kind: words forgotten, files
// proposed for erasure, files that a hold keeps.
type RetentionRun struct {
	Night     calendar.Date  `json:"night"`
	StartedAt time.Time      `json:"started_at"`
	EndedAt   *time.Time     `json:"ended_at"` // nil: it goes on with the next batch
	Counts    map[string]int `json:"counts"`
	Batch     int            `json:"-"` // what this call did
}

// nightBegins is the hour from which the run of a night may begin.
const nightBegins = 2

// ApplyRetention goes on with the night's run by one batch of each kind, at most
// limit of each. A run that ended does nothing until the next night; nights that
// nobody ran are made up for by the next one.
func (l *Log) ApplyRetention(ctx context.Context, limit int) (RetentionRun, error) {
	return write(ctx, l, TheSystem(), func(tx txn) (RetentionRun, error) {
		run := RetentionRun{Night: calendar.Of(tx.now.Add(-nightBegins * time.Hour)), Counts: map[string]int{}}
		_, err := tx.Exec(ctx, "INSERT INTO retention_runs (night, started_at) VALUES ($1, $2) ON CONFLICT DO NOTHING", run.Night, tx.now)
		if err != nil {
			return run, fmt.Errorf("begin the night's run: %w", err)
		}
		var counts []byte
		err = tx.QueryRow(ctx, "SELECT started_at, ended_at, counts FROM retention_runs WHERE night = $1 FOR UPDATE", run.Night).Scan(&run.StartedAt, &run.EndedAt, &counts)
		if err != nil {
			return run, fmt.Errorf("read the night's run: %w", err)
		}
		if err := json.Unmarshal(counts, &run.Counts); err != nil || run.EndedAt != nil {
			return run, err
		}
		more, err := l.applyRules(ctx, tx, &run, limit)
		if err != nil {
			return run, err
		}
		if !more {
			if run.Counts["held_file"], err = held(ctx, tx); err != nil {
				return run, err
			}
			run.EndedAt = &tx.now
		}
		_, err = tx.Exec(ctx, "UPDATE retention_runs SET ended_at = $2, counts = $3 WHERE night = $1", run.Night, run.EndedAt, run.Counts)
		if err != nil {
			return run, fmt.Errorf("write down the night's run: %w", err)
		}
		return run, nil
	})
}

// applyRules does a batch of each kind and tells whether one of them has more.
func (l *Log) applyRules(ctx context.Context, tx txn, run *RetentionRun, limit int) (more bool, err error) {
	for _, kind := range []string{outboundTexts, inboundTexts, recipientFiles} {
		before, err := cutoff(ctx, tx, kind)
		if err != nil {
			return false, err
		}
		var n int
		switch kind {
		case outboundTexts:
			n, err = forgetTexts(ctx, tx, before, limit)
		case inboundTexts:
			n, err = forgetReplies(ctx, tx, before, limit)
		default:
			n, err = l.proposeErasures(ctx, tx, before, limit)
		}
		if err != nil {
			return false, err
		}
		run.Counts[kind] += n
		run.Batch += n
		more = more || n == limit
	}
	return more, nil
}

// cutoff is the day before which a kind of record is kept no longer.
func cutoff(ctx context.Context, tx txn, kind string) (calendar.Date, error) {
	var months int
	if err := tx.QueryRow(ctx, "SELECT keep_months FROM retention_rules WHERE kind = $1 AND state = 'in_force'", kind).Scan(&months); err != nil {
		return calendar.Date{}, fmt.Errorf("read the retention of %s: %w", kind, err)
	}
	return tx.today().AddMonths(-months), nil
}

// isHeld tells whether a legal hold keeps the file of a recipient column.
const isHeld = "EXISTS (SELECT FROM legal_holds h WHERE h.recipient_id = %s AND h.lifted_at IS NULL)"

// forgetTexts drops the words and the number of texts sent before a day. When, why
// and with what end they were sent stays.
func forgetTexts(ctx context.Context, tx txn, before calendar.Date, limit int) (int, error) {
	tag, err := tx.Exec(ctx, `UPDATE messages SET text = NULL, sent_to = NULL WHERE id IN (SELECT id FROM messages m
			WHERE text IS NOT NULL AND dispatched_at < $1 AND dispatch NOT IN ('planned', 'sending') AND NOT `+fmt.Sprintf(isHeld, "m.recipient_id")+`
			AND NOT EXISTS (SELECT FROM messages r WHERE r.rides_with = m.id AND `+fmt.Sprintf(isHeld, "r.recipient_id")+`)
		ORDER BY dispatched_at LIMIT $2 FOR UPDATE SKIP LOCKED)`, before.At(0, 0), limit)
	if err != nil {
		return 0, fmt.Errorf("forget texts: %w", err)
	}
	return int(tag.RowsAffected()), nil
}

// forgetReplies drops the words of replies that were handled, received before a
// day. What was decided on them stays.
func forgetReplies(ctx context.Context, tx txn, before calendar.Date, limit int) (int, error) {
	tag, err := tx.Exec(ctx, `UPDATE inbound_messages SET sealed = NULL, sealed_for = NULL WHERE id IN (SELECT id FROM inbound_messages i
			WHERE sealed IS NOT NULL AND state IN ('matched', 'settled') AND received_at < $1
			AND NOT EXISTS (SELECT FROM inbound_answers w WHERE w.inbound_id = i.id AND `+fmt.Sprintf(isHeld, "w.recipient_id")+`)
			AND NOT `+fmt.Sprintf(isHeld, "i.recipient_id")+`
		ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED)`, before.At(0, 0), limit)
	if err != nil {
		return 0, fmt.Errorf("forget replies: %w", err)
	}
	return int(tag.RowsAffected()), nil
}

// held is how many files a hold keeps now.
func held(ctx context.Context, tx txn) (n int, err error) {
	if err = tx.QueryRow(ctx, "SELECT count(*) FROM legal_holds WHERE lifted_at IS NULL").Scan(&n); err != nil {
		return 0, fmt.Errorf("count holds: %w", err)
	}
	return n, nil
}

// RetentionRuns lists what the last nights' runs did, newest first. Supervisors,
// system and audit administrators may.
func (l *Log) RetentionRuns(ctx context.Context, by Actor) ([]RetentionRun, error) {
	if !by.Holds(SeeRetention) {
		return nil, forbidden("only supervisors and administrators read what the nightly run did")
	}
	return read(ctx, l, by, func(tx txn) ([]RetentionRun, error) {
		rows, err := tx.Query(ctx, "SELECT night, started_at, ended_at, counts FROM retention_runs ORDER BY night DESC LIMIT 100")
		if err != nil {
			return nil, fmt.Errorf("list runs: %w", err)
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r RetentionRun, err error) {
			err = row.Scan(&r.Night, &r.StartedAt, &r.EndedAt, &r.Counts)
			return r, err
		})
	})
}
