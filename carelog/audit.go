package carelog

import (
	"context"
	"crypto/sha256"
	"fmt"
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
		sum := a.hash(prev, seq, tx)
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

func (a act) hash(prev []byte, seq int64, tx txn) []byte {
	h := sha256.New()
	h.Write(prev)
	hashInt(h, seq)
	hashInt(h, tx.now.UnixMicro())
	h.Write(a.office[:])
	hashBytes(h, []byte(tx.by.Kind))
	h.Write(tx.by.User[:])
	hashBytes(h, []byte(a.what))
	h.Write(a.subject[:])
	hashBytes(h, []byte(a.detail))
	return h.Sum(nil)
}
