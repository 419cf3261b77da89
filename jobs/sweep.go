package jobs

import (
	"context"
	"log/slog"
)

// sweep repeats a verb until it has caught up, and reports the count, so that a
// glance at the log tells what the night did.
func sweep(ctx context.Context, log *slog.Logger, what string, limit int, verb func(context.Context, int) (int, error)) error {
	total := 0
	for ctx.Err() == nil {
		n, err := verb(ctx, limit)
		if err != nil {
			return err
		}
		total += n
		if n < limit {
			break
		}
	}
	if total > 0 {
		log.Info(what, "count", total)
	}
	return ctx.Err()
}
