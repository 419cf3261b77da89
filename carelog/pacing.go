package carelog

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
)

// A line speaks at a pace that all processes share: tokens in its row, taken by
// the claim under the line's lock. The bucket holds what two seconds bring, so a
// claim never takes more than the wire carries in a moment; the rest of what is
// due waits for the next wake, most urgent first.
const bucketSeconds = 2

// A carrier's "too many" halves the pace for everybody, down to a tenth; each
// quiet minute brings a tenth back.
const slowest = 0.1

// lease tells how many messages the line may send now.
func lease(ctx context.Context, tx txn, line LineID, want int) (int, error) {
	var tokens float64
	err := tx.QueryRow(ctx, `UPDATE lines SET tokens_at = $2, tokens = least(pace * $3, CASE WHEN tokens_at IS NULL THEN pace * $3
				ELSE tokens + pace * greatest(extract(epoch FROM $2::timestamptz - tokens_at)::float8, 0) END)
		FROM (SELECT per_second * `+paceNow+` AS pace FROM lines WHERE id = $1) p WHERE id = $1 RETURNING tokens`,
		line, tx.now, bucketSeconds).Scan(&tokens)
	if err != nil {
		return 0, fmt.Errorf("lease the line's pace: %w", err)
	}
	return min(want, int(math.Floor(tokens+1e-6))), nil
}

// paceNow is the part of its pace a line has at $2.
const paceNow = "(CASE WHEN slowed_at IS NULL THEN 1 ELSE least(1, factor + 0.1 * floor(greatest(extract(epoch FROM $2::timestamptz - slowed_at), 0) / 60)) END)::float8"

// spend takes the tokens of what goes out.
func spend(ctx context.Context, tx txn, line LineID, sent int) error {
	if sent == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, "UPDATE lines SET tokens = tokens - $2 WHERE id = $1", line, sent); err != nil {
		return fmt.Errorf("spend the line's pace: %w", err)
	}
	return nil
}

// slow halves the pace of the lines whose carrier said "too many"; what it says
// within the same second is one word.
func slow(ctx context.Context, tx txn, messages []MessageID) error {
	if len(messages) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `UPDATE lines SET factor = greatest($3, `+paceNow+` / 2), slowed_at = $2, tokens = 0, tokens_at = $2
		WHERE id IN (SELECT line_id FROM messages WHERE id = ANY ($1)) AND (slowed_at IS NULL OR slowed_at <= $2::timestamptz - interval '1 second')`,
		messages, tx.now, slowest)
	if err != nil {
		return fmt.Errorf("slow the line down: %w", err)
	}
	return nil
}

// Pace is how fast a line speaks and what a segment costs there.
type Pace struct {
	Line      LineID
	Office    OfficeID
	Carrier   string
	Ending    string     // the last four digits of its number
	PerSecond int        // texts a second, of all processes together
	Now       float64    // what is left of it while the carrier is slow, in texts a second
	SlowedAt  *time.Time // when the carrier last said "too many"
	Fen       int        // a segment
}

// Paces lists the lines of the actor's offices. Supervisors and administrators may.
func (l *Log) Paces(ctx context.Context, by Actor) ([]Pace, error) {
	if !by.Holds(SeeTexting) {
		return nil, forbidden("only supervisors and administrators of the office see its lines")
	}
	return read(ctx, l, by, func(tx txn) ([]Pace, error) {
		rows, err := tx.Query(ctx, `SELECT id, office_id, carrier, right(number, 4), per_second, per_second * `+paceNow+`, slowed_at, fen
			FROM lines WHERE $1 OR office_id = ANY ($3) ORDER BY id`, by.Kind == System, tx.now, by.officesFor(SeeTexting))
		if err != nil {
			return nil, fmt.Errorf("list lines: %w", err)
		}
		return collect(rows, func(p *Pace) []any {
			return []any{&p.Line, &p.Office, &p.Carrier, &p.Ending, &p.PerSecond, &p.Now, &p.SlowedAt, &p.Fen}
		})
	})
}

// fastest bounds what a line can be set to.
const fastest = 1_000_000

// SetPace sets how many texts a line sends a second and what a segment costs, in
// fen. An administrator of the line's office may, and the operator.
func (l *Log) SetPace(ctx context.Context, by Actor, line LineID, perSecond, fen int) error {
	var p problems
	if perSecond < 1 || perSecond > fastest {
		p.add("per_second", isOutsideRange)
	}
	if fen < 0 || fen > 1000 {
		p.add("fen", isOutsideRange)
	}
	if err := p.err(); err != nil {
		return err
	}
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		var office OfficeID
		err := tx.QueryRow(ctx, "SELECT office_id FROM lines WHERE id = $1 FOR UPDATE", line).Scan(&office)
		if none(err) {
			return struct{}{}, notFound("line")
		}
		if err != nil {
			return struct{}{}, fmt.Errorf("read line: %w", err)
		}
		if !by.may(office, SetTextingAct) {
			return struct{}{}, forbidden("only an administrator of the office sets how fast its line speaks")
		}
		if _, err := tx.Exec(ctx, "UPDATE lines SET per_second = $2, fen = $3 WHERE id = $1", line, perSecond, fen); err != nil {
			return struct{}{}, fmt.Errorf("set the pace: %w", err)
		}
		tx.audit(office, "line_paced", anyID(line), fmt.Sprintf("%d a second, %d fen a segment", perSecond, fen))
		return struct{}{}, nil
	})
	return err
}

// collect reads rows into values by the targets of each.
func collect[T any](rows pgx.Rows, targets func(*T) []any) ([]T, error) {
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (v T, err error) {
		err = row.Scan(targets(&v)...)
		return v, err
	})
}
