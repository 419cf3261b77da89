package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/riverqueue/river"
	"golang.org/x/sync/errgroup"

	"aftercare/carelog"
	"aftercare/notify"
)

type reconcileMessagesArgs struct{}

func (reconcileMessagesArgs) Kind() string { return "reconcile_messages" }

func (reconcileMessagesArgs) InsertOpts() river.InsertOpts { return oneAtATime("reconciling") }

// stuckAtOnce is how many messages one look takes; a crash leaves up to a batch a worker.
const stuckAtOnce = 200

// reconcileMessages asks the carrier about messages found sending after a crash
// or a time-out. None is ever sent again before the carrier was asked.
type reconcileMessages struct {
	river.WorkerDefaults[reconcileMessagesArgs]
	log     *carelog.Log
	carrier notify.Carrier
	slog    *slog.Logger
}

func (w *reconcileMessages) Work(ctx context.Context, _ *river.Job[reconcileMessagesArgs]) error {
	for ctx.Err() == nil {
		stuck, err := w.log.StuckMessages(ctx, stuckAtOnce)
		if err != nil || len(stuck) == 0 {
			return err
		}
		failed := make([]error, len(stuck))
		var group errgroup.Group
		group.SetLimit(sideBySide)
		for i, s := range stuck {
			group.Go(func() error {
				failed[i] = w.settle(ctx, s) // one that cannot be settled keeps nobody else waiting
				return nil
			})
		}
		_ = group.Wait() // the outcomes stand in failed
		w.slog.Warn("messages reconciled", "count", len(stuck))
		if err := errors.Join(failed...); err != nil || len(stuck) < stuckAtOnce {
			return err
		}
	}
	return nil // the next tick goes on
}

func (w *reconcileMessages) settle(ctx context.Context, s carelog.Stuck) error {
	finding, receipt, err := w.ask(ctx, s)
	if err != nil {
		return err
	}
	return w.log.SettleMessage(ctx, s, finding, receipt.CarrierMessageID, receipt.Delivery)
}

// ask finds out what the carrier knows. A carrier that does not answer now is
// asked again with the next sweep.
func (w *reconcileMessages) ask(ctx context.Context, s carelog.Stuck) (carelog.Finding, notify.Receipt, error) {
	receipt, err := w.carrier.Find(ctx, message(s.Outgoing), s.Since)
	switch {
	case err == nil:
		return carelog.Found, receipt, nil
	case errors.Is(err, notify.ErrNotFound):
		return carelog.NotThere, receipt, nil
	case errors.Is(err, notify.ErrCannotKnow):
		return carelog.CannotKnow, receipt, nil
	default:
		return 0, receipt, fmt.Errorf("ask the carrier: %w", err)
	}
}
