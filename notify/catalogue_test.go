package notify

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// anew is a version of the village request that says it otherwise.
const anew = `{"key":"village_request","language":"zh","version":2,"text":"【{office}】烦请到{alias}看一看,任务{code},{due}前。看后回复{code} 1平安 2有困难 3没见到。核实拨12309"}`

func checked(t *testing.T, book *Phrasebook, wording string) []byte {
	t.Helper()
	saved, segments, wrong := book.CheckWording([]byte(wording))
	require.Empty(t, wrong)
	require.Positive(t, segments)
	return saved
}

func TestSpeak(t *testing.T) {
	t.Parallel()
	facts := ordinaryFacts["village_request"]

	t.Run("SpeaksTheVersionItIsTold", func(t *testing.T) {
		t.Parallel()
		book := NewPhrasebook(aliyunSign)
		require.NoError(t, book.Load(slices.Concat([]byte("["), checked(t, book, anew), []byte("]"))))
		first, _, params, err := book.Speak("zh", "village_request", 1, facts)
		require.NoError(t, err)
		require.Contains(t, first, "请协助看望2组老王家")
		require.Equal(t, map[string]string{"alias": "2组老王家", "code": "K7Q2M", "due": "11月24日"}, params, "the signature stands before a template")
		second, segments, _, err := book.Speak("zh", "village_request", 2, facts)
		require.NoError(t, err)
		require.Contains(t, second, "烦请到2组老王家看一看")
		require.Equal(t, 1, segments)
		for _, unknown := range []struct {
			language string
			version  int
		}{{"zh", 3}, {"bo", 1}} {
			_, _, _, err = book.Speak(unknown.language, "village_request", unknown.version, facts)
			require.ErrorIs(t, err, ErrUnknownWording)
		}
	})
	t.Run("LeavesOutWhatTheVersionHasNoPlaceFor", func(t *testing.T) {
		t.Parallel()
		book := NewPhrasebook(aliyunSign)
		saved := checked(t, book, `{"key":"officer_due","version":2,"text":"【{office}】回访提醒:任务{code},{due}前。核实拨12309"}`)
		require.NoError(t, book.Load([]byte("["+string(saved)+"]")))
		text, _, params, err := book.Speak("zh", "officer_due", 2, ordinaryFacts["officer_due"])
		require.NoError(t, err)
		require.Equal(t, "【沂源县检察院】回访提醒:任务K7Q2M,11月24日前。核实拨12309", text)
		require.Equal(t, map[string]string{"code": "K7Q2M", "due": "11月24日"}, params)
		more := maps.Clone(ordinaryFacts["officer_due"])
		more["colour"] = "x"
		_, _, _, err = book.Speak("zh", "officer_due", 2, more)
		require.ErrorContains(t, err, "colour", "what no version knows is a fault")
	})
	t.Run("ChecksWhatItSpeaks", func(t *testing.T) {
		t.Parallel()
		hidden := maps.Clone(facts)
		hidden["alias"] = "低保户老王"
		_, _, _, err := NewPhrasebook(aliyunSign).Speak("zh", "village_request", 1, hidden)
		require.Error(t, err)
	})
}

func TestAQuoteOfAnyVersionIsOurs(t *testing.T) {
	t.Parallel()
	book := NewPhrasebook(aliyunSign)
	urgent := strings.NewReplacer("看后回复", "家里出事了直接打电话,看后回复", "核实拨12309", "可问经办人").Replace(anew)
	saved := checked(t, book, urgent)
	quoted := "【沂源县检察院】烦请到2组老王家看一看,任务K7Q2M,11月24日前。家里出事了直接打电话,看后回复K7Q2M 1平安 2有困难 3没见到。可问经办人"
	_, _, mark, _ := book.Read("2 " + quoted)
	require.Equal(t, MarkUrgent, mark, "nobody knows the text yet")
	require.NoError(t, book.Load([]byte("["+string(saved)+"]")))
	answers, _, mark, _ := book.Read("2 " + quoted)
	require.Equal(t, [][2]string{{"K7Q2M", "2"}}, answers)
	require.Empty(t, mark)
	require.NoError(t, book.Load([]byte("["+string(checked(t, book, strings.Replace(anew, `"version":2`, `"version":3`, 1)))+"]")))
	_, _, mark, _ = book.Read(quoted)
	require.Equal(t, MarkEcho, mark, "an older version stays known")
	text, _, err := book.Render("village_request", ordinaryFacts["village_request"])
	require.NoError(t, err)
	_, _, mark, _ = book.Read(text)
	require.Equal(t, MarkEcho, mark, "so does what came with the program")
}

func TestCheckWordingTellsEveryFieldAtOnce(t *testing.T) {
	t.Parallel()
	book := NewPhrasebook("")
	_, _, wrong := book.CheckWording([]byte(`{"key":"officer_due","language":"Chinese","version":2,
		"text":"请看低保户 http://a.cn {x} ` + strings.Repeat("长", 200) + `",
		"placeholders":[{"name":"kind","max":2,"holds":"choice","choices":["入户"]},{"name":"y","max":0,"holds":"colour"}]}`))
	fields := map[string]int{}
	for _, w := range wrong {
		fields[w[0]]++
		require.NotEmpty(t, w[1])
		require.NotEmpty(t, w[2])
		require.NotContains(t, w[1]+w[2], "a.cn")
	}
	require.Equal(t, map[string]int{
		"language": 1, "text": 7, "placeholders[0].name": 1, "placeholders[0].max": 1, "placeholders[0].choices": 1,
		"placeholders[1].name": 2, "placeholders[1].max": 1, "placeholders[1].holds": 1,
	}, fields, "%v", wrong)
	_, _, wrong = book.CheckWording([]byte(`{"key":"lottery","version":1,"text":"x"}`))
	require.Equal(t, "key", wrong[0][0])
	for _, w := range standardWordings {
		require.LessOrEqual(t, w.MostSegments(), 2, w.Key)
		list, err := json.Marshal(w)
		require.NoError(t, err)
		checked(t, book, string(list))
	}
}
