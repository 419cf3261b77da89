package api

import (
	"context"
	"time"

	"aftercare/carelog"
)

type verifyingNumber struct {
	ContactID carelog.ContactID `path:"contact_id" format:"uuid"`
	Body      verifyNumberBody
}

type verifyNumberBody struct {
	How string `json:"how" enum:"called,met,official_list" doc:"How somebody made sure that the number is the contact's"`
}

func (s *server) verifyNumber(ctx context.Context, by carelog.Actor, in *verifyingNumber) (*struct{}, error) {
	return nil, s.Log.VerifyNumber(ctx, by, in.ContactID, in.Body.How)
}

type changingPhone struct {
	ContactID carelog.ContactID `path:"contact_id" format:"uuid"`
	Body      changePhoneBody
}

type changePhoneBody struct {
	Phone string `json:"phone" maxLength:"40" doc:"As people write it; it is confirmed first, and the one before is believed by nobody for half a year"`
}

func (s *server) changePhone(ctx context.Context, by carelog.Actor, in *changingPhone) (*struct{}, error) {
	return nil, s.Log.ChangePhone(ctx, by, in.ContactID, in.Body.Phone)
}

type allowingTexts struct {
	ContactID carelog.ContactID `path:"contact_id" format:"uuid"`
	Body      allowTextsBody
}

type allowTextsBody struct {
	Reason string `json:"reason" enum:"asked_by_phone,asked_in_person,stopped_by_mistake" doc:"Why texts begin again; it is audited"`
}

func (s *server) allowTexts(ctx context.Context, by carelog.Actor, in *allowingTexts) (*struct{}, error) {
	return nil, s.Log.AllowTexts(ctx, by, in.ContactID, in.Body.Reason)
}

type replacingContact struct {
	ContactID carelog.ContactID `path:"contact_id" format:"uuid"`
	Body      replaceContactBody
}

type replaceContactBody struct {
	NewContactID carelog.ContactID `json:"new_contact_id" format:"uuid" doc:"Of the same office; serves the villages from now on"`
	Reason       string            `json:"reason" maxLength:"2000" doc:"Kept sealed in the histories"`
}

type replacementBody struct {
	Plans   int `json:"plans" doc:"Open plans that name the new contact now"`
	Without int `json:"without" doc:"Open plans that name nobody in the place: the new contact may not be asked about the household"`
}

func (s *server) replaceContact(ctx context.Context, by carelog.Actor, in *replacingContact) (*answer[replacementBody], error) {
	done, err := s.Log.ReplaceContact(ctx, by, in.ContactID, in.Body.NewContactID, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return &answer[replacementBody]{replacementBody(done)}, nil
}

type barringTopics struct {
	ContactID carelog.ContactID `path:"contact_id" format:"uuid"`
	Body      barTopicsBody
}

type barTopicsBody struct {
	Topics []carelog.Flag `json:"topics" nullable:"false" maxItems:"20" doc:"Flags of a file, as at its enrolment; the list replaces the one before"`
}

type topicsBarredBody struct {
	Plans int `json:"plans" doc:"Open plans that name the contact no more"`
}

func (s *server) barTopics(ctx context.Context, by carelog.Actor, in *barringTopics) (*answer[topicsBarredBody], error) {
	off, err := s.Log.BarTopics(ctx, by, in.ContactID, in.Body.Topics)
	if err != nil {
		return nil, err
	}
	return &answer[topicsBarredBody]{topicsBarredBody{off}}, nil
}

type flaggingConflict struct {
	RecipientID carelog.RecipientID `path:"recipient_id" format:"uuid"`
	Body        flagConflictBody
}

type flagConflictBody struct {
	ContactID carelog.ContactID `json:"contact_id" format:"uuid"`
	Kind      string            `json:"kind" enum:"kin_of_offender,creditor,other"`
	Reason    string            `json:"reason" maxLength:"2000" doc:"Kept sealed in the history"`
}

func (s *server) flagConflict(ctx context.Context, by carelog.Actor, in *flaggingConflict) (*struct{}, error) {
	return nil, s.Log.FlagConflict(ctx, by, carelog.NewConflict{
		Contact: in.Body.ContactID, Recipient: in.RecipientID, Kind: in.Body.Kind, Reason: in.Body.Reason,
	})
}

type endingConflict struct {
	RecipientID carelog.RecipientID `path:"recipient_id" format:"uuid"`
	ContactID   carelog.ContactID   `path:"contact_id" format:"uuid"`
	Body        whyBody
}

func (s *server) endConflict(ctx context.Context, by carelog.Actor, in *endingConflict) (*struct{}, error) {
	return nil, s.Log.EndConflict(ctx, by, in.ContactID, in.RecipientID, in.Body.Reason)
}

type conflictBody struct {
	ContactID carelog.ContactID `json:"contact_id" format:"uuid"`
	Kind      string            `json:"kind" enum:"kin_of_offender,creditor,barred_topic,other"`
	NotedBy   carelog.UserID    `json:"noted_by,omitzero" format:"uuid"`
	At        time.Time         `json:"at"`
	EndedAt   *time.Time        `json:"ended_at,omitempty"`
}

func (s *server) listConflicts(ctx context.Context, by carelog.Actor, in *recipientPath) (*answer[listBody[conflictBody]], error) {
	found, err := s.Log.Conflicts(ctx, by, in.RecipientID)
	if err != nil {
		return nil, err
	}
	out := &answer[listBody[conflictBody]]{listBody[conflictBody]{Items: make([]conflictBody, len(found))}}
	for i, c := range found {
		out.Body.Items[i] = conflictBody{c.Contact, c.Kind, c.NotedBy, c.At, c.EndedAt}
	}
	return out, nil
}
