package main

import (
	"container/heap"
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

// simContact is a village contact with a way of answering.
type simContact struct {
	id      carelog.ContactID
	no      int
	name    string
	number  string
	office  *simOffice
	manner  string        // prompt, late, careless, silent, stopping
	deadOn  calendar.Date // the number takes no more texts from then
	quitsOn calendar.Date // they are no longer the right one
	stopped bool
}

func (c *simContact) dead(at time.Time) bool {
	return !c.deadOn.IsZero() && !calendar.Of(at).Before(c.deadOn)
}

// newContact makes up a contact; without the fault they all answer promptly.
func (s *simulation) newContact(o *simOffice, no int) *simContact {
	r := s.dice.roll("contact", o.no, no)
	c := &simContact{no: no, number: fmt.Sprintf("+86154%08d", 20_000_000+o.no*100_000+no), office: o, manner: "prompt", name: surname(no/2+no%2) + "某某"}
	if s.faults[faultContacts] {
		switch u := r.IntN(100); {
		case u < 45:
		case u < 65:
			c.manner = "late"
		case u < 80:
			c.manner = "careless"
		case u < 94:
			c.manner = "silent"
		default:
			c.manner = "stopping"
		}
		day := s.from.AddDays(r.IntN(s.span + 1))
		switch r.IntN(25) {
		case 0:
			c.deadOn = day
		case 1:
			c.quitsOn = day
		}
	}
	s.contacts[c.number] = c
	return c
}

// letter is a reply or a report on its way to us.
type letter struct {
	at     time.Time
	no     int // letters of one moment in the order they were written
	reply  *carelog.Inbound
	report *carelog.Report
}

// mailbag holds the letters, the earliest first.
type mailbag struct {
	letters []letter
	written int
}

func (b *mailbag) Len() int { return len(b.letters) }
func (b *mailbag) Less(i, j int) bool {
	if !b.letters[i].at.Equal(b.letters[j].at) {
		return b.letters[i].at.Before(b.letters[j].at)
	}
	return b.letters[i].no < b.letters[j].no
}
func (b *mailbag) Swap(i, j int) { b.letters[i], b.letters[j] = b.letters[j], b.letters[i] }
func (b *mailbag) Push(x any)    { b.letters = append(b.letters, x.(letter)) } //nolint:forcetypeassert // heap's own
func (b *mailbag) Pop() any {
	last := b.letters[len(b.letters)-1]
	b.letters = b.letters[:len(b.letters)-1]
	return last
}

func (b *mailbag) post(l letter) {
	b.written++
	l.no = b.written
	heap.Push(b, l)
}

// deliver brings in what has arrived for an office by now.
func (s *simulation) deliver(ctx context.Context, o *simOffice) error {
	for o.post.Len() > 0 && !o.post.letters[0].at.After(s.clock.now()) {
		l := heap.Pop(&o.post).(letter) //nolint:forcetypeassert // only letters are in it
		var err error
		if l.reply != nil {
			err = o.door.StoreReply(ctx, *l.reply)
		} else {
			err = o.door.StoreReport(ctx, *l.report)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// textsArrive has every text that reached a phone reported on, and answered as
// its reader answers.
func (s *simulation) textsArrive() {
	for _, t := range s.carrier.look() {
		s.reportOn(t)
		if contact := s.contacts[t.To]; contact != nil {
			s.answer(contact, t)
		}
	}
}

// postTo is the mailbag of the office a text came from.
func (s *simulation) postTo(t takenText) *mailbag {
	for _, o := range s.offices {
		if o.number == t.From {
			return &o.post
		}
	}
	return &s.offices[0].post
}

// reportOn has the carrier report: delivered, or for one in a hundred not. With
// the fault they come twice and in the wrong order.
func (s *simulation) reportOn(t takenText) {
	r := s.dice.roll("report", t.ID)
	state, code := "delivered", ""
	if r.IntN(100) == 0 {
		state, code = "undelivered", "30008"
	}
	at := t.at.Add(time.Duration(1+r.IntN(60)) * time.Minute)
	report := func(at time.Time, status, code string) {
		s.postTo(t).post(letter{at: at, report: &carelog.Report{
			Carrier: simulator, CarrierMessageID: t.sid, MessageID: t.ID, Status: status, Delivery: status, ErrorCode: code,
		}})
	}
	report(at, state, code)
	if !s.faults[faultReports] {
		return
	}
	switch r.IntN(10) {
	case 0:
		report(at.Add(time.Hour), state, code) // once more
	case 1:
		report(at.Add(26*time.Hour), "sent", "") // what came before it
	case 2:
		report(at.Add(-time.Minute), "read_by_nobody", "") // a word we do not know
	}
}

var askedCode = regexp.MustCompile(`任务([0-9A-Z]{5})`)

// answer writes the contact's reply to a request.
func (s *simulation) answer(c *simContact, t takenText) {
	code := askedCode.FindStringSubmatch(t.Text)
	if code == nil || c.stopped {
		return
	}
	r := s.dice.roll("answer", c.office.no, c.no, code[1])
	wait := time.Duration(10+r.IntN(240)) * time.Minute
	text := said(r.IntN(1000), code[1])
	if strings.Contains(t.Text, "到过") {
		text = confirmed(r.IntN(100), code[1])
	}
	switch c.manner {
	case "late":
		wait = time.Duration(1+r.IntN(9))*24*time.Hour + time.Duration(r.IntN(600))*time.Minute
	case "careless":
		text = carelessly(r.IntN(8), code[1], text)
	case "silent":
		if r.IntN(10) > 0 {
			return
		}
	case "stopping":
		if r.IntN(4) == 0 {
			text, c.stopped = "TD", true
		}
	}
	if !c.quitsOn.IsZero() && !calendar.Of(t.at).Before(c.quitsOn) {
		text = code[1] + " 4"
	}
	if text == "" {
		return
	}
	in := carelog.Inbound{Carrier: simulator, CarrierMessageID: "MO" + t.ID, From: c.number, To: c.office.number, Text: text}
	s.postTo(t).post(letter{at: t.at.Add(wait), reply: &in})
	if s.faults[faultReports] && r.IntN(20) == 0 {
		again := in
		s.postTo(t).post(letter{at: t.at.Add(wait + time.Minute), reply: &again}) // the carrier posts it twice
	}
}

// said is what the reply says of the household.
func said(permille int, code string) string {
	switch {
	case permille < 860:
		return code + " 1"
	case permille < 930:
		return code + " 2 最近腰疼,下不了地"
	case permille < 980:
		return code + " 3"
	case permille < 995:
		return code + "1 都好"
	default:
		return code + " 老人晕倒了,快来人"
	}
}

// confirmed is what the reply says of a visit: they came, mostly.
func confirmed(percent int, code string) string {
	switch {
	case percent < 88:
		return code + " 1"
	case percent < 93:
		return code + " 2"
	case percent < 95:
		return code + " 1 老人病了"
	default:
		return ""
	}
}

// carelessly is how people write who do not read to the end.
func carelessly(n int, code, text string) string {
	switch n {
	case 0:
		return "1"
	case 1:
		return "收到"
	case 2:
		return "1 " + code
	case 3:
		return code[:4] + "8 1"
	case 4:
		return "明天去看"
	case 5:
		return code + " 1 " + code + " 3"
	default:
		return text
	}
}
