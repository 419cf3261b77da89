package carelog_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/internal/ledger"
)

// countyLedger is the demo's county as the import reads it, and its officers.
func countyLedger(t *testing.T) (*county, carelog.Ledger) {
	t.Helper()
	file, err := os.Open("../cmd/aftercare/demo/county.csv")
	require.NoError(t, err)
	defer file.Close()
	table, err := ledger.Read(file, "county.csv")
	require.NoError(t, err)
	book := carelog.Ledger{Header: table.Header}
	c := newCounty(t)
	logins := map[string]bool{"li": true}
	for _, row := range table.Rows {
		book.Rows = append(book.Rows, carelog.LedgerRow{Number: row.Number, Cells: row.Cells})
		if login := row.Cells["承办人"]; !logins[login] {
			logins[login] = true
			c.addUser(c.office, login, "+8615400000299", carelog.Officer)
		}
	}
	c.later(time.Minute)
	return c, book
}

// oneRow is a ledger of one plausible row.
func oneRow() carelog.Ledger {
	return carelog.Ledger{Header: carelog.LedgerColumns(), Rows: []carelog.LedgerRow{{Number: 2, Cells: map[string]string{
		"外部编号": "B-1", "姓名": "林某某", "身份证号": "99032319850117134x", "乡镇": "南麻街道", "村居": "柿岭村", "救助金额(元)": "5,000.50", "资金来源": "本级:3000.50；市级:2000",
		"发放日期": "2026-10-09", "承办人": "li", "村联系人": "赵某", "村联系人职务": "村委会主任", "村联系人电话": "15400000101", "号码已核实": "是", "家庭称呼": "2组小林家",
	}}}}
}

func (c *county) importing(book carelog.Ledger, o carelog.ImportOptions) carelog.ImportReport {
	c.t.Helper()
	report, err := c.app.ImportLedger(c.ctx(), c.officer, book, o)
	require.NoError(c.t, err)
	return report
}

func TestImport(t *testing.T) {
	t.Parallel()
	adding := carelog.ImportOptions{AddVillages: true}

	t.Run("EightyOnePeopleAreEnrolledInOneActOrNoneOfThem", func(t *testing.T) {
		t.Parallel()
		c, book := newCounty(t), oneRow()
		first := book.Rows[0].Cells
		book.Rows = nil
		for n := range 81 {
			row := maps.Clone(first)
			row["外部编号"], row["身份证号"] = fmt.Sprint("V-", n+1), ""
			book.Rows = append(book.Rows, carelog.LedgerRow{Number: n + 2, Cells: row})
		}
		book.Rows[80].Cells["救助金额(元)"] = "-1"
		require.NotEmpty(t, c.importing(book, adding).Problems)
		require.Zero(t, c.count("SELECT count(*) FROM recipients"))
		book.Rows[80].Cells["救助金额(元)"] = "5,000.50"
		require.Empty(t, c.importing(book, adding).Problems)
		require.Equal(t, 81, c.count("SELECT count(*) FROM care_plans WHERE state = 'active'"))
		require.Equal(t, 1, c.count("SELECT count(DISTINCT created_at) FROM recipients"), "one act")
		c.keeps()
	})
	t.Run("ACountyIsEnrolledAndASecondRunChangesNothing", func(t *testing.T) {
		t.Parallel()
		c, book := countyLedger(t)
		dry := c.importing(book, carelog.ImportOptions{AddVillages: true, DryRun: true})
		require.Equal(t, len(book.Rows), dry.Enrolled)
		require.Positive(t, dry.CheckIns)
		require.Empty(t, dry.Problems)
		require.Zero(t, c.count("SELECT count(*) FROM recipients"))
		require.Equal(t, 1, c.count("SELECT count(*) FROM village_contacts"))
		first := c.importing(book, adding)
		require.Len(t, book.Rows, 41)
		require.Equal(t, 41, first.Enrolled)
		require.Equal(t, dry.CheckIns, first.CheckIns)
		require.Equal(t, first.CheckIns, c.count("SELECT count(*) FROM check_ins WHERE state = 'planned'"))
		c.keeps()
		before := c.rows()
		c.later(time.Hour)
		again := c.importing(book, adding)
		require.Equal(t, carelog.ImportReport{Rows: 41, Unchanged: 41, Problems: []carelog.RowProblem{}, Warnings: []carelog.RowProblem{}}, again)
		require.Equal(t, before, c.rows())
	})

	t.Run("EveryBadCellIsToldAndNothingImported", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		book := oneRow()
		good := maps.Clone(book.Rows[0].Cells)
		good["外部编号"] = "B-2"
		bad := maps.Clone(good)
		maps.Copy(bad, map[string]string{
			"外部编号": "", "姓名": " ", "身份证号": "990323197206201178", "手机号": "12", "村居": "", "救助金额(元)": "五千", "发放日期": "2027-01-01", "承办人": "nobody",
			"困难情形": "很穷", "家庭成员": "儿子", "来源": "听说", "资金来源": "本级", "家庭称呼": "2组老马家的大儿子和小儿子", "备用联系人": "钱某", "备用联系人电话": "1", "损失金额(元)": "-5",
		})
		book.Rows = append(book.Rows, carelog.LedgerRow{Number: 5, Cells: good}, carelog.LedgerRow{Number: 9, Cells: bad}, carelog.LedgerRow{Number: 11, Cells: good})
		report := c.importing(book, carelog.ImportOptions{})
		var columns []string
		last := len(report.Problems) - 1
		require.Equal(t, carelog.RowProblem{Row: 11, Column: "外部编号", Reason: "在本台账中重复出现(第5行)"}, report.Problems[last])
		for _, p := range report.Problems[:last] {
			require.Equal(t, 9, p.Row)
			require.NotEmpty(t, p.Reason)
			columns = append(columns, p.Column)
		}
		for _, column := range []string{"外部编号", "姓名", "身份证号", "手机号", "村居", "救助金额(元)", "发放日期", "承办人", "困难情形", "家庭成员", "来源", "资金来源", "家庭称呼", "备用联系人电话", "损失金额(元)"} {
			require.Contains(t, columns, column)
		}
		require.NotContains(t, columns, "")
		require.Zero(t, report.Enrolled)
		require.Zero(t, c.count("SELECT count(*) FROM recipients"))
	})

	t.Run("AMissingOrUnknownColumnIsTold", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		book := oneRow()
		book.Header = slices.DeleteFunc(append(book.Header, "备注"), func(column string) bool { return column == "发放日期" })
		report := c.importing(book, carelog.ImportOptions{})
		require.Equal(t, []carelog.RowProblem{{Row: 1, Column: "发放日期", Reason: "表头缺少该列"}, {Row: 1, Column: "备注", Reason: "不是规定的列"}}, report.Problems)
	})

	t.Run("AnUnknownVillageIsRefusedUnlessAdded", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		book := oneRow()
		book.Rows[0].Cells["村居"] = "新村"
		report := c.importing(book, carelog.ImportOptions{})
		require.Equal(t, "村居", report.Problems[0].Column)
		require.Equal(t, 1, c.importing(book, adding).Enrolled)
	})

	t.Run("AChangedFactWarnsAndChangesNothing", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		book := oneRow()
		require.Equal(t, 1, c.importing(book, carelog.ImportOptions{}).Enrolled)
		before := c.rows()
		c.later(time.Hour)
		require.Empty(t, c.importing(book, carelog.ImportOptions{}).Warnings, "the same row again")
		book.Rows[0].Cells["救助金额(元)"] = "6000"
		book.Rows[0].Cells["资金来源"] = ""
		report := c.importing(book, carelog.ImportOptions{})
		require.Equal(t, 1, report.Unchanged)
		require.Len(t, report.Warnings, 1)
		require.Equal(t, 2, report.Warnings[0].Row)
		require.Equal(t, before, c.rows())
	})

	t.Run("MoneyIsReadToTheFen", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		c.importing(oneRow(), carelog.ImportOptions{})
		require.Equal(t, 500050, c.count("SELECT total_fen FROM aid_awards"))
		require.Equal(t, 300050, c.count("SELECT amount_fen FROM aid_sources WHERE source = '本级'"))
	})

	t.Run("AContactThatIsKnownIsNotAddedAgain", func(t *testing.T) {
		t.Parallel()
		c := newCounty(t)
		book := oneRow()
		sharing := maps.Clone(book.Rows[0].Cells)
		sharing["外部编号"], sharing["村联系人"] = "B-2", "钱某" // another person on the same phone
		book.Rows = append(book.Rows, carelog.LedgerRow{Number: 3, Cells: sharing})
		require.Empty(t, c.importing(book, carelog.ImportOptions{}).Problems)
		require.Equal(t, 2, c.count("SELECT count(*) FROM village_contacts"))
	})
}

// rows counts the rows of every table but the audit, which grows by being asked.
func (c *county) rows() map[string]int {
	c.t.Helper()
	counts := map[string]int{}
	for _, table := range c.tables() {
		if table != "audit" {
			counts[table] = c.count(fmt.Sprintf("SELECT count(*) FROM %q", table))
		}
	}
	return counts
}

// A long import that is given up in the middle leaves nothing behind, and says how far it was.
func TestImportCancelledInTheMiddleLeavesNothing(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	ctx, cancel := context.WithCancel(c.ctx())
	defer cancel()
	var told []int
	_, err := c.app.ImportLedger(ctx, c.officer, cityLedger(60), carelog.ImportOptions{AddVillages: true, Progress: func(done, rows int) {
		require.Equal(t, 60, rows)
		if told = append(told, done); done == 30 {
			cancel()
		}
	}})
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, told, 30)
	for _, table := range []string{"recipients", "care_plans", "check_ins", "messages", "history", "case_groups"} {
		require.Zero(t, c.count("SELECT count(*) FROM "+table), table)
	}
	require.Equal(t, 1, c.count("SELECT count(*) FROM villages"), "of the harness's contact")
}

func TestOneBadRowAmongEightyOneIsNamedAndNothingIsHalfWritten(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	book := cityLedger(81)
	book.Rows[40].Cells["救助金额(元)"] = "五千"
	report, err := c.app.ImportLedger(c.ctx(), c.officer, book, carelog.ImportOptions{AddVillages: true})
	require.NoError(t, err)
	require.Equal(t, 42, report.Problems[0].Row)
	require.Equal(t, "救助金额(元)", report.Problems[0].Column)
	require.Zero(t, report.Enrolled)
	require.Zero(t, c.count("SELECT count(*) FROM recipients"))
}
