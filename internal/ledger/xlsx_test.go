package ledger

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

// workbookOf lets fill make a workbook with excelize, as offices' files are.
func workbookOf(t testing.TB, fill func(f *excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	fill(f)
	var data bytes.Buffer
	require.NoError(t, f.Write(&data))
	require.NoError(t, f.Close())
	return data.Bytes()
}

// rewrite replaces text in one part of a workbook.
func rewrite(t *testing.T, data []byte, part, from, to string) []byte {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	replaced := false
	for _, f := range in.File {
		r, err := f.Open()
		require.NoError(t, err)
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		if f.Name == part {
			replaced = bytes.Contains(text, []byte(from))
			text = bytes.Replace(text, []byte(from), []byte(to), 1)
		}
		entry, err := w.Create(f.Name)
		require.NoError(t, err)
		_, err = entry.Write(text)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.True(t, replaced, "%s holds no %s", part, from)
	return out.Bytes()
}

const sheetPart = "xl/worksheets/sheet1.xml"

func people(t testing.TB) []byte {
	t.Helper()
	return workbookOf(t, func(f *excelize.File) {
		require.NoError(t, f.SetSheetRow(sheetName, "A1", &[]any{"姓名", "金额"}))
		require.NoError(t, f.SetSheetRow(sheetName, "A2", &[]any{"甲某", 5000}))
		require.NoError(t, f.SetSheetRow(sheetName, "A5", &[]any{" 乙某 ", 0.1 + 0.2}))
	})
}

func TestReadXLSX(t *testing.T) {
	t.Parallel()
	want := &Table{Header: []string{"姓名", "金额"}, Rows: []Row{
		{Number: 2, Cells: map[string]string{"姓名": "甲某", "金额": "5000"}},
		{Number: 5, Cells: map[string]string{"姓名": "乙某", "金额": "0.3"}},
	}}

	t.Run("KeepsRowNumbersAndGoesByContent", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, want, read(t, people(t), "台账.csv"))
	})

	t.Run("ReadsTheFirstVisibleSheet", func(t *testing.T) {
		t.Parallel()
		data := workbookOf(t, func(f *excelize.File) {
			require.NoError(t, f.SetCellStr(sheetName, "A1", "隐藏"))
			_, err := f.NewSheet("台账")
			require.NoError(t, err)
			require.NoError(t, f.SetCellStr("台账", "A1", "姓名"))
			f.SetActiveSheet(1)
			require.NoError(t, f.SetSheetVisible(sheetName, false))
		})
		require.Equal(t, []string{"姓名"}, read(t, data, "").Header)
	})

	t.Run("BelievesTheRowsAndNotTheDeclaredDimension", func(t *testing.T) {
		t.Parallel()
		data := rewrite(t, people(t), sheetPart, "<sheetData>", `<dimension ref="A1:XFD1048576"/><sheetData>`)
		require.Equal(t, want, read(t, data, ""))
		data = rewrite(t, people(t), sheetPart, "</sheetData>", `<row r="1048576"><c r="XFD1048576" s="0"/></row></sheetData>`)
		require.Equal(t, want, read(t, data, ""))
		data = rewrite(t, people(t), sheetPart, "</sheetData>", `<row r="9"><c r="XFD9"><v>1</v></c></row></sheetData>`)
		refuse(t, data, Problem{Row: 9, Reason: "超过200列"})
	})

	t.Run("RefusesMergedCellsWithinTheTable", func(t *testing.T) {
		t.Parallel()
		merge := func(from, to string) []byte {
			return workbookOf(t, func(f *excelize.File) {
				require.NoError(t, f.SetSheetRow(sheetName, "A1", &[]any{"姓名", "金额"}))
				require.NoError(t, f.SetSheetRow(sheetName, "A2", &[]any{"甲某", 1}))
				require.NoError(t, f.SetSheetRow(sheetName, "A3", &[]any{"乙某", 2}))
				require.NoError(t, f.MergeCell(sheetName, from, to))
			})
		}
		refuse(t, merge("B2", "B3"), Problem{Row: 2, Column: "金额", Reason: "合并"})
		require.Len(t, read(t, merge("A9", "B9"), "").Rows, 2)
		require.Len(t, read(t, merge("D2", "E3"), "").Rows, 2)
	})

	t.Run("RefusesWhatIsBroken", func(t *testing.T) {
		t.Parallel()
		data := people(t)
		refuse(t, data[:len(data)/2], Problem{Reason: "已损坏"})
		refuse(t, rewrite(t, data, sheetPart, "</sheetData>", ""), Problem{Reason: "已损坏"})
		refuse(t, rewrite(t, data, sheetPart, `r="A5"`, `r="A4"`), Problem{Reason: "已损坏"})
		refuse(t, rewrite(t, data, sheetPart, `<row r="5"`, `<row r="2"`), Problem{Reason: "已损坏"})
		refuse(t, rewrite(t, data, "xl/sharedStrings.xml", "<si><t>金额</t></si>", ""), Problem{Reason: "已损坏"})
		refuse(t, rewrite(t, data, "xl/_rels/workbook.xml.rels", "sheet1.xml", "gone.xml"), Problem{Reason: "已损坏"})
		refuse(t, rewrite(t, data, "xl/styles.xml", "<cellXfs", "<"), Problem{Reason: "已损坏"})
	})

	t.Run("RefusesABomb", func(t *testing.T) {
		t.Parallel()
		declared := func(size uint64) []byte {
			return workbookWith(t, zip.FileHeader{Name: sheetPart, Method: zip.Deflate, UncompressedSize64: size})
		}
		refuse(t, declared(maxUnpacked+1), Problem{Reason: "文件展开后超过192MB"})
		refuse(t, declared(1<<63), Problem{Reason: "文件展开后超过192MB"})
		refuse(t, declared(100), Problem{Reason: "已损坏"}) // a lie: it unpacks to more
		data := rewrite(t, people(t), "xl/styles.xml", "<cellXfs", strings.Repeat(" ", maxDecoded)+"<cellXfs")
		refuse(t, data, Problem{Reason: "已损坏"})
	})
}

// workbookWith puts a sheet of a thousand rows into a workbook under a header of
// the caller's making.
func workbookWith(t *testing.T, h zip.FileHeader) []byte {
	t.Helper()
	data := people(t)
	in, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	var sheet, out bytes.Buffer
	pack, err := flate.NewWriter(&sheet, flate.BestSpeed)
	require.NoError(t, err)
	_, err = io.WriteString(pack, "<worksheet><sheetData>"+strings.Repeat("<row></row>", 1000)+"</sheetData></worksheet>")
	require.NoError(t, err)
	require.NoError(t, pack.Close())
	w := zip.NewWriter(&out)
	for _, f := range in.File {
		if f.Name != h.Name {
			require.NoError(t, w.Copy(f))
		}
	}
	h.CompressedSize64 = uint64(sheet.Len())
	entry, err := w.CreateRaw(&h)
	require.NoError(t, err)
	_, err = entry.Write(sheet.Bytes())
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

func BenchmarkReadXLSX(b *testing.B) {
	rows := make([][]string, 10_000)
	for i := range rows {
		for j := range 28 {
			rows[i] = append(rows[i], fmt.Sprintf("第%d行%d", i, j))
		}
	}
	header := make([]string, 28)
	for j := range header {
		header[j] = fmt.Sprint("列", j)
	}
	var file bytes.Buffer
	require.NoError(b, WriteXLSX(&file, header, rows))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read(bytes.NewReader(file.Bytes()), "a.xlsx"); err != nil {
			b.Fatal(err)
		}
	}
}
