package carelog

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
)

// codeTries bounds how often a batch draws again for asks whose code was taken.
const codeTries = 20

// giveCodes gives the claims' asks their task codes where they have none yet:
// unique for the line they are answered to, and none that is still resting.
func (l *Log) giveCodes(ctx context.Context, tx txn, claims []claim) error {
	given := map[AskID]string{}
	for range codeTries {
		drawn, err := l.drawCodes(claims, given)
		if err != nil || len(drawn) == 0 {
			for i := range claims {
				if code := given[claims[i].ask]; code != "" {
					claims[i].code = code
				}
			}
			return err
		}
		if err := takeCodes(ctx, tx, claims[0].line, drawn, given); err != nil {
			return err
		}
	}
	return fmt.Errorf("no free task code on line %s", claims[0].line)
}

// drawCodes draws a code for each ask that still needs one, no code twice.
func (l *Log) drawCodes(claims []claim, given map[AskID]string) (map[string]AskID, error) {
	drawn := map[string]AskID{}
	asked := map[AskID]bool{}
	for _, c := range claims {
		if c.ask.IsZero() || c.code != "" || given[c.ask] != "" || asked[c.ask] {
			continue
		}
		asked[c.ask] = true
		var random [8]byte
		if _, err := io.ReadFull(l.random, random[:]); err != nil {
			return nil, fmt.Errorf("draw a task code: %w", err)
		}
		drawn[l.words.TaskCode(binary.BigEndian.Uint64(random[:]))] = c.ask
	}
	return drawn, nil
}

// takeCodes writes the drawn codes down; those that are taken are drawn again.
func takeCodes(ctx context.Context, tx txn, line LineID, drawn map[string]AskID, given map[AskID]string) error {
	var codes []string
	var asks []AskID
	for code, ask := range drawn {
		codes, asks = append(codes, code), append(asks, ask)
	}
	rows, err := tx.Query(ctx, `WITH taken AS (
			INSERT INTO task_codes (line_id, code, ask_id, given_at)
			SELECT $1, u.code, u.ask, $2 FROM unnest($3::text[], $4::uuid[]) AS u (code, ask) ORDER BY u.code
			ON CONFLICT (line_id, code) DO UPDATE SET ask_id = excluded.ask_id, given_at = excluded.given_at, free_from = NULL
			WHERE task_codes.free_from <= excluded.given_at
			RETURNING code, ask_id)
		UPDATE asks a SET code = taken.code FROM taken WHERE a.id = taken.ask_id RETURNING a.id, a.code`, line, tx.now, codes, asks)
	if err != nil {
		return fmt.Errorf("give task codes: %w", err)
	}
	var ask AskID
	var code string
	_, err = pgx.ForEachRow(rows, []any{&ask, &code}, func() error {
		given[ask] = code
		return nil
	})
	if err != nil {
		return fmt.Errorf("give task codes: %w", err)
	}
	return nil
}
