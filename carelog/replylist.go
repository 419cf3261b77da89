package carelog

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// HeardReply is a reply that was, or may have been, about a recipient.
type HeardReply struct {
	ID          InboundID
	ReceivedAt  time.Time
	Said        string // nothing where it was about another office's household too
	PhoneEnding string
	Mark        string
	State       string // matched, triage, settled
	Reason      string
	Decisions   []ReplyDecision // on the parts that are about this recipient, or about nobody known
}

// Replies lists the replies about a recipient, oldest first, with every decision on
// them and its reason (P4). Officers and supervisors of the office may; that they
// were shown goes into the audit.
func (l *Log) Replies(ctx context.Context, by Actor, recipient RecipientID, page Page) ([]HeardReply, error) {
	return write(ctx, l, by.anew(), func(tx txn) ([]HeardReply, error) {
		file, err := l.openFile(ctx, tx, recipient)
		if err != nil {
			return nil, err
		}
		rows, err := tx.Query(ctx, `SELECT w.inbound_id, coalesce(i.received_at, w.at), coalesce(i.mark, ''), coalesce(i.state, ''), coalesce(i.reason, ''), `+replyBox+`
			FROM (SELECT inbound_id, min(at) AS at FROM inbound_answers WHERE recipient_id = $1 AND inbound_id > $2 GROUP BY inbound_id ORDER BY inbound_id LIMIT $3) w
			LEFT JOIN inbound_messages i ON i.id = w.inbound_id `+replyKeys+` ORDER BY w.inbound_id`, recipient, page.afterOrFirst(), page.Limit)
		if err != nil {
			return nil, fmt.Errorf("list replies: %w", err)
		}
		heard, err := pgx.CollectRows(rows, l.scanHeard)
		if err != nil {
			return nil, fmt.Errorf("list replies: %w", err)
		}
		at := map[InboundID]*HeardReply{}
		for i := range heard {
			at[heard[i].ID] = &heard[i]
		}
		rows, err = tx.Query(ctx, selectDecisions+"WHERE w.inbound_id = ANY ($1) AND (w.recipient_id = $2 OR w.recipient_id IS NULL) ORDER BY w.inbound_id, w.position",
			inboundIDs(at), recipient)
		if err != nil {
			return nil, fmt.Errorf("read what was decided: %w", err)
		}
		if err := scanDecisions(rows, func(id InboundID, d ReplyDecision) { at[id].Decisions = append(at[id].Decisions, d) }); err != nil {
			return nil, fmt.Errorf("read what was decided: %w", err)
		}
		tx.audit(file.office, "replies_read", anyID(recipient), strconv.Itoa(len(heard)))
		return heard, nil
	})
}

func (l *Log) scanHeard(row pgx.CollectableRow) (HeardReply, error) {
	var h HeardReply
	var box sealedReply
	if err := row.Scan(append([]any{&h.ID, &h.ReceivedAt, &h.Mark, &h.State, &h.Reason}, box.columns()...)...); err != nil {
		return h, err
	}
	box.id = h.ID
	said, err := l.openReply(box)
	h.Said, h.PhoneEnding = said.Text, lastFour(said.From)
	return h, err
}
