package notify

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	// Put together here so that no file holds a run of digits like a number of somebody's.
	id17 := "990323" + "2001" + "0101" + "001"
	for text, rule := range map[string]string{
		"司法救助": "forbidden_word", "领取救助金": "forbidden_word", "被害人": "forbidden_word", "受 害 人": "forbidden_word",
		"案\u200b件": "forbidden_word", "盗窃罪": "forbidden_word", "殘疾": "forbidden_word", "低保户": "forbidden_word",
		"銀行": "forbidden_word", "轉賬": "forbidden_word", "转帐": "forbidden_word", "账户": "forbidden_word", "匯款": "forbidden_word",
		"卡號": "forbidden_word", "南麻小学": "forbidden_word",
		"3000元": "amount", "３０００ 元": "amount", "¥300": "amount", "￥300": "amount", "三千元": "amount", "1.5万": "amount", "2百块钱": "amount",
		id17 + "X": "id_number", id17 + "1": "id_number", id17[:15]: "id_number",
		"15400000001": "phone", "154-0000-0001": "phone", "１５４ ００００ ０００１": "phone", "0533-0000000": "phone", "0000001": "phone",
		"http://a.cn": "link", "www.abc": "link", "见abc.com": "link", "abc．ＣＯＭ": "link", "a点com": "link", "x.gov.cn": "link",
		"3号楼": "address", "2单元": "address", "501室": "address", "胜利路12号": "address", "门牌": "address",
		"王家胡同5号": "address", "三里弄8弄": "address", "柳巷3号": "address", "阳光小区7": "address", "A栋": "address",
		"三栋": "address", "二室": "address", "2组12号": "address", "石桥村里８号": "address",
	} {
		problems := Check(text)
		require.NotEmpty(t, problems, text)
		rules := make([]string, len(problems))
		for i, p := range problems {
			rules[i] = p.Rule
			require.NotEmpty(t, p.String())
			if p.Rule != "forbidden_word" {
				require.NotContains(t, p.String(), text)
			}
		}
		require.Contains(t, rules, rule, text)
	}
}

func TestCheckAccepts(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "请核实拨12309", "11月24日前", "2026-11-24", "任务K7Q2M、P4X9T", "回复K7Q2M 1平安 2有困难 3没见到", "2组老王家", "24小时内", "南麻街道",
	} {
		require.Empty(t, Check(text), text)
	}
}

func TestCheckAllowsWhatItIsToldTo(t *testing.T) {
	t.Parallel()
	require.Empty(t, Check("银行路街道", "银行路"))
	require.NotEmpty(t, Check("银行路的银行", "银行路"))
	require.Empty(t, Check("低银行路保", "银行路"), "taking a word out must not join its neighbours")
}

func TestCheckAlias(t *testing.T) {
	t.Parallel()
	require.NoError(t, CheckAlias("2组老王家", "王某某"))
	require.NoError(t, CheckAlias("胡同口老王家", "王某某"))
	for name, c := range map[string]struct{ alias, fullName string }{
		"Empty": {" ", "王某某"}, "TooLong": {strings.Repeat("王", 9), "李某"}, "HoldsTheName": {"王某某家", "王某某"},
		"NoNameToCheck": {"老王家", ""}, "HoldsAForbiddenWord": {"残疾老王", "李某"}, "HoldsAnAlleyNumber": {"胡同5号老王", "李某"}, "HoldsABrace": {"{code}", "李某"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := CheckAlias(c.alias, c.fullName)
			var fact *FactError
			require.ErrorAs(t, err, &fact)
			require.NotContains(t, err.Error(), "王")
		})
	}
}
