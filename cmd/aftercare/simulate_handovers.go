package main

import (
	"context"
	"slices"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/schedule"
)

// leaving is a household that moved to another office's county.
type leaving struct {
	plan carelog.PlanID
	h    *household
	by   carelog.Actor
}

// offer is a hand-over that waits for its answer.
type offer struct {
	id        carelog.TransferID
	on        calendar.Date // when somebody answers, or takes it back
	from      *simOfficer   // who leaves; nil: a household
	to        *simOfficer
	forgotten bool // nobody answers, and it is taken back
	household *leaving
	office    *simOffice // the receiving one
}

// handOver is what concerns two offices or a whole desk, one at a time: households
// that moved are offered to another office, and now and then an officer leaves
// with a whole desk of plans.
func (s *simulation) handOver(ctx context.Context, today calendar.Date) error {
	if err := s.answerOffers(ctx, today); err != nil {
		return err
	}
	for _, o := range s.offices {
		for _, l := range o.leaving {
			if err := s.offerHousehold(ctx, o, l, today); err != nil {
				return err
			}
		}
		o.leaving = nil
	}
	if today == s.workdayAfter(s.span/2) {
		if err := s.reform(ctx); err != nil {
			return err
		}
	}
	if !s.faults[faultLeave] || len(s.officers) < 2 {
		return nil
	}
	for n, day := range []int{s.span * 2 / 5, s.span * 3 / 4} {
		if today == s.workdayAfter(day) {
			if err := s.leaveDesk(ctx, s.officers[n%len(s.officers)], n%2 == 1, today); err != nil {
				return err
			}
		}
	}
	return nil
}

// leaveDesk offers all of an officer's plans to a colleague in one act.
func (s *simulation) leaveDesk(ctx context.Context, from *simOfficer, forgotten bool, today calendar.Date) error {
	colleagues := from.office.officers
	to := colleagues[(slices.Index(colleagues, from)+1)%len(colleagues)]
	t, err := from.office.door.TransferPlans(ctx, from.office.head, carelog.NewTransfer{From: from.Login, To: to.Login, Reason: "岗位调整"})
	if err == nil {
		wait := 1
		if forgotten {
			wait = 9
		}
		s.offers = append(s.offers, offer{id: t.ID, on: today.AddDays(wait), from: from, to: to, forgotten: forgotten, office: from.office})
	}
	return s.did("TransferPlans", err)
}

func (s *simulation) offerHousehold(ctx context.Context, from *simOffice, l leaving, today calendar.Date) error {
	if l.h.office != from || s.onOffer(l.h) {
		return nil
	}
	to := s.offices[(from.no+1)%len(s.offices)]
	t, err := from.door.TransferToOffice(ctx, from.head, l.plan, to.code, "全家迁往该县")
	if err == nil {
		s.offers = append(s.offers, offer{id: t.ID, on: today.AddDays(1 + s.dice.roll("offer", l.h.no, today).IntN(6)), household: &l, office: to})
	}
	return s.did("TransferToOffice", err)
}

func (s *simulation) onOffer(h *household) bool {
	return slices.ContainsFunc(s.offers, func(o offer) bool { return o.household != nil && o.household.h == h })
}

// answerOffers has the receivers answer whose day has come: they accept, one in
// five declines, and what nobody answered is taken back and offered to the next.
func (s *simulation) answerOffers(ctx context.Context, today calendar.Date) error {
	open := s.offers
	s.offers = nil
	for _, o := range open {
		if today.Before(o.on) {
			s.offers = append(s.offers, o)
			continue
		}
		if err := s.answerOffer(ctx, o, today); err != nil {
			return err
		}
	}
	return nil
}

func (s *simulation) answerOffer(ctx context.Context, o offer, today calendar.Date) error {
	door := o.office.door
	switch {
	case o.forgotten:
		_, err := door.WithdrawTransfer(ctx, o.office.head, o.id, nil, "对方未答复")
		if err := s.did("WithdrawTransfer", err); err != nil {
			return err
		}
		return s.leaveDesk(ctx, o.from, false, today)
	case o.household == nil:
		_, err := door.AcceptTransfer(ctx, o.to.Actor, o.id, carelog.Acceptance{})
		if err == nil {
			for _, h := range s.households {
				if h.officer == o.from {
					h.officer = o.to
				}
			}
		}
		return s.did("AcceptTransfer", err)
	case o.household.h.no%5 == 0 && today.Sub(s.from)%2 == 0:
		_, err := door.DeclineTransfer(ctx, o.office.head, o.id, nil, "该户不在本县居住")
		return s.did("DeclineTransfer", err)
	}
	h := o.household.h
	officer, village := o.office.officers[h.no%len(o.office.officers)], o.office.villages[h.no%len(o.office.villages)]
	_, err := door.AcceptTransfer(ctx, o.office.head, o.id, carelog.Acceptance{Officer: officer.Login, Village: village.name, Primary: village.contacts[0].id})
	if err == nil {
		h.office, h.officer, h.village, h.movesOn = o.office, officer, village, calendar.Date{}
	}
	return s.did("AcceptTransfer", err)
}

// reform makes a new version of template G half way through, with more time for
// every phone call, and has every office move its running plans to it.
func (s *simulation) reform(ctx context.Context) error {
	versions, err := s.work.Templates(ctx, s.admin)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(versions, func(v carelog.TemplateVersion) bool { return v.Key == "G" })
	steps := slices.Clone(versions[i].Steps) // the newest version comes first
	for n := range steps {
		if steps[n].Kind == schedule.Phone {
			steps[n].LeadDays, steps[n].GraceWorkdays = steps[n].LeadDays+2, steps[n].GraceWorkdays+2
		}
	}
	if _, err := s.work.SaveTemplate(ctx, s.admin, "G", steps, carelog.TemplateOptions{Why: "电话回访给更多时间"}); err != nil {
		return s.did("SaveTemplate", err)
	}
	for _, o := range s.offices {
		for left := 1; left > 0; {
			moved, err := o.door.MovePlans(ctx, o.head, carelog.MovePlans{Template: "G"})
			if err := s.did("MovePlans", err); err != nil {
				return err
			}
			left = moved.Left
		}
	}
	return nil
}
