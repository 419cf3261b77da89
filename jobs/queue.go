package jobs

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"aftercare/carelog"
)

// Queue is the care log's seam to River: it enqueues in the transaction of the
// change, and never works anything itself.
type Queue struct{ client *Client }

var _ carelog.Queue = Queue{}

// NewQueue makes an insert-only client on the pool of either role.
func NewQueue(pool *pgxpool.Pool, schema string) (Queue, error) {
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Schema: schema})
	if err != nil {
		return Queue{}, fmt.Errorf("make the queue: %w", err)
	}
	return Queue{client}, nil
}

// SendDue wakes the drain of a line.
func (q Queue) SendDue(ctx context.Context, tx pgx.Tx, line carelog.LineID) error {
	return q.insert(ctx, tx, drainMessagesArgs{Line: line})
}

// ReceiveReply has a stored inbound message matched.
func (q Queue) ReceiveReply(ctx context.Context, tx pgx.Tx, id carelog.InboundID) error {
	return q.insert(ctx, tx, receiveReplyArgs{Inbound: id})
}

func (q Queue) insert(ctx context.Context, tx pgx.Tx, args river.JobArgs) error {
	if _, err := q.client.InsertTx(ctx, tx, args, nil); err != nil {
		return fmt.Errorf("enqueue %s: %w", args.Kind(), err)
	}
	return nil
}
