package calendar

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// holidays2027 is a plausible notice of 2027 in the form of holiday-cn.
func holidays2027() map[string]any {
	var days []any
	add := func(name, from, until string, off bool) {
		first, _ := Parse(from)
		last, _ := Parse(until)
		for d := first; !d.After(last); d = d.AddDays(1) {
			days = append(days, map[string]any{"name": name, "date": d.String(), "isOffDay": off})
		}
	}
	add("元旦", "2027-01-01", "2027-01-03", true)
	add("春节", "2027-02-04", "2027-02-11", true)
	add("春节", "2027-01-31", "2027-01-31", false)
	add("春节", "2027-02-20", "2027-02-20", false)
	add("国庆节", "2027-10-01", "2027-10-07", true)
	return map[string]any{
		"$schema": "https://raw.githubusercontent.com/NateScarlet/holiday-cn/master/schema.json", "$id": "2027.json",
		"year": 2027, "papers": []any{"https://www.gov.cn/zhengce/2027.htm"}, "days": days,
	}
}

func asFile(t require.TestingT, v any) []byte {
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return data
}

func TestParseHolidays(t *testing.T) {
	t.Parallel()

	t.Run("TakesAWholeYear", func(t *testing.T) {
		t.Parallel()
		notice, problems := ParseHolidays(asFile(t, holidays2027()))
		require.Empty(t, problems)
		require.Equal(t, 2027, notice.Year)
		require.Len(t, notice.Days, 20)
		require.Equal(t, Day{Date: New(2027, 1, 31), Name: "春节调休上班", Source: NoticeOf(2027), Official: true}, notice.Days[3])
	})

	for name, v := range map[string]struct {
		change func(file map[string]any)
		paths  []string
	}{
		"NoYear":              {func(f map[string]any) { delete(f, "year") }, []string{"year"}},
		"AYearInQuotes":       {func(f map[string]any) { f["year"] = "2027" }, []string{"year"}},
		"AYearWithAFraction":  {func(f map[string]any) { f["year"] = 2027.5 }, []string{"year"}},
		"AYearFarAway":        {func(f map[string]any) { f["year"] = 3027 }, []string{"year"}},
		"NoPapers":            {func(f map[string]any) { delete(f, "papers") }, []string{"papers"}},
		"EmptyPapers":         {func(f map[string]any) { f["papers"] = []any{} }, []string{"papers"}},
		"APaperWithoutPlace":  {func(f map[string]any) { f["papers"] = []any{"notice"} }, []string{"papers[0]"}},
		"NoDays":              {func(f map[string]any) { delete(f, "days") }, []string{"days"}},
		"EmptyDays":           {func(f map[string]any) { f["days"] = []any{} }, []string{"days"}},
		"DaysThatAreNoList":   {func(f map[string]any) { f["days"] = "all" }, []string{"days"}},
		"AnUnknownKey":        {func(f map[string]any) { f["holidays"] = 1 }, []string{"holidays"}},
		"AnUnknownKeyOfADay":  {func(f map[string]any) { first(f)["wage"] = 3 }, []string{"days[0].wage"}},
		"ADayThatIsNoObject":  {func(f map[string]any) { f["days"].([]any)[2] = "2027-01-03" }, []string{"days[2]"}},
		"ADateInWords":        {func(f map[string]any) { first(f)["date"] = "1 January" }, []string{"days[0].date"}},
		"ADayThatIsNot":       {func(f map[string]any) { first(f)["date"] = "2027-02-30" }, []string{"days[0].date"}},
		"NoDate":              {func(f map[string]any) { delete(first(f), "date") }, []string{"days[0].date"}},
		"ADateOfAnotherYear":  {func(f map[string]any) { first(f)["date"] = "2026-11-30" }, []string{"days[0].date"}},
		"ADateTwice":          {func(f map[string]any) { first(f)["date"] = "2027-01-02" }, []string{"days[1].date"}},
		"NoName":              {func(f map[string]any) { first(f)["name"] = "" }, []string{"days[0].name"}},
		"NoIsOffDay":          {func(f map[string]any) { delete(first(f), "isOffDay") }, []string{"days[0].isOffDay"}},
		"IsOffDayNull":        {func(f map[string]any) { first(f)["isOffDay"] = nil }, []string{"days[0].isOffDay"}},
		"MakingUpOnAWeekday":  {func(f map[string]any) { first(f)["date"], first(f)["isOffDay"] = "2027-03-01", false }, []string{"days[0].isOffDay"}},
		"AHolidayWorked":      {func(f map[string]any) { first(f)["isOffDay"] = false }, []string{"days[0].isOffDay"}},
		"NoNationalDay":       {func(f map[string]any) { f["days"] = f["days"].([]any)[:8] }, []string{"days"}},
		"SeveralThingsAtOnce": {func(f map[string]any) { delete(f, "year"); first(f)["date"] = "x"; first(f)["name"] = 1 }, []string{"year", "days[0].name", "days[0].date"}},
	} {
		t.Run("Names"+name, func(t *testing.T) {
			t.Parallel()
			file := holidays2027()
			v.change(file)
			notice, problems := ParseHolidays(asFile(t, file))
			require.Zero(t, notice)
			var paths []string
			for _, p := range problems {
				paths = append(paths, p.Path)
				require.NotEmpty(t, p.Reason)
				require.NotEmpty(t, p.Chinese)
			}
			require.Equal(t, v.paths, paths)
		})
	}
	t.Run("TakesDecemberBeforeAndJanuaryAfter", func(t *testing.T) {
		t.Parallel()
		for _, date := range []string{"2026-12-31", "2028-01-01"} {
			file := holidays2027()
			first(file)["date"] = date
			_, problems := ParseHolidays(asFile(t, file))
			require.Empty(t, problems, date)
		}
	})
	t.Run("RefusesWhatIsNoFile", func(t *testing.T) {
		t.Parallel()
		good := string(asFile(t, holidays2027()))
		for _, text := range []string{"", "null", "[]", "2027", good[:len(good)-1], good[:40], good + good, `{"year":2027,"year":2027}`, strings.Repeat("[", 100_000)} {
			notice, problems := ParseHolidays([]byte(text))
			require.Zero(t, notice)
			require.NotEmpty(t, problems, "%.40s", text)
		}
	})
}

func first(file map[string]any) map[string]any {
	return file["days"].([]any)[0].(map[string]any) //nolint:forcetypeassert // made above
}

func TestAnnounce(t *testing.T) {
	t.Parallel()
	notice := func(year int, days ...Day) Notice { return Notice{Year: year, Days: days} }

	t.Run("SettlesItsYearAlone", func(t *testing.T) {
		t.Parallel()
		parsed, problems := ParseHolidays(asFile(t, holidays2027()))
		require.Empty(t, problems)
		cal := Official().Announce(parsed)
		require.True(t, cal.OfficialYear(2027))
		require.True(t, cal.IsWorkday(New(2027, 2, 20)))
		require.False(t, cal.IsWorkday(New(2027, 2, 9)))
		require.True(t, cal.IsWorkday(New(2027, 6, 9)), "the guess is dropped")
		require.True(t, Official().IsWorkday(New(2027, 2, 9)))
		require.Empty(t, cal.Changed(Official(), New(2026, 1, 1), New(2026, 12, 31)))
		require.Empty(t, cal.Changed(Official(), New(2028, 1, 1), New(2030, 12, 31)))
	})
	t.Run("CorrectsAYearThatWasTypedIn", func(t *testing.T) {
		t.Parallel()
		cal := Official().Announce(notice(2026, Day{Date: New(2026, 10, 1), Off: true, Official: true}))
		require.False(t, cal.IsWorkday(New(2026, 2, 14)), "the make-up Saturday is gone")
		require.True(t, cal.IsWorkday(New(2026, 2, 17)))
	})
	t.Run("LeavesDecemberToTheNextYearsNotice", func(t *testing.T) {
		t.Parallel()
		eve := Day{Date: New(2027, 12, 31), Off: true, Name: "元旦", Official: true}
		of2027, of2028 := notice(2027, Day{Date: New(2027, 10, 1), Off: true}), notice(2028, eve)
		for _, cal := range []*Calendar{Official().Announce(of2027, of2028), Official().Announce(of2028, of2027)} {
			require.False(t, cal.IsWorkday(eve.Date))
			require.Equal(t, "元旦", cal.Day(eve.Date).Name)
		}
	})
}

func TestLocal(t *testing.T) {
	t.Parallel()
	closed := Day{Date: New(2026, 12, 1), Off: true, Name: "停电"}
	worked := Day{Date: New(2026, 12, 5), Name: "本地上班"}
	cal := Official().Local([]Day{closed, worked})
	require.False(t, cal.IsWorkday(closed.Date))
	require.True(t, cal.IsWorkday(worked.Date))
	require.Equal(t, closed, cal.Day(closed.Date))
	require.Equal(t, "国庆节", cal.Day(New(2026, 10, 1)).Name, "the nation's days show through")
	require.True(t, cal.Day(New(2026, 12, 2)).Official)
	require.Len(t, cal.Named(New(2026, 1, 1), New(2026, 12, 31)), len(Official().Named(New(2026, 1, 1), New(2026, 12, 31)))+2)
	require.True(t, Official().IsWorkday(closed.Date))
	require.Equal(t, New(2026, 12, 2), cal.AddWorkdays(New(2026, 11, 30), 1))
}

// The notices of 2025 and 2026 as domain document 6 has them.
func TestPublishedYears(t *testing.T) {
	t.Parallel()
	cal := Official()
	for _, v := range []struct {
		year       int
		off, works []string
	}{
		{2025, []string{"01-01 01-01", "01-28 02-04", "04-04 04-06", "05-01 05-05", "05-31 06-02", "10-01 10-08"}, []string{"01-26", "02-08", "04-27", "09-28", "10-11"}},
		{2026, []string{"01-01 01-03", "02-15 02-23", "04-04 04-06", "05-01 05-05", "06-19 06-21", "09-25 09-27", "10-01 10-07"}, []string{"01-04", "02-14", "02-28", "05-09", "09-20", "10-10"}},
	} {
		special := map[Date]bool{} // true: off
		for _, span := range v.off {
			from, until, _ := strings.Cut(span, " ")
			for d := day(t, fmt.Sprint(v.year, "-", from)); !d.After(day(t, fmt.Sprint(v.year, "-", until))); d = d.AddDays(1) {
				special[d] = true
			}
		}
		for _, text := range v.works {
			special[day(t, fmt.Sprint(v.year, "-", text))] = false
		}
		for d := New(v.year, 1, 1); d.Year() == v.year; d = d.AddDays(1) {
			off, named := special[d]
			require.Equal(t, named && off || !named && isWeekend(d), !cal.IsWorkday(d), d)
		}
	}
}
