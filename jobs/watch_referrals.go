package jobs

import (
	"context"
	"log/slog"

	"github.com/riverqueue/river"

	"aftercare/carelog"
)

type watchReferralsArgs struct{}

func (watchReferralsArgs) Kind() string { return "watch_referrals" }

func (watchReferralsArgs) InsertOpts() river.InsertOpts { return oneAtATime("referring") }

// watchReferrals brings up answers that are late and benefits before they lapse.
type watchReferrals struct {
	river.WorkerDefaults[watchReferralsArgs]
	log  *carelog.Log
	slog *slog.Logger
}

func (w *watchReferrals) Work(ctx context.Context, _ *river.Job[watchReferralsArgs]) error {
	return sweep(ctx, w.slog, "referrals watched", 100, w.log.WatchReferrals)
}
