package carelog

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

// Proof is what a night came to: what was looked at, and the root over all heads.
type Proof struct {
	Root
	Findings
	AllSeen bool // the round that looks at everything came to its end
}

const (
	proofHour   = 1         // nights begin at one o'clock in Shanghai
	proofBudget = 5_000_000 // rows a night: a round of a nation's data takes several
)

// Prove goes on with the night's proof by about limit rows: once a night, from one o'clock
// or as soon as the workers run again, it looks at the next of all chains, keys and
// sealed values, and at the end lays the root over all heads. It returns the proof when
// the night is done, and whether there is more to do now. What is broken becomes a task
// of the top offices.
func (l *Log) Prove(ctx context.Context, limit int) (done *Proof, more bool, err error) {
	done, err = write(ctx, l, TheSystem(), func(tx txn) (*Proof, error) {
		more = false
		r, err := takeRound(ctx, tx)
		if err != nil || r == nil {
			return nil, err
		}
		all := stretches()
		at := r.at(all)
		found, err := l.lookOn(ctx, tx, all[at], r.after, limit)
		if err != nil {
			return nil, err
		}
		r.found.add(found.Findings)
		r.after = found.after
		if found.ended {
			at, r.after = at+1, nil
		}
		allSeen := at == len(all)
		r.place = all[at%len(all)].name
		if allSeen || r.found.Looked >= proofBudget {
			return l.endNight(ctx, tx, r, allSeen)
		}
		more = true
		return nil, r.keep(ctx, tx)
	})
	return done, more && err == nil, err
}

// round is proof_round: how far the night and the round have come.
type round struct {
	night *calendar.Date
	place string
	after []string
	found Findings
}

// at is the place the round has come to; the first where it is no longer known.
func (r *round) at(all []stretch) int {
	for i, p := range all {
		if p.name == r.place {
			return i
		}
	}
	r.after = nil
	return 0
}

// takeRound takes the round up, and begins the night's proof where it is time; nil when
// there is nothing to do, or another process is at it.
func takeRound(ctx context.Context, tx txn) (*round, error) {
	var r round
	err := tx.QueryRow(ctx, "SELECT night, place, after, looked, erased, broken, found FROM proof_round FOR UPDATE SKIP LOCKED").
		Scan(&r.night, &r.place, &r.after, &r.found.Looked, &r.found.Erased, &r.found.Broken, &r.found.Names)
	if none(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("take the round up: %w", err)
	}
	if r.night != nil {
		return &r, nil
	}
	tonight := tx.today()
	if tx.now.Before(tonight.At(proofHour, 0)) {
		return nil, nil
	}
	var proved bool
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM proofs WHERE night >= $1)", tonight).Scan(&proved); err != nil {
		return nil, fmt.Errorf("look for tonight's proof: %w", err)
	}
	if proved {
		return nil, nil
	}
	r.night, r.found = &tonight, Findings{}
	return &r, nil
}

func (r *round) keep(ctx context.Context, tx txn) error {
	if r.after == nil {
		r.after = []string{}
	}
	if r.found.Names == nil {
		r.found.Names = []string{}
	}
	_, err := tx.Exec(ctx, "UPDATE proof_round SET night = $1, place = $2, after = $3, looked = $4, erased = $5, broken = $6, found = $7",
		r.night, r.place, r.after, r.found.Looked, r.found.Erased, r.found.Broken, r.found.Names)
	if err != nil {
		return fmt.Errorf("keep the round: %w", err)
	}
	return nil
}

// endNight lays the root over the heads, keeps the proof, and puts the round to rest.
func (l *Log) endNight(ctx context.Context, tx txn, r *round, allSeen bool) (*Proof, error) {
	p := Proof{Findings: r.found, AllSeen: allSeen}
	p.Night, p.At = *r.night, tx.now
	if err := tx.QueryRow(ctx, "SELECT coalesce(max(no), 0) + 1 FROM proofs").Scan(&p.No); err != nil {
		return nil, fmt.Errorf("number the proof: %w", err)
	}
	// The heads first, the root from what was stored: whatever is added meanwhile is under
	// the next.
	_, err := tx.Exec(ctx, `INSERT INTO proof_heads (chain, no, seq, hash)
		SELECT h.chain, $1, h.seq, h.hash FROM (SELECT recipient_id AS chain, seq, hash FROM history_heads UNION ALL SELECT $2, seq, hash FROM audit_head) h
		LEFT JOIN LATERAL (SELECT seq, hash FROM proof_heads p WHERE p.chain = h.chain ORDER BY no DESC LIMIT 1) last ON true
		WHERE h.seq > 0 AND (h.seq, h.hash) IS DISTINCT FROM (last.seq, last.hash)`, p.No, theAudit)
	if err != nil {
		return nil, fmt.Errorf("keep the heads: %w", err)
	}
	under, err := rootUnder(ctx, tx, p.No)
	if err != nil {
		return nil, err
	}
	p.Hash, p.Root.Files, p.Entries, p.Audit = fmt.Sprintf("%x", under.root), under.files, under.entries, under.audit
	_, err = tx.Exec(ctx, `INSERT INTO proofs (no, night, at, files, entries, audit_entries, root, looked, erased, broken, found, all_seen)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`, p.No, p.Night, p.At, under.files, under.entries, under.audit, under.root,
		p.Looked, p.Erased, p.Broken, append([]string{}, p.Names...), allSeen)
	if err != nil {
		return nil, fmt.Errorf("keep the proof: %w", err)
	}
	if p.Broken > 0 {
		if err := l.tellOfBreaks(ctx, tx, p); err != nil {
			return nil, err
		}
	}
	rest := round{place: r.place, after: r.after}
	return &p, rest.keep(ctx, tx)
}

// tellOfBreaks gives whoever looks after the records of each top office a task.
func (l *Log) tellOfBreaks(ctx context.Context, tx txn, p Proof) error {
	rows, err := tx.Query(ctx, "SELECT id FROM offices WHERE parent_id IS NULL ORDER BY id")
	if err != nil {
		return fmt.Errorf("list the top offices: %w", err)
	}
	tops, err := pgx.CollectRows(rows, pgx.RowTo[OfficeID])
	if err != nil {
		return fmt.Errorf("list the top offices: %w", err)
	}
	for _, top := range tops {
		err := l.openTask(ctx, tx, newTask{
			kind: "proof_broken", cause: "proof:" + top.String(), office: top, actBy: tx.now.Add(24 * time.Hour),
			reason: fmt.Sprintf("the proof of %s found %d records changed, removed or moved: have the operator run `aftercare doctor` and compare with a backup", p.Night, p.Broken),
		})
		if err != nil {
			return err
		}
	}
	return nil
}
