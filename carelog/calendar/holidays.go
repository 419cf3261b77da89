package calendar

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Notice is one year's arrangement by the State Council: the days off and the
// make-up days it names. Weekends that it does not name stay weekends.
type Notice struct {
	Year   int
	Papers []string // where the notice was published
	Days   []Day    // in order; some may lie in the December before or the January after
}

// Problem is one fault of a file: where, and what to do about it, in English and
// Chinese. Neither repeats what stands in the file.
type Problem struct{ Path, Reason, Chinese string }

// maxName is how many characters the name of a day may have.
const maxName = 40

// madeUp is what the name of a holiday becomes on the day that makes up for it.
const madeUp = "调休上班"

// ParseHolidays reads a year's file in the form of NateScarlet/holiday-cn:
// {year, papers[], days[{name, date, isOffDay}]}, with $schema and $id allowed.
// With any problem there is no notice: a calendar is taken whole or not at all.
func ParseHolidays(data []byte) (Notice, []Problem) {
	r := holidayReader{dates: map[Date]bool{}}
	fields, ok := r.object("", data, "$schema", "$id", "year", "papers", "days")
	if !ok {
		return Notice{}, r.problems
	}
	r.year(fields["year"])
	r.papers(fields["papers"])
	r.days(fields["days"])
	if len(r.problems) > 0 {
		return Notice{}, r.problems
	}
	slices.SortFunc(r.notice.Days, func(a, b Day) int { return a.Date.Compare(b.Date) })
	return r.notice, nil
}

type holidayReader struct {
	notice   Notice
	dates    map[Date]bool
	problems []Problem
}

func (r *holidayReader) fault(path, reason, chinese string) {
	r.problems = append(r.problems, Problem{path, reason, chinese})
}

// object reads the fields of an object and names those it does not know. A key
// that comes twice is a fault: which one is meant?
func (r *holidayReader) object(path string, data []byte, known ...string) (map[string]json.RawMessage, bool) {
	fields := map[string]json.RawMessage{}
	decoder := json.NewDecoder(bytes.NewReader(data))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		r.fault(path, "is not an object: send the year's file of holiday-cn as it is", "不是对象\uff0c请原样上传当年的 holiday-cn 文件")
		return nil, false
	}
	for decoder.More() {
		token, err := decoder.Token()
		key, isText := token.(string)
		var value json.RawMessage
		if err != nil || !isText || decoder.Decode(&value) != nil {
			r.fault(path, "is not whole: the file was cut off or changed", "内容不完整\uff0c文件可能被截断或改动")
			return nil, false
		}
		if _, twice := fields[key]; twice {
			r.fault(join(path, key), "is given twice: keep one", "重复出现\uff0c请只保留一个")
		}
		fields[key] = value
	}
	if _, err := decoder.Token(); err != nil {
		r.fault(path, "is not whole: the file was cut off or changed", "内容不完整\uff0c文件可能被截断或改动")
		return nil, false
	}
	if path == "" && decoder.More() {
		r.fault(path, "goes on after its end: send one year's file", "文件末尾有多余内容\uff0c请只上传一个年度的文件")
	}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(known, key) {
			r.fault(join(path, key), "is not known here: remove it, or is this another kind of file?", "不认识这一项\uff0c请删除或检查文件类型")
		}
	}
	return fields, true
}

func (r *holidayReader) year(raw json.RawMessage) {
	year, err := strconv.Atoi(string(raw))
	switch {
	case raw == nil:
		r.fault("year", "is missing: the year of the notice", "缺少年份")
	case err != nil:
		r.fault("year", "is not a whole number: write it as 2027", "年份不是整数\uff0c请写成 2027")
	case year < firstYear || year > lastYear:
		r.fault("year", fmt.Sprintf("lies outside %d to %d", firstYear, lastYear), fmt.Sprintf("年份须在 %d 至 %d 之间", firstYear, lastYear))
	default:
		r.notice.Year = year
	}
}

func (r *holidayReader) papers(raw json.RawMessage) {
	var papers []json.RawMessage
	if raw == nil || json.Unmarshal(raw, &papers) != nil || len(papers) == 0 {
		r.fault("papers", "names no notice: a year that is not announced yet is not imported", "没有通知出处\uff0c尚未公布的年份不能导入")
		return
	}
	for i, one := range papers {
		var address string
		if json.Unmarshal(one, &address) != nil || !strings.HasPrefix(address, "http://") && !strings.HasPrefix(address, "https://") {
			r.fault(fmt.Sprintf("papers[%d]", i), "is not an address: write where the notice stands, as https://…", "不是网址\uff0c请填写通知的网址")
			continue
		}
		r.notice.Papers = append(r.notice.Papers, address)
	}
}

func (r *holidayReader) days(raw json.RawMessage) {
	var days []json.RawMessage
	if raw == nil || json.Unmarshal(raw, &days) != nil || len(days) == 0 {
		r.fault("days", "is empty: the year's days off and make-up days are expected", "没有日期\uff0c应列出当年放假和调休上班的日期")
		return
	}
	for i, one := range days {
		r.day(fmt.Sprintf("days[%d]", i), one)
	}
	r.whole()
}

func (r *holidayReader) day(path string, raw json.RawMessage) {
	fields, ok := r.object(path, raw, "name", "date", "isOffDay")
	if !ok {
		return
	}
	day := Day{Source: NoticeOf(r.notice.Year), Official: true}
	if json.Unmarshal(fields["name"], &day.Name) != nil || strings.TrimSpace(day.Name) == "" || utf8.RuneCountInString(day.Name) > maxName {
		r.fault(path+".name", fmt.Sprintf("is not a name: 1 to %d characters", maxName), fmt.Sprintf("名称须为1至%d个字", maxName))
	}
	var off *bool
	if json.Unmarshal(fields["isOffDay"], &off) != nil || off == nil {
		r.fault(path+".isOffDay", "is not true or false: true for a day off, false for a make-up workday", "须为 true(放假)或 false(调休上班)")
	}
	var text string
	date, err := Date{}, json.Unmarshal(fields["date"], &text)
	if err == nil {
		date, err = Parse(text)
	}
	if err != nil {
		r.fault(path+".date", "is not a date: write it as 2027-10-01", "不是日期\uff0c请写成 2027-10-01")
		return
	}
	r.place(path+".date", date)
	if off == nil {
		return
	}
	day.Date, day.Off = date, *off
	if !day.Off {
		r.makeUp(path, date)
		day.Name += madeUp
	}
	r.notice.Days = append(r.notice.Days, day)
}

// place says whether a date may stand in this notice, and only once.
func (r *holidayReader) place(path string, d Date) {
	year := r.notice.Year
	near := d.Year() == year-1 && d.Month() == time.December || d.Year() == year+1 && d.Month() == time.January
	if year != 0 && d.Year() != year && !near {
		r.fault(path, fmt.Sprintf("lies outside %d, the December before and the January after", year), fmt.Sprintf("日期须在%d年内\uff0c或上年12月、次年1月", year))
	}
	if r.dates[d] {
		r.fault(path, "is given twice: keep one", "日期重复\uff0c请只保留一个")
	}
	r.dates[d] = true
}

// makeUp says whether a date can be a make-up workday: a weekend that no law gives off.
func (r *holidayReader) makeUp(path string, d Date) {
	if d.Year() >= firstYear && d.Year() <= lastYear && slices.ContainsFunc(statutory(d.Year()), func(h Day) bool { return h.Date == d }) {
		r.fault(path+".isOffDay", "declares a statutory holiday worked: no notice may", "法定节假日不能定为上班日")
		return
	}
	if !isWeekend(d) {
		r.fault(path+".isOffDay", "makes up on a weekday, which is worked anyway: check the date", "该日本来就是工作日\uff0c不能作调休上班\uff0c请核对日期")
	}
}

// whole says whether the notice is complete: every one settles National Day.
func (r *holidayReader) whole() {
	year := r.notice.Year
	if year == 0 {
		return
	}
	national := New(year, time.October, 1)
	if !r.dates[national] {
		r.fault("days", fmt.Sprintf("leave out National Day, %s: this is not the whole notice", national), fmt.Sprintf("没有国庆节(%s)\uff0c不是完整的通知", national))
	}
}

func join(path, key string) string {
	if utf8.RuneCountInString(key) > maxName { // an unknown key may be anything
		key = string([]rune(key)[:maxName])
	}
	if path == "" {
		return key
	}
	return path + "." + key
}
