package api

import (
	"context"
	"time"

	"aftercare/carelog"
)

type textingBody struct {
	OfficeID       carelog.OfficeID `json:"office_id" format:"uuid"`
	Mode           string           `json:"mode" enum:"on,off,pilot"`
	SegmentsAMonth int              `json:"segments_a_month" doc:"The quota; 0: none. It is told when it is nearly and when it is wholly spent, and holds nothing back"`
	RequestsADay   int              `json:"requests_a_day" doc:"To one number of a village contact"`
	RequestsAWeek  int              `json:"requests_a_week"`
	Together       bool             `json:"together" doc:"Requests to one contact that are due together go out in one text"`
	Language       string           `json:"language" doc:"Of its texts; what is not worded in it goes out in zh"`
	Messages       int              `json:"messages" doc:"Taken by carriers this month"`
	Segments       int              `json:"segments"`
	Fen            int64            `json:"fen" doc:"What they cost"`
}

type officePath struct {
	OfficeID carelog.OfficeID `path:"office_id" format:"uuid"`
}

func (s *server) readTexting(ctx context.Context, by carelog.Actor, in *officePath) (*answer[textingBody], error) {
	t, err := s.Log.TextingOf(ctx, by, in.OfficeID)
	if err != nil {
		return nil, err
	}
	return &answer[textingBody]{textingBody{t.Office, t.Mode, t.SegmentsAMonth, t.RequestsADay, t.RequestsAWeek, t.Together, t.Language, t.Messages, t.Segments, t.Fen}}, nil
}

type settingTexting struct {
	OfficeID carelog.OfficeID `path:"office_id" format:"uuid"`
	Body     struct {
		Mode           string `json:"mode" enum:"on,off,pilot" doc:"off: nothing leaves; pilot: only to listed numbers"`
		SegmentsAMonth int    `json:"segments_a_month" minimum:"0" doc:"0: no quota"`
		RequestsADay   int    `json:"requests_a_day" minimum:"1" maximum:"50"`
		RequestsAWeek  int    `json:"requests_a_week" minimum:"1" maximum:"50"`
		Together       bool   `json:"together" doc:"Requests to one contact that are due together go out in one text"`
		Language       string `json:"language,omitempty" maxLength:"12" doc:"Of its texts, where a wording in it is in force; absent: as it is"`
		Reason         string `json:"reason" maxLength:"2000" doc:"Stands in the audit"`
	}
}

func (s *server) setTexting(ctx context.Context, by carelog.Actor, in *settingTexting) (*struct{}, error) {
	b := in.Body
	return nil, s.Log.SetTexting(ctx, by, carelog.Texting{
		Office: in.OfficeID, Mode: b.Mode, SegmentsAMonth: b.SegmentsAMonth, RequestsADay: b.RequestsADay, RequestsAWeek: b.RequestsAWeek, Together: b.Together, Language: b.Language,
	}, b.Reason)
}

type allowingNumber struct {
	OfficeID carelog.OfficeID `path:"office_id" format:"uuid"`
	Body     struct {
		Phone   string `json:"phone" maxLength:"40" doc:"Only its last four digits are kept readable"`
		Allowed bool   `json:"allowed"`
	}
}

func (s *server) allowNumber(ctx context.Context, by carelog.Actor, in *allowingNumber) (*struct{}, error) {
	return nil, s.Log.AllowNumber(ctx, by, in.OfficeID, in.Body.Phone, in.Body.Allowed)
}

type lineBody struct {
	LineID    carelog.LineID   `json:"line_id" format:"uuid"`
	OfficeID  carelog.OfficeID `json:"office_id" format:"uuid"`
	Carrier   string           `json:"carrier"`
	Ending    string           `json:"ending" doc:"The last four digits of its number"`
	PerSecond int              `json:"per_second" doc:"Texts a second, of all processes together"`
	Now       float64          `json:"now" doc:"Texts a second at this moment: less while the carrier says \"too many\""`
	SlowedAt  *time.Time       `json:"slowed_at"`
	Fen       int              `json:"fen" doc:"A segment"`
}

type linesBody struct {
	Lines []lineBody `json:"lines" nullable:"false"`
}

func (s *server) listLines(ctx context.Context, by carelog.Actor, _ *struct{}) (*answer[linesBody], error) {
	found, err := s.Log.Paces(ctx, by)
	if err != nil {
		return nil, err
	}
	all := linesBody{Lines: []lineBody{}}
	for _, p := range found {
		all.Lines = append(all.Lines, lineBody{p.Line, p.Office, p.Carrier, p.Ending, p.PerSecond, p.Now, p.SlowedAt, p.Fen})
	}
	return &answer[linesBody]{all}, nil
}

type pacing struct {
	LineID carelog.LineID `path:"line_id" format:"uuid"`
	Body   struct {
		PerSecond int `json:"per_second" minimum:"1" maximum:"1000000"`
		Fen       int `json:"fen" minimum:"0" maximum:"1000"`
	}
}

func (s *server) setPace(ctx context.Context, by carelog.Actor, in *pacing) (*struct{}, error) {
	return nil, s.Log.SetPace(ctx, by, in.LineID, in.Body.PerSecond, in.Body.Fen)
}

type testSentBody struct {
	MessageID carelog.MessageID `json:"message_id" format:"uuid"`
}

func (s *server) sendTest(ctx context.Context, by carelog.Actor, _ *struct{}) (*answer[testSentBody], error) {
	id, err := s.Log.SendTest(ctx, by)
	if err != nil {
		return nil, err
	}
	return &answer[testSentBody]{testSentBody{id}}, nil
}
