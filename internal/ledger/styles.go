package ledger

// styleSheet is the part of xl/styles.xml that says how numbers are shown.
type styleSheet struct {
	Codes []struct {
		ID   int    `xml:"numFmtId,attr"`
		Code string `xml:"formatCode,attr"`
	} `xml:"numFmts>numFmt"`
	Cells []struct {
		FormatID int `xml:"numFmtId,attr"`
	} `xml:"cellXfs>xf"`
}

// formats gives the number format of every cell style, by the style's number.
func (s styleSheet) formats() []format {
	codes := make(map[int]string, len(s.Codes))
	for _, c := range s.Codes {
		codes[c.ID] = c.Code
	}
	formats := make([]format, len(s.Cells))
	for i, c := range s.Cells {
		if code, ok := codes[c.FormatID]; ok {
			formats[i] = codedFormat(code)
			continue
		}
		formats[i] = builtinFormat(c.FormatID)
	}
	return formats
}
