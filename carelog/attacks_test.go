package carelog_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// What somebody with a foot in the door tries.
func TestAttacks(t *testing.T) {
	t.Parallel()

	t.Run("AJointAidReaderSeesTheFileAndChangesNothing", func(t *testing.T) {
		t.Parallel()
		c, made, stranger := withSister(t)
		c.exec("INSERT INTO plan_grants (plan_id, recipient_id, office_id, granted_at) VALUES ($1, $2, $3, $4)", made.Plan, made.Recipient, stranger.Office, tuesday)
		conn, err := pgx.Connect(c.ctx(), c.db.App)
		require.NoError(t, err)
		defer conn.Close(c.ctx())
		_, err = conn.Exec(c.ctx(), "SELECT set_config('aftercare.offices', $1, false)", "{"+stranger.Office.String()+"}")
		require.NoError(t, err)
		for table, change := range map[string]string{
			"recipients": "", // its rows are written once
			"care_plans": "UPDATE care_plans SET state = 'closed' WHERE recipient_id = $1",
			"check_ins":  "UPDATE check_ins SET state = 'done' WHERE recipient_id = $1", "history_heads": "UPDATE history_heads SET seq = 0 WHERE recipient_id = $1",
		} {
			var seen int
			where := map[bool]string{true: "id", false: "recipient_id"}[table == "recipients"]
			require.NoError(t, conn.QueryRow(c.ctx(), "SELECT count(*) FROM "+table+" WHERE "+where+" = $1", made.Recipient).Scan(&seen))
			require.Positive(t, seen, table)
			if change == "" {
				continue
			}
			tag, err := conn.Exec(c.ctx(), change, made.Recipient)
			require.NoError(t, err)
			require.Zero(t, tag.RowsAffected(), table)
		}
		_, err = conn.Exec(c.ctx(), "UPDATE recipients SET office_id = $1 WHERE id = $2", stranger.Office, made.Recipient)
		require.ErrorContains(t, err, "permission denied")
	})

	t.Run("NobodyActsInTheAuditUnderAnothersName", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		conn, err := pgx.Connect(c.ctx(), c.db.App)
		require.NoError(t, err)
		defer conn.Close(c.ctx())
		_, err = conn.Exec(c.ctx(), `INSERT INTO audit (seq, at, actor_kind, actor_id, act, prev_hash, hash) VALUES (999, $1, 'person', $2, 'history_read', '', '')`, tuesday, c.boss.User)
		require.ErrorContains(t, err, "row-level security")
	})

	t.Run("TwoTextsOfOnePartyCannotChangePlaces", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.enrol("A-1", 176)
		c.enrol("A-2", 176)
		require.Len(t, to(c.send(), contactPhone), 2)
		c.exec(`UPDATE messages m SET text = o.text FROM messages o
			WHERE m.contact_id = o.contact_id AND m.id <> o.id AND m.text IS NOT NULL AND o.text IS NOT NULL`)
		_, err := c.app.Messages(c.ctx(), c.officer, carelog.MessageFilter{Page: carelog.Page{Limit: 50}})
		require.ErrorContains(t, err, "list messages")
	})

	t.Run("RevokedTokensAreNobody", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		secret, err := c.work.IssueToken(c.ctx(), carelog.TheSystem(), c.officer.User, "lost", tuesday.Add(time.Hour))
		require.NoError(t, err)
		_, err = c.app.RevokeTokens(c.ctx(), c.boss, c.officer.User)
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
		ended, err := c.app.RevokeTokens(c.ctx(), c.addUser(c.office, "guard", "", carelog.SecurityAdministrator), c.officer.User)
		require.NoError(t, err)
		require.Equal(t, 2, ended)
		_, err = c.app.Authenticate(c.ctx(), secret)
		require.Equal(t, carelog.Unauthorized, carelog.KindOf(err))
	})

	t.Run("AnIdentityNumberIsNoExternalID", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		_, err := c.app.EnrolRecipient(c.ctx(), c.officer, c.enrolment("990323197206201177", 3))
		require.ErrorContains(t, err, "external_id is an identity number")
	})

	t.Run("ASourceNamedTwiceIsAFieldError", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		e := c.enrolment("A-1", 3)
		e.Award.Sources = []carelog.Source{{Name: "本级", AmountFen: 250000}, {Name: "本级", AmountFen: 250000}}
		_, err := c.app.EnrolRecipient(c.ctx(), c.officer, e)
		require.ErrorContains(t, err, "award.sources[1].name is named twice")
	})

	t.Run("NothingIsNotedFromLongAgo", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		made := c.enrol("A-1", 3)
		_, err := c.app.NoteContact(c.ctx(), c.officer, made.Recipient, carelog.UnplannedContact{
			Kind: "walk_in", Note: "来访", OccurredAt: calendar.New(2020, time.January, 1).At(9, 0),
		})
		require.ErrorContains(t, err, "occurred_at")
	})
}

func TestBacklog(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	c.enrol("A-1", 176)
	require.NoError(t, c.app.StoreReply(c.ctx(), carelog.Inbound{Carrier: "twilio", CarrierMessageID: "X1", From: contactPhone, To: lineNumber, Text: "1"}))
	c.later(2 * time.Minute)
	waits, err := c.work.Backlog(c.ctx())
	require.NoError(t, err)
	require.Equal(t, carelog.Backlog{DueMessages: 1, OldestDue: 2 * time.Minute, StoredReplies: 1}, waits)
	c.claim()
	c.receive()
	waits, err = c.work.Backlog(c.ctx())
	require.NoError(t, err)
	require.Equal(t, 1, waits.SendingMessages)
	require.Zero(t, waits.StoredReplies)
}
