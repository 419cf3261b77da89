package notify

import (
	"regexp"
	"strings"
)

// What counts as urgent, decided on the side of a person looking once too often:
// 急 in any word counts (着急, 急性, 急诊, 紧急) unless it is denied or a trait or a manner
// (不急, 别着急, 急性子, 急忙); 打 counts unless it is one of the many harmless verbs (打工,
// 打电话, 打针); 死 counts unless it is an idiom (累死了, 死活不开门); 喝药 counts unless it is
// plainly medicine (按时喝药).
const (
	urgentPhrases = `急 死 打 出事 出大事 会不会出事 报警 救命 救救 自杀 自尽 自残 轻生 寻短见 寻死 不想活 活不下去 喝药 喝农药
		服毒 上吊 跳楼 跳河 跳井 割腕 失踪 走失 走丢 着火 起火 失火 火灾 昏迷 晕倒 大出血 吐血 抢救 病危 快不行
		家暴 强奸 性侵 绑架 杀人 要杀 砍 捅 威胁 恐吓 打110 打120 打119 叫120 报110 救护车 去世 过世 人没了`

	harmlessPhrases = `不急 不着急 别急 别着急 不用急 不用着急 莫急 勿急 甭急 不太急 不是很急 不怎么急 不算急 不很急
		不紧急 急什么 急忙 急匆匆 急性子 性子急 性急 脾气急 急脾气 急于 应急 如有急事 不会出事 别出事 没出什么事
		没出啥事 出事地 死活 累死 笑死 热死 冷死 烦死 忙死 气死 吓死 困死 渴死 死机 死心 死板 死角 死胡同 该死
		死记 死党 死脑筋 不用报警 不报警 报警器 报警电话 没有人报警
		打工 打零工 打短工 打临工 打算 打针 打扫 打扰 打听 打牌 打扑克 打麻将 打水 打饭 打菜 打药 打农药 打点滴
		打吊针 打吊瓶 打疫苗 打预防针 打理 打招呼 打开 打不开 打卡 打车 打的 打球 打字 打印 打包 打粮 打谷 打场
		打麦 打鱼 打草 打柴 打猎 打雷 打呼噜 打盹 打瞌睡 打交道 打发 打量 打消 打气 打折 打官司 打视频 打微信
		打手机 打座机 打12309 打12345 打井 打扮 打太极 打杂 打款 打钱 打过招呼 打完针 打完工 打了针 打过针 打酱油
		打油 打米 打面 打枣 打果 打结 打湿 打滑 打转 打基础 打底 打比方 打气筒 打喷嚏 打嗝 打不通 打通 打过去
		打过来 打过来了 打回 拨打 无精打采 主打 敲打 苏打 不打 打开门 打伞 打赤脚 打通了
		按时喝药 喝中药 天天喝药 每天喝药 一直喝药 坚持喝药 不用喝药 在家喝药 定期喝药 吃药喝药 喝药调理 喝药治疗
		砍柴 砍树 砍草 砍价 捅咕`

	// negators right before a phrase deny it: 没打, 没有着火, 不是急事. A bare 不 or 别 is not
	// among them: 不会自杀吧 is a worry and 别打了 a cry.
	negators = `没 没有 没被 没有被 没挨 未 并未 并没 并没有 不是 不存在 没人 没有人`

	// undeniable phrases begin with a negation of their own or lose nothing by one.
	undeniable = `不想活 活不下去 救命 救救 快不行 会不会出事`
)

// harmlessCall matches 打 as "to phone" with what may stand between: 打了3次电话, 打他手机.
var harmlessCall = regexp.MustCompile(`打(?:了|过|通|不通|完|好?几|[0-9一二两三四五]+|个|次|遍|回|他|她|你|您|我|的|家|家里|老人|村委|儿子|女儿){0,6}(?:电话|手机|座机|视频|微信|语音)`)

var urgency = buildUrgency()

var longestUrgency = longest(urgency)

func buildUrgency() map[string]bool {
	phrases := map[string]bool{}
	for phrase := range strings.FieldsSeq(urgentPhrases) {
		phrases[phrase] = true
	}
	for phrase := range strings.FieldsSeq(harmlessPhrases) {
		phrases[phrase] = false
	}
	return phrases
}

// urgent reports whether a normalised text without our own words in it cries for help.
func urgent(text string) bool {
	text = harmlessCall.ReplaceAllString(text, " ")
	runes := []rune(text)
	for i := 0; i < len(runes); {
		phrase, isUrgent := urgencyAt(runes, i)
		if phrase == "" {
			i++
			continue
		}
		if isUrgent && (!denied(string(runes[:i])) || containsAny(phrase, undeniable)) {
			return true
		}
		i += len([]rune(phrase))
	}
	return false
}

func urgencyAt(runes []rune, at int) (phrase string, isUrgent bool) {
	for n := min(longestUrgency, len(runes)-at); n > 0; n-- {
		candidate := string(runes[at : at+n])
		if isUrgent, ok := urgency[candidate]; ok {
			return candidate, isUrgent
		}
	}
	return "", false
}

func denied(before string) bool {
	for negator := range strings.FieldsSeq(negators) {
		if strings.HasSuffix(before, negator) {
			return true
		}
	}
	return false
}
