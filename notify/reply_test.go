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
	require.Contains(t, []string{"", MarkStop, MarkStart, MarkUrgent}, reply.Mark)
	require.False(t, slices.ContainsFunc(reply.Misspelt, ValidCode), "%q", text)
	if reply.Mark == MarkStop || reply.Mark == MarkStart {
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
			require.Empty(t, reply.Mark)
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
		_, mark, _ := book.Read(text)
		require.Equal(t, want, mark, text)
	}
	answers, mark, note := book.Read("K7Q2M 1 P4X9T 2 没煤了")
	require.Equal(t, [][2]string{{"K7Q2M", "1"}, {"P4X9T", "2"}}, answers)
	require.Empty(t, mark)
	require.Equal(t, "没煤了", note)
}
