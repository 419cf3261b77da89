package api

import (
	"context"
	"time"

	"aftercare/carelog"
	"aftercare/carelog/condition"
)

type recordBody struct {
	RecordID     carelog.RecordID    `json:"record_id" format:"uuid"`
	CheckInID    carelog.CheckInID   `json:"check_in_id,omitzero" format:"uuid" doc:"None: the visit stands alone"`
	RecipientID  carelog.RecipientID `json:"recipient_id" format:"uuid"`
	Kind         string              `json:"kind" enum:"phone,home,village"`
	RecordedAt   time.Time           `json:"recorded_at"`
	RecordedBy   carelog.UserID      `json:"recorded_by,omitzero" format:"uuid" doc:"None: a contact's own answer"`
	Late         bool                `json:"late" doc:"First entered more than a day after it ended"`
	Version      int                 `json:"version"`
	Corrects     carelog.RecordID    `json:"corrects,omitzero" format:"uuid" doc:"The version before"`
	SupersededBy carelog.RecordID    `json:"superseded_by,omitzero" format:"uuid" doc:"The version after; none: this one stands"`
	SignOff      string              `json:"sign_off,omitempty" enum:"waiting,signed,superseded"`
	Assessed     bool                `json:"assessed"`
	Index        int                 `json:"index"`
	Complete     bool                `json:"complete"`
	Counts       bool                `json:"counts"`
	Withheld     bool                `json:"withheld,omitempty" doc:"You are to score this visit blind: its scores are shown once yours are in"`
	VisitBody
}

func showRecord(r carelog.Record) recordBody {
	return recordBody{
		r.ID, r.CheckIn, r.Recipient, string(r.Kind), r.RecordedAt, r.RecordedBy, r.Late, r.Version, r.Corrects, r.SupersededBy,
		r.SignOff, r.Assessed, r.Index, r.Complete, r.Counts, r.Withheld, showVisit(r.CheckInRecord),
	}
}

func showVisit(r carelog.CheckInRecord) VisitBody {
	b := VisitBody{
		Outcome: r.Outcome, OccurredAt: r.OccurredAt, EndedAt: r.EndedAt, Informant: r.Informant, AskedVillage: r.AskedVillage,
		Officers: r.Officers, Place: r.Place, Partner: r.Partner, Interpreter: r.Interpreter, Receipt: r.Receipt, UseOfMoney: r.UseOfMoney,
		Changes: r.Changes, Income: r.Income, Health: r.Health, Mood: r.Mood, Legal: r.Legal, InPlace: r.InPlace, Lapsed: r.Lapsed, Needs: r.Needs,
		Satisfaction: r.Satisfaction, Confirmed: r.Confirmed, Issues: r.Issues, NextVisit: r.NextVisit, TierProposal: r.TierProposal, Note: r.Note,
	}
	if r.Scores.Scored() > 0 {
		b.Scores = showScores(r.Scores)
	}
	for _, flag := range r.Flags {
		b.Flags = append(b.Flags, string(flag))
	}
	for _, use := range r.Uses {
		b.Uses = append(b.Uses, useBody(use))
	}
	for _, child := range r.Schooling {
		b.Schooling = append(b.Schooling, childBody(child))
	}
	for domain, e := range r.Evidence {
		if b.Evidence == nil {
			b.Evidence = evidenceBody{}
		}
		b.Evidence[string(domain)] = evidenceOf(e)
	}
	return b
}

func showScores(s condition.Scores) scoresBody {
	body := scoresBody{}
	for _, d := range condition.Domains() {
		body[string(d)] = s.Of(d).String()
	}
	return body
}

func showRecords(found []carelog.Record) *answer[listBody[recordBody]] {
	out := &answer[listBody[recordBody]]{listBody[recordBody]{Items: make([]recordBody, len(found))}}
	for i, r := range found {
		out.Body.Items[i] = showRecord(r)
	}
	return out
}

func (s *server) listRecords(ctx context.Context, by carelog.Actor, in *checkInPath) (*answer[listBody[recordBody]], error) {
	found, err := s.Log.Records(ctx, by, in.CheckInID)
	if err != nil {
		return nil, err
	}
	return showRecords(found), nil
}

func (s *server) listVisits(ctx context.Context, by carelog.Actor, in *recipientPath) (*answer[listBody[recordBody]], error) {
	found, err := s.Log.Visits(ctx, by, in.RecipientID)
	if err != nil {
		return nil, err
	}
	return showRecords(found), nil
}

type assessmentBody struct {
	RecordID     carelog.RecordID  `json:"record_id" format:"uuid"`
	CheckInID    carelog.CheckInID `json:"check_in_id,omitzero" format:"uuid"`
	Kind         string            `json:"kind" enum:"phone,home"`
	OccurredAt   time.Time         `json:"occurred_at"`
	RecordedAt   time.Time         `json:"recorded_at"`
	Scores       scoresBody        `json:"scores"`
	Index        int               `json:"index"`
	Complete     bool              `json:"complete"`
	Counts       bool              `json:"counts" doc:"After the baseline visit and a village informant"`
	SupersededBy carelog.RecordID  `json:"superseded_by,omitzero" format:"uuid" doc:"The record that corrected it"`
	Withheld     bool              `json:"withheld,omitempty"`
}

func (s *server) listAssessments(ctx context.Context, by carelog.Actor, in *recipientPath) (*answer[listBody[assessmentBody]], error) {
	found, err := s.Log.Assessments(ctx, by, in.RecipientID)
	if err != nil {
		return nil, err
	}
	out := &answer[listBody[assessmentBody]]{listBody[assessmentBody]{Items: make([]assessmentBody, len(found))}}
	for i, a := range found {
		out.Body.Items[i] = assessmentBody{
			a.Record, a.CheckIn, string(a.Kind), a.OccurredAt, a.RecordedAt, showScores(a.Scores), a.Index, a.Complete, a.Counts, a.SupersededBy, a.Withheld,
		}
	}
	return out, nil
}
