package ledger

import (
	"bytes"
	"errors"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

func table(t *testing.T) []byte {
	t.Helper()
	columns := []Column{{Title: "姓名"}, {Title: "到期日", Kind: Date}, {Title: "时间", Kind: Moment}, {Title: "金额(元)", Kind: Fen}, {Title: "户数", Kind: Number}}
	rows := iter.Seq2[[]any, error](func(yield func([]any, error) bool) {
		_ = yield([]any{"=逯某某", time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 24, 1, 30, 0, 0, time.UTC), int64(350050), 18}, nil) &&
			yield([]any{"马某某", time.Time{}, time.Time{}, int64(0), nil}, nil)
	})
	var body bytes.Buffer
	require.NoError(t, WriteTable(&body, columns, rows))
	return body.Bytes()
}

func TestWriteTable(t *testing.T) {
	t.Parallel()

	t.Run("CellsAreWhatTheyMean", func(t *testing.T) {
		t.Parallel()
		f, err := excelize.OpenReader(bytes.NewReader(table(t)))
		require.NoError(t, err)
		defer f.Close()
		for cell, want := range map[string]string{"A1": "姓名", "A2": "'=逯某某", "B2": "2026-11-24", "C2": "2026-11-24 09:30", "D2": "3500.50", "E2": "18", "B3": "", "D3": "0.00"} {
			got, err := f.GetCellValue("Sheet1", cell)
			require.NoError(t, err)
			require.Equal(t, want, got, cell)
		}
		for _, cell := range []string{"B2", "C2", "D2", "E2"} {
			raw, err := f.GetCellValue("Sheet1", cell, excelize.Options{RawCellValue: true})
			require.NoError(t, err)
			require.Regexp(t, `^[0-9.]+$`, raw, "%s is a number underneath", cell)
		}
		panes, err := f.GetPanes("Sheet1")
		require.NoError(t, err)
		require.True(t, panes.Freeze)
		require.Equal(t, 1, panes.YSplit)
	})

	t.Run("OurOwnReaderReadsIt", func(t *testing.T) {
		t.Parallel()
		read, err := Read(bytes.NewReader(table(t)), "x.xlsx")
		require.NoError(t, err)
		require.Equal(t, "2026-11-24", read.Rows[0].Cells["到期日"])
		require.Equal(t, "3500.5", read.Rows[0].Cells["金额(元)"])
		require.Equal(t, "=逯某某", read.Rows[0].Cells["姓名"])
	})

	t.Run("AFaultOfTheRowsIsTheCallers", func(t *testing.T) {
		t.Parallel()
		fault := errors.New("the list broke off")
		err := WriteTable(new(bytes.Buffer), []Column{{Title: "x"}}, func(yield func([]any, error) bool) { yield(nil, fault) })
		require.ErrorIs(t, err, fault)
	})

	t.Run("LibreOfficeOpensItWithoutRepair", func(t *testing.T) {
		t.Parallel()
		office, err := exec.LookPath("soffice")
		if err != nil {
			t.Log("NOT CHECKED: soffice is not installed and make test could not install it")
			return
		}
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "table.xlsx"), table(t), 0o600))
		convert := exec.CommandContext(t.Context(), office, "-env:UserInstallation=file://"+dir+"/profile", "--headless", "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false", "--outdir", dir, filepath.Join(dir, "table.xlsx"))
		said, err := convert.CombinedOutput()
		require.NoError(t, err, "%s", said)
		text, err := os.ReadFile(filepath.Join(dir, "table.csv"))
		require.NoError(t, err)
		require.Contains(t, string(text), "2026-11-24,2026-11-24 09:30:00,3500.5,18")
	})
}
