package api

import (
	"context"
	"time"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

type disclosureBody struct {
	Channel   string           `json:"channel" enum:"sms,referral,export,paper"`
	SubjectID string           `json:"subject_id" format:"uuid" doc:"The message, referral, export or act it was"`
	At        time.Time        `json:"at"`
	Told      string           `json:"told" enum:"contact,partner,self,guardian,relative,agent,authority,other"`
	ToldID    string           `json:"told_id,omitempty" format:"uuid" doc:"The contact or partner"`
	ToldName  string           `json:"told_name,omitempty" doc:"Of a partner within your offices"`
	Purpose   string           `json:"purpose"`
	Fields    []string         `json:"fields" nullable:"false" doc:"Which facts were told, no values"`
	Basis     string           `json:"basis" enum:"legal_duty,consent,guardian_consent,vital_interest"`
	NoticeID  string           `json:"notice_id,omitempty" format:"uuid" doc:"The notice given before"`
	OfficeID  carelog.OfficeID `json:"office_id" format:"uuid" doc:"That told it"`
}

func showDisclosure(d carelog.Disclosure) disclosureBody {
	return disclosureBody{d.Channel, d.Subject.String(), d.At, d.Told, d.ToldID.String(), d.ToldName, d.Purpose, d.Fields, d.Basis, d.Notice.String(), d.Office}
}

func (s *server) listDisclosures(ctx context.Context, by carelog.Actor, in *recipientPath) (*answer[listBody[disclosureBody]], error) {
	found, err := s.Log.Disclosures(ctx, by, in.RecipientID)
	if err != nil {
		return nil, err
	}
	out := &answer[listBody[disclosureBody]]{listBody[disclosureBody]{Items: make([]disclosureBody, len(found))}}
	for i, d := range found {
		out.Body.Items[i] = showDisclosure(d)
	}
	return out, nil
}

type disclosing struct {
	RecipientID carelog.RecipientID `path:"recipient_id" format:"uuid"`
	Body        struct {
		Told   string    `json:"told" enum:"self,guardian,relative,agent,authority,other"`
		Fields []string  `json:"fields" nullable:"false" minItems:"1" maxItems:"20" doc:"Which facts were told: as in the sending of a referral"`
		Basis  string    `json:"basis" enum:"consent,guardian_consent,legal_duty,vital_interest"`
		At     time.Time `json:"at,omitzero" doc:"Now when left out"`
		Note   string    `json:"note,omitempty" maxLength:"2000" doc:"To whom by name, and the document; kept sealed"`
	}
}

func (s *server) recordDisclosure(ctx context.Context, by carelog.Actor, in *disclosing) (*struct{}, error) {
	b := in.Body
	return nil, s.Log.RecordDisclosure(ctx, by, in.RecipientID, carelog.PaperDisclosure{Told: b.Told, Fields: b.Fields, Basis: b.Basis, At: b.At, Note: b.Note})
}

type groundsBody struct {
	Notices  []privacyNoticeBody `json:"notices" nullable:"false"`
	Consents []consentBody       `json:"consents" nullable:"false"`
}

type privacyNoticeBody struct {
	NoticeID   string         `json:"notice_id" format:"uuid"`
	Version    string         `json:"version" doc:"Of the sheet that was read or handed over"`
	Channel    string         `json:"channel" enum:"in_person,phone,paper,post,online"`
	GivenTo    string         `json:"given_to" enum:"self,guardian,relative,agent"`
	GivenOn    calendar.Date  `json:"given_on" format:"date"`
	RecordedBy carelog.UserID `json:"recorded_by" format:"uuid"`
	RecordedAt time.Time      `json:"recorded_at"`
}

type consentBody struct {
	ConsentID  string         `json:"consent_id" format:"uuid"`
	Purpose    string         `json:"purpose"`
	Step       string         `json:"step" enum:"given,withdrawn,legal_duty"`
	GivenBy    string         `json:"given_by" enum:"self,guardian,relative,agent,office"`
	GivenOn    calendar.Date  `json:"given_on" format:"date"`
	Evidence   string         `json:"evidence"`
	RecordedBy carelog.UserID `json:"recorded_by" format:"uuid"`
	RecordedAt time.Time      `json:"recorded_at"`
}

func showPrivacyNotice(n carelog.PrivacyNotice) privacyNoticeBody {
	return privacyNoticeBody{n.ID.String(), n.Version, n.Channel, n.GivenTo, n.GivenOn, n.RecordedBy, n.RecordedAt}
}

func showConsent(k carelog.Consent) consentBody {
	return consentBody{k.ID.String(), k.Purpose, k.Step, k.GivenBy, k.GivenOn, k.Evidence, k.RecordedBy, k.RecordedAt}
}

func (s *server) readGrounds(ctx context.Context, by carelog.Actor, in *recipientPath) (*answer[groundsBody], error) {
	found, err := s.Log.Grounds(ctx, by, in.RecipientID)
	if err != nil {
		return nil, err
	}
	out := &answer[groundsBody]{groundsBody{Notices: []privacyNoticeBody{}, Consents: []consentBody{}}}
	for _, n := range found.Notices {
		out.Body.Notices = append(out.Body.Notices, showPrivacyNotice(n))
	}
	for _, k := range found.Consents {
		out.Body.Consents = append(out.Body.Consents, showConsent(k))
	}
	return out, nil
}

type notifying struct {
	RecipientID carelog.RecipientID `path:"recipient_id" format:"uuid"`
	Body        struct {
		Version string        `json:"version" maxLength:"100"`
		Channel string        `json:"channel" enum:"in_person,phone,paper,post,online"`
		GivenTo string        `json:"given_to" enum:"self,guardian,relative,agent"`
		GivenOn calendar.Date `json:"given_on,omitzero" format:"date" doc:"Today when left out"`
	}
}

func (s *server) recordNotice(ctx context.Context, by carelog.Actor, in *notifying) (*made[privacyNoticeBody], error) {
	b := in.Body
	n, err := s.Log.RecordNotice(ctx, by, in.RecipientID, carelog.PrivacyNotice{Version: b.Version, Channel: b.Channel, GivenTo: b.GivenTo, GivenOn: b.GivenOn})
	if err != nil {
		return nil, err
	}
	return &made[privacyNoticeBody]{"/v1/recipients/" + in.RecipientID.String() + "/grounds", showPrivacyNotice(n)}, nil
}

type consenting struct {
	RecipientID carelog.RecipientID `path:"recipient_id" format:"uuid"`
	Body        struct {
		Purpose  string        `json:"purpose" maxLength:"40" example:"village_contact"`
		Step     string        `json:"step,omitempty" enum:"given,legal_duty" doc:"A supervisor may name the legal duty in place of a consent"`
		GivenBy  string        `json:"given_by,omitempty" enum:"self,guardian,relative,agent"`
		GivenOn  calendar.Date `json:"given_on,omitzero" format:"date" doc:"Today when left out"`
		Evidence string        `json:"evidence" maxLength:"2000" doc:"What proves it; kept sealed"`
	}
}

func (s *server) recordConsent(ctx context.Context, by carelog.Actor, in *consenting) (*made[consentBody], error) {
	b := in.Body
	k, err := s.Log.RecordConsent(ctx, by, in.RecipientID, carelog.Consent{Purpose: b.Purpose, Step: b.Step, GivenBy: b.GivenBy, GivenOn: b.GivenOn, Evidence: b.Evidence})
	if err != nil {
		return nil, err
	}
	return &made[consentBody]{"/v1/recipients/" + in.RecipientID.String() + "/grounds", showConsent(k)}, nil
}

type withdrawingConsent struct {
	RecipientID carelog.RecipientID `path:"recipient_id" format:"uuid"`
	Purpose     string              `path:"purpose" maxLength:"40"`
	Body        struct {
		GivenBy  string        `json:"given_by" enum:"self,guardian,relative,agent" doc:"Who took it back"`
		GivenOn  calendar.Date `json:"given_on,omitzero" format:"date" doc:"Today when left out"`
		Evidence string        `json:"evidence" maxLength:"2000"`
	}
}

func (s *server) withdrawConsent(ctx context.Context, by carelog.Actor, in *withdrawingConsent) (*answer[consentBody], error) {
	b := in.Body
	k, err := s.Log.WithdrawConsent(ctx, by, in.RecipientID, carelog.Consent{Purpose: in.Purpose, GivenBy: b.GivenBy, GivenOn: b.GivenOn, Evidence: b.Evidence})
	if err != nil {
		return nil, err
	}
	return &answer[consentBody]{showConsent(k)}, nil
}
