package jobs

import (
	"context"
	"log/slog"

	"github.com/riverqueue/river"

	"aftercare/carelog"
)

type checkNumbersArgs struct{}

func (checkNumbersArgs) Kind() string { return "check_numbers" }

func (checkNumbersArgs) InsertOpts() river.InsertOpts { return oneAtATime("verifying") }

// checkNumbers asks new numbers whose they are, and hands those that do not answer to a person.
type checkNumbers struct {
	river.WorkerDefaults[checkNumbersArgs]
	log  *carelog.Log
	slog *slog.Logger
}

func (w *checkNumbers) Work(ctx context.Context, _ *river.Job[checkNumbersArgs]) error {
	return sweep(ctx, w.slog, "numbers checked", 200, w.log.CheckNumbers)
}
