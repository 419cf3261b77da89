package jobs

import (
	"context"
	"log/slog"

	"github.com/riverqueue/river"

	"aftercare/carelog"
)

type recoverRepliesArgs struct{}

func (recoverRepliesArgs) Kind() string { return "recover_replies" }

func (recoverRepliesArgs) InsertOpts() river.InsertOpts { return oneAtATime("recovering") }

// recoverReplies hands replies that nobody matched in time to a person: their job
// was given up or lost, and no reply waits unseen (P4).
type recoverReplies struct {
	river.WorkerDefaults[recoverRepliesArgs]
	log  *carelog.Log
	slog *slog.Logger
}

func (w *recoverReplies) Work(ctx context.Context, _ *river.Job[recoverRepliesArgs]) error {
	return sweep(ctx, w.slog, "unmatched replies left to a person", 50, w.log.RecoverReplies)
}
