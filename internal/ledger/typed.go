package ledger

import (
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/xuri/excelize/v2"
)

// Kind is what the cells of a column are.
type Kind int

// The kinds of columns. A Date is a time at midnight, shown as a day; a Moment shows
// the minute too; Fen are int64, shown in yuan with two decimals.
const (
	Text Kind = iota
	Number
	Date
	Moment
	Fen
)

// Column is one column of a table that people read.
type Column struct {
	Title string
	Kind  Kind
	Width float64 // in characters; 0: 14
}

// WriteTable writes a sheet with a header that stays in view and cells that are what
// they mean: dates are dates and amounts are numbers. Cells are string, int, int64,
// time.Time or nil; an empty one is left out. Rows are taken one at a time; above
// 16 MB they pass through a temporary file. Texts are guarded as in WriteXLSX.
func WriteTable(w io.Writer, columns []Column, rows iter.Seq2[[]any, error]) (err error) {
	f := excelize.NewFile()
	defer func() {
		if closeErr := f.Close(); err == nil && closeErr != nil {
			err = fmt.Errorf("close xlsx: %w", closeErr)
		}
	}()
	if err := writeTable(f, columns, rows); err != nil {
		return err
	}
	if err := f.Write(w); err != nil {
		return fmt.Errorf("write xlsx: %w", err)
	}
	return nil
}

func writeTable(f *excelize.File, columns []Column, rows iter.Seq2[[]any, error]) error {
	styles, err := cellStyles(f)
	if err != nil {
		return err
	}
	s, err := f.NewStreamWriter(sheetName)
	if err != nil {
		return fmt.Errorf("start sheet: %w", err)
	}
	if err := s.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return fmt.Errorf("freeze the header: %w", err)
	}
	header := make([]any, len(columns))
	for i, c := range columns {
		width := c.Width
		if width == 0 {
			width = 14
		}
		if err := s.SetColWidth(i+1, i+1, width); err != nil {
			return fmt.Errorf("set width: %w", err)
		}
		header[i] = excelize.Cell{StyleID: styles.header, Value: guard(c.Title)}
	}
	if err := s.SetRow("A1", header); err != nil {
		return fmt.Errorf("write header: %w", err)
	}
	n := 1
	for row, err := range rows {
		if err != nil {
			return err
		}
		n++
		cells := make([]any, len(row))
		for i, value := range row {
			cells[i] = styles.cell(columns[i].Kind, value)
		}
		if err := s.SetRow(fmt.Sprintf("A%d", n), cells); err != nil {
			return fmt.Errorf("write row %d: %w", n, err)
		}
	}
	if err := s.Flush(); err != nil {
		return fmt.Errorf("finish sheet: %w", err)
	}
	return nil
}

type styles struct{ header, date, moment, amount int }

func cellStyles(f *excelize.File) (s styles, err error) {
	day, minute, yuan := "yyyy-mm-dd", "yyyy-mm-dd hh:mm", "0.00"
	for into, style := range map[*int]*excelize.Style{
		&s.header: {Font: &excelize.Font{Bold: true}}, &s.date: {CustomNumFmt: &day}, &s.moment: {CustomNumFmt: &minute}, &s.amount: {CustomNumFmt: &yuan},
	} {
		if *into, err = f.NewStyle(style); err != nil {
			return s, fmt.Errorf("make style: %w", err)
		}
	}
	return s, nil
}

// beijing shows an instant as people there read it; a sheet knows no zones.
var beijing = time.FixedZone("CST", 8*60*60)

func (s styles) cell(kind Kind, value any) any {
	switch v := value.(type) {
	case string:
		if v == "" {
			return nil
		}
		return guard(v)
	case time.Time:
		switch {
		case v.IsZero():
			return nil
		case kind == Moment:
			local := v.In(beijing)
			return excelize.Cell{StyleID: s.moment, Value: time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), 0, 0, time.UTC)}
		}
		return excelize.Cell{StyleID: s.date, Value: time.Date(v.Year(), v.Month(), v.Day(), 0, 0, 0, 0, time.UTC)}
	case int64:
		if kind == Fen {
			return excelize.Cell{StyleID: s.amount, Value: float64(v) / 100}
		}
	}
	return value
}
