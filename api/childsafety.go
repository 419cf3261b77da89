package api

import (
	"context"
	"time"

	"aftercare/carelog"
)

type naming struct {
	PlanID carelog.PlanID `path:"plan_id" format:"uuid"`
	Body   namingBody
}

type namingBody struct {
	Primary carelog.ContactID `json:"primary_contact_id,omitzero" format:"uuid" doc:"Who is asked; nobody when left out"`
	Backup  carelog.ContactID `json:"backup_contact_id,omitzero" format:"uuid"`
	Reason  string            `json:"reason" maxLength:"2000"`
}

func (s *server) nameContacts(ctx context.Context, by carelog.Actor, in *naming) (*answer[planBody], error) {
	return showPlan(s.Log.NameContacts(ctx, by, carelog.NewContacts{Plan: in.PlanID, Primary: in.Body.Primary, Backup: in.Body.Backup, Reason: in.Body.Reason}))
}

type barring struct {
	PlanID carelog.PlanID `path:"plan_id" format:"uuid"`
	Body   barBody
}

type barBody struct {
	Code   string `json:"code" enum:"child_protection,safety,conflict_of_interest,household_asked"`
	Reason string `json:"reason" maxLength:"2000" doc:"Kept sealed in the history"`
}

func (s *server) barVillage(ctx context.Context, by carelog.Actor, in *barring) (*answer[planBody], error) {
	return showPlan(s.Log.BarVillage(ctx, by, in.PlanID, in.Body.Code, in.Body.Reason))
}

type lifting struct {
	PlanID carelog.PlanID `path:"plan_id" format:"uuid"`
	Body   whyBody
}

type whyBody struct {
	Reason string `json:"reason" maxLength:"2000"`
}

func (s *server) liftBar(ctx context.Context, by carelog.Actor, in *lifting) (*answer[planBody], error) {
	return showPlan(s.Log.LiftBar(ctx, by, in.PlanID, in.Body.Reason))
}

type reporting struct {
	TaskID carelog.TaskID `path:"task_id" format:"uuid"`
	Body   reportsBody
}

type reportsBody struct {
	Reports []reportBody `json:"reports" nullable:"false" minItems:"1" maxItems:"10" doc:"One to the police at least"`
}

type reportBody struct {
	To        string    `json:"to" enum:"police,civil_affairs,education,procuratorate,other"`
	At        time.Time `json:"at"`
	Reference string    `json:"reference" maxLength:"200" doc:"The number it was given"`
	Person    string    `json:"person,omitempty" maxLength:"200" doc:"Who took it"`
	Note      string    `json:"note,omitempty" maxLength:"2000"`
}

func (s *server) recordReport(ctx context.Context, by carelog.Actor, in *reporting) (*struct{}, error) {
	made := make([]carelog.MadeReport, len(in.Body.Reports))
	for i, r := range in.Body.Reports {
		made[i] = carelog.MadeReport(r)
	}
	return nil, s.Log.RecordReport(ctx, by, in.TaskID, made)
}
