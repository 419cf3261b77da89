package carelog

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// report is a stored report beside the message it is about.
type report struct {
	id         anyID
	carrierID  string
	delivery   string
	status     string
	code       string
	class      Class
	receivedAt time.Time
	message    messageRef
	dispatch   string
	was        string
}

// ApplyReports applies stored delivery reports, oldest first, at most limit, and
// tells how many it settled. A message's delivery only rises, in whatever
// order and however often the reports come. A report that carries our id also
// ends the doubt about a message that is still sending.
func (l *Log) ApplyReports(ctx context.Context, limit int) (int, error) {
	return write(ctx, l, TheSystem(), func(tx txn) (int, error) {
		// A report nobody knows yet waits without holding up the others; the
		// messages are locked in the order of their ids, like everywhere else.
		rows, err := tx.Query(ctx, `WITH waiting AS (
				SELECT w.*, coalesce(a.id, b.id) AS ours FROM delivery_reports w
				LEFT JOIN messages a ON a.id = w.message_id LEFT JOIN messages b ON b.carrier_message_id = w.carrier_message_id
				WHERE w.applied_at IS NULL AND (a.id IS NOT NULL OR b.id IS NOT NULL OR w.received_at <= $2)
				ORDER BY w.received_at LIMIT $1 FOR UPDATE OF w SKIP LOCKED)
			SELECT w.id, w.carrier_message_id, w.delivery, w.status, w.error_code, w.class, w.received_at,
				m.id, m.office_id, m.recipient_id, m.check_in_id, m.contact_id, coalesce(m.purpose, '')
			FROM waiting w LEFT JOIN messages m ON m.id = w.ours ORDER BY m.id, w.received_at, w.id`, limit, tx.now.Add(-reportPatience))
		if err != nil {
			return 0, fmt.Errorf("find reports: %w", err)
		}
		reports, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r report, err error) {
			err = row.Scan(&r.id, &r.carrierID, &r.delivery, &r.status, &r.code, &r.class, &r.receivedAt,
				&r.message.id, &r.message.office, &r.message.recipient, &r.message.checkIn, &r.message.contact, &r.message.purpose)
			return r, err
		})
		if err != nil {
			return 0, fmt.Errorf("find reports: %w", err)
		}
		for _, r := range reports {
			if err := l.applyReport(ctx, tx, r); err != nil {
				return 0, err
			}
		}
		return len(reports), nil
	})
}

// applyReport raises the message that a report is about, and what rides with it.
func (l *Log) applyReport(ctx context.Context, tx txn, r report) error {
	if r.message.id.IsZero() {
		return r.settle(ctx, tx, "no message of ours has this id")
	}
	if deliveryRank(r.delivery) < 0 {
		return r.settle(ctx, tx, "the status is not one we know")
	}
	happenings, why, err := l.raiseDelivery(ctx, tx, r)
	if err != nil {
		return err
	}
	tx.append(happenings...)
	if r.message.purpose == "village_request" {
		riders, err := ridersOf(ctx, tx, []MessageID{r.message.id})
		if err != nil {
			return err
		}
		for _, m := range riders[r.message.id] {
			rider := r
			rider.message, rider.carrierID = m, ""
			happenings, _, err := l.raiseDelivery(ctx, tx, rider)
			if err != nil {
				return err
			}
			tx.append(happenings...)
		}
	}
	return r.settle(ctx, tx, why)
}

// raiseDelivery raises one message's delivery, never lowering it, and tells why.
func (l *Log) raiseDelivery(ctx context.Context, tx txn, r report) ([]happening, string, error) {
	var tries int
	var doubted bool
	err := tx.QueryRow(ctx, `SELECT m.dispatch, m.delivery, m.tries, EXISTS (SELECT FROM village_contacts k JOIN numbers n ON n.phone_index = k.phone_index
			WHERE k.id = m.contact_id AND n.unreachable_at IS NOT NULL)
		FROM messages m WHERE m.id = $1 FOR UPDATE OF m`, r.message.id).Scan(&r.dispatch, &r.was, &tries, &doubted)
	if err != nil {
		return nil, "", fmt.Errorf("lock message: %w", err)
	}
	var happenings []happening
	// A text planned again after a doubt was sent after all, when the carrier speaks of it.
	if r.dispatch == "sending" || r.dispatch == "unknown" || r.dispatch == "planned" && tries > 0 {
		if err := r.adopt(ctx, tx); err != nil {
			return nil, "", err
		}
		if !r.message.recipient.IsZero() {
			happenings = append(happenings, r.message.accepted("", r.carrierID))
		}
	}
	if deliveryRank(r.delivery) <= deliveryRank(r.was) {
		return happenings, "the message stands higher already", nil
	}
	_, err = tx.Exec(ctx, "UPDATE messages SET delivery = $2, delivery_reason = $3, delivery_at = $4 WHERE id = $1",
		r.message.id, r.delivery, r.reason(), r.receivedAt)
	if err != nil {
		return nil, "", fmt.Errorf("raise delivery: %w", err)
	}
	if r.delivery == "failed" || r.delivery == "undelivered" {
		if err := l.notDelivered(ctx, tx, r); err != nil {
			return nil, "", err
		}
	}
	if r.delivery == "delivered" && (doubted || r.was == "failed" || r.was == "undelivered" || r.dispatch == "failed" || r.dispatch == "unknown") {
		if err := l.textArrived(ctx, tx, r); err != nil {
			return nil, "", err
		}
		if err := notOnceMore(ctx, tx, r.message.id); err != nil {
			return nil, "", err
		}
	}
	if !r.message.recipient.IsZero() && deliveryRank(r.delivery) > deliveryRank("sent") {
		happenings = append(happenings, happening{
			recipient: r.message.recipient, kind: "message_" + r.delivery, at: r.receivedAt,
			actor: Program, subject: anyID(r.message.id), details: map[string]any{"purpose": r.message.purpose, "reason": r.reason()},
		})
	}
	return happenings, "applied", nil
}

// adopt takes a message the carrier speaks of as accepted: it was sent after all.
func (r report) adopt(ctx context.Context, tx txn) error {
	_, err := tx.Exec(ctx, `UPDATE messages SET dispatch = 'accepted', dispatch_reason = 'adopted: the carrier reported on it',
			dispatched_at = coalesce(dispatched_at, $2), carrier_message_id = coalesce(carrier_message_id, nullif($3, '')) WHERE id = $1`, r.message.id, r.receivedAt, r.carrierID)
	if err != nil {
		return fmt.Errorf("adopt message: %w", err)
	}
	return discloseTexts(ctx, tx, []MessageID{r.message.id})
}

// notDelivered has a text that nobody received said once more, where that may
// help, else turns it into work for a person.
func (l *Log) notDelivered(ctx context.Context, tx txn, r report) error {
	if err := l.learnAboutNumber(ctx, tx, r.message, r.class); err != nil {
		return err
	}
	if r.class == Temporary && r.was == "failed" {
		return nil // followed up already
	}
	if r.message.purpose == visitConfirmation {
		return nil // asked once, and nobody's work
	}
	if again, err := l.sayOnceMore(ctx, tx, r); again || err != nil {
		return err
	}
	return l.handToPerson(ctx, tx, r.message, "message_failed", "the carrier could not deliver it: "+r.reason())
}

func (r report) reason() string {
	if r.code == "" {
		return "the carrier reported " + r.delivery
	}
	return "the carrier reported " + r.delivery + ", code " + r.code
}

func (r report) settle(ctx context.Context, tx txn, why string) error {
	_, err := tx.Exec(ctx, "UPDATE delivery_reports SET applied_at = $2, reason = $3 WHERE id = $1", r.id, tx.now, why)
	if err != nil {
		return fmt.Errorf("settle report: %w", err)
	}
	return nil
}
