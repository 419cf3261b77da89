package carelog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
)

const strangersPhone = "+8615400000909"

// child is a plausible enrolment of a child who suffered a sexual offence, whom
// no contact may be named for.
func (c *county) child(externalID string, paidDaysAgo int) carelog.Enrolment {
	e := c.enrolment(externalID, paidDaysAgo)
	e.BornOn = calendar.New(2014, 5, 1)
	e.Award.Offence = "强奸"
	e.Primary, e.Template = carelog.ContactID{}, "K"
	return e
}

// toTheVillage counts every message and ask about a recipient that is not a staff member's.
func (c *county) toTheVillage(id carelog.RecipientID, states string) int {
	c.t.Helper()
	return c.count(`SELECT (SELECT count(*) FROM messages WHERE recipient_id = $1 AND contact_id IS NOT NULL AND dispatch `+states+`)
		+ (SELECT count(*) FROM asks WHERE recipient_id = $1 AND contact_id IS NOT NULL AND state = 'open')
		+ (SELECT count(*) FROM check_ins WHERE recipient_id = $1 AND (kind = 'village' OR asks_village) AND state IN ('planned', 'overdue', 'missed'))`, id)
}

// live sends what is due and plans and marks what is to be, a day at a time, and
// gathers every text that goes to a number of the village.
func (c *county) live(days int, numbers ...string) []carelog.Outgoing {
	c.t.Helper()
	var said []carelog.Outgoing
	for range days {
		c.plan()
		_, err := c.work.RollCheckIns(c.ctx(), 100)
		require.NoError(c.t, err)
		_, err = c.work.MarkOverdue(c.ctx(), 100)
		require.NoError(c.t, err)
		for _, hour := range []int{9, 15} {
			c.clock.set(calendar.Of(c.clock.now()).At(hour, 10))
			claimed := c.send()
			for _, number := range numbers {
				said = append(said, to(claimed, number)...)
			}
		}
		c.clock.set(calendar.Of(c.clock.now()).AddDays(1).At(9, 0))
	}
	return said
}

func TestSexualOffenceAgainstAChildNeverReachesTheVillage(t *testing.T) {
	t.Parallel()

	t.Run("RefusesAContactAtEnrolment", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		for name, change := range map[string]func(e *carelog.Enrolment){
			"by its offence":          func(*carelog.Enrolment) {},
			"by another word for it":  func(e *carelog.Enrolment) { e.Award.Offence = "猥亵儿童罪" },
			"by the ledger's flag":    func(e *carelog.Enrolment) { e.Award.Offence, e.Flags = "", []carelog.Flag{"sexual_offence"} },
			"when the age is unknown": func(e *carelog.Enrolment) { e.BornOn = calendar.Date{} },
			"for an adult's child": func(e *carelog.Enrolment) {
				e.BornOn, e.Household = calendar.New(1980, 1, 1), []carelog.Member{{Name: "小某", BornOn: calendar.New(2015, 1, 1)}}
			},
			"for a flagged child": func(e *carelog.Enrolment) {
				e.BornOn, e.Flags = calendar.New(1980, 1, 1), []carelog.Flag{"minor_victim"}
			},
			"for a member who is flagged": func(e *carelog.Enrolment) {
				e.Award.Offence, e.Household = "", []carelog.Member{{Name: "小某", BornOn: calendar.New(2015, 1, 1), Flags: []carelog.Flag{"sexual_offence"}}}
			},
		} {
			e := c.child("A-1", 3)
			change(&e)
			e.Primary, e.Backup = c.contact, c.contact
			_, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
			require.ElementsMatch(t, []string{"primary_contact_id", "backup_contact_id"}, fields(t, err), name)
		}
	})

	t.Run("LeavesOthersTheirContact", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		e := c.child("A-1", 3)
		e.Award.Offence, e.Primary = "交通肇事", c.contact
		_, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		e = c.child("A-2", 3)
		e.BornOn, e.Primary = calendar.New(1980, 1, 1), c.contact
		_, err = c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
	})

	t.Run("PhonesInsteadOfAskingTheVillage", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made, err := c.app.EnrolRecipient(c.ctx(), c.officer, c.child("A-1", 56)) // the village's second month is near
		require.NoError(t, err)
		require.NotEmpty(t, made.Warnings)
		require.Contains(t, c.kinds(made.Recipient), "village_barred")
		require.Zero(t, c.toTheVillage(made.Recipient, "IS NOT NULL"))
		month := c.step(made.Recipient, "monthly-village")
		require.Equal(t, "phone", string(month.Kind))
		require.Empty(t, c.live(90, contactPhone))
		require.Zero(t, c.toTheVillage(made.Recipient, "IS NOT NULL"))
		require.Positive(t, c.count("SELECT count(*) FROM messages WHERE check_in_id = $1 AND purpose = 'officer_reminder' AND dispatch = 'accepted'", month.ID))
		require.Zero(t, c.tasks("contact_missing"))
		c.keeps()
	})

	t.Run("NoWayOfNamingAContactLeadsThere", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made, err := c.app.EnrolRecipient(c.ctx(), c.officer, c.child("A-1", 56))
		require.NoError(t, err)
		director, err := c.work.AddContact(c.ctx(), carelog.TheSystem(), carelog.NewContact{
			Verified: true, Office: c.office, Name: "孙某", Phone: strangersPhone, Role: "child_director", Villages: []carelog.VillageName{{Township: "南麻街道", Name: "柿岭村"}},
		})
		require.NoError(t, err)
		for _, n := range []carelog.NewContacts{{Primary: c.contact}, {Primary: director}, {Primary: c.contact, Backup: director}} {
			n.Plan, n.Reason = made.Plan, "x"
			for _, by := range []carelog.Actor{c.officer, c.boss} {
				_, err = c.app.NameContacts(c.ctx(), by, n)
				require.Equal(t, carelog.Conflict, carelog.KindOf(err))
			}
		}
		_, err = c.app.ChangeAddress(c.ctx(), c.officer, made.Plan, carelog.NewAddress{
			Village: carelog.VillageName{Township: "南麻街道", Name: "柿岭村"}, Address: "3组", Primary: c.contact, Alias: "3组老马家", Reason: "搬家",
		})
		require.Equal(t, carelog.Conflict, carelog.KindOf(err))
		for _, column := range []string{"primary_contact_id", "backup_contact_id"} { // even past the verbs
			_, err = c.pool.Exec(c.ctx(), "UPDATE care_plans SET "+column+" = $2 WHERE id = $1", made.Plan, c.contact)
			require.ErrorContains(t, err, "barred_plan_names_no_village_contact")
		}
		_, err = c.app.LiftBar(c.ctx(), c.officer, made.Plan, "x")
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		require.Zero(t, c.toTheVillage(made.Recipient, "IS NOT NULL"))
	})

	t.Run("NoTemplateAndNoTierLeadsThere", func(t *testing.T) {
		t.Parallel()
		for _, template := range []string{"G", "K", "H", "C", "R"} {
			c := newCounty(t)
			e := c.child("A-1", 56)
			e.Template = template
			made, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
			require.NoError(t, err)
			scores := condition.Scores{}
			for _, d := range condition.Domains() {
				scores = scores.With(d, condition.ScoreOf(0))
			}
			_, err = c.app.NoteVisit(c.ctx(), c.officer, made.Recipient, "home", carelog.CheckInRecord{
				Outcome: "reached", Informant: "guardian", Scores: scores, Flags: []condition.Flag{condition.Violence},
			})
			require.NoError(t, err)
			require.Equal(t, 1, c.count("SELECT count(*) FROM care_plans WHERE tier = 'red'"), template)
			require.Equal(t, 1, c.tasks("mandatory_report"), "violence where a child lives")
			require.Empty(t, c.live(5, contactPhone), template)
			_, err = c.app.NoteVisit(c.ctx(), c.officer, made.Recipient, "home", carelog.CheckInRecord{Outcome: "reached", Informant: "self", Scores: scores})
			require.NoError(t, err) // what lies ahead is laid anew
			require.Empty(t, c.live(20, contactPhone), template)
			require.Zero(t, c.toTheVillage(made.Recipient, "IS NOT NULL"), template)
			if template != "H" { // H has a weekly step of its own
				require.Positive(t, c.count("SELECT count(*) FROM check_ins WHERE step = 'tier-red-village' AND kind = 'phone'"), template)
			}
			require.Zero(t, c.count("SELECT count(*) FROM check_ins WHERE state = 'superseded' AND step = 'tier-red-village'"), "laying anew finds it as it is")
			c.keeps()
		}
	})

	t.Run("NoChangeOfTemplateLeadsThere", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		e := c.child("A-1", 56)
		e.Template = "G"
		made, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		for _, key := range []string{"K", "H", "C", "R"} {
			c.scoredVisit(made.Plan, 40, 3) // so that a lighter one may be chosen, too
			c.scoredVisit(made.Plan, 5, 3)
			impact, err := c.app.ChangeTemplate(c.ctx(), c.boss, made.Plan, key, "情况有变")
			require.NoError(t, err)
			require.NotZero(t, impact)
			require.Zero(t, c.toTheVillage(made.Recipient, "IS NOT NULL"), key)
			require.Empty(t, c.live(12, contactPhone), key)
		}
		require.Zero(t, c.toTheVillage(made.Recipient, "IS NOT NULL"))
		require.Positive(t, c.count("SELECT count(*) FROM check_ins WHERE recipient_id = $1 AND step LIKE '%village%'", made.Recipient), "some steps would have asked")
		c.keeps()
	})

	t.Run("NoOtherOfficeLeadsThere", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		e := c.child("A-1", 56)
		made, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		sister := c.addOffice("370322", "邻县人民检察院", carelog.OfficeID{})
		taker := c.addUser(sister, "sun", "+8615400000301", carelog.Officer, carelog.Supervisor)
		there := carelog.VillageName{Township: "东里镇", Name: "远村"}
		contact, err := c.work.AddContact(c.ctx(), carelog.TheSystem(), carelog.NewContact{
			Verified: true, Office: sister, Name: "孙某", Phone: strangersPhone, Role: "committee_head", Villages: []carelog.VillageName{there},
		})
		require.NoError(t, err)
		act, err := c.app.TransferToOffice(c.ctx(), c.officer, made.Plan, "370322", "搬到邻县")
		require.NoError(t, err)
		_, err = c.app.AcceptTransfer(c.ctx(), taker, act.ID, carelog.Acceptance{Village: there, Primary: contact})
		require.Equal(t, carelog.Conflict, carelog.KindOf(err))
		_, err = c.app.AcceptTransfer(c.ctx(), taker, act.ID, carelog.Acceptance{Village: there})
		require.NoError(t, err)
		require.Equal(t, 1, c.count("SELECT count(*) FROM care_plans WHERE office_id = $1 AND village_barred", sister))
		require.Empty(t, c.live(40, contactPhone, strangersPhone))
		require.Zero(t, c.toTheVillage(made.Recipient, "IS NOT NULL"))
		require.Zero(t, c.tasks("contact_missing"), "nobody is to be found for it")
		c.keeps()
	})

	t.Run("NoVerbOnARunningPlanLeadsThere", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made, err := c.app.EnrolRecipient(c.ctx(), c.officer, c.child("A-1", 56))
		require.NoError(t, err)
		other := c.enrol("A-2", 176) // the contact is busy with another household
		month := c.step(made.Recipient, "monthly-village")
		_, err = c.app.RescheduleCheckIn(c.ctx(), c.officer, month.ID, calendar.New(2026, 12, 3), "雪")
		require.NoError(t, err)
		_, err = c.app.RecordCheckIn(c.ctx(), c.officer, month.ID, carelog.CheckInRecord{Outcome: "away"})
		require.NoError(t, err)
		_, err = c.app.PausePlan(c.ctx(), c.officer, made.Plan, calendar.New(2026, 11, 30), "外出")
		require.NoError(t, err)
		_, err = c.app.StartPlan(c.ctx(), c.officer, made.Plan)
		require.NoError(t, err)
		_, err = c.app.NoteContact(c.ctx(), c.officer, made.Recipient, carelog.UnplannedContact{Kind: "village_answer", CheckIn: month.ID, Digit: 1})
		require.Equal(t, carelog.Invalid, carelog.KindOf(err))
		said := c.live(10, contactPhone)
		c.reply(contactPhone, "1") // which? the other household's alone
		c.reply(contactPhone, "出事了,老马家孩子没人管,救命")
		said = append(said, c.live(60, contactPhone)...)
		require.NotEmpty(t, said)
		require.Zero(t, c.toTheVillage(made.Recipient, "IS NOT NULL"))
		require.Positive(t, c.count("SELECT count(*) FROM messages WHERE recipient_id = $1 AND contact_id IS NOT NULL", other.Recipient))
		c.keeps()
	})
}

func TestBarVillage(t *testing.T) {
	t.Parallel()

	t.Run("TakesTheVillageOutOfARunningPlan", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		_, err := c.app.BarVillage(c.ctx(), c.officer, made.Plan, "because", " ")
		require.ElementsMatch(t, []string{"code", "reason"}, fields(t, err))
		shown, err := c.app.BarVillage(c.ctx(), c.officer, made.Plan, "child_protection", "孩子说了一些事")
		require.NoError(t, err)
		require.True(t, shown.Barred)
		require.Zero(t, c.toTheVillage(made.Recipient, "= 'planned'"))
		before := c.count("SELECT count(*) FROM messages WHERE recipient_id = $1 AND contact_id IS NOT NULL AND dispatch = 'accepted'", made.Recipient)

		// The contact still has the text with its code, and answers.
		c.reply(contactPhone, code+" 1")
		require.Equal(t, 1, c.tasks("triage"))
		require.Contains(t, []string{"planned", "overdue"}, c.step(made.Recipient, "month-6-village").State)
		c.reply(contactPhone, "1")
		c.reply(contactPhone, code+" 3")
		c.reply(contactPhone, "什么意思")
		c.clock.set(tuesday.Add(time.Minute))
		require.Empty(t, to(c.claim(), contactPhone), "an answer names its code")
		require.Empty(t, c.live(40, contactPhone))
		require.Equal(t, before, c.count("SELECT count(*) FROM messages WHERE recipient_id = $1 AND contact_id IS NOT NULL AND dispatch <> 'cancelled'", made.Recipient))
		require.Zero(t, c.toTheVillage(made.Recipient, "= 'planned'"))
		_, err = c.app.BarVillage(c.ctx(), c.officer, made.Plan, "safety", "x")
		require.Equal(t, carelog.Conflict, carelog.KindOf(err))
		c.keeps()
	})

	t.Run("HoldsBackAnAnswerThatWasOnItsWay", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		c.reply(contactPhone, code+" 2")
		require.Equal(t, 1, c.count("SELECT count(*) FROM messages WHERE purpose = 'answer' AND dispatch = 'planned'"))
		_, err := c.app.BarVillage(c.ctx(), c.boss, made.Plan, "safety", "村干部是亲戚")
		require.NoError(t, err)
		require.Empty(t, to(c.send(), contactPhone))
		require.Equal(t, 1, c.count("SELECT count(*) FROM messages WHERE purpose = 'answer' AND dispatch = 'cancelled'"))
	})

	t.Run("StopsAtTheClaimWhatSlippedThrough", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 176)
		c.exec("UPDATE care_plans SET village_barred = true, village_bar_code = 'safety', primary_contact_id = NULL WHERE id = $1", made.Plan)
		require.Empty(t, to(c.send(), contactPhone))
		require.Equal(t, 1, c.tasks("village_barred"))
		c.plan()
		require.Equal(t, 1, c.count(`SELECT count(DISTINCT check_in_id) FROM messages WHERE check_in_id = $1 AND purpose = 'officer_reminder' AND dispatch IN ('planned', 'accepted')`,
			c.village(made.Recipient).ID))
		c.keeps()
	})

	t.Run("StaysInAPause", func(t *testing.T) {
		t.Parallel()
		c, made, _ := asked(t)
		_, err := c.app.PausePlan(c.ctx(), c.officer, made.Plan, calendar.New(2026, 12, 24), "外出")
		require.NoError(t, err)
		_, err = c.app.BarVillage(c.ctx(), c.officer, made.Plan, "household_asked", "不想让村里知道")
		require.NoError(t, err)
		_, err = c.app.StartPlan(c.ctx(), c.officer, made.Plan)
		require.NoError(t, err)
		require.Zero(t, c.toTheVillage(made.Recipient, "= 'planned'"))
		require.Empty(t, c.live(30, contactPhone))
		c.keeps()
	})

	t.Run("IsLiftedBySupervisorsOnlyAndNamesNobody", func(t *testing.T) {
		t.Parallel()
		c, made, _ := asked(t)
		_, err := c.app.BarVillage(c.ctx(), c.officer, made.Plan, "safety", "x")
		require.NoError(t, err)
		_, err = c.app.LiftBar(c.ctx(), c.officer, made.Plan, "x")
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		shown, err := c.app.LiftBar(c.ctx(), c.boss, made.Plan, "已核实无风险")
		require.NoError(t, err)
		require.False(t, shown.Barred)
		require.Zero(t, c.count("SELECT count(*) FROM care_plans WHERE primary_contact_id IS NOT NULL"))
		_, err = c.app.NameContacts(c.ctx(), c.officer, carelog.NewContacts{Plan: made.Plan, Primary: c.contact, Reason: "恢复"})
		require.NoError(t, err)
		require.Equal(t, 1, c.count("SELECT count(*) FROM care_plans WHERE primary_contact_id IS NOT NULL"))
		c.keeps()
	})
}

func TestNameContacts(t *testing.T) {
	t.Parallel()

	t.Run("AsksTheNewContactWhatTheOldOneLeftOpen", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		c.reply(contactPhone, code+" 4")
		require.Equal(t, 1, c.tasks("contact_change"))
		second := c.addContact("孙某", strangersPhone)
		_, err := c.app.NameContacts(c.ctx(), c.officer, carelog.NewContacts{Plan: made.Plan, Primary: second, Reason: "换届"})
		require.NoError(t, err)
		require.Zero(t, c.tasks("contact_change"))
		claimed := c.send()
		require.Len(t, to(claimed, strangersPhone), 1)
		require.Empty(t, to(claimed, contactPhone)[min(1, len(to(claimed, contactPhone))):], "at most the answer to his own reply")
		require.Contains(t, c.kinds(made.Recipient), "contacts_named")
		c.keeps()
	})
	t.Run("DoesNotAskTheSameContactTwice", func(t *testing.T) {
		t.Parallel()
		c, made, _ := asked(t)
		_, err := c.app.NameContacts(c.ctx(), c.officer, carelog.NewContacts{Plan: made.Plan, Primary: c.contact, Backup: c.addContact("孙某", strangersPhone), Reason: "加一位"})
		require.NoError(t, err)
		claimed := c.send()
		require.Empty(t, to(claimed, contactPhone))
		require.Empty(t, to(claimed, strangersPhone))
	})
	t.Run("RefusesAContactOfAnotherVillage", func(t *testing.T) {
		t.Parallel()
		c, made, _ := asked(t)
		far, err := c.work.AddContact(c.ctx(), carelog.TheSystem(), carelog.NewContact{
			Verified: true, Office: c.office, Name: "孙某", Phone: strangersPhone, Role: "grid_worker", Villages: []carelog.VillageName{{Township: "东里镇", Name: "远村"}},
		})
		require.NoError(t, err)
		_, err = c.app.NameContacts(c.ctx(), c.officer, carelog.NewContacts{Plan: made.Plan, Primary: far})
		require.ElementsMatch(t, []string{"primary_contact_id", "reason"}, fields(t, err))
	})
}

func TestMandatoryReport(t *testing.T) {
	t.Parallel()
	// opened is a county where a child's harm has just become known.
	opened := func(t *testing.T) (*county, carelog.Enrolled, carelog.TaskID) {
		t.Helper()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		require.NoError(t, c.work.MandatoryReport(c.ctx(), made.Plan))
		require.NoError(t, c.work.MandatoryReport(c.ctx(), made.Plan))
		require.Equal(t, 1, c.tasks("mandatory_report"), "one at a time")
		var task carelog.TaskID
		require.NoError(t, c.pool.QueryRow(c.ctx(), "SELECT id FROM tasks WHERE kind = 'mandatory_report'").Scan(&task))
		return c, made, task
	}
	watch := func(c *county) int {
		n, err := c.work.WatchReports(c.ctx(), 100)
		require.NoError(c.t, err)
		return n
	}

	t.Run("EndsOnlyByTheReport", func(t *testing.T) {
		t.Parallel()
		c, made, task := opened(t)
		require.Equal(t, carelog.Conflict, carelog.KindOf(c.app.ResolveTask(c.ctx(), c.officer, task, "已打电话")))
		err := c.app.RecordReport(c.ctx(), c.officer, task, []carelog.MadeReport{{To: "civil_affairs", At: tuesday.Add(time.Hour)}, {To: "mayor"}})
		require.ElementsMatch(t, []string{"reports", "reports[0].at", "reports[0].reference", "reports[1].to", "reports[1].at", "reports[1].reference"}, fields(t, err))
		require.Equal(t, 1, c.tasks("mandatory_report"))
		made2 := []carelog.MadeReport{
			{To: "police", At: tuesday, Reference: "接警20261124001", Person: "王某"}, {To: "education", At: tuesday, Reference: "教20261124"},
		}
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.RecordReport(c.ctx(), c.admin, task, made2)))
		require.NoError(t, c.app.RecordReport(c.ctx(), c.officer, task, made2))
		require.Zero(t, c.tasks("mandatory_report"))
		require.Equal(t, 2, c.count("SELECT count(*) FROM mandatory_reports"))
		require.Subset(t, c.kinds(made.Recipient), []string{"mandatory_report_opened", "mandatory_report_made", "task_done"})
		for _, value := range append(c.values("mandatory_reports", "sealed"), c.values("history", "payload")...) {
			require.NotContains(t, string(value), "20261124001")
		}
		require.Equal(t, carelog.Conflict, carelog.KindOf(c.app.RecordReport(c.ctx(), c.officer, task, made2)))
		c.clock.set(tuesday.Add(3 * time.Hour))
		require.Zero(t, watch(c))
		c.keeps()
	})

	t.Run("RaisesNoAlertForAReportThatIsBeingRecorded", func(t *testing.T) {
		t.Parallel()
		c, made, task := opened(t)
		c.clock.set(tuesday.Add(3 * time.Hour))
		report, watched := c.lineUp("SELECT FROM care_plans WHERE id = $1 FOR UPDATE", made.Plan,
			func() error {
				return c.app.RecordReport(c.ctx(), c.officer, task, []carelog.MadeReport{{To: "police", At: tuesday, Reference: "1"}})
			},
			func() error { return second(c.work.WatchReports(c.ctx(), 100)) })
		require.NoError(t, report)
		require.NoError(t, watched)
		require.Zero(t, c.tasks("mandatory_report"))
		require.Zero(t, c.count("SELECT count(*) FROM alerts WHERE rule = 'mandatory_report'"))
	})

	t.Run("RaisesARedAlertAtAnyHourWhenTwoHoursPass", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		c.clock.set(calendar.New(2026, 11, 28).At(1, 0)) // Saturday, one at night
		require.NoError(t, c.work.MandatoryReport(c.ctx(), made.Plan))
		c.clock.set(calendar.New(2026, 11, 28).At(2, 59))
		require.Zero(t, watch(c))
		c.clock.set(calendar.New(2026, 11, 28).At(3, 0))
		require.Equal(t, 1, watch(c))
		require.Zero(t, watch(c))
		require.Equal(t, 1, c.count("SELECT count(*) FROM alerts WHERE rule = 'mandatory_report' AND level = 'red' AND state <> 'closed'"))
		require.Len(t, to(c.send(), officerPhone), 1)
		var task carelog.TaskID
		require.NoError(t, c.pool.QueryRow(c.ctx(), "SELECT id FROM tasks WHERE kind = 'mandatory_report'").Scan(&task))
		require.NoError(t, c.app.RecordReport(c.ctx(), c.officer, task, []carelog.MadeReport{{To: "police", At: c.clock.now(), Reference: "1"}}))
		require.Zero(t, c.count("SELECT count(*) FROM alerts WHERE state <> 'closed'"), "stopped by the deed")
		c.keeps()
	})

	t.Run("IsThatOfTheOffice", func(t *testing.T) {
		t.Parallel()
		c, made, other := withSister(t)
		require.NoError(t, c.work.MandatoryReport(c.ctx(), made.Plan))
		var task carelog.TaskID
		require.NoError(t, c.pool.QueryRow(c.ctx(), "SELECT id FROM tasks WHERE kind = 'mandatory_report'").Scan(&task))
		require.Equal(t, carelog.NotFound, carelog.KindOf(c.app.RecordReport(c.ctx(), other, task, nil)))
	})
}
