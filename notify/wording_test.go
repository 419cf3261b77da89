package notify

import (
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var ordinaryFacts = map[string]map[string]string{
	"officer_due":        {"code": "K7Q2M", "kind": "村委协助", "area": "南麻街道", "due": "11月24日"},
	"officer_overdue":    {"code": "K7Q2M", "kind": "入户", "days": "2", "head": "再过3个工作日将"},
	"officer_signal":     {"code": "K7Q2M"},
	"officer_amber":      {"code": "K7Q2M", "days": "3"},
	"officer_red":        {"code": "K7Q2M", "hours": "24"},
	"officer_urgent":     {},
	"village_request":    {"alias": "2组老王家", "code": "K7Q2M", "due": "11月24日", "full_name": "王某某"},
	"visit_confirmation": {"alias": "2组老王家", "code": "K7Q2M", "date": "11月24日", "full_name": "王某某"},
	"village_ambiguous":  {"count": "3", "codes": "K7Q2M、P4X9T、K7Q2M", "code": "K7Q2M"},
	"village_ack":        {"code": "K7Q2M、P4X9T"},
	"village_unparsed":   {"code": "K7Q2M"},
	"village_suggest":    {"code": "K7Q2M"},
	"supervisor_overdue": {"code": "K7Q2M", "kind": "入户", "days": "12", "officer": "李某"},
	"supervisor_red":     {"code": "K7Q2M", "hours": "24", "officer": "李某"},
	"supervisor_amber":   {"code": "K7Q2M", "officer": "李某"},
	"staff_digest":       {"count": "12"},
	"supervisor_week":    {"due": "12", "overdue": "3", "alerts": "2", "tasks": "14", "reviews": "1"},
	"officer_review":     {"code": "K7Q2M"},
	"supervisor_review":  {"code": "K7Q2M", "officer": "李某"},
	"number_check":       {},
	"village_requests_2": {"full_name": "王某某", "due": "11月24日", "alias1": "2组老王家", "code1": "K7Q2M", "alias2": "3组老王家", "code2": "P4X9T"},
	"village_requests_3": {"full_name": "王某某", "due": "11月24日", "alias1": "2组老王家", "code1": "K7Q2M", "alias2": "3组老王家", "code2": "P4X9T", "alias3": "4组老王家", "code3": "K7Q2M"},
	"village_requests_4": {"full_name": "王某某", "due": "11月24日", "alias1": "2组老王家", "code1": "K7Q2M", "alias2": "3组老王家", "code2": "P4X9T", "alias3": "4组老王家", "code3": "K7Q2M", "alias4": "5组老王家", "code4": "P4X9T"},
	"stop_ack":           {},
	"start_ack":          {},
	"test":               {},
}

func TestRenderFitsOneSegmentWithOrdinaryFacts(t *testing.T) {
	t.Parallel()
	require.Len(t, ordinaryFacts, len(standardWordings))
	book := NewPhrasebook("沂源县检察院")
	for key, facts := range ordinaryFacts {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			text, segments, err := book.Render(key, facts)
			require.NoError(t, err)
			most := 1
			if strings.HasPrefix(key, "village_requests_") {
				most = 2
			}
			require.LessOrEqual(t, segments, most, "%d characters: %s", len([]rune(text)), text)
			require.True(t, strings.HasPrefix(text, "【沂源县检察院】"))
			require.NotContains(t, text, "{")
		})
	}
}

func TestRenderSaysWhatTheDesignSays(t *testing.T) {
	t.Parallel()
	text, _, err := NewPhrasebook("沂源县检察院").Render("village_request", ordinaryFacts["village_request"])
	require.NoError(t, err)
	require.Equal(t, "【沂源县检察院】请协助看望2组老王家,任务K7Q2M,11月24日前。回复K7Q2M 1平安 2有困难 3没见到。核实拨12309", text)
}

func TestAConfirmationFitsOneSegmentAtItsLongest(t *testing.T) {
	t.Parallel()
	w, err := NewPhrasebook("").Wording("visit_confirmation")
	require.NoError(t, err)
	require.Equal(t, 1, w.MostSegments())
}

func TestRenderRefuses(t *testing.T) {
	t.Parallel()
	book := NewPhrasebook("沂源县检察院")
	for name, c := range map[string]struct{ key, fact, value, says string }{
		"AnOverlongFact":             {"village_request", "alias", "二组石桥边上老王家", "alias"},
		"AMissingFact":               {"officer_due", "area", "", "area"},
		"AnUnknownFact":              {"officer_due", "colour", "x", "colour"},
		"AFactWithASecondSignature":  {"officer_due", "area", "【甲】", "area"},
		"AFactWithALineBreak":        {"officer_due", "area", "甲\n乙", "area"},
		"AMisspeltCode":              {"officer_due", "code", "K7Q2N", "code"},
		"ANumberThatIsNone":          {"officer_red", "hours", "两", "hours"},
		"AnAliasWithTheFullName":     {"village_request", "alias", "王某某家", "alias"},
		"AnAliasWithASpacedFullName": {"village_request", "alias", "王 某某", "alias"},
		"AnAliasWithoutAFullName":    {"village_request", "full_name", "", "full_name"},
		"AnAliasWithADoorNumber":     {"village_request", "alias", "3号楼老王", "alias"},
		"AFullNameInAnotherFact":     {"supervisor_red", "full_name", "李某", "full name"},
		"ACaseWordInAFact":           {"officer_due", "area", "被害人家", "被害"},
		"AGroupOutsideTheAlias":      {"officer_due", "area", "石桥村2组", "address"},
		"AGroupInChineseNumerals":    {"officer_due", "area", "石桥村十二组", "address"},
		"ATeamOutsideTheAlias":       {"officer_due", "area", "石桥3小队", "address"},
		"ACooperativeNumber":         {"officer_due", "area", "石桥４ 社", "address"},
		"AnAlleyInAFact":             {"officer_due", "area", "王家胡同5号", "address"},
		"AnAlleyWithoutNumber":       {"officer_due", "area", "王家胡同", "address"},
		"AnEstate":                   {"officer_due", "area", "阳光小区", "address"},
		"ADateThatIsNone":            {"officer_due", "due", "下周三", "due"},
		"AnImpossibleDate":           {"officer_due", "due", "13月2日", "due"},
		"AChoiceThatIsNone":          {"officer_due", "kind", "看望", "kind"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			facts := maps.Clone(ordinaryFacts[c.key])
			facts[c.fact] = c.value
			text, _, err := book.Render(c.key, facts)
			require.ErrorContains(t, err, c.says)
			require.Empty(t, text)
		})
	}
	t.Run("AnUnknownKey", func(t *testing.T) {
		t.Parallel()
		_, _, err := book.Render("nothing", nil)
		require.ErrorIs(t, err, ErrUnknownWording)
	})
	t.Run("AMissingOffice", func(t *testing.T) {
		t.Parallel()
		_, _, err := NewPhrasebook("").Render("stop_ack", nil)
		require.ErrorContains(t, err, "office")
	})
}

func TestRenderLetsOnlyTheAliasNameAGroup(t *testing.T) {
	t.Parallel()
	book, err := NewPhrasebookFrom("沂源县检察院", []byte(`[{"key":"k","version":1,"text":"【{office}】{alias},{area}",
		"placeholders":[{"name":"office","max":14},{"name":"alias","max":8,"holds":"alias"},{"name":"area","max":8}]}]`))
	require.NoError(t, err)
	facts := map[string]string{"alias": "2组老王家", "full_name": "王某某", "area": "第3社区"}
	text, _, err := book.Render("k", facts)
	require.NoError(t, err)
	require.Equal(t, "【沂源县检察院】2组老王家,第3社区", text)
	facts["area"] = "2组"
	_, _, err = book.Render("k", facts)
	require.ErrorContains(t, err, "address", "the words of the alias are allowed in its place alone")
}

func TestRenderLeavesTheCallersFactsAlone(t *testing.T) {
	t.Parallel()
	facts := map[string]string{"office": "淄博市检察院"}
	text, _, err := NewPhrasebook("沂源县检察院").Render("stop_ack", facts)
	require.NoError(t, err)
	require.Contains(t, text, "【淄博市检察院】")
	delete(facts, "office")
	_, _, err = NewPhrasebook("沂源县检察院").Render("stop_ack", facts)
	require.NoError(t, err)
	require.Empty(t, facts)
}

func TestRenderNeverLetsANameOrCaseWordThrough(t *testing.T) {
	t.Parallel()
	book := NewPhrasebook("沂源县检察院")
	rapid.Check(t, func(rt *rapid.T) {
		facts := maps.Clone(ordinaryFacts["village_request"])
		hide := rapid.SampledFrom([]string{"", " ", "·", "\u200b", "　", "-"}).Draw(rt, "between")
		word := []rune(rapid.SampledFrom([]string{"王某某", "低保", "残疾", "殘疾", "银行", "銀行", "３０００元", "救助"}).Draw(rt, "word"))
		facts["alias"] = string(word[:1]) + hide + string(word[1:]) + "家"
		_, _, err := book.Render("village_request", facts)
		require.Error(rt, err, "%q", facts["alias"])
	})
}

func TestParseWordingsRefuses(t *testing.T) {
	t.Parallel()
	wording := func(text, placeholders string) string {
		return `[{"key":"k","version":1,"text":"` + text + `","placeholders":[` + placeholders + `]}]`
	}
	const office = `{"name":"office","max":14}`
	for name, c := range map[string]struct{ catalogue, says string }{
		"BrokenJSON":               {`[`, "read wordings"},
		"AnUnknownField":           {`[{"name":"k"}]`, "unknown field"},
		"AForbiddenWord":           {wording("【{office}】救助金已到", office), "救助金"},
		"ALink":                    {wording("【{office}】见 http://a.cn", office), "link"},
		"NoSignature":              {wording("好", ""), "signature"},
		"AnUndeclaredPlaceholder":  {wording("【{office}】{x}", office), "placeholder x is not declared"},
		"AnUnusedPlaceholder":      {wording("【{office}】", office+`,{"name":"x","max":1}`), "placeholder x is not used"},
		"APlaceholderWithoutBound": {wording("【{office}】{x}", office+`,{"name":"x"}`), "no bound"},
		"AnUnknownContent":         {wording("【{office}】{x}", office+`,{"name":"x","max":1,"holds":"colour"}`), "unknown content"},
		"AChoiceWithoutChoices":    {wording("【{office}】{x}", office+`,{"name":"x","max":1,"holds":"choice"}`), "choices"},
		"ChoicesOfANumber":         {wording("【{office}】{x}", office+`,{"name":"x","max":1,"holds":"number","choices":["1"]}`), "choices"},
		"AChoiceBeyondItsBound":    {wording("【{office}】{x}", office+`,{"name":"x","max":1,"holds":"choice","choices":["入户"]}`), "cannot be sent"},
		"AnUnsafeChoice":           {wording("【{office}】{x}", office+`,{"name":"x","max":2,"holds":"choice","choices":["低保"]}`), "cannot be sent"},
		"AGroupInTheText":          {wording("【{office}】2组有人", office), "address"},
		"AnAskWithoutVerification": {wording("【{office}】请登录系统", office), "12309"},
		"ADoubledKey":              {strings.Replace(wording("【{office}】好", office), "]}]", "]},"+strings.TrimPrefix(wording("【{office}】好", office), "["), 1), "used twice"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := NewPhrasebookFrom("", []byte(c.catalogue))
			require.ErrorContains(t, err, c.says)
		})
	}
}
