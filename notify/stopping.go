package notify

import "regexp"

const (
	courtesies = `(?:你好|您好|请|麻烦|谢谢[您你]?|多谢|谢|吧|啊|呀|哈|哦|我要|我想|你们|回复?|同志|领导)*`

	refusals = `(?:别|不要|不用|莫|甭|勿|不想|拒绝)(?:再|老是?|总是?|一直|继续)*(?:给我|向我|跟我|往我手机)?再?` +
		`(?:(?:发送|发|推送)(?:这种|这些|这个|这类|这样的)?(?:短信|信息|消息|通知)?|(?:接收|收到|收)(?:这种|这些|这类)?(?:短信|信息|消息))了?`

	stops = `TDQX|TD|退订(?:短信|信息)?|拒收(?:短信|信息)?|STOP|UNSUBSCRIBE|停止(?:发送|发|接收)?(?:短信|信息)?|停发(?:短信)?|停|取消(?:订阅|短信|接收)?|拒绝接收|` + refusals

	starts = `START|UNSTOP|恢复(?:短信|发送|接收|发短信)?|继续发送?(?:短信)?`
)

// Stop and start words count only where they and courtesies are the whole text: 补贴停发了 is
// about the household. T and R are too short to stand beside another word.
var (
	stopText  = regexp.MustCompile(`^` + courtesies + `(?:(?:(?:` + stops + `)` + courtesies + `)+|[TR]` + courtesies + `)$`)
	startText = regexp.MustCompile(`^` + courtesies + `(?:(?:` + starts + `)` + courtesies + `)+$`)
)

// switchMark is MarkStop or MarkStart when a normalised text says nothing else, else "".
func switchMark(text string) string {
	switch words := squeeze(text); {
	case stopText.MatchString(words):
		return MarkStop
	case startText.MatchString(words):
		return MarkStart
	}
	return ""
}
