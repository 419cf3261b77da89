package api

import (
	"context"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

type savingGroup struct {
	Body struct {
		OfficeID  carelog.OfficeID `json:"office_id,omitzero" format:"uuid" doc:"Default: yours"`
		Key       string           `json:"key" maxLength:"60" doc:"As ledgers name it; names nobody"`
		Name      string           `json:"name,omitempty" maxLength:"200"`
		Cause     string           `json:"cause,omitempty" maxLength:"200"`
		Season    string           `json:"season,omitempty" maxLength:"100" doc:"When their income comes"`
		Sensitive bool             `json:"sensitive,omitempty" doc:"The villages talk about it"`
	}
}

func (s *server) saveGroup(ctx context.Context, by carelog.Actor, in *savingGroup) (*struct{}, error) {
	b := in.Body
	return nil, s.Log.SaveGroup(ctx, by, carelog.CaseGroup{Office: b.OfficeID, Key: b.Key, Name: b.Name, Cause: b.Cause, Season: b.Season, Sensitive: b.Sensitive})
}

func (s *server) listGroups(ctx context.Context, by carelog.Actor, _ *struct{}) (*answer[listBody[carelog.CaseGroup]], error) {
	found, err := s.Log.Groups(ctx, by)
	return &answer[listBody[carelog.CaseGroup]]{listBody[carelog.CaseGroup]{Items: notNil(found)}}, err
}

type routeQuery struct {
	OfficerID carelog.UserID `query:"officer_id" format:"uuid" doc:"Default: everybody's"`
	Until     calendar.Date  `query:"until" format:"date" doc:"Default: a week ahead"`
	Group     string         `query:"group" maxLength:"60" doc:"Key of a case group"`
}

type routeStopBody struct {
	Township   string               `json:"township"`
	Village    string               `json:"village"`
	Households []routeHouseholdBody `json:"households" nullable:"false"`
}

type routeHouseholdBody struct {
	RecipientIDs []carelog.RecipientID `json:"recipient_ids" nullable:"false"`
	CheckIns     []checkInBody         `json:"check_ins" nullable:"false"`
}

func (s *server) readTrip(ctx context.Context, by carelog.Actor, in *routeQuery) (*answer[listBody[routeStopBody]], error) {
	found, err := s.Log.Route(ctx, by, carelog.RouteFilter{Officer: in.OfficerID, Until: in.Until, Group: in.Group})
	out := []routeStopBody{}
	for _, stop := range found {
		b := routeStopBody{stop.Township, stop.Village, []routeHouseholdBody{}}
		for _, h := range stop.Households {
			there := routeHouseholdBody{RecipientIDs: h.Recipients, CheckIns: []checkInBody{}}
			for _, c := range h.CheckIns {
				there.CheckIns = append(there.CheckIns, showCheckIn(c))
			}
			b.Households = append(b.Households, there)
		}
		out = append(out, b)
	}
	return &answer[listBody[routeStopBody]]{listBody[routeStopBody]{Items: out}}, err
}

type partnerPath struct {
	PartnerID carelog.PartnerID `path:"partner_id" format:"uuid"`
}

func (s *server) readPartner(ctx context.Context, by carelog.Actor, in *partnerPath) (*answer[carelog.PartnerFile], error) {
	f, err := s.Log.ReadPartner(ctx, by, in.PartnerID)
	return &answer[carelog.PartnerFile]{f}, err
}

type settingAgreement struct {
	PartnerID carelog.PartnerID `path:"partner_id" format:"uuid"`
	Body      struct {
		Number          string        `json:"number,omitempty" maxLength:"100"`
		From            calendar.Date `json:"from,omitzero" format:"date"`
		Until           calendar.Date `json:"until,omitzero" format:"date" doc:"A task 30 days before"`
		AcknowledgeDays int           `json:"acknowledge_days,omitempty" doc:"Working days to acknowledge a referral, before the default of 5"`
		DecideDays      int           `json:"decide_days,omitempty" doc:"Working days to decide, before the default of 20"`
		Measures        []string      `json:"measures,omitempty" nullable:"false" maxItems:"30" doc:"Empty: any"`
		Areas           []string      `json:"areas,omitempty" nullable:"false" maxItems:"50" doc:"Townships; empty: all"`
	}
}

func (s *server) setAgreement(ctx context.Context, by carelog.Actor, in *settingAgreement) (*struct{}, error) {
	b := in.Body
	return nil, s.Log.SetAgreement(ctx, by, in.PartnerID, carelog.PartnerAgreement{
		Number: b.Number, From: b.From, Until: b.Until, AcknowledgeDays: b.AcknowledgeDays, DecideDays: b.DecideDays, Measures: b.Measures, Areas: b.Areas,
	})
}

type addingPartnerContact struct {
	PartnerID carelog.PartnerID `path:"partner_id" format:"uuid"`
	Body      struct {
		Name  string `json:"name" maxLength:"100"`
		Phone string `json:"phone" maxLength:"40"`
		For   string `json:"for,omitempty" maxLength:"100" doc:"What they are asked about"`
	}
}

func (s *server) addPartnerContact(ctx context.Context, by carelog.Actor, in *addingPartnerContact) (*answer[carelog.PartnerContact], error) {
	c, err := s.Log.AddPartnerContact(ctx, by, in.PartnerID, carelog.PartnerContact{Name: in.Body.Name, Phone: in.Body.Phone, For: in.Body.For})
	return &answer[carelog.PartnerContact]{c}, err
}

type planningMeeting struct {
	Body struct {
		OfficeID   carelog.OfficeID    `json:"office_id,omitzero" format:"uuid" doc:"Default: yours"`
		PlannedOn  calendar.Date       `json:"planned_on" format:"date"`
		PartnerIDs []carelog.PartnerID `json:"partner_ids" nullable:"false" minItems:"1" maxItems:"50"`
	}
}

func (s *server) planMeeting(ctx context.Context, by carelog.Actor, in *planningMeeting) (*answer[carelog.Meeting], error) {
	m, err := s.Log.PlanMeeting(ctx, by, carelog.Meeting{Office: in.Body.OfficeID, PlannedOn: in.Body.PlannedOn, Partners: in.Body.PartnerIDs})
	return &answer[carelog.Meeting]{m}, err
}

func (s *server) listMeetings(ctx context.Context, by carelog.Actor, in *PageParams) (*listed[carelog.Meeting], error) {
	const list = "meetings"
	rows, err := in.after(list)
	if err != nil {
		return nil, err
	}
	found, err := s.Log.Meetings(ctx, by, rows)
	if err != nil {
		return nil, err
	}
	return page(in, found, itself[carelog.Meeting], func(last carelog.Meeting) position { return position{List: list, After: last.ID.String()} }), nil
}

type meetingPath struct {
	MeetingID carelog.MeetingID `path:"meeting_id" format:"uuid"`
}

type meetingFileBody struct {
	carelog.Meeting
	Pack      []agendaBody              `json:"pack" nullable:"false"`
	Minutes   string                    `json:"minutes"`
	Decisions []carelog.MeetingDecision `json:"decisions" nullable:"false"`
}

type agendaBody struct {
	PartnerID carelog.PartnerID `json:"partner_id" format:"uuid"`
	Name      string            `json:"name"`
	Referrals []referralBody    `json:"referrals" nullable:"false" doc:"What waits for the partner, the late first"`
	Clues     []carelog.Clue    `json:"clues" nullable:"false"`
}

func (s *server) readMeeting(ctx context.Context, by carelog.Actor, in *meetingPath) (*answer[meetingFileBody], error) {
	m, err := s.Log.ReadMeeting(ctx, by, in.MeetingID)
	if err != nil {
		return nil, err
	}
	out := meetingFileBody{Meeting: m.Meeting, Pack: []agendaBody{}, Minutes: m.Minutes, Decisions: m.Decisions}
	for _, a := range m.Pack {
		b := agendaBody{a.Partner, a.Name, []referralBody{}, a.Clues}
		for _, r := range a.Referrals {
			b.Referrals = append(b.Referrals, showReferral(r))
		}
		out.Pack = append(out.Pack, b)
	}
	return &answer[meetingFileBody]{out}, nil
}

type holdingMeeting struct {
	MeetingID carelog.MeetingID `path:"meeting_id" format:"uuid"`
	Body      struct {
		HeldOn    calendar.Date         `json:"held_on" format:"date"`
		Minutes   string                `json:"minutes" maxLength:"6000" doc:"Sealed"`
		Decisions []meetingDecisionBody `json:"decisions,omitempty" nullable:"false" maxItems:"50"`
	}
}

type meetingDecisionBody struct {
	What       string             `json:"what" maxLength:"600" doc:"Sealed"`
	PartnerID  carelog.PartnerID  `json:"partner_id,omitzero" format:"uuid"`
	ReferralID carelog.ReferralID `json:"referral_id,omitzero" format:"uuid"`
	ActBy      calendar.Date      `json:"act_by,omitzero" format:"date" doc:"With a day it becomes a task"`
}

func (s *server) holdMeeting(ctx context.Context, by carelog.Actor, in *holdingMeeting) (*struct{}, error) {
	var decisions []carelog.MeetingDecision
	for _, d := range in.Body.Decisions {
		decisions = append(decisions, carelog.MeetingDecision{Partner: d.PartnerID, Referral: d.ReferralID, ActBy: d.ActBy, What: d.What})
	}
	return nil, s.Log.HoldMeeting(ctx, by, in.MeetingID, in.Body.HeldOn, in.Body.Minutes, decisions)
}
