package jobs

import (
	"context"
	"log/slog"

	"github.com/riverqueue/river"

	"aftercare/carelog"
)

type applyReportsArgs struct{}

func (applyReportsArgs) Kind() string { return "apply_reports" }

func (applyReportsArgs) InsertOpts() river.InsertOpts { return oneSoonAgain("reports") }

// applyReports applies the delivery reports that carriers brought.
type applyReports struct {
	river.WorkerDefaults[applyReportsArgs]
	log  *carelog.Log
	slog *slog.Logger
}

func (w *applyReports) Work(ctx context.Context, _ *river.Job[applyReportsArgs]) error {
	return sweep(ctx, w.slog, "reports applied", 500, w.log.ApplyReports)
}
