package carelog

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// act is an act of a person or program on its way into the audit. Detail holds
// ids, counts and listed reasons, never personal facts.
type act struct {
	office  OfficeID
	what    string
	subject anyID
	detail  string
}

// audit notes an act, to be added to the audit chain when the verb is done.
func (tx txn) audit(office OfficeID, what string, subject anyID, detail string) {
	tx.pending.acts = append(tx.pending.acts, act{office, what, subject, detail})
}

// addActs adds acts to the audit chain. The head row is its lock.
func addActs(ctx context.Context, tx txn, acts []act) error {
	if len(acts) == 0 {
		return nil
	}
	var seq int64
	var prev []byte
	if err := tx.QueryRow(ctx, "SELECT seq, hash FROM audit_head FOR UPDATE").Scan(&seq, &prev); err != nil {
		return fmt.Errorf("lock the audit: %w", err)
	}
	for _, a := range acts {
		seq++
		sum := a.hash(prev, seq, tx.now, tx.by.Kind, anyID(tx.by.User))
		_, err := tx.Exec(ctx, `INSERT INTO audit (seq, at, office_id, actor_kind, actor_id, act, subject_id, detail, prev_hash, hash)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			seq, tx.now, a.office, tx.by.Kind, tx.by.User, a.what, a.subject, a.detail, prev, sum)
		if err != nil {
			return fmt.Errorf("insert audit: %w", err)
		}
		prev = sum
	}
	if _, err := tx.Exec(ctx, "UPDATE audit_head SET seq = $1, hash = $2", seq, prev); err != nil {
		return fmt.Errorf("move the audit head: %w", err)
	}
	return nil
}

func (a act) hash(prev []byte, seq int64, at time.Time, kind ActorKind, actor anyID) []byte {
	h := sha256.New()
	h.Write(prev)
	hashInt(h, seq)
	hashInt(h, at.UnixMicro())
	h.Write(a.office[:])
	hashBytes(h, []byte(kind))
	h.Write(actor[:])
	hashBytes(h, []byte(a.what))
	h.Write(a.subject[:])
	hashBytes(h, []byte(a.detail))
	return h.Sum(nil)
}

// lookAtAudit walks the audit's chain on from the entry it came to.
func lookAtAudit(ctx context.Context, _ *Log, tx txn, after []string, limit int) (looked, error) {
	c, err := auditFrom(ctx, tx, after)
	if err != nil {
		return looked{}, err
	}
	rows, err := tx.Query(ctx, `SELECT seq, at, office_id, actor_kind, actor_id, act, subject_id, detail, prev_hash, hash FROM audit
		WHERE seq >= $1 ORDER BY seq LIMIT $2`, c.want, limit)
	if err != nil {
		return looked{}, fmt.Errorf("read the audit: %w", err)
	}
	var found looked
	var a act
	var seq int64
	var at time.Time
	var kind ActorKind
	var actor anyID
	var before, own []byte
	_, err = pgx.ForEachRow(rows, []any{&seq, &at, &a.office, &kind, &actor, &a.what, &a.subject, &a.detail, &before, &own}, func() error {
		found.rows++
		c.add(&found.Findings, seq, before, own, func(prev []byte) []byte { return a.hash(prev, seq, at, kind, actor) })
		return nil
	})
	if err != nil {
		return looked{}, fmt.Errorf("read the audit: %w", err)
	}
	found.after = []string{fmt.Sprint(c.want - 1)}
	if found.ended = found.rows < limit; found.ended && !c.wrong {
		err = endOfAudit(ctx, tx, &found.Findings)
	}
	return found, err
}

// auditFrom is the chain as it stands at the entry that was looked at last.
func auditFrom(ctx context.Context, tx txn, after []string) (chain, error) {
	c := newChain("audit", 0, nil)
	if len(after) == 0 {
		return c, nil
	}
	err := tx.QueryRow(ctx, "SELECT n + 1, coalesce((SELECT hash FROM audit WHERE seq = n), '') FROM (SELECT $1::text::bigint AS n) x", after[0]).Scan(&c.want, &c.prev)
	if err != nil {
		return chain{}, fmt.Errorf("read the audit: %w", err)
	}
	return c, nil
}

// endOfAudit compares the audit's last entry with its head, as of one moment.
func endOfAudit(ctx context.Context, tx txn, found *Findings) error {
	var last, head int64
	var whole bool
	err := tx.QueryRow(ctx, `SELECT coalesce(a.seq, 0), h.seq, h.seq = coalesce(a.seq, 0) AND h.hash = coalesce(a.hash, $1) FROM audit_head h
		LEFT JOIN LATERAL (SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1) a ON true`, make([]byte, sha256.Size)).Scan(&last, &head, &whole)
	if err != nil {
		return fmt.Errorf("read the audit head: %w", err)
	}
	if !whole {
		found.name("audit: the chain ends at %d, its head says %d", last, head)
	}
	return nil
}
