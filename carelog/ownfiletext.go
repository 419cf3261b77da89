package carelog

import (
	"fmt"
	"strings"
	"time"

	"aftercare/carelog/calendar"
)

// Text is the file as a person reads it, in Chinese. What it has no place for
// (ids, scores domain by domain) stands in the JSON.
func (o OwnFile) Text() string {
	var b strings.Builder
	line := func(format string, values ...any) { fmt.Fprintf(&b, format+"\n", values...) }
	part := func(title string) { line("\n\u3010%s\u3011", title) }
	line("个人档案副本\n制作单位\uff1a%s\n制作时间\uff1a%s", o.Office, moment(o.MadeAt))
	part("基本信息")
	p := o.Person
	for _, f := range [][2]string{
		{"姓名", p.Name},
		{"性别", p.Sex},
		{"身份证号", p.IDNumber},
		{"出生日期", dateOr(p.BornOn)},
		{"电话", p.Phone},
		{"住址", p.Township + p.Village + p.Address},
		{"家庭称呼", p.Alias},
	} {
		if f[1] != "" {
			line("%s\uff1a%s", f[0], f[1])
		}
	}
	for _, m := range o.Household {
		line("家庭成员\uff1a%s %s %s", m.Relation, m.Name, dateOr(m.BornOn))
	}
	part("救助金")
	for _, a := range o.Awards {
		line("%s 发放 %d.%02d 元 %s %s", a.PaidOn, a.TotalFen/100, a.TotalFen%100, a.Department, a.Offence)
	}
	part("照护方案与回访")
	for _, p := range o.Plans {
		line("%s\uff1a%s\uff0c自 %s", p.Template, word("plan", p.State).Chinese, dateOr(p.StartedOn))
	}
	for _, c := range o.CheckIns {
		line("%s %s\uff1a%s", c.Due, c.Title, word("checkin", c.State).Chinese)
	}
	part("转介")
	for _, r := range o.Referrals {
		line("%s %s\uff08%s\uff09\uff1a%s", moment(r.DraftedAt), r.Measure.Chinese(), r.PartnerName, word("referral", r.State).Chinese)
	}
	part("向他人提供的信息")
	for _, d := range o.Disclosures {
		facts := make([]string, len(d.Fields))
		for i, f := range d.Fields {
			facts[i] = word("fact", f).Chinese
		}
		line("%s 向%s%s提供\uff1a%s\uff1b依据\uff1a%s", moment(d.At), word("told", d.Told).Chinese, d.ToldName, strings.Join(facts, "\u3001"), word("basis", d.Basis).Chinese)
	}
	part("告知与同意")
	for _, n := range o.Grounds.Notices {
		line("%s 告知\uff08版本 %s\uff09", n.GivenOn, n.Version)
	}
	for _, k := range o.Grounds.Consents {
		line("%s %s\uff1a%s", k.GivenOn, word("use", k.Purpose).Chinese, word("consent", k.Step).Chinese)
	}
	part("经过")
	for _, e := range o.History {
		line("%s %s", moment(e.OccurredAt), e.What)
	}
	if len(o.Withheld) > 0 {
		line("\n依法不予提供的内容未列入本副本\u3002")
	}
	return b.String()
}

func moment(at time.Time) string { return at.In(calendar.Shanghai()).Format("2006-01-02 15:04") }

func dateOr(d calendar.Date) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}
