package notify

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// traditional and simplified hold the same characters in two writings, pairwise: those that
// occur in replies, in our own texts and in the words that must not be sent.
const (
	traditional = "沒見難對進負責換復認聽電話報殺藥訂絕戶員個還這說張縣檢無誰門鎖幾點錢傷搶農飯現處號碼為來開關動實撥應該務請間樣媽爺經體壞嚴護險緊條與準謝給過時長親產從樂費區醫療癱瘋鄉鎮場斷氣養讓離風災燒轉賬帳帐銀匯殘疾證訴詐騙單審預錯誤簡詳內們發燈棟樓聯繫係幫鬧驗損獲補償貧濟題夠講組歲趕覺歸喪園學麼裡裏衝滅極別買頭結貳參叄兩両"
	simplified  = "没见难对进负责换复认听电话报杀药订绝户员个还这说张县检无谁门锁几点钱伤抢农饭现处号码为来开关动实拨应该务请间样妈爷经体坏严护险紧条与准谢给过时长亲产从乐费区医疗瘫疯乡镇场断气养让离风灾烧转账账账银汇残疾证诉诈骗单审预错误简详内们发灯栋楼联系系帮闹验损获补偿贫济题够讲组岁赶觉归丧园学么里里冲灭极别买头结贰叁叁两两"

	chineseDigits = "一二三四五六七八九"
	// formalDigits are those of cheques and, with 两, of speech: read like the ones above.
	formalDigits = "壹两叁肆伍陆柒捌玖"
)

var toSimplified = pairRunes(traditional, simplified)

// Normalize brings a text into the one form the grammar and the privacy check read: compatibility
// forms folded (full width, circled and keycap digits), traditional characters simplified, Latin
// letters in upper case, marks, zero-width and control characters dropped, white space collapsed,
// and a Chinese numeral that stands alone written as a digit. Doing it twice changes nothing.
func Normalize(text string) string {
	folded := dropInvisible(norm.NFKC.String(dropInvisible(foldOddDigits(text))))
	folded = strings.Map(func(r rune) rune {
		if s, ok := toSimplified[r]; ok {
			return s
		}
		if r >= 'a' && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, folded)
	return digitsForNumerals(strings.Join(strings.Fields(folded), " "))
}

// foldOddDigits folds what NFKC leaves alone or spells out: white-on-black and double circles, and
// Roman numerals, which would become letters.
func foldOddDigits(text string) string {
	return strings.Map(func(r rune) rune {
		for _, first := range oddDigits {
			if r >= first && r < first+9 {
				return '1' + r - first
			}
		}
		return r
	}, text)
}

// oddDigits are the characters for 1 of ranges that run to 9.
var oddDigits = []rune{'\u2160', '\u2170', '\u24F5', '\u2776', '\u2780', '\u278A'}

func dropInvisible(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == unicode.ReplacementChar, unicode.In(r, unicode.Cc, unicode.Cf, unicode.M):
			return -1
		}
		return r
	}, text)
}

// digitsForNumerals turns 一 into 1 where it is an answer, not part of a word such as 一切 or
// 星期二: nothing Chinese before it but a word that announces an answer, and after it nothing
// Chinese but a word that is one.
func digitsForNumerals(text string) string {
	if !strings.ContainsAny(text, chineseDigits+formalDigits+"贰") {
		return text
	}
	runes := []rune(text)
	out := make([]rune, len(runes))
	copy(out, runes)
	for i, r := range runes {
		value := max(strings.IndexRune(chineseDigits, r), strings.IndexRune(formalDigits, r))
		if r == '贰' {
			value = len("一")
		}
		if value < 0 {
			continue
		}
		before := i == 0 || !unicode.Is(unicode.Han, runes[i-1]) || strings.ContainsRune(announcers, runes[i-1])
		next := i + 1
		if r == '两' && next < len(runes) && runes[next] == ' ' {
			next++ // 两 户 counts as 两户 does
		}
		after := next == len(runes) || !unicode.Is(unicode.Han, runes[next]) || statusAt(runes, next).digit != 0
		if before && after {
			out[i] = rune('1' + value/len("一"))
		}
	}
	return string(out)
}

func pairRunes(from, to string) map[rune]rune {
	targets := []rune(to)
	pairs := make(map[rune]rune, len(targets))
	for i, r := range []rune(from) {
		if r != targets[i] {
			pairs[r] = targets[i]
		}
	}
	return pairs
}

// squeeze drops everything but letters and digits, so that a forbidden word or a name cannot
// hide behind blanks and punctuation.
func squeeze(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, text)
}

// splitCodes are short pieces that may be one code with blanks in it: K7 Q2M 1.
var splitCodes = regexp.MustCompile(`\b[0-9A-Z]{1,4}(?:[ .-][0-9A-Z]{1,4})+\b`)

// joinSplitCodes closes the gaps in a code where the pieces together are a valid one, alone or
// with its answer.
func joinSplitCodes(text string) string {
	return splitCodes.ReplaceAllStringFunc(text, func(pieces string) string {
		joined := strings.NewReplacer(" ", "", ".", "", "-", "").Replace(pieces)
		code, answer := joined, ""
		switch {
		case len(joined) == codeLength+1 && number(joined[codeLength:]):
			code, answer = joined[:codeLength], " "+joined[codeLength:]
		case len(joined) == codeLength+1 && number(joined[:1]):
			code, answer = joined[1:], " "+joined[:1]
		}
		if !ValidCode(code) {
			return pieces
		}
		return code + answer
	})
}

// joinHan drops blanks between two Chinese characters: 没 见到.
func joinHan(runes []rune) []rune {
	out := make([]rune, 0, len(runes))
	for i, r := range runes {
		if r == ' ' && i > 0 && i+1 < len(runes) && unicode.Is(unicode.Han, runes[i-1]) && unicode.Is(unicode.Han, runes[i+1]) {
			continue
		}
		out = append(out, r)
	}
	return out
}
