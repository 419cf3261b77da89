package api

import (
	"context"
	"time"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
)

type appointing struct {
	CheckInID carelog.CheckInID `path:"check_in_id" format:"uuid"`
	Body      appointBody
}

type appointBody struct {
	On     calendar.Date `json:"on" format:"date" doc:"Today or later; on a rest day, and outside the window, with a reason"`
	At     string        `json:"at" pattern:"^[0-2][0-9]:[0-5][0-9]$" example:"14:30" doc:"In Shanghai"`
	Reason string        `json:"reason,omitempty" maxLength:"2000" doc:"Needed to move what was agreed before"`
}

func (s *server) agreeAppointment(ctx context.Context, by carelog.Actor, in *appointing) (*answer[checkInBody], error) {
	c, err := s.Log.AgreeAppointment(ctx, by, in.CheckInID, carelog.Appointment{On: in.Body.On, At: in.Body.At, Reason: in.Body.Reason})
	if err != nil {
		return nil, err
	}
	return &answer[checkInBody]{showCheckIn(c)}, nil
}

type scoringBlind struct {
	CheckInID carelog.CheckInID `path:"check_in_id" format:"uuid"`
	Body      blindBody
}

type blindBody struct {
	Scores scoresBody `json:"scores" doc:"By domain; one left out was not observed"`
}

type agreementBody struct {
	CheckInID carelog.CheckInID `json:"check_in_id" format:"uuid"`
	Compared  int               `json:"compared" doc:"Domains that both scored"`
	Agreed    int               `json:"agreed" doc:"Of these, within one point"`
	Diverged  []string          `json:"diverged" nullable:"false" doc:"The others: the supervisor is told"`
}

func (s *server) scoreBlind(ctx context.Context, by carelog.Actor, in *scoringBlind) (*made[agreementBody], error) {
	scores, problems := condition.Parse(in.Body.Scores)
	if len(problems) > 0 {
		return nil, badField("scores."+problems[0].Field, "is no score of this scale")
	}
	found, err := s.Log.ScoreBlind(ctx, by, in.CheckInID, scores)
	if err != nil {
		return nil, err
	}
	body := agreementBody{found.CheckIn, found.Compared, found.Agreed, []string{}}
	for _, d := range found.Diverged {
		body.Diverged = append(body.Diverged, string(d))
	}
	return &made[agreementBody]{Location: "/v1/check-ins/" + in.CheckInID.String() + "/records", Body: body}, nil
}

type visitToSignBody struct {
	RecordID    carelog.RecordID    `json:"record_id" format:"uuid"`
	CheckInID   carelog.CheckInID   `json:"check_in_id,omitzero" format:"uuid"`
	RecipientID carelog.RecipientID `json:"recipient_id" format:"uuid"`
	MaskedName  string              `json:"masked_name" example:"马某某"`
	OccurredAt  time.Time           `json:"occurred_at"`
	RecordedAt  time.Time           `json:"recorded_at"`
	RecordedBy  carelog.UserID      `json:"recorded_by" format:"uuid"`
	Version     int                 `json:"version"`
	Late        bool                `json:"late"`
}

func (s *server) listVisitsToSign(ctx context.Context, by carelog.Actor, in *PageParams) (*listed[visitToSignBody], error) {
	const list = "visits to sign"
	rows, err := in.after(list)
	if err != nil {
		return nil, err
	}
	found, err := s.Log.VisitsToSign(ctx, by, rows)
	if err != nil {
		return nil, err
	}
	show := func(v carelog.VisitToSign) visitToSignBody {
		return visitToSignBody{v.Record, v.CheckIn, v.Recipient, v.MaskedName, v.OccurredAt, v.RecordedAt, v.RecordedBy, v.Version, v.Late}
	}
	return page(in, found, show, func(last carelog.VisitToSign) position {
		return position{List: list, After: last.Record.String()}
	}), nil
}

type signing struct {
	RecordID carelog.RecordID `path:"record_id" format:"uuid"`
	Body     signBody
}

type signBody struct {
	Comment string `json:"comment,omitempty" maxLength:"2000"`
}

func (s *server) signOffVisit(ctx context.Context, by carelog.Actor, in *signing) (*struct{}, error) {
	return nil, s.Log.SignOff(ctx, by, in.RecordID, in.Body.Comment)
}
