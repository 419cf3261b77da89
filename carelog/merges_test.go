package carelog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

// twoFiles are two running files of one person, each of which asked the village, and
// a proposal to merge them.
func twoFiles(t *testing.T) (c *county, kept, gone carelog.Enrolled, merge carelog.MergeID) {
	t.Helper()
	c = newCounty(t)
	kept = c.enrol("M-1", 177)
	e := c.enrolment("M-2", 177)
	e.Household = []carelog.Member{{Relation: "女儿", Name: "马小某"}}
	gone, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
	require.NoError(t, err)
	merge, err = c.app.ProposeFileMerge(c.ctx(), c.officer, kept.Recipient, gone.Recipient, "身份证号一致")
	require.NoError(t, err)
	return c, kept, gone, merge
}

func TestMergingTwoFilesOfOnePerson(t *testing.T) {
	t.Parallel()

	t.Run("TakesASecondPerson", func(t *testing.T) {
		t.Parallel()
		c, _, gone, merge := twoFiles(t)
		require.Equal(t, 1, c.tasks("merge_approval"))
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.DecideMerge(c.ctx(), c.officer, merge, true)))
		c.exec("UPDATE merges SET proposed_by = $1", c.boss.User)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.DecideMerge(c.ctx(), c.boss, merge, true)))
		require.Zero(t, c.count("SELECT count(*) FROM recipients WHERE merged_into IS NOT NULL"))
		require.NoError(t, c.app.DecideMerge(c.ctx(), c.boss, merge, false))
		require.Zero(t, c.tasks("merge_approval"))
		require.Equal(t, 1, c.count("SELECT count(*) FROM care_plans WHERE recipient_id = $1 AND state = 'active'", gone.Recipient))
	})

	t.Run("LeavesOnePlanAndBothHistoriesWhichEitherShows", func(t *testing.T) {
		t.Parallel()
		c, kept, gone, merge := twoFiles(t)
		before := len(c.history(kept.Recipient)) + len(c.history(gone.Recipient))
		require.NoError(t, c.app.DecideMerge(c.ctx(), c.boss, merge, true))
		c.keeps()
		require.Equal(t, 1, c.count("SELECT count(*) FROM care_plans WHERE state <> 'closed'"))
		require.Zero(t, c.count("SELECT count(*) FROM check_ins WHERE recipient_id = $1 AND state IN ('planned', 'overdue', 'missed')", gone.Recipient))
		require.Zero(t, c.count("SELECT count(*) FROM messages WHERE recipient_id = $1 AND dispatch = 'planned'", gone.Recipient))
		for _, id := range []carelog.RecipientID{kept.Recipient, gone.Recipient} {
			entries := c.history(id)
			require.Greater(t, len(entries), before)
			of := map[carelog.RecipientID]int{}
			for _, e := range entries {
				of[e.Recipient]++
			}
			require.Len(t, of, 2, "both chains are shown")
			plan, err := c.app.PlanOf(c.ctx(), c.officer, id)
			require.NoError(t, err)
			require.Equal(t, kept.Plan, plan.ID)
			home, err := c.app.HouseholdOf(c.ctx(), c.officer, id)
			require.NoError(t, err)
			require.Len(t, home.Members, 1)
		}
		require.Empty(t, c.broken(), "both chains verify")

		var paged []carelog.Entry
		for next := int64(0); ; {
			page, err := c.app.History(c.ctx(), c.boss, gone.Recipient, next, 3)
			require.NoError(t, err)
			paged = append(paged, page.Entries...)
			if next = page.Next; next == 0 {
				break
			}
		}
		require.Len(t, paged, len(c.history(kept.Recipient)), "page by page nothing is left out or told twice")
	})

	t.Run("SaysNothingTwiceAndHearsTheOldCode", func(t *testing.T) {
		t.Parallel()
		c, kept, gone, merge := twoFiles(t)
		c.plan()
		require.Len(t, to(c.send(), contactPhone), 2, "each file asked")
		code := c.codeAsked(c.village(gone.Recipient).ID)
		require.NoError(t, c.app.DecideMerge(c.ctx(), c.boss, merge, true))
		c.clock.set(c.clock.now().AddDate(0, 0, 3))
		c.sweepAll()
		for _, out := range to(c.send(), contactPhone) {
			require.NotContains(t, out.Text, code)
		}
		c.reply(contactPhone, code+" 2")
		require.NotEmpty(t, c.alerts(kept.Recipient, "state <> 'closed'"), "difficulty is difficulty, under whichever code")
		found := false
		for _, e := range c.history(kept.Recipient) {
			found = found || e.Kind == "reply_received"
		}
		require.True(t, found, "and it is read in the file that stays")
	})

	t.Run("IsRefusedWhileSomethingOfTheFileThatGoesIsOpen", func(t *testing.T) {
		t.Parallel()
		c, kept, gone, merge := twoFiles(t)
		c.exec("UPDATE care_plans SET tier = 'red' WHERE id = $1", gone.Plan)
		require.ErrorContains(t, c.app.DecideMerge(c.ctx(), c.boss, merge, true), "more closely")
		c.exec("UPDATE care_plans SET tier = 'green', village_barred = true, village_bar_code = 'safety', primary_contact_id = NULL WHERE id = $1", gone.Plan)
		require.ErrorContains(t, c.app.DecideMerge(c.ctx(), c.boss, merge, true), "barred")
		c.exec("UPDATE care_plans SET village_barred = false, village_bar_code = '' WHERE id = $1", gone.Plan)
		c.happened(gone.Recipient, "hospital")
		require.ErrorContains(t, c.app.DecideMerge(c.ctx(), c.boss, merge, true), "settle it first")
		c.exec("UPDATE alerts SET state = 'closed', closed_at = now(), outcome = 'false', why = 'x'")
		c.exec("UPDATE care_plans SET state = 'closed', tier = 'green' WHERE id = $1", kept.Plan)
		c.exec("UPDATE care_plans SET tier = 'green'")
		require.ErrorContains(t, c.app.DecideMerge(c.ctx(), c.boss, merge, true), "other way round")
	})

	t.Run("TheFileThatWentTakesNothingNew", func(t *testing.T) {
		t.Parallel()
		c, kept, gone, merge := twoFiles(t)
		require.NoError(t, c.app.DecideMerge(c.ctx(), c.boss, merge, true))
		_, err := c.app.NoteVisit(c.ctx(), c.officer, gone.Recipient, "home", carelog.CheckInRecord{Outcome: "reached"})
		require.ErrorContains(t, err, kept.Recipient.String())
		_, err = c.app.ReopenPlan(c.ctx(), c.boss, gone.Plan, "误合并")
		require.Equal(t, carelog.Conflict, carelog.KindOf(err))
		c.keeps()
	})
}

func TestMergingTwoEntriesOfOneContact(t *testing.T) {
	t.Parallel()
	const otherPhone = "+8615400000102"
	for name, phone := range map[string]string{"WithTwoNumbers": otherPhone, "WithOneNumber": contactPhone} {
		t.Run(name+"KeepsEveryCodeAndAsksNobodyTwice", func(t *testing.T) {
			t.Parallel()
			c := newCounty(t)
			gone := c.addContact("赵主任", phone)
			e := c.enrolment("A-1", 177)
			e.Primary = gone
			made, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
			require.NoError(t, err)
			c.plan()
			require.Len(t, to(c.send(), phone), 1)
			check := c.village(made.Recipient)
			code := c.codeAsked(check.ID)
			merge, err := c.app.ProposeContactMerge(c.ctx(), c.officer, c.contact, gone, "同一人登记两次")
			require.NoError(t, err)
			require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.DecideMerge(c.ctx(), c.officer, merge, true)))
			require.NoError(t, c.app.DecideMerge(c.ctx(), c.boss, merge, true))
			require.Equal(t, 1, c.count("SELECT count(*) FROM care_plans WHERE primary_contact_id = $1", c.contact))
			c.plan()
			claimed := c.send()
			require.Empty(t, to(claimed, phone), "nobody is asked again")
			require.Empty(t, to(claimed, contactPhone))
			c.reply(phone, code+" 1")
			require.Equal(t, "done", c.checkIn(check.ID).State, "the code answers as before")
			c.keeps()
		})
	}
	t.Run("CarriesAConflictOfInterestOver", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		gone := c.addContact("赵主任", otherPhone)
		made := c.enrol("A-1", 3) // names the contact that stays
		require.NoError(t, c.app.FlagConflict(c.ctx(), c.officer, carelog.NewConflict{Recipient: made.Recipient, Contact: gone, Kind: "creditor", Reason: "借过钱"}))
		merge, err := c.app.ProposeContactMerge(c.ctx(), c.officer, c.contact, gone, "同一人登记两次")
		require.NoError(t, err)
		require.NoError(t, c.app.DecideMerge(c.ctx(), c.boss, merge, true))
		require.Zero(t, c.count("SELECT count(*) FROM care_plans WHERE primary_contact_id IS NOT NULL"))
		require.Equal(t, 1, c.tasks("contact_conflict"))
	})
}

// codeAsked is the code that a village check-in was asked under.
func (c *county) codeAsked(id carelog.CheckInID) (code string) {
	c.t.Helper()
	require.NoError(c.t, c.pool.QueryRow(c.ctx(), "SELECT code FROM asks WHERE check_in_id = $1 AND purpose = 'village_request'", id).Scan(&code))
	return code
}
