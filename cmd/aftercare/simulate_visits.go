package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
	"aftercare/carelog/schedule"
)

// see is one try at a check-in.
func (s *simulation) see(ctx context.Context, o *simOfficer, h *household, d duty, today calendar.Date) error {
	r := s.dice.roll("see", h.no, d.step, d.n, today)
	if d.kind == schedule.Village && d.asks {
		_, err := o.office.door.NoteContact(ctx, o.Actor, d.recipient, carelog.UnplannedContact{
			Kind: "village_answer", CheckIn: d.id, Digit: digitOf(r), Note: "电话询问村里",
		})
		return s.did("NoteContact", err)
	}
	record := carelog.CheckInRecord{Outcome: s.outcome(h, r, today), Note: "模拟回访", Informant: "self"}
	if record.Outcome == "reached" {
		s.observe(h, d, &record, r, today)
	}
	if r.IntN(30) == 0 && today.AddDays(-2).After(d.opens) {
		record.OccurredAt = s.clock.now().AddDate(0, 0, -2) // entered late
	}
	made, err := o.office.door.RecordCheckIn(ctx, o.Actor, d.id, record)
	if err := s.did("RecordCheckIn", err); err != nil {
		return err
	}
	if err == nil && made.Assessed && r.IntN(50) == 0 {
		h.toCorrect = append(h.toCorrect, mistake{made.Record, o.Actor, record, today.AddDays(2 + r.IntN(20))})
	}
	if d.kind == schedule.Home && record.Outcome == "reached" {
		return s.refer(ctx, o, h, d, today)
	}
	return nil
}

// observe writes what a visit that met them saw.
func (s *simulation) observe(h *household, d duty, record *carelog.CheckInRecord, r *rand.Rand, today calendar.Date) {
	record.Receipt, record.UseOfMoney = "full", "看病和孩子上学"
	home := d.kind == schedule.Home
	if home {
		s.live(h, today)
		record.AskedVillage = r.IntN(10) < 8
		if h.visits++; h.low() {
			h.good = 0
		} else {
			h.good++
		}
		if r.IntN(200) == 0 {
			flags := []condition.Flag{condition.ChildHarm, condition.SelfHarm, condition.Violence, condition.FundSeizure}
			record.Flags = append(record.Flags, flags[r.IntN(len(flags))])
		}
	}
	if d.scored {
		record.Scores = h.seen(home)
	}
}

// mistake is a record whose writer will find that a score was wrong.
type mistake struct {
	record carelog.RecordID
	by     carelog.Actor
	as     carelog.CheckInRecord
	on     calendar.Date
}

// agree has an officer settle a day with a household before a home visit: one in
// seven, some of them on a Sunday.
func (s *simulation) agree(ctx context.Context, o *simOfficer, h *household, d duty, today calendar.Date) error {
	r := s.dice.roll("agree", h.no, d.step, d.n)
	if d.kind != schedule.Home || h.agreed[d.id] || r.IntN(7) > 0 || !today.Before(d.due) {
		return nil
	}
	h.agreed[d.id] = true
	if r.IntN(3) == 0 {
		_, err := o.office.door.RescheduleCheckIn(ctx, o.Actor, d.id, s.days.NextWorkday(d.due), "家属外出,改期")
		return s.did("RescheduleCheckIn", err)
	}
	_, err := o.office.door.AgreeAppointment(ctx, o.Actor, d.id, carelog.Appointment{On: today.AddDays(1 + r.IntN(9)), At: "14:30", Reason: "与家属约定"})
	return s.did("AgreeAppointment", err)
}

// correctMistakes has officers mend what they wrote down wrongly.
func (s *simulation) correctMistakes(ctx context.Context, office *simOffice, today calendar.Date) error {
	for _, h := range s.households {
		if h.office != office || len(h.toCorrect) == 0 || today.Before(h.toCorrect[0].on) {
			continue
		}
		m := h.toCorrect[0]
		h.toCorrect = h.toCorrect[1:]
		scales := condition.Scale()
		domain := scales[s.dice.roll("mend", h.no, today).IntN(len(scales))].Domain
		points, scored := m.as.Scores.Of(domain).Points()
		if !scored {
			continue
		}
		m.as.Scores = m.as.Scores.With(domain, condition.ScoreOf(max(0, min(4, points+1-2*(points/3)))))
		_, err := office.door.CorrectRecord(ctx, m.by, m.record, m.as, "录入有误,核对后更正")
		if err := s.did("CorrectRecord", err); err != nil {
			return err
		}
	}
	return nil
}

// strikes has something befall a household now and then, about once in four years,
// and somebody tell of it; one report in ten was a mistake.
func (s *simulation) strikes(ctx context.Context, office *simOffice, today calendar.Date) error {
	for _, h := range s.households {
		if h.office != office || h.recipient.IsZero() || h.ended || (h.no+today.Sub(s.from))%61 != 0 {
			continue
		}
		r := s.dice.roll("event", h.no, today)
		if r.IntN(24) > 0 {
			continue
		}
		kinds := []string{"hospital", "hospital", "job_loss", "job_loss", "school_drop_out", "disaster", "offender_released", "offender_contact", "eviction", "new_disability", "death_of_carer", "guardian_change", "child_out_of_care"}
		id, err := office.door.ReportEvent(ctx, office.head, h.recipient, carelog.Event{
			Kind: kinds[r.IntN(len(kinds))], OccurredOn: today.AddDays(-r.IntN(5)), Source: "village_contact", Note: "来电反映",
		})
		if err := s.did("ReportEvent", err); err != nil {
			return err
		}
		if err == nil && r.IntN(10) == 0 {
			if err := s.did("WithdrawEvent", office.door.WithdrawEvent(ctx, office.head, id, "核实后并无此事")); err != nil {
				return err
			}
		}
	}
	return nil
}

// scoreBlind has the second officer give their own scores of a visit.
func (s *simulation) scoreBlind(ctx context.Context, office *simOffice, c chore) error {
	var scorer carelog.UserID
	err := s.eyes.QueryRow(ctx, "SELECT scorer_id FROM blind_scorings WHERE check_in_id = $1", c.checkIn).Scan(&scorer)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	by := office.head
	if o := s.officerOf(scorer); o != nil {
		by = o.Actor
	}
	_, err = office.door.ScoreBlind(ctx, by, c.checkIn, s.byKey[c.key].seen(true))
	return s.did("ScoreBlind", err)
}

// signOff has the head sign the visits that wait, ten a day.
func (s *simulation) signOff(ctx context.Context, office *simOffice) error {
	visits, err := office.door.VisitsToSign(ctx, office.head, carelog.Page{Limit: 10})
	if err != nil {
		return err
	}
	for _, v := range visits {
		if s.clock.now().Sub(v.RecordedAt) < 72*time.Hour {
			continue
		}
		if err := s.did("SignOff", office.door.SignOff(ctx, office.head, v.Record, "")); err != nil {
			return err
		}
	}
	return nil
}
