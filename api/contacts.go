package api

import (
	"context"

	"aftercare/carelog"
)

type contactBody struct {
	ContactID   carelog.ContactID `json:"contact_id" format:"uuid"`
	Name        string            `json:"name"`
	Role        string            `json:"role"`
	PhoneEnding string            `json:"phone_ending" doc:"The last four digits"`
	Villages    []villageBody     `json:"villages" nullable:"false"`
	State       string            `json:"state" enum:"active,resigned"`
	NumberState string            `json:"number_state" enum:"unverified,asked,verified,quarantined,empty" doc:"Only a verified number is texted about households"`
	OptedOut    bool              `json:"opted_out" doc:"Asked for no more texts"`
	Unreachable bool              `json:"unreachable" doc:"Texts do not arrive"`
}

func showContact(c carelog.VillageContact) contactBody {
	return contactBody{c.ID, c.Name, string(c.Role), c.PhoneEnding, showVillages(c.Villages), c.State, c.Number, c.OptedOut, c.Unreachable}
}

func showVillages(villages []carelog.VillageName) []villageBody {
	shown := make([]villageBody, len(villages))
	for i, v := range villages {
		shown[i] = villageBody(v)
	}
	return shown
}

func (s *server) listContacts(ctx context.Context, by carelog.Actor, in *PageParams) (*listed[contactBody], error) {
	const list = "contacts"
	rows, err := in.after(list)
	if err != nil {
		return nil, err
	}
	found, err := s.Log.Contacts(ctx, by, rows)
	if err != nil {
		return nil, err
	}
	return page(in, found, showContact, func(last carelog.VillageContact) position {
		return position{List: list, After: last.ID.String()}
	}), nil
}

type newContactBody struct {
	OfficeID carelog.OfficeID `json:"office_id,omitzero" format:"uuid" doc:"Your own when left out"`
	Name     string           `json:"name" maxLength:"200"`
	Phone    string           `json:"phone" maxLength:"40" doc:"As people write it; requests go there by text"`
	Role     string           `json:"role" enum:"committee_head,womens_chair,grid_worker,child_director,committee_member"`
	Villages []villageBody    `json:"villages" nullable:"false" minItems:"1" maxItems:"50" doc:"Villages served; added to the office where they are new"`
	Verified bool             `json:"number_verified,omitempty" doc:"Somebody of the office made sure that the number is theirs. Left out, a new number is asked first, and nothing about a household goes there until it answers"`
}

type contactMadeBody struct {
	ContactID carelog.ContactID `json:"contact_id" format:"uuid"`
}

func (s *server) addContact(ctx context.Context, by carelog.Actor, in *struct{ Body newContactBody }) (*answer[contactMadeBody], error) {
	c := carelog.NewContact{Office: in.Body.OfficeID, Name: in.Body.Name, Phone: in.Body.Phone, Role: carelog.ContactRole(in.Body.Role), Verified: in.Body.Verified}
	for _, v := range in.Body.Villages {
		c.Villages = append(c.Villages, carelog.VillageName(v))
	}
	id, err := s.Log.AddContact(ctx, by, c)
	if err != nil {
		return nil, err
	}
	return &answer[contactMadeBody]{contactMadeBody{id}}, nil
}
