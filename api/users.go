package api

import (
	"context"
	"time"

	"aftercare/carelog"
)

type newUserBody struct {
	OfficeID carelog.OfficeID `json:"office_id,omitzero" format:"uuid" doc:"Your own when left out"`
	Login    string           `json:"login" maxLength:"100" pattern:"^[0-9A-Za-z._@-]*$" doc:"Kept in lower case" example:"li"`
	Name     string           `json:"name" maxLength:"200"`
	Phone    string           `json:"phone,omitempty" maxLength:"40" doc:"As people write it; reminders go there by text"`
	Roles    []string         `json:"roles,omitempty" nullable:"false" maxItems:"3" uniqueItems:"true" enum:"officer,supervisor,system_administrator,security_administrator,audit_administrator,integration" doc:"Only where you may grant them; else leave it empty, a security administrator does"`

	Position string `json:"position,omitempty" enum:"head,deputy,office" doc:"A supervisor's place on the ladder; head when left out"`
}

type userMadeBody struct {
	UserID carelog.UserID `json:"user_id" format:"uuid"`
}

func (s *server) addUser(ctx context.Context, by carelog.Actor, in *struct{ Body newUserBody }) (*answer[userMadeBody], error) {
	u := carelog.NewUser{Office: in.Body.OfficeID, Login: in.Body.Login, Name: in.Body.Name, Phone: in.Body.Phone, Position: in.Body.Position}
	if u.Office.IsZero() {
		u.Office = by.Office
	}
	for _, role := range in.Body.Roles {
		u.Roles = append(u.Roles, carelog.Role(role))
	}
	id, err := s.Log.AddUser(ctx, by, u)
	if err != nil {
		return nil, err
	}
	return &answer[userMadeBody]{userMadeBody{id}}, nil
}

type newTokenBody struct {
	UserID carelog.UserID `json:"user_id,omitzero" format:"uuid" doc:"A program's account; yourself when left out, which no token may"`
	Scopes []string       `json:"scopes" nullable:"false" minItems:"1" maxItems:"30" uniqueItems:"true" doc:"What it is let into, as docs/permissions.md lists it" example:"[\"read:statistics\"]"`
	Label  string         `json:"label,omitempty" maxLength:"100" doc:"What it is for; no personal facts, it is kept in clear" example:"nightly export"`
	Days   int            `json:"days,omitempty" minimum:"1" maximum:"365" default:"90" doc:"How long it is good for"`
}

type tokenBody struct {
	Token     string    `json:"token" doc:"The secret: shown once, kept nowhere"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (s *server) issueToken(ctx context.Context, by carelog.Actor, in *struct{ Body newTokenBody }) (*answer[tokenBody], error) {
	expires := s.Log.Now().AddDate(0, 0, in.Body.Days)
	user, scopes := in.Body.UserID, []carelog.Scope{}
	if user.IsZero() {
		user = by.User
	}
	for _, scope := range in.Body.Scopes {
		scopes = append(scopes, carelog.Scope(scope))
	}
	secret, err := s.Log.IssueToken(ctx, by, user, in.Body.Label, expires, scopes...)
	if err != nil {
		return nil, err
	}
	return &answer[tokenBody]{tokenBody{secret, expires}}, nil
}

type meBody struct {
	UserID   carelog.UserID   `json:"user_id" format:"uuid"`
	OfficeID carelog.OfficeID `json:"office_id" format:"uuid"`
	Login    string           `json:"login"`
	Name     string           `json:"name"`
	Roles    []string         `json:"roles" nullable:"false" doc:"Held in some office"`
}

func (s *server) readMe(_ context.Context, by carelog.Actor, _ *struct{}) (*answer[meBody], error) {
	me := meBody{UserID: by.User, OfficeID: by.Office, Login: by.Login, Name: by.Name, Roles: []string{}}
	for _, role := range carelog.Roles() {
		if by.Has(role) {
			me.Roles = append(me.Roles, string(role))
		}
	}
	return &answer[meBody]{me}, nil
}

type budgeting struct {
	UserID carelog.UserID `path:"user_id" format:"uuid"`
	Body   struct {
		TextsADay int `json:"texts_a_day" minimum:"0" maximum:"50" doc:"0: as the office has it. What is red counts in no budget"`
	}
}

func (s *server) setTextBudget(ctx context.Context, by carelog.Actor, in *budgeting) (*struct{}, error) {
	return nil, s.Log.SetTextBudget(ctx, by, in.UserID, in.Body.TextsADay)
}

func (s *server) listUsers(ctx context.Context, by carelog.Actor, in *PageParams) (*listed[carelog.Staff], error) {
	const list = "users"
	rows, err := in.after(list)
	if err != nil {
		return nil, err
	}
	found, err := s.Log.StaffOf(ctx, by, rows)
	if err != nil {
		return nil, err
	}
	return page(in, found, func(p carelog.Staff) carelog.Staff { return p }, func(last carelog.Staff) position {
		return position{List: list, After: last.ID.String()}
	}), nil
}

type aboutUser struct {
	UserID carelog.UserID `path:"user_id" format:"uuid"`
}

type ticketing struct {
	UserID carelog.UserID `path:"user_id" format:"uuid"`
	Body   struct {
		Purpose string `json:"purpose" enum:"password,second_factor" doc:"What was lost, or is not there yet: a lost password ends at once with its sessions"`
	}
}

type ticketBody struct {
	Login     string    `json:"login"`
	Ticket    string    `json:"ticket" doc:"The secret: shown once, kept nowhere. Hand it over in person; it is typed in at /setup, or in place of the second factor's code"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (s *server) issueTicket(ctx context.Context, by carelog.Actor, in *ticketing) (*answer[ticketBody], error) {
	ticket, err := s.Log.IssueTicket(ctx, by, in.UserID, in.Body.Purpose)
	if err != nil {
		return nil, err
	}
	return &answer[ticketBody]{ticketBody{ticket.Login, ticket.Secret, ticket.ExpiresAt}}, nil
}

func (s *server) unlockUser(ctx context.Context, by carelog.Actor, in *aboutUser) (*struct{}, error) {
	return nil, s.Log.Unlock(ctx, by, in.UserID)
}

type userDismissing struct {
	UserID carelog.UserID `path:"user_id" format:"uuid"`
	Body   struct {
		Successor string `json:"successor,omitempty" maxLength:"100" doc:"Login of the officer who takes their plans over; needed where they have any"`
	}
}

func (s *server) dismissUser(ctx context.Context, by carelog.Actor, in *userDismissing) (*answer[carelog.Dismissed], error) {
	done, err := s.Log.DismissUser(ctx, by, carelog.Dismissal{User: in.UserID, Successor: in.Body.Successor})
	if err != nil {
		return nil, err
	}
	return &answer[carelog.Dismissed]{done}, nil
}
