package ledger

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// Reading an xlsx is done here and not by excelize, because excelize takes a
// sheet that breaks off for one that ends, cannot tell a text from a number
// while it streams, and unpacks large sheets into readable temporary files.

// book is an opened xlsx: its parts by path in lower case.
type book map[string]*zip.File

type relation struct {
	ID     string `xml:"Id,attr"`
	Type   string `xml:"Type,attr"`
	Target string `xml:"Target,attr"`
}

type workbook struct {
	Properties struct {
		Date1904 string `xml:"date1904,attr"`
	} `xml:"workbookPr"`
	Sheets []struct {
		State    string `xml:"state,attr"`
		Relation string `xml:"http://schemas.openxmlformats.org/officeDocument/2006/relationships id,attr"`
		Strict   string `xml:"http://purl.oclc.org/ooxml/officeDocument/relationships id,attr"`
	} `xml:"sheets>sheet"`
}

func readXLSX(data []byte, b *builder) error {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return damaged()
	}
	k := make(book, len(archive.File))
	left := uint64(maxUnpacked)
	for _, f := range archive.File {
		// The declared size can be trusted: the zip reader fails a part that
		// turns out larger.
		if f.UncompressedSize64 > left {
			return &Problem{Reason: fmt.Sprintf("文件展开后超过%dMB，请分成几个文件导入", maxUnpacked>>20)}
		}
		left -= f.UncompressedSize64
		k[partName(f.Name)] = f
	}
	err = k.read(b)
	var problem *Problem
	if err == nil || errors.As(err, &problem) {
		return err
	}
	// What is left comes from the zip or XML reader and means nothing to the
	// person who has to put it right.
	return damaged()
}

func (k book) read(b *builder) error {
	main, ok := k.related("", "/officeDocument")
	if !ok {
		return &Problem{Reason: "不是表格文件，请使用.xlsx或.csv"}
	}
	var w workbook
	if err := k.decode(main[0].Target, &w); err != nil {
		return err
	}
	b.epoch1904 = w.Properties.Date1904 == "1" || w.Properties.Date1904 == "true"
	sheet, ok := k.firstSheet(main[0].Target, w)
	if !ok {
		return &Problem{Reason: "文件中没有可见的工作表"}
	}
	s := &sheetReader{epoch1904: b.epoch1904}
	if styles, ok := k.related(main[0].Target, "/styles"); ok {
		var sheet styleSheet
		if err := k.decode(styles[0].Target, &sheet); err != nil {
			return err
		}
		s.formats = sheet.formats()
	}
	if shared, ok := k.related(main[0].Target, "/sharedStrings"); ok {
		if err := k.stream(shared[0].Target, s.readStrings); err != nil {
			return err
		}
	}
	return k.stream(sheet, func(d *xml.Decoder) error { return s.readSheet(d, b) })
}

func (k book) firstSheet(main string, w workbook) (part string, ok bool) {
	sheets, _ := k.related(main, "/worksheet")
	for _, s := range w.Sheets {
		if s.State == "hidden" || s.State == "veryHidden" {
			continue
		}
		for _, r := range sheets {
			if r.ID == s.Relation || r.ID == s.Strict {
				return r.Target, true
			}
		}
	}
	return "", false
}

// related gives the relations of a part whose type ends so, with targets made
// into paths of parts. The part "" is the package itself.
func (k book) related(part, kind string) ([]relation, bool) {
	var all struct {
		Relations []relation `xml:"Relationship"`
	}
	dir, file := path.Split(part)
	if k.decode(dir+"_rels/"+file+".rels", &all) != nil {
		return nil, false
	}
	var found []relation
	for _, r := range all.Relations {
		if !strings.HasSuffix(r.Type, kind) {
			continue
		}
		if !strings.HasPrefix(r.Target, "/") {
			r.Target = dir + r.Target
		}
		r.Target = partName(r.Target)
		found = append(found, r)
	}
	return found, len(found) > 0
}

// decode takes in a whole part; the large ones are streamed.
func (k book) decode(part string, v any) error {
	if f, ok := k[part]; ok && f.UncompressedSize64 > maxDecoded {
		return damaged()
	}
	return k.stream(part, func(d *xml.Decoder) error { return d.Decode(v) })
}

func (k book) stream(part string, read func(*xml.Decoder) error) error {
	f, ok := k[part]
	if !ok {
		return fmt.Errorf("part is missing: %w", io.ErrUnexpectedEOF)
	}
	r, err := f.Open()
	if err != nil {
		return fmt.Errorf("open part: %w", err)
	}
	if err := read(xml.NewDecoder(r)); err != nil {
		_ = r.Close() // the reading error says more
		return err
	}
	return r.Close()
}

// partName brings the spellings of different writers together.
func partName(name string) string {
	return strings.ToLower(strings.TrimPrefix(path.Clean("/"+strings.ReplaceAll(name, `\`, "/")), "/"))
}
