package api

import (
	"context"

	"aftercare/carelog"
)

type mergeBody struct {
	MergeID    carelog.MergeID `json:"merge_id" format:"uuid"`
	Kind       string          `json:"kind" enum:"file,contact"`
	KeptID     string          `json:"kept_id" format:"uuid" doc:"The recipient or contact that stays"`
	GoneID     string          `json:"gone_id" format:"uuid" doc:"The one that points at it"`
	Reason     string          `json:"reason"`
	State      string          `json:"state" enum:"open,done,rejected"`
	ProposedBy carelog.UserID  `json:"proposed_by" format:"uuid"`
}

func (s *server) listMerges(ctx context.Context, by carelog.Actor, in *PageParams) (*listed[mergeBody], error) {
	const list = "merges"
	rows, err := in.after(list)
	if err != nil {
		return nil, err
	}
	found, err := s.Log.Merges(ctx, by, rows)
	if err != nil {
		return nil, err
	}
	show := func(m carelog.Merge) mergeBody {
		return mergeBody{m.ID, m.Kind, m.Kept.String(), m.Gone.String(), m.Reason, m.State, m.ProposedBy}
	}
	return page(in, found, show, func(last carelog.Merge) position { return position{List: list, After: last.ID.String()} }), nil
}

type proposedMerge struct {
	MergeID carelog.MergeID `json:"merge_id" format:"uuid"`
}

type mergingFiles struct {
	RecipientID carelog.RecipientID `path:"recipient_id" format:"uuid"`
	Body        struct {
		GoneID carelog.RecipientID `json:"gone_id" format:"uuid" doc:"The file of the same person that is to point at this one"`
		Reason string              `json:"reason" maxLength:"2000"`
	}
}

func (s *server) proposeMerge(ctx context.Context, by carelog.Actor, in *mergingFiles) (*made[proposedMerge], error) {
	id, err := s.Log.ProposeFileMerge(ctx, by, in.RecipientID, in.Body.GoneID, in.Body.Reason)
	return &made[proposedMerge]{"/v1/merges", proposedMerge{id}}, err
}

type mergingContacts struct {
	ContactID carelog.ContactID `path:"contact_id" format:"uuid"`
	Body      struct {
		GoneID carelog.ContactID `json:"gone_id" format:"uuid" doc:"The entry of the same person that becomes a second phone of this one"`
		Reason string            `json:"reason" maxLength:"2000"`
	}
}

func (s *server) proposeContactMerge(ctx context.Context, by carelog.Actor, in *mergingContacts) (*made[proposedMerge], error) {
	id, err := s.Log.ProposeContactMerge(ctx, by, in.ContactID, in.Body.GoneID, in.Body.Reason)
	return &made[proposedMerge]{"/v1/merges", proposedMerge{id}}, err
}

type decidingMerge struct {
	MergeID carelog.MergeID `path:"merge_id" format:"uuid"`
	Body    struct {
		Decision string `json:"decision" enum:"reject,merge"`
	}
}

func (s *server) decideMerge(ctx context.Context, by carelog.Actor, in *decidingMerge) (*struct{}, error) {
	return nil, s.Log.DecideMerge(ctx, by, in.MergeID, in.Body.Decision == "merge")
}
