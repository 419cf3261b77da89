package notify

import (
	"strings"
	"unicode/utf8"
)

// word is one entry of the status lexicon: what a phrase says of the household.
type word struct {
	digit   byte // '1'..'4', or 0 for a phrase that says nothing but hides a shorter one that would
	weak    bool // 好 alone may also mean "all right, I will"
	decided bool // cannot stand in the note of a reply "1" without contradicting it
	// ownAffair: may be said by somebody who is busy of himself
	ownAffair bool
	length    int // runes
}

// announcers are the characters that may stand right before an answer digit: 回复1, 选1, 情况1.
const announcers = "回复选是报填择为答码况态果"

// The lexicon. The longest phrase at a place wins, so that 没有困难 is not read as 困难 and
// 好久没见到 not as 好.
var statusWords = buildLexicon(map[byte]string{
	'1': `平安 没事 很好 都好 挺好 还好 蛮好 都挺好 都很好 良好 正常 安好 不错 没问题 没有问题 没啥问题
		没困难 没有困难 没啥困难 没什么困难 无困难 不困难 没有事 没啥事 没什么事 没大事 没生病 没有生病 没病
		没有病 好转 好多了 好些了 病好了 都好了 好着呢 好着哩 好的很 好得很 好好的 没发现困难 还行 还可以
		没么事 硬朗 结实 硬实 怪好 老好了 能吃能睡 能吃能喝`,
	'2': `困难 有困难 好困难 有事 生病 病了 病重 加重 住院 不好 不太好 不大好 不怎么好 不平安 有问题 有难处
		难处 缺钱 没钱 没吃的 摔了 摔伤 没人照顾 没人照看 没人照料 没人管 没人做饭 不舒服 卧床 需要帮助
		求助 不正常 有病 得病 好可怜 好不了 犯病 又犯了 犯了病 病又犯 下不来炕 下不了炕 下不了床 下不来床 起不了床
		摔断 断粮 没米 揭不开锅 漏雨 漏水 辍学 失学 交不起 看不起病 身体不行`,
	'3': `没见到 没有见到 未见到 没见着 没见上 没看见 没看到 见不到 见不着 没找到 没找着 找不到 找不着 不在
		不在家 没在家 外出 外出了 出门了 搬走了 联系不上 没人 没人在家 没人接 没人开门 没人应 打不通 电话不通
		有事外出 有事出去 有事不在 没碰上 没碰到 没碰见 没碰着 没遇到 没遇见 没遇上 铁将军把门 锁着门 门锁着`,
	'4': `换人 不负责 不再负责 不归我管 不归我负责 不是我负责 不是我管 我不管 换联系人 发错人 发错了 不干了 换届`,
	0: `好像 好久 好几 好多 好些 好的 好吧 好嘞 好滴 正好 刚好 只好 最好 恰好 好不好 好不容易 幸好 友好 爱好
		做好 好人 好心 好吃 好说 不好说 不好意思 你好 您好 好吗 还好吗 好了吗 你们好 大家好 早上好 上午好
		下午好 晚上好 有事吗 有事没 有没有事 有没有困难 有事做 没事做 没事干 有什么困难 是否平安 平安吗 祝平安 祝你平安 祝您平安 祝大家平安 保平安
		平安村 平安镇 平安路 平安里 平安街 困难户 困难吗 在不在 不在意 不在乎 不换人 别换人 不用换人 好奇
		我有事 我现在有事 我今天有事 现在有事 我没事 没人打 没有人打 没得人打 没人欺负 没有人欺负 没人知道 没人说 有急事 有啥急事 么事
		看好 照顾好 说好 好好休息 好好照顾 不在话下`,
})

// decidedWords are the answers 2 and 3 that leave no room beside a "1".
const decidedWords = `困难 有困难 好困难 生病 病了 病重 加重 住院 不好 不太好 不大好 不怎么好 不平安 有问题
	有难处 缺钱 没钱 没吃的 没人照顾 没人照看 没人照料 没人管 没人做饭 卧床 需要帮助 求助
	没见到 没有见到 未见到 没见着 没见上 没看见 没看到 见不到 见不着 没找到 没找着 找不到 找不着 联系不上
	没碰上 没碰到 没碰见 没遇到 没遇见 断粮 揭不开锅 下不来炕 下不了炕 下不了床 起不了床`

const (
	// intentions say that the visit is still to come, or what was only heard: then words alone
	// are no answer.
	intentions = `明天去 后天去 马上去 这就去 等会去 回头去 下午去 晚上去 上午去 待会去 抽空去 我去看 去看看 还没去 没去
		没来得及 过两天 过几天 尽快 应该 可能 好像 大概 估计 听说 据说 说是 不知道 不清楚 不好说`
	acknowledgements = `收到 知道了 明白 了解 没问题的`
	// ownAffairs are said by a busy person of himself as well: 有事,稍后联系.
	ownAffairs = `有事 不在 不在家 外出 外出了 出门了 有事外出 有事出去 有事不在 没人接 打不通 电话不通`
	// denials right before a status word take it back: 没住院, 不缺钱, 不是很好.
	denials = `不 没 未 没有 不是 不太 不算 不怎么 没什么 没啥 并没 没得 莫得 么得 冇 冇得 木 木有 木得 莫 甭`
	// together says that several codes before one answer share it.
	together = `都全均`
)

// measures follow a number that counts something: 2组, 3天, 1个. Such a number answers nothing.
const measures = "组个天月日号点时分秒年岁周位人次家户口楼层单队社村级元块万千百十斤亩两回遍小半多几间只头顿瓶片针袋幢栋室排路里米公床科班期届套张型级度"

var longestStatus = longest(statusWords)

func buildLexicon(lists map[byte]string) map[string]word {
	decided, own := phraseSet(decidedWords), phraseSet(ownAffairs)
	lexicon := map[string]word{"好": {digit: '1', weak: true, length: 1}}
	for digit, list := range lists {
		for phrase := range strings.FieldsSeq(list) {
			lexicon[phrase] = word{
				digit: digit, decided: decided[phrase], ownAffair: own[phrase], length: utf8.RuneCountInString(phrase),
			}
		}
	}
	addDialect(lexicon, decided)
	return lexicon
}

func phraseSet(phrases string) map[string]bool {
	set := map[string]bool{}
	for phrase := range strings.FieldsSeq(phrases) {
		set[phrase] = true
	}
	return set
}

func longest[V any](phrases map[string]V) int {
	most := 0
	for phrase := range phrases {
		most = max(most, utf8.RuneCountInString(phrase))
	}
	return most
}

// statusAt is the longest phrase of the lexicon that begins at runes[at]; its length is 0 when
// there is none.
func statusAt(runes []rune, at int) word {
	for n := min(longestStatus, len(runes)-at); n > 0; n-- {
		if found, ok := statusWords[string(runes[at:at+n])]; ok {
			return found
		}
	}
	return word{}
}

func containsAny(text, phrases string) bool {
	for phrase := range strings.FieldsSeq(phrases) {
		if strings.Contains(text, phrase) {
			return true
		}
	}
	return false
}
