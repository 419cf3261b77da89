package api

import (
	"context"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
)

type outcomeBody struct {
	StartedOn    calendar.Date         `json:"started_on,omitzero" format:"date"`
	PlanState    string                `json:"plan_state"`
	WorstTier    string                `json:"worst_tier" doc:"The household ever stood at"`
	Tier         string                `json:"tier"`
	First        *standingBody         `json:"first,omitempty" doc:"By the first scores that are complete"`
	Last         *standingBody         `json:"last,omitempty" doc:"By the last ones; absent while there are no others"`
	Improved     []condition.Domain    `json:"improved" nullable:"false"`
	Worsened     []condition.Domain    `json:"worsened" nullable:"false"`
	Referrals    []referralOutcomeBody `json:"referrals" nullable:"false"`
	Sent         int                   `json:"referrals_sent"`
	Granted      int                   `json:"referrals_granted" doc:"Of those sent"`
	AlertsClosed int                   `json:"alerts_closed" doc:"By somebody's deed"`
	AlertsOpen   int                   `json:"alerts_open"`
	TasksClosed  int                   `json:"tasks_closed"`
	TasksOpen    int                   `json:"tasks_open"`
	HoursToAct   float64               `json:"hours_to_act" doc:"From an alert to somebody saying that they act on it, on average"`
}

type standingBody struct {
	On    calendar.Date `json:"on" format:"date"`
	Index int           `json:"index" minimum:"0" maximum:"100"`
}

type referralOutcomeBody struct {
	Measure   carelog.Measure `json:"measure"`
	Name      string          `json:"name"`
	State     string          `json:"state"`
	DecidedOn calendar.Date   `json:"decided_on,omitzero" format:"date"`
}

func (s *server) readOutcome(ctx context.Context, by carelog.Actor, in *recipientPath) (*answer[outcomeBody], error) {
	o, err := s.Log.OutcomeOf(ctx, by, in.RecipientID)
	if err != nil {
		return nil, err
	}
	b := outcomeBody{
		o.StartedOn, o.PlanState, o.WorstTier, o.Tier, showStanding(o.First), showStanding(o.Last), o.Improved, o.Worsened,
		[]referralOutcomeBody{},
		o.Sent, o.Granted, o.AlertsClosed, o.AlertsOpen, o.TasksClosed, o.TasksOpen, o.HoursToAct,
	}
	for _, r := range o.Referrals {
		b.Referrals = append(b.Referrals, referralOutcomeBody(r))
	}
	return &answer[outcomeBody]{b}, nil
}

func showStanding(s *carelog.Standing) *standingBody {
	if s == nil {
		return nil
	}
	return &standingBody{s.On, s.Index}
}
