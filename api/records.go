package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
)

type recording struct {
	CheckInID carelog.CheckInID `path:"check_in_id" format:"uuid"`
	Body      recordBody
}

type recordBody struct {
	Outcome      string        `json:"outcome" enum:"reached,refused,no_answer,number_dead,away,moved,deceased,in_custody,suspected_fraud" doc:"reached completes the check-in; anything else leaves it open with a next try"`
	OccurredAt   time.Time     `json:"occurred_at,omitzero" doc:"Now when left out"`
	Informant    string        `json:"informant,omitempty" enum:"self,guardian,relative,village_contact,other"`
	AskedVillage bool          `json:"asked_village,omitempty" doc:"A village informant was heard too"`
	Scores       scoresBody    `json:"scores,omitempty" doc:"By domain; one left out was not observed"`
	Receipt      string        `json:"receipt,omitempty" enum:"full,partial,none,not_asked" doc:"Was the money received in full"`
	UseOfMoney   string        `json:"use_of_money,omitempty" maxLength:"8000"`
	Changes      string        `json:"changes,omitempty" maxLength:"8000" doc:"In the household since last time"`
	Needs        string        `json:"needs,omitempty" maxLength:"8000" doc:"In their own words"`
	Note         string        `json:"note,omitempty" maxLength:"8000"`
	NextTryOn    calendar.Date `json:"next_try_on,omitzero" format:"date" doc:"Of a try that did not reach them; two working days when left out"`
}

// scoresBody is an object of scores by domain.
type scoresBody map[string]string

// Schema names the ten domains and their scores, so that Huma tells what is wrong
// with them beside all else that is wrong with a record.
func (scoresBody) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: false, Properties: map[string]*huma.Schema{}}
	for _, entry := range condition.Scale() {
		s.Properties[string(entry.Domain)] = &huma.Schema{
			Type: huma.TypeString, Enum: []any{"0", "1", "2", "3", "4", "N", "X"},
			Description: entry.Domain.Code() + " " + entry.English + ": 0 (crisis) to 4 (secure), N not observed, X not applicable",
		}
	}
	return s
}

type recordedBody struct {
	CheckInID carelog.CheckInID `json:"check_in_id" format:"uuid"`
	RecordID  carelog.RecordID  `json:"record_id" format:"uuid"`
	State     string            `json:"state" doc:"Of the check-in now"`
	Assessed  bool              `json:"assessed" doc:"Something was scored"`
	Index     int               `json:"index" minimum:"0" maximum:"100" doc:"Of the scores, when assessed"`
	Complete  bool              `json:"complete" doc:"Enough domains are scored to compare the index"`
	Counts    bool              `json:"counts" doc:"After the baseline visit and a village informant"`
	Late      bool              `json:"late" doc:"Entered more than a day after it happened"`
}

func (s *server) recordCheckIn(ctx context.Context, by carelog.Actor, in *recording) (*made[recordedBody], error) {
	b := in.Body
	scores, problems := condition.Parse(b.Scores)
	if len(problems) > 0 {
		return nil, badField("scores."+problems[0].Field, "is no score of this scale")
	}
	done, err := s.Log.RecordCheckIn(ctx, by, in.CheckInID, carelog.CheckInRecord{
		Outcome: b.Outcome, OccurredAt: b.OccurredAt, Informant: b.Informant, AskedVillage: b.AskedVillage, Scores: scores,
		Receipt: b.Receipt, UseOfMoney: b.UseOfMoney, Changes: b.Changes, Needs: b.Needs, Note: b.Note, NextTryOn: b.NextTryOn,
	})
	if err != nil {
		return nil, err
	}
	return &made[recordedBody]{
		Location: "/v1/check-ins/" + done.CheckIn.String(),
		Body:     recordedBody{done.CheckIn, done.Record, done.State, done.Assessed, done.Index, done.Complete, done.Counts, done.Late},
	}, nil
}

type noting struct {
	RecipientID carelog.RecipientID `path:"recipient_id" format:"uuid"`
	Body        notedBody
}

type notedBody struct {
	Kind       string            `json:"kind" enum:"call_received,walk_in,village_answer"`
	OccurredAt time.Time         `json:"occurred_at,omitzero" doc:"Now when left out"`
	Note       string            `json:"note,omitempty" maxLength:"8000"`
	CheckInID  carelog.CheckInID `json:"check_in_id,omitzero" format:"uuid" doc:"Of a village answer given by phone: the check-in it answers"`
	Digit      int               `json:"digit,omitempty" doc:"Of a village answer: 1 safe, 2 difficulty, 3 not seen"`
}

func (s *server) noteContact(ctx context.Context, by carelog.Actor, in *noting) (*made[entryBody], error) {
	b := in.Body
	entry, err := s.Log.NoteContact(ctx, by, in.RecipientID, carelog.UnplannedContact{
		Kind: b.Kind, OccurredAt: b.OccurredAt, Note: b.Note, CheckIn: b.CheckInID, Digit: b.Digit,
	})
	if err != nil {
		return nil, err
	}
	return &made[entryBody]{Location: "/v1/recipients/" + in.RecipientID.String() + "/history", Body: showEntry(entry)}, nil
}
