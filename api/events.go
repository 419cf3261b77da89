package api

import (
	"context"
	"time"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

type reportingEvent struct {
	RecipientID carelog.RecipientID `path:"recipient_id" format:"uuid"`
	Body        eventBody
}

type eventBody struct {
	Kind       string        `json:"kind" enum:"death,death_of_carer,hospital,job_loss,school_drop_out,child_out_of_care,disaster,offender_released,offender_contact,eviction,new_disability,guardian_change,moved" doc:"death is the recipient's own"`
	OccurredOn calendar.Date `json:"occurred_on" format:"date"`
	Source     string        `json:"source" enum:"self,guardian,relative,village_contact,school,hospital,police,partner,officer,other" doc:"Who told"`
	Note       string        `json:"note,omitempty" maxLength:"8000"`
}

type reportedBody struct {
	EventID carelog.EventID `json:"event_id" format:"uuid"`
}

func (s *server) reportEvent(ctx context.Context, by carelog.Actor, in *reportingEvent) (*made[reportedBody], error) {
	id, err := s.Log.ReportEvent(ctx, by, in.RecipientID, carelog.Event(in.Body))
	if err != nil {
		return nil, err
	}
	return &made[reportedBody]{Location: "/v1/recipients/" + in.RecipientID.String() + "/events", Body: reportedBody{id}}, nil
}

type shownEvent struct {
	EventID     carelog.EventID `json:"event_id" format:"uuid"`
	RecordedAt  time.Time       `json:"recorded_at"`
	RecordedBy  carelog.UserID  `json:"recorded_by,omitzero" format:"uuid"`
	WithdrawnAt *time.Time      `json:"withdrawn_at,omitempty" doc:"It was a mistake"`
	ReportedEventBody
}

// ReportedEventBody is an event as it was reported. Exported because Huma reads
// the fields of embedded structs only then.
type ReportedEventBody eventBody

func (s *server) listEvents(ctx context.Context, by carelog.Actor, in *recipientPath) (*answer[listBody[shownEvent]], error) {
	found, err := s.Log.Events(ctx, by, in.RecipientID)
	if err != nil {
		return nil, err
	}
	out := &answer[listBody[shownEvent]]{listBody[shownEvent]{Items: make([]shownEvent, len(found))}}
	for i, e := range found {
		out.Body.Items[i] = shownEvent{e.ID, e.RecordedAt, e.RecordedBy, e.WithdrawnAt, ReportedEventBody(e.Event)}
	}
	return out, nil
}

type withdrawingEvent struct {
	EventID carelog.EventID `path:"event_id" format:"uuid"`
	Body    withdrawEventBody
}

type withdrawEventBody struct {
	Reason string `json:"reason" maxLength:"2000" doc:"Why it was a mistake"`
}

func (s *server) withdrawEvent(ctx context.Context, by carelog.Actor, in *withdrawingEvent) (*struct{}, error) {
	return nil, s.Log.WithdrawEvent(ctx, by, in.EventID, in.Body.Reason)
}
