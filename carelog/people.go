package carelog

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// personFacts is what is sealed about a user or a village contact.
type personFacts struct {
	Name  string `json:"name"`
	Phone string `json:"phone,omitempty"` // E.164
}

// compoundSurnames are the two-character surnames still in use; the mask keeps them whole.
const compoundSurnames = "欧阳 上官 司马 诸葛 东方 皇甫 尉迟 公孙 慕容 令狐 宇文 长孙 司徒 夏侯 轩辕 端木 百里 呼延 南宫 闻人 万俟"

// MaskName keeps the surname and hides the rest, as the offices print names
// (L36): 逯某某. A name that is masked already stays as it is.
func MaskName(name string) string {
	runes := []rune(strings.TrimSpace(name))
	if len(runes) == 0 {
		return ""
	}
	if name == erasedName {
		return name
	}
	surname := 1
	if len(runes) > 2 && strings.Contains(compoundSurnames, string(runes[:2])) {
		surname = 2
	}
	rest := min(len(runes)-surname, 2)
	return string(runes[:surname]) + strings.Repeat("某", max(rest, 1))
}

// Phone turns what people write into E.164. A possible number is accepted;
// known is false when the numbering plan does not list it (a warning, no
// refusal: plans change faster than libraries).
func Phone(written string) (e164 string, known, ok bool) {
	number, err := phonenumbers.Parse(written, "CN")
	if err != nil || !phonenumbers.IsPossibleNumber(number) {
		return "", false, false
	}
	return phonenumbers.Format(number, phonenumbers.E164), phonenumbers.IsValidNumber(number), true
}

// validIDNumber checks the form and the check digit of a resident identity
// number (GB 11643): 17 digits and the sum mod 11, 10 written as X.
func validIDNumber(s string) bool {
	if len(s) != 18 {
		return false
	}
	sum := 0
	for i := range 17 {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
		weight := 1
		for range 17 - i {
			weight = weight * 2 % 11
		}
		sum += int(s[i]-'0') * weight
	}
	return "10X98765432"[sum%11] == s[17]
}

// lastFour is all that is ever shown of an identity number.
func lastFour(idNumber string) string {
	if len(idNumber) < 4 {
		return ""
	}
	return idNumber[len(idNumber)-4:]
}
