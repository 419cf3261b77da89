package jobs

import (
	"context"
	"log/slog"

	"github.com/riverqueue/river"

	"aftercare/carelog"
)

type forgetAnswersArgs struct{}

func (forgetAnswersArgs) Kind() string { return "forget_answers" }

func (forgetAnswersArgs) InsertOpts() river.InsertOpts { return oneAtATime("forgetting") }

// forgetAnswers forgets the answers to requests that are too old to be repeated.
type forgetAnswers struct {
	river.WorkerDefaults[forgetAnswersArgs]
	log  *carelog.Log
	slog *slog.Logger
}

func (w *forgetAnswers) Work(ctx context.Context, _ *river.Job[forgetAnswersArgs]) error {
	return sweep(ctx, w.slog, "first answers forgotten", 1000, w.log.ForgetAnswers)
}
