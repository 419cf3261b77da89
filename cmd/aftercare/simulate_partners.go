package main

import (
	"context"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// benefits are what a household that stands low is referred for.
var benefits = []carelog.Measure{"dibao", "temporary_aid", "medical_aid", "education_aid", "employment", "psych_support", "housing_aid", "legal_aid"}

// refer drafts a referral for one in two of the households that stood low when
// they were visited, while none is under way.
func (s *simulation) refer(ctx context.Context, o *simOfficer, h *household, d duty, today calendar.Date) error {
	r := s.dice.roll("refer", h.no, today)
	if !h.low() || r.IntN(2) == 0 || today.Before(h.referredOn.AddDays(120)) && !h.referredOn.IsZero() {
		return nil
	}
	h.referredOn = today
	_, err := o.office.door.DraftReferral(ctx, o.Actor, d.recipient, carelog.NewReferral{
		Measure: benefits[r.IntN(len(benefits))], Partner: o.office.partner, Need: "生活困难,需要帮助",
	})
	return s.did("DraftReferral", err)
}

// underWay is a referral that somebody still has to do something about.
type underWay struct {
	ID      carelog.ReferralID
	State   string
	Officer carelog.UserID
	Key     string
	Since   calendar.Date
	Expires calendar.Date
}

// followReferrals sends what was drafted, and has the partner body answer: mostly
// within days, one in eight never. What was granted for a time is renewed or lapses.
func (s *simulation) followReferrals(ctx context.Context, office *simOffice, today calendar.Date) error {
	rows, err := s.eyes.Query(ctx, `SELECT f.id, f.state, p.officer_id, r.external_id, (f.updated_at AT TIME ZONE 'Asia/Shanghai')::date, f.expires_on
		FROM referrals f JOIN care_plans p ON p.id = f.plan_id JOIN recipients r ON r.id = f.recipient_id
		WHERE f.office_id = $1 AND (f.state IN ('drafted', 'sent', 'acknowledged') OR f.state = 'granted' AND f.expires_on <= $2) ORDER BY f.id`,
		office.id, today.AddDays(20))
	if err != nil {
		return err
	}
	referrals, err := pgx.CollectRows(rows, pgx.RowToStructByPos[underWay])
	if err != nil {
		return err
	}
	for _, f := range referrals {
		by, there := s.actsFor(office, f.Officer, today)
		if !there {
			continue
		}
		if err := s.followReferral(ctx, office, by, f, today); err != nil {
			return err
		}
	}
	return nil
}

func (s *simulation) followReferral(ctx context.Context, office *simOffice, by carelog.Actor, f underWay, today calendar.Date) error {
	r := s.dice.roll("partner", f.Key, f.State, f.Since)
	silent := r.IntN(8) == 0
	waited := func(days int) bool { return !today.Before(f.Since.AddDays(days)) }
	var err error
	switch {
	case f.State == "drafted" && waited(1+r.IntN(4)):
		_, err = office.door.SendReferral(ctx, by, f.ID, carelog.Sending{Ground: "consent", Disclosed: []string{"name", "needs"}})
	case f.State == "sent" && waited(2+r.IntN(12)) && !silent:
		_, err = office.door.AcknowledgeReferral(ctx, by, f.ID, carelog.Acknowledgement{})
	case f.State == "acknowledged" && waited(5+r.IntN(40)) && !silent:
		decision := carelog.Decision{Outcome: "refused", Reason: "不符合条件"}
		if r.IntN(10) < 7 {
			decision = carelog.Decision{Outcome: "granted", EffectiveFrom: today, ExpiresOn: today.AddDays(90 + r.IntN(180))}
		}
		_, err = office.door.DecideReferral(ctx, by, f.ID, decision)
	case (f.State == "sent" || f.State == "acknowledged") && waited(90):
		_, err = office.door.WithdrawReferral(ctx, by, f.ID, "部门一直没有答复")
	case f.State == "granted" && r.IntN(2) == 0:
		_, err = office.door.RenewReferral(ctx, by, f.ID, carelog.Renewal{ExpiresOn: f.Expires.AddDays(180)})
	}
	return s.did("a referral", err)
}

// reportChild makes the report that the law asks for.
func (s *simulation) reportChild(ctx context.Context, office *simOffice, by carelog.Actor, c chore) error {
	return s.did("RecordReport", office.door.RecordReport(ctx, by, c.id, []carelog.MadeReport{{To: "police", At: s.clock.now(), Reference: "模拟-1", Person: "值班民警"}}))
}

// nameAnother names the village's other contact where the first one is out.
func (s *simulation) nameAnother(ctx context.Context, office *simOffice, by carelog.Actor, c chore) error {
	h := s.byKey[c.key]
	if h == nil || c.plan.IsZero() || len(h.village.contacts) < 2 || s.dice.roll("name", c.key).IntN(2) == 0 {
		return nil
	}
	_, err := office.door.NameContacts(ctx, by, carelog.NewContacts{Plan: c.plan, Primary: h.village.contacts[1].id, Reason: "原联系人不再负责"})
	return s.did("NameContacts", err)
}
