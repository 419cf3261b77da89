package carelog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// inParts is a household whose award of 5,000 yuan is released in two instalments
// of 1,000 beside what was paid at once, the first of which waits for a call.
func inParts(t *testing.T) (*county, carelog.Enrolled, carelog.Funds) {
	t.Helper()
	c := newCounty(t)
	e := c.enrolment("F-1", 3)
	e.Award.LossFen, e.Award.CompensationFen, e.Award.Hardship = 2_000_000, 300_000, "extreme"
	made, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
	require.NoError(t, err)
	today := calendar.Of(tuesday)
	funds, err := c.app.AgreeSupervision(c.ctx(), c.officer, made.Recipient, carelog.SupervisionAgreement{
		SignedOn: today, RecipientSide: "监护人马某", Village: "柿岭村村委会", Office: "沂源县人民检察院", Document: "三方监管2026-7", DocumentHash: make([]byte, 32),
		Instalments: []carelog.NewInstalment{
			{AmountFen: 100_000, DueOn: today.AddDays(5), Condition: "用于孩子学费", CheckIn: c.step(made.Recipient, "receipt").ID},
			{AmountFen: 100_000, DueOn: today.AddDays(40), Condition: "凭票据"},
		},
	})
	require.NoError(t, err)
	return c, made, funds
}

// called answers the questions about the money at the first contact.
func (c *county) called(made carelog.Enrolled, r carelog.CheckInRecord) carelog.Recorded {
	c.t.Helper()
	r.Outcome, r.Informant = "reached", "self"
	return c.record(c.step(made.Recipient, "receipt").ID, r)
}

var allIsWell = carelog.CheckInRecord{Receipt: "full", Demands: "none", Uses: []carelog.MoneyUse{{Category: "education", AmountFen: 50_000, Evidence: "document"}}}

func TestFunds(t *testing.T) {
	t.Parallel()

	t.Run("StandInTheFileWithLossCompensationAndGrade", func(t *testing.T) {
		t.Parallel()
		c, made, _ := inParts(t)
		funds, err := c.app.FundsOf(c.ctx(), c.boss, made.Recipient)
		require.NoError(t, err)
		require.Equal(t, []int64{500_000, 2_000_000, 300_000, 300_000}, []int64{funds.TotalFen, funds.LossFen, funds.CompensationFen, funds.ReleasedFen})
		require.Equal(t, "extreme", funds.Hardship)
		require.Equal(t, "监护人马某", funds.Agreement.RecipientSide)
		require.Equal(t, "用于孩子学费", funds.Instalments[0].Condition)
		require.Equal(t, 1, c.count("SELECT count(*) FROM audit WHERE act = 'funds_read'"))
	})

	t.Run("StandInNoText", func(t *testing.T) {
		t.Parallel()
		c, made, _ := inParts(t)
		c.called(made, carelog.CheckInRecord{Receipt: "full", Demands: "demanded"}) // red: everybody is texted
		for range 60 {
			c.later(24 * time.Hour)
			c.sweepAll()
			_, err := c.work.WatchInstalments(c.ctx(), 100)
			require.NoError(t, err)
			_, err = c.work.Escalate(c.ctx(), 100)
			require.NoError(t, err)
			for _, out := range c.send().Send {
				for _, word := range []string{"困难等级", "特别困难", "救助", "补偿", "损失", "分期", "监管", "元", "5000", "1000", "extreme"} {
					require.NotContains(t, out.Text, word)
				}
			}
		}
		require.NotZero(t, c.count("SELECT count(*) FROM messages WHERE dispatch = 'accepted'"))
	})

	t.Run("AnInstalmentWaitsForItsVisitAndIsReleasedByASecondPerson", func(t *testing.T) {
		t.Parallel()
		c, made, funds := inParts(t)
		chief := c.addUser(c.office, "chief", "", carelog.Supervisor, carelog.Officer)
		first, second := funds.Instalments[0].ID, funds.Instalments[1].ID
		release := func(by carelog.Actor, id carelog.InstalmentID) carelog.Kind {
			_, err := c.app.ReleaseInstalment(c.ctx(), by, id)
			return carelog.KindOf(err)
		}
		require.Equal(t, carelog.Conflict, release(c.boss, first), "the call is not made")
		require.Equal(t, carelog.Forbidden, release(c.officer, first), "an officer releases nothing")
		c.clock.set(tuesday.AddDate(0, 0, 4))
		check := c.step(made.Recipient, "receipt").ID
		_, err := c.app.RecordCheckIn(c.ctx(), chief, check, carelog.CheckInRecord{Outcome: "reached", Informant: "self", Receipt: "full"})
		require.NoError(t, err)
		require.Equal(t, carelog.Conflict, release(c.boss, first), "the questions were not answered")
		record := carelog.RecordID(c.id("SELECT id FROM check_in_records WHERE check_in_id = $1", check))
		fixed := allIsWell
		fixed.Outcome, fixed.Informant = "reached", "self"
		_, err = c.app.CorrectRecord(c.ctx(), chief, record, fixed, "补问资金使用")
		require.NoError(t, err)
		require.Equal(t, carelog.Forbidden, release(chief, first), "who made the call does not release")
		require.Zero(t, c.count("SELECT count(*) FROM instalments WHERE state = 'released'"))
		after, err := c.app.ReleaseInstalment(c.ctx(), c.boss, first)
		require.NoError(t, err)
		require.Equal(t, int64(400_000), after.ReleasedFen)
		require.Equal(t, carelog.Conflict, release(c.boss, first), "once")
		require.Equal(t, carelog.Conflict, release(c.boss, second), "no check-in is named")
		require.Contains(t, c.kinds(made.Recipient), "instalment_released")
	})

	t.Run("WhoDrewTheAgreementUpReleasesNothingOfIt", func(t *testing.T) {
		t.Parallel()
		c, made, funds := inParts(t)
		c.exec("UPDATE instalments SET drawn_up_by = $1", c.boss.User)
		c.clock.set(tuesday.AddDate(0, 0, 4))
		c.called(made, allIsWell)
		_, err := c.app.ReleaseInstalment(c.ctx(), c.boss, funds.Instalments[0].ID)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
	})

	t.Run("NothingIsReleasedWhileARedAlertIsOpen", func(t *testing.T) {
		t.Parallel()
		c, made, funds := inParts(t)
		c.clock.set(tuesday.AddDate(0, 0, 4))
		bad := allIsWell
		bad.Demands = "deducted"
		c.called(made, bad)
		_, err := c.app.ReleaseInstalment(c.ctx(), c.boss, funds.Instalments[0].ID)
		require.Equal(t, carelog.Conflict, carelog.KindOf(err))
		require.Contains(t, err.Error(), "red alert")
	})

	t.Run("ALateInstalmentBecomesATaskOnceAndEndsWithAnotherDay", func(t *testing.T) {
		t.Parallel()
		c, _, funds := inParts(t)
		watch := func() int {
			n, err := c.work.WatchInstalments(c.ctx(), 10)
			require.NoError(t, err)
			return n
		}
		require.Zero(t, watch())
		c.clock.set(tuesday.AddDate(0, 0, 6))
		require.Equal(t, 1, watch())
		require.Zero(t, watch())
		require.Equal(t, 1, c.tasks("instalment_late"))
		c.clock.set(tuesday.AddDate(0, 0, 14))
		watch()
		require.Equal(t, 1, c.tasks("instalment_late"))
		_, err := c.app.TieInstalment(c.ctx(), c.officer, funds.Instalments[0].ID, carelog.InstalmentChange{DueOn: calendar.Of(tuesday).AddDays(60), Reason: "开学后再付"})
		require.NoError(t, err)
		require.Zero(t, c.tasks("instalment_late"))
	})

	t.Run("TheLedgerOfUsesAddsUpAgainstWhatWasReleased", func(t *testing.T) {
		t.Parallel()
		c, made, _ := inParts(t)
		use := carelog.FundUse{UsedOn: calendar.Of(tuesday), AmountFen: 120_000, Category: "medical", ToldBy: "guardian", Evidence: "document", Reference: "县医院票据0231", EvidenceHash: make([]byte, 32)}
		funds, err := c.app.RecordFundUse(c.ctx(), c.officer, made.Recipient, use)
		require.NoError(t, err)
		require.Equal(t, []int64{300_000, 120_000, 180_000}, []int64{funds.ReleasedFen, funds.UsedFen, funds.LeftFen})
		require.Equal(t, "县医院票据0231", funds.Uses[0].Reference)
		use.AmountFen = 200_000
		funds, err = c.app.RecordFundUse(c.ctx(), c.officer, made.Recipient, use)
		require.NoError(t, err)
		require.Equal(t, int64(-20_000), funds.LeftFen)
		require.Equal(t, 1, c.tasks("funds_overdrawn"))
		funds, err = c.app.WithdrawFundUse(c.ctx(), c.boss, funds.Uses[0].ID, "重复录入")
		require.NoError(t, err)
		require.Equal(t, int64(180_000), funds.LeftFen)
		require.Len(t, funds.Uses, 2, "a mistake stays beside the others")
		require.Zero(t, c.tasks("funds_overdrawn"))
		_, err = c.app.WithdrawFundUse(c.ctx(), c.boss, funds.Uses[0].ID, "再次")
		require.Equal(t, carelog.Conflict, carelog.KindOf(err))
	})

	t.Run("TellEveryProblemAtOnce", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made, other := c.enrol("F-1", 3), c.enrol("F-2", 3)
		_, err := c.app.AgreeSupervision(c.ctx(), c.officer, made.Recipient, carelog.SupervisionAgreement{
			DocumentHash: []byte("x"), Document: strings.Repeat("x", 601),
			Instalments: []carelog.NewInstalment{{AmountFen: 600_000, DueOn: calendar.Of(tuesday).AddDays(-9), CheckIn: c.step(other.Recipient, "receipt").ID}, {}},
		})
		require.ElementsMatch(t, []string{
			"signed_on", "recipient_side", "village", "office", "document", "document_hash", "instalments[0].due_on", "instalments[0].condition",
			"instalments[0].check_in_id", "instalments[1].amount_fen", "instalments[1].due_on", "instalments[1].condition", "instalments",
		}, fields(t, err))
		_, err = c.app.RecordFundUse(c.ctx(), c.officer, made.Recipient, carelog.FundUse{Evidence: "document", EvidenceHash: []byte("x"), CheckIn: c.step(other.Recipient, "receipt").ID, Note: strings.Repeat("x", 8001)})
		require.ElementsMatch(t, []string{"used_on", "amount_fen", "category", "told_by", "evidence_hash", "check_in_id", "note"}, fields(t, err))
	})
}

// L22, L34: the first contact asks whether the money came in full and whether anybody
// deducted or demanded some of it; a no is an alert at once.
func TestTheFirstContactAsksAboutTheMoney(t *testing.T) {
	t.Parallel()
	ask := func(t *testing.T, r carelog.CheckInRecord) (*county, carelog.Enrolled, carelog.Recorded) {
		c := newCounty(t)
		made := c.enrol("A-1", 7)
		return c, made, c.called(made, r)
	}
	for name, r := range map[string]carelog.CheckInRecord{
		"MoneyThatDidNotCome":     {Receipt: "none", Demands: "none"},
		"MoneyThatCameInPart":     {Receipt: "partial", Demands: "none"},
		"ADeductionBySomebody":    {Receipt: "full", Demands: "deducted"},
		"ADemandByAnotherToShare": {Receipt: "full", Demands: "demanded"},
	} {
		t.Run(name+"RaisesARedAlert", func(t *testing.T) {
			t.Parallel()
			c, made, _ := ask(t, r)
			require.Equal(t, []string{"R2 red"}, c.alerts(made.Recipient, "level = 'red' AND state <> 'closed'"))
			require.Equal(t, "red", c.tier(made.Recipient))
		})
	}
	t.Run("AYesRaisesNone", func(t *testing.T) {
		t.Parallel()
		c, made, done := ask(t, carelog.CheckInRecord{Receipt: "full", Demands: "none"})
		require.Empty(t, c.alerts(made.Recipient, "true"))
		require.Empty(t, done.Warnings)
	})
	t.Run("AQuestionLeftOutIsWarnedOf", func(t *testing.T) {
		t.Parallel()
		_, _, done := ask(t, carelog.CheckInRecord{Receipt: "full"})
		require.Len(t, done.Warnings, 1)
	})
	t.Run("APartThatWaitsByAgreementIsNoAlert", func(t *testing.T) {
		t.Parallel()
		c, made, _ := inParts(t)
		c.clock.set(tuesday.AddDate(0, 0, 4))
		c.called(made, carelog.CheckInRecord{Receipt: "partial", Demands: "none"})
		require.Empty(t, c.alerts(made.Recipient, "level = 'red'"))
	})
}

// id is what a query finds, as the owner.
func (c *county) id(sql string, args ...any) (id [16]byte) {
	c.t.Helper()
	require.NoError(c.t, c.pool.QueryRow(c.ctx(), sql, args...).Scan(&id))
	return id
}
