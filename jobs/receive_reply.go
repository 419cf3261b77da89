package jobs

import (
	"context"

	"github.com/riverqueue/river"

	"aftercare/carelog"
)

type receiveReplyArgs struct {
	Inbound carelog.InboundID `json:"inbound_id"`
}

func (receiveReplyArgs) Kind() string { return "receive_reply" }

// Ten attempts are four hours. A reply whose matching failed for a quarter of an
// hour is left to a person by then (recover_replies): a later attempt does
// nothing, one that still fails stays visible as discarded.
func (receiveReplyArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: "replies", MaxAttempts: 10}
}

// receiveReply matches one stored reply. A repeat finds it handled and does nothing.
type receiveReply struct {
	river.WorkerDefaults[receiveReplyArgs]
	log *carelog.Log
}

func (w *receiveReply) Work(ctx context.Context, job *river.Job[receiveReplyArgs]) error {
	return w.log.ReceiveReply(ctx, job.Args.Inbound)
}
