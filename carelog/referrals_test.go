package carelog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// referred is a county with one recipient and a partner.
func referred(t *testing.T) (c *county, made carelog.Enrolled, partner carelog.PartnerID) {
	t.Helper()
	c = newCounty(t)
	made = c.enrol("A-1", 3)
	partner, err := c.app.AddPartner(c.ctx(), c.officer, carelog.NewPartner{Name: "沂源县民政局", Kind: "civil_affairs", Contact: "周某", Phone: "15400000555"})
	require.NoError(t, err)
	return c, made, partner
}

func (c *county) draft(made carelog.Enrolled, partner carelog.PartnerID, measure carelog.Measure) carelog.Referral {
	c.t.Helper()
	r, err := c.app.DraftReferral(c.ctx(), c.officer, made.Recipient, carelog.NewReferral{Measure: measure, Partner: partner, Need: "冬天缺煤"})
	require.NoError(c.t, err)
	return r
}

// sent is a drafted referral that went out on Tuesday.
func (c *county) sent(made carelog.Enrolled, partner carelog.PartnerID) carelog.Referral {
	c.t.Helper()
	r, err := c.app.SendReferral(c.ctx(), c.officer, c.draft(made, partner, "dibao").ID, carelog.Sending{Ground: "consent", Disclosed: []string{"name", "income"}})
	require.NoError(c.t, err)
	return r
}

func (c *county) granted(made carelog.Enrolled, partner carelog.PartnerID, until calendar.Date) carelog.Referral {
	c.t.Helper()
	r, err := c.app.DecideReferral(c.ctx(), c.officer, c.sent(made, partner).ID, carelog.Decision{Outcome: "granted", ExpiresOn: until, Document: "沂民〔2026〕7号"})
	require.NoError(c.t, err)
	return r
}

func (c *county) watch() int {
	c.t.Helper()
	n, err := c.work.WatchReferrals(c.ctx(), 100)
	require.NoError(c.t, err)
	return n
}

// referral reads a referral with its steps.
func (c *county) referral(recipient carelog.RecipientID) carelog.Referral {
	c.t.Helper()
	list, err := c.app.ReferralsOf(c.ctx(), c.boss, recipient)
	require.NoError(c.t, err)
	require.Len(c.t, list, 1)
	return list[0]
}

func TestReferrals(t *testing.T) {
	t.Parallel()

	t.Run("GoFromDraftToGrantedWithEveryStepInTheHistory", func(t *testing.T) {
		t.Parallel()
		c, made, partner := referred(t)
		r := c.sent(made, partner)
		require.Equal(t, "sent", r.State)
		require.Equal(t, calendar.New(2026, 12, 1), r.AcknowledgeBy, "five working days")
		require.Equal(t, calendar.New(2026, 12, 22), r.DecideBy, "twenty working days")
		require.Equal(t, r.AcknowledgeBy, r.DueOn)
		r, err := c.app.AcknowledgeReferral(c.ctx(), c.officer, r.ID, carelog.Acknowledgement{})
		require.NoError(t, err)
		require.Equal(t, r.DecideBy, r.DueOn)
		r, err = c.app.DecideReferral(c.ctx(), c.officer, r.ID, carelog.Decision{Outcome: "granted", ExpiresOn: calendar.New(2027, 11, 30), Evidence: "看到低保证"})
		require.NoError(t, err)
		require.Equal(t, calendar.Of(tuesday), r.EffectiveFrom)
		require.True(t, r.DueOn.IsZero())
		shown := c.referral(made.Recipient)
		require.Len(t, shown.Steps, 4)
		require.Equal(t, "冬天缺煤", shown.Steps[0].Said["need"])
		require.Equal(t, "看到低保证", shown.Steps[3].Said["proof"])
		require.Subset(t, c.kinds(made.Recipient), []string{"referral_drafted", "referral_sent", "referral_acknowledged", "referral_granted"})
		var disclosure string
		for _, e := range c.history(made.Recipient) {
			if e.Kind == "referral_sent" {
				disclosure = string(e.Details)
			}
		}
		require.Contains(t, disclosure, `"ground":"consent"`)
		require.Contains(t, disclosure, `"disclosed":["name","income"]`)
		c.keeps()
	})

	t.Run("KeepNothingOfWhatIsSaidInTheClear", func(t *testing.T) {
		t.Parallel()
		c, made, partner := referred(t)
		c.granted(made, partner, calendar.New(2027, 11, 30))
		for _, at := range [][2]string{{"referral_steps", "sealed"}, {"referrals", "partner_name"}, {"partners", "sealed"}, {"tasks", "reason"}, {"history", "payload"}} {
			for _, value := range c.values(at[0], at[1]) {
				for _, secret := range []string{"冬天缺煤", "沂民", "周某", "15400000555"} {
					require.NotContains(t, string(value), secret, at)
				}
			}
		}
	})

	t.Run("TellEverythingThatIsWrong", func(t *testing.T) {
		t.Parallel()
		c, made, partner := referred(t)
		_, err := c.app.DraftReferral(c.ctx(), c.officer, made.Recipient, carelog.NewReferral{Measure: "money"})
		require.ElementsMatch(t, []string{"measure", "partner_id", "need"}, fields(t, err))
		r := c.draft(made, partner, "dibao")
		_, err = c.app.SendReferral(c.ctx(), c.officer, r.ID, carelog.Sending{
			Ground: "curiosity", Disclosed: []string{"secrets"}, At: tuesday.Add(time.Hour), AcknowledgeBy: calendar.New(2026, 11, 1), DecideBy: calendar.New(2026, 10, 1),
		})
		require.ElementsMatch(t, []string{"ground", "disclosed[0]", "at", "acknowledge_by", "decide_by"}, fields(t, err))
		_, err = c.app.DecideReferral(c.ctx(), c.officer, r.ID, carelog.Decision{Outcome: "granted", NoEnd: true})
		require.Equal(t, carelog.Conflict, carelog.KindOf(err), "a draft is not decided")
		r = func() carelog.Referral {
			r, err := c.app.SendReferral(c.ctx(), c.officer, r.ID, carelog.Sending{Ground: "consent", Disclosed: []string{"name"}})
			require.NoError(t, err)
			return r
		}()
		for name, d := range map[string]carelog.Decision{
			"expires_on": {Outcome: "granted"}, "no_end": {Outcome: "granted", NoEnd: true, ExpiresOn: calendar.New(2027, 1, 1)},
			"reason": {Outcome: "refused"}, "outcome": {Outcome: "perhaps"}, "on": {Outcome: "granted", NoEnd: true, On: calendar.New(2026, 11, 25)},
		} {
			_, err = c.app.DecideReferral(c.ctx(), c.officer, r.ID, d)
			require.Equal(t, []string{name}, fields(t, err))
		}
	})

	t.Run("AreNotAskedTwiceOfOnePartner", func(t *testing.T) {
		t.Parallel()
		c, made, partner := referred(t)
		first := c.draft(made, partner, "dibao")
		_, err := c.app.DraftReferral(c.ctx(), c.officer, made.Recipient, carelog.NewReferral{Measure: "dibao", Partner: partner, Need: "x"})
		require.Equal(t, carelog.Conflict, carelog.KindOf(err))
		c.draft(made, partner, "temporary_aid")
		_, err = c.app.WithdrawReferral(c.ctx(), c.officer, first.ID, "家里不愿意")
		require.NoError(t, err)
		c.draft(made, partner, "dibao")
	})

	t.Run("BecomeWorkWhenNobodyAnswers", func(t *testing.T) {
		t.Parallel()
		c, made, partner := referred(t)
		r := c.sent(made, partner)
		c.clock.set(calendar.New(2026, 12, 1).At(18, 0))
		require.Zero(t, c.watch(), "due today is not late")
		c.clock.set(calendar.New(2026, 12, 2).At(6, 0))
		require.Equal(t, 1, c.watch())
		require.Equal(t, 1, c.tasks("referral_unanswered"))
		require.Zero(t, c.watch(), "looked at today")
		late, err := c.app.Referrals(c.ctx(), c.officer, carelog.ReferralFilter{Overdue: true, Page: carelog.Page{Limit: 10}})
		require.NoError(t, err)
		require.Len(t, late, 1)
		require.Equal(t, "马某某", late[0].MaskedName)
		_, err = c.app.AcknowledgeReferral(c.ctx(), c.officer, r.ID, carelog.Acknowledgement{})
		require.NoError(t, err)
		require.Zero(t, c.tasks("referral_unanswered"), "ended by the deed")
		c.clock.set(calendar.New(2026, 12, 23).At(6, 0))
		require.Equal(t, 1, c.watch())
		require.Equal(t, 1, c.tasks("referral_unanswered"), "the decision is late")
		c.clock.set(calendar.New(2026, 12, 30).At(6, 0))
		require.Equal(t, 1, c.watch())
		require.Equal(t, 1, c.tasks("referral_unanswered"), "still the one")
	})

	t.Run("AreBroughtUpWhenADraftLies", func(t *testing.T) {
		t.Parallel()
		c, made, partner := referred(t)
		c.draft(made, partner, "dibao")
		c.clock.set(calendar.New(2026, 12, 1).At(6, 0))
		require.Equal(t, 1, c.watch())
		require.Equal(t, 1, c.tasks("referral_unsent"))
	})

	t.Run("WarnBeforeABenefitLapsesAndLetItLapse", func(t *testing.T) {
		t.Parallel()
		c, made, partner := referred(t)
		c.granted(made, partner, calendar.New(2027, 3, 31))
		c.clock.set(calendar.New(2027, 2, 28).At(6, 0))
		require.Zero(t, c.watch(), "thirty-one days before")
		c.clock.set(calendar.New(2027, 3, 1).At(6, 0))
		require.Equal(t, 1, c.watch())
		require.Equal(t, 1, c.tasks("benefit_lapsing"))
		require.Equal(t, "granted", c.referral(made.Recipient).State)
		c.clock.set(calendar.New(2027, 3, 31).At(6, 0))
		require.Zero(t, c.watch(), "its last day")
		c.clock.set(calendar.New(2027, 4, 1).At(6, 0))
		require.Equal(t, 1, c.watch())
		require.Equal(t, "lapsed", c.referral(made.Recipient).State)
		require.Contains(t, c.kinds(made.Recipient), "referral_lapsed")
		c.clock.set(calendar.New(2028, 4, 1).At(6, 0))
		require.Zero(t, c.watch(), "nothing is left to look at")
	})

	t.Run("LastThroughTheirLastDay", func(t *testing.T) {
		t.Parallel()
		c, made, partner := referred(t)
		c.granted(made, partner, calendar.Of(tuesday))
		require.Equal(t, 1, c.watch())
		require.Equal(t, "granted", c.referral(made.Recipient).State)
		c.clock.set(tuesday.AddDate(0, 0, 1))
		require.Equal(t, 1, c.watch())
		require.Equal(t, "lapsed", c.referral(made.Recipient).State)
	})

	t.Run("CatchUpAfterALongSilence", func(t *testing.T) {
		t.Parallel()
		c, made, partner := referred(t)
		c.granted(made, partner, calendar.New(2026, 12, 31))
		c.clock.set(calendar.New(2027, 6, 1).At(6, 0))
		require.Equal(t, 1, c.watch())
		require.Equal(t, "lapsed", c.referral(made.Recipient).State)
		require.Equal(t, 1, c.tasks("benefit_lapsing"), "a lapse nobody foresaw is still told")
	})

	t.Run("AreRenewedAndWatchedForTheNewTerm", func(t *testing.T) {
		t.Parallel()
		c, made, partner := referred(t)
		r := c.granted(made, partner, calendar.New(2026, 12, 10)) // within the notice
		require.Equal(t, 1, c.watch())
		require.Equal(t, 1, c.tasks("benefit_lapsing"))
		_, err := c.app.RenewReferral(c.ctx(), c.officer, r.ID, carelog.Renewal{ExpiresOn: calendar.New(2026, 11, 1)})
		require.Equal(t, []string{"expires_on"}, fields(t, err))
		r, err = c.app.RenewReferral(c.ctx(), c.officer, r.ID, carelog.Renewal{ExpiresOn: calendar.New(2027, 12, 10)})
		require.NoError(t, err)
		require.Equal(t, "granted", r.State)
		require.Zero(t, c.tasks("benefit_lapsing"))
		c.clock.set(calendar.New(2027, 11, 9).At(6, 0))
		require.Zero(t, c.watch())
		c.clock.set(calendar.New(2027, 11, 10).At(6, 0))
		require.Equal(t, 1, c.watch())
	})

	t.Run("AreCorrectedBesideWhatWasSaid", func(t *testing.T) {
		t.Parallel()
		c, made, partner := referred(t)
		r := c.granted(made, partner, calendar.New(2027, 3, 31))
		_, err := c.app.CorrectReferral(c.ctx(), c.officer, r.ID, carelog.Decision{Outcome: "granted", NoEnd: true}, " ")
		require.Equal(t, []string{"reason"}, fields(t, err))
		r, err = c.app.CorrectReferral(c.ctx(), c.officer, r.ID, carelog.Decision{Outcome: "granted", NoEnd: true}, "看错了日期")
		require.NoError(t, err)
		require.True(t, r.NoEnd)
		steps := c.referral(made.Recipient).Steps
		require.Equal(t, "2027-03-31", steps[2].Said["expires_on"], "the old words stand")
		require.Equal(t, "2027-03-31", steps[3].Said["before_expires_on"])
		require.Equal(t, "看错了日期", steps[3].Said["correction"])
		c.clock.set(calendar.New(2027, 4, 1).At(6, 0))
		require.Zero(t, c.watch())
	})

	t.Run("AreTheOfficesOwn", func(t *testing.T) {
		t.Parallel()
		c, made, stranger := withSister(t)
		partner, err := c.app.AddPartner(c.ctx(), c.officer, carelog.NewPartner{Name: "沂源县民政局", Kind: "civil_affairs"})
		require.NoError(t, err)
		r := c.draft(made, partner, "dibao")
		for name, err := range map[string]error{
			"draft":    second(c.app.DraftReferral(c.ctx(), stranger, made.Recipient, carelog.NewReferral{Measure: "dibao", Partner: partner, Need: "x"})),
			"send":     second(c.app.SendReferral(c.ctx(), stranger, r.ID, carelog.Sending{})),
			"decide":   second(c.app.DecideReferral(c.ctx(), stranger, r.ID, carelog.Decision{})),
			"withdraw": second(c.app.WithdrawReferral(c.ctx(), stranger, r.ID, "x")),
			"read":     second(c.app.ReferralsOf(c.ctx(), stranger, made.Recipient)),
			"hints":    second(c.app.Hints(c.ctx(), stranger, made.Recipient)),
			"dismiss":  c.app.DismissHint(c.ctx(), stranger, made.Recipient, "legal_aid", "x"),
			"bar":      second(c.app.BarVillage(c.ctx(), stranger, made.Plan, "safety", "x")),
			"lift":     second(c.app.LiftBar(c.ctx(), stranger, made.Plan, "x")),
			"name":     second(c.app.NameContacts(c.ctx(), stranger, carelog.NewContacts{Plan: made.Plan, Reason: "x"})),
		} {
			require.Equal(t, carelog.NotFound, carelog.KindOf(err), name)
		}
		require.Zero(t, length(c.app.Referrals(c.ctx(), stranger, carelog.ReferralFilter{Page: carelog.Page{Limit: 10}}))(t))
		require.Zero(t, length(c.app.Partners(c.ctx(), stranger, carelog.Page{Limit: 10}))(t))
		require.Equal(t, carelog.Forbidden, carelog.KindOf(second(c.app.SendReferral(c.ctx(), c.admin, r.ID, carelog.Sending{}))))
	})
}

func TestHints(t *testing.T) {
	t.Parallel()
	measures := func(c *county, made carelog.Enrolled) (found []carelog.Measure) {
		hints, err := c.app.Hints(c.ctx(), c.officer, made.Recipient)
		require.NoError(t, err)
		for _, h := range hints {
			require.NotEmpty(t, h.Name)
			require.NotEmpty(t, h.Rule.Ref)
			require.NotEmpty(t, h.Rule.Effective)
			found = append(found, h.Measure)
		}
		return found
	}

	t.Run("NameLegalAidForEverybodyUntilItIsReferred", func(t *testing.T) {
		t.Parallel()
		c, made, partner := referred(t)
		require.Equal(t, []carelog.Measure{"legal_aid"}, measures(c, made))
		r := c.draft(made, partner, "legal_aid")
		require.Empty(t, measures(c, made))
		_, err := c.app.WithdrawReferral(c.ctx(), c.officer, r.ID, "已有律师")
		require.NoError(t, err)
		require.Empty(t, measures(c, made), "it was thought of")
	})
	t.Run("AreSetAsideWithAReason", func(t *testing.T) {
		t.Parallel()
		c, made, _ := referred(t)
		require.ElementsMatch(t, []string{"measure", "reason"}, fields(t, c.app.DismissHint(c.ctx(), c.officer, made.Recipient, "union_relief", "")))
		require.NoError(t, c.app.DismissHint(c.ctx(), c.officer, made.Recipient, "legal_aid", "已请律师"))
		require.Empty(t, measures(c, made))
		require.Contains(t, c.kinds(made.Recipient), "hint_dismissed")
	})
	t.Run("FollowTheFlagsOfTheWholeHousehold", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		e := c.enrolment("A-1", 3)
		e.Flags = []carelog.Flag{"chronic_illness"}
		e.Household = []carelog.Member{{Name: "小某", BornOn: calendar.New(2015, 1, 1)}, {Name: "老某", Flags: []carelog.Flag{"severe_disability"}}}
		made, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		require.ElementsMatch(t, []carelog.Measure{"legal_aid", "guardianship", "education_aid", "disability_cert", "disability_subsidy", "medical_aid", "dibao", "orphan_or_unsupported_child"}, measures(c, made))
	})
}
