package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/riverqueue/river"

	"aftercare/carelog"
	"aftercare/notify"
)

type catchUpRepliesArgs struct{}

func (catchUpRepliesArgs) Kind() string { return "catch_up_replies" }

func (catchUpRepliesArgs) InsertOpts() river.InsertOpts { return oneAtATime("catching_up") }

// catchUpReplies asks carriers for replies whose webhook was lost (P4). Those we
// have are stored once, by their carrier's id.
type catchUpReplies struct {
	river.WorkerDefaults[catchUpRepliesArgs]
	log      *carelog.Log
	carriers notify.Carriers
	slog     *slog.Logger
}

func (w *catchUpReplies) Work(ctx context.Context, _ *river.Job[catchUpRepliesArgs]) error {
	lines, err := w.log.Hearings(ctx)
	if err != nil {
		return err
	}
	var failed []error // a line that cannot be heard keeps no other waiting
	for _, line := range lines {
		if listener, ok := w.carriers[line.Carrier].(notify.Listener); ok {
			failed = append(failed, w.hear(ctx, listener, line))
		}
	}
	return errors.Join(failed...)
}

func (w *catchUpReplies) hear(ctx context.Context, listener notify.Listener, line carelog.Hearing) error {
	heard, err := listener.Heard(ctx, line.Number, line.Since)
	if errors.Is(err, notify.ErrCannotKnow) {
		w.slog.Error("more replies were lost than one look brings back: ask the carrier for its list", "since", line.Since)
	} else if err != nil {
		return fmt.Errorf("ask for replies: %w", err)
	}
	for part := range slices.Chunk(heard, batch) {
		replies := make([]carelog.Inbound, len(part))
		for i, in := range part {
			replies[i] = carelog.Inbound{Carrier: line.Carrier, CarrierMessageID: in.CarrierMessageID, From: in.From, To: in.To, Text: in.Text}
		}
		if err := w.log.StoreReplies(ctx, replies); err != nil {
			return err
		}
	}
	return nil
}
