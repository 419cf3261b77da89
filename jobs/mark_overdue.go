package jobs

import (
	"context"
	"log/slog"

	"github.com/riverqueue/river"

	"aftercare/carelog"
)

type markOverdueArgs struct{}

func (markOverdueArgs) Kind() string { return "mark_overdue" }

func (markOverdueArgs) InsertOpts() river.InsertOpts { return oneAtATime("overdue") }

// markOverdue marks overdue and missed check-ins, tells the supervisors, and
// brings back plans whose review date has come.
type markOverdue struct {
	river.WorkerDefaults[markOverdueArgs]
	log  *carelog.Log
	slog *slog.Logger
}

func (w *markOverdue) Work(ctx context.Context, _ *river.Job[markOverdueArgs]) error {
	return sweep(ctx, w.slog, "overdue marked", 200, func(ctx context.Context, limit int) (int, error) {
		marked, err := w.log.MarkOverdue(ctx, limit)
		return marked.Total(), err
	})
}
