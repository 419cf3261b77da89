package jobs

import (
	"context"
	"log/slog"

	"github.com/riverqueue/river"

	"aftercare/carelog"
)

type indexPersonsArgs struct{}

func (indexPersonsArgs) Kind() string { return "index_persons" }

func (indexPersonsArgs) InsertOpts() river.InsertOpts { return oneAtATime("indexing") }

// indexPersons has recipients who were enrolled before that was kept found
// as the same person when another office enrols them. It runs when a process starts to lead.
type indexPersons struct {
	river.WorkerDefaults[indexPersonsArgs]
	log  *carelog.Log
	slog *slog.Logger
}

func (w *indexPersons) Work(ctx context.Context, _ *river.Job[indexPersonsArgs]) error {
	return sweep(ctx, w.slog, "recipients indexed", 100, w.log.IndexPersons)
}
