package carelog_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
)

// The database of these benchmarks is real but not durable (fsync is off): they
// show what the verbs cost, not what the disk does.

func BenchmarkStoreReply(b *testing.B) {
	c := newCounty(b)
	n := 0
	for b.Loop() {
		n++
		err := c.app.StoreReply(c.ctx(), carelog.Inbound{
			Carrier: "twilio", CarrierMessageID: fmt.Sprintf("MO%d", n), From: contactPhone, To: lineNumber, Text: "K7Q2M 1",
		})
		require.NoError(b, err)
	}
}

func BenchmarkReceiveReply(b *testing.B) {
	c := newCounty(b)
	made := c.enrol("A-1", 176)
	claimed := c.send()
	code := ""
	for _, out := range claimed.Send {
		if out.To == contactPhone {
			code = codeIn(b, out.Text)
		}
	}
	require.NotEmpty(b, code)
	n := 0
	for b.Loop() {
		b.StopTimer()
		n++
		err := c.app.StoreReply(c.ctx(), carelog.Inbound{
			Carrier: "twilio", CarrierMessageID: fmt.Sprintf("MO%d", n), From: contactPhone, To: lineNumber, Text: code + " 1",
		})
		require.NoError(b, err)
		b.StartTimer()
		c.receive()
	}
	require.NotZero(b, made.Recipient)
}

// BenchmarkSend sends 100 messages an iteration: claimed, recorded, in the histories.
func BenchmarkSend(b *testing.B) {
	c := newCounty(b)
	c.exec("UPDATE offices SET texts_a_day = 1000000") // all of them go to one officer
	c.exec("UPDATE lines SET per_second = 1000000")
	n := 0
	for b.Loop() {
		b.StopTimer()
		for range 100 {
			n++
			c.enrol(fmt.Sprintf("A-%d", n), 4)
		}
		b.StartTimer()
		require.Equal(b, 100, len(c.send().Send))
	}
}

func BenchmarkEnrol(b *testing.B) {
	c := newCounty(b)
	n := 0
	for b.Loop() {
		n++
		c.enrol(fmt.Sprintf("A-%d", n), 74)
	}
}

func BenchmarkHistoryPage(b *testing.B) {
	c := newCounty(b)
	made := c.enrol("A-1", 74)
	for range 300 {
		_, err := c.app.NoteContact(c.ctx(), c.officer, made.Recipient, carelog.UnplannedContact{Kind: "walk_in", Note: "来访"})
		require.NoError(b, err)
	}
	for b.Loop() {
		page, err := c.app.History(c.ctx(), c.boss, made.Recipient, 0, 50)
		require.NoError(b, err)
		require.Len(b, page.Entries, 50)
	}
}

// BenchmarkSweepsWithNothingDue is what a tick costs when there is no work.
func BenchmarkSweepsWithNothingDue(b *testing.B) {
	c := newCounty(b)
	for n := range 500 {
		c.enrol(fmt.Sprintf("A-%d", n), 74)
	}
	for b.Loop() {
		_, err := c.work.RollCheckIns(c.ctx(), 200)
		require.NoError(b, err)
		_, err = c.work.PlanMessages(c.ctx(), 200)
		require.NoError(b, err)
		_, err = c.work.MarkOverdue(c.ctx(), 200)
		require.NoError(b, err)
		_, err = c.work.DueLines(c.ctx(), "twilio")
		require.NoError(b, err)
	}
}
