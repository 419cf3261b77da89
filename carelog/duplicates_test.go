package carelog_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

const (
	theirNumber = "99032319850117134X" // of nobody: 990323 is no district
	theirCase   = "沂检刑诉〔2026〕41号"
)

// person is an enrolment of the same person each time, in a case.
func (c *county) person(externalID, caseNo string) carelog.Enrolment {
	e := c.enrolment(externalID, 3)
	e.Name, e.IDNumber, e.Phone, e.Award.CaseNo = "林某某", theirNumber, "15400000301", caseNo
	return e
}

// remarks are the warnings of an enrolment, but that nobody owns its number.
func remarks(made carelog.Enrolled) []string {
	return slices.DeleteFunc(slices.Clone(made.Warnings), func(w string) bool { return strings.HasPrefix(w, "phone:") })
}

func TestOneAwardAPersonAndCase(t *testing.T) {
	t.Parallel()

	t.Run("TheSamePersonInTheSameCaseIsRefusedByTheFileThatIsThere", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		first, err := c.app.EnrolRecipient(c.ctx(), c.officer, c.person("D-1", theirCase))
		require.NoError(t, err)
		require.Empty(t, remarks(first))
		_, err = c.app.EnrolRecipient(c.ctx(), c.officer, c.person("D-2", "沂检刑诉(2026)４１号")) // as another desk writes it
		require.Equal(t, []string{"award.case_no"}, fields(t, err))
		require.Contains(t, err.Error(), first.Recipient.String())
		require.NotContains(t, err.Error(), "林")
		require.Equal(t, 1, c.count("SELECT count(*) FROM recipients"))
	})

	t.Run("WithoutAnIdentityNumberPhoneAndNameTellThem", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		e := c.person("D-1", theirCase)
		e.IDNumber = ""
		_, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		_, err = c.app.EnrolRecipient(c.ctx(), c.officer, c.person("D-2", theirCase))
		require.Equal(t, []string{"award.case_no"}, fields(t, err))
		e.ExternalID, e.Name = "D-3", "林某" // the same phone is a family's
		made, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		require.Empty(t, remarks(made))
	})

	t.Run("AnotherCaseIsEnrolledWithAWarning", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		first, err := c.app.EnrolRecipient(c.ctx(), c.officer, c.person("D-1", theirCase))
		require.NoError(t, err)
		made, err := c.app.EnrolRecipient(c.ctx(), c.officer, c.person("D-2", "沂检刑诉〔2026〕42号"))
		require.NoError(t, err)
		require.Len(t, remarks(made), 1)
		require.Contains(t, remarks(made)[0], "another case: file "+first.Recipient.String())
		made, err = c.app.EnrolRecipient(c.ctx(), c.officer, c.person("D-3", ""))
		require.NoError(t, err)
		require.Len(t, remarks(made), 2)
		require.Contains(t, remarks(made)[0], "nobody can tell whether it is the same case")
	})

	t.Run("OfTwoAtTheSameMomentOneIsRefused", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		var wait sync.WaitGroup
		errs := make([]error, 2)
		for i, id := range []string{"D-1", "D-2"} {
			wait.Go(func() { _, errs[i] = c.app.EnrolRecipient(c.ctx(), c.officer, c.person(id, theirCase)) })
		}
		wait.Wait()
		require.Equal(t, 1, c.count("SELECT count(*) FROM recipients"))
		require.True(t, (errs[0] == nil) != (errs[1] == nil), "%v / %v", errs[0], errs[1])
		for _, err := range errs {
			require.True(t, err == nil || carelog.KindOf(err) != 0, "%v", err)
		}
	})

	t.Run("AnImportNamesTheRowAndTakesNothingIn", func(t *testing.T) {
		t.Parallel()
		c, book := newCounty(t), oneRow()
		first, err := c.app.EnrolRecipient(c.ctx(), c.officer, c.person("D-1", theirCase))
		require.NoError(t, err)
		book.Rows[0].Cells["原案编号"] = theirCase
		report := c.importing(book, carelog.ImportOptions{})
		require.Len(t, report.Problems, 1)
		require.Equal(t, [2]any{2, "原案编号"}, [2]any{report.Problems[0].Row, report.Problems[0].Column})
		require.Contains(t, report.Problems[0].Reason, first.Recipient.String())
		require.Equal(t, 1, c.count("SELECT count(*) FROM recipients"))
		book.Rows[0].Cells["原案编号"], book.Rows[0].Cells["困难等级"] = "另案", "特别困难"
		report = c.importing(book, carelog.ImportOptions{})
		require.Empty(t, report.Problems)
		require.Len(t, report.Warnings, 1)
		require.Equal(t, 1, c.count("SELECT count(*) FROM aid_awards WHERE hardship = 'extreme'"))
	})

	t.Run("OfAnotherOfficeNoMoreIsToldThanItsNameAndASupervisorAsksThere", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		first, err := c.app.EnrolRecipient(c.ctx(), c.officer, c.person("D-1", theirCase))
		require.NoError(t, err)
		other := c.addOffice("370324", "邻县人民检察院", carelog.OfficeID{})
		wang, chief := c.addUser(other, "wang", "", carelog.Officer), c.addUser(other, "chief", "", carelog.Supervisor)
		contact, err := c.work.AddContact(c.ctx(), carelog.TheSystem(), carelog.NewContact{
			Verified: true, Office: other, Name: "孙某", Phone: "15400000109", Role: "grid_worker", Villages: []carelog.VillageName{{Township: "东镇", Name: "东村"}},
		})
		require.NoError(t, err)
		e := c.person("X-1", theirCase)
		e.Officer, e.Primary, e.Village = "wang", contact, carelog.VillageName{Township: "东镇", Name: "东村"}
		made, err := c.app.EnrolRecipient(c.ctx(), wang, e)
		require.NoError(t, err)
		require.Len(t, remarks(made), 1)
		require.Contains(t, remarks(made)[0], "in the same case: 沂源县人民检察院")
		require.NotContains(t, strings.Join(remarks(made), ""), first.Recipient.String())
		tasks, err := c.app.Tasks(c.ctx(), chief, carelog.Page{Limit: 50})
		require.NoError(t, err)
		require.Len(t, tasks, 1)
		require.Equal(t, "duplicate_person", tasks[0].Kind)
		require.NotEqual(t, carelog.InChinese(tasks[0].Reason), tasks[0].Reason)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.ResolveTask(c.ctx(), wang, tasks[0].ID, "问过了")))
		require.NoError(t, c.app.ResolveTask(c.ctx(), chief, tasks[0].ID, "两院核对：一案一救助"))
		require.Equal(t, 1, c.count("SELECT count(*) FROM tasks"), "the office that was first is told nothing")
	})

	t.Run("WhoWasEnrolledBeforeIsFoundOnceIndexed", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		e := c.person("D-1", theirCase)
		e.IDNumber = ""
		_, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		c.exec("UPDATE recipients SET person_index = NULL")
		n, err := c.work.IndexPersons(c.ctx(), 10)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		e.ExternalID = "D-2"
		_, err = c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.Equal(t, []string{"award.case_no"}, fields(t, err))
	})

	t.Run("TheCaseNumberStandsNowhereInClear", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		_, err := c.app.EnrolRecipient(c.ctx(), c.officer, c.person("D-1", theirCase))
		require.NoError(t, err)
		require.Zero(t, c.count("SELECT count(*) FROM aid_awards a WHERE a::text LIKE '%2026〕41%' OR position(convert_to('2026〕41', 'UTF8') in a.sealed) > 0"))
	})
}

// L21: the look at the place and the word of the village, both, before anything counts.
func TestTheBaselineCountsAfterAHomeVisitAndAVillageInformantBoth(t *testing.T) {
	t.Parallel()
	good := "3333333333"
	visit := func(c *county, made carelog.Enrolled, asked bool) carelog.Recorded {
		done, err := c.app.RecordCheckIn(c.ctx(), c.officer, c.step(made.Recipient, "baseline").ID, carelog.CheckInRecord{
			Outcome: "reached", Informant: "self", AskedVillage: asked, Scores: scores(c.t, good),
		})
		require.NoError(c.t, err)
		return done
	}
	later := func(c *county, made carelog.Enrolled) carelog.Recorded {
		c.clock.set(c.clock.now().AddDate(0, 0, 3))
		done, err := c.app.NoteVisit(c.ctx(), c.officer, made.Recipient, "home", carelog.CheckInRecord{Outcome: "reached", Informant: "self", Scores: scores(c.t, good)})
		require.NoError(c.t, err)
		return done
	}
	t.Run("AHomeVisitAloneDoesNot", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		require.False(t, visit(c, made, false).Counts)
		require.False(t, later(c, made).Counts)
	})
	t.Run("AVillageInformantAloneDoesNot", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		_, err := c.app.NoteVisit(c.ctx(), c.officer, made.Recipient, "phone", carelog.CheckInRecord{Outcome: "reached", Informant: "village_contact", AskedVillage: true})
		require.NoError(t, err)
		require.False(t, later(c, made).Counts)
	})
	t.Run("BothDoAndTheBaselineItselfIsWhatLaterOnesCompareWith", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		require.False(t, visit(c, made, true).Counts, "the first scores that count come after both")
		require.True(t, later(c, made).Counts)
	})
}
