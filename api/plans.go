package api

import (
	"context"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

type planBody struct {
	PlanID      carelog.PlanID      `json:"plan_id" format:"uuid"`
	RecipientID carelog.RecipientID `json:"recipient_id" format:"uuid"`
	OfficerID   carelog.UserID      `json:"officer_id" format:"uuid"`
	Template    string              `json:"template" doc:"G general, K key household, H high risk, C child, R referral only"`
	State       string              `json:"state" enum:"draft,active,paused,closing,closed"`
	Tier        string              `json:"tier" enum:"green,amber,red"`
	StartedOn   calendar.Date       `json:"started_on,omitzero" format:"date"`
	ReviewOn    calendar.Date       `json:"review_on,omitzero" format:"date" doc:"When somebody must decide about a plan that does not run by itself"`
	Reason      string              `json:"reason,omitempty"`
	Path        string              `json:"path,omitempty" enum:"death,moved,refused,refusal_confirmed" doc:"What happened that somebody has to decide about"`
	ClosingPath string              `json:"closing_path,omitempty" enum:"exit,death,moved_away,refusal" doc:"Of a closing that waits, or was approved"`
	ClosingBy   carelog.UserID      `json:"closing_by,omitzero" format:"uuid" doc:"Who proposed the closing: somebody else approves it"`
	TransferID  carelog.TransferID  `json:"transfer_id,omitzero" format:"uuid" doc:"An offer to hand the plan over that waits for an answer"`
	MaskedName  string              `json:"masked_name,omitempty" doc:"Of the recipient, when the plan is read"`
	Barred      bool                `json:"village_barred" doc:"No village contact is named, asked or answered about the household"`
}

func showOnePlan(p carelog.Plan) planBody {
	return planBody{
		p.ID, p.Recipient, p.Officer, p.Template, p.State, p.Tier, p.StartedOn, p.ReviewOn, p.Reason, p.Path, p.ClosingPath, p.ClosingBy, p.Transfer, p.MaskedName, p.Barred,
	}
}

func showPlan(p carelog.Plan, err error) (*answer[planBody], error) {
	if err != nil {
		return nil, err
	}
	return &answer[planBody]{showOnePlan(p)}, nil
}

// plansBody is the plans one act changed.
type plansBody struct {
	Plans []planBody `json:"plans" nullable:"false"`
}

func showPlans(plans []carelog.Plan, err error) (*answer[plansBody], error) {
	if err != nil {
		return nil, err
	}
	shown := plansBody{Plans: make([]planBody, len(plans))}
	for i, p := range plans {
		shown.Plans[i] = showOnePlan(p)
	}
	return &answer[plansBody]{shown}, nil
}

// planQuery chooses plans.
type planQuery struct {
	PageParams
	State     string         `query:"state" enum:"open,draft,active,paused,closing,closed" doc:"open: all but closed"`
	Tier      string         `query:"tier" enum:"green,amber,red"`
	Path      string         `query:"path" enum:"death,moved,refused,refusal_confirmed" doc:"What waits for a decision"`
	OfficerID carelog.UserID `query:"officer_id" format:"uuid"`
	DueReview bool           `query:"due_review" doc:"Only those whose review date has come"`
}

func (s *server) listPlans(ctx context.Context, by carelog.Actor, in *planQuery) (*listed[planBody], error) {
	const list = "plans"
	rows, err := in.after(list)
	if err != nil {
		return nil, err
	}
	plans, err := s.Log.Plans(ctx, by, carelog.PlanFilter{State: in.State, Tier: in.Tier, Path: in.Path, Officer: in.OfficerID, DueReview: in.DueReview, Page: rows})
	if err != nil {
		return nil, err
	}
	return page(&in.PageParams, plans, showOnePlan, func(last carelog.Plan) position { return position{List: list, After: last.ID.String()} }), nil
}

func (s *server) countPlans(ctx context.Context, by carelog.Actor, _ *struct{}) (*answer[carelog.PlanCounts], error) {
	n, err := s.Log.CountPlans(ctx, by)
	return &answer[carelog.PlanCounts]{n}, err
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

func (s *server) pauseHousehold(ctx context.Context, by carelog.Actor, in *pausing) (*answer[plansBody], error) {
	return showPlans(s.Log.PauseHousehold(ctx, by, in.PlanID, in.Body.ReviewOn, in.Body.Reason))
}

func (s *server) resumeHousehold(ctx context.Context, by carelog.Actor, in *planPath) (*answer[plansBody], error) {
	return showPlans(s.Log.ResumeHousehold(ctx, by, in.PlanID))
}
