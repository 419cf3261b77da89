package carelog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

func (c *county) unmask(by carelog.Actor, id carelog.RecipientID, emergency bool) (carelog.FullFile, error) {
	return c.app.Unmask(c.ctx(), by, carelog.Unmasking{Recipient: id, Purpose: "phone_call", Reason: "约定入户时间", Emergency: emergency})
}

func (c *county) enrolChild(externalID string) carelog.Enrolled {
	c.t.Helper()
	made, err := c.app.EnrolRecipient(c.ctx(), c.officer, c.child(externalID, 3))
	require.NoError(c.t, err)
	return made
}

func TestUnmask(t *testing.T) {
	t.Parallel()

	t.Run("AFileIsShownInFullWithAReasonAndTheActStands", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		e := c.enrolment("A-1", 3)
		e.Phone = "+8615400000777"
		made, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		before := c.count("SELECT count(*) FROM audit WHERE act = 'file_unmasked' AND subject_id = $1", made.Recipient)
		full, err := c.unmask(c.officer, made.Recipient, false)
		require.NoError(t, err)
		require.Equal(t, e.Name, full.Name)
		require.Equal(t, "+8615400000777", full.Phone)
		require.Equal(t, contactPhone, full.Contacts[0].Phone)
		if e.IDNumber != "" {
			require.Len(t, full.IDEnding, 4)
		}
		require.Equal(t, before+1, c.count("SELECT count(*) FROM audit WHERE act = 'file_unmasked' AND subject_id = $1 AND detail = 'phone_call' AND actor_id = $2", made.Recipient, c.officer.User))
		require.Contains(t, c.kinds(made.Recipient), "file_unmasked")
		require.Zero(t, c.count("SELECT count(*) FROM audit WHERE detail LIKE '%约定%'"), "words stay out of the audit")
		require.Empty(t, c.broken())
	})

	t.Run("NoPurposeOrReasonShowsNothing", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		for _, u := range []carelog.Unmasking{{Purpose: "phone_call"}, {Reason: "x"}, {Purpose: "curiosity", Reason: "x"}} {
			u.Recipient = made.Recipient
			_, err := c.app.Unmask(c.ctx(), c.officer, u)
			require.Equal(t, carelog.Invalid, carelog.KindOf(err))
		}
		_, err := c.unmask(c.admin, made.Recipient, false)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		require.NotContains(t, c.kinds(made.Recipient), "file_unmasked")
	})

	t.Run("AMinorsFileNeedsLeaveThatEnds", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrolChild("C-1")
		_, err := c.unmask(c.officer, made.Recipient, false)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))

		leave, err := c.app.AskToOpen(c.ctx(), c.officer, made.Recipient, 7, "需与监护人电话联系")
		require.NoError(t, err)
		_, err = c.app.AskToOpen(c.ctx(), c.officer, made.Recipient, 7, "再问一次")
		require.Equal(t, carelog.Conflict, carelog.KindOf(err))
		_, err = c.unmask(c.officer, made.Recipient, false)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err), "asking is not leave")

		require.NoError(t, c.app.DecideOpening(c.ctx(), c.boss, leave, true, "同意"))
		require.Zero(t, c.count("SELECT count(*) FROM tasks WHERE kind = 'minor_opening' AND state = 'open'"))
		full, err := c.unmask(c.officer, made.Recipient, false)
		require.NoError(t, err)
		require.True(t, full.Minor)
		_, err = c.unmask(c.boss, made.Recipient, false)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err), "leave serves who asked and nobody else")

		c.clock.set(tuesday.AddDate(0, 0, 7).Add(time.Minute))
		_, err = c.unmask(c.officer, made.Recipient, false)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err), "leave ends by itself")
		require.Empty(t, c.broken())
	})

	t.Run("NobodyGivesThemselvesLeave", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrolChild("C-1")
		leave, err := c.app.AskToOpen(c.ctx(), c.boss, made.Recipient, 7, "复核")
		require.NoError(t, err)
		for _, by := range []carelog.Actor{c.boss, c.officer} {
			require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.DecideOpening(c.ctx(), by, leave, true, "同意")))
		}
		var task carelog.TaskID
		require.NoError(t, c.pool.QueryRow(c.ctx(), "SELECT id FROM tasks WHERE kind = 'minor_opening' AND state = 'open'").Scan(&task))
		require.Equal(t, carelog.Conflict, carelog.KindOf(c.app.ResolveTask(c.ctx(), c.boss, task, "看过了")), "the task is no way around the decision")
		other := c.addUser(c.office, "wu", "", carelog.Supervisor)
		require.NoError(t, c.app.DecideOpening(c.ctx(), other, leave, false, "无必要"))
		_, err = c.unmask(c.boss, made.Recipient, false)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		require.Equal(t, carelog.Conflict, carelog.KindOf(c.app.DecideOpening(c.ctx(), other, leave, true, "改主意")))
	})

	t.Run("AnEmergencyOpensForADayAndIsLookedAt", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrolChild("C-1")
		_, err := c.unmask(c.officer, made.Recipient, true)
		require.NoError(t, err)
		require.Equal(t, 1, c.count("SELECT count(*) FROM tasks WHERE kind = 'minor_opening' AND state = 'open'"))
		c.clock.set(tuesday.Add(25 * time.Hour))
		_, err = c.unmask(c.officer, made.Recipient, false)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err), "an emergency lasts a day")

		_, err = c.unmask(c.officer, made.Recipient, true)
		require.NoError(t, err)
		openings, err := c.app.Openings(c.ctx(), c.boss, made.Recipient)
		require.NoError(t, err)
		require.Len(t, openings, 2)
		require.Equal(t, "约定入户时间", openings[0].Reason)
		require.NoError(t, c.app.DecideOpening(c.ctx(), c.boss, openings[0].ID, false, "并非紧急"))
		_, err = c.unmask(c.officer, made.Recipient, false)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err), "refused afterwards ends it at once")
	})

	t.Run("AChildInAnAdultsHouseholdStaysMaskedWithoutLeave", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		e := c.enrolment("A-1", 3)
		e.Household = []carelog.Member{{Relation: "女", Name: "王小某", BornOn: e.Award.PaidOn.AddDays(-9 * 365)}, {Relation: "妻", Name: "赵某某", BornOn: e.Award.PaidOn.AddDays(-40 * 365)}}
		made, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		full, err := c.unmask(c.officer, made.Recipient, false)
		require.NoError(t, err)
		require.True(t, full.MinorsMasked)
		require.Equal(t, carelog.MaskName("王小某"), full.Members[0].Name)
		leave, err := c.app.AskToOpen(c.ctx(), c.officer, made.Recipient, 1, "协助入学")
		require.NoError(t, err)
		require.NoError(t, c.app.DecideOpening(c.ctx(), c.boss, leave, true, "同意"))
		full, err = c.unmask(c.officer, made.Recipient, false)
		require.NoError(t, err)
		require.Equal(t, "王小某", full.Members[0].Name)
	})

	t.Run("ASisterOfficeUnmasksNothing", func(t *testing.T) {
		t.Parallel()
		c, made, stranger := withSister(t)
		_, err := c.unmask(stranger, made.Recipient, true)
		require.Equal(t, carelog.NotFound, carelog.KindOf(err))
		_, err = c.app.AskToOpen(c.ctx(), stranger, made.Recipient, 3, "x")
		require.Equal(t, carelog.NotFound, carelog.KindOf(err))
		_, err = c.app.Openings(c.ctx(), stranger, made.Recipient)
		require.Equal(t, carelog.NotFound, carelog.KindOf(err))
	})
}
