package notify

import (
	"regexp"
	"strings"
)

// Problem says why a text must not be sent. It never repeats a number, a name or an address;
// Word is filled only from our own list of forbidden words.
type Problem struct {
	// Rule is one of forbidden_word, amount, id_number, phone, link, address, full_name.
	Rule string
	Word string
}

// String is a sentence that is safe to show and to log.
func (p Problem) String() string {
	sentence := map[string]string{
		"forbidden_word": "a word that must not be sent",
		"amount":         "an amount of money",
		"id_number":      "a run of digits like an ID number",
		"phone":          "a run of digits like a phone or account number",
		"link":           "a link or a domain name",
		"address":        "an address below the village",
		"full_name":      "the recipient's full name",
	}[p.Rule]
	if p.Word == "" {
		return sentence
	}
	return sentence + ": " + p.Word
}

// forbiddenWords tell of the aid, the case or the person's state, ask for what a fraud would ask
// for, or point at a child. In simplified writing: Check reads traditional texts as such.
const forbiddenWords = `司法救助 救助金 救助 被害 受害 案件 案由 犯罪 罪 残疾 低保 银行 转账 账户 账号 汇款 卡号 打款
	密码 验证码 保证金 手续费 学校 小学 中学 幼儿园`

var privacyRules = []struct {
	rule    string
	pattern *regexp.Regexp
}{
	{"amount", regexp.MustCompile(`[¥￥$€]|(?:[0-9][0-9,.]*|[一二三四五六七八九十百千万两]+) ?(?:万|千|百)?(?:元|块钱|万)|[0-9] ?(?:RMB|CNY)|人民币`)},
	{"link", regexp.MustCompile(`HTTPS?:|WWW[.。]|[0-9A-Z-]+ ?[.。点] ?(?:COM|CN|NET|ORG|GOV|INFO|TOP|XYZ|VIP|CC|IO|APP|CO|SITE|LINK|SHOP|CLICK|ME|TK|LY)|[0-9A-Z-]+\.[A-Z]{2,}`)},
	{"address", regexp.MustCompile(`号楼|号院|单元|[0-9] ?室|门牌|(?:胡同|小区|公寓) ?[0-9A-Z一二三四五六七八九十]+|[路街巷弄里坊道村庄组队社] ?[0-9一二三四五六七八九十]+ ?号|[0-9A-Z一二三四五六七八九十甲乙丙丁] ?[栋幢]|[0-9一二三四五六七八九十]+ ?[弄室]`)},
}

// belowVillage is what a village is divided into. Only an agreed household alias may name it
// (2组老王家, 胡同口老王家), so Check lets it pass and Render looks for it beside the alias. 3社区 is
// a village.
var belowVillage = regexp.MustCompile(`胡同|小区|公寓|[0-9一二三四五六七八九十]+ ?(?:村民)?小?(?:组|队|社(?:[^区]|$))|生产队`)

// outsideAlias finds an address in a text from which the household aliases have been taken.
func outsideAlias(text string) []Problem {
	if belowVillage.MatchString(Normalize(text)) {
		return []Problem{{Rule: "address"}}
	}
	return nil
}

var (
	digitRuns = regexp.MustCompile(`[0-9](?:[ .()-]{0,2}[0-9])*(?:[ -]?X)?`)
	isoDates  = regexp.MustCompile(`20[0-9]{2}[-.][0-9]{1,2}[-.][0-9]{1,2}`)
	notDigits = regexp.MustCompile(`[^0-9X]`)
)

// Check lists what must not stand in a text that leaves the house: words that tell of aid, case
// or disability, bank words, amounts, ID and phone numbers, links, addresses below the village.
// Full width, traditional writing, blanks and punctuation inside do not hide them. Each allow is
// a string that may stand although a rule would catch it. An empty list means the text is safe.
func Check(text string, allow ...string) []Problem {
	normalized := Normalize(text)
	for _, a := range allow {
		if a = Normalize(a); a != "" {
			normalized = strings.ReplaceAll(normalized, a, "\n")
		}
	}
	var problems []Problem
	squeezed := squeezeBetween(normalized)
	for word := range strings.FieldsSeq(forbiddenWords) {
		if strings.Contains(squeezed, word) && !covered(problems, word) {
			problems = append(problems, Problem{Rule: "forbidden_word", Word: word})
		}
	}
	for _, r := range privacyRules {
		if r.pattern.MatchString(normalized) {
			problems = append(problems, Problem{Rule: r.rule})
		}
	}
	if rule := worstDigits(normalized); rule != "" {
		problems = append(problems, Problem{Rule: rule})
	}
	return problems
}

// CheckAlias says why a household alias cannot stand in a text: empty, over 8 characters, with
// the full name or anything else Check refuses in it. fullName must be given.
func CheckAlias(alias, fullName string) error {
	switch length := len([]rune(strings.TrimSpace(alias))); {
	case length == 0:
		return &FactError{Name: "alias", Reason: "is missing"}
	case length > aliasMax:
		return &FactError{Name: "alias", Reason: "is longer than 8 characters"}
	case strings.TrimSpace(fullName) == "":
		return &FactError{Name: "full_name", Reason: "is missing"}
	case carriesName(alias, fullName):
		return &FactError{Name: "alias", Reason: "contains the full name"}
	case strings.ContainsFunc(alias, unprintable):
		return &FactError{Name: "alias", Reason: "contains a character that cannot be sent"}
	}
	if problems := Check(alias); len(problems) > 0 {
		return &FactError{Name: "alias", Reason: "contains " + problems[0].String()}
	}
	return nil
}

const aliasMax = 8

func carriesName(text, fullName string) bool {
	name := squeeze(Normalize(fullName))
	return name != "" && strings.Contains(squeeze(Normalize(text)), name)
}

// squeezeBetween squeezes each stretch between allowed strings on its own, so that taking one
// out does not join its neighbours to a word.
func squeezeBetween(text string) string {
	pieces := strings.Split(text, "\n")
	for i, piece := range pieces {
		pieces[i] = squeeze(piece)
	}
	return strings.Join(pieces, "\n")
}

// covered: 救助金 has been reported, so 救助 adds nothing.
func covered(problems []Problem, word string) bool {
	for _, p := range problems {
		if strings.Contains(p.Word, word) {
			return true
		}
	}
	return false
}

func worstDigits(text string) (rule string) {
	text = isoDates.ReplaceAllString(text, "\n")
	for _, run := range digitRuns.FindAllString(text, -1) {
		switch length := len(notDigits.ReplaceAllString(run, "")); {
		case length == 15, length >= 17:
			return "id_number"
		case length >= 7:
			rule = "phone"
		}
	}
	return rule
}
