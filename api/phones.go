package api

import (
	"context"

	"aftercare/carelog"
)

type contactPath struct {
	ContactID carelog.ContactID `path:"contact_id" format:"uuid"`
}

type phoneBody struct {
	PhoneID     carelog.ContactID `json:"phone_id" format:"uuid" doc:"Of the first phone the contact's own id; verify-number, change-phone and allow-texts take it for a contact_id"`
	PhoneEnding string            `json:"phone_ending" doc:"The last four digits"`
	NumberState string            `json:"number_state" enum:"unverified,asked,verified,quarantined,empty" doc:"Only a verified number is texted about households"`
	OptedOut    bool              `json:"opted_out" doc:"Asked for no more texts, on this phone"`
	Unreachable bool              `json:"unreachable" doc:"Texts do not arrive"`
	Second      bool              `json:"second"`
}

type phonesBody struct {
	Phones []phoneBody `json:"phones" nullable:"false"`
}

func (s *server) listPhones(ctx context.Context, by carelog.Actor, in *contactPath) (*answer[phonesBody], error) {
	found, err := s.Log.Phones(ctx, by, in.ContactID)
	if err != nil {
		return nil, err
	}
	all := phonesBody{Phones: []phoneBody{}}
	for _, p := range found {
		all.Phones = append(all.Phones, phoneBody{p.ID, p.Ending, p.Number, p.OptedOut, p.Unreachable, p.Second})
	}
	return &answer[phonesBody]{all}, nil
}

type addingPhone struct {
	ContactID carelog.ContactID `path:"contact_id" format:"uuid"`
	Body      addPhoneBody
}

type addPhoneBody struct {
	Phone    string `json:"phone" maxLength:"40" doc:"As people write it"`
	Verified bool   `json:"number_verified,omitempty" doc:"Somebody of the office made sure that the number is theirs. Left out, a new number is asked first"`
}

type phoneMadeBody struct {
	PhoneID carelog.ContactID `json:"phone_id" format:"uuid"`
}

func (s *server) addPhone(ctx context.Context, by carelog.Actor, in *addingPhone) (*answer[phoneMadeBody], error) {
	id, err := s.Log.AddPhone(ctx, by, in.ContactID, in.Body.Phone, in.Body.Verified)
	if err != nil {
		return nil, err
	}
	return &answer[phoneMadeBody]{phoneMadeBody{id}}, nil
}

type removingPhone struct {
	ContactID carelog.ContactID `path:"contact_id" format:"uuid"`
	PhoneID   carelog.ContactID `path:"phone_id" format:"uuid"`
}

func (s *server) removePhone(ctx context.Context, by carelog.Actor, in *removingPhone) (*struct{}, error) {
	return nil, s.Log.RemovePhone(ctx, by, in.ContactID, in.PhoneID)
}
