package api

import (
	"context"

	"aftercare/carelog"
)

type closing struct {
	PlanID carelog.PlanID `path:"plan_id" format:"uuid"`
	Body   reasonBody
}

type reasonBody struct {
	Reason string `json:"reason" maxLength:"2000"`
}

func (s *server) closePlan(ctx context.Context, by carelog.Actor, in *closing) (*answer[planBody], error) {
	return showPlan(s.Log.ClosePlan(ctx, by, in.PlanID, in.Body.Reason))
}

type closingProposal struct {
	PlanID carelog.PlanID `path:"plan_id" format:"uuid"`
	Body   closingProposalBody
}

type closingProposalBody struct {
	Path   string `json:"path,omitempty" enum:"exit,death,moved_away,refusal" doc:"exit asks for the exit rule; the others for what is recorded of them"`
	Reason string `json:"reason" maxLength:"2000" doc:"On the path moved_away: who has accepted the household"`
}

func (s *server) proposeClosing(ctx context.Context, by carelog.Actor, in *closingProposal) (*answer[planBody], error) {
	return showPlan(s.Log.ProposeClosing(ctx, by, in.PlanID, carelog.ClosingProposal(in.Body)))
}

func (s *server) rejectClosing(ctx context.Context, by carelog.Actor, in *closing) (*answer[planBody], error) {
	return showPlan(s.Log.RejectClosing(ctx, by, in.PlanID, in.Body.Reason))
}

func (s *server) reopenPlan(ctx context.Context, by carelog.Actor, in *closing) (*answer[planBody], error) {
	return showPlan(s.Log.ReopenPlan(ctx, by, in.PlanID, in.Body.Reason))
}

type exitBody struct {
	MayClose   bool                    `json:"may_close" doc:"Every condition is met today"`
	Conditions []carelog.ExitCondition `json:"conditions" nullable:"false"`
}

func (s *server) readExit(ctx context.Context, by carelog.Actor, in *planPath) (*answer[exitBody], error) {
	conditions, err := s.Log.Exit(ctx, by, in.PlanID)
	if err != nil {
		return nil, err
	}
	shown := exitBody{MayClose: true, Conditions: conditions}
	for _, c := range conditions {
		shown.MayClose = shown.MayClose && c.Met
	}
	return &answer[exitBody]{shown}, nil
}

type continuation struct {
	PlanID carelog.PlanID `path:"plan_id" format:"uuid"`
	Body   continuationBody
}

type continuationBody struct {
	Alias  string `json:"household_alias,omitempty" maxLength:"40" doc:"What texts call the household from now on; absent: as before"`
	Reason string `json:"reason" maxLength:"2000"`
}

func (s *server) continueForHousehold(ctx context.Context, by carelog.Actor, in *continuation) (*answer[planBody], error) {
	return showPlan(s.Log.ContinueForHousehold(ctx, by, in.PlanID, carelog.Continuation(in.Body)))
}

type refusalDecision struct {
	PlanID carelog.PlanID `path:"plan_id" format:"uuid"`
	Body   refusalDecisionBody
}

type refusalDecisionBody struct {
	Decision string `json:"decision" enum:"go_on,minimal,close" doc:"minimal: one word a year; close: the closing may be proposed on the refusal path"`
	Reason   string `json:"reason" maxLength:"2000"`
}

func (s *server) decideRefusal(ctx context.Context, by carelog.Actor, in *refusalDecision) (*answer[planBody], error) {
	return showPlan(s.Log.DecideRefusal(ctx, by, in.PlanID, carelog.RefusalDecision(in.Body)))
}

type addressChange struct {
	PlanID carelog.PlanID `path:"plan_id" format:"uuid"`
	Body   addressChangeBody
}

type addressChangeBody struct {
	Village villageBody       `json:"village"`
	Address string            `json:"address,omitempty" maxLength:"400"`
	Primary carelog.ContactID `json:"primary_contact_id,omitempty" format:"uuid" doc:"Who is asked there; absent: nobody, and a task says so"`
	Backup  carelog.ContactID `json:"backup_contact_id,omitempty" format:"uuid"`
	Alias   string            `json:"household_alias,omitempty" maxLength:"40" doc:"Agreed with the contact there; absent: as before"`
	Reason  string            `json:"reason" maxLength:"2000"`
}

func (s *server) changeAddress(ctx context.Context, by carelog.Actor, in *addressChange) (*answer[planBody], error) {
	b := in.Body
	return showPlan(s.Log.ChangeAddress(ctx, by, in.PlanID, carelog.NewAddress{
		Village: carelog.VillageName(b.Village), Address: b.Address, Primary: b.Primary, Backup: b.Backup, Alias: b.Alias, Reason: b.Reason,
	}))
}
