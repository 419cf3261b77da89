package ledger

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

const (
	lostDigits = "数字过长，末尾几位已丢失，请把该列设为文本后重新填写"
	badDate    = "日期无效"

	// Spreadsheets keep 15 digits of a number; the rest reads as zeros.
	digitLimit = 1e15
	lastSerial = 2958465 // 9999-12-31
)

var (
	// scientific is how a spreadsheet writes a number it shortened into a csv.
	scientific = regexp.MustCompile(`^[+-]?\d(\.\d+)?[Ee]\+\d{2,3}$`)
	// serial is a five-digit day count: 1927 to 2173.
	serial     = regexp.MustCompile(`^[1-9]\d{4}$`)
	calendared = regexp.MustCompile(`^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T].*)?$`)

	elapsed  = regexp.MustCompile(`\[(h+|m+|s+)\]`)
	literals = regexp.MustCompile(`"[^"]*"|\\.|_.|\*.|\[[^\]]*\]`)
)

// format is what a cell's number format says about its number.
type format struct {
	date, clock bool
	width       int // shown with leading zeros to that many digits
}

// numberCell gives a numeric cell of an xlsx as text.
func numberCell(raw string, f format, epoch1904 bool) cell {
	x, err := strconv.ParseFloat(raw, 64)
	if err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
		return cell{text: raw}
	}
	switch {
	case f.date:
		text, ok := serialDate(x, epoch1904)
		if !ok {
			return cell{reason: badDate}
		}
		return cell{text: text}
	case f.clock && x >= 0 && x < 1:
		minutes := int(math.Round(x*24*60)) % (24 * 60)
		return cell{text: time.Date(1, 1, 1, 0, minutes, 0, 0, time.UTC).Format("15:04")}
	case math.Abs(x) >= digitLimit:
		return cell{reason: lostDigits}
	}
	text := plainNumber(x)
	if missing := f.width - len(text); missing > 0 && x >= 0 && !strings.Contains(text, ".") {
		text = strings.Repeat("0", missing) + text
	}
	return cell{text: text}
}

// plainNumber writes x as a spreadsheet shows it: 15 significant digits, so
// that 0.1+0.2 is 0.3, and no exponent.
func plainNumber(x float64) string {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 15, 64), 64)
	if err != nil {
		rounded = x
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}

func serialDate(x float64, epoch1904 bool) (string, bool) {
	if x < 1 || x > lastSerial+1 {
		return "", false
	}
	day, err := excelize.ExcelDateToTime(math.Floor(x), epoch1904)
	if err != nil {
		return "", false
	}
	return day.Format(time.DateOnly), true
}

// dateText reads what stands under a header that says it is a date. Text it
// cannot read stays as it is, for the importer to complain about.
func dateText(text string, epoch1904 bool) string {
	if serial.MatchString(text) {
		days, err := strconv.ParseFloat(text, 64)
		if date, ok := serialDate(days, epoch1904); err == nil && ok {
			return date
		}
		return text
	}
	parts := calendared.FindStringSubmatch(text)
	if parts == nil {
		return text
	}
	day, err := time.Parse("2006-1-2", parts[1]+"-"+parts[2]+"-"+parts[3])
	if err != nil {
		return text
	}
	return day.Format(time.DateOnly)
}

// builtinFormat is the meaning of the number formats that have an id and no
// code. 27 to 36 and 50 to 58 are the East Asian ones.
func builtinFormat(id int) format {
	switch {
	case id >= 18 && id <= 21, id >= 32 && id <= 35, id >= 45 && id <= 47, id == 55, id == 56:
		return format{clock: true}
	case id >= 14 && id <= 22, id >= 27 && id <= 36, id >= 50 && id <= 58:
		return format{date: true}
	}
	return format{}
}

// codedFormat is the meaning of a format code, read in its first section
// without colours, literals and padding.
func codedFormat(code string) format {
	code = elapsed.ReplaceAllString(strings.ToLower(code), "$1")
	code, _, _ = strings.Cut(literals.ReplaceAllString(code, ""), ";")
	switch {
	case strings.ContainsAny(code, "yd"), strings.Contains(code, "aaa"): // aaa is a weekday
		return format{date: true}
	case strings.ContainsAny(code, "hs"):
		return format{clock: true}
	case strings.Contains(code, "m"):
		return format{date: true}
	case len(code) > 1 && strings.Trim(code, "0") == "":
		return format{width: len(code)}
	}
	return format{}
}
