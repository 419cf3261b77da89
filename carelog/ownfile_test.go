package carelog_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

func TestOwnFile(t *testing.T) {
	t.Parallel()

	t.Run("HoldsAllOfThePersonAndNothingOfOthers", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		e := c.enrolment("A-1", 176)
		e.Name, e.Phone, e.IDNumber = "欧阳柿岭", "15400000777", "990323197206201177"
		e.Household, e.Award.Offence = []carelog.Member{{Relation: "儿子", Name: "欧阳小岭"}}, "交通肇事"
		made, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		code := codeIn(t, to(c.send(), contactPhone)[0].Text)
		c.reply(contactPhone, code+" 2 老马摔断了腿")
		record := carelog.CheckInRecord{Outcome: "reached", Informant: "self", Note: "邻居老周电话 15400000909，2026-11-20 10 时来过"}
		_, err = c.app.RecordCheckIn(c.ctx(), c.officer, c.step(made.Recipient, "month-6-phone").ID, record)
		require.NoError(t, err)
		partner, err := c.app.AddPartner(c.ctx(), c.officer, carelog.NewPartner{Name: "沂源县民政局", Kind: "civil_affairs", Contact: "周某", Phone: "15400000555"})
		require.NoError(t, err)
		c.sent(made, partner)
		require.NoError(t, c.app.CorrectIdentity(c.ctx(), c.officer, made.Recipient, carelog.IdentityCorrection{Name: "欧阳士岭", Reason: "户口簿"}))

		_, err = c.app.ExportOwnFile(c.ctx(), c.officer, made.Recipient, carelog.OwnFileRequest{Told: "self", Reason: "本人申请"})
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		own, err := c.app.ExportOwnFile(c.ctx(), c.boss, made.Recipient, carelog.OwnFileRequest{Told: "self", Reason: "本人申请"})
		require.NoError(t, err)
		text, err := json.Marshal(own)
		require.NoError(t, err)
		for _, has := range []string{"欧阳士岭", "欧阳柿岭", "15400000777", "990323197206201177", "欧阳小岭", "交通肇事", "老马摔断了腿", "沂源县民政局", "冬天缺煤", "2026-11-20 10"} {
			require.Contains(t, string(text), has)
		}
		for _, not := range []string{"15400000101", "15400000201", "15400000555", "15400000909", "15400000202", "赵某", "li某"} {
			require.NotContains(t, string(text), not)
			require.NotContains(t, own.Text(), not)
		}
		require.Contains(t, own.Text(), "欧阳士岭")
		require.Contains(t, own.Text(), "沂源县民政局")
		list := c.told(made.Recipient)
		require.Equal(t, "export", list[0].Channel, "handing it out is a disclosure itself")
		require.Equal(t, 1, c.count("SELECT count(*) FROM audit WHERE act = 'own_file_exported' AND actor_id = $1", c.boss.User))
	})

	t.Run("ACorrectedIdentityIsFoundByAndKeepsWhatStoodBefore", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		was := c.count("SELECT count(*) FROM recipients WHERE phone_index IS NOT NULL")
		require.NoError(t, c.app.CorrectIdentity(c.ctx(), c.officer, made.Recipient, carelog.IdentityCorrection{Phone: "15400000777", BornOn: calendar.New(1972, 6, 20), Reason: "补登"}))
		require.Equal(t, was+1, c.count("SELECT count(*) FROM recipients WHERE phone_index = $1", c.keys.Index("phone", "+8615400000777")))
		last := c.history(made.Recipient)
		require.Equal(t, "identity_corrected", last[len(last)-1].Kind)
		require.Contains(t, string(last[len(last)-1].Details), "1972-06-20")
		for _, bad := range []carelog.IdentityCorrection{{Reason: "x"}, {Name: "x"}, {Phone: "1", Reason: "x"}, {IDNumber: "1", Reason: "x"}} {
			require.Equal(t, carelog.Invalid, carelog.KindOf(c.app.CorrectIdentity(c.ctx(), c.officer, made.Recipient, bad)))
		}
	})
}

func TestRestriction(t *testing.T) {
	t.Parallel()
	frozen := carelog.Restriction{Ground: "subject_request", ReviewOn: calendar.New(2027, 2, 1), Reason: "本人申请"}

	t.Run("ARestrictedFileGetsNoTextsAndIsNotForgotten", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 176)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.RestrictFile(c.ctx(), c.officer, made.Recipient, frozen)))
		without := frozen
		without.ReviewOn = calendar.Date{}
		require.Equal(t, carelog.Invalid, carelog.KindOf(c.app.RestrictFile(c.ctx(), c.boss, made.Recipient, without)), "an open plan needs a date ahead (P1)")
		require.NoError(t, c.app.RestrictFile(c.ctx(), c.boss, made.Recipient, frozen))
		require.Empty(t, c.send().Send)
		_, err := c.work.PlanMessages(c.ctx(), 100)
		require.NoError(t, err)
		c.clock.set(tuesday.AddDate(0, 0, 7))
		require.Empty(t, c.send().Send)
		c.keeps()
		_, err = c.app.StartPlan(c.ctx(), c.boss, made.Plan)
		require.Equal(t, carelog.Conflict, carelog.KindOf(err))
		require.Equal(t, carelog.Conflict, carelog.KindOf(c.app.RestrictFile(c.ctx(), c.boss, made.Recipient, frozen)))
		require.NoError(t, c.app.LiftRestriction(c.ctx(), c.boss, made.Recipient, "已核对"))
		_, err = c.app.StartPlan(c.ctx(), c.officer, made.Plan)
		require.NoError(t, err)
		c.keeps()
	})

	t.Run("IsReadBySupervisorsAloneWithAReasonThatHoldsAnHour", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		require.NoError(t, c.app.RestrictFile(c.ctx(), c.boss, made.Recipient, frozen))
		reads := func(by carelog.Actor) carelog.Kind {
			return carelog.KindOf(second(c.app.History(c.ctx(), by, made.Recipient, 0, 10)))
		}
		require.Equal(t, carelog.Forbidden, reads(c.officer))
		require.Equal(t, carelog.Forbidden, reads(c.boss), "a supervisor gives a reason first")
		_, err := c.app.OpenRestricted(c.ctx(), c.officer, made.Recipient, "x")
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		_, err = c.app.OpenRestricted(c.ctx(), c.boss, made.Recipient, "复核申请")
		require.NoError(t, err)
		require.Zero(t, reads(c.boss))
		require.Equal(t, carelog.Forbidden, reads(c.officer))
		c.clock.set(tuesday.Add(2 * time.Hour))
		require.Equal(t, carelog.Forbidden, reads(c.boss))
	})
}
