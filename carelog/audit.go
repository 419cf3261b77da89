package carelog

import (
	"bytes"
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

// verifyAudit walks the audit chain and names the first entry that was changed,
// removed or moved; "" when it is whole.
func verifyAudit(ctx context.Context, tx txn) (string, error) {
	rows, err := tx.Query(ctx, "SELECT seq, at, office_id, actor_kind, actor_id, act, subject_id, detail, prev_hash, hash FROM audit ORDER BY seq")
	if err != nil {
		return "", fmt.Errorf("read the audit: %w", err)
	}
	prev, want := make([]byte, sha256.Size), int64(1)
	var a act
	var seq int64
	var at time.Time
	var kind ActorKind
	var actor anyID
	var before, own []byte
	wrong := ""
	_, err = pgx.ForEachRow(rows, []any{&seq, &at, &a.office, &kind, &actor, &a.what, &a.subject, &a.detail, &before, &own}, func() error {
		sum := a.hash(prev, seq, at, kind, actor)
		if wrong == "" && (seq != want || !bytes.Equal(before, prev) || !bytes.Equal(sum, own)) {
			wrong = fmt.Sprintf("audit: entry %d was changed, removed or moved", min(seq, want))
		}
		prev, want = bytes.Clone(own), seq+1
		return nil
	})
	if err != nil || wrong != "" {
		return wrong, err
	}
	var head int64
	var sum []byte
	if err := tx.QueryRow(ctx, "SELECT seq, hash FROM audit_head").Scan(&head, &sum); err != nil {
		return "", fmt.Errorf("read the audit head: %w", err)
	}
	if head != want-1 || !bytes.Equal(sum, prev) {
		return fmt.Sprintf("audit: the chain ends at %d, its head says %d", want-1, head), nil
	}
	return "", nil
}
