package jobs

import (
	"context"
	"log/slog"

	"github.com/riverqueue/river"

	"aftercare/carelog"
)

type rollCheckInsArgs struct{}

func (rollCheckInsArgs) Kind() string { return "roll_check_ins" }

func (rollCheckInsArgs) InsertOpts() river.InsertOpts { return oneAtATime("rolling") }

// rollCheckIns lays down further check-ins of running plans: the next one and the coming 90 days.
type rollCheckIns struct {
	river.WorkerDefaults[rollCheckInsArgs]
	log  *carelog.Log
	slog *slog.Logger
}

func (w *rollCheckIns) Work(ctx context.Context, _ *river.Job[rollCheckInsArgs]) error {
	return sweep(ctx, w.slog, "plans rolled", 200, w.log.RollCheckIns)
}
