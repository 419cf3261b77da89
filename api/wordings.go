package api

import (
	"context"
	"time"

	"aftercare/carelog"
)

type placeholderBody struct {
	Name    string   `json:"name" maxLength:"30"`
	Max     int      `json:"max" minimum:"1" maximum:"100" doc:"Its bound in characters"`
	Holds   string   `json:"holds,omitempty" enum:",code,codes,number,date,choice,alias" doc:"What it may hold; left out: any text"`
	Choices []string `json:"choices,omitempty" nullable:"false" maxItems:"20"`
}

type approvalBody struct {
	Carrier    string         `json:"carrier"`
	State      string         `json:"state" enum:"draft,submitted,approved,refused"`
	TemplateID string         `json:"template_id,omitempty"`
	Signature  string         `json:"signature,omitempty"`
	Reason     string         `json:"reason,omitempty"`
	At         *time.Time     `json:"at"`
	By         carelog.UserID `json:"by,omitzero" format:"uuid"`
}

type wordingBody struct {
	Key          string            `json:"key"`
	Language     string            `json:"language"`
	Version      int               `json:"version"`
	Text         string            `json:"text"`
	Placeholders []placeholderBody `json:"placeholders" nullable:"false"`
	Segments     int               `json:"segments" doc:"At its longest"`
	State        string            `json:"state" enum:"draft,in_force,retired"`
	SavedAt      time.Time         `json:"saved_at"`
	SavedBy      carelog.UserID    `json:"saved_by,omitzero" format:"uuid" doc:"Absent: came with the service"`
	InForceAt    *time.Time        `json:"in_force_at,omitempty"`
	InForceBy    carelog.UserID    `json:"in_force_by,omitzero" format:"uuid"`
	Approvals    []approvalBody    `json:"approvals" nullable:"false" doc:"What each carrier said last"`
}

func showWording(w carelog.WordingVersion) wordingBody {
	body := wordingBody{
		w.Key, w.Language, w.Version, w.Text, make([]placeholderBody, len(w.Placeholders)), w.Segments, w.State, w.SavedAt, w.SavedBy,
		w.InForceAt, w.InForceBy, make([]approvalBody, len(w.Approvals)),
	}
	for i, p := range w.Placeholders {
		body.Placeholders[i] = placeholderBody(p)
	}
	for i, a := range w.Approvals {
		body.Approvals[i] = approvalBody(a)
	}
	return body
}

func shownWording(w carelog.WordingVersion, err error) (*answer[wordingBody], error) {
	if err != nil {
		return nil, err
	}
	return &answer[wordingBody]{showWording(w)}, nil
}

type wordingsBody struct {
	Items []wordingBody `json:"items" nullable:"false"`
}

func (s *server) listWordings(ctx context.Context, by carelog.Actor, _ *struct{}) (*answer[wordingsBody], error) {
	found, err := s.Log.Wordings(ctx, by)
	if err != nil {
		return nil, err
	}
	body := wordingsBody{Items: make([]wordingBody, len(found))}
	for i, w := range found {
		body.Items[i] = showWording(w)
	}
	return &answer[wordingsBody]{body}, nil
}

type savingWording struct {
	Key  string `path:"key" maxLength:"40"`
	Body struct {
		Language     string            `json:"language,omitempty" maxLength:"12" doc:"Absent: zh"`
		Text         string            `json:"text" maxLength:"600" doc:"Facts stand in it as {name}; it begins with the signature {office} in its brackets"`
		Placeholders []placeholderBody `json:"placeholders,omitempty" nullable:"false" maxItems:"20" doc:"Absent: those of the shipped wording that the text names"`
	}
}

func (s *server) saveWording(ctx context.Context, by carelog.Actor, in *savingWording) (*answer[wordingBody], error) {
	w := carelog.Wording{Key: in.Key, Language: in.Body.Language, Text: in.Body.Text}
	for _, p := range in.Body.Placeholders {
		w.Placeholders = append(w.Placeholders, carelog.WordingPlaceholder(p))
	}
	return shownWording(s.Log.SaveWording(ctx, by, w))
}

// WordingPath names a version of a wording.
type WordingPath struct {
	Key      string `path:"key" maxLength:"40"`
	Language string `path:"language" maxLength:"12"`
	Version  int    `path:"version" minimum:"1"`
}

func (s *server) putInForce(ctx context.Context, by carelog.Actor, in *WordingPath) (*answer[wordingBody], error) {
	return shownWording(s.Log.PutInForce(ctx, by, in.Key, in.Language, in.Version))
}

type recordingApproval struct {
	WordingPath
	Body struct {
		Carrier    string `json:"carrier" maxLength:"30"`
		State      string `json:"state" enum:"draft,submitted,approved,refused"`
		TemplateID string `json:"template_id,omitempty" maxLength:"64" doc:"The carrier's; required when it is approved"`
		Signature  string `json:"signature,omitempty" maxLength:"16" doc:"As approved; absent: the line's"`
		Reason     string `json:"reason,omitempty" maxLength:"500" doc:"Required when it is refused"`
	}
}

func (s *server) recordApproval(ctx context.Context, by carelog.Actor, in *recordingApproval) (*answer[wordingBody], error) {
	b := in.Body
	return shownWording(s.Log.RecordApproval(ctx, by, in.Key, in.Language, in.Version, carelog.Approval{
		Carrier: b.Carrier, State: b.State, TemplateID: b.TemplateID, Signature: b.Signature, Reason: b.Reason,
	}))
}
