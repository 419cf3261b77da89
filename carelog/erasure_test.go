package carelog_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// lived is a county with two households whose files hold a whole story, both closed.
func lived(t *testing.T) (c *county, gone, stays carelog.Enrolled) {
	t.Helper()
	c = newCounty(t)
	c.exec("UPDATE offices SET together = true")
	partner, err := c.app.AddPartner(c.ctx(), c.officer, carelog.NewPartner{Name: "沂源县民政局", Kind: "civil_affairs", Contact: "周某", Phone: "15400000555"})
	require.NoError(t, err)
	var made []carelog.Enrolled
	for i, name := range []string{"欧阳柿岭", "马东里"} {
		e := c.enrolment(fmt.Sprintf("沂检救助[2026]%d号", i+1), 176)
		e.Name, e.Phone, e.IDNumber, e.Alias = name, fmt.Sprintf("1540000077%d", i), []string{"990323197206201177", ""}[i], []string{"一组老欧家", "二组老马家"}[i]
		e.Household, e.Award.Offence = []carelog.Member{{Relation: "儿子", Name: name + "小", BornOn: calendar.New(2012, 5, 17)}}, "交通肇事"
		one, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.NoError(t, err)
		made = append(made, one)
	}
	out := c.wire()
	c.answered([]carelog.Outgoing{out}, carelog.Receipt{CarrierMessageID: "SM1", Delivery: "delivered"})
	codes := c.names("SELECT code FROM asks WHERE contact_id IS NOT NULL ORDER BY id")
	c.reply(contactPhone, codes[0]+" 2 老欧摔断了腿")
	c.reply(contactPhone, codes[1]+" 1 老马挺好")
	c.reply("+8615400000770", "我是老欧，想问救助金")
	tasks, err := c.app.Tasks(c.ctx(), c.officer, carelog.Page{Limit: 50})
	require.NoError(t, err)
	for _, task := range tasks {
		require.NoError(t, c.app.ResolveTask(c.ctx(), c.boss, task.ID, "已联系老欧"))
	}
	for _, one := range made {
		_, err := c.app.RecordCheckIn(c.ctx(), c.officer, c.step(one.Recipient, "month-6-phone").ID, carelog.CheckInRecord{Outcome: "reached", Informant: "self", Note: "想申请低保"})
		require.NoError(t, err)
		_, err = c.app.ReportEvent(c.ctx(), c.officer, one.Recipient, carelog.Event{Kind: "hospital", OccurredOn: calendar.Of(tuesday), Source: "self", Note: "住院"})
		require.NoError(t, err)
		_, err = c.app.RecordConsent(c.ctx(), c.officer, one.Recipient, carelog.Consent{Purpose: "photos", GivenBy: "self", Evidence: "签字单"})
		require.NoError(t, err)
		c.sent(one, partner)
		c.exec("UPDATE alerts SET state = 'closed', outcome = 'resolved', why = 'closed by a person', closed_at = now(), closed_by = $2 WHERE recipient_id = $1 AND state <> 'closed'", one.Recipient, c.boss.User)
		c.exec("UPDATE tasks SET state = 'done', done_at = now() WHERE state = 'open'")
		c.exec("UPDATE care_plans SET state = 'closed', closed_by = $2, closed_on = '2026-11-24', review_on = NULL WHERE id = $1", one.Plan, c.boss.User)
		c.exec("UPDATE check_ins SET state = 'cancelled' WHERE recipient_id = $1 AND state IN ('planned', 'overdue', 'missed')", one.Recipient)
		c.exec("UPDATE escalations SET state = 'stopped', stopped_at = now(), stopped_why = 'x' WHERE recipient_id = $1 AND state = 'running'", one.Recipient)
	}
	return c, made[0], made[1]
}

// later is the morning when the time to keep the files has run.
var later = calendar.New(2031, 11, 26).At(9, 0)

// night applies retention until the night's run has ended.
func (c *county) night() carelog.RetentionRun {
	c.t.Helper()
	for range 20 {
		run, err := c.work.ApplyRetention(c.ctx(), 100)
		require.NoError(c.t, err)
		if run.EndedAt != nil {
			return run
		}
	}
	c.t.Fatal("the night's run does not end")
	return carelog.RetentionRun{}
}

// opens tells how many sealed values any key of the database still opens that are
// about what is looked for, trying every key on every bytes column there is.
func (c *county) opens(words ...string) (found []string) {
	c.t.Helper()
	keys := map[[16]byte][]byte{}
	for _, table := range []string{"recipients", "users", "village_contacts", "lines", "partners", "clues", "aid_cases", "meetings", "subscriptions"} {
		rows, err := c.pool.Query(c.ctx(), "SELECT id, data_key FROM "+table+" WHERE data_key IS NOT NULL")
		require.NoError(c.t, err)
		var id carelog.RecipientID
		var wrapped []byte
		_, err = pgx.ForEachRow(rows, []any{&id, &wrapped}, func() error {
			keys[id] = bytes.Clone(wrapped)
			return nil
		})
		require.NoError(c.t, err)
	}
	columns := c.names(`SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public' AND data_type = 'bytea' ORDER BY 1`)
	for _, at := range columns {
		table, column, _ := strings.Cut(at, ".")
		ids := c.names(fmt.Sprintf("SELECT coalesce(to_jsonb(t)->>'id', to_jsonb(t)->>'referral_id', '') || '/' || coalesce(to_jsonb(t)->>'n', '') FROM %s t WHERE %s IS NOT NULL ORDER BY ctid", table, column))
		rows, err := c.pool.Query(c.ctx(), fmt.Sprintf("SELECT %s FROM %s WHERE %s IS NOT NULL ORDER BY ctid", column, table, column))
		require.NoError(c.t, err)
		values, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
		require.NoError(c.t, err)
		for i, value := range values {
			text := c.open(keys, value, at, strings.TrimSuffix(ids[i], "/"))
			for _, word := range words {
				if strings.Contains(text, word) {
					found = append(found, at+": "+word)
				}
			}
		}
	}
	return found
}

// open peels a value with whatever key sealed it, once or several around each other.
func (c *county) open(keys map[[16]byte][]byte, value []byte, at, id string) string {
	for len(value) > 17 {
		wrapped, known := keys[[16]byte(value[1:17])]
		if !known {
			return string(value) // of no key there is, or open
		}
		key, err := c.keys.Unwrap([16]byte(value[1:17]), wrapped)
		require.NoError(c.t, err)
		opened := false
		for _, context := range []string{at, at + "/" + id} {
			if plain, err := key.Open(value, context); err == nil {
				value, opened = plain, true
				break
			}
		}
		if !opened {
			return string(value)
		}
	}
	return string(value)
}

func TestErasure(t *testing.T) {
	t.Parallel()

	t.Run("NothingOfThePersonOpensAnyMoreAndTheChainsVerify", func(t *testing.T) {
		t.Parallel()
		c, gone, stays := lived(t)
		about := []string{"欧阳", "老欧", "15400000770", "990323197206201177"}
		require.Greater(t, len(c.opens(about...)), 8, "the walk opens what is there")
		theirs := c.opens("马东里", "老马")
		kept := c.count("SELECT count(*) FROM history WHERE recipient_id = $1", gone.Recipient)
		// Closed long ago, and texted about yesterday: the words are there for the erasure to find.
		c.exec("UPDATE care_plans SET closed_on = '2021-01-04'")
		run := c.night()
		require.Equal(t, map[string]int{"outbound_text": 0, "inbound_text": 0, "recipient_file": 2, "held_file": 0}, run.Counts)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.EraseFile(c.ctx(), c.officer, gone.Recipient)))
		require.NoError(t, c.app.EraseFile(c.ctx(), c.boss, gone.Recipient))
		require.NoError(t, c.app.EraseFile(c.ctx(), c.boss, gone.Recipient), "a repeat changes nothing")

		require.Empty(t, c.opens(about...))
		for _, at := range c.names(`SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public' AND data_type IN ('text', 'jsonb', 'ARRAY')`) {
			table, column, _ := strings.Cut(at, ".")
			for _, value := range c.values(table, column) {
				for _, word := range append(about, "沂检救助[2026]1号") {
					require.NotContains(t, string(value), word, at)
				}
			}
		}
		require.Zero(t, c.count("SELECT count(*) FROM recipients WHERE id = $1 AND (data_key IS NOT NULL OR id_index IS NOT NULL OR phone_index IS NOT NULL)", gone.Recipient))
		for _, id := range []carelog.RecipientID{gone.Recipient, stays.Recipient} {
			wrong, err := c.app.VerifyHistory(c.ctx(), c.boss, id)
			require.NoError(t, err)
			require.Empty(t, wrong)
		}
		require.Equal(t, kept+3, c.count("SELECT count(*) FROM history WHERE recipient_id = $1", gone.Recipient), "proposed, a task, erased; nothing was taken away")
		require.Equal(t, 1, c.count("SELECT count(*) FROM audit WHERE act = 'file_erased' AND detail = 'retention' AND actor_id = $1", c.boss.User))
		_, err := c.app.History(c.ctx(), c.boss, gone.Recipient, 0, 10)
		require.Equal(t, carelog.Conflict, carelog.KindOf(err))
		require.NotEmpty(t, c.told(gone.Recipient), "to whom it was told is still known")
		list, err := c.app.Erasures(c.ctx(), c.boss, carelog.ErasureFilter{State: "erased", Page: carelog.Page{Limit: 10}})
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, "已删除", list[0].MaskedName)

		own, err := c.app.ExportOwnFile(c.ctx(), c.boss, stays.Recipient, carelog.OwnFileRequest{Told: "self", Reason: "x"})
		require.NoError(t, err, "the other file is whole")
		require.NotEmpty(t, own.Records)
		require.NotEmpty(t, slices.DeleteFunc(theirs, func(at string) bool { return at == "messages.text: 老马" }))
		c.reply(contactPhone, c.names("SELECT code FROM asks WHERE recipient_id = '" + gone.Recipient.String() + "' AND code IS NOT NULL")[0]+" 1")
		c.keeps()
	})

	t.Run("TheCheckOfAllRecordsTellsErasedFromBroken", func(t *testing.T) {
		t.Parallel()
		c, gone, _ := lived(t)
		c.exec("UPDATE care_plans SET closed_on = '2021-01-04'")
		c.night()
		require.NoError(t, c.app.EraseFile(c.ctx(), c.boss, gone.Recipient))
		found, err := c.work.VerifyAll(c.ctx(), carelog.TheSystem())
		require.NoError(t, err)
		require.Empty(t, found.Names)
		require.Positive(t, found.Erased)
		c.exec("UPDATE history SET payload = payload || '\\x00' WHERE recipient_id = $1 AND seq = 1", gone.Recipient)
		require.Len(t, c.broken(), 1, "a changed entry of an erased file still shows")
	})

	t.Run("ALateReportAboutItHoldsUpNoOther", func(t *testing.T) {
		t.Parallel()
		c, gone, stays := lived(t)
		c.exec("UPDATE care_plans SET closed_on = '2021-01-04'")
		c.exec("UPDATE messages SET delivery = 'sent', carrier_message_id = 'SM-' || id, dispatch = 'unknown' WHERE recipient_id IS NOT NULL AND dispatch = 'accepted'")
		c.night()
		require.NoError(t, c.app.EraseFile(c.ctx(), c.boss, gone.Recipient))
		ids := func(of carelog.RecipientID) []string {
			return c.names("SELECT id::text FROM messages WHERE dispatch = 'unknown' AND recipient_id = '" + of.String() + "'")
		}
		erased, others := ids(gone.Recipient), ids(stays.Recipient)
		require.NotEmpty(t, erased)
		require.NotEmpty(t, others)
		for _, id := range append(erased, others...) {
			c.report("SM-"+id, id, "delivered")
		}
		require.Equal(t, len(erased)+len(others), c.apply())
		require.Zero(t, c.count("SELECT count(*) FROM messages WHERE dispatch = 'unknown'"))
		require.Empty(t, c.broken())
	})

	t.Run("WhoRodeInAnothersTextGoesFromItsWordsToo", func(t *testing.T) {
		t.Parallel()
		c, _, rider := lived(t)
		require.Equal(t, 1, c.count("SELECT count(*) FROM messages WHERE recipient_id = $1 AND rides_with IS NOT NULL", rider.Recipient))
		require.NotEmpty(t, c.opens("二组老马家"))
		c.exec("UPDATE care_plans SET closed_on = '2021-01-04'")
		c.night()
		require.NoError(t, c.app.EraseFile(c.ctx(), c.boss, rider.Recipient))
		require.Empty(t, c.opens("二组老马家"))
	})

	t.Run("IsRefusedBeforeItsTimeUnderAHoldAndByWhoProposed", func(t *testing.T) {
		t.Parallel()
		c, gone, _ := lived(t)
		err := c.app.ProposeErasure(c.ctx(), c.officer, gone.Recipient)
		require.Equal(t, carelog.Conflict, carelog.KindOf(err))
		require.Contains(t, err.Error(), "2031-11-24", "the day from which it may")
		c.clock.set(later)
		require.NoError(t, c.app.ProposeErasure(c.ctx(), c.boss, gone.Recipient))
		require.Equal(t, carelog.Forbidden, carelog.KindOf(c.app.EraseFile(c.ctx(), c.boss, gone.Recipient)))
		other := c.addUser(c.office, "wu", "", carelog.Supervisor)
		require.NoError(t, c.app.PlaceHold(c.ctx(), c.boss, gone.Recipient, "检查"))
		require.Equal(t, carelog.Conflict, carelog.KindOf(c.app.EraseFile(c.ctx(), other, gone.Recipient)))
		require.Positive(t, c.count("SELECT count(*) FROM recipients WHERE id = $1 AND data_key IS NOT NULL", gone.Recipient))
		require.NoError(t, c.app.LiftHold(c.ctx(), c.boss, gone.Recipient, "检查结束"))
		require.NoError(t, c.app.EraseFile(c.ctx(), other, gone.Recipient))
		require.Equal(t, 1, c.count("SELECT count(*) FROM recipients WHERE erased_at IS NOT NULL"))
	})

	t.Run("TheDatabaseItselfErasesNothingThatIsHeldOrInCare", func(t *testing.T) {
		t.Parallel()
		c, gone, _ := lived(t)
		c.clock.set(later)
		c.night()
		c.exec("INSERT INTO legal_holds (id, recipient_id, placed_at) VALUES (gen_random_uuid(), $1, now())", gone.Recipient)
		conn, err := pgx.Connect(c.ctx(), c.db.App)
		require.NoError(t, err)
		defer conn.Close(c.ctx())
		_, err = conn.Exec(c.ctx(), "SELECT set_config('aftercare.offices', $1, false), set_config('aftercare.user', $2, false)", "{"+c.office.String()+"}", c.boss.User.String())
		require.NoError(t, err)
		erase := func() string {
			_, err := conn.Exec(c.ctx(), "SELECT erase_file(id, now()) FROM erasures WHERE recipient_id = $1", gone.Recipient)
			return constraintOf(err)
		}
		const refused = "a_file_is_erased_by_a_second_supervisor"
		require.Equal(t, refused, erase())
		c.exec("UPDATE legal_holds SET lifted_at = now()")
		c.exec("UPDATE care_plans SET state = 'paused', review_on = '2032-01-01' WHERE id = $1", gone.Plan)
		require.Equal(t, refused, erase())
		c.exec("UPDATE care_plans SET state = 'closed' WHERE id = $1", gone.Plan)
		c.exec("UPDATE erasures SET proposed_by = $1", c.boss.User)
		require.Equal(t, refused, erase())
		require.Zero(t, c.count("SELECT count(*) FROM recipients WHERE erased_at IS NOT NULL"))
	})
}

// keptByErasure are tables that name a recipient and that erase_file leaves as they
// are, and why there is nothing of the person in them once the key is gone.
var keptByErasure = map[string]string{
	"history":         "only grows: ciphertext under the destroyed key",
	"history_heads":   "hashes of it",
	"check_ins":       "dates and the template's own words",
	"alerts":          "a rule, a level and dates: reasons are of a list",
	"escalations":     "rungs and dates",
	"disclosures":     "names of fields and ids, kept three years at least",
	"privacy_notices": "that a notice was given",
	"erasures":        "who decided",
	"changes":         "ids and kinds, forgotten after 90 days",
}

func TestErasureKnowsEveryTable(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	var source string
	require.NoError(t, c.pool.QueryRow(c.ctx(), "SELECT prosrc FROM pg_proc WHERE proname = 'erase_file'").Scan(&source))
	tables, gone := c.names("SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'recipient_id' ORDER BY 1"),
		c.names("SELECT table_name FROM erased_with_file ORDER BY 1")
	require.Subset(t, tables, gone)
	for _, table := range tables {
		if keptByErasure[table] == "" && !slices.Contains(gone, table) {
			require.Regexp(t, `UPDATE `+table+` |DELETE FROM `+table+` |'`+table+`'`, source,
				"%s names recipients: name it in erased_with_file, say in erase_file what becomes of it, or above why it stays", table)
		}
	}
}
