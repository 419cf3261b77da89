package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"golang.org/x/sync/errgroup"

	"aftercare/carelog"
	"aftercare/notify"
)

type reconcileMessagesArgs struct{}

func (reconcileMessagesArgs) Kind() string { return "reconcile_messages" }

func (reconcileMessagesArgs) InsertOpts() river.InsertOpts { return oneSoonAgain("reconciling") }

// stuckAtOnce is how many messages one look takes; a crash leaves up to a batch a worker.
const stuckAtOnce = 200

// reconcileMessages asks the carrier about messages found sending after a crash
// or a time-out. None is ever sent again before the carrier was asked.
type reconcileMessages struct {
	river.WorkerDefaults[reconcileMessagesArgs]
	log      *carelog.Log
	carriers notify.Carriers
	slog     *slog.Logger
}

func (w *reconcileMessages) Work(ctx context.Context, _ *river.Job[reconcileMessagesArgs]) error {
	var last carelog.Stuck
	for ctx.Err() == nil {
		stuck, err := w.log.StuckMessages(ctx, last, stuckAtOnce)
		if err != nil || len(stuck) == 0 {
			return err
		}
		failed := make([]error, len(stuck))
		var group errgroup.Group
		group.SetLimit(sideBySide)
		for i, s := range stuck {
			group.Go(func() error {
				failed[i] = Settle(ctx, w.log, w.carriers.Named(s.Carrier), s) // one that cannot be settled keeps nobody else waiting
				return nil
			})
		}
		_ = group.Wait() // the outcomes stand in failed
		w.slog.Warn("messages reconciled", "count", len(stuck))
		if err := errors.Join(failed...); err != nil || len(stuck) < stuckAtOnce {
			return err
		}
		last = stuck[len(stuck)-1]
	}
	return nil // the next tick goes on
}

// askingPatience is how long a carrier that does not answer is asked about a
// message. After that the work goes to a person; should the carrier have sent it
// after all, its report still says so.
const askingPatience = 24 * time.Hour

// Settle asks the carrier about a stuck message and writes down what it knows. A
// carrier that does not answer now is an error: it is asked again later, for a day.
func Settle(ctx context.Context, log *carelog.Log, carrier notify.Carrier, s carelog.Stuck) error {
	finding, candidates, err := ask(ctx, carrier, s)
	if err != nil {
		if log.Now().Sub(s.Since) < askingPatience {
			return err
		}
		finding = carelog.CannotKnow
	}
	return log.SettleMessage(ctx, s, finding, candidates...)
}

// ask finds out what the carrier knows.
func ask(ctx context.Context, carrier notify.Carrier, s carelog.Stuck) (carelog.Finding, []carelog.Candidate, error) {
	receipts, err := carrier.Find(ctx, message(s.Outgoing), s.Since)
	candidates := make([]carelog.Candidate, len(receipts))
	for i, r := range receipts {
		candidates[i] = carelog.Candidate{CarrierMessageID: r.CarrierMessageID, Delivery: r.Delivery}
	}
	switch {
	case err == nil:
		return carelog.Found, candidates, nil
	case errors.Is(err, notify.ErrNotFound):
		return carelog.NotThere, nil, nil
	case errors.Is(err, notify.ErrCannotKnow):
		return carelog.CannotKnow, candidates, nil
	default:
		return 0, nil, fmt.Errorf("ask the carrier: %w", err)
	}
}
