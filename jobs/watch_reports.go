package jobs

import (
	"context"
	"log/slog"

	"github.com/riverqueue/river"

	"aftercare/carelog"
)

type watchReportsArgs struct{}

func (watchReportsArgs) Kind() string { return "watch_reports" }

func (watchReportsArgs) InsertOpts() river.InsertOpts { return oneAtATime("alarming") }

// watchReports raises the alarm for reports that the law demands and nobody made in time.
type watchReports struct {
	river.WorkerDefaults[watchReportsArgs]
	log  *carelog.Log
	slog *slog.Logger
}

func (w *watchReports) Work(ctx context.Context, _ *river.Job[watchReportsArgs]) error {
	return sweep(ctx, w.slog, "late reports found", 100, w.log.WatchReports)
}
