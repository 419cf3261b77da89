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
		家暴 强奸 性侵 绑架 杀人 要杀 砍 捅 威胁 恐吓 打110 打120 打119 叫120 报110 救护车 去世 过世 人没了
		中毒 煤气中毒 一氧化碳中毒 食物中毒 农药中毒 头破血流 血止不住 流了很多血 流血不停 叫救护车 放火 纵火 砸门 拿着刀 提刀 人不在了
		流血不止 血流不止 止不住血 流了好多血 喷血 救我 救她 救他 快救 救人 没气了 没气儿了 断气 没呼吸 没有呼吸
		没心跳 没有心跳 叫不醒 喊不醒 叫不应 没反应了 喘不上气 喘不过气 不省人事 口吐白沫 抽搐 快来人 来人啊 能不急
		不吃不喝 绝食 想不开 活够了 不活了 遗书 安眠药 老鼠药 百草枯 敌敌畏 溺水 落水 触电 割脉 割手腕 车祸 被车撞
		着了火 房子塌 爆炸 被拐 拐走 猥亵 糟蹋 挨打 被打 被打的 挨揍 被揍 殴打 虐待 拿刀 持刀 动刀 报复
		要害我 要害他 要害她 要害人 害命 谋害 SOS 🆘`

	harmlessPhrases = `不急 不着急 别急 别着急 不用急 不用着急 莫急 勿急 甭急 不太急 不是很急 不怎么急 不算急 不很急
		没什么着急 没啥着急 没什么可急 没啥可急 没着急 没有着急 着急上火 急上火 火急火燎 急着回 急着做 急着去 急着上 急着干 急着走 急着出门 急事没有 急事没得
		有急事再 有急事我再 有急事会 有急事我会 不紧急 急什么 急忙 急匆匆 急性子 性子急 性急 脾气急 急脾气 急于 应急 如有急事 不会出事 别出事 没出什么事
		没出啥事 出事地 死活 累死 笑死 热死 冷死 烦死 忙死 气死 吓死 困死 渴死 死机 死心 死板 死角 死胡同 该死
		死记 死党 死脑筋 不用报警 不报警 报警器 报警电话 没有人报警
		打工 打零工 打短工 打临工 打算 打针 打扫 打扰 打听 打牌 打扑克 打麻将 打水 打饭 打菜 打药 打农药 打点滴
		打吊针 打吊瓶 打疫苗 打预防针 打理 打招呼 打开 打不开 打卡 打车 打的来 打的去 打的回 打的过来 打球 打字 打印 打包 打粮 打谷 打场
		打麦 打鱼 打草 打柴 打猎 打雷 打呼噜 打盹 打瞌睡 打交道 打发 打量 打消 打气 打折 打官司 打视频 打微信
		打手机 打座机 打错 打12309 打12345 打井 打扮 打太极 打杂 打款 打钱 打过招呼 打完针 打完工 打了针 打过针 打酱油
		打油 打米 打面 打枣 打果 打结 打湿 打滑 打转 打基础 打底 打比方 打气筒 打喷嚏 打嗝 打不通 打通 打过去
		打过来 打过来了 打回 打栗子 打核桃 打苹果 打山楂 打花椒 打玉米 打棒子 打花生 打胰岛素 打营养针 打流感 打石膏 打鸣 被打扰 被打断
		拨打 无精打采 主打 敲打 苏打 不打 打开门 打伞 打赤脚 打通了
		按时喝药 喝中药 天天喝药 每天喝药 一直喝药 坚持喝药 不用喝药 在家喝药 定期喝药 吃药喝药 喝药调理 喝药治疗
		防中毒 防煤气中毒 防止煤气中毒 预防煤气中毒 预防中毒 防一氧化碳中毒 预防一氧化碳中毒
		煤气罐没气了 煤气没气了 气罐没气了 液化气没气了 天然气没气了 罐没气了 车胎没气了 轮胎没气了 胎没气了
		愁死 高兴死 鸡死 鸭死 猪死 羊死 牛死 狗死 猫死 树死 苗死 死得早
		砍柴 砍树 砍草 砍价 捅咕`

	// negators right before a phrase deny it: 没打, 没有着火, 不是急事. A bare 不 or 别 is not
	// among them: 不会自杀吧 is a worry and 别打了 a cry.
	negators = `没 没有 没被 没有被 没挨 未 并未 并没 并没有 不是 不存在 没人 没有人
		没啥 没啥子 没什么 没有什么 没有啥 没得 没得啥 莫得 莫得啥 么得 冇 冇得 木有 不是啥 不是什么 并无 无 没发生 没有发生 没得人 莫得人 冇人`

	// undeniable phrases begin with a negation of their own or lose nothing by one.
	undeniable = `不想活 活不下去 救命 救救 快不行 会不会出事`

	persons = `(?:孩子|娃娃?|娃儿|小孩|闺女|女儿|儿子|孙子|孙女|丫头|妮子|老人家?|老太太?|老头子?|老汉|老伴|老[\p{Han}]{1,2}|大娘|大爷` +
		`|奶奶|爷爷|爸|妈|爹|娘|媳妇|人|他|她)(?:也|都|又|就|真|已经|突然|昨晚|今早|可能|恐怕|怕是|怕|快要|快|要){0,2}`
)

// cries are said in too many ways for a list.
var cries = regexp.MustCompile(persons + `(?:(?:给|弄|跑)*丢了(?:$|[^\p{Han}]|[啊呀找快没已]|[一两二三几好半]+[天夜晚个])|不见了|没了(?:$|[^\p{Han}])|没影了|不见人影|不行了)` +
	`|(?:孩子|娃|小孩|闺女|孙子|孙女)(?:找不到|找不着|寻不着)了?|(?:恐怕|怕是|怕|快要|眼看|马上|^)不行了` +
	`|(?:摔|跌|倒|躺在?地).{0,8}(?:起不来|不能动|动不了|站不起)` +
	`|(?:跳|掉|跌|投|推)(?:了|进|下|到|入)*(?:河|楼|井|水库|水|塘|崖|江|湖|桥|机井)(?:里|下)?` +
	`|[0-9两二三四五六七几好多]+天(?:都|就|也)?(?:没|不)(?:吃(?:饭|东西|喝|了|$|[^\p{Han}])|喝(?:水|$)|进食)`)

// noCries look like them and are none: things wear out too, and a fall may be denied.
var noCries = regexp.MustCompile(`(?:手机|电视|身体|眼睛|腿脚?|耳朵|车)(?:也|都)?不行了|[没未]有?(?:跳|掉|跌|投|摔)`)

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

// urgent reports whether a normalised text without our own words in it cries for help. A phrase
// may have blanks in it (着 火); a denial may not: in 没有 着火了 the first word answers something
// else.
func urgent(text string) bool {
	joined := string(joinHan([]rune(text)))
	for _, t := range []string{joined, text} {
		if cries.MatchString(noCries.ReplaceAllString(t, ",")) {
			return true
		}
	}
	runes := []rune(harmlessCall.ReplaceAllString(joined, " "))
	for i := 0; i < len(runes); {
		phrase, isUrgent := urgencyAt(runes, i)
		if phrase == "" {
			i++
			continue
		}
		if isUrgent && (!denied(string(runes[:i]), phrase, text) || containsAny(phrase, undeniable)) {
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

// denied: a negator stands right before the phrase, in the text as it was typed too.
func denied(before, phrase, typed string) bool {
	for negator := range strings.FieldsSeq(negators) {
		if strings.HasSuffix(before, negator) && strings.Contains(typed, negator+phrase) {
			return true
		}
	}
	return false
}
