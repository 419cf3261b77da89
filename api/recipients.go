package api

import (
	"context"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

type enrolmentBody struct {
	OfficeID   carelog.OfficeID  `json:"office_id,omitzero" format:"uuid" doc:"Office that takes care; your own when left out"`
	ExternalID string            `json:"external_id" maxLength:"100" doc:"Your id of the recipient, unique within the office" example:"YY2026-001"`
	Name       string            `json:"name" maxLength:"200" doc:"Full name; lists and texts show it masked"`
	Sex        string            `json:"sex,omitempty" maxLength:"20"`
	IDNumber   string            `json:"id_number,omitempty" maxLength:"30" doc:"Resident identity number, GB 11643"`
	BornOn     calendar.Date     `json:"born_on,omitzero" format:"date"`
	Phone      string            `json:"phone,omitempty" maxLength:"40" doc:"As people write it; kept as E.164"`
	Village    villageBody       `json:"village"`
	Address    string            `json:"address,omitempty" maxLength:"500"`
	Flags      []carelog.Flag    `json:"flags,omitempty" nullable:"false" maxItems:"20" doc:"minor_victim, intellectual_disability, severe_disability, elderly_alone, widowed_with_dependants, injured_veteran, monitored_household, sexual_offence, chronic_illness; all but the last make a plan K. A sexual offence with a child in the household bars it from every village contact"`
	Household  []memberBody      `json:"household,omitempty" nullable:"false" maxItems:"50"`
	Award      awardBody         `json:"award"`
	Officer    string            `json:"officer,omitempty" maxLength:"100" doc:"Login of the officer in charge; yourself when left out"`
	Template   string            `json:"template,omitempty" enum:"G,K" doc:"G general, K key household; chosen from the flags when left out"`
	Primary    carelog.ContactID `json:"primary_contact_id,omitzero" format:"uuid" doc:"Village contact who is asked"`
	Backup     carelog.ContactID `json:"backup_contact_id,omitzero" format:"uuid" doc:"Village contact who is asked when the first cannot be"`
	Alias      string            `json:"household_alias,omitempty" maxLength:"40" doc:"What a text to the contact calls the household, never the full name" example:"2组老马家"`
	Draft      bool              `json:"draft,omitempty" doc:"Leave the plan a draft instead of starting it"`
}

type villageBody struct {
	Township string `json:"township" maxLength:"100" example:"南麻街道"`
	Name     string `json:"name" maxLength:"100" example:"柿岭村"`
}

type memberBody struct {
	Relation string         `json:"relation" maxLength:"40" example:"女儿"`
	Name     string         `json:"name" maxLength:"200"`
	BornOn   calendar.Date  `json:"born_on,omitzero" format:"date"`
	Flags    []carelog.Flag `json:"flags,omitempty" nullable:"false" maxItems:"20"`
}

// Amounts keep below what a float64 counts exactly: JSON numbers pass through one.
type awardBody struct {
	TotalFen        int64          `json:"total_fen" maximum:"1000000000000" doc:"What was paid, in fen; more than 0" example:"800000"`
	PaidOn          calendar.Date  `json:"paid_on" format:"date" doc:"The day it was paid: the plan counts from here; not in the future" example:"2026-11-02"`
	Sources         []sourceBody   `json:"sources,omitempty" nullable:"false" maxItems:"20" doc:"Who paid how much; adds up to total_fen"`
	LossFen         int64          `json:"loss_fen,omitempty" maximum:"1000000000000"`
	CompensationFen int64          `json:"compensation_fen,omitempty" maximum:"1000000000000"`
	Origin          string         `json:"origin,omitempty" enum:"ex_officio,application,transferred_clue" doc:"ex_officio when left out"`
	Department      string         `json:"department,omitempty" maxLength:"200"`
	CaseStage       string         `json:"case_stage,omitempty" maxLength:"200"`
	Offence         string         `json:"offence,omitempty" maxLength:"200"`
	CaseID          carelog.CaseID `json:"case_id,omitzero" format:"uuid" doc:"The case file it belongs to, where one is kept"`
	Group           string         `json:"group,omitempty" maxLength:"60" doc:"Key of the case group; made where there is none"`
	Tags            []string       `json:"tags,omitempty" nullable:"false" maxItems:"6" enum:"rural_revitalisation,women,minors,disabled,veterans,petition"`
	CaseNo          string         `json:"case_no,omitempty" maxLength:"100" doc:"Number of the original case, sealed: one award a person and case"`
	Hardship        string         `json:"hardship,omitempty" enum:"ordinary,great,extreme" doc:"Grade of hardship; it stands in no text"`
}

type sourceBody struct {
	Name      string `json:"name" maxLength:"200" example:"本级"`
	AmountFen int64  `json:"amount_fen" maximum:"1000000000000"`
	Level     string `json:"level,omitempty" enum:"county,city,province,nation,outside"`
	Office    string `json:"office_code,omitempty" maxLength:"12" doc:"Of a procuratorate that paid: joint aid"`
}

type enrolledBody struct {
	RecipientID carelog.RecipientID `json:"recipient_id" format:"uuid"`
	PlanID      carelog.PlanID      `json:"plan_id" format:"uuid"`
	Template    string              `json:"template"`
	PlanState   string              `json:"plan_state"`
	Warnings    []string            `json:"warnings" nullable:"false"`
}

func (s *server) enrolRecipient(ctx context.Context, by carelog.Actor, in *struct{ Body enrolmentBody }) (*made[enrolledBody], error) {
	e, err := s.Log.EnrolRecipient(ctx, by, in.Body.enrolment())
	if err != nil {
		return nil, err
	}
	return &made[enrolledBody]{
		Location: "/v1/recipients/" + e.Recipient.String() + "/plan",
		Body:     enrolledBody{e.Recipient, e.Plan, e.Template, e.State, append([]string{}, e.Warnings...)},
	}, nil
}

func (b enrolmentBody) enrolment() carelog.Enrolment {
	e := carelog.Enrolment{
		Office: b.OfficeID, ExternalID: b.ExternalID, Name: b.Name, Sex: b.Sex, IDNumber: b.IDNumber, BornOn: b.BornOn, Phone: b.Phone,
		Village: carelog.VillageName(b.Village), Address: b.Address, Flags: b.Flags, Award: b.Award.award(), Officer: b.Officer,
		Template: b.Template, Primary: b.Primary, Backup: b.Backup, Alias: b.Alias, Draft: b.Draft,
	}
	for _, m := range b.Household {
		e.Household = append(e.Household, carelog.Member(m))
	}
	return e
}

func (b awardBody) award() carelog.Award {
	a := carelog.Award{
		TotalFen: b.TotalFen, PaidOn: b.PaidOn, LossFen: b.LossFen, CompensationFen: b.CompensationFen,
		Origin: b.Origin, Department: b.Department, CaseStage: b.CaseStage, Offence: b.Offence, CaseNo: b.CaseNo, Hardship: b.Hardship,
		Case: b.CaseID, Group: b.Group, Tags: b.Tags,
	}
	for _, source := range b.Sources {
		a.Sources = append(a.Sources, carelog.Source(source))
	}
	return a
}
