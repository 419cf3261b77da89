package api

import (
	"context"
	"time"

	"aftercare/carelog"
	"aftercare/carelog/schedule"
)

type templateBody struct {
	Key     string          `json:"key" doc:"G general, K key household, H high risk, C child, R referral only"`
	Version int             `json:"version"`
	Name    string          `json:"name"`
	Steps   []schedule.Step `json:"steps" nullable:"false"`
	MadeAt  time.Time       `json:"made_at"`
	MadeBy  carelog.UserID  `json:"made_by,omitzero" format:"uuid" doc:"Absent: came with the service"`
	Why     string          `json:"why,omitempty"`
	Running int             `json:"running" doc:"Open plans of your offices that follow it"`
}

type templatesBody struct {
	Items []templateBody `json:"items" nullable:"false"`
}

func (s *server) listTemplates(ctx context.Context, by carelog.Actor, _ *struct{}) (*answer[templatesBody], error) {
	versions, err := s.Log.Templates(ctx, by)
	if err != nil {
		return nil, err
	}
	body := templatesBody{Items: make([]templateBody, len(versions))}
	for i, v := range versions {
		body.Items[i] = templateBody{v.Key, v.Version, v.Name, v.Steps, v.MadeAt, v.MadeBy, v.Why, v.Running}
	}
	return &answer[templatesBody]{body}, nil
}

// impactBody is what a change of template moves, or would move.
type impactBody struct {
	Template   string     `json:"template"`
	Version    int        `json:"version"`
	Plans      int        `json:"plans" doc:"That follow it now, or would"`
	Recipients int        `json:"recipients" doc:"Of these, with a check-in that moves"`
	CheckIns   int        `json:"check_ins" doc:"That move, are new or are dropped"`
	Left       int        `json:"left" doc:"Plans not looked at: one call takes 500"`
	Moves      []moveBody `json:"moves" nullable:"false" doc:"The first of them; without from it is new, without to it is dropped"`
}

func showImpact(i carelog.Impact, err error) (*answer[impactBody], error) {
	if err != nil {
		return nil, err
	}
	body := impactBody{i.Template, i.Version, i.Plans, i.Recipients, i.CheckIns, i.Left, make([]moveBody, len(i.Moves))}
	for n, m := range i.Moves {
		body.Moves[n] = moveBody{m.CheckIn, m.Plan, m.Recipient, m.Step, m.From, m.To}
	}
	return &answer[impactBody]{body}, nil
}

type savingTemplate struct {
	Key  string `path:"key" enum:"G,K,H,C,R"`
	Body saveTemplateBody
}

type saveTemplateBody struct {
	Name    string          `json:"name,omitempty" maxLength:"60" doc:"For people; absent: as before"`
	Why     string          `json:"why,omitempty" maxLength:"2000" doc:"What it changes, for colleagues; name no household. Required unless it is a preview"`
	Steps   []schedule.Step `json:"steps" nullable:"false"`
	Preview bool            `json:"preview,omitempty" doc:"Change nothing, and tell what moving the running plans to it would move"`
}

func (s *server) saveTemplate(ctx context.Context, by carelog.Actor, in *savingTemplate) (*answer[impactBody], error) {
	return showImpact(s.Log.SaveTemplate(ctx, by, in.Key, in.Body.Steps, carelog.TemplateOptions{Name: in.Body.Name, Why: in.Body.Why, Preview: in.Body.Preview}))
}

type movingPlans struct {
	Key  string `path:"key" enum:"G,K,H,C,R"`
	Body movePlansBody
}

type movePlansBody struct {
	To       int              `json:"to,omitempty" minimum:"0" doc:"Version; absent: the newest"`
	From     int              `json:"from,omitempty" minimum:"0" doc:"Only plans of this version"`
	PlanIDs  []carelog.PlanID `json:"plan_ids,omitempty" nullable:"false" maxItems:"500" doc:"Absent: all of the office"`
	OfficeID carelog.OfficeID `json:"office_id,omitempty" format:"uuid" doc:"Absent: yours"`
	Preview  bool             `json:"preview,omitempty"`
}

func (s *server) movePlans(ctx context.Context, by carelog.Actor, in *movingPlans) (*answer[impactBody], error) {
	b := in.Body
	return showImpact(s.Log.MovePlans(ctx, by, carelog.MovePlans{Template: in.Key, To: b.To, From: b.From, Plans: b.PlanIDs, Office: b.OfficeID, Preview: b.Preview}))
}

type changingTemplate struct {
	PlanID carelog.PlanID `path:"plan_id" format:"uuid"`
	Body   changeTemplateBody
}

type changeTemplateBody struct {
	Template string `json:"template" enum:"G,K,H,C,R"`
	Reason   string `json:"reason" maxLength:"2000"`
}

func (s *server) changeTemplate(ctx context.Context, by carelog.Actor, in *changingTemplate) (*answer[impactBody], error) {
	return showImpact(s.Log.ChangeTemplate(ctx, by, in.PlanID, in.Body.Template, in.Body.Reason))
}

type settingHarvest struct {
	PlanID carelog.PlanID `path:"plan_id" format:"uuid"`
	Body   harvestBody
}

type harvestBody struct {
	HasHarvest bool              `json:"has_harvest" doc:"Whether the household lives off its fields"`
	On         schedule.MonthDay `json:"on,omitempty" pattern:"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$" doc:"Month and day; absent: the day its template names" example:"10-08"`
}

func (s *server) setHarvest(ctx context.Context, by carelog.Actor, in *settingHarvest) (*answer[impactBody], error) {
	var day *schedule.MonthDay
	if in.Body.HasHarvest {
		day = &in.Body.On
	}
	return showImpact(s.Log.SetHarvest(ctx, by, in.PlanID, day))
}
