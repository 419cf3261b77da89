package jobs

import (
	"context"
	"log/slog"

	"github.com/riverqueue/river"

	"aftercare/carelog"
)

type escalateArgs struct{}

func (escalateArgs) Kind() string { return "escalate" }

func (escalateArgs) InsertOpts() river.InsertOpts { return oneAtATime("escalating") }

// escalate tells whoever is due to hear of what is late, the reddest first.
type escalate struct {
	river.WorkerDefaults[escalateArgs]
	log  *carelog.Log
	slog *slog.Logger
}

func (w *escalate) Work(ctx context.Context, _ *river.Job[escalateArgs]) error {
	return sweep(ctx, w.slog, "escalations told", 200, w.log.Escalate)
}
