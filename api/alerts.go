package api

import (
	"context"
	"time"

	"aftercare/carelog"
)

type alertBody struct {
	AlertID         carelog.AlertID     `json:"alert_id" format:"uuid"`
	RecipientID     carelog.RecipientID `json:"recipient_id" format:"uuid"`
	PlanID          carelog.PlanID      `json:"plan_id,omitzero" format:"uuid"`
	CheckInID       carelog.CheckInID   `json:"check_in_id,omitzero" format:"uuid"`
	Rule            string              `json:"rule" example:"R3"`
	RuleVersion     int                 `json:"rule_version"`
	Level           string              `json:"level" enum:"red,amber,notice"`
	State           string              `json:"state" enum:"open,acknowledged,closed"`
	Outcome         string              `json:"outcome,omitempty" enum:"resolved,false,superseded"`
	ActBy           *time.Time          `json:"act_by,omitempty" doc:"The time to act; acknowledging and putting off do not move it"`
	Late            bool                `json:"late" doc:"Open, and the time to act is over"`
	OpenedAt        time.Time           `json:"opened_at"`
	ClosedAt        *time.Time          `json:"closed_at,omitempty"`
	SnoozedUntil    *time.Time          `json:"snoozed_until,omitempty"`
	ResponsibleID   carelog.UserID      `json:"responsible_id,omitzero" format:"uuid" doc:"Whoever acts for the plan's officer now"`
	ResponsibleName string              `json:"responsible_name,omitempty"`
	AcknowledgedBy  carelog.UserID      `json:"acknowledged_by,omitzero" format:"uuid"`
	AckName         string              `json:"acknowledged_name,omitempty"`
	AcknowledgedAt  *time.Time          `json:"acknowledged_at,omitempty"`
	Rung            string              `json:"rung,omitempty" enum:"officer,head,deputy,office" doc:"The highest of the ladder that was told"`
	NextRungAt      *time.Time          `json:"next_rung_at,omitempty" doc:"When somebody is told next; absent when no ladder runs"`
	MaskedName      string              `json:"masked_name"`
	Township        string              `json:"township"`
	Village         string              `json:"village"`
}

func showAlert(a carelog.Alert) alertBody {
	return alertBody{
		a.ID, a.Recipient, a.Plan, a.CheckIn, a.Rule, a.RuleVersion, a.Level, a.State, a.Outcome, a.ActBy, a.Late, a.OpenedAt, a.ClosedAt, a.SnoozedUntil,
		a.Responsible, a.ResponsibleName, a.Acknowledged, a.AcknowledgedName, a.AcknowledgedAt, a.Rung, a.NextRungAt, a.MaskedName, a.Township, a.Village,
	}
}

type alertsAsked struct {
	PageParams
	RecipientID carelog.RecipientID `query:"recipient_id" format:"uuid"`
	Level       string              `query:"level" enum:"red,amber,notice"`
	State       string              `query:"state" enum:"open,acknowledged,closed" doc:"All that are not closed when left out"`
}

func (s *server) listAlerts(ctx context.Context, by carelog.Actor, in *alertsAsked) (*listed[alertBody], error) {
	const list = "alerts"
	rows, err := in.after(list)
	if err != nil {
		return nil, err
	}
	found, err := s.Log.Alerts(ctx, by, carelog.AlertFilter{Recipient: in.RecipientID, Level: in.Level, State: in.State, Page: rows})
	if err != nil {
		return nil, err
	}
	return page(&in.PageParams, found, showAlert, func(last carelog.Alert) position {
		return position{List: list, After: last.ID.String()}
	}), nil
}

type alertPath struct {
	AlertID carelog.AlertID `path:"alert_id" format:"uuid"`
}

func (s *server) acknowledgeAlert(ctx context.Context, by carelog.Actor, in *alertPath) (*struct{}, error) {
	return nil, s.Log.Acknowledge(ctx, by, in.AlertID)
}

type snoozing struct {
	AlertID carelog.AlertID `path:"alert_id" format:"uuid"`
	Body    struct {
		Until  time.Time `json:"until" doc:"Within 4 hours for a red alert, 5 working days for another"`
		Reason string    `json:"reason" maxLength:"2000"`
	}
}

func (s *server) snoozeAlert(ctx context.Context, by carelog.Actor, in *snoozing) (*struct{}, error) {
	return nil, s.Log.Snooze(ctx, by, in.AlertID, in.Body.Until, in.Body.Reason)
}

type closingAlert struct {
	AlertID carelog.AlertID `path:"alert_id" format:"uuid"`
	Body    struct {
		Outcome string `json:"outcome" enum:"resolved,false"`
		Done    string `json:"done" maxLength:"2000" doc:"What was done, or why nothing had to be"`
	}
}

func (s *server) closeAlert(ctx context.Context, by carelog.Actor, in *closingAlert) (*struct{}, error) {
	return nil, s.Log.CloseAlert(ctx, by, in.AlertID, in.Body.Outcome, in.Body.Done)
}
