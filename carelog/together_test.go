package carelog_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

func TestGroups(t *testing.T) {
	t.Parallel()

	t.Run("EighteenHouseholdsInOneActAreOneGroupEachInItsUnit", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		places := [][2]string{{"南麻街道", "柿岭村"}, {"南麻街道", "河湾村"}, {"张家坡镇", "果园村"}, {"悦庄镇", "槐荫村"}, {"悦庄镇", "石桥村"}}
		ledger := carelog.Ledger{Header: []string{"外部编号", "姓名", "乡镇", "村居", "救助金额(元)", "发放日期", "承办人", "案件组", "项目标签"}}
		for i := range 18 {
			ledger.Rows = append(ledger.Rows, carelog.LedgerRow{Number: i + 2, Cells: map[string]string{
				"外部编号": fmt.Sprint("G-", i), "姓名": "马某某", "乡镇": places[i%5][0], "村居": places[i%5][1], "救助金额(元)": "3000", "发放日期": "2026-11-20", "承办人": "li",
				"案件组": "果农被骗案", "项目标签": "乡村振兴、妇女",
			}})
		}
		report, err := c.app.ImportLedger(c.ctx(), c.officer, ledger, carelog.ImportOptions{AddVillages: true})
		require.NoError(t, err)
		require.Empty(t, report.Problems)
		require.NoError(t, c.app.SaveGroup(c.ctx(), c.officer, carelog.CaseGroup{Key: "果农被骗案", Cause: "诈骗", Season: "10月", Sensitive: true}))
		groups, err := c.app.Groups(c.ctx(), c.boss)
		require.NoError(t, err)
		require.Len(t, groups, 1)
		g := groups[0]
		require.Equal(t, []int{18, 18, 3, 5, 18}, []int{g.Persons, g.Households, g.Townships, g.Villages, g.OpenPlans})
		require.True(t, g.Sensitive)
		s, err := c.app.Statistics(c.ctx(), c.boss, carelog.StatisticsFilter{})
		require.NoError(t, err)
		require.Equal(t, []carelog.StatisticsRow{{Key: "果农被骗案", Count: 18, Fen: 18 * 3000_00}}, tableOf(t, s, "group").Rows)
		require.EqualValues(t, 18, tableOf(t, s, "tag").Rows[0].Count)
		require.False(t, tableOf(t, s, "tag").AddsUp, "an award may stand under several programmes")
		ledger.Rows[3].Cells["项目标签"] = "其他"
		ledger.Rows[3].Cells["外部编号"] = "G-99"
		report, err = c.app.ImportLedger(c.ctx(), c.officer, ledger, carelog.ImportOptions{})
		require.NoError(t, err)
		require.Equal(t, []carelog.RowProblem{{Row: 5, Column: "项目标签", Reason: "不在可选范围内"}}, report.Problems)
	})

	t.Run("ARouteCoversNeighboursVillageByVillage", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		_, err := c.work.AddContact(c.ctx(), carelog.TheSystem(), carelog.NewContact{
			Verified: true, Office: c.office, Name: "钱某", Phone: "+8615400000102", Role: "committee_head", Villages: []carelog.VillageName{{Township: "东里镇", Name: "泉头村"}},
		})
		require.NoError(t, err)
		var made []carelog.Enrolled
		for i, village := range []carelog.VillageName{{Township: "南麻街道", Name: "柿岭村"}, {Township: "东里镇", Name: "泉头村"}, {Township: "南麻街道", Name: "柿岭村"}} {
			e := c.enrolment(fmt.Sprint("A-", i), 3)
			e.Village, e.Primary = village, carelog.ContactID{}
			one, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
			require.NoError(t, err)
			made = append(made, one)
		}
		_, err = c.app.JoinHousehold(c.ctx(), c.officer, []carelog.RecipientID{made[0].Recipient, made[2].Recipient}, "夫妻")
		require.NoError(t, err)
		stops, err := c.app.Route(c.ctx(), c.officer, carelog.RouteFilter{Officer: c.officer.User, Until: calendar.Of(tuesday).AddDays(40)})
		require.NoError(t, err)
		require.Len(t, stops, 2, "two villages")
		for _, stop := range stops {
			require.Len(t, stop.Households, 1, stop.Village)
		}
		here := stops[0]
		if here.Village != "柿岭村" {
			here = stops[1]
		}
		require.Len(t, here.Households[0].Recipients, 2, "one household, one door")
		stops, err = c.app.Route(c.ctx(), c.officer, carelog.RouteFilter{Group: "keine"})
		require.NoError(t, err)
		require.Empty(t, stops)
	})
}

func TestAgreements(t *testing.T) {
	t.Parallel()
	c, made, _ := asked(t)
	partner, err := c.app.AddPartner(c.ctx(), c.officer, carelog.NewPartner{Name: "县财政局", Kind: "finance"})
	require.NoError(t, err)
	agreed := carelog.PartnerAgreement{
		Number: "沂检民〔2026〕1号", From: calendar.New(2026, 1, 1), Until: calendar.New(2026, 12, 31), AcknowledgeDays: 2, DecideDays: 10, Measures: []string{"dibao"}, Areas: []string{"南麻街道"},
	}
	require.NoError(t, c.app.SetAgreement(c.ctx(), c.officer, partner, agreed))
	contact, err := c.app.AddPartnerContact(c.ctx(), c.officer, partner, carelog.PartnerContact{Name: "周某", Phone: "15400000556", For: "资金"})
	require.NoError(t, err)

	t.Run("StandsWithThePartner", func(t *testing.T) {
		file, err := c.app.ReadPartner(c.ctx(), c.boss, partner)
		require.NoError(t, err)
		require.Equal(t, agreed, file.Agreement)
		require.Equal(t, []carelog.PartnerContact{contact}, file.Contacts)
		require.Zero(t, c.count("SELECT count(*) FROM partner_contacts WHERE sealed LIKE '%15400000556%'::bytea"))
	})
	t.Run("ItsDaysGoBeforeTheDefaultOnes", func(t *testing.T) {
		r := c.sent(made, partner)
		require.Equal(t, "2026-11-26", r.AcknowledgeBy.String())
		require.Equal(t, calendar.Official().AddWorkdays(calendar.Of(tuesday), 10), r.DecideBy)
	})
	t.Run("ItsEndIsToldOnceAndEndsWithTheNextOne", func(t *testing.T) {
		watch := func() int {
			_, err := c.work.WatchCases(c.ctx(), 100)
			require.NoError(t, err)
			return c.count("SELECT count(*) FROM tasks WHERE kind = 'agreement_ending' AND state = 'open'")
		}
		require.Zero(t, watch())
		c.clock.set(calendar.New(2026, time.December, 1).At(9, 0))
		require.Equal(t, 1, watch())
		require.Equal(t, 1, watch())
		agreed.Until = calendar.New(2027, 12, 31)
		require.NoError(t, c.app.SetAgreement(c.ctx(), c.officer, partner, agreed))
		require.Zero(t, watch())
	})
	t.Run("RefusesWhatCannotBe", func(t *testing.T) {
		err := c.app.SetAgreement(c.ctx(), c.officer, partner, carelog.PartnerAgreement{Until: calendar.New(2020, 1, 1), From: calendar.New(2021, 1, 1), DecideDays: -1, Measures: []string{"x"}})
		for _, field := range []string{"until", "decide_days", "measures[0]"} {
			require.ErrorContains(t, err, field)
		}
	})
}

func TestJointMeetings(t *testing.T) {
	t.Parallel()
	k := newClues(t)
	made := k.enrol("A-1", 3)
	k.draft(made, k.veterans, "veteran_support")
	m, err := k.app.PlanMeeting(k.ctx(), k.officer, carelog.Meeting{PlannedOn: calendar.Of(tuesday), Partners: []carelog.PartnerID{k.veterans}})
	require.NoError(t, err)
	k.clue(func(c *carelog.Clue) {
		c.FromDepartment, c.FromPartner, c.Meeting, c.Origin = carelog.DepartmentID{}, k.veterans, m.ID, "transferred_clue"
	})

	t.Run("ThePackIsMadeFromRecordsWithMaskedNames", func(t *testing.T) {
		file, err := k.app.ReadMeeting(k.ctx(), k.boss, m.ID)
		require.NoError(t, err)
		require.Len(t, file.Pack, 1)
		require.Equal(t, "县退役军人事务局", file.Pack[0].Name)
		require.Len(t, file.Pack[0].Referrals, 1)
		require.Equal(t, "马某某", file.Pack[0].Referrals[0].MaskedName)
		require.Len(t, file.Pack[0].Clues, 1)
	})
	t.Run("DecisionsBecomeTasksAndMinutesAreSealed", func(t *testing.T) {
		file, err := k.app.ReadMeeting(k.ctx(), k.boss, m.ID)
		require.NoError(t, err)
		referral := file.Pack[0].Referrals[0].ID
		hold := func() error {
			return k.app.HoldMeeting(k.ctx(), k.officer, m.ID, calendar.Of(tuesday), "商定优抚事项", []carelog.MeetingDecision{
				{Partner: k.veterans, Referral: referral, ActBy: calendar.New(2026, 12, 4), What: "补发优待金"}, {What: "每季度一次"},
			})
		}
		require.NoError(t, hold())
		require.Equal(t, carelog.Conflict, carelog.KindOf(hold()))
		require.Equal(t, 1, k.count("SELECT count(*) FROM tasks WHERE kind = 'meeting_decision' AND recipient_id = $1", made.Recipient))
		file, err = k.app.ReadMeeting(k.ctx(), k.boss, m.ID)
		require.NoError(t, err)
		require.Equal(t, "商定优抚事项", file.Minutes)
		require.Len(t, file.Decisions, 2)
		s, err := k.app.Statistics(k.ctx(), k.boss, carelog.StatisticsFilter{})
		require.NoError(t, err)
		require.EqualValues(t, 1, figureOf(t, s, "meetings").Value)
		require.EqualValues(t, 1, figureOf(t, s, "clues_from_partners").Value)
	})
	t.Run("ASisterOfficeSeesNone", func(t *testing.T) {
		sister := k.addUser(k.addOffice("370324", "邻县人民检察院", carelog.OfficeID{}), "qian", "", carelog.Supervisor)
		require.Equal(t, carelog.NotFound, carelog.KindOf(second(k.app.ReadMeeting(k.ctx(), sister, m.ID))))
	})
}
