package api

import (
	"context"
	"time"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

type unmasking struct {
	RecipientID carelog.RecipientID `path:"recipient_id" format:"uuid"`
	Body        struct {
		Purpose   string `json:"purpose" enum:"phone_call,home_visit,referral,identity_check,complaint,other"`
		Reason    string `json:"reason" minLength:"1" maxLength:"2000"`
		Emergency bool   `json:"emergency,omitempty" doc:"A minor's file and no time to ask for leave: it opens for a day, and a supervisor looks at it afterwards"`
	}
}

type fullFileBody struct {
	Name         string            `json:"name"`
	Sex          string            `json:"sex,omitempty"`
	BornOn       calendar.Date     `json:"born_on,omitzero" format:"date"`
	Minor        bool              `json:"minor"`
	IDEnding     string            `json:"id_ending,omitempty" doc:"The last four characters; nobody is shown more"`
	Phone        string            `json:"phone,omitempty" doc:"E.164"`
	Address      string            `json:"address,omitempty"`
	Alias        string            `json:"household_alias,omitempty"`
	Flags        []carelog.Flag    `json:"flags" nullable:"false"`
	Members      []fullMemberBody  `json:"members" nullable:"false"`
	Contacts     []fullContactBody `json:"contacts" nullable:"false"`
	MinorsMasked bool              `json:"minors_masked" doc:"Names of members who are minors stay masked: leave was not given"`
	LeaveEnds    calendar.Date     `json:"leave_ends,omitzero" format:"date"`
}

type fullMemberBody struct {
	Relation string        `json:"relation"`
	Name     string        `json:"name"`
	BornOn   calendar.Date `json:"born_on,omitzero" format:"date"`
	Minor    bool          `json:"minor"`
}

type fullContactBody struct {
	ID      carelog.ContactID `json:"contact_id" format:"uuid"`
	Name    string            `json:"name"`
	Phone   string            `json:"phone" doc:"E.164"`
	Primary bool              `json:"primary"`
}

func (s *server) unmask(ctx context.Context, by carelog.Actor, in *unmasking) (*answer[fullFileBody], error) {
	full, err := s.Log.Unmask(ctx, by, carelog.Unmasking{
		Recipient: in.RecipientID, Purpose: in.Body.Purpose, Reason: in.Body.Reason, Emergency: in.Body.Emergency,
	})
	if err != nil {
		return nil, err
	}
	shown := fullFileBody{
		Name: full.Name, Sex: full.Sex, BornOn: full.BornOn, Minor: full.Minor, IDEnding: full.IDEnding, Phone: full.Phone, Address: full.Address,
		Alias: full.Alias, Flags: append([]carelog.Flag{}, full.Flags...), MinorsMasked: full.MinorsMasked, LeaveEnds: full.LeaveEnds,
		Members: []fullMemberBody{}, Contacts: []fullContactBody{},
	}
	for _, m := range full.Members {
		shown.Members = append(shown.Members, fullMemberBody(m))
	}
	for _, c := range full.Contacts {
		shown.Contacts = append(shown.Contacts, fullContactBody(c))
	}
	return &answer[fullFileBody]{shown}, nil
}

type askingToOpen struct {
	RecipientID carelog.RecipientID `path:"recipient_id" format:"uuid"`
	Body        struct {
		Days   int    `json:"days" minimum:"1" maximum:"90" doc:"For how long; it ends by itself"`
		Reason string `json:"reason" minLength:"1" maxLength:"2000"`
	}
}

type openingAsked struct {
	OpeningID carelog.OpeningID `json:"opening_id" format:"uuid"`
}

func (s *server) askToOpen(ctx context.Context, by carelog.Actor, in *askingToOpen) (*answer[openingAsked], error) {
	id, err := s.Log.AskToOpen(ctx, by, in.RecipientID, in.Body.Days, in.Body.Reason)
	return &answer[openingAsked]{openingAsked{id}}, err
}

type decidingOpening struct {
	OpeningID carelog.OpeningID `path:"opening_id" format:"uuid"`
	Body      struct {
		Approve bool   `json:"approve"`
		Reason  string `json:"reason" minLength:"1" maxLength:"2000"`
	}
}

func (s *server) decideOpening(ctx context.Context, by carelog.Actor, in *decidingOpening) (*struct{}, error) {
	return nil, s.Log.DecideOpening(ctx, by, in.OpeningID, in.Body.Approve, in.Body.Reason)
}

type openingBody struct {
	ID        carelog.OpeningID `json:"opening_id" format:"uuid"`
	User      carelog.UserID    `json:"user_id" format:"uuid"`
	UserName  string            `json:"user_name"`
	State     string            `json:"state" enum:"asked,approved,refused,emergency"`
	Days      int               `json:"days"`
	AskedAt   time.Time         `json:"asked_at"`
	DecidedAt *time.Time        `json:"decided_at,omitempty"`
	EndsAt    *time.Time        `json:"ends_at,omitempty"`
	Reason    string            `json:"reason"`
	Decision  string            `json:"decision,omitempty"`
}

func (s *server) listOpenings(ctx context.Context, by carelog.Actor, in *recipientPath) (*answer[listBody[openingBody]], error) {
	openings, err := s.Log.Openings(ctx, by, in.RecipientID)
	if err != nil {
		return nil, err
	}
	shown := make([]openingBody, len(openings))
	for i, o := range openings {
		shown[i] = openingBody{
			ID: o.ID, User: o.User, UserName: o.UserName, State: o.State, Days: o.Days, AskedAt: o.AskedAt,
			DecidedAt: o.DecidedAt, EndsAt: o.EndsAt, Reason: o.Reason, Decision: o.Decision,
		}
	}
	return &answer[listBody[openingBody]]{listBody[openingBody]{Items: shown}}, nil
}
