package jobs

import (
	"context"
	"log/slog"

	"github.com/riverqueue/river"

	"aftercare/carelog"
)

type digestWeeklyArgs struct{}

func (digestWeeklyArgs) Kind() string { return "digest_weekly" }

func (digestWeeklyArgs) InsertOpts() river.InsertOpts { return oneAtATime("digesting") }

// digestWeekly plans the supervisors' digest of the week, once each.
type digestWeekly struct {
	river.WorkerDefaults[digestWeeklyArgs]
	log  *carelog.Log
	slog *slog.Logger
}

func (w *digestWeekly) Work(ctx context.Context, _ *river.Job[digestWeeklyArgs]) error {
	return sweep(ctx, w.slog, "weekly digests planned", 500, w.log.SendWeeklyDigests)
}
