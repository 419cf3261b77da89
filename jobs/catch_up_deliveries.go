package jobs

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/riverqueue/river"
	"golang.org/x/sync/errgroup"

	"aftercare/carelog"
	"aftercare/notify"
)

type catchUpDeliveriesArgs struct{}

func (catchUpDeliveriesArgs) Kind() string { return "catch_up_deliveries" }

func (catchUpDeliveriesArgs) InsertOpts() river.InsertOpts { return oneAtATime("catching_up") }

// catchUpDeliveries asks carriers about texts whose report was lost: a callback
// that met a restart of ours is never repeated.
type catchUpDeliveries struct {
	river.WorkerDefaults[catchUpDeliveriesArgs]
	log      *carelog.Log
	carriers notify.Carriers
	slog     *slog.Logger
}

func (w *catchUpDeliveries) Work(ctx context.Context, _ *river.Job[catchUpDeliveriesArgs]) error {
	var last carelog.Unreported
	for ctx.Err() == nil {
		open, err := w.log.UnreportedMessages(ctx, last, batch)
		if err != nil || len(open) == 0 {
			return err
		}
		reports, err := w.ask(ctx, open)
		if err := errors.Join(w.log.StoreReports(ctx, reports), err); err != nil {
			return err
		}
		if len(reports) > 0 {
			w.slog.Info("deliveries caught up on", "asked", len(open), "known", len(reports))
		}
		last = open[len(open)-1]
	}
	return nil // the newest come first; the rest is asked in an hour
}

// ask asks about each side by side, with no transaction open. One that cannot be
// asked about keeps no other waiting; when none can, that is the error.
func (w *catchUpDeliveries) ask(ctx context.Context, open []carelog.Unreported) ([]carelog.Report, error) {
	var mu sync.Mutex
	var reports []carelog.Report
	var failed error
	asked := false
	var group errgroup.Group
	group.SetLimit(sideBySide)
	for _, u := range open {
		follower, ok := w.carriers[u.Carrier].(notify.Follower)
		if !ok {
			continue
		}
		group.Go(func() error {
			r, class, err := follower.Follow(ctx, message(u.Outgoing), u.CarrierMessageID, u.Since)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, notify.ErrNotFound):
				asked = true
			case err != nil:
				failed = err
			default:
				asked = true
				reports = append(reports, carelog.Report{
					Carrier: u.Carrier, CarrierMessageID: r.CarrierMessageID, MessageID: u.ID.String(),
					Status: r.RawStatus, Delivery: r.Status, ErrorCode: r.ErrorCode, Class: carelog.Class(class),
				})
			}
			return nil
		})
	}
	_ = group.Wait() // the outcomes stand in reports
	if asked {
		failed = nil
	}
	return reports, failed
}
