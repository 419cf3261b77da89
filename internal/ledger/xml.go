package ledger

import (
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
)

// eachElement calls fn at the start of every element that fn itself has not
// read over. A document that breaks off is an error.
func eachElement(d *xml.Decoder, fn func(xml.StartElement) error) error {
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if e, ok := token.(xml.StartElement); ok {
			if err := fn(e); err != nil {
				return err
			}
		}
	}
}

// richText joins the runs of a string item, without its reading aids.
func richText(d *xml.Decoder) (string, error) {
	var text strings.Builder
	for {
		token, err := d.Token()
		if err != nil {
			return "", err
		}
		switch e := token.(type) {
		case xml.EndElement:
			if e.Name.Local != "r" {
				// Writers escape the carriage return that XML would lose.
				return strings.ReplaceAll(text.String(), "_x000D_", ""), nil
			}
		case xml.StartElement:
			switch e.Name.Local {
			case "r":
			case "t":
				run, err := plainText(d)
				if err != nil {
					return "", err
				}
				text.WriteString(run)
			default:
				if err := d.Skip(); err != nil {
					return "", err
				}
			}
		}
	}
}

// plainText reads the characters up to the end of the element.
func plainText(d *xml.Decoder) (string, error) {
	var text strings.Builder
	for {
		token, err := d.Token()
		if err != nil {
			return "", err
		}
		switch e := token.(type) {
		case xml.CharData:
			text.Write(e)
		case xml.EndElement:
			return text.String(), nil
		case xml.StartElement:
			if err := d.Skip(); err != nil {
				return "", err
			}
		}
	}
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// number reads a small number of an attribute; anything else is -1.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return n
}
