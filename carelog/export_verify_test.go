package carelog

import (
	"bytes"
	"context"
)

// VerifyInSteps is VerifyAll with steps of a size.
func VerifyInSteps(ctx context.Context, l *Log, limit int) Findings {
	var all Findings
	for _, p := range stretches() {
		var after []string
		for ended := false; !ended; {
			found, err := read(ctx, l, TheSystem(), func(tx txn) (looked, error) { return l.lookOn(ctx, tx, p, after, limit) })
			if err != nil {
				panic(err)
			}
			all.add(found.Findings)
			after, ended = found.after, found.ended
		}
	}
	return all
}

// Forge puts other words into the last entry of a history and sets its hash and the
// head to fit, as the database's owner could.
func Forge(ctx context.Context, l *Log, recipient RecipientID, exec func(sql string, args ...any)) error {
	var e Entry
	var actor, subject anyID
	var payload, prev []byte
	err := l.db.QueryRow(ctx, `SELECT seq, kind, occurred_at, recorded_at, actor_kind, actor_id, subject_id, payload, prev_hash FROM history
		WHERE recipient_id = $1 ORDER BY seq DESC LIMIT 1`, recipient).
		Scan(&e.Seq, &e.Kind, &e.OccurredAt, &e.RecordedAt, &e.ActorKind, &actor, &subject, &payload, &prev)
	if err != nil {
		return err
	}
	forged := bytes.Clone(payload)
	forged[len(forged)-1]++
	sum := chainHash(prev, recipient, e.Seq, e.Kind, e.OccurredAt, e.RecordedAt, e.ActorKind, actor, subject, forged)
	exec("UPDATE history SET payload = $3, hash = $4 WHERE recipient_id = $1 AND seq = $2", recipient, e.Seq, forged, sum)
	exec("UPDATE history_heads SET hash = $2 WHERE recipient_id = $1", recipient, sum)
	return nil
}
