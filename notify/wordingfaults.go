package notify

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// fault is one reason why a wording cannot be saved, with the field it stands in. It repeats
// placeholders' names and words of our own lists, nothing else of the text.
type fault struct{ Field, English, Chinese string }

// maxSegments bounds what one text may cost at its longest; carriers take eight.
const maxSegments = 3

var languagePattern = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z]{2,8})?$`)

// faults are all reasons why a wording cannot be saved.
func (w Wording) faults() (found []fault) {
	report := func(field, english, chinese string) { found = append(found, fault{field, english, chinese}) }
	if w.Key == "" || w.Version < 1 {
		report("key", "needs a key and a version from 1", "缺少代号或版本")
	}
	if w.Language != "" && !languagePattern.MatchString(w.Language) {
		report("language", "is no language tag, such as zh", "不是语言代号\uff0c如 zh")
	}
	if !strings.HasPrefix(w.Text, "\u3010{office}\u3011") {
		report("text", "does not begin with the signature \u3010{office}\u3011", "须以签名 \u3010{office}\u3011 开头")
	}
	if strings.Contains(w.Text, "请") && !strings.Contains(w.Text, "12309") && !strings.Contains(w.Text, "经办人") {
		report("text", "asks somebody to act and names neither 12309 nor the officer", "请人办事\uff0c须写明 12309 或经办人以便核实")
	}
	found = append(found, w.placeholderFaults()...)
	bare := placeholderPattern.ReplaceAllString(w.Text, "、")
	for _, p := range append(Check(bare), outsideAlias(bare)...) {
		report("text", "contains "+p.String(), "含有不得发送的内容\uff1a"+p.chinese())
	}
	if most := w.MostSegments(); most > maxSegments {
		report("text", fmt.Sprintf("takes %d segments at its longest: at most %d", most, maxSegments), fmt.Sprintf("最长时要分 %d 条发送\uff0c至多 %d 条", most, maxSegments))
	}
	return found
}

func (w Wording) placeholderFaults() (found []fault) {
	report := func(field, english, chinese string) { found = append(found, fault{field, english, chinese}) }
	declared := map[string]bool{}
	for i, p := range w.Placeholders {
		at := fmt.Sprintf("placeholders[%d].", i)
		if declared[p.Name] {
			report(at+"name", "placeholder "+p.Name+" is doubled", "占位符 "+p.Name+" 重复")
		}
		declared[p.Name] = true
		if p.Max < 1 {
			report(at+"max", "placeholder "+p.Name+" has no bound", "占位符 "+p.Name+" 没有长度上限")
		}
		if !slices.Contains(contents, p.Holds) {
			report(at+"holds", "placeholder "+p.Name+" has an unknown content", "占位符 "+p.Name+" 的内容类型不明")
		}
		if (p.Holds == "choice") != (len(p.Choices) > 0) {
			report(at+"choices", "placeholder "+p.Name+" has choices and is none, or is one and has none", "占位符 "+p.Name+" 的选项与类型不符")
		}
		if slices.ContainsFunc(p.Choices, p.cannotSend) {
			report(at+"choices", "placeholder "+p.Name+" has a choice that cannot be sent", "占位符 "+p.Name+" 有不能发送的选项")
		}
		if !strings.Contains(w.Text, "{"+p.Name+"}") {
			report(at+"name", "placeholder "+p.Name+" is not used", "文本中没有占位符 "+p.Name)
		}
	}
	for _, name := range placeholderPattern.FindAllStringSubmatch(w.Text, -1) {
		if !declared[name[1]] {
			declared[name[1]] = true
			report("text", "placeholder "+name[1]+" is not declared", "占位符 "+name[1]+" 没有声明")
		}
	}
	return found
}

// cannotSend: a choice that is too long or unsafe would only be refused when it is sent.
func (p Placeholder) cannotSend(choice string) bool {
	return utf8.RuneCountInString(choice) > p.Max || strings.TrimSpace(choice) == "" || strings.ContainsFunc(choice, unprintable) || len(Check(choice)) > 0
}

// faultsBeside are the reasons why a wording cannot take the place of the one that came with the
// program: what is filled in is known there, and may be as long as it says. The task code a text
// is answered by may not be left out.
func (w Wording) faultsBeside(shipped Wording) (found []fault) {
	for i, p := range w.Placeholders {
		at := fmt.Sprintf("placeholders[%d].", i)
		place := slices.IndexFunc(shipped.Placeholders, func(s Placeholder) bool { return s.Name == p.Name })
		if place < 0 {
			found = append(found, fault{at + "name", "placeholder " + p.Name + " is not known to this wording", "本文本没有可填入占位符 " + p.Name + " 的内容"})
			continue
		}
		known := shipped.Placeholders[place]
		if p.Holds != known.Holds {
			found = append(found, fault{at + "holds", "placeholder " + p.Name + " holds another content", "占位符 " + p.Name + " 的内容类型不符"})
		}
		if p.Max < known.Max {
			found = append(found, fault{at + "max", fmt.Sprintf("placeholder %s is filled with up to %d characters", p.Name, known.Max), fmt.Sprintf("占位符 %s 最长可达 %d 个字", p.Name, known.Max)})
		}
		if slices.ContainsFunc(known.Choices, func(c string) bool { return !slices.Contains(p.Choices, c) }) {
			found = append(found, fault{at + "choices", "placeholder " + p.Name + " lacks a choice that is filled in", "占位符 " + p.Name + " 缺少会用到的选项"})
		}
	}
	for _, s := range shipped.Placeholders {
		if (s.Holds == "code" || s.Holds == "codes") && !strings.Contains(w.Text, "{"+s.Name+"}") {
			found = append(found, fault{"text", "placeholder " + s.Name + " is left out: without the code nobody can answer", "缺少占位符 " + s.Name + "\uff1a没有任务码就无法回复"})
		}
	}
	return found
}

// MostSegments counts the segments of a wording with the longest value in every place. A name
// counts as common characters, one code unit each.
func (w Wording) MostSegments() int {
	longest := map[string]string{}
	for _, p := range w.Placeholders {
		longest[p.Name] = p.longest()
	}
	return Segments(w.write(longest, ""))
}

func (p Placeholder) longest() string {
	if len(p.Choices) == 0 {
		return strings.Repeat(map[bool]string{true: "9", false: "国"}[p.Holds == "code" || p.Holds == "number"], max(p.Max, 0))
	}
	return slices.MaxFunc(p.Choices, func(a, b string) int { return utf8.RuneCountInString(a) - utf8.RuneCountInString(b) })
}

// chinese is String for readers of Chinese.
func (p Problem) chinese() string {
	sentence := map[string]string{
		"forbidden_word": "不得发送的词",
		"amount":         "金额",
		"id_number":      "疑似身份证号",
		"phone":          "疑似电话或账号",
		"link":           "链接或网址",
		"address":        "村以下的地址",
		"full_name":      "被救助人全名",
	}[p.Rule]
	if p.Word == "" {
		return sentence
	}
	return sentence + " " + p.Word
}
