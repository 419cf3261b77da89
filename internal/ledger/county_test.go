package ledger

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func county(t *testing.T) *Table {
	t.Helper()
	f, err := os.Open("../../cmd/aftercare/demo/county.csv")
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	table, err := Read(f, "county.csv")
	require.NoError(t, err)
	return table
}

func yuan(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// TestDemoCounty holds the demo county to the figures of the article it comes
// from.
func TestDemoCounty(t *testing.T) {
	t.Parallel()
	table := county(t)

	t.Run("HasTheArticlesHeaderAndFigures", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, strings.Split("外部编号,姓名,性别,身份证号,出生日期,手机号,乡镇,村居,详细住址,困难情形,家庭成员,来源,线索部门,案件阶段,案由,"+
			"损失金额(元),已获赔偿(元),救助金额(元),资金来源,发放日期,承办人,方案,村联系人,村联系人职务,村联系人电话,备用联系人,备用联系人电话,号码已核实,家庭称呼", ","), table.Header)
		require.Len(t, table.Rows, 41)
		paid := 0
		numbers := map[string]bool{}
		for _, row := range table.Rows {
			amount := yuan(t, row.Cells["救助金额(元)"])
			require.LessOrEqual(t, amount, 50_000)
			paid += amount
			numbers[row.Cells["外部编号"]] = true
			require.Equal(t, "依职权", row.Cells["来源"])
			require.Equal(t, "刑事检察部门", row.Cells["线索部门"])
			require.Contains(t, []string{"审查逮捕", "审查起诉"}, row.Cells["案件阶段"])
		}
		require.Equal(t, 215_000, paid)
		require.Len(t, numbers, 41)
	})

	t.Run("HasEighteenDefraudedGrowersInThreeTownships", func(t *testing.T) {
		t.Parallel()
		households, towns, villages := 0, map[string]bool{}, map[string]bool{}
		for _, row := range table.Rows {
			if row.Cells["案由"] == "诈骗" {
				households++
				towns[row.Cells["乡镇"]] = true
				villages[row.Cells["村居"]] = true
			}
		}
		require.Equal(t, 18, households)
		require.ElementsMatch(t, []string{"南麻街道", "张家坡镇", "悦庄镇"}, slices.Collect(maps.Keys(towns)))
		require.Len(t, villages, 5)
	})

	t.Run("HasTheMotherOfTwo", func(t *testing.T) {
		t.Parallel()
		i := slices.IndexFunc(table.Rows, func(r Row) bool { return r.Cells["姓名"] == "逯某某" })
		require.GreaterOrEqual(t, i, 0)
		require.Contains(t, table.Rows[i].Cells["困难情形"], "智力残疾")
		children := strings.Split(table.Rows[i].Cells["家庭成员"], "；")
		require.Len(t, children, 2)
		for _, child := range children {
			born, err := time.Parse(time.DateOnly, strings.Split(child, ":")[2])
			require.NoError(t, err)
			require.Less(t, demoDay.AddDate(-18, 0, 0), born)
		}
	})

	t.Run("SourcesAddUpToTheAmount", func(t *testing.T) {
		t.Parallel()
		joint := 0
		for _, row := range table.Rows {
			sum := 0
			sources := strings.Split(row.Cells["资金来源"], "；")
			for _, source := range sources {
				_, amount, ok := strings.Cut(source, ":")
				require.True(t, ok)
				sum += yuan(t, amount)
			}
			require.Equal(t, yuan(t, row.Cells["救助金额(元)"]), sum, row.Cells["外部编号"])
			joint += min(len(sources)-1, 1)
		}
		require.Positive(t, joint)
	})
}

func TestDemoCountyPeople(t *testing.T) {
	t.Parallel()
	table := county(t)
	known := []string{"未成年被害人", "智力残疾", "重度残疾", "独居高龄", "丧偶抚养", "伤残退役军人", "监测户", "慢性病"}

	t.Run("AreInvented", func(t *testing.T) {
		t.Parallel()
		phone := regexp.MustCompile(`^154\d{8}$`)
		identified := 0
		for _, row := range table.Rows {
			require.Regexp(t, phone, row.Cells["手机号"])
			require.Regexp(t, phone, row.Cells["村联系人电话"])
			if backup := row.Cells["备用联系人电话"]; backup != "" {
				require.Regexp(t, phone, backup)
			}
			require.True(t, strings.HasSuffix(row.Cells["姓名"], "某某"))
			if id := row.Cells["身份证号"]; id != "" {
				identified++
				requireID(t, id, row)
			}
		}
		require.Equal(t, 30, identified)
	})

	t.Run("HaveKnownHardships", func(t *testing.T) {
		t.Parallel()
		hard := 0
		for _, row := range table.Rows {
			if row.Cells["困难情形"] == "" {
				continue
			}
			hard++
			require.Subset(t, known, strings.Split(row.Cells["困难情形"], "、"))
		}
		require.Equal(t, 11, hard)
	})

	t.Run("AreToldApartByTheirContact", func(t *testing.T) {
		t.Parallel()
		contactOf, aliases := map[string]string{}, map[string]bool{}
		villages, backups := map[string]map[string]bool{}, map[string]bool{}
		for _, row := range table.Rows {
			c := row.Cells
			contact := c["村联系人"] + c["村联系人职务"] + c["村联系人电话"]
			if was, ok := contactOf[c["村居"]]; ok {
				require.Equal(t, was, contact, "a village has one contact")
			}
			contactOf[c["村居"]] = contact
			if villages[contact] == nil {
				villages[contact] = map[string]bool{}
			}
			villages[contact][c["村居"]] = true
			if c["备用联系人"] != "" {
				backups[c["村居"]] = true
			}
			alias := c["家庭称呼"]
			require.LessOrEqual(t, utf8.RuneCountInString(alias), 8)
			require.NotContains(t, alias, c["姓名"])
			require.False(t, aliases[contact+alias], "an alias names one household")
			aliases[contact+alias] = true
		}
		require.Len(t, backups, 2)
		require.Len(t, villages, len(contactOf)-1, "one contact serves two villages")
		require.Equal(t, contactOf["石桥村"], contactOf["槐荫村"])
	})
}

func TestDemoCountyPayments(t *testing.T) {
	t.Parallel()
	steps := []int{7, 30, 90, 180, 270, 365}
	today, near := 0, 0
	for _, row := range county(t).Rows {
		paid, err := time.Parse(time.DateOnly, row.Cells["发放日期"])
		require.NoError(t, err)
		require.False(t, paid.Before(time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC)))
		require.False(t, paid.After(time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)))
		require.NotContains(t, []time.Weekday{time.Saturday, time.Sunday}, paid.Weekday())
		for _, days := range steps {
			switch away := paid.AddDate(0, 0, days).Sub(demoDay).Abs().Hours() / 24; {
			case away == 0:
				today++
			case away <= 14:
				near++
			}
		}
	}
	require.GreaterOrEqual(t, today, 4, "check-ins due on the demo's day")
	require.GreaterOrEqual(t, near, 10, "check-ins due within two weeks of it")
}

var demoDay = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

// requireID checks an ID number: an area nobody has, the birth date and sex of
// the row, and the check digit of GB 11643.
func requireID(t *testing.T, id string, row Row) {
	t.Helper()
	require.Len(t, id, 18)
	require.Equal(t, "990323", id[:6])
	require.Equal(t, strings.ReplaceAll(row.Cells["出生日期"], "-", ""), id[6:14])
	require.Equal(t, row.Cells["性别"] == "男", id[16]%2 == 1)
	sum := 0
	for i, weight := range []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += int(id[i]-'0') * weight
	}
	require.Equal(t, "10X98765432"[sum%11], id[17])
}
