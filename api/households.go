package api

import (
	"context"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

type joining struct{ Body joiningBody }

type joiningBody struct {
	Recipients []carelog.RecipientID `json:"recipient_ids" minItems:"2" maxItems:"20" nullable:"false"`
	Reason     string                `json:"reason" maxLength:"2000"`
}

type householdBody struct {
	HouseholdID carelog.HouseholdID `json:"household_id" format:"uuid"`
}

func (s *server) joinHousehold(ctx context.Context, by carelog.Actor, in *joining) (*answer[householdBody], error) {
	id, err := s.Log.JoinHousehold(ctx, by, in.Body.Recipients, in.Body.Reason)
	return &answer[householdBody]{householdBody{id}}, err
}

type leaving struct {
	RecipientID carelog.RecipientID `path:"recipient_id" format:"uuid"`
	Body        reasonBody
}

func (s *server) leaveHousehold(ctx context.Context, by carelog.Actor, in *leaving) (*struct{}, error) {
	return nil, s.Log.LeaveHousehold(ctx, by, in.RecipientID, in.Body.Reason)
}

type memberShown struct {
	Relation   string         `json:"relation"`
	MaskedName string         `json:"masked_name"`
	BornOn     calendar.Date  `json:"born_on,omitzero" format:"date"`
	Minor      bool           `json:"minor"`
	Flags      []carelog.Flag `json:"flags" nullable:"false"`
}

type livingTogether struct {
	Members []memberShown `json:"members" nullable:"false"`
	Minors  int           `json:"minors"`
	Joined  []planBody    `json:"joined" nullable:"false" doc:"The last plan of each other recipient of the household"`
}

func (s *server) readHousehold(ctx context.Context, by carelog.Actor, in *recipientPath) (*answer[livingTogether], error) {
	home, err := s.Log.HouseholdOf(ctx, by, in.RecipientID)
	if err != nil {
		return nil, err
	}
	shown := livingTogether{Members: make([]memberShown, len(home.Members)), Minors: home.Minors, Joined: make([]planBody, len(home.Joined))}
	for i, m := range home.Members {
		if shown.Members[i] = memberShown(m); m.Flags == nil {
			shown.Members[i].Flags = []carelog.Flag{}
		}
	}
	for i, p := range home.Joined {
		shown.Joined[i] = showOnePlan(p)
	}
	return &answer[livingTogether]{shown}, nil
}
