package ledger

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"github.com/xuri/excelize/v2"
)

const sheetName = "Sheet1" // the one excelize starts a workbook with

// WriteXLSX writes one sheet of text cells. A text that a spreadsheet could take
// for a formula (it begins with = + - @, full-width or not) gets an apostrophe
// before it, which Read takes off again. Above 16 MB of sheet the rows pass
// through a temporary file that only this user can read and that is removed
// before WriteXLSX returns. Errors are w's, or say that the table does not fit a
// sheet.
func WriteXLSX(w io.Writer, header []string, rows [][]string) (err error) {
	f := excelize.NewFile()
	defer func() {
		if closeErr := f.Close(); err == nil && closeErr != nil {
			err = fmt.Errorf("close xlsx: %w", closeErr)
		}
	}()
	if err := writeSheet(f, header, rows); err != nil {
		return err
	}
	if err := f.Write(w); err != nil {
		return fmt.Errorf("write xlsx: %w", err)
	}
	return nil
}

func writeSheet(f *excelize.File, header []string, rows [][]string) error {
	s, err := f.NewStreamWriter(sheetName)
	if err != nil {
		return fmt.Errorf("start sheet: %w", err)
	}
	cells := make([]any, 0, len(header))
	for i := -1; i < len(rows); i++ {
		row := header
		if i >= 0 {
			row = rows[i]
		}
		cells = cells[:0]
		for _, text := range row {
			cells = append(cells, guard(text))
		}
		if err := s.SetRow(fmt.Sprintf("A%d", i+2), cells); err != nil {
			return fmt.Errorf("write row %d: %w", i+2, err)
		}
	}
	if err := s.Flush(); err != nil {
		return fmt.Errorf("finish sheet: %w", err)
	}
	return nil
}

// WriteCSV writes UTF-8 with a byte order mark and CRLF, as spreadsheets expect
// it, with the guard of WriteXLSX. Errors are w's.
func WriteCSV(w io.Writer, header []string, rows [][]string) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return fmt.Errorf("write csv: %w", err)
	}
	c := csv.NewWriter(w)
	c.UseCRLF = true
	cells := make([]string, 0, len(header))
	for i := -1; i < len(rows); i++ {
		row := header
		if i >= 0 {
			row = rows[i]
		}
		cells = cells[:0]
		for _, text := range row {
			cells = append(cells, guard(text))
		}
		if err := c.Write(cells); err != nil {
			return fmt.Errorf("write csv: %w", err)
		}
	}
	c.Flush()
	if err := c.Error(); err != nil {
		return fmt.Errorf("write csv: %w", err)
	}
	return nil
}

// guard puts an apostrophe before a text that could run as a formula, and
// before one that already looks guarded, so that unguard gives back either.
func guard(text string) string {
	if looksGuarded(text) {
		return "'" + text
	}
	return text
}

func unguard(text string) string {
	if rest, ok := strings.CutPrefix(text, "'"); ok && looksGuarded(rest) {
		return rest
	}
	return text
}

// looksGuarded reports whether a formula sign comes first, but for apostrophes
// and white space.
func looksGuarded(text string) bool {
	rest := strings.TrimLeftFunc(text, func(r rune) bool { return r == '\'' || blank(r) })
	for _, sign := range []string{"=", "+", "-", "@", "＝", "＋", "－", "＠"} {
		if strings.HasPrefix(rest, sign) {
			return true
		}
	}
	return false
}
