package api

import (
	"context"
	"time"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

type sentenceBody struct {
	English string `json:"english"`
	Chinese string `json:"chinese"`
}

type becauseBody struct {
	Kind    string        `json:"kind" enum:"template,calendar,tier,rule,ladder,cap,hours,plan,contact,person,event,carrier,message" doc:"What sort of thing led to it"`
	Ref     string        `json:"ref,omitempty" doc:"The step, rule, check-in or message it names"`
	On      calendar.Date `json:"on,omitzero" format:"date" doc:"The day it is about"`
	At      *time.Time    `json:"at,omitempty" doc:"When it happened, or is planned for"`
	English string        `json:"english"`
	Chinese string        `json:"chinese"`
}

type explanationBody struct {
	Subject string        `json:"subject" enum:"check_in,message,alert,recipient"`
	ID      string        `json:"id" format:"uuid"`
	Answer  sentenceBody  `json:"answer" doc:"The answer in one sentence"`
	Because []becauseBody `json:"because" nullable:"false" doc:"What led to it, in the order it took effect"`
}

func showExplanation(e carelog.Explanation, err error) (*answer[explanationBody], error) {
	if err != nil {
		return nil, err
	}
	body := explanationBody{Subject: e.Subject, ID: e.ID, Answer: sentenceBody(e.Answer), Because: []becauseBody{}}
	for _, b := range e.Because {
		body.Because = append(body.Because, becauseBody{b.Kind, b.Ref, b.On, b.At, b.English, b.Chinese})
	}
	return &answer[explanationBody]{body}, nil
}

func (s *server) explainCheckIn(ctx context.Context, by carelog.Actor, in *checkInPath) (*answer[explanationBody], error) {
	return showExplanation(s.Log.ExplainCheckIn(ctx, by, in.CheckInID))
}

type messagePath struct {
	MessageID carelog.MessageID `path:"message_id" format:"uuid"`
}

func (s *server) explainMessage(ctx context.Context, by carelog.Actor, in *messagePath) (*answer[explanationBody], error) {
	return showExplanation(s.Log.ExplainMessage(ctx, by, in.MessageID))
}

func (s *server) explainSilence(ctx context.Context, by carelog.Actor, in *recipientPath) (*answer[explanationBody], error) {
	return showExplanation(s.Log.ExplainSilence(ctx, by, in.RecipientID))
}

func (s *server) explainAlert(ctx context.Context, by carelog.Actor, in *alertPath) (*answer[explanationBody], error) {
	return showExplanation(s.Log.ExplainAlert(ctx, by, in.AlertID))
}
