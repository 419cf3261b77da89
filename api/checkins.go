package api

import (
	"context"
	"time"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

type checkInBody struct {
	CheckInID   carelog.CheckInID   `json:"check_in_id" format:"uuid"`
	PlanID      carelog.PlanID      `json:"plan_id" format:"uuid"`
	RecipientID carelog.RecipientID `json:"recipient_id" format:"uuid"`
	MaskedName  string              `json:"masked_name" example:"马某某"`
	Township    string              `json:"township"`
	Village     string              `json:"village"`
	OfficerID   carelog.UserID      `json:"officer_id" format:"uuid"`
	Step        string              `json:"step"`
	Title       string              `json:"title"`
	Kind        string              `json:"kind" enum:"phone,home,village"`
	Opens       calendar.Date       `json:"opens" format:"date"`
	Due         calendar.Date       `json:"due" format:"date"`
	Closes      calendar.Date       `json:"closes" format:"date"`
	Scored      bool                `json:"scored" doc:"Asks for the ten-domain scale"`
	State       string              `json:"state" enum:"planned,overdue,missed,done,cancelled,superseded,before_enrolment"`
	Standing    string              `json:"standing,omitempty" enum:"upcoming,due,overdue,missed" doc:"Of an open one, today"`
	Reason      string              `json:"reason,omitempty"`
	NextTryOn   calendar.Date       `json:"next_try_on,omitzero" format:"date"`
	FirstDue    calendar.Date       `json:"first_due,omitzero" format:"date" doc:"Where a person moved it: the date it had before the first move"`
	AppointedAt *time.Time          `json:"appointed_at,omitempty" doc:"When the household and the officer agreed to meet"`
	ActBy       *time.Time          `json:"act_by,omitempty" doc:"Of one on a real-time clock: the hour by which it must be made, rest days included"`
	ForVillage  bool                `json:"for_village,omitempty" doc:"A phone call in place of the village: what the village answers by phone completes it too"`

	Confirmation string `json:"confirmation,omitempty" enum:"asked,confirmed,doubted,unanswered,not_asked,withdrawn" doc:"What the village says of a home visit; told where one check-in is read"`
}

func showCheckIn(c carelog.CheckIn) checkInBody {
	return checkInBody{
		c.ID, c.Plan, c.Recipient, c.MaskedName, c.Township, c.Village, c.Officer, c.Step, c.Title, string(c.Kind),
		c.Opens, c.Due, c.Closes, c.Scored, c.State, string(c.Standing), c.Reason, c.NextTryOn, c.FirstDue, c.Appointed, c.ActBy, c.ForVillage, c.Confirmation,
	}
}

type checkInQuery struct {
	PageParams
	Standing    string              `query:"standing" enum:"open,due,overdue,upcoming" doc:"Every state when left out"`
	RecipientID carelog.RecipientID `query:"recipient_id" format:"uuid"`
	Mine        bool                `query:"mine" doc:"Those of plans you are in charge of"`
}

func (s *server) listCheckIns(ctx context.Context, by carelog.Actor, in *checkInQuery) (*listed[checkInBody], error) {
	const list = "check-ins"
	at, err := in.position(list)
	if err != nil {
		return nil, err
	}
	filter := carelog.CheckInFilter{Standing: in.Standing, Recipient: in.RecipientID, Limit: in.Limit}
	if in.Mine {
		filter.Officer = by.User
	}
	if filter.AfterID.UnmarshalText([]byte(at.After)) != nil || filter.AfterDue.UnmarshalText([]byte(at.Due)) != nil {
		return nil, badCursor()
	}
	rows, err := s.Log.CheckIns(ctx, by, filter)
	if err != nil {
		return nil, err
	}
	return page(&in.PageParams, rows, showCheckIn, func(last carelog.CheckIn) position {
		return position{List: list, After: last.ID.String(), Due: last.Due.String()}
	}), nil
}

type checkInPath struct {
	CheckInID carelog.CheckInID `path:"check_in_id" format:"uuid"`
}

func (s *server) readCheckIn(ctx context.Context, by carelog.Actor, in *checkInPath) (*answer[checkInBody], error) {
	c, err := s.Log.CheckInOf(ctx, by, in.CheckInID)
	if err != nil {
		return nil, err
	}
	return &answer[checkInBody]{showCheckIn(c)}, nil
}

func (s *server) requestVisitConfirmation(ctx context.Context, by carelog.Actor, in *checkInPath) (*struct{}, error) {
	return nil, s.Log.RequestVisitConfirmation(ctx, by, in.CheckInID)
}

type rescheduling struct {
	CheckInID carelog.CheckInID `path:"check_in_id" format:"uuid"`
	Body      rescheduleBody
}

type rescheduleBody struct {
	Due    calendar.Date `json:"due" format:"date" doc:"A working day, at most 60 days later" example:"2026-12-01"`
	Reason string        `json:"reason" maxLength:"2000"`
}

func (s *server) rescheduleCheckIn(ctx context.Context, by carelog.Actor, in *rescheduling) (*answer[checkInBody], error) {
	c, err := s.Log.RescheduleCheckIn(ctx, by, in.CheckInID, in.Body.Due, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return &answer[checkInBody]{showCheckIn(c)}, nil
}
