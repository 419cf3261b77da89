package jobs

import (
	"context"
	"log/slog"

	"github.com/riverqueue/river"

	"aftercare/carelog"
)

type planMessagesArgs struct{}

func (planMessagesArgs) Kind() string { return "plan_messages" }

func (planMessagesArgs) InsertOpts() river.InsertOpts { return oneAtATime("planning") }

// planMessages plans the officers' reminders and the village requests of the coming fortnight.
type planMessages struct {
	river.WorkerDefaults[planMessagesArgs]
	log  *carelog.Log
	slog *slog.Logger
}

func (w *planMessages) Work(ctx context.Context, _ *river.Job[planMessagesArgs]) error {
	return sweep(ctx, w.slog, "check-ins planned for", 200, w.log.PlanMessages)
}
