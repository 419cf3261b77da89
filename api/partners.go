package api

import (
	"context"

	"aftercare/carelog"
)

type partnerBody struct {
	PartnerID carelog.PartnerID `json:"partner_id" format:"uuid"`
	Name      string            `json:"name"`
	Kind      string            `json:"kind"`
	Contact   string            `json:"contact,omitempty"`
	Phone     string            `json:"phone,omitempty"`
}

func (s *server) listPartners(ctx context.Context, by carelog.Actor, in *PageParams) (*listed[partnerBody], error) {
	const list = "partners"
	rows, err := in.after(list)
	if err != nil {
		return nil, err
	}
	found, err := s.Log.Partners(ctx, by, rows)
	if err != nil {
		return nil, err
	}
	return page(in, found, func(p carelog.Partner) partnerBody { return partnerBody{p.ID, p.Name, p.Kind, p.Contact, p.Phone} }, func(last carelog.Partner) position {
		return position{List: list, After: last.ID.String()}
	}), nil
}

type newPartnerBody struct {
	OfficeID carelog.OfficeID `json:"office_id,omitzero" format:"uuid" doc:"Your own when left out"`
	Name     string           `json:"name" maxLength:"200" doc:"Of the body, no person's"`
	Kind     string           `json:"kind" enum:"civil_affairs,finance,education,health,medical_insurance,housing,employment,agriculture,disabled_federation,veterans,justice,court,police,procuratorate,township,womens_federation,union,youth_league,charity,red_cross,social_work,school,hospital,other"`
	Contact  string           `json:"contact,omitempty" maxLength:"200" doc:"Who is asked for there"`
	Phone    string           `json:"phone,omitempty" maxLength:"40"`
}

type partnerMadeBody struct {
	PartnerID carelog.PartnerID `json:"partner_id" format:"uuid"`
}

func (s *server) addPartner(ctx context.Context, by carelog.Actor, in *struct{ Body newPartnerBody }) (*answer[partnerMadeBody], error) {
	b := in.Body
	id, err := s.Log.AddPartner(ctx, by, carelog.NewPartner{Office: b.OfficeID, Name: b.Name, Kind: b.Kind, Contact: b.Contact, Phone: b.Phone})
	if err != nil {
		return nil, err
	}
	return &answer[partnerMadeBody]{partnerMadeBody{id}}, nil
}
