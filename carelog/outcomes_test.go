package carelog_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
)

// L26, the article's own case: 逯某某 of intellectual disability with two minor
// children, from enrolment until the subsistence allowance was granted, not sent.
func TestTheCaseOfLu(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	e := c.enrolment("LU-1", 3)
	e.Name, e.Alias, e.Flags = "逯某某", "3组老逯家", []carelog.Flag{"intellectual_disability"}
	e.Household = []carelog.Member{
		{Relation: "女儿", Name: "逯小某", BornOn: calendar.New(2014, 5, 2)}, {Relation: "儿子", Name: "逯二某", BornOn: calendar.New(2018, 9, 9)}, {Relation: "监护人", Name: "逯大某", BornOn: calendar.New(1960, 1, 1)},
	}
	made, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
	require.NoError(t, err)
	require.Equal(t, "K", made.Template, "the flag leads to a template")
	hints, err := c.app.Hints(c.ctx(), c.officer, made.Recipient)
	require.NoError(t, err)
	var measures []string
	for _, h := range hints {
		measures = append(measures, string(h.Measure))
	}
	require.Subset(t, measures, []string{"dibao", "disability_cert", "disability_subsidy", "guardianship", "education_aid", "fund_supervision", "legal_aid"})
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(measures))), len(measures), "no measure is named twice")

	// The baseline: the guardian speaks, the village is heard, the children are asked after.
	asking := carelog.CheckInRecord{Outcome: "reached", Informant: "guardian", AskedVillage: true, Scores: scores(t, "21222X3332"), Receipt: "full", Demands: "none"}
	done := c.record(c.step(made.Recipient, "baseline").ID, asking)
	require.Contains(t, done.Warnings, "a child lives here: every visit asks after its safety, care and schooling")
	asking.Scores, asking.Schooling = scores(t, "2122223332"), []carelog.ChildAtSchool{{Child: "女儿", Text: "上五年级，按时到校"}}
	again, err := c.app.CorrectRecord(c.ctx(), c.officer, done.Record, asking, "补记两个孩子的情况")
	require.NoError(t, err)
	require.NotContains(t, again.Warnings, "a child lives here: every visit asks after its safety, care and schooling")

	partner, err := c.app.AddPartner(c.ctx(), c.officer, carelog.NewPartner{Name: "沂源县民政局", Kind: "civil_affairs"})
	require.NoError(t, err)
	r, err := c.app.DraftReferral(c.ctx(), c.officer, made.Recipient, carelog.NewReferral{Measure: "dibao", Partner: partner, Need: "无固定收入"})
	require.NoError(t, err)
	r, err = c.app.SendReferral(c.ctx(), c.officer, r.ID, carelog.Sending{Ground: "guardian_consent", Disclosed: []string{"name", "income"}})
	require.NoError(t, err)
	outcome := func() carelog.Outcome {
		o, err := c.app.OutcomeOf(c.ctx(), c.boss, made.Recipient)
		require.NoError(t, err)
		return o
	}
	require.Equal(t, []int{1, 0}, []int{outcome().Sent, outcome().Granted}, "sent is not granted")
	c.clock.set(tuesday.AddDate(0, 0, 60))
	require.NotZero(t, c.watch())
	require.NotZero(t, c.count("SELECT count(*) FROM tasks WHERE kind = 'referral_unanswered'"), "it is followed until somebody answers")
	_, err = c.app.DecideReferral(c.ctx(), c.officer, r.ID, carelog.Decision{Outcome: "granted", Document: "沂民〔2026〕7号", ExpiresOn: calendar.Of(c.clock.now()).AddYears(1)})
	require.NoError(t, err)

	c.clock.set(tuesday.AddDate(0, 0, 90))
	_, err = c.app.NoteVisit(c.ctx(), c.officer, made.Recipient, "home", carelog.CheckInRecord{
		Outcome: "reached", Informant: "guardian", Scores: scores(t, "3333333333"), Schooling: []carelog.ChildAtSchool{{Text: "都好"}},
	})
	require.NoError(t, err)
	o := outcome()
	require.Equal(t, []int{1, 1}, []int{o.Sent, o.Granted})
	require.Equal(t, "granted", o.Referrals[0].State)
	require.Equal(t, 55, o.First.Index)
	require.Equal(t, 75, o.Last.Index)
	require.Contains(t, o.Improved, condition.Domain("income"))
	require.Empty(t, o.Worsened)
	require.NotZero(t, o.TasksClosed)
	require.Equal(t, 3, c.count("SELECT count(*) FROM audit WHERE act = 'outcome_read'"))
	c.keeps()
}

func TestTheOutcome(t *testing.T) {
	t.Parallel()
	t.Run("TellsTheWorstTierAndWhatWasAnswered", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 7)
		c.called(made, carelog.CheckInRecord{Receipt: "none", Demands: "none"})
		o, err := c.app.OutcomeOf(c.ctx(), c.boss, made.Recipient)
		require.NoError(t, err)
		require.Equal(t, []string{"red", "red"}, []string{o.WorstTier, o.Tier})
		require.Equal(t, 1, o.AlertsOpen)
		require.Nil(t, o.First)
	})
	t.Run("IsForThoseOfTheOffice", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 7)
		other := c.addUser(c.addOffice("370324", "邻县", carelog.OfficeID{}), "wang", "", carelog.Supervisor)
		_, err := c.app.OutcomeOf(c.ctx(), other, made.Recipient)
		require.Equal(t, carelog.NotFound, carelog.KindOf(err))
	})
}

// Each flag of domain 2 suggests measures; chronic illness alone chooses no template.
func TestEveryVulnerabilityHasItsSuggestions(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	for flag, want := range map[carelog.Flag][]carelog.Measure{
		"minor_victim":            {"psych_support", "fund_supervision", "guardianship"},
		"intellectual_disability": {"dibao", "disability_cert", "disability_subsidy", "fund_supervision", "guardianship"},
		"severe_disability":       {"dibao", "disability_cert", "disability_subsidy", "medical_aid"},
		"elderly_alone":           {"dibao", "tekun", "volunteer"},
		"widowed_with_dependants": {"dibao", "womens_fed"},
		"injured_veteran":         {"veteran_support"},
		"monitored_household":     {"dibao", "poverty_monitoring", "industry_support"},
		"chronic_illness":         {"dibao", "medical_aid"},
		"sexual_offence":          {"psych_support"},
	} {
		e := c.enrolment("H-"+string(flag), 3)
		e.Flags, e.Primary, e.Alias = []carelog.Flag{flag}, carelog.ContactID{}, ""
		made, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		hints, err := c.app.Hints(c.ctx(), c.officer, made.Recipient)
		require.NoError(t, err)
		var found []carelog.Measure
		for _, h := range hints {
			found = append(found, h.Measure)
		}
		require.ElementsMatch(t, append(want, "legal_aid"), found, flag)
	}
}
