package ledger

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func read(t *testing.T, data []byte, name string) *Table {
	t.Helper()
	table, err := Read(bytes.NewReader(data), name)
	require.NoError(t, err)
	return table
}

// refuse asserts that the file is at fault and why.
func refuse(t *testing.T, data []byte, want Problem) {
	t.Helper()
	table, err := Read(bytes.NewReader(data), "台账.xlsx")
	require.Nil(t, table)
	var problem *Problem
	require.ErrorAs(t, err, &problem)
	got := *problem
	require.Contains(t, got.Reason, want.Reason)
	want.Reason = got.Reason
	require.Equal(t, want, got)
}

func TestProblemIsASentenceWithItsPlace(t *testing.T) {
	t.Parallel()
	require.EqualError(t, &Problem{Row: 3, Column: "手机号", Reason: "日期无效"}, "第3行“手机号”列：日期无效")
	require.EqualError(t, &Problem{Column: "手机号", Reason: "日期无效"}, "“手机号”列：日期无效")
	require.EqualError(t, &Problem{Reason: "文件超过32MB"}, "文件超过32MB")
}

func TestRead(t *testing.T) {
	t.Parallel()

	t.Run("RefusesWhatIsNoTable", func(t *testing.T) {
		t.Parallel()
		for name, data := range map[string]string{
			"扫描件.pdf": "%PDF-1.7\n\x00\x01\x02", "x": "\x00", "照片.jpg": "\xff\xd8\xff\xe0\x00\x10JFIF",
		} {
			_, err := Read(strings.NewReader(data), name)
			require.ErrorContains(t, err, "不是表格文件")
		}
		refuse(t, []byte("<html><table></table>"), Problem{Reason: "网页"})
		refuse(t, []byte("\xd0\xcf\x11\xe0\xa1\xb1"), Problem{Reason: "旧版.xls"})
		refuse(t, []byte("PK\x05\x06"+strings.Repeat("\x00", 18)), Problem{Reason: "不是表格文件"})
	})

	t.Run("RefusesWhatIsEmpty", func(t *testing.T) {
		t.Parallel()
		for _, data := range []string{"", "\ufeff", "\n\n", ",,\n", "\n姓名\n逯某某\n"} {
			refuse(t, []byte(data), Problem{Row: 1, Reason: "表头"})
		}
	})

	t.Run("RefusesWhatIsTooLarge", func(t *testing.T) {
		t.Parallel()
		refuse(t, bytes.Repeat([]byte("a"), MaxBytes+1), Problem{Reason: "文件超过32MB"})
		refuse(t, []byte("a"+strings.Repeat("\n1", MaxRows+1)), Problem{Reason: "数据超过100000行"})
		refuse(t, []byte(strings.Repeat("a,", MaxColumns)+"b"), Problem{Row: 1, Reason: "超过200列"})
		read(t, []byte("a"+strings.Repeat("\n1", MaxRows)), "a.csv")
	})

	t.Run("PassesOnTheReadersError", func(t *testing.T) {
		t.Parallel()
		broken := errors.New("broken")
		_, err := Read(io.MultiReader(strings.NewReader("a\n"), iotest.ErrReader(broken)), "a.csv")
		require.ErrorIs(t, err, broken)
	})

	t.Run("NeverPanics", func(t *testing.T) {
		t.Parallel()
		var file bytes.Buffer
		require.NoError(t, WriteXLSX(&file, []string{"姓名"}, [][]string{{"逯某某"}}))
		rapid.Check(t, func(r *rapid.T) {
			data := rapid.SliceOf(rapid.Byte()).Draw(r, "data")
			_, _ = Read(bytes.NewReader(data), "a.csv")
			data = bytes.Clone(file.Bytes())
			for range 5 {
				data[rapid.IntRange(0, len(data)-1).Draw(r, "at")] = rapid.Byte().Draw(r, "byte")
			}
			_, _ = Read(bytes.NewReader(data), "a.xlsx")
		})
	})
}

func TestHeader(t *testing.T) {
	t.Parallel()

	t.Run("IsTrimmedAndNormalised", func(t *testing.T) {
		t.Parallel()
		table := read(t, []byte(" 姓名　,损失金额（元）,\u200bＩＤ\n逯某某,5000,1\n"), "a.csv")
		require.Equal(t, []string{"姓名", "损失金额(元)", "ID"}, table.Header)
		require.Equal(t, "5000", table.Rows[0].Cells["损失金额(元)"])
	})

	t.Run("MayNotRepeat", func(t *testing.T) {
		t.Parallel()
		refuse(t, []byte("姓名,手机号, 姓名\n"), Problem{Row: 1, Column: "姓名", Reason: "表头重复"})
	})

	t.Run("MayBeMissingOnlyAboveAnEmptyColumn", func(t *testing.T) {
		t.Parallel()
		table := read(t, []byte("姓名,,手机号,\n逯某某,,154,\n"), "a.csv")
		require.Equal(t, []string{"姓名", "手机号"}, table.Header)
		refuse(t, []byte("姓名,,手机号\n甲,,1\n乙,x,2\n"), Problem{Row: 3, Column: "B", Reason: "没有表头"})
		refuse(t, []byte("姓名\n甲,1\n"), Problem{Row: 2, Column: "B", Reason: "没有表头"})
	})
}

func TestDateHeaders(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"2026-11-24": "2026-11-24", "2026/11/4": "2026-11-04", "2026年1月4日": "2026-01-04",
		"2026.1.4": "2026-01-04", "2026-11-24 09:30": "2026-11-24", "46350": "2026-11-24", "10959": "1930-01-01",
		"2026/2/30": "2026/2/30", "2026": "2026", "不详": "不详",
	} {
		table := read(t, []byte("发放日期,编号\n"+given+",46350\n"), "a.csv")
		require.Equal(t, map[string]string{"发放日期": want, "编号": "46350"}, table.Rows[0].Cells)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	writers := map[string]func(io.Writer, []string, [][]string) error{"xlsx": WriteXLSX, "csv": WriteCSV}

	t.Run("IsReadBackAsItWas", func(t *testing.T) {
		t.Parallel()
		cell := rapid.StringOf(rapid.RuneFrom([]rune("a0王'\"=+-@＝,;，\n .")))
		rapid.Check(t, func(r *rapid.T) {
			rows := rapid.SliceOfN(rapid.SliceOfN(cell, 3, 3), 0, 5).Draw(r, "rows")
			for name, write := range writers {
				var file bytes.Buffer
				if err := write(&file, []string{"姓名", "=b", "c"}, rows); err != nil {
					r.Fatal(err)
				}
				table, err := Read(&file, name)
				if err != nil {
					r.Fatal(err)
				}
				same(r, table, rows)
			}
		})
	})

	t.Run("GuardsWhatCouldRunAsAFormula", func(t *testing.T) {
		t.Parallel()
		for _, text := range []string{`=HYPERLINK("x")`, "+1", "-1", "@SUM(A1)", " =1", "\t=1", "＝1", "'=1"} {
			var file bytes.Buffer
			require.NoError(t, WriteCSV(&file, []string{text}, nil))
			line := strings.Trim(strings.TrimPrefix(file.String(), "\ufeff"), "\"\r\n")
			require.Equal(t, "'"+strings.ReplaceAll(text, `"`, `""`), line)
		}
		require.Equal(t, "a=1", guard("a=1"))
		require.Equal(t, "'a", guard("'a"))
	})

	t.Run("StartsCSVWithAMark", func(t *testing.T) {
		t.Parallel()
		var file bytes.Buffer
		require.NoError(t, WriteCSV(&file, []string{"姓名"}, [][]string{{"逯某某"}}))
		require.Equal(t, "\ufeff姓名\r\n逯某某\r\n", file.String())
	})

	t.Run("ReportsAWriterThatFails", func(t *testing.T) {
		t.Parallel()
		broken := errors.New("broken")
		for _, write := range writers {
			require.ErrorIs(t, write(failing{broken}, []string{"a"}, [][]string{{"b"}}), broken)
		}
	})
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// same compares a table with the rows it was written from.
func same(r *rapid.T, table *Table, rows [][]string) {
	next := 0
	for i, row := range rows {
		want := map[string]string{}
		for j, text := range row {
			if text = trim(text); text != "" {
				want[table.Header[j]] = text
			}
		}
		if len(want) == 0 {
			continue
		}
		if next >= len(table.Rows) || table.Rows[next].Number != i+2 {
			r.Fatalf("row %d is missing", i+2)
		}
		for header, text := range want {
			if got := table.Rows[next].Cells[header]; got != text {
				r.Fatalf("row %d, %s: %q became %q", i+2, header, text, got)
			}
		}
		next++
	}
	if next != len(table.Rows) {
		r.Fatalf("%d rows became %d", next, len(table.Rows))
	}
}
