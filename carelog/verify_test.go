package carelog_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// everythingSealed is a county with something in every column that holds ciphertext.
func everythingSealed(t *testing.T) (*county, carelog.Enrolled) {
	t.Helper()
	c, made, code := asked(t)
	k := withDepartments(c)
	opened := k.opened(nil)
	k.add(opened.ID, "home_visit")
	_, err := k.app.AddPartnerContact(c.ctx(), k.officer, k.veterans, carelog.PartnerContact{Name: "周某", Phone: "15400000556"})
	require.NoError(t, err)
	_, _, err = k.app.Subscribe(c.ctx(), c.admin, carelog.NewSubscription{URL: "https://platform.example/hook"})
	require.NoError(t, err)
	meeting, err := k.app.PlanMeeting(c.ctx(), k.officer, carelog.Meeting{PlannedOn: calendar.Of(tuesday), Partners: []carelog.PartnerID{k.veterans}})
	require.NoError(t, err)
	require.NoError(t, k.app.HoldMeeting(c.ctx(), k.officer, meeting.ID, calendar.Of(tuesday), "纪要", []carelog.MeetingDecision{{What: "议定"}}))
	_, err = k.app.AddCaseFile(c.ctx(), k.officer, opened.ID, "a.pdf", []byte("%PDF-1.7 x"))
	require.NoError(t, err)
	ctx := c.ctx()
	c.reply(contactPhone, code+" 2") // a signal that a rule judges, under the household's key
	c.reply("+8615400000777", "谁啊")  // a stranger's, under the line's
	c.resolve("phone_household")
	e := c.child("A-2", 3)
	e.Household = []carelog.Member{{Relation: "daughter", Name: "马小某"}}
	child, err := c.app.EnrolRecipient(ctx, keyed(c.officer, "k-1", "h"), e)
	require.NoError(t, err)
	_, err = c.app.AskToOpen(ctx, c.officer, child.Recipient, 7, "需与监护人电话联系")
	require.NoError(t, err)
	c.happened(made.Recipient, "hospital")
	partner, err := c.app.AddPartner(ctx, c.officer, carelog.NewPartner{Name: "沂源县民政局", Kind: "civil_affairs", Contact: "周某", Phone: "15400000555"})
	require.NoError(t, err)
	c.draft(made, partner, "dibao")
	_, err = c.app.ProposeFileMerge(ctx, c.officer, made.Recipient, child.Recipient, "疑似同一人")
	require.NoError(t, err)
	_, err = c.app.AgreeSupervision(ctx, c.officer, made.Recipient, carelog.SupervisionAgreement{
		SignedOn: calendar.Of(tuesday), RecipientSide: "本人", Village: "村委会", Office: "本院", Instalments: []carelog.NewInstalment{{AmountFen: 100, DueOn: calendar.Of(tuesday), Condition: "凭票据"}},
	})
	require.NoError(t, err)
	_, err = c.app.RecordFundUse(ctx, c.officer, made.Recipient, carelog.FundUse{UsedOn: calendar.Of(tuesday), AmountFen: 100, Category: "medical", ToldBy: "self", Evidence: "told", Note: "买药"})
	require.NoError(t, err)
	colleague := c.addUser(c.office, "colleague", secondPhone, carelog.Officer)
	act, err := c.app.TransferPlans(ctx, c.boss, carelog.NewTransfer{From: "li", To: "colleague", Reason: "调离本院"})
	require.NoError(t, err)
	_, err = c.app.DeclineTransfer(ctx, colleague, act.ID, nil, "与该户有亲属关系")
	require.NoError(t, err)
	require.NoError(t, c.work.MandatoryReport(ctx, made.Plan))
	var task carelog.TaskID
	require.NoError(t, c.pool.QueryRow(ctx, "SELECT id FROM tasks WHERE kind = 'mandatory_report'").Scan(&task))
	require.NoError(t, c.app.RecordReport(ctx, c.officer, task, []carelog.MadeReport{{To: "police", At: tuesday, Reference: "1"}}))
	c.givePasswords(c.officer)
	secret, enrolled := c.enrolled("li") // and another second factor, which waits for its first code
	_, err = c.app.EnrolSecondFactor(ctx, c.actor(enrolled.Session), c.code(secret, c.clock.now().Add(30*time.Second)))
	require.NoError(t, err)
	c.record(c.step(made.Recipient, "month-6-phone").ID, carelog.CheckInRecord{Outcome: "reached", Informant: "self", Receipt: "full", Note: "近况平稳"})
	_, err = c.app.RecordConsent(ctx, c.officer, made.Recipient, carelog.Consent{Purpose: "photos", GivenBy: "self", Evidence: "签字单"})
	require.NoError(t, err)
	require.NoError(t, c.app.PlaceHold(ctx, c.boss, made.Recipient, "信访未办结"))
	require.NoError(t, c.app.RestrictFile(ctx, c.boss, child.Recipient, carelog.Restriction{
		Ground: "subject_request", ReviewOn: calendar.Of(tuesday).AddDays(30), Reason: "监护人要求",
	}))
	return c, made
}

func TestVerify(t *testing.T) {
	t.Parallel()
	c, made := everythingSealed(t)
	columns, keys := carelog.SealedColumns()

	t.Run("NoColumnWithCiphertextIsForgotten", func(t *testing.T) {
		// Hashes and blind indexes are no ciphertext; data keys have their own list.
		clear := []string{
			"data_key", "phone_index", "id_index", "person_index", "case_index", "claim", "document_hash", "evidence_hash", "sender_index", "facts_digest",
			"secret_hash", "request_hash", "code_hash", "address_hash", "file_hash", "given_hash", "kept_hash",
			"history.prev_hash", "history.hash", "history_heads.hash", "audit.prev_hash", "audit.hash", "audit_head.hash",
			"index_mark.mark", "proofs.root", "proof_heads.hash",
		}
		var sealed []string
		for _, name := range c.names(`SELECT table_name || '.' || column_name FROM information_schema.columns
			WHERE table_schema = 'public' AND udt_name IN ('bytea', '_bytea') ORDER BY 1`) {
			_, column, _ := strings.Cut(name, ".")
			if !slices.Contains(clear, name) && !slices.Contains(clear, column) {
				sealed = append(sealed, name)
			}
		}
		var listed []string
		for table, names := range columns {
			for _, column := range names {
				listed = append(listed, table+"."+column)
			}
		}
		require.ElementsMatch(t, sealed, listed, "list the new column in carelog/sealed.go: else nobody notices that it was changed")
		for table, key := range keys {
			require.ElementsMatch(t, key, c.names(`SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
				WHERE i.indisprimary AND i.indrelid = '`+table+`'::regclass`), table)
		}
	})

	require.Empty(t, c.broken(), "everything opens while nobody has touched it")

	t.Run("OneFlippedByteIsFoundAndNamed", func(t *testing.T) {
		for table, names := range columns {
			for _, column := range append(names, c.names("SELECT column_name::text FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'data_key' AND table_name = '"+table+"'")...) {
				c.flips(table, column, keys[table])
			}
		}
		c.flips("lines", "data_key", []string{"id"})
	})

	t.Run("TwoSwappedValuesAreNamed", func(t *testing.T) {
		c.undone(func() {
			c.exec("UPDATE check_in_records r SET sealed = (SELECT sealed FROM events e WHERE e.recipient_id = r.recipient_id LIMIT 1)")
		}, "check_in_records.sealed", "check_in_records")
		c.undone(func() { c.exec("UPDATE messages SET text = sent_to, sent_to = text") }, "messages.text", "messages")
		c.undone(func() {
			c.exec("UPDATE users u SET sealed = (SELECT sealed FROM users o WHERE o.id <> u.id ORDER BY id LIMIT 1)")
		}, "users.sealed", "users")
		c.undone(func() {
			c.exec("UPDATE recipients r SET data_key = (SELECT data_key FROM recipients o WHERE o.id <> r.id ORDER BY id LIMIT 1)")
		}, "recipients.data_key", "recipients")
	})

	t.Run("AFlippedByteOfTheChainsIsNamed", func(t *testing.T) {
		c.undone(func() {
			c.exec("UPDATE audit SET hash = set_byte(hash, 3, get_byte(hash, 3) # 1) WHERE seq = 2")
		}, "audit: entry 2", "audit")
		c.undone(func() {
			c.exec("UPDATE history SET payload = set_byte(payload, 40, get_byte(payload, 40) # 1) WHERE recipient_id = $1 AND seq = 2", made.Recipient)
		}, fmt.Sprintf("recipient %s: entry 2 ", made.Recipient), "history")
		c.undone(func() { c.exec("UPDATE audit_head SET hash = set_byte(hash, 3, get_byte(hash, 3) # 1)") }, "audit: the chain ends", "audit_head")
		c.undone(func() { c.exec("DELETE FROM history_heads WHERE recipient_id = $1", made.Recipient) },
			fmt.Sprintf("recipient %s: the chain ends", made.Recipient), "history_heads")
	})

	t.Run("AForgedEntryThatFitsTheChainDoesNotOpen", func(t *testing.T) {
		// The hashes hold no key: a chain can be written anew, its words cannot.
		c.undone(func() { require.NoError(t, carelog.Forge(c.ctx(), c.work, made.Recipient, c.exec)) }, "history.payload "+made.Recipient.String(), "history", "history_heads")
	})

	t.Run("AnErasedPersonIsNoTampering", func(t *testing.T) {
		before, err := c.work.VerifyAll(c.ctx(), carelog.TheSystem())
		require.NoError(t, err)
		c.exec("UPDATE recipients SET data_key = NULL WHERE id = $1", made.Recipient)
		after, err := c.work.VerifyAll(c.ctx(), carelog.TheSystem())
		require.NoError(t, err)
		require.Empty(t, after.Names)
		require.Greater(t, after.Erased, before.Erased)
		require.Equal(t, before.Files, after.Files)
	})

	t.Run("LongTablesAreWalkedInPieces", func(t *testing.T) {
		require.Equal(t, carelog.VerifyInSteps(c.ctx(), c.work, 1), carelog.VerifyInSteps(c.ctx(), c.work, 1000))
	})
}

// flips changes one byte of the first value of a column, and then puts it back.
func (c *county) flips(table, column string, key []string) {
	c.t.Helper()
	var row string
	id := "concat_ws('/', " + strings.Join(key, ", ") + ")"
	err := c.pool.QueryRow(c.ctx(), fmt.Sprintf("SELECT %s FROM %s WHERE %s IS NOT NULL ORDER BY random() LIMIT 1", id, table, column)).Scan(&row)
	require.NoError(c.t, err, "the story leaves nothing in %s.%s", table, column)
	at := fmt.Sprintf("(length(%s) * %d / 10)", column, rand.IntN(10))
	c.undone(func() {
		c.exec(fmt.Sprintf("UPDATE %[1]s SET %[2]s = set_byte(%[2]s, %[3]s, get_byte(%[2]s, %[3]s) # 4) WHERE %[4]s = $1", table, column, at, id), row)
	}, table+"."+column+" "+row+":", table)
}

// undone does something to tables, looks whether it is named, and puts them back.
func (c *county) undone(do func(), named string, tables ...string) {
	c.t.Helper()
	for _, table := range tables {
		c.exec("CREATE TABLE kept_" + table + " AS SELECT * FROM " + table)
	}
	do()
	broken := c.broken()
	require.True(c.t, slices.ContainsFunc(broken, func(b string) bool { return strings.HasPrefix(b, named) }), "%s is not among %q", named, broken)
	for _, table := range tables {
		c.restore(table)
	}
	require.Empty(c.t, c.broken(), "put back")
}

func (c *county) restore(table string) {
	c.t.Helper()
	c.execUnbound("DELETE FROM " + table)
	var plain string // generated columns cannot be written
	require.NoError(c.t, c.pool.QueryRow(c.ctx(), `SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
		WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''`, table).Scan(&plain))
	c.execUnbound(fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM kept_%s", table, plain, plain, table))
	c.exec("DROP TABLE kept_" + table)
}

// execUnbound changes rows that others refer to.
func (c *county) execUnbound(sql string, args ...any) {
	c.t.Helper()
	conn, err := pgx.Connect(c.ctx(), c.db.Super)
	require.NoError(c.t, err)
	defer conn.Close(c.ctx())
	_, err = conn.Exec(c.ctx(), "SET session_replication_role = replica")
	require.NoError(c.t, err)
	_, err = conn.Exec(c.ctx(), sql, args...)
	require.NoError(c.t, err)
}
