package api

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

type judgedBody struct {
	Tier       string          `json:"tier,omitempty" enum:"green,amber,red" doc:"How closely the household is looked after; none without an open plan"`
	TierSince  calendar.Date   `json:"tier_since,omitzero" format:"date"`
	Judgements []judgementBody `json:"judgements" nullable:"false" doc:"Newest first, superseded ones too"`
}

type judgementBody struct {
	JudgementID   string            `json:"judgement_id" format:"uuid"`
	Rule          string            `json:"rule" example:"R3"`
	Version       int               `json:"version" doc:"Of the rule's wording and limits"`
	Level         string            `json:"level" enum:"red,amber,notice"`
	Chinese       string            `json:"zh" doc:"Why, in a sentence for the person concerned"`
	English       string            `json:"en"`
	Inputs        json.RawMessage   `json:"inputs" doc:"All that the rule looked at: enough to judge it again"`
	CheckInID     carelog.CheckInID `json:"check_in_id,omitzero" format:"uuid"`
	FactAt        time.Time         `json:"fact_at" doc:"When what it rests on happened"`
	FoundAt       time.Time         `json:"found_at"`
	SettledAt     *time.Time        `json:"settled_at,omitempty"`
	SettledWhy    string            `json:"settled_why,omitempty" doc:"The deed that answered it"`
	SupersededAt  *time.Time        `json:"superseded_at,omitempty"`
	SupersededWhy string            `json:"superseded_why,omitempty"`
}

func (s *server) listJudgements(ctx context.Context, by carelog.Actor, in *recipientPath) (*answer[judgedBody], error) {
	found, err := s.Log.Judgements(ctx, by, in.RecipientID)
	if err != nil {
		return nil, err
	}
	body := judgedBody{found.Tier, found.TierSince, make([]judgementBody, len(found.Judgements))}
	for i, j := range found.Judgements {
		inputs, err := json.Marshal(j.Inputs)
		if err != nil {
			return nil, fmt.Errorf("write down the inputs: %w", err)
		}
		body.Judgements[i] = judgementBody{
			j.ID, j.Rule, j.Version, string(j.Level), j.Chinese, j.English, inputs, j.CheckIn,
			j.FactAt, j.FoundAt, j.SettledAt, j.SettledWhy, j.SupersededAt, j.SupersededWhy,
		}
	}
	return &answer[judgedBody]{body}, nil
}

type tierBody struct {
	PlanID   carelog.PlanID `json:"plan_id" format:"uuid"`
	Tier     string         `json:"tier" enum:"green,amber,red"`
	Since    calendar.Date  `json:"since,omitzero" format:"date"`
	Proposed string         `json:"proposed,omitempty" enum:"green,amber,red" doc:"A lower tier that awaits a decision"`
}

type tiering struct {
	PlanID carelog.PlanID `path:"plan_id" format:"uuid"`
	Body   struct {
		Tier   string `json:"tier" enum:"green,amber,red"`
		Reason string `json:"reason" maxLength:"8000"`
	}
}

func showTier(t carelog.Tier, err error) (*answer[tierBody], error) {
	if err != nil {
		return nil, err
	}
	return &answer[tierBody]{tierBody{t.Plan, t.Tier, t.Since, t.Proposed}}, nil
}

func (s *server) proposeTier(ctx context.Context, by carelog.Actor, in *tiering) (*answer[tierBody], error) {
	return showTier(s.Log.ProposeTierDown(ctx, by, in.PlanID, in.Body.Tier, in.Body.Reason))
}

func (s *server) decideTier(ctx context.Context, by carelog.Actor, in *tiering) (*answer[tierBody], error) {
	return showTier(s.Log.DecideTier(ctx, by, in.PlanID, in.Body.Tier, in.Body.Reason))
}
