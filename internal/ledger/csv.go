package ledger

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

func readCSV(data []byte, name string, b *builder) error {
	text, err := decode(data, name)
	if err != nil {
		return err
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma = separator(text)
	r.FieldsPerRecord = -1
	r.ReuseRecord = true

	var cells []cell
	number, read := 0, int64(0)
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		// The reader passes over empty lines; in the sheet they are rows.
		number += 1 + emptyLines(text[read:])
		if err != nil {
			return &Problem{Row: number, Reason: "引号不成对"}
		}
		read = r.InputOffset()
		cells = cells[:0]
		for _, field := range fields {
			cells = append(cells, cell{text: field})
		}
		if err := b.add(number, cells); err != nil {
			return err
		}
	}
}

// decode gives UTF-8 with plain line feeds.
func decode(data []byte, name string) ([]byte, error) {
	var err error
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		data, err = unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Bytes(data)
	case utf8.Valid(data):
		data = bytes.TrimPrefix(data, []byte("\ufeff"))
	default:
		data, err = simplifiedchinese.GB18030.NewDecoder().Bytes(data)
		// The decoder marks what it does not know instead of failing.
		if bytes.ContainsRune(data, utf8.RuneError) {
			return nil, unrecognised(name)
		}
	}
	if err != nil || bytes.IndexByte(data, 0) >= 0 {
		return nil, unrecognised(name)
	}
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("<")) {
		return nil, &Problem{Reason: "这是网页或XML文件，请用表格软件打开并另存为.xlsx"}
	}
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(data, []byte("\r"), []byte("\n")), nil
}

// separator is what divides the header: the most frequent candidate outside
// quotes, the comma when there is none.
func separator(text []byte) rune {
	counts := map[rune]int{}
	quoted := false
	for _, c := range string(header(text)) {
		switch {
		case c == '"':
			quoted = !quoted
		case !quoted:
			counts[c]++
		}
	}
	best := ','
	for _, c := range []rune{';', '\t'} {
		if counts[c] > counts[best] {
			best = c
		}
	}
	return best
}

// header is the first line, line feeds within quotes included.
func header(text []byte) []byte {
	quoted := false
	for i, c := range text {
		if c == '"' {
			quoted = !quoted
		}
		if c == '\n' && !quoted {
			return text[:i]
		}
	}
	return text
}

func emptyLines(text []byte) int {
	n := 0
	for n < len(text) && text[n] == '\n' {
		n++
	}
	return n
}
