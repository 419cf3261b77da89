package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// warning is an open alert.
type warning struct {
	id        carelog.AlertID
	level     string
	opened    time.Time
	state     string
	key       string
	officer   carelog.UserID
	recipient carelog.RecipientID
}

// answerAlerts has whoever is responsible see to what is open: red the next time
// they look, by a call to the household; amber within a week, now and then put
// off; one in twenty was none.
func (s *simulation) answerAlerts(ctx context.Context, office *simOffice, today calendar.Date) error {
	rows, err := s.eyes.Query(ctx, `SELECT a.id, a.level, a.opened_at, a.state, r.external_id, p.officer_id, a.recipient_id
		FROM alerts a JOIN recipients r ON r.id = a.recipient_id LEFT JOIN care_plans p ON p.id = a.plan_id
		WHERE a.state <> 'closed' AND a.opened_at < $1 AND a.office_id = $2 ORDER BY a.id`, s.clock.now(), office.id)
	if err != nil {
		return err
	}
	warnings, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (w warning, err error) {
		err = row.Scan(&w.id, &w.level, &w.opened, &w.state, &w.key, &w.officer, &w.recipient)
		return w, err
	})
	if err != nil {
		return err
	}
	for _, w := range warnings {
		by, there := s.actsFor(office, w.officer, today)
		if !there {
			continue
		}
		if err := s.answerAlert(ctx, office, by, w, today); err != nil {
			return err
		}
	}
	return nil
}

func (s *simulation) answerAlert(ctx context.Context, office *simOffice, by carelog.Actor, w warning, today calendar.Date) error {
	r := s.dice.roll("alert", w.key, w.level, w.opened)
	wait := 1 + r.IntN(6)
	if w.level == "red" {
		wait = r.IntN(2)
	}
	outcome := "resolved"
	if r.IntN(20) == 0 {
		outcome = "false"
	}
	if day := calendar.Of(w.opened).AddDays(wait); today.Before(day) {
		switch {
		case w.state != "open" || r.IntN(3) == 0:
			return nil
		case w.level == "amber" && r.IntN(10) == 0:
			return s.did("Snooze", office.door.Snooze(ctx, by, w.id, s.clock.now().AddDate(0, 0, 2), "已约定后天上门"))
		default:
			return s.did("Acknowledge", office.door.Acknowledge(ctx, by, w.id))
		}
	}
	if w.level == "red" {
		if err := s.noteCall(ctx, office, by, w.recipient); err != nil {
			return err
		}
	}
	return s.did("CloseAlert", office.door.CloseAlert(ctx, by, w.id, outcome, "已核实处理"))
}

// noteCall records the call without which nothing red is done.
func (s *simulation) noteCall(ctx context.Context, office *simOffice, by carelog.Actor, recipient carelog.RecipientID) error {
	_, err := office.door.NoteContact(ctx, by, recipient, carelog.UnplannedContact{Kind: "call_received", Note: "已电话核实"})
	return s.did("NoteContact", err)
}

// actsFor is who does an officer's work today: the officer, whoever stands in, or
// for what is nobody's the head. During a leave that nobody recorded it is nobody.
func (s *simulation) actsFor(office *simOffice, officer carelog.UserID, today calendar.Date) (carelog.Actor, bool) {
	o := s.officerOf(officer)
	switch {
	case o == nil:
		return office.head, true
	case !s.away(o, today):
		return o.Actor, true
	case o.deputy != nil && !today.After(o.until) && !s.away(o.deputy, today):
		return o.deputy.Actor, true
	}
	return carelog.Actor{}, false
}
