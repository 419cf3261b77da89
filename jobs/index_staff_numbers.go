package jobs

import (
	"context"
	"log/slog"

	"github.com/riverqueue/river"

	"aftercare/carelog"
)

type indexStaffNumbersArgs struct{}

func (indexStaffNumbersArgs) Kind() string { return "index_staff_numbers" }

func (indexStaffNumbersArgs) InsertOpts() river.InsertOpts { return oneAtATime("indexing") }

// indexStaffNumbers has the numbers of people who were added before that was kept
// recognised when a text comes from one. It runs when a process starts to lead.
type indexStaffNumbers struct {
	river.WorkerDefaults[indexStaffNumbersArgs]
	log  *carelog.Log
	slog *slog.Logger
}

func (w *indexStaffNumbers) Work(ctx context.Context, _ *river.Job[indexStaffNumbersArgs]) error {
	return sweep(ctx, w.slog, "numbers of our own people indexed", 100, w.log.IndexStaffNumbers)
}
