package api

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

type exportingOwnFile struct {
	RecipientID carelog.RecipientID `path:"recipient_id" format:"uuid"`
	Body        struct {
		Told   string `json:"told" enum:"self,guardian,relative,agent" doc:"Who is given it; a relative where the person is dead"`
		Reason string `json:"reason" maxLength:"2000"`
		Form   string `json:"form,omitempty" enum:"json,text" doc:"text: to be read, in Chinese"`
	}
}

// ownFileBody is a file to be kept, named after nobody.
type ownFileBody struct {
	ContentType  string `header:"Content-Type"`
	Disposition  string `header:"Content-Disposition"`
	CacheControl string `header:"Cache-Control"`
	Body         []byte
}

func (s *server) exportOwnFile(ctx context.Context, by carelog.Actor, in *exportingOwnFile) (*ownFileBody, error) {
	own, err := s.Log.ExportOwnFile(ctx, by, in.RecipientID, carelog.OwnFileRequest{Told: in.Body.Told, Reason: in.Body.Reason})
	if err != nil {
		return nil, err
	}
	out := &ownFileBody{CacheControl: "no-store"}
	name := "own-file-" + own.ExportID.String()
	if in.Body.Form == "text" {
		out.ContentType, out.Body, name = "text/plain; charset=utf-8", []byte(own.Text()), name+".txt"
	} else {
		out.ContentType, name = "application/json", name+".json"
		if out.Body, err = json.Marshal(own); err != nil {
			return nil, fmt.Errorf("write the own file: %w", err)
		}
	}
	out.Disposition = fmt.Sprintf("attachment; filename=%q", name)
	return out, nil
}

type correctingIdentity struct {
	RecipientID carelog.RecipientID `path:"recipient_id" format:"uuid"`
	Body        struct {
		Name     string        `json:"name,omitempty" maxLength:"60"`
		Sex      string        `json:"sex,omitempty" maxLength:"6"`
		IDNumber string        `json:"id_number,omitempty" maxLength:"18"`
		BornOn   calendar.Date `json:"born_on,omitzero" format:"date"`
		Phone    string        `json:"phone,omitempty" maxLength:"40"`
		Reason   string        `json:"reason" maxLength:"2000"`
	}
}

func (s *server) correctIdentity(ctx context.Context, by carelog.Actor, in *correctingIdentity) (*struct{}, error) {
	return nil, s.Log.CorrectIdentity(ctx, by, in.RecipientID, carelog.IdentityCorrection(in.Body))
}

type restricting struct {
	RecipientID carelog.RecipientID `path:"recipient_id" format:"uuid"`
	Body        struct {
		Ground   string        `json:"ground" enum:"subject_request,accuracy_disputed,deletion_impossible,retention"`
		ReviewOn calendar.Date `json:"review_on,omitzero" format:"date" doc:"When it is looked at again; an open plan needs one"`
		Reason   string        `json:"reason" maxLength:"2000"`
	}
}

func (s *server) restrictFile(ctx context.Context, by carelog.Actor, in *restricting) (*struct{}, error) {
	b := in.Body
	return nil, s.Log.RestrictFile(ctx, by, in.RecipientID, carelog.Restriction{Ground: b.Ground, ReviewOn: b.ReviewOn, Reason: b.Reason})
}

type givingReason struct {
	RecipientID carelog.RecipientID `path:"recipient_id" format:"uuid"`
	Body        struct {
		Reason string `json:"reason" maxLength:"2000"`
	}
}

func (s *server) liftRestriction(ctx context.Context, by carelog.Actor, in *givingReason) (*struct{}, error) {
	return nil, s.Log.LiftRestriction(ctx, by, in.RecipientID, in.Body.Reason)
}

type openedBody struct {
	Until time.Time `json:"until"`
}

func (s *server) openRestricted(ctx context.Context, by carelog.Actor, in *givingReason) (*answer[openedBody], error) {
	until, err := s.Log.OpenRestricted(ctx, by, in.RecipientID, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return &answer[openedBody]{openedBody{until}}, nil
}
