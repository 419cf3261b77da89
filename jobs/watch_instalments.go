package jobs

import (
	"context"
	"log/slog"

	"github.com/riverqueue/river"

	"aftercare/carelog"
)

type watchInstalmentsArgs struct{}

func (watchInstalmentsArgs) Kind() string { return "watch_instalments" }

func (watchInstalmentsArgs) InsertOpts() river.InsertOpts { return oneAtATime("referring") }

// watchInstalments brings up parts of awards that wait past their day.
type watchInstalments struct {
	river.WorkerDefaults[watchInstalmentsArgs]
	log  *carelog.Log
	slog *slog.Logger
}

func (w *watchInstalments) Work(ctx context.Context, _ *river.Job[watchInstalmentsArgs]) error {
	return sweep(ctx, w.slog, "instalments watched", 100, w.log.WatchInstalments)
}
