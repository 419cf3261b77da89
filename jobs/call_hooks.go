package jobs

import (
	"context"
	"log/slog"

	"github.com/riverqueue/river"
	"golang.org/x/sync/errgroup"

	"aftercare/carelog"
	"aftercare/notify"
)

type callHooksArgs struct{}

func (callHooksArgs) Kind() string { return "call_hooks" }

func (callHooksArgs) InsertOpts() river.InsertOpts { return oneAtATime("hooking") }

// callHooks tells those who subscribed what changed, side by side, no transaction open.
type callHooks struct {
	river.WorkerDefaults[callHooksArgs]
	log   *carelog.Log
	hooks *notify.Hooks
	slog  *slog.Logger
}

func (w *callHooks) Work(ctx context.Context, _ *river.Job[callHooksArgs]) error {
	if _, err := w.log.ForgetChanges(ctx, 1000); err != nil {
		return err
	}
	for ctx.Err() == nil {
		calls, _, err := w.log.ClaimHooks(ctx, 8)
		if err != nil || len(calls) == 0 {
			return err
		}
		var group errgroup.Group
		for _, c := range calls {
			group.Go(func() error {
				problem := w.hooks.Call(ctx, c.URL, c.ID, c.Secret, c.Body)
				if problem != "" {
					w.slog.Warn("a subscriber did not take the changes", "subscription", c.Subscription.String(), "problem", problem)
				}
				return w.log.RecordHook(ctx, c, problem)
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return ctx.Err()
}
