// Package ledger reads and writes the spreadsheets offices keep: xlsx and csv
// files with one header row and one record a row. It knows tables, not what is
// in them.
package ledger

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// What a ledger may hold at most. A national morning is 42,000 rows; more is a
// mistake or an attack.
const (
	MaxBytes   = 32 << 20
	MaxRows    = 100_000
	MaxColumns = 200

	maxUnpacked = 192 << 20 // of an xlsx: 100,000 rows of 28 columns take 130 MB
	maxDecoded  = 8 << 20   // of its styles or relations
	maxCells    = 4_000_000
)

// Table is a ledger as read.
type Table struct {
	Header []string // trimmed, NFKC-normalised, in sheet order; columns without a header are left out
	Rows   []Row    // rows that hold something, in sheet order
}

// Row is one record of a Table.
type Row struct {
	Number int               // as the sheet shows it: the header is row 1
	Cells  map[string]string // by header, trimmed; an empty cell has no entry
}

// Problem is what the person who made the ledger has to put right. Its texts
// hold no cell's contents.
type Problem struct {
	Row    int    // as the sheet shows it; 0 when the whole file is meant
	Column string // header, or the column's letters where it has none; may be empty
	Reason string // a Chinese phrase for the person
}

// Error is the Chinese sentence to show, with row and column.
func (p *Problem) Error() string {
	var place string
	if p.Row > 0 {
		place = fmt.Sprintf("第%d行", p.Row)
	}
	if p.Column != "" {
		place += fmt.Sprintf("“%s”列", p.Column)
	}
	if place == "" {
		return p.Reason
	}
	return place + "：" + p.Reason
}

func damaged() error {
	return &Problem{Reason: "文件已损坏或不完整，请用表格软件重新保存后再导入"}
}

// Read reads the first visible sheet of an xlsx file, or a csv file (UTF-8,
// UTF-16 with a mark, or GB18030; separated by comma, semicolon or tab). What it
// is goes by its content; name serves only to say what was handed in.
//
// Dates come out as YYYY-MM-DD, and so does a serial number or 2026/11/24 under
// a header that contains 日期. Numbers come out plain, never in scientific
// notation. An apostrophe that WriteXLSX or WriteCSV put before a formula sign
// is taken off again.
//
// The error is a *Problem when the file is at fault: limits exceeded, broken,
// a header that is missing or twice there, merged cells, a formula without a
// result, a number that has lost digits. Any other error is r's.
func Read(r io.Reader, name string) (*Table, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	if len(data) > MaxBytes {
		return nil, &Problem{Reason: fmt.Sprintf("文件超过%dMB", MaxBytes>>20)}
	}
	b := &builder{}
	switch {
	case bytes.HasPrefix(data, []byte("PK\x03\x04")), bytes.HasPrefix(data, []byte("PK\x05\x06")):
		err = readXLSX(data, b)
	case bytes.HasPrefix(data, []byte("\xd0\xcf\x11\xe0")):
		err = &Problem{Reason: "这是旧版.xls文件或加了密码，请另存为不加密的.xlsx"}
	default:
		err = readCSV(data, name, b)
	}
	if err != nil {
		return nil, err
	}
	return b.table()
}

func unrecognised(name string) error {
	ext := strings.ToLower(filepath.Ext(name))
	if len(ext) < 2 || len(ext) > 8 {
		return &Problem{Reason: "不是表格文件，请使用.xlsx或.csv"}
	}
	return &Problem{Reason: "不是表格文件（" + ext + "），请使用.xlsx或.csv"}
}
