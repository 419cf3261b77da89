package api

import (
	"context"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

type planBody struct {
	PlanID      carelog.PlanID      `json:"plan_id" format:"uuid"`
	RecipientID carelog.RecipientID `json:"recipient_id" format:"uuid"`
	Template    string              `json:"template" doc:"G general, K key household, H high risk, C child, R referral only"`
	State       string              `json:"state" enum:"draft,active,paused,closing,closed"`
	StartedOn   calendar.Date       `json:"started_on,omitzero" format:"date"`
	ReviewOn    calendar.Date       `json:"review_on,omitzero" format:"date" doc:"When somebody must decide about a plan that does not run by itself"`
	Reason      string              `json:"reason,omitempty"`
	MaskedName  string              `json:"masked_name,omitempty" doc:"Of the recipient, when the plan is read"`
	Barred      bool                `json:"village_barred" doc:"No village contact is named, asked or answered about the household"`
}

func showPlan(p carelog.Plan, err error) (*answer[planBody], error) {
	if err != nil {
		return nil, err
	}
	return &answer[planBody]{planBody{p.ID, p.Recipient, p.Template, p.State, p.StartedOn, p.ReviewOn, p.Reason, p.MaskedName, p.Barred}}, nil
}

type planPath struct {
	PlanID carelog.PlanID `path:"plan_id" format:"uuid"`
}

type recipientPath struct {
	RecipientID carelog.RecipientID `path:"recipient_id" format:"uuid"`
}

func (s *server) readPlan(ctx context.Context, by carelog.Actor, in *recipientPath) (*answer[planBody], error) {
	return showPlan(s.Log.PlanOf(ctx, by, in.RecipientID))
}

func (s *server) startPlan(ctx context.Context, by carelog.Actor, in *planPath) (*answer[planBody], error) {
	return showPlan(s.Log.StartPlan(ctx, by, in.PlanID))
}

type pausing struct {
	PlanID carelog.PlanID `path:"plan_id" format:"uuid"`
	Body   pauseBody
}

type pauseBody struct {
	ReviewOn calendar.Date `json:"review_on" format:"date" doc:"When somebody must decide: after today, within a year" example:"2027-03-01"`
	Reason   string        `json:"reason" maxLength:"2000"`
}

func (s *server) pausePlan(ctx context.Context, by carelog.Actor, in *pausing) (*answer[planBody], error) {
	return showPlan(s.Log.PausePlan(ctx, by, in.PlanID, in.Body.ReviewOn, in.Body.Reason))
}

type closing struct {
	PlanID carelog.PlanID `path:"plan_id" format:"uuid"`
	Body   closeBody
}

type closeBody struct {
	Reason string `json:"reason" maxLength:"2000" doc:"The first call proposes; a supervisor who did not propose it closes"`
}

func (s *server) closePlan(ctx context.Context, by carelog.Actor, in *closing) (*answer[planBody], error) {
	return showPlan(s.Log.ClosePlan(ctx, by, in.PlanID, in.Body.Reason))
}
