package api

import (
	"context"

	"aftercare/carelog"
)

type changesQuery struct {
	Since string `query:"since" maxLength:"60" doc:"The cursor of the last answer; none: from 90 days ago"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"200"`
}

func (s *server) listChanges(ctx context.Context, by carelog.Actor, in *changesQuery) (*answer[carelog.Changes], error) {
	found, err := s.Log.ChangesSince(ctx, by, in.Since, in.Limit)
	return &answer[carelog.Changes]{found}, err
}

type subscribing struct {
	Body struct {
		OfficeID carelog.OfficeID `json:"office_id,omitzero" format:"uuid" doc:"Default: yours; those below it are told of too"`
		URL      string           `json:"url" maxLength:"500" doc:"https, without a query"`
		Kinds    []string         `json:"kinds,omitempty" nullable:"false" maxItems:"50" doc:"Of history entries; none: every kind"`
	}
}

type subscribedBody struct {
	carelog.Subscription
	Secret string `json:"secret" doc:"Told this once: signs the calls as Standard Webhooks does"`
}

func (s *server) subscribe(ctx context.Context, by carelog.Actor, in *subscribing) (*answer[subscribedBody], error) {
	made, secret, err := s.Log.Subscribe(ctx, by, carelog.NewSubscription{Office: in.Body.OfficeID, URL: in.Body.URL, Kinds: in.Body.Kinds})
	return &answer[subscribedBody]{subscribedBody{made, secret}}, err
}

func (s *server) listSubscriptions(ctx context.Context, by carelog.Actor, _ *struct{}) (*answer[listBody[carelog.Subscription]], error) {
	found, err := s.Log.Subscriptions(ctx, by)
	return &answer[listBody[carelog.Subscription]]{listBody[carelog.Subscription]{Items: notNil(found)}}, err
}

type settingSubscription struct {
	SubscriptionID carelog.SubscriptionID `path:"subscription_id" format:"uuid"`
	Body           struct {
		State string `json:"state" enum:"active,ended"`
		Since string `json:"since,omitempty" maxLength:"60" doc:"A cursor to send again from"`
	}
}

func (s *server) setSubscription(ctx context.Context, by carelog.Actor, in *settingSubscription) (*struct{}, error) {
	return nil, s.Log.SetSubscription(ctx, by, in.SubscriptionID, in.Body.State, in.Body.Since)
}

type puttingRecipient struct {
	ExternalID string `path:"external_id" maxLength:"100"`
	Body       enrolmentBody
}

func (s *server) putRecipient(ctx context.Context, by carelog.Actor, in *puttingRecipient) (*answer[carelog.Upserted], error) {
	e := in.Body.enrolment()
	e.ExternalID = in.ExternalID
	u, err := s.Log.UpsertRecipient(ctx, by, e)
	return &answer[carelog.Upserted]{u}, err
}
