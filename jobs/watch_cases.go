package jobs

import (
	"context"
	"log/slog"

	"github.com/riverqueue/river"

	"aftercare/carelog"
)

type watchCasesArgs struct{}

func (watchCasesArgs) Kind() string { return "watch_cases" }

func (watchCasesArgs) InsertOpts() river.InsertOpts { return oneAtATime("cases") }

// watchCases brings up clues nobody took and cases that are late.
type watchCases struct {
	river.WorkerDefaults[watchCasesArgs]
	log  *carelog.Log
	slog *slog.Logger
}

func (w *watchCases) Work(ctx context.Context, _ *river.Job[watchCasesArgs]) error {
	return sweep(ctx, w.slog, "cases watched", 100, w.log.WatchCases)
}
