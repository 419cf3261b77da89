package api

import (
	"context"
	"time"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

type absenceBody struct {
	AbsenceID  carelog.AbsenceID `json:"absence_id" format:"uuid"`
	UserID     carelog.UserID    `json:"user_id" format:"uuid"`
	UserName   string            `json:"user_name,omitempty"`
	From       calendar.Date     `json:"from" format:"date"`
	Until      calendar.Date     `json:"until" format:"date"`
	DeputyID   carelog.UserID    `json:"deputy_id" format:"uuid"`
	DeputyName string            `json:"deputy_name,omitempty"`
}

func showAbsence(a carelog.Absence) absenceBody {
	return absenceBody{a.ID, a.User, a.UserName, a.From, a.Until, a.Deputy, a.DeputyName}
}

func (s *server) listAbsences(ctx context.Context, by carelog.Actor, in *PageParams) (*listed[absenceBody], error) {
	const list = "absences"
	rows, err := in.after(list)
	if err != nil {
		return nil, err
	}
	found, err := s.Log.Absences(ctx, by, rows)
	if err != nil {
		return nil, err
	}
	return page(in, found, showAbsence, func(last carelog.Absence) position {
		return position{List: list, After: last.ID.String()}
	}), nil
}

type newAbsenceBody struct {
	UserID   carelog.UserID `json:"user_id,omitzero" format:"uuid" doc:"Yourself when left out"`
	From     calendar.Date  `json:"from" format:"date" doc:"The first day of the leave" example:"2026-12-01"`
	Until    calendar.Date  `json:"until" format:"date" doc:"The last day of the leave" example:"2026-12-04"`
	DeputyID carelog.UserID `json:"deputy_id" format:"uuid" doc:"Who gets the texts meanwhile: somebody of the same roles over the office"`
}

type absenceMadeBody struct {
	AbsenceID carelog.AbsenceID `json:"absence_id" format:"uuid"`
}

func (s *server) setAbsence(ctx context.Context, by carelog.Actor, in *struct{ Body newAbsenceBody }) (*answer[absenceMadeBody], error) {
	a := carelog.Absence{User: in.Body.UserID, From: in.Body.From, Until: in.Body.Until, Deputy: in.Body.DeputyID}
	if a.User.IsZero() {
		a.User = by.User
	}
	id, err := s.Log.SetAbsence(ctx, by, a)
	if err != nil {
		return nil, err
	}
	return &answer[absenceMadeBody]{absenceMadeBody{id}}, nil
}

type absencePath struct {
	AbsenceID carelog.AbsenceID `path:"absence_id" format:"uuid"`
}

func (s *server) endAbsence(ctx context.Context, by carelog.Actor, in *absencePath) (*struct{}, error) {
	return nil, s.Log.EndAbsence(ctx, by, in.AbsenceID)
}

type dutyBody struct {
	DutyID   carelog.DutyID   `json:"duty_id" format:"uuid"`
	OfficeID carelog.OfficeID `json:"office_id" format:"uuid"`
	UserID   carelog.UserID   `json:"user_id" format:"uuid"`
	UserName string           `json:"user_name,omitempty"`
	From     time.Time        `json:"from"`
	Until    time.Time        `json:"until"`
}

func showDuty(d carelog.Duty) dutyBody {
	return dutyBody{d.ID, d.Office, d.User, d.UserName, d.From, d.Until}
}

func (s *server) listDuties(ctx context.Context, by carelog.Actor, in *PageParams) (*listed[dutyBody], error) {
	const list = "duties"
	rows, err := in.after(list)
	if err != nil {
		return nil, err
	}
	found, err := s.Log.Duties(ctx, by, rows)
	if err != nil {
		return nil, err
	}
	return page(in, found, showDuty, func(last carelog.Duty) position {
		return position{List: list, After: last.ID.String()}
	}), nil
}

type newDutyBody struct {
	OfficeID carelog.OfficeID `json:"office_id,omitzero" format:"uuid" doc:"Your own when left out"`
	UserID   carelog.UserID   `json:"user_id" format:"uuid"`
	From     time.Time        `json:"from"`
	Until    time.Time        `json:"until" doc:"Two months later at most"`
}

type dutyMadeBody struct {
	DutyID carelog.DutyID `json:"duty_id" format:"uuid"`
}

func (s *server) setDuty(ctx context.Context, by carelog.Actor, in *struct{ Body newDutyBody }) (*answer[dutyMadeBody], error) {
	d := carelog.Duty{Office: in.Body.OfficeID, User: in.Body.UserID, From: in.Body.From, Until: in.Body.Until}
	if d.Office.IsZero() {
		d.Office = by.Office
	}
	id, err := s.Log.SetDuty(ctx, by, d)
	if err != nil {
		return nil, err
	}
	return &answer[dutyMadeBody]{dutyMadeBody{id}}, nil
}
