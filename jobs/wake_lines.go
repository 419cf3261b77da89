package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"aftercare/carelog"
)

type wakeLinesArgs struct{}

func (wakeLinesArgs) Kind() string { return "wake_lines" }

func (wakeLinesArgs) InsertOpts() river.InsertOpts { return oneSoonAgain("waking") }

// wakeLines wakes the drain of every line that has texts due, so that a planned
// text goes out within seconds of falling due.
type wakeLines struct {
	river.WorkerDefaults[wakeLinesArgs]
	log    *carelog.Log
	period time.Duration // how long one that died keeps the next waiting
}

func (w *wakeLines) Work(ctx context.Context, _ *river.Job[wakeLinesArgs]) error {
	lines, err := w.log.DueLines(ctx)
	if err != nil || len(lines) == 0 {
		return err
	}
	client := river.ClientFromContext[pgx.Tx](ctx)
	for _, line := range lines {
		// Beside a drain that is still at it another would only wait for the line.
		opts := oneSoonAgain("sending")
		opts.UniqueOpts.ByPeriod = w.period
		if _, err := client.Insert(ctx, drainMessagesArgs{Line: line}, &opts); err != nil {
			return fmt.Errorf("wake a line: %w", err)
		}
	}
	return nil
}
