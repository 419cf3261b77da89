package carelog_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

// Two answers with the same words within two minutes; the carrier's answer to the second was lost.
func TestFaultsTwinAnswers(t *testing.T) {
	c := newCounty(t)
	c.enrol("A-1", 176)
	c.send()
	c.reply(contactPhone, "啊啊啊")
	first := c.send().Send
	require.Len(t, first, 1)
	c.reply(contactPhone, "嗯嗯嗯嗯")
	second := c.claim().Send
	require.Len(t, second, 1)
	require.Equal(t, first[0].Text, second[0].Text)
	c.answered(second, carelog.Receipt{Class: carelog.Ambiguous})
	c.later(4 * time.Minute)
	stuck, err := c.work.StuckMessages(c.ctx(), 50)
	require.NoError(t, err)
	require.Len(t, stuck, 1)
	err = c.work.SettleMessage(c.ctx(), stuck[0], carelog.Found, "SM"+first[0].ID.String(), "delivered")
	s, why := c.dispatch(second[0].ID)
	t.Log(err, s, why)
	require.NoError(t, err)
}

func TestFaultsNoSupervisor(t *testing.T) {
	c := newCounty(t)
	c.exec("DELETE FROM grants WHERE role = 'supervisor'")
	c.exec("UPDATE users SET state = 'left' WHERE login = 'li'")
	c.enrolled176(t)
	for range 60 {
		c.later(24 * time.Hour)
		_, err := c.work.RollCheckIns(c.ctx(), 100)
		require.NoError(t, err)
		_, err = c.work.PlanMessages(c.ctx(), 100)
		require.NoError(t, err)
		_, err = c.work.MarkOverdue(c.ctx(), 100)
		require.NoError(t, err)
		c.send()
	}
	t.Log("overdue or missed", c.count("SELECT count(*) FROM check_ins WHERE state IN ('overdue','missed')"))
	t.Log("notices", c.count("SELECT count(*) FROM messages WHERE purpose='supervisor_notice'"), "messages", c.count("SELECT count(*) FROM messages"))
	t.Log("tasks", c.count("SELECT count(*) FROM tasks"), "about overdue", c.count("SELECT count(*) FROM tasks t JOIN check_ins k ON k.id=t.check_in_id WHERE k.state IN ('overdue','missed')"))
}

func (c *county) enrolled176(t *testing.T) {
	_, err := c.app.EnrolRecipient(c.ctx(), c.boss, c.enrolment("A-9", 170))
	if err != nil {
		c.exec("UPDATE users SET state='active' WHERE login='li'")
		c.enrol("A-1", 170)
		c.exec("UPDATE users SET state='left' WHERE login='li'")
	}
}

// The operator changes the sending number.
func TestFaultsNewNumber(t *testing.T) {
	c := newCounty(t)
	c.later(time.Second)
	id, err := c.work.EnsureLine(c.ctx(), carelog.TheSystem(), "twilio", "+8615400000888", carelog.OfficeID{})
	require.NoError(t, err)
	c.enrol("A-1", 176)
	t.Log("new line", c.count("SELECT count(*) FROM messages WHERE line_id = $1", id), "old", c.count("SELECT count(*) FROM messages WHERE line_id <> $1", id))
}

func TestFaultsStoredForEver(t *testing.T) {
	c := newCounty(t)
	c.enrol("A-1", 176)
	c.send()
	require.NoError(t, c.app.StoreReply(c.ctx(), carelog.Inbound{Carrier: "twilio", CarrierMessageID: "X1", From: contactPhone, To: lineNumber, Text: "1"}))
	c.queue.replies = nil // the job was discarded after its tenth attempt
	for range 30 {
		c.later(24 * time.Hour)
		_, _ = c.work.RollCheckIns(c.ctx(), 100)
		_, _ = c.work.PlanMessages(c.ctx(), 100)
		_, _ = c.work.MarkOverdue(c.ctx(), 100)
		_, _ = c.work.ApplyReports(c.ctx(), 100)
		_, _ = c.work.RecoverReplies(c.ctx(), 100)
		c.send()
	}
	t.Log("stored", c.count("SELECT count(*) FROM inbound_messages WHERE state='stored'"), "triage tasks", c.tasks("triage"))
}

func TestFaultsOutage16Min(t *testing.T) {
	c := newCounty(t)
	c.enrol("A-1", 176)
	began := c.clock.now()
	for c.clock.now().Sub(began) < 20*time.Minute {
		if out := c.claim().Send; len(out) > 0 {
			c.answered(out, carelog.Receipt{Class: carelog.Temporary})
			s, why := c.dispatch(out[0].ID)
			var dl time.Time
			require.NoError(t, c.pool.QueryRow(c.ctx(), "SELECT deadline FROM messages WHERE id = $1", out[0].ID).Scan(&dl))
			t.Log(c.clock.now().Sub(began), s, why, "deadline in", dl.Sub(c.clock.now()))
		}
		c.later(10 * time.Second)
	}
}

// A process is frozen (SIGSTOP, a VM's pause) between claim and receipts; another takes over.
func TestFaultsFrozenProcess(t *testing.T) {
	c := newCounty(t)
	c.enrol("A-1", 176)
	a := c.claim().Send
	require.Len(t, a, 1)
	c.later(4 * time.Minute)
	stuck, err := c.work.StuckMessages(c.ctx(), 50)
	require.NoError(t, err)
	require.NoError(t, c.work.SettleMessage(c.ctx(), stuck[0], carelog.NotThere, "", ""))
	c.later(time.Minute)
	b := c.claim().Send
	require.Len(t, b, 1)                                     // B has it on the wire
	c.answered(a, carelog.Receipt{Class: carelog.Temporary}) // A wakes: its context is over
	c.answered(b, carelog.Receipt{Delivery: "queued"})       // the carrier took B's
	s, why := c.dispatch(b[0].ID)
	t.Log(s, why)
	c.later(10 * time.Minute)
	require.Empty(t, c.claim().Send, "sent twice")
	require.Equal(t, "accepted", s)
}

func TestFaultsLateYes(t *testing.T) {
	c := newCounty(t)
	c.enrol("A-1", 176)
	a := c.claim().Send
	c.later(4 * time.Minute)
	stuck, err := c.work.StuckMessages(c.ctx(), 50)
	require.NoError(t, err)
	require.NoError(t, c.work.SettleMessage(c.ctx(), stuck[0], carelog.NotThere, "", ""))
	c.answered(a, carelog.Receipt{Delivery: "queued"}) // A wakes, and its call had gone out
	s, _ := c.dispatch(a[0].ID)
	require.Equal(t, "accepted", s)
}

func TestFaultsBudgetRace(t *testing.T) {
	c := newCounty(t)
	for i := range 8 {
		c.enrol(fmt.Sprint("A-", i), 176)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { _, err := c.work.ClaimMessages(c.ctx(), c.line, 1); require.NoError(t, err) })
	}
	wg.Wait()
	require.LessOrEqual(t, c.count("SELECT count(*) FROM messages WHERE dispatch='sending' AND purpose='village_request'"), 3)
}
