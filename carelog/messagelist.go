package carelog

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// Message is a message as lists show it. The text is shown to those who may
// read the file; the number but for its ending is not.
type Message struct {
	ID             MessageID   `json:"message_id"`
	Recipient      RecipientID `json:"recipient_id"`
	CheckIn        CheckInID   `json:"check_in_id"`
	Contact        ContactID   `json:"contact_id"`
	User           UserID      `json:"user_id"`
	Purpose        string      `json:"purpose"`
	Wording        string      `json:"wording"`
	NotBefore      time.Time   `json:"not_before"`
	Deadline       time.Time   `json:"deadline"`
	Reason         string      `json:"reason"`
	Dispatch       string      `json:"dispatch"`
	DispatchReason string      `json:"dispatch_reason"`
	DispatchedAt   *time.Time  `json:"dispatched_at"`
	Delivery       string      `json:"delivery"`
	DeliveryReason string      `json:"delivery_reason"`
	DeliveryAt     *time.Time  `json:"delivery_at"`
	Segments       *int        `json:"segments"`
	Text           string      `json:"text"`
	Version        *int        `json:"wording_version"` // of the wording, once it is rendered
	Language       *string     `json:"language"`
}

// MessageFilter chooses messages. Zero fields choose all.
type MessageFilter struct {
	Recipient RecipientID
	Dispatch  string
	Page      Page // in the order they were planned
}

// Messages lists outbound messages of the actor's offices with when and why each
// is planned, and what became of it, in the order they were planned.
func (l *Log) Messages(ctx context.Context, by Actor, f MessageFilter) ([]Message, error) {
	if !by.Holds(ListWork) {
		return nil, forbidden("only officers and supervisors list messages")
	}
	return write(ctx, l, by.anew(), func(tx txn) ([]Message, error) {
		rows, err := tx.Query(ctx, `SELECT m.id, m.recipient_id, m.check_in_id, m.contact_id, m.user_id, m.purpose, m.wording, m.not_before, m.deadline,
				m.reason, m.dispatch, m.dispatch_reason, m.dispatched_at, m.delivery, m.delivery_reason, m.delivery_at, m.segments, m.wording_version, m.language,
				CASE WHEN r.restricted_at IS NULL THEN m.text END, coalesce(k.data_key, u.data_key)
			FROM messages m LEFT JOIN recipients r ON r.id = m.recipient_id LEFT JOIN village_contacts k ON k.id = m.contact_id LEFT JOIN users u ON u.id = m.user_id
			WHERE ($1 OR m.office_id = ANY ($6)) AND ($2::uuid IS NULL OR m.recipient_id = $2) AND ($3 = '' OR m.dispatch = $3) AND m.id > $4
			ORDER BY m.id LIMIT $5`, by.Kind == System, f.Recipient, f.Dispatch, f.Page.afterOrFirst(), f.Page.Limit, by.officesFor(ListWork))
		if err != nil {
			return nil, fmt.Errorf("list messages: %w", err)
		}
		messages, err := pgx.CollectRows(rows, l.scanMessage)
		if err != nil {
			return nil, fmt.Errorf("list messages: %w", err)
		}
		tx.audit(by.Office, "messages_read", anyID(f.Recipient), strconv.Itoa(len(messages)))
		return messages, nil
	})
}

func (l *Log) scanMessage(row pgx.CollectableRow) (Message, error) {
	var m Message
	var text, wrapped []byte
	err := row.Scan(&m.ID, &m.Recipient, &m.CheckIn, &m.Contact, &m.User, &m.Purpose, &m.Wording, &m.NotBefore, &m.Deadline,
		&m.Reason, &m.Dispatch, &m.DispatchReason, &m.DispatchedAt, &m.Delivery, &m.DeliveryReason, &m.DeliveryAt, &m.Segments, &m.Version, &m.Language, &text, &wrapped)
	if err != nil || text == nil || wrapped == nil {
		return m, err
	}
	owner := [16]byte(m.Contact)
	if m.Contact.IsZero() {
		owner = m.User
	}
	key, err := l.keys.Unwrap(owner, wrapped)
	if err != nil {
		return m, fmt.Errorf("open the party's key: %w", err)
	}
	plain, err := key.Open(text, "messages.text/"+m.ID.String())
	m.Text = string(plain)
	return m, err
}
