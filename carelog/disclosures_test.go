package carelog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// told are the disclosures of a file, newest first.
func (c *county) told(id carelog.RecipientID) []carelog.Disclosure {
	c.t.Helper()
	list, err := c.app.Disclosures(c.ctx(), c.boss, id)
	require.NoError(c.t, err)
	return list
}

func TestDisclosures(t *testing.T) {
	t.Parallel()

	t.Run("EverySMSToAVillageContactIsADisclosure", func(t *testing.T) {
		t.Parallel()
		c, made := together(t, 4)
		notice, err := c.app.RecordNotice(c.ctx(), c.officer, made[0].Recipient, carelog.PrivacyNotice{Version: "2026-1", Channel: "in_person", GivenTo: "self"})
		require.NoError(t, err)
		_, err = c.app.RecordConsent(c.ctx(), c.officer, made[0].Recipient, carelog.Consent{Purpose: "village_contact", GivenBy: "self", Evidence: "签字单"})
		require.NoError(t, err)
		out := c.wire()
		c.answered([]carelog.Outgoing{out}, carelog.Receipt{CarrierMessageID: "SM1", Delivery: "queued"})
		require.Equal(t, 4, c.count("SELECT count(*) FROM disclosures"), "one text, four households")
		c.answered([]carelog.Outgoing{out}, carelog.Receipt{CarrierMessageID: "SM1", Delivery: "sent"})
		require.Equal(t, 4, c.count("SELECT count(*) FROM disclosures"), "a repeat of the receipt tells nobody anything")
		list := c.told(made[0].Recipient)
		require.Len(t, list, 1)
		require.Equal(t, []string{"household_alias", "task_code", "due_date"}, list[0].Fields)
		require.Equal(t, "contact", list[0].Told)
		require.Equal(t, c.contact.String(), list[0].ToldID.String())
		require.Equal(t, "consent", list[0].Basis)
		require.Equal(t, notice.ID, list[0].Notice)
		require.Equal(t, "legal_duty", c.told(made[1].Recipient)[0].Basis, "no consent is recorded there")
		require.Equal(t, 0, c.count(`SELECT count(*) FROM messages m WHERE m.contact_id IS NOT NULL AND m.recipient_id IS NOT NULL AND m.dispatch IN ('accepted', 'unknown')
			AND NOT EXISTS (SELECT FROM disclosures d WHERE d.subject_id = m.id)`))
		e, err := c.app.ExplainMessage(c.ctx(), c.officer, out.ID)
		require.NoError(t, err)
		require.Contains(t, e.Because[len(e.Because)-1].Sentence.English, "household alias")
	})

	t.Run("ATextThatMayHaveArrivedIsOneTooAndAFailedOneIsNone", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		one, two := c.enrol("A-1", 176), c.enrol("A-2", 176)
		claimed, err := c.work.ClaimMessages(c.ctx(), c.line, 100)
		require.NoError(t, err)
		texts := to(claimed, contactPhone)
		require.Len(t, texts, 2)
		require.NoError(t, c.work.SettleMessage(c.ctx(), carelog.Stuck{Outgoing: texts[0]}, carelog.CannotKnow))
		c.answered(texts[1:], carelog.Receipt{Class: carelog.Refused})
		require.Equal(t, 1, c.count("SELECT count(*) FROM messages WHERE dispatch = 'unknown'"))
		require.Equal(t, 1, len(c.told(one.Recipient))+len(c.told(two.Recipient)))
	})

	t.Run("AReferralIsOneWithItsGroundAndSoIsWhatWasToldOnPaper", func(t *testing.T) {
		t.Parallel()
		c, made, partner := referred(t)
		c.sent(made, partner)
		list := c.told(made.Recipient)
		require.Len(t, list, 1)
		require.Equal(t, "partner", list[0].Told)
		require.Equal(t, "沂源县民政局", list[0].ToldName)
		require.Equal(t, []string{"name", "income"}, list[0].Fields)
		require.Equal(t, "consent", list[0].Basis)
		paper := carelog.PaperDisclosure{Told: "authority", Fields: []string{"name", "needs"}, Basis: "legal_duty", Note: "函〔2026〕3号"}
		require.NoError(t, c.app.RecordDisclosure(c.ctx(), c.officer, made.Recipient, paper))
		require.Len(t, c.told(made.Recipient), 2)
		paper.Fields = []string{"secrets"}
		require.Equal(t, carelog.Invalid, carelog.KindOf(c.app.RecordDisclosure(c.ctx(), c.officer, made.Recipient, paper)))
	})

	t.Run("NobodyChangesOrRemovesOne", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		for _, role := range []string{"aftercare_app", "aftercare_work"} {
			for _, table := range []string{"disclosures", "privacy_notices", "consents"} {
				require.Zero(t, c.count("SELECT count(*) FROM information_schema.role_table_grants WHERE grantee = $1 AND table_name = $2 AND privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE')", role, table))
			}
		}
	})
}

func TestConsents(t *testing.T) {
	t.Parallel()

	t.Run("AChildOfThirteenHasATaskUntilAGuardianConsentsOrTheLawIsNamed", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		e := c.enrolment("A-1", 3)
		e.BornOn = calendar.New(2014, 3, 1)
		made, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		open := "SELECT count(*) FROM tasks WHERE kind = 'guardian_basis_missing' AND state = 'open'"
		require.Equal(t, 1, c.count(open))
		require.Equal(t, 1, c.count("SELECT count(*) FROM care_plans WHERE state = 'active'"), "care does not wait for a signature")
		consent := carelog.Consent{Purpose: "child_data", GivenBy: "self", Evidence: "签字单"}
		_, err = c.app.RecordConsent(c.ctx(), c.officer, made.Recipient, consent)
		require.Equal(t, carelog.Invalid, carelog.KindOf(err))
		consent.GivenBy = "guardian"
		_, err = c.app.RecordConsent(c.ctx(), c.officer, made.Recipient, consent)
		require.NoError(t, err)
		require.Zero(t, c.count(open))
		_, err = c.app.WithdrawConsent(c.ctx(), c.officer, made.Recipient, consent)
		require.NoError(t, err)
		require.Equal(t, 1, c.count(open))
		law := carelog.Consent{Purpose: "child_data", Step: "legal_duty", Evidence: "救助规定第六条"}
		_, err = c.app.RecordConsent(c.ctx(), c.officer, made.Recipient, law)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		_, err = c.app.RecordConsent(c.ctx(), c.boss, made.Recipient, law)
		require.NoError(t, err)
		require.Zero(t, c.count(open))
		g, err := c.app.Grounds(c.ctx(), c.boss, made.Recipient)
		require.NoError(t, err)
		require.Len(t, g.Consents, 3)
		require.Equal(t, "救助规定第六条", g.Consents[0].Evidence)
	})

	t.Run("WhoeverTakesTheVillageBackIsPhonedInstead", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 176)
		_, err := c.app.WithdrawConsent(c.ctx(), c.officer, made.Recipient, carelog.Consent{Purpose: "village_contact", GivenBy: "self", Evidence: "来电"})
		require.NoError(t, err)
		require.Empty(t, to(c.send(), contactPhone))
		require.Empty(t, c.told(made.Recipient))
		plan, err := c.app.PlanOf(c.ctx(), c.officer, made.Recipient)
		require.NoError(t, err)
		require.True(t, plan.Barred)
		c.keeps()
	})
}
