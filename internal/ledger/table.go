package ledger

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/unicode/norm"
)

// cell is one cell as a format reader found it: its text, or the reason why it
// has none that can be trusted.
type cell struct {
	text   string
	reason string
}

func (c cell) empty() bool { return c.text == "" && c.reason == "" }

type column struct {
	name string // empty: no header
	date bool
}

// builder turns rows of cells into a Table and keeps the rules both formats
// share.
type builder struct {
	epoch1904 bool
	columns   []column
	rows      []Row
	last      int // number of the last row that holds something
	cells     int
}

// add takes the next row; numbers rise. Empty rows leave no trace.
func (b *builder) add(number int, cells []cell) error {
	used := 0
	for i := range cells {
		cells[i].text = trim(cells[i].text)
		if !cells[i].empty() {
			used = i + 1
		}
	}
	if used == 0 {
		return nil
	}
	if used > MaxColumns {
		return &Problem{Row: number, Reason: fmt.Sprintf("超过%d列", MaxColumns)}
	}
	b.last = number
	if b.columns == nil {
		return b.header(number, cells[:used])
	}
	return b.record(number, cells[:used])
}

func (b *builder) header(number int, cells []cell) error {
	if number != 1 {
		return noHeader()
	}
	seen := make(map[string]bool, len(cells))
	for i, c := range cells {
		name := trim(norm.NFKC.String(unguard(c.text)))
		if c.reason != "" {
			return &Problem{Row: number, Column: letters(i), Reason: c.reason}
		}
		if name != "" && seen[name] {
			return &Problem{Row: number, Column: name, Reason: "表头重复"}
		}
		seen[name] = true
		b.columns = append(b.columns, column{name: name, date: strings.Contains(name, "日期")})
	}
	return nil
}

func (b *builder) record(number int, cells []cell) error {
	row := Row{Number: number, Cells: make(map[string]string, len(cells))}
	for i, c := range cells {
		if c.empty() {
			continue
		}
		if i >= len(b.columns) || b.columns[i].name == "" {
			return &Problem{Row: number, Column: letters(i), Reason: "有数据但没有表头"}
		}
		col := b.columns[i]
		if c.reason == "" && scientific.MatchString(c.text) {
			c.reason = lostDigits
		}
		if c.reason != "" {
			return &Problem{Row: number, Column: col.name, Reason: c.reason}
		}
		if col.date {
			c.text = dateText(c.text, b.epoch1904)
		}
		row.Cells[col.name] = trim(unguard(c.text))
	}
	b.cells += len(row.Cells)
	if len(b.rows) == MaxRows || b.cells > maxCells {
		return &Problem{Reason: fmt.Sprintf("数据超过%d行，请分成几个文件导入", len(b.rows))}
	}
	b.rows = append(b.rows, row)
	return nil
}

func (b *builder) table() (*Table, error) {
	t := &Table{Rows: b.rows}
	for _, col := range b.columns {
		if col.name != "" {
			t.Header = append(t.Header, col.name)
		}
	}
	if len(t.Header) == 0 {
		return nil, noHeader()
	}
	return t, nil
}

func noHeader() error { return &Problem{Row: 1, Reason: "第一行应当是表头，现在是空的"} }

// trim takes off white space (the ideographic one too) and the invisible marks
// that copying out of web pages leaves.
func trim(s string) string { return strings.TrimFunc(s, blank) }

func blank(r rune) bool { return unicode.IsSpace(r) || r == '\u200b' || r == '\ufeff' }

// letters names a column as the sheet does: 0 is A, 26 is AA.
func letters(i int) string {
	name, err := excelize.ColumnNumberToName(i + 1)
	if err != nil {
		return strconv.Itoa(i + 1)
	}
	return name
}
