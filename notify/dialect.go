package notify

import "strings"

// How 没有 is said from Shandong to Sichuan and Guangdong. The village speaks as it likes, so
// what follows may be any of the words it is asked about.
const (
	dialectHaveNot = `没 没有 没得 莫得 莫 冇 冇得 冇有 木 木有 木得 么得`
	dialectDidNot  = `莫 冇 冇得 木 木有 么`
	dialectAny     = `啥 啥子 什么 什么大 甚 么 么子 乜 咩 多大 大 任何 啥大`
)

var dialectEndings = []struct {
	digit             byte
	negators, endings string
	fillers           string
}{
	{'1', dialectHaveNot, `困难 事 问题 难处 毛病 病`, dialectAny},
	{'2', dialectHaveNot, `钱 吃的 人照顾 人照看 人照料 人管 人做饭`, ``},
	{'3', dialectHaveNot, `人 人在 人在家 人接 人开门 人应`, ``},
	{'3', dialectDidNot, `见到 见着 见上 看见 看到 找到 找着`, ``},
}

// addDialect adds what the written lists do not say already, so that a word hidden there on
// purpose stays hidden.
func addDialect(lexicon map[string]word, decided map[string]bool) {
	for _, e := range dialectEndings {
		for negator := range strings.FieldsSeq(e.negators) {
			for ending := range strings.FieldsSeq(e.endings) {
				for _, filler := range append(strings.Fields(e.fillers), "") {
					phrase := negator + filler + ending
					if _, known := lexicon[phrase]; !known {
						standard := "没" + ending
						lexicon[phrase] = word{digit: e.digit, decided: decided[standard], length: len([]rune(phrase))}
					}
				}
			}
		}
	}
}
