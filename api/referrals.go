package api

import (
	"context"
	"time"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

type referralBody struct {
	ReferralID    carelog.ReferralID  `json:"referral_id" format:"uuid"`
	RecipientID   carelog.RecipientID `json:"recipient_id" format:"uuid"`
	PlanID        carelog.PlanID      `json:"plan_id" format:"uuid"`
	MaskedName    string              `json:"masked_name,omitempty"`
	Measure       carelog.Measure     `json:"measure"`
	MeasureName   string              `json:"measure_name"`
	PartnerID     carelog.PartnerID   `json:"partner_id" format:"uuid"`
	PartnerName   string              `json:"partner_name"`
	State         string              `json:"state" enum:"drafted,sent,acknowledged,granted,refused,withdrawn,lapsed"`
	DraftedAt     time.Time           `json:"drafted_at"`
	SentAt        *time.Time          `json:"sent_at,omitempty"`
	AcknowledgeBy calendar.Date       `json:"acknowledge_by,omitzero" format:"date"`
	DecideBy      calendar.Date       `json:"decide_by,omitzero" format:"date"`
	DueOn         calendar.Date       `json:"due_on,omitzero" format:"date" doc:"Of the answer that is waited for"`
	Overdue       bool                `json:"overdue"`
	DecidedOn     calendar.Date       `json:"decided_on,omitzero" format:"date"`
	EffectiveFrom calendar.Date       `json:"effective_from,omitzero" format:"date"`
	ExpiresOn     calendar.Date       `json:"expires_on,omitzero" format:"date" doc:"The benefit's end or review"`
	NoEnd         bool                `json:"no_end"`
	Steps         []referralStepBody  `json:"steps,omitempty" nullable:"false"`
}

type referralStepBody struct {
	N          int            `json:"n"`
	Step       string         `json:"step"`
	RecordedBy carelog.UserID `json:"recorded_by,omitzero" format:"uuid" doc:"Absent when the service did it"`
	RecordedAt time.Time      `json:"recorded_at"`
	Said       map[string]any `json:"said"`
}

func showReferral(r carelog.Referral) referralBody {
	b := referralBody{
		r.ID, r.Recipient, r.Plan, r.MaskedName, r.Measure, r.Measure.Chinese(), r.Partner, r.PartnerName, r.State, r.DraftedAt, r.SentAt,
		r.AcknowledgeBy, r.DecideBy, r.DueOn, r.Overdue, r.DecidedOn, r.EffectiveFrom, r.ExpiresOn, r.NoEnd, nil,
	}
	for _, s := range r.Steps {
		b.Steps = append(b.Steps, referralStepBody(s))
	}
	return b
}

func answerReferral(r carelog.Referral, err error) (*answer[referralBody], error) {
	if err != nil {
		return nil, err
	}
	return &answer[referralBody]{showReferral(r)}, nil
}

type listingReferrals struct {
	PageParams
	State     string            `query:"state" enum:"drafted,sent,acknowledged,granted,refused,withdrawn,lapsed"`
	PartnerID carelog.PartnerID `query:"partner_id" format:"uuid"`
	Overdue   bool              `query:"overdue" doc:"Only those whose answer is late"`
}

func (s *server) listReferrals(ctx context.Context, by carelog.Actor, in *listingReferrals) (*listed[referralBody], error) {
	const list = "referrals"
	rows, err := in.after(list)
	if err != nil {
		return nil, err
	}
	found, err := s.Log.Referrals(ctx, by, carelog.ReferralFilter{State: in.State, Partner: in.PartnerID, Overdue: in.Overdue, Page: rows})
	if err != nil {
		return nil, err
	}
	return page(&in.PageParams, found, showReferral, func(last carelog.Referral) position {
		return position{List: list, After: last.ID.String()}
	}), nil
}

type referralsBody struct {
	Items []referralBody `json:"items" nullable:"false"`
}

func (s *server) readReferrals(ctx context.Context, by carelog.Actor, in *recipientPath) (*answer[referralsBody], error) {
	found, err := s.Log.ReferralsOf(ctx, by, in.RecipientID)
	if err != nil {
		return nil, err
	}
	body := referralsBody{Items: make([]referralBody, len(found))}
	for i, r := range found {
		body.Items[i] = showReferral(r)
	}
	return &answer[referralsBody]{body}, nil
}

type drafting struct {
	RecipientID carelog.RecipientID `path:"recipient_id" format:"uuid"`
	Body        draftBody
}

type draftBody struct {
	Measure   carelog.Measure   `json:"measure" enum:"dibao,tekun,temporary_aid,medical_aid,disability_cert,disability_subsidy,orphan_or_unsupported_child,education_aid,housing_aid,employment,industry_support,psych_support,legal_aid,support_suit,guardianship,veteran_support,womens_fed,union_relief,charity_red_cross,poverty_monitoring,volunteer,household_registration,fund_supervision"`
	PartnerID carelog.PartnerID `json:"partner_id" format:"uuid"`
	Need      string            `json:"need" maxLength:"2000" doc:"What for, in words"`
}

func (s *server) draftReferral(ctx context.Context, by carelog.Actor, in *drafting) (*made[referralBody], error) {
	r, err := s.Log.DraftReferral(ctx, by, in.RecipientID, carelog.NewReferral{Measure: in.Body.Measure, Partner: in.Body.PartnerID, Need: in.Body.Need})
	if err != nil {
		return nil, err
	}
	return &made[referralBody]{"/v1/recipients/" + in.RecipientID.String() + "/referrals", showReferral(r)}, nil
}

type sendingReferral struct {
	ReferralID carelog.ReferralID `path:"referral_id" format:"uuid"`
	Body       sendingBody
}

type sendingBody struct {
	Ground        string        `json:"ground" enum:"consent,guardian_consent,legal_duty,vital_interest" doc:"What the disclosure rests on"`
	Disclosed     []string      `json:"disclosed" nullable:"false" minItems:"1" maxItems:"20" doc:"Which facts were told: name, sex, born_on, id_number, phone, address, household, award, living_condition, income, health, disability, schooling, needs, bank_account"`
	At            time.Time     `json:"at,omitzero" doc:"Now when left out"`
	AcknowledgeBy calendar.Date `json:"acknowledge_by,omitzero" format:"date" doc:"Five working days later when left out"`
	DecideBy      calendar.Date `json:"decide_by,omitzero" format:"date" doc:"Twenty working days later when left out"`
	Document      string        `json:"document,omitempty" maxLength:"200"`
	Note          string        `json:"note,omitempty" maxLength:"2000"`
}

func (s *server) sendReferral(ctx context.Context, by carelog.Actor, in *sendingReferral) (*answer[referralBody], error) {
	return answerReferral(s.Log.SendReferral(ctx, by, in.ReferralID, carelog.Sending(in.Body)))
}

type acknowledging struct {
	ReferralID carelog.ReferralID `path:"referral_id" format:"uuid"`
	Body       acknowledgeBody
}

type acknowledgeBody struct {
	At       time.Time     `json:"at,omitzero" doc:"Now when left out"`
	DecideBy calendar.Date `json:"decide_by,omitzero" format:"date" doc:"As agreed with the partner"`
	Document string        `json:"document,omitempty" maxLength:"200"`
	Note     string        `json:"note,omitempty" maxLength:"2000"`
}

func (s *server) acknowledgeReferral(ctx context.Context, by carelog.Actor, in *acknowledging) (*answer[referralBody], error) {
	return answerReferral(s.Log.AcknowledgeReferral(ctx, by, in.ReferralID, carelog.Acknowledgement(in.Body)))
}

type deciding struct {
	ReferralID carelog.ReferralID `path:"referral_id" format:"uuid"`
	Body       DecisionBody
}

// DecisionBody is exported because Huma reads the fields of embedded structs only then.
type DecisionBody struct {
	Outcome       string        `json:"outcome" enum:"granted,refused"`
	On            calendar.Date `json:"on,omitzero" format:"date" doc:"Today when left out"`
	EffectiveFrom calendar.Date `json:"effective_from,omitzero" format:"date"`
	ExpiresOn     calendar.Date `json:"expires_on,omitzero" format:"date" doc:"End or review of what was granted, else no_end"`
	NoEnd         bool          `json:"no_end,omitempty"`
	Document      string        `json:"document,omitempty" maxLength:"200"`
	Evidence      string        `json:"evidence,omitempty" maxLength:"2000"`
	Reason        string        `json:"reason,omitempty" maxLength:"2000" doc:"Of a refusal"`
}

func (s *server) decideReferral(ctx context.Context, by carelog.Actor, in *deciding) (*answer[referralBody], error) {
	return answerReferral(s.Log.DecideReferral(ctx, by, in.ReferralID, carelog.Decision(in.Body)))
}

type correcting struct {
	ReferralID carelog.ReferralID `path:"referral_id" format:"uuid"`
	Body       struct {
		DecisionBody
		Correction string `json:"correction" maxLength:"2000" doc:"What was wrong"`
	}
}

func (s *server) correctReferral(ctx context.Context, by carelog.Actor, in *correcting) (*answer[referralBody], error) {
	return answerReferral(s.Log.CorrectReferral(ctx, by, in.ReferralID, carelog.Decision(in.Body.DecisionBody), in.Body.Correction))
}

type withdrawing struct {
	ReferralID carelog.ReferralID `path:"referral_id" format:"uuid"`
	Body       whyBody
}

func (s *server) withdrawReferral(ctx context.Context, by carelog.Actor, in *withdrawing) (*answer[referralBody], error) {
	return answerReferral(s.Log.WithdrawReferral(ctx, by, in.ReferralID, in.Body.Reason))
}

type renewing struct {
	ReferralID carelog.ReferralID `path:"referral_id" format:"uuid"`
	Body       renewBody
}

type renewBody struct {
	From      calendar.Date `json:"from,omitzero" format:"date" doc:"The day after the old end when left out"`
	ExpiresOn calendar.Date `json:"expires_on,omitzero" format:"date"`
	NoEnd     bool          `json:"no_end,omitempty"`
	Document  string        `json:"document,omitempty" maxLength:"200"`
	Evidence  string        `json:"evidence,omitempty" maxLength:"2000"`
}

func (s *server) renewReferral(ctx context.Context, by carelog.Actor, in *renewing) (*answer[referralBody], error) {
	return answerReferral(s.Log.RenewReferral(ctx, by, in.ReferralID, carelog.Renewal(in.Body)))
}

type hintBody struct {
	Measure carelog.Measure `json:"measure"`
	Name    string          `json:"name"`
	Why     string          `json:"why"`
	Chinese string          `json:"why_chinese"`
	Rule    ruleRefBody     `json:"rule"`
}

type ruleRefBody struct {
	Ref       string `json:"rule_ref"`
	Version   string `json:"version"`
	Effective string `json:"effective_from" format:"date"`
}

type hintsBody struct {
	Items []hintBody `json:"items" nullable:"false"`
}

func (s *server) listHints(ctx context.Context, by carelog.Actor, in *recipientPath) (*answer[hintsBody], error) {
	found, err := s.Log.Hints(ctx, by, in.RecipientID)
	if err != nil {
		return nil, err
	}
	body := hintsBody{Items: make([]hintBody, len(found))}
	for i, h := range found {
		body.Items[i] = hintBody{h.Measure, h.Name, h.Why, h.Chinese, ruleRefBody(h.Rule)}
	}
	return &answer[hintsBody]{body}, nil
}

type dismissing struct {
	RecipientID carelog.RecipientID `path:"recipient_id" format:"uuid"`
	Measure     carelog.Measure     `path:"measure" maxLength:"40"`
	Body        whyBody
}

func (s *server) dismissHint(ctx context.Context, by carelog.Actor, in *dismissing) (*struct{}, error) {
	return nil, s.Log.DismissHint(ctx, by, in.RecipientID, in.Measure, in.Body.Reason)
}
