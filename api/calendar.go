package api

import (
	"context"
	"mime"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

const jsonType = "application/json"

// daysBody is what a change of the working days moves, or would move.
type daysBody struct {
	Preview    bool              `json:"preview" doc:"Nothing was kept"`
	Days       []changedDayBody  `json:"days" nullable:"false" doc:"From today on, in order"`
	CheckIns   int               `json:"check_ins" doc:"That move"`
	Recipients int               `json:"recipients"`
	Offices    []officeMovesBody `json:"offices" nullable:"false" doc:"Most check-ins first"`
	Moves      []moveBody        `json:"moves" nullable:"false" doc:"The first of them by the date they had"`
}

type changedDayBody struct {
	Date   calendar.Date `json:"date" format:"date"`
	Worked bool          `json:"worked" doc:"From now on"`
	Name   string        `json:"name"`
}

type officeMovesBody struct {
	OfficeID   carelog.OfficeID `json:"office_id" format:"uuid"`
	Name       string           `json:"name"`
	CheckIns   int              `json:"check_ins"`
	Recipients int              `json:"recipients"`
}

type moveBody struct {
	CheckInID   carelog.CheckInID   `json:"check_in_id" format:"uuid"`
	PlanID      carelog.PlanID      `json:"plan_id" format:"uuid"`
	RecipientID carelog.RecipientID `json:"recipient_id" format:"uuid"`
	Step        string              `json:"step"`
	From        calendar.Date       `json:"from,omitzero" format:"date"`
	To          calendar.Date       `json:"to,omitzero" format:"date"`
}

func showDays(d carelog.DaysChanged) daysBody {
	body := daysBody{
		Preview: d.Preview, CheckIns: d.CheckIns, Recipients: d.Recipients,
		Days: make([]changedDayBody, len(d.Days)), Offices: make([]officeMovesBody, len(d.Offices)), Moves: make([]moveBody, len(d.Moves)),
	}
	for i, day := range d.Days {
		body.Days[i] = changedDayBody(day)
	}
	for i, o := range d.Offices {
		body.Offices[i] = officeMovesBody{o.Office, o.Name, o.CheckIns, o.Recipients}
	}
	for i, m := range d.Moves {
		body.Moves[i] = moveBody{m.CheckIn, m.Plan, m.Recipient, m.Step, m.From, m.To}
	}
	return body
}

type noticeBody struct {
	NoticeID  carelog.NoticeID `json:"notice_id,omitzero" format:"uuid" doc:"Left out in the preview of an import"`
	Year      int              `json:"year"`
	Unchanged bool             `json:"unchanged" doc:"The notice in force says the same: nothing was done"`
	daysBody
}

func showImport(made carelog.HolidayImport, err error) (*answer[noticeBody], error) {
	if err != nil {
		return nil, err
	}
	return &answer[noticeBody]{noticeBody{made.Notice, made.Year, made.Unchanged, showDays(made.DaysChanged)}}, nil
}

// PreviewQuery is exported because Huma reads no unexported embedded field.
type PreviewQuery struct {
	Preview bool `query:"preview" doc:"Tell what would move, keep nothing"`
}

// importHolidays reads the body from the guard: the file is checked as it is, key
// by key, which says more than a schema would.
func (s *server) importHolidays(ctx context.Context, by carelog.Actor, in *PreviewQuery) (*answer[noticeBody], error) {
	c := callOf(ctx)
	if kind, _, _ := mime.ParseMediaType(c.contentType); kind != jsonType {
		return nil, newProblem(http.StatusUnsupportedMediaType, "send the year's file as "+jsonType)
	}
	return showImport(s.Log.ImportHolidays(ctx, by, c.body, carelog.ImportHolidaysOptions{Preview: in.Preview}))
}

type rollingBack struct {
	NoticeID carelog.NoticeID `path:"notice_id" format:"uuid"`
	PreviewQuery
}

func (s *server) rollBackHolidays(ctx context.Context, by carelog.Actor, in *rollingBack) (*answer[noticeBody], error) {
	return showImport(s.Log.RollBackHolidays(ctx, by, in.NoticeID, carelog.ImportHolidaysOptions{Preview: in.Preview}))
}

type closureBody struct {
	OfficeID carelog.OfficeID `json:"office_id,omitzero" format:"uuid" doc:"Your own when left out; those below it close with it"`
	From     calendar.Date    `json:"from" format:"date" example:"2026-12-01"`
	Until    calendar.Date    `json:"until,omitzero" format:"date" doc:"Included; the first day when left out"`
	Worked   bool             `json:"worked,omitempty" doc:"These rest days are worked, instead of closed"`
	Name     string           `json:"name" maxLength:"100" doc:"For people, kept in clear: no personal facts" example:"\u66b4\u96ea\u505c\u529e\u516c"`
	Reason   string           `json:"reason" enum:"disaster,weather,power_cut,relocation,local_holiday,training,emergency_work,other"`
}

type closingOffice struct {
	PreviewQuery
	Body closureBody
}

type closureMadeBody struct {
	ClosureID carelog.ClosureID `json:"closure_id,omitzero" format:"uuid" doc:"Left out in the preview of a new one"`
	daysBody
}

func showClosure(made carelog.ClosureChange, err error) (*answer[closureMadeBody], error) {
	if err != nil {
		return nil, err
	}
	return &answer[closureMadeBody]{closureMadeBody{made.Closure, showDays(made.DaysChanged)}}, nil
}

func (s *server) closeOffice(ctx context.Context, by carelog.Actor, in *closingOffice) (*answer[closureMadeBody], error) {
	b := in.Body
	return showClosure(s.Log.CloseOffice(ctx, by, carelog.Closure{
		Office: b.OfficeID, From: b.From, Until: b.Until, Worked: b.Worked, Name: b.Name, Reason: b.Reason, Preview: in.Preview,
	}))
}

type endingClosure struct {
	ClosureID carelog.ClosureID `path:"closure_id" format:"uuid"`
	PreviewQuery
}

func (s *server) endClosure(ctx context.Context, by carelog.Actor, in *endingClosure) (*answer[closureMadeBody], error) {
	return showClosure(s.Log.EndClosure(ctx, by, in.ClosureID, in.Preview))
}

type calendarBody struct {
	Year     int          `json:"year"`
	Official bool         `json:"official" doc:"The notice is known; else the law's days, provisional and without make-up days"`
	Days     []dayBody    `json:"days" nullable:"false" doc:"What a notice, the law or your office singles out; the others are weekdays and weekends"`
	Notices  []takenBody  `json:"notices" nullable:"false" doc:"Every import, newest first; of the active ones the newest is in force"`
	Closures []closedBody `json:"closures" nullable:"false" doc:"Of your office and those above it"`
}

type dayBody struct {
	Date     calendar.Date `json:"date" format:"date"`
	Off      bool          `json:"off"`
	Name     string        `json:"name"`
	Source   string        `json:"source"`
	Official bool          `json:"official"`
}

type takenBody struct {
	NoticeID     carelog.NoticeID `json:"notice_id" format:"uuid"`
	Papers       []string         `json:"papers" nullable:"false"`
	State        string           `json:"state" enum:"active,rolled_back"`
	ImportedAt   time.Time        `json:"imported_at"`
	RolledBackAt *time.Time       `json:"rolled_back_at,omitempty"`
}

type closedBody struct {
	ClosureID carelog.ClosureID `json:"closure_id" format:"uuid"`
	OfficeID  carelog.OfficeID  `json:"office_id" format:"uuid"`
	From      calendar.Date     `json:"from" format:"date"`
	Until     calendar.Date     `json:"until" format:"date"`
	Worked    bool              `json:"worked"`
	Name      string            `json:"name"`
	Reason    string            `json:"reason"`
	EndedOn   calendar.Date     `json:"ended_on,omitzero" format:"date" doc:"From this day on it holds no longer"`
}

type yearPath struct {
	Year int `path:"year" minimum:"2000" maximum:"2199" example:"2027"`
}

func (s *server) readCalendar(ctx context.Context, by carelog.Actor, in *yearPath) (*answer[calendarBody], error) {
	year, err := s.Log.Calendar(ctx, by, in.Year)
	if err != nil {
		return nil, err
	}
	body := calendarBody{
		Year: year.Year, Official: year.Official,
		Days: make([]dayBody, len(year.Days)), Notices: make([]takenBody, len(year.Notices)), Closures: make([]closedBody, len(year.Closures)),
	}
	for i, d := range year.Days {
		body.Days[i] = dayBody(d)
	}
	for i, n := range year.Notices {
		body.Notices[i] = takenBody{n.ID, n.Papers, n.State, n.ImportedAt, n.RolledBack}
	}
	for i, c := range year.Closures {
		body.Closures[i] = closedBody{c.ID, c.Office, c.From, c.Until, c.Worked, c.Name, c.Reason, c.EndedOn}
	}
	return &answer[calendarBody]{body}, nil
}

// describeHolidays writes down the body that Huma does not read itself.
func describeHolidays(op *huma.Operation) {
	text := &huma.Schema{Type: huma.TypeString}
	day := &huma.Schema{
		Type: huma.TypeObject, Required: []string{"name", "date", "isOffDay"}, AdditionalProperties: false,
		Properties: map[string]*huma.Schema{"name": text, "date": {Type: huma.TypeString, Format: "date"}, "isOffDay": {Type: huma.TypeBoolean}},
	}
	file := &huma.Schema{
		Type: huma.TypeObject, Required: []string{"year", "papers", "days"}, Description: "Its own schema and id keys may stand in it; other keys are refused.",
		Properties: map[string]*huma.Schema{
			"year":   {Type: huma.TypeInteger},
			"papers": {Type: huma.TypeArray, Items: text}, "days": {Type: huma.TypeArray, Items: day},
		},
	}
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{jsonType: {Schema: file}}}
}
