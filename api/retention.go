package api

import (
	"context"
	"time"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

type retentionBody struct {
	Kind       string         `json:"kind" doc:"Of record: outbound_text, inbound_text, recipient_file, disclosure, audit, service_log"`
	Version    int            `json:"version"`
	KeepMonths int            `json:"keep_months"`
	AtLeast    int            `json:"at_least_months" doc:"What the law asks for"`
	Anchor     string         `json:"anchor" enum:"dispatched,received,closed,written" doc:"What the months count from"`
	Action     string         `json:"action" enum:"erase,propose,keep,operator" doc:"erase: by the nightly run; propose: to a supervisor; keep: never less; operator: outside the database"`
	Basis      string         `json:"basis"`
	State      string         `json:"state" enum:"draft,in_force,retired"`
	ProposedBy carelog.UserID `json:"proposed_by,omitzero" format:"uuid" doc:"Absent for what came with the service"`
	ProposedAt time.Time      `json:"proposed_at"`
	ApprovedBy carelog.UserID `json:"approved_by,omitzero" format:"uuid"`
	ApprovedAt *time.Time     `json:"approved_at,omitempty"`
}

func (s *server) listRetention(ctx context.Context, by carelog.Actor, _ *struct{}) (*answer[listBody[retentionBody]], error) {
	found, err := s.Log.RetentionRules(ctx, by)
	if err != nil {
		return nil, err
	}
	out := &answer[listBody[retentionBody]]{listBody[retentionBody]{Items: make([]retentionBody, len(found))}}
	for i, r := range found {
		out.Body.Items[i] = retentionBody(r)
	}
	return out, nil
}

type proposingRetention struct {
	Kind string `path:"kind" maxLength:"40"`
	Body struct {
		KeepMonths int    `json:"keep_months" minimum:"1" maximum:"720"`
		Basis      string `json:"basis" maxLength:"160" doc:"The rule it rests on"`
	}
}

func (s *server) proposeRetention(ctx context.Context, by carelog.Actor, in *proposingRetention) (*made[retentionBody], error) {
	r, err := s.Log.ProposeRetention(ctx, by, in.Kind, in.Body.KeepMonths, in.Body.Basis)
	if err != nil {
		return nil, err
	}
	return &made[retentionBody]{"/v1/retention", retentionBody(r)}, nil
}

type approvingRetention struct {
	Kind    string `path:"kind" maxLength:"40"`
	Version int    `path:"version" minimum:"1"`
}

func (s *server) approveRetention(ctx context.Context, by carelog.Actor, in *approvingRetention) (*struct{}, error) {
	return nil, s.Log.ApproveRetention(ctx, by, in.Kind, in.Version)
}

type retentionRunBody struct {
	Night     calendar.Date  `json:"night" format:"date"`
	StartedAt time.Time      `json:"started_at"`
	EndedAt   *time.Time     `json:"ended_at,omitempty" doc:"Absent while it goes on"`
	Counts    map[string]int `json:"counts" doc:"By kind: words forgotten, files proposed for erasure, files a hold keeps"`
}

func (s *server) listRetentionRuns(ctx context.Context, by carelog.Actor, _ *struct{}) (*answer[listBody[retentionRunBody]], error) {
	found, err := s.Log.RetentionRuns(ctx, by)
	if err != nil {
		return nil, err
	}
	out := &answer[listBody[retentionRunBody]]{listBody[retentionRunBody]{Items: make([]retentionRunBody, len(found))}}
	for i, r := range found {
		out.Body.Items[i] = retentionRunBody{r.Night, r.StartedAt, r.EndedAt, r.Counts}
	}
	return out, nil
}

func (s *server) placeHold(ctx context.Context, by carelog.Actor, in *givingReason) (*struct{}, error) {
	return nil, s.Log.PlaceHold(ctx, by, in.RecipientID, in.Body.Reason)
}

func (s *server) liftHold(ctx context.Context, by carelog.Actor, in *givingReason) (*struct{}, error) {
	return nil, s.Log.LiftHold(ctx, by, in.RecipientID, in.Body.Reason)
}

func (s *server) proposeErasure(ctx context.Context, by carelog.Actor, in *recipientPath) (*struct{}, error) {
	return nil, s.Log.ProposeErasure(ctx, by, in.RecipientID)
}

func (s *server) eraseFile(ctx context.Context, by carelog.Actor, in *recipientPath) (*struct{}, error) {
	return nil, s.Log.EraseFile(ctx, by, in.RecipientID)
}

func (s *server) rejectErasure(ctx context.Context, by carelog.Actor, in *givingReason) (*struct{}, error) {
	return nil, s.Log.RejectErasure(ctx, by, in.RecipientID, in.Body.Reason)
}

type erasureBody struct {
	ErasureID   string              `json:"erasure_id" format:"uuid"`
	RecipientID carelog.RecipientID `json:"recipient_id" format:"uuid"`
	MaskedName  string              `json:"masked_name"`
	Ground      string              `json:"ground" enum:"retention,subject_request"`
	State       string              `json:"state" enum:"proposed,rejected,erased"`
	ProposedBy  carelog.UserID      `json:"proposed_by,omitzero" format:"uuid" doc:"Absent: the nightly run"`
	ProposedAt  time.Time           `json:"proposed_at"`
	DecidedBy   carelog.UserID      `json:"decided_by,omitzero" format:"uuid"`
	DecidedAt   *time.Time          `json:"decided_at,omitempty"`
}

func showErasure(e carelog.Erasure) erasureBody {
	return erasureBody{e.ID.String(), e.Recipient, e.MaskedName, e.Ground, e.State, e.ProposedBy, e.ProposedAt, e.DecidedBy, e.DecidedAt}
}

type listingErasures struct {
	PageParams
	State string `query:"state" enum:"proposed,rejected,erased"`
}

func (s *server) listErasures(ctx context.Context, by carelog.Actor, in *listingErasures) (*listed[erasureBody], error) {
	const list = "erasures"
	rows, err := in.after(list)
	if err != nil {
		return nil, err
	}
	found, err := s.Log.Erasures(ctx, by, carelog.ErasureFilter{State: in.State, Page: rows})
	if err != nil {
		return nil, err
	}
	return page(&in.PageParams, found, showErasure, func(last carelog.Erasure) position {
		return position{List: list, After: last.ID.String()}
	}), nil
}
