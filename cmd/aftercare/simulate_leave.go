package main

import (
	"context"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// leave is when an officer is away in a half year: one to three weeks.
func (s *simulation) leave(o *simOfficer, half int) (from, until calendar.Date) {
	r := s.dice.roll("leave", o.no, half)
	from = s.from.AddDays(half*182 + r.IntN(160))
	return from, from.AddDays(6 + r.IntN(14))
}

// away tells whether an officer is on leave.
func (s *simulation) away(o *simOfficer, today calendar.Date) bool {
	if !s.faults[faultLeave] {
		return false
	}
	from, until := s.leave(o, today.Sub(s.from)/182)
	return !today.Before(from) && !today.After(until)
}

// recordLeaves has officers say in advance that they will be away and who stands
// in; one in five forgets. Once a month the head writes the duty roster.
func (s *simulation) recordLeaves(ctx context.Context, office *simOffice, today calendar.Date) error {
	if err := s.writeRoster(ctx, office, today); err != nil || !s.faults[faultLeave] {
		return err
	}
	for i, o := range office.officers {
		from, until := s.leave(o, today.AddDays(5).Sub(s.from)/182)
		r := s.dice.roll("recorded", o.no, from)
		if o.asked == from || today.Before(from.AddDays(-5)) || today.After(until) {
			continue
		}
		o.asked = from
		if r.IntN(5) == 0 || len(office.officers) == 1 {
			continue
		}
		deputy := office.officers[(i+1+r.IntN(len(office.officers)-1))%len(office.officers)]
		first := from
		if first.Before(today) {
			first = today
		}
		_, err := office.door.SetAbsence(ctx, o.Actor, carelog.Absence{User: o.User, From: first, Until: until, Deputy: deputy.User})
		if err := s.did("SetAbsence", err); err != nil {
			return err
		}
		if err == nil {
			o.deputy, o.until = deputy, until
		}
	}
	return nil
}

func (s *simulation) writeRoster(ctx context.Context, office *simOffice, today calendar.Date) error {
	month := calendar.New(today.Year(), today.Month(), 1)
	if office.roster == month {
		return nil
	}
	office.roster = month
	n := s.dice.roll("duty", office.no, month).IntN(len(office.officers))
	_, err := office.door.SetDuty(ctx, office.head, carelog.Duty{
		Office: office.id, User: office.officers[n].User, From: month.At(0, 0), Until: month.AddMonths(1).At(0, 0),
	})
	if err := s.did("SetDuty", err); err != nil {
		return err
	}
	return s.flood(ctx, office, today)
}

// flood closes an office for a few days now and then; twice in three it is open
// again sooner than was said.
func (s *simulation) flood(ctx context.Context, office *simOffice, today calendar.Date) error {
	r := s.dice.roll("flood", office.no, today)
	if r.IntN(9) > 0 {
		return nil
	}
	from := today.AddDays(1 + r.IntN(20))
	made, err := office.door.CloseOffice(ctx, s.admin, carelog.Closure{Office: office.id, From: from, Until: from.AddDays(2 + r.IntN(4)), Name: "防汛", Reason: "disaster"})
	if err == nil && r.IntN(3) > 0 {
		_, err = office.door.EndClosure(ctx, s.admin, made.Closure, false)
	}
	return s.did("CloseOffice", err)
}
