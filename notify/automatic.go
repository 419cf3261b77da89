package notify

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

var (
	// machineWords are written by phones, carriers and advertisers, never by a contact about a
	// household. A bare "验证码" is not among them: somebody may be telling us of a fraud.
	machineWords = regexp.MustCompile(`自动(?:回复|答复|应答)|系统自动|AUTO[ -]?(?:REPLY|RESPONSE|MATIC)|OUT OF OFFICE` +
		`|尊敬的(?:客户|用户|会员|机主)|您所?(?:拨打|呼叫)的|来电提醒|漏话提醒|【中国(?:移动|联通|电信|广电)` +
		`|余额(?:已?不足|为|仅剩?|:) ?[0-9]|您.{0,8}流量|剩余流量|积分兑换|已(?:设置|启用|开通)呼叫转移` +
		`|退订请?回复?(?:TD?|N|0)|拒收请?回复?R|验证码[^0-9]{0,6}[0-9]{4,8}|[0-9]{4,8}[^0-9]{0,8}验证码`)

	// fraudWords come from a person, who may quote such a text.
	fraudWords = regexp.MustCompile(`上当|被骗|骗子`)

	// busyWords are what a phone answers while its owner drives or sits in a meeting, from the
	// first word on: 他正在开车 in the middle of a report is about somebody else.
	busyWords = regexp.MustCompile(`^(?:您好|你好|喂|对不起|抱歉|不好意思|SORRY|我|本人|机主|现在|目前|当前|暂时|正|在|有事|很?忙|[\p{P}\p{Z}])*` +
		`(?:[在正](?:开车|驾驶|开会)|开车中|驾驶中|开会中|会议中|(?:无法|不能)接[听电]|不方?便(?:接|回|通话|说话|看手机|[\p{P}\p{Z}]*$)` +
		`|(?:稍后|稍候|晚点|一会儿?|回头)(?:再|会|将)?(?:给[您你]|与[您你]|跟[您你]|回|联系|致电|打给)` +
		`|I.?M (?:DRIVING|IN A MEETING)|I.?LL (?:CALL|GET BACK)|CAN.?T TALK)`)

	// emergencyOffers in such texts are addressed to us, and no cry for help.
	emergencyOffers = regexp.MustCompile(`(?:如果?|若|要是)?[您你]?有?(?:紧急|急)(?:事|情况|事情|事项)?[\p{P}\p{Z}]*` +
		`(?:请|可)?(?:直接|先|及时)?(?:拨打|打|致电|发|留言|联系|电联|来电|加)|紧急停机|打 ?[0-9.]+ ?折|打造`)
)

// automatic reports whether a reply was written by a phone, a carrier or an advertiser. A code
// with its answer is always a person's; beside busy words so is a digit, or a word that nobody
// says of himself.
func automatic(text string, tokens []token) bool {
	coded := slices.ContainsFunc(tokens, func(t token) bool { return t.kind == codeToken })
	digit := slices.ContainsFunc(tokens, func(t token) bool { return t.kind == digitToken })
	if coded && digit || fraudWords.MatchString(text) {
		return false
	}
	if machineWords.MatchString(text) {
		return true
	}
	ofTheHousehold := slices.ContainsFunc(tokens, func(t token) bool {
		return t.kind == statusToken && !t.word.weak && !t.word.ownAffair
	})
	return !digit && !coded && !ofTheHousehold && busyWords.MatchString(text)
}

// IsShortCode reports whether a sender is no subscriber: fewer than seven digits, or none at all.
// No automatic answer is sent to one.
func IsShortCode(number string) bool {
	digits := strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, number)
	return len([]rune(digits)) < subscriberDigits
}

const subscriberDigits = 7
