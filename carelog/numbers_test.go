package carelog_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
)

const newPhone = "+8615400000111"

// addUnverified adds a contact whose number nobody has made sure of.
func (c *county) addUnverified(name, phone string) carelog.ContactID {
	c.t.Helper()
	id, err := c.app.AddContact(c.ctx(), c.officer, carelog.NewContact{
		Name: name, Phone: phone, Role: "grid_worker", Villages: []carelog.VillageName{{Township: "南麻街道", Name: "柿岭村"}},
	})
	require.NoError(c.t, err)
	return id
}

// checkNumbers lets the sweep look after numbers.
func (c *county) checkNumbers() int {
	c.t.Helper()
	n, err := c.work.CheckNumbers(c.ctx(), 100)
	require.NoError(c.t, err)
	return n
}

// numberState is the state of a contact's number.
func (c *county) numberState(id carelog.ContactID) string {
	c.t.Helper()
	var state string
	err := c.pool.QueryRow(c.ctx(), "SELECT n.state FROM numbers n JOIN village_contacts k ON k.phone_index = n.phone_index WHERE k.id = $1", id).Scan(&state)
	require.NoError(c.t, err)
	return state
}

// taskReason is why the open task of a kind is there.
func (c *county) taskReason(kind string) string {
	c.t.Helper()
	var reason string
	require.NoError(c.t, c.pool.QueryRow(c.ctx(), "SELECT reason FROM tasks WHERE kind = $1 AND state = 'open' LIMIT 1", kind).Scan(&reason))
	return reason
}

// enrolWith enrols somebody with these contacts.
func (c *county) enrolWith(externalID string, primary, backup carelog.ContactID) carelog.Enrolled {
	c.t.Helper()
	e := c.enrolment(externalID, 176)
	e.Primary, e.Backup = primary, backup
	made, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
	require.NoError(c.t, err)
	return made
}

// requests counts the requests about a household that are planned to a contact.
func (c *county) requests(made carelog.Enrolled, contact carelog.ContactID) int {
	c.t.Helper()
	return c.count("SELECT count(*) FROM messages WHERE recipient_id = $1 AND contact_id = $2 AND purpose = 'village_request' AND dispatch = 'planned'", made.Recipient, contact)
}

func TestNumbers(t *testing.T) {
	t.Parallel()

	t.Run("ANewNumberGetsANeutralTextAndNothingElse", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		contact := c.addUnverified("钱某", newPhone)
		made := c.enrolWith("A-1", contact, carelog.ContactID{})
		require.Equal(t, 1, c.checkNumbers())
		require.Zero(t, c.checkNumbers(), "once a number")
		require.Equal(t, "unverified", c.numberState(contact))
		texts := to(c.send(), newPhone)
		require.Len(t, texts, 1)
		require.Contains(t, texts[0].Text, "沂源县检察院")
		require.Contains(t, texts[0].Text, "12309")
		require.NotContains(t, texts[0].Text, "老马")
		require.Equal(t, "asked", c.numberState(contact))
		require.Equal(t, 1, c.tasks("contact_missing"))
		require.Contains(t, c.taskReason("contact_missing"), "not verified")
		for day := 25; day <= 26; day++ {
			c.clock.set(calendar.New(2026, time.November, day).At(9, 30))
			c.plan()
			c.checkNumbers()
			require.Empty(t, to(c.send(), newPhone))
		}
		require.NotZero(t, c.count("SELECT count(*) FROM messages WHERE recipient_id = $1 AND purpose = 'officer_reminder' AND dispatch IN ('planned', 'accepted')", made.Recipient))
		e, err := c.app.ExplainSilence(c.ctx(), c.officer, made.Recipient)
		require.NoError(t, err)
		require.Contains(t, reasons(e), "it is not certain that the contact's number is theirs: the village is asked by phone")

		c.reply(newPhone, "1")
		require.Equal(t, "verified", c.numberState(contact))
		require.Zero(t, c.tasks("contact_missing"))
		require.Contains(t, c.kinds(made.Recipient), "number_verified")
		require.Positive(t, c.plan())
		require.Positive(t, c.requests(made, contact))
		asked := to(c.send(), newPhone)
		require.Len(t, asked, 1)
		require.Contains(t, asked[0].Text, "请协助看望")
		c.reply(newPhone, "1")
		require.Equal(t, "done", c.village(made.Recipient).State)
		c.keeps()
	})

	t.Run("AStrangersNoQuarantinesTheNumber", func(t *testing.T) {
		t.Parallel()
		for _, words := range []string{"4", "你打错了,我不是本人"} {
			c := newCounty(t)
			contact := c.addUnverified("钱某", newPhone)
			c.enrolWith("A-1", contact, carelog.ContactID{})
			c.checkNumbers()
			require.Len(t, to(c.send(), newPhone), 1)
			c.reply(newPhone, words)
			require.Equal(t, "quarantined", c.numberState(contact), words)
			require.Equal(t, 1, c.tasks("contact_change"))
			c.reply(newPhone, "1")
			require.Equal(t, "quarantined", c.numberState(contact))
			require.Equal(t, 1, c.tasks("triage"))
			c.keeps()
		}
	})

	t.Run("AVerifiedNumberThatChangedHandsIsBelievedNoMore", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		c.reply(contactPhone, "您打错了,我不是本人")
		require.Equal(t, "quarantined", c.numberState(c.contact))
		require.Equal(t, 1, c.tasks("contact_change"))
		require.Contains(t, c.kinds(made.Recipient), "number_disowned")
		c.reply(contactPhone, code+" 1")
		require.Equal(t, "planned", c.village(made.Recipient).State)
		require.Equal(t, 1, c.tasks("triage"))
		require.Positive(t, c.plan())
		require.Contains(t, c.taskReason("contact_missing"), "somebody else's")
		require.Empty(t, to(c.send(), contactPhone))
		c.keeps()
	})

	t.Run("AnAnswerBeforeTheTextWentOutConfirmsNothing", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		contact := c.addUnverified("钱某", newPhone)
		c.reply(newPhone, "1")
		require.Equal(t, "unverified", c.numberState(contact))
		require.Equal(t, 1, c.tasks("triage"))
	})

	t.Run("AnAnswerToATextThatWasHeldBackConfirmsNothing", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.exec("UPDATE offices SET texting = 'pilot'") // and the number is not in it
		contact := c.addUnverified("钱某", newPhone)
		c.checkNumbers()
		require.Empty(t, to(c.send(), newPhone))
		require.Equal(t, "unverified", c.numberState(contact))
		c.reply(newPhone, "1")
		require.Equal(t, "unverified", c.numberState(contact))
		require.Equal(t, 1, c.tasks("triage"))
		c.keeps()
	})

	t.Run("SilenceBecomesThePlansOfficersWork", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		contact := c.addUnverified("钱某", newPhone)
		made := c.enrolWith("A-1", contact, carelog.ContactID{})
		c.checkNumbers()
		c.send()
		c.clock.set(calendar.New(2026, time.November, 27).At(17, 0)) // the third working day
		require.Zero(t, c.checkNumbers())
		c.clock.set(calendar.New(2026, time.November, 30).At(9, 0))
		require.Equal(t, 1, c.checkNumbers())
		require.Zero(t, c.checkNumbers())
		require.Equal(t, 1, c.count("SELECT count(*) FROM tasks WHERE kind = 'verify_number' AND plan_id = $1 AND contact_id = $2 AND state = 'open'", made.Plan, contact))
		require.NoError(t, c.app.VerifyNumber(c.ctx(), c.officer, contact, "called"))
		require.Zero(t, c.tasks("verify_number"))
		require.Equal(t, "verified", c.numberState(contact))
		require.Equal(t, carelog.Conflict, carelog.KindOf(c.app.VerifyNumber(c.ctx(), c.officer, contact, "called")))
		require.Equal(t, carelog.Invalid, carelog.KindOf(c.app.VerifyNumber(c.ctx(), c.officer, contact, "guessed")))
		c.keeps()
	})

	t.Run("ANumberThatIsDoubtedAfterPlanningIsNotTexted", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 176)
		c.exec("UPDATE numbers SET state = 'asked', asked_at = $1, verified_at = NULL", tuesday)
		require.Empty(t, to(c.send(), contactPhone))
		require.Equal(t, 1, c.tasks("verify_number"))
		require.Positive(t, c.plan())
		require.Zero(t, c.requests(made, c.contact))
		c.keeps()
	})

	t.Run("AChangedNumbersOldRepliesGoToTriage", func(t *testing.T) {
		t.Parallel()
		c, made, code := asked(t)
		require.NoError(t, c.app.ChangePhone(c.ctx(), c.officer, c.contact, "154 0000 0111"))
		require.Zero(t, c.count("SELECT count(*) FROM asks WHERE contact_id = $1 AND state = 'open'", c.contact))
		require.Equal(t, "unverified", c.numberState(c.contact))
		require.Equal(t, 1, c.count("SELECT count(*) FROM numbers WHERE state = 'quarantined'"))
		require.Contains(t, c.kinds(made.Recipient), "contact_phone_changed")
		for _, words := range []string{code + " 1", "1", "恢复"} {
			c.reply(contactPhone, words)
		}
		require.Equal(t, "planned", c.village(made.Recipient).State)
		require.Equal(t, 3, c.tasks("triage"))
		require.Zero(t, c.count("SELECT count(*) FROM inbound_messages WHERE contact_id IS NOT NULL"))
		c.plan()
		c.checkNumbers()
		claimed := c.send()
		require.Empty(t, to(claimed, contactPhone))
		require.Len(t, to(claimed, newPhone), 1)
		// Who adds the old number again is told that it rests; after half a year it is asked anew.
		again := c.addUnverified("孙某", contactPhone)
		require.Equal(t, "quarantined", c.numberState(again))
		c.checkNumbers()
		require.Empty(t, to(c.send(), contactPhone))
		c.clock.set(tuesday.AddDate(0, 0, 181))
		require.Positive(t, c.checkNumbers())
		require.Equal(t, "unverified", c.numberState(again))
	})

	t.Run("ASharedNumberStaysTheOthers", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		other := c.addContact("钱某", contactPhone)
		require.NoError(t, c.app.ChangePhone(c.ctx(), c.officer, c.contact, newPhone))
		require.Equal(t, "verified", c.numberState(other))
		require.Equal(t, carelog.Conflict, carelog.KindOf(c.app.ChangePhone(c.ctx(), c.officer, c.contact, newPhone)))
		require.Equal(t, carelog.Invalid, carelog.KindOf(c.app.ChangePhone(c.ctx(), c.officer, c.contact, "12")))
	})

	t.Run("AStopWordOutlivesANewContactRow", func(t *testing.T) {
		t.Parallel()
		c, _, _ := asked(t)
		c.reply(contactPhone, "退订")
		c.send()
		again := c.addContact("赵某", contactPhone)
		made := c.enrolWith("A-2", again, carelog.ContactID{})
		require.Empty(t, to(c.send(), contactPhone))
		require.Zero(t, c.requests(made, again))
		c.clock.set(calendar.New(2026, time.November, 25).At(9, 30))
		c.checkNumbers()
		require.Empty(t, to(c.send(), contactPhone))

		require.Equal(t, carelog.Invalid, carelog.KindOf(c.app.AllowTexts(c.ctx(), c.officer, again, "just so")))
		require.NoError(t, c.app.AllowTexts(c.ctx(), c.officer, again, "asked_by_phone"))
		require.Equal(t, carelog.Conflict, carelog.KindOf(c.app.AllowTexts(c.ctx(), c.officer, again, "asked_by_phone")))
		require.Zero(t, c.tasks("contact_opted_out"))
		require.Equal(t, 1, c.count("SELECT count(*) FROM audit WHERE act = 'texts_allowed' AND detail = 'asked_by_phone' AND actor_id = $1", c.officer.User))
		require.Contains(t, c.kinds(made.Recipient), "contact_texts_allowed")
		c.plan()
		require.NotEmpty(t, to(c.send(), contactPhone))
		c.keeps()
	})

	t.Run("AStrangersStopOutlivesItsBecomingAContact", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.reply(newPhone, "TD")
		contact := c.addUnverified("钱某", newPhone)
		c.enrolWith("A-1", contact, carelog.ContactID{})
		require.Zero(t, c.checkNumbers())
		require.Empty(t, to(c.send(), newPhone))
	})

	t.Run("AMissingPhoneNeverRedirects", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		backup := c.addContact("钱某", "+8615400000103")
		made := c.enrolWith("A-1", c.contact, backup)
		c.forgetPhone(c.contact)
		claimed := c.send()
		for _, out := range claimed.Send {
			require.Equal(t, officerPhone, out.To, "nobody else is texted instead")
		}
		require.Equal(t, 1, claimed.Refused)
		require.Equal(t, 1, c.tasks("message_failed"))
		require.Zero(t, c.requests(made, backup))
		c.keeps()
	})

	t.Run("ALateDeliveryHealsTheNumber", func(t *testing.T) {
		t.Parallel()
		c, made, out := onTheWire(t)
		c.answered([]carelog.Outgoing{out}, carelog.Receipt{Delivery: "queued"})
		sid := "SM" + out.ID.String()
		undelivered := carelog.Report{Carrier: "twilio", CarrierMessageID: sid, Status: "undelivered", Delivery: "undelivered", ErrorCode: "30003", Class: carelog.Unreachable}
		require.NoError(t, c.app.StoreReport(c.ctx(), undelivered))
		c.apply()
		require.Equal(t, "empty", c.numberState(c.contact))
		require.Equal(t, 1, c.tasks("message_failed"))
		c.plan()
		require.Equal(t, 1, c.tasks("contact_missing"))
		c.later(time.Hour)
		c.report(sid, "", "delivered")
		c.apply()
		require.Equal(t, "verified", c.numberState(c.contact))
		require.Zero(t, c.tasks("message_failed"))
		require.Zero(t, c.tasks("contact_missing"))
		require.Contains(t, c.kinds(made.Recipient), "number_reachable")
		c.plan()
		require.Empty(t, to(c.send(), contactPhone), "the same is not said twice on one day")
		c.keeps()
	})

	t.Run("AnOldTextsDeliveryDoesNotHealAnotherNumber", func(t *testing.T) {
		t.Parallel()
		c, _, out := onTheWire(t)
		c.answered([]carelog.Outgoing{out}, carelog.Receipt{Delivery: "queued"})
		require.NoError(t, c.app.ChangePhone(c.ctx(), c.officer, c.contact, newPhone))
		c.exec("UPDATE numbers SET state = 'empty', unreachable_at = $1 WHERE state = 'unverified'", tuesday)
		c.later(time.Hour)
		c.report("SM"+out.ID.String(), "", "delivered")
		c.apply()
		require.Equal(t, "empty", c.numberState(c.contact))
	})
}

// forgetPhone takes the phone out of a contact's sealed facts.
func (c *county) forgetPhone(id carelog.ContactID) {
	c.t.Helper()
	var wrapped []byte
	require.NoError(c.t, c.pool.QueryRow(c.ctx(), "SELECT data_key FROM village_contacts WHERE id = $1", id).Scan(&wrapped))
	key, err := c.keys.Unwrap(id, wrapped)
	require.NoError(c.t, err)
	sealed, err := crypt.SealJSON(key, map[string]string{"name": "赵某"}, "village_contacts.sealed")
	require.NoError(c.t, err)
	c.exec("UPDATE village_contacts SET sealed = $2 WHERE id = $1", id, sealed)
}

// reasons are the sentences of an explanation.
func reasons(e carelog.Explanation) []string {
	var said []string
	for _, b := range e.Because {
		said = append(said, b.English)
	}
	return said
}
