package notify

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// replyPieces build texts that look enough like replies to reach every branch.
var replyPieces = []string{
	"K7Q2M", "P4X9T", "k7q2m", "K7Q2N", "K7", "Q2M", "1", "2", "3", "4", "5", "12", "①", "一", "二", "１", " ", "　",
	",", "。", "、", "\n", "平安", "好", "都", "没", "没见到", "困难", "不", "急", "打", "电话", "工", "死", "TD", "恢复", "组", "月",
	"【沂源县检察院】", "核实拨12309", "回复K7Q2M 1平安 2有困难 3没见到", "😀", "\u200b", "\u0307", "é", "?", "\xff", "沒", "听说",
}

func replyText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.String(),
		rapid.Map(rapid.SliceOfN(rapid.SampledFrom(replyPieces), 0, 12), func(p []string) string { return strings.Join(p, "") }),
	)
}

// requireSound holds for whatever was received.
func requireSound(t require.TestingT, text string) {
	normalized := Normalize(text)
	require.Equal(t, normalized, Normalize(normalized), "%q", text)
	reply := Read(text)
	codes := map[string]bool{}
	for _, a := range reply.Answers {
		require.True(t, a.Code == "" || ValidCode(a.Code), "%q", text)
		require.Contains(t, []string{"1", "2", "3", "4"}, a.Digit, "%q", text)
		require.False(t, codes[a.Code], "%q answers %s twice", text, a.Code)
		codes[a.Code] = true
	}
	require.Contains(t, []string{"", MarkStop, MarkStart, MarkUrgent, MarkAutomatic, MarkEcho}, reply.Mark)
	require.False(t, slices.ContainsFunc(reply.Misspelt, func(a Answer) bool { return ValidCode(a.Code) }), "%q", text)
	if reply.Mark != "" && reply.Mark != MarkUrgent {
		require.Empty(t, reply.Answers, "%q", text)
	}
}

func TestReadIsSoundForAnyText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) { requireSound(rt, replyText().Draw(rt, "text")) })
}

func FuzzRead(f *testing.F) {
	for _, row := range readCorpus(f) {
		f.Add(row.text)
	}
	for _, piece := range replyPieces {
		f.Add(piece)
	}
	f.Fuzz(func(t *testing.T, text string) { requireSound(t, text) })
}

func TestReadFindsTheCodeHoweverItIsTyped(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		code := MintCode(rapid.Uint64().Draw(rt, "n"))
		digit := rapid.SampledFrom([]string{"1", "2", "3", "4"}).Draw(rt, "digit")
		gap := rapid.SampledFrom([]string{"", " ", "  ", ",", "，", "：", "、", "-", "\n", "　"}).Draw(rt, "gap")
		text := code + gap + digit
		if rapid.Bool().Draw(rt, "digit first") {
			text = digit + gap + code
		}
		if rapid.Bool().Draw(rt, "lower case") {
			text = strings.ToLower(text)
		}
		require.Equal(rt, []Answer{{Code: code, Digit: digit}}, Read(text).Answers, "%q", text)
	})
}

func TestReadNeverTakesAMisspeltCodeForAnother(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		code := MintCode(rapid.Uint64().Draw(rt, "n"))
		at := rapid.IntRange(0, 4).Draw(rt, "at")
		symbol := rapid.SampledFrom([]rune(codeAlphabet)).Draw(rt, "symbol")
		typed := code[:at] + string(symbol) + code[at+1:]
		if typed == code || !looksLikeCode(typed) {
			return
		}
		reply := Read(typed + " 1")
		require.Empty(rt, reply.Answers)
		require.NotEmpty(rt, reply.Misspelt)
	})
}

func TestReadKeepsTheNote(t *testing.T) {
	t.Parallel()
	for text, note := range map[string]string{
		"K7Q2M 1平安,就是腿疼":       "平安,就是腿疼",
		"K7Q2M 2":              "",
		"2 K7Q2M 缺过冬的煤。":       "缺过冬的煤",
		"K7Q2M 1 11月24日去的":     "11月24日去的",
		"【沂源县检察院】回执 K7Q2M 1 好": "回执 好",
		"今天下雨":                 "今天下雨",
	} {
		require.Equal(t, note, Read(text).Note, text)
	}
}

func TestReadLeavesOurOwnWordsAside(t *testing.T) {
	t.Parallel()
	book := NewPhrasebook("沂源县检察院")
	for key, facts := range ordinaryFacts {
		text, _, err := book.Render(key, facts)
		require.NoError(t, err)
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			reply := Read(text)
			require.Empty(t, reply.Answers)
			require.Equal(t, MarkEcho, reply.Mark)
			require.Empty(t, reply.Note)
			require.False(t, reply.Unclear)
			require.Empty(t, reply.Misspelt)
			require.Equal(t, "3", Read("3 " + text).Answers[0].Digit)
		})
	}
}

func TestPhrasebookReadSaysWhatNeedsAPerson(t *testing.T) {
	t.Parallel()
	book := NewPhrasebook("")
	for text, want := range map[string]string{
		"K7Q2M 1": "", "K7Q2N 1": MarkUnclear, "K7Q2M 5": MarkUnclear, "K7Q2N 1 救命": MarkUrgent, "退订": MarkStop, "恢复": MarkStart,
	} {
		_, _, mark, _ := book.Read(text)
		require.Equal(t, want, mark, text)
	}
	answers, _, mark, note := book.Read("K7Q2M 1 P4X9T 2 没煤了")
	require.Equal(t, [][2]string{{"K7Q2M", "1"}, {"P4X9T", "2"}}, answers)
	require.Empty(t, mark)
	require.Equal(t, "没煤了", note)
}

func TestReadNamesTheMisspeltCodeBesideTheClearOne(t *testing.T) {
	t.Parallel()
	reply := Read("K7Q2M 1 K7Q2N 2")
	require.Equal(t, []Answer{{Code: "K7Q2M", Digit: "1"}}, reply.Answers)
	require.Equal(t, []Answer{{Code: "K7Q2N", Digit: "2"}}, reply.Misspelt)

	book := NewPhrasebook("")
	answers, misspelt, mark, _ := book.Read("k7q2m 1 k7q2n 2")
	require.Equal(t, [][2]string{{"K7Q2M", "1"}}, answers)
	require.Equal(t, MarkUnclear, mark)
	require.Equal(t, []string{"K7Q2N"}, misspelt)
	require.Equal(t, []string{"K7Q2M"}, book.SuggestCodes("K7Q2N", []string{"P4X9T", "K7Q2M"}))
}

func TestReadTakesNoAnswerFromAMachine(t *testing.T) {
	t.Parallel()
	book := NewPhrasebook("")
	for _, row := range readCorpus(t) {
		if row.mark != MarkAutomatic && row.mark != MarkEcho {
			continue
		}
		answers, _, mark, _ := book.Read(row.text)
		require.Equal(t, row.mark, mark, row.text)
		require.Empty(t, answers, row.text)
	}
}

func TestReadHearsUrgentWordsInAnotherClauseThanTheNegation(t *testing.T) {
	t.Parallel()
	for _, calm := range []string{"没啥急事", "不急", "没出事", "没得困难", "莫得事", "没有", "没人"} {
		for _, cry := range []string{"着火了", "老人不见了", "孩子丢了", "他跳了河", "煤气中毒了", "有人要害她", "怕是不行了", "摔倒了起不来"} {
			for _, between := range []string{",", "\uFF0C", "\u3002", " ", "\n", ",但是"} {
				require.Equal(t, MarkUrgent, Read(calm+between+cry).Mark, "%q", calm+between+cry)
				require.Equal(t, MarkUrgent, Read(cry+between+calm).Mark, "%q", cry+between+calm)
			}
		}
		require.Empty(t, Read(calm).Mark, calm)
	}
}

func TestReadStopsOnlyWhenNothingElseIsSaid(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"T D", "TD谢谢", "TD 别发了", "停", "停止", "别发了", "不要再发了", "停发", "取消", "请退订,谢谢!"} {
		require.Equal(t, Reply{Mark: MarkStop}, Read(text), text)
	}
	for _, text := range []string{"他家的医保退订了怎么办", "低保停发了", "停电了", "电停了", "取消手术了", "身体恢复了", "T1", "别发火"} {
		require.Empty(t, Read(text).Mark, text)
	}
}

func TestIsShortCode(t *testing.T) {
	t.Parallel()
	for _, number := range []string{"", "10086", "12309", "+10010", "110", "AFTERCARE", "123-456"} {
		require.True(t, IsShortCode(number), number)
	}
	// Put together here so that no file holds a run of digits like a number of somebody's.
	for _, number := range []string{"+86154" + "00000001", "0533-" + "0000000", "+1555" + "0100", "1069" + "0000"} {
		require.False(t, IsShortCode(number), number)
	}
}

func TestReadCarriesWhatIsClearBesideWhatIsNot(t *testing.T) {
	t.Parallel()
	book := NewPhrasebook("沂源县检察院")
	answers, misspelt, mark, _ := book.Read("K7Q2M 1 K7Q2N 2")
	require.Equal(t, [][2]string{{"K7Q2M", "1"}}, answers)
	require.Equal(t, []string{"K7Q2N"}, misspelt)
	require.Equal(t, MarkUnclear, mark)
	answers, _, _, _ = book.Read("K7Q2M 1 P4X9T")
	require.Equal(t, [][2]string{{"K7Q2M", "1"}, {"P4X9T", ""}}, answers)
}
