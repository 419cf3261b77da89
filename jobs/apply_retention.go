package jobs

import (
	"context"
	"log/slog"

	"github.com/riverqueue/river"

	"aftercare/carelog"
)

type applyRetentionArgs struct{}

func (applyRetentionArgs) Kind() string { return "apply_retention" }

func (applyRetentionArgs) InsertOpts() river.InsertOpts { return oneAtATime("retaining") }

// applyRetention forgets what is kept no longer, once a night, and tells how much of
// each kind. A night that nobody ran is made up for by the next.
type applyRetention struct {
	river.WorkerDefaults[applyRetentionArgs]
	log  *carelog.Log
	slog *slog.Logger
}

func (w *applyRetention) Work(ctx context.Context, _ *river.Job[applyRetentionArgs]) error {
	worked := 0
	for ctx.Err() == nil {
		run, err := w.log.ApplyRetention(ctx, 500)
		if err != nil {
			return err
		}
		worked += run.Batch
		if run.EndedAt == nil {
			continue
		}
		if worked > 0 {
			counts := []any{"night", run.Night.String()}
			for kind, n := range run.Counts {
				counts = append(counts, kind, n)
			}
			w.slog.Info("retention applied", counts...)
		}
		return nil
	}
	return ctx.Err()
}
