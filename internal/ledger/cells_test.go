package ledger

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

func TestCells(t *testing.T) {
	t.Parallel()
	styled := func(t *testing.T, value any, style *excelize.Style) []byte {
		t.Helper()
		return workbookOf(t, func(f *excelize.File) {
			require.NoError(t, f.SetSheetRow(sheetName, "A1", &[]any{"值"}))
			require.NoError(t, f.SetCellValue(sheetName, "A2", value))
			id, err := f.NewStyle(style)
			require.NoError(t, err)
			require.NoError(t, f.SetCellStyle(sheetName, "A2", "A2", id))
		})
	}
	code := func(s string) *excelize.Style { return &excelize.Style{CustomNumFmt: &s} }

	t.Run("DatesAreISOWhateverTheirStyle", func(t *testing.T) {
		t.Parallel()
		styles := []*excelize.Style{}
		for _, id := range []int{14, 15, 16, 17, 22, 27, 31, 57} {
			styles = append(styles, &excelize.Style{NumFmt: id})
		}
		for _, c := range []string{
			"yyyy-mm-dd", `yyyy"年"m"月"d"日"`, "[$-804]aaaa;@", "m/d;@", "mmm", "[Red]yyyy/m/d h:mm", `yyyy\.mm\.dd`, "YYYY/MM",
		} {
			styles = append(styles, code(c))
		}
		for i, style := range styles {
			data := styled(t, time.Date(2026, 11, 24, 15, 30, 0, 0, time.UTC), style)
			require.Equal(t, "2026-11-24", read(t, data, "").Rows[0].Cells["值"], "style %d", i)
		}
	})

	t.Run("NumbersArePlain", func(t *testing.T) {
		t.Parallel()
		general := &excelize.Style{}
		for _, c := range []struct {
			value any
			style *excelize.Style
			want  string
		}{
			{15400000001, general, "15400000001"},
			{123456789012345, general, "123456789012345"},
			{-0.00000125, general, "-0.00000125"},
			{1234.5, code(`#,##0.00"元"`), "1234.5"},
			{5000, code("0.00E+00"), "5000"},
			{5000, code(`"day" 0`), "5000"},
			{42, code("00000"), "00042"},
			{0.5, &excelize.Style{NumFmt: 20}, "12:00"},
			{0.5, &excelize.Style{NumFmt: 10}, "0.5"},
			{26.5, code("[h]:mm"), "26.5"},
			{true, general, "TRUE"},
			{"990323198203261234", general, "990323198203261234"},
		} {
			require.Equal(t, c.want, read(t, styled(t, c.value, c.style), "").Rows[0].Cells["值"])
		}
	})

	t.Run("RefusesWhatCannotBeTrusted", func(t *testing.T) {
		t.Parallel()
		refuse(t, styled(t, 990323198203261234, &excelize.Style{}), Problem{Row: 2, Column: "值", Reason: "已丢失"})
		refuse(t, styled(t, -5, &excelize.Style{NumFmt: 14}), Problem{Row: 2, Column: "值", Reason: "日期无效"})
		plain := styled(t, 7, &excelize.Style{})
		for cell, reason := range map[string]string{
			`<c r="A2" t="e"><v>#N/A</v></c>`:             "错误值",
			`<c r="A2"><f>SUM(B1:B9)</f></c>`:             "公式没有计算结果",
			`<c r="A2" t="str"><f>B1</f><v>甲</v></c>`:     "",
			`<c r="A2"><f>1+1</f><v>2</v></c>`:            "",
			`<c r="A2" t="d"><v>2026-11-24T00:00</v></c>`: "",
		} {
			data := rewrite(t, plain, sheetPart, "</sheetData>", `<row r="3">`+strings.ReplaceAll(cell, "A2", "A3")+"</row></sheetData>")
			if reason != "" {
				refuse(t, data, Problem{Row: 3, Column: "值", Reason: reason})
				continue
			}
			require.Contains(t, []string{"甲", "2", "2026-11-24"}, read(t, data, "").Rows[1].Cells["值"])
		}
	})

	t.Run("CountsFrom1904WhereTheWorkbookDoes", func(t *testing.T) {
		t.Parallel()
		data := workbookOf(t, func(f *excelize.File) {
			yes := true
			require.NoError(t, f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &yes}))
			require.NoError(t, f.SetSheetRow(sheetName, "A1", &[]any{"日期"}))
			require.NoError(t, f.SetCellInt(sheetName, "A2", 46350-1462))
		})
		require.Equal(t, "2026-11-24", read(t, data, "").Rows[0].Cells["日期"])
	})

	t.Run("JoinsTheRunsOfRichText", func(t *testing.T) {
		t.Parallel()
		data := workbookOf(t, func(f *excelize.File) {
			require.NoError(t, f.SetSheetRow(sheetName, "A1", &[]any{"值"}))
			require.NoError(t, f.SetCellRichText(sheetName, "A2", []excelize.RichTextRun{{Text: "逯"}, {Text: "某某"}}))
		})
		data = rewrite(t, data, "xl/sharedStrings.xml", "</si></sst>", "<rPh><t>lu</t></rPh></si></sst>")
		require.Equal(t, "逯某某", read(t, data, "").Rows[0].Cells["值"])
	})
}
