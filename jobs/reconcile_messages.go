package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/riverqueue/river"

	"aftercare/carelog"
	"aftercare/notify"
)

type reconcileMessagesArgs struct{}

func (reconcileMessagesArgs) Kind() string { return "reconcile_messages" }

func (reconcileMessagesArgs) InsertOpts() river.InsertOpts { return oneAtATime("reconciling") }

// reconcileMessages asks the carrier about messages found sending after a crash
// or a time-out. None is ever sent again before the carrier was asked.
type reconcileMessages struct {
	river.WorkerDefaults[reconcileMessagesArgs]
	log     *carelog.Log
	carrier notify.Carrier
	slog    *slog.Logger
}

func (w *reconcileMessages) Work(ctx context.Context, _ *river.Job[reconcileMessagesArgs]) error {
	stuck, err := w.log.StuckMessages(ctx, 50)
	if err != nil {
		return err
	}
	var failed error
	for _, s := range stuck {
		finding, receipt, err := w.ask(ctx, s)
		if err == nil {
			err = w.log.SettleMessage(ctx, s, finding, receipt.CarrierMessageID, receipt.Delivery)
		}
		failed = errors.Join(failed, err) // one that cannot be settled keeps nobody else waiting
	}
	if len(stuck) > 0 {
		w.slog.Warn("messages reconciled", "count", len(stuck))
	}
	return failed
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
