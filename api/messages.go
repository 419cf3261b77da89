package api

import (
	"context"
	"time"

	"aftercare/carelog"
)

type messageBody struct {
	MessageID      carelog.MessageID   `json:"message_id" format:"uuid"`
	RecipientID    carelog.RecipientID `json:"recipient_id,omitzero" format:"uuid"`
	CheckInID      carelog.CheckInID   `json:"check_in_id,omitzero" format:"uuid"`
	ContactID      carelog.ContactID   `json:"contact_id,omitzero" format:"uuid" doc:"The village contact it goes to"`
	UserID         carelog.UserID      `json:"user_id,omitzero" format:"uuid" doc:"The officer it goes to"`
	Purpose        string              `json:"purpose"`
	Wording        string              `json:"wording"`
	NotBefore      time.Time           `json:"not_before"`
	Deadline       time.Time           `json:"deadline"`
	Reason         string              `json:"reason" doc:"Why it is planned for then"`
	Dispatch       string              `json:"dispatch" enum:"planned,sending,accepted,cancelled,expired,failed,unknown" doc:"What we did"`
	DispatchReason string              `json:"dispatch_reason,omitempty"`
	DispatchedAt   *time.Time          `json:"dispatched_at,omitempty"`
	Delivery       string              `json:"delivery" doc:"What the carrier says: none, queued, sent, delivered, undelivered, failed"`
	DeliveryReason string              `json:"delivery_reason,omitempty"`
	DeliveryAt     *time.Time          `json:"delivery_at,omitempty"`
	Segments       *int                `json:"segments,omitempty"`
	Text           string              `json:"text,omitempty" doc:"Once it is rendered"`
	WordingVersion *int                `json:"wording_version,omitempty" doc:"What was rendered"`
	Language       *string             `json:"language,omitempty"`
}

func showMessage(m carelog.Message) messageBody {
	return messageBody{
		m.ID, m.Recipient, m.CheckIn, m.Contact, m.User, m.Purpose, m.Wording, m.NotBefore, m.Deadline, m.Reason,
		m.Dispatch, m.DispatchReason, m.DispatchedAt, m.Delivery, m.DeliveryReason, m.DeliveryAt, m.Segments, m.Text, m.Version, m.Language,
	}
}

type messageQuery struct {
	PageParams
	RecipientID carelog.RecipientID `query:"recipient_id" format:"uuid"`
	Dispatch    string              `query:"dispatch" enum:"planned,sending,accepted,cancelled,expired,failed,unknown"`
}

func (s *server) listMessages(ctx context.Context, by carelog.Actor, in *messageQuery) (*listed[messageBody], error) {
	const list = "messages"
	rows, err := in.after(list)
	if err != nil {
		return nil, err
	}
	found, err := s.Log.Messages(ctx, by, carelog.MessageFilter{Recipient: in.RecipientID, Dispatch: in.Dispatch, Page: rows})
	if err != nil {
		return nil, err
	}
	return page(&in.PageParams, found, showMessage, func(last carelog.Message) position {
		return position{List: list, After: last.ID.String()}
	}), nil
}
