package api

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"time"

	"aftercare/carelog"
)

type entryBody struct {
	Seq        int64           `json:"seq" doc:"1, 2, 3 … within the file"`
	Recipient  string          `json:"recipient_id,omitempty" format:"uuid" doc:"The file: a person whose files were merged has several"`
	Kind       string          `json:"kind"`
	OccurredAt time.Time       `json:"occurred_at"`
	RecordedAt time.Time       `json:"recorded_at"`
	ActorKind  string          `json:"actor_kind" enum:"person,program,contact,system"`
	ActorID    string          `json:"actor_id,omitempty" format:"uuid"`
	ActorName  string          `json:"actor_name,omitempty" doc:"Of an officer or contact within your offices"`
	SubjectID  string          `json:"subject_id,omitempty" format:"uuid" doc:"The plan, check-in, message … it is about"`
	Details    json.RawMessage `json:"details"`
	Hash       string          `json:"hash" doc:"SHA-256 over this entry and the one before, in hex"`
}

func showEntry(e carelog.Entry) entryBody {
	return entryBody{e.Seq, e.Recipient.String(), e.Kind, e.OccurredAt, e.RecordedAt, string(e.ActorKind), e.ActorID, e.ActorName, e.SubjectID, e.Details, hex.EncodeToString(e.Hash)}
}

type historyQuery struct {
	PageParams
	RecipientID carelog.RecipientID `path:"recipient_id" format:"uuid"`
}

func (s *server) readHistory(ctx context.Context, by carelog.Actor, in *historyQuery) (*listed[entryBody], error) {
	list := "history of " + in.RecipientID.String()
	at, err := in.position(list)
	if err != nil {
		return nil, err
	}
	found, err := s.Log.History(ctx, by, in.RecipientID, at.Seq, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &listed[entryBody]{Body: listBody[entryBody]{Items: make([]entryBody, len(found.Entries))}}
	for i, e := range found.Entries {
		out.Body.Items[i] = showEntry(e)
	}
	if found.Next > 0 {
		out.goOn(&in.PageParams, position{List: list, Seq: found.Next})
	}
	return out, nil
}
