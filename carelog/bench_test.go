package carelog_test

import (
	"fmt"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
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

// BenchmarkImport5000 takes in a city's ledger: 5,000 households of 100 villages, of all
// templates, paid for over the last two years.
func BenchmarkImport5000(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		c := newCounty(b)
		book := cityLedger(5000)
		b.StartTimer()
		report := c.importing(book, carelog.ImportOptions{AddVillages: true})
		require.Equal(b, 5000, report.Enrolled, report.Problems)
	}
}

// cityLedger is a ledger of so many plausible rows.
func cityLedger(rows int) carelog.Ledger {
	book := oneRow()
	first := book.Rows[0].Cells
	book.Rows = nil
	for n := range rows {
		row := maps.Clone(first)
		village := n % 100
		maps.Copy(row, map[string]string{
			"外部编号": fmt.Sprint("C-", n+1), "姓名": "马某某", "身份证号": "", "手机号": fmt.Sprintf("1541%07d", n), "乡镇": fmt.Sprintf("第%d镇", village%10), "村居": fmt.Sprintf("第%d村", village),
			"困难情形": []string{"", "监测户", "智力残疾", "慢性病"}[n%4], "家庭成员": "儿子:马小某:2014-05-02", "发放日期": calendar.Of(tuesday).AddDays(-n%730 - 1).String(),
			"村联系人": fmt.Sprintf("赵某%d", village), "村联系人电话": fmt.Sprintf("1542%07d", village), "家庭称呼": fmt.Sprintf("第%d户", n),
		})
		book.Rows = append(book.Rows, carelog.LedgerRow{Number: n + 2, Cells: row})
	}
	return book
}
