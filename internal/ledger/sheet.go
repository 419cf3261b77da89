package ledger

import (
	"encoding/xml"
	"strings"

	"github.com/xuri/excelize/v2"
)

// sheetReader streams one worksheet.
type sheetReader struct {
	epoch1904 bool
	formats   []format // by style number
	strings   []string // the workbook's shared strings
}

// readStrings takes in xl/sharedStrings.xml.
func (s *sheetReader) readStrings(d *xml.Decoder) error {
	return eachElement(d, func(e xml.StartElement) error {
		if e.Name.Local != "si" {
			return nil
		}
		text, err := richText(d)
		s.strings = append(s.strings, text)
		return err
	})
}

func (s *sheetReader) readSheet(d *xml.Decoder, b *builder) error {
	row := 0
	return eachElement(d, func(e xml.StartElement) error {
		switch e.Name.Local {
		case "row":
			row++
			if r := attribute(e, "r"); r != "" {
				if number(r) < row {
					return damaged()
				}
				row = number(r)
			}
			cells, err := s.row(d, row)
			if err != nil {
				return err
			}
			return b.add(row, cells)
		case "mergeCell":
			return checkMerged(attribute(e, "ref"), b)
		}
		return nil
	})
}

func (s *sheetReader) row(d *xml.Decoder, row int) ([]cell, error) {
	var cells []cell
	for {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		e, ok := token.(xml.StartElement)
		if _, end := token.(xml.EndElement); end {
			return cells, nil
		}
		if !ok {
			continue
		}
		if e.Name.Local != "c" {
			if err := d.Skip(); err != nil {
				return nil, err
			}
			continue
		}
		at, err := position(attribute(e, "r"), row, len(cells))
		if err != nil {
			return nil, err
		}
		c, err := s.cell(d, e)
		if err != nil {
			return nil, err
		}
		if c.empty() {
			continue
		}
		if at >= MaxColumns {
			// The builder complains; a gap of 16,000 cells need not be built.
			at = MaxColumns
		}
		for len(cells) < at {
			cells = append(cells, cell{})
		}
		cells = append(cells, c)
	}
}

// position is the column, from 0, of the cell that ref names in this row; a cell
// without a name is the next one.
func position(ref string, row, next int) (int, error) {
	if ref == "" {
		return next, nil
	}
	col, line, err := excelize.CellNameToCoordinates(ref)
	if err != nil || line != row || col-1 < next {
		return 0, damaged()
	}
	return col - 1, nil
}

// cell reads up to the end of a <c>.
func (s *sheetReader) cell(d *xml.Decoder, start xml.StartElement) (cell, error) {
	var value, inline string
	formula := false
	for {
		token, err := d.Token()
		if err != nil {
			return cell{}, err
		}
		switch e := token.(type) {
		case xml.EndElement:
			if formula && value == "" && attribute(start, "t") != "str" {
				return cell{reason: "公式没有计算结果，请用表格软件打开并保存一次"}, nil
			}
			return s.value(start, value, inline)
		case xml.StartElement:
			switch e.Name.Local {
			case "v":
				value, err = plainText(d)
			case "is":
				inline, err = richText(d)
			default:
				formula = formula || e.Name.Local == "f"
				err = d.Skip()
			}
			if err != nil {
				return cell{}, err
			}
		}
	}
}

func (s *sheetReader) value(start xml.StartElement, value, inline string) (cell, error) {
	switch attribute(start, "t") {
	case "s":
		i := number(value)
		if i < 0 || i >= len(s.strings) {
			return cell{}, damaged()
		}
		return cell{text: s.strings[i]}, nil
	case "inlineStr":
		return cell{text: inline}, nil
	case "str":
		return cell{text: value}, nil
	case "e":
		return cell{reason: "单元格是错误值"}, nil
	case "b":
		if value == "1" {
			return cell{text: "TRUE"}, nil
		}
		return cell{text: "FALSE"}, nil
	case "d":
		date, _, _ := strings.Cut(value, "T")
		return cell{text: date}, nil
	}
	if value == "" {
		return cell{}, nil
	}
	var f format
	if i := number(attribute(start, "s")); i >= 0 && i < len(s.formats) {
		f = s.formats[i]
	}
	return numberCell(value, f, s.epoch1904), nil
}

// checkMerged refuses merged cells within the table: whether the value is meant
// for every row or for one, an amount for instance, nobody can tell.
func checkMerged(ref string, b *builder) error {
	from, to, _ := strings.Cut(ref, ":")
	col, row, err := excelize.CellNameToCoordinates(from)
	if err != nil {
		return damaged()
	}
	if to == "" || to == from || row > b.last || col > len(b.columns) {
		return nil
	}
	name := b.columns[col-1].name
	if name == "" {
		name = letters(col - 1)
	}
	return &Problem{Row: row, Column: name, Reason: "有合并单元格，请取消合并后逐行填写"}
}
