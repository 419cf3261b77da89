package carelog

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Reports that did not come within an hour are asked for, until after three days
// no carrier has anything to add.
const (
	reportDue = time.Hour
	reportEnd = 72 * time.Hour
)

// Unreported is a text the carrier took and has not said the last word about.
type Unreported struct {
	Stuck
	CarrierMessageID string // "" where the carrier gave none
}

// UnreportedMessages lists texts of an hour to three days ago whose delivery is
// still open, the newest first, those before a given one; before the zero value all.
func (l *Log) UnreportedMessages(ctx context.Context, before Unreported, limit int) ([]Unreported, error) {
	return read(ctx, l, TheSystem(), func(tx txn) ([]Unreported, error) {
		rows, err := tx.Query(ctx, `SELECT m.id, coalesce(m.contact_id, m.user_id), coalesce(k.data_key, u.data_key), m.sent_to, m.text, n.number, n.carrier, m.tries, m.claimed_at,
				coalesce(m.carrier_message_id, '')
			FROM messages m JOIN lines n ON n.id = m.line_id
			LEFT JOIN village_contacts k ON k.id = m.contact_id LEFT JOIN users u ON u.id = m.user_id
			WHERE m.dispatch = 'accepted' AND m.rides_with IS NULL AND m.delivery IN ('none', 'queued', 'sent') AND m.claimed_at BETWEEN $1 AND $2
				AND coalesce(k.data_key, u.data_key) IS NOT NULL AND ($4::uuid IS NULL OR (m.claimed_at, m.id) < ($5, $4))
			ORDER BY m.claimed_at DESC, m.id DESC LIMIT $3`, tx.now.Add(-reportEnd), tx.now.Add(-reportDue), limit, before.ID, before.Since)
		if err != nil {
			return nil, fmt.Errorf("find unreported messages: %w", err)
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (u Unreported, err error) {
			u.Stuck, err = l.scanStuck(row, &u.CarrierMessageID)
			return u, err
		})
	})
}

// Hearing is a line on which texts are heard, and since when its carrier is to be
// asked for those that never came.
type Hearing struct {
	Carrier, Number string
	Since           time.Time
}

// Replies that came since the last one we have are asked for, and a while before
// it: one may be lost while others come. Without any it is the last three days.
const hearAgain = 3 * time.Hour

// Hearings lists the lines of all carriers.
func (l *Log) Hearings(ctx context.Context) ([]Hearing, error) {
	return read(ctx, l, TheSystem(), func(tx txn) ([]Hearing, error) {
		rows, err := tx.Query(ctx, `WITH newest AS (SELECT carrier, (SELECT i.received_at FROM inbound_messages i WHERE i.carrier = c.carrier ORDER BY i.id DESC LIMIT 1) AS at
				FROM (SELECT DISTINCT carrier FROM lines) c)
			SELECT n.carrier, n.number, coalesce(newest.at - $2::interval, $1) FROM lines n JOIN newest USING (carrier) ORDER BY n.id`,
			tx.now.Add(-reportEnd), hearAgain)
		if err != nil {
			return nil, fmt.Errorf("find lines to hear: %w", err)
		}
		return collect(rows, func(h *Hearing) []any { return []any{&h.Carrier, &h.Number, &h.Since} })
	})
}
