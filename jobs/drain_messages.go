package jobs

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"golang.org/x/sync/errgroup"

	"aftercare/carelog"
	"aftercare/notify"
)

type drainMessagesArgs struct {
	Line carelog.LineID `json:"line_id"`
}

func (drainMessagesArgs) Kind() string { return "drain_messages" }

func (drainMessagesArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: "sending", MaxAttempts: 3}
}

const (
	batch      = 200              // messages a claim
	sideBySide = 16               // calls to the carrier at once
	drainTime  = 15 * time.Second // then the next wake goes on: a job has 30 s
)

// drainMessages sends what is due on a line: claim a batch (committed as
// sending), post it side by side with no transaction open, record the receipts
// together, until nothing is due.
type drainMessages struct {
	river.WorkerDefaults[drainMessagesArgs]
	log      *carelog.Log
	carriers notify.Carriers
	slog     *slog.Logger
	time     time.Duration
}

func (w *drainMessages) Work(ctx context.Context, job *river.Job[drainMessagesArgs]) error {
	until, stop := context.WithTimeout(ctx, w.time)
	defer stop()
	for until.Err() == nil {
		claimed, err := w.log.ClaimMessages(ctx, job.Args.Line, batch)
		if err != nil || claimed.Looked() == 0 {
			return err
		}
		carrier := w.carriers.Named(claimed.Carrier())
		receipts := Send(ctx, carrier, w.log.Now, claimed.Send)
		// What the carrier took must be written down even when the job is being stopped.
		save, done := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		err = w.log.RecordReceipts(save, receipts)
		done()
		if err != nil {
			return err
		}
		if code, wrong := misconfigured(receipts); wrong {
			w.slog.Error("the carrier refuses our account or sender: look at its settings", "carrier", carrier.Name(), "code", code)
		}
		w.slog.Info("drained", "line", job.Args.Line.String(), "sent", len(claimed.Send), "deferred", claimed.Deferred,
			"cancelled", claimed.Cancelled, "expired", claimed.Expired, "held_back", claimed.Refused)
	}
	return nil
}

// Send hands messages to the carrier side by side and gathers what it answered.
// It opens no transaction. What was not handed over in its time is not: it is
// claimed again.
func Send(ctx context.Context, carrier notify.Carrier, now func() time.Time, out []carelog.Outgoing) []carelog.Receipt {
	receipts := make([]carelog.Receipt, len(out))
	var group errgroup.Group
	group.SetLimit(sideBySide)
	for i, o := range out {
		group.Go(func() error {
			if !o.SendBy.IsZero() && now().After(o.SendBy) {
				receipts[i] = carelog.Receipt{Outgoing: o, Class: carelog.Temporary, Code: "not handed over in time"}
				return nil
			}
			receipts[i] = send(ctx, carrier, o)
			return nil
		})
	}
	_ = group.Wait() // the outcomes stand in the receipts
	return receipts
}

func send(ctx context.Context, carrier notify.Carrier, o carelog.Outgoing) carelog.Receipt {
	r := carelog.Receipt{Outgoing: o}
	taken, err := carrier.Send(ctx, message(o))
	var refused *notify.SendError
	switch {
	case err == nil:
		r.CarrierMessageID, r.Delivery = taken.CarrierMessageID, taken.Delivery
	case errors.As(err, &refused):
		r.Class, r.Code, r.RetryAfter = carelog.Class(refused.Class), refused.Code, refused.RetryAfter
	default:
		r.Class = carelog.Ambiguous
	}
	return r
}

func message(o carelog.Outgoing) notify.Message {
	return notify.Message{
		ID: o.ID.String(), From: o.From, To: o.To, Text: o.Text, ValidFor: o.ValidFor,
		Template: o.Template, Signature: o.Signature, Params: o.Params,
	}
}

// misconfigured finds a refusal that only an operator can end.
func misconfigured(receipts []carelog.Receipt) (code string, wrong bool) {
	for _, r := range receipts {
		if r.Class == carelog.Misconfigured {
			return r.Code, true
		}
	}
	return "", false
}
