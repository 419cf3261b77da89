package api

import (
	"context"
	"time"

	"aftercare/carelog"
)

type taskBody struct {
	TaskID      carelog.TaskID      `json:"task_id" format:"uuid"`
	RecipientID carelog.RecipientID `json:"recipient_id,omitzero" format:"uuid"`
	CheckInID   carelog.CheckInID   `json:"check_in_id,omitzero" format:"uuid"`
	MessageID   carelog.MessageID   `json:"message_id,omitzero" format:"uuid"`
	InboundID   carelog.InboundID   `json:"inbound_id,omitzero" format:"uuid"`
	ContactID   carelog.ContactID   `json:"contact_id,omitzero" format:"uuid"`
	Kind        string              `json:"kind"`
	Reason      string              `json:"reason"`
	ActBy       *time.Time          `json:"act_by,omitempty"`
	OpenedAt    time.Time           `json:"opened_at"`
	Said        string              `json:"said,omitempty" doc:"The reply that waits in triage"`
	MaskedName  string              `json:"masked_name,omitempty"`
	Township    string              `json:"township,omitempty"`
	Village     string              `json:"village,omitempty"`
	ContactName string              `json:"contact_name,omitempty"`
	PhoneEnding string              `json:"phone_ending,omitempty" doc:"Last digits of the number that wrote, else of the contact"`
}

func showTask(t carelog.Task) taskBody {
	return taskBody{t.ID, t.Recipient, t.CheckIn, t.Message, t.Inbound, t.Contact, t.Kind, t.Reason, t.ActBy, t.OpenedAt, t.Said, t.MaskedName, t.Township, t.Village, t.ContactName, t.PhoneEnding}
}

func (s *server) listTasks(ctx context.Context, by carelog.Actor, in *PageParams) (*listed[taskBody], error) {
	const list = "tasks"
	rows, err := in.after(list)
	if err != nil {
		return nil, err
	}
	found, err := s.Log.Tasks(ctx, by, rows)
	if err != nil {
		return nil, err
	}
	return page(in, found, showTask, func(last carelog.Task) position {
		return position{List: list, After: last.ID.String()}
	}), nil
}

type resolving struct {
	TaskID carelog.TaskID `path:"task_id" format:"uuid"`
	Body   resolveBody
}

type resolveBody struct {
	Outcome string `json:"outcome" maxLength:"2000" doc:"What was done"`
}

func (s *server) resolveTask(ctx context.Context, by carelog.Actor, in *resolving) (*struct{}, error) {
	return nil, s.Log.ResolveTask(ctx, by, in.TaskID, in.Body.Outcome)
}
