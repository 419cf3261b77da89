package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
	"aftercare/carelog/schedule"
	"aftercare/jobs"
	"aftercare/notify"
)

// replay works through the weeks since go-live: the real verbs and sweeps on a
// clock that jumps from morning to afternoon, with a queue in memory and the
// simulated carrier answering at once.
type replay struct {
	demo      *demo
	at        time.Time
	until     time.Time
	door      *carelog.Log
	work      *carelog.Log
	queue     *memoryQueue
	seen      map[string]int // texts read so far, by handset
	recorded  int
	answered  int
	callbacks []error // what went wrong in the carrier's callbacks
}

// memoryQueue keeps replies until the replay matches them; texts are drained anyway.
type memoryQueue struct {
	sync.Mutex
	replies []carelog.InboundID
}

func (q *memoryQueue) SendDue(context.Context, pgx.Tx, carelog.LineID) error { return nil }

func (q *memoryQueue) ReceiveReply(_ context.Context, _ pgx.Tx, id carelog.InboundID) error {
	q.Lock()
	defer q.Unlock()
	q.replies = append(q.replies, id)
	return nil
}

func (q *memoryQueue) take() []carelog.InboundID {
	q.Lock()
	defer q.Unlock()
	taken := q.replies
	q.replies = nil
	return taken
}

// carrierNow is the carrier's clock: the replay's while there is one.
func (d *demo) carrierNow() time.Time {
	if d.replay != nil {
		return d.replay.at
	}
	return d.now()
}

// reported and replied are how the quiet carrier answers during the replay.
func (d *demo) reported(r notify.Report) {
	d.replay.note(d.replay.door.StoreReport(context.Background(), carelog.Report{
		Carrier: simulator, CarrierMessageID: r.CarrierMessageID, MessageID: r.MessageID, Status: r.RawStatus, Delivery: r.Status,
		ErrorCode: r.ErrorCode, Class: carelog.Class(notify.DeliveryClass(r.ErrorCode)),
	}))
}

func (d *demo) replied(in notify.Inbound) {
	d.replay.note(d.replay.door.StoreReply(context.Background(), carelog.Inbound{
		Carrier: simulator, CarrierMessageID: in.CarrierMessageID, From: in.From, To: in.To, Text: in.Text,
	}))
}

func (r *replay) note(err error) {
	if err != nil {
		r.callbacks = append(r.callbacks, err)
	}
}

// workThroughThePast replays every working day since go-live and imports the
// whole ledger at the end, where the rows enrolled on the way change nothing.
func (d *demo) workThroughThePast(ctx context.Context, table carelog.Ledger) error {
	r := &replay{demo: d, until: d.now(), queue: &memoryQueue{}, seen: map[string]int{}}
	clock := func() time.Time { return r.at }
	r.door, r.work = d.service.newLogOn(d.service.app, r.queue, clock), d.service.newLogOn(d.service.pool, r.queue, clock)
	d.replay = r
	d.carrier.SetQuiet(true)
	defer func() {
		d.carrier.SetQuiet(false)
		d.replay = nil
	}()
	days := calendar.Official()
	today := calendar.Of(r.until)
	for day := today.AddDays(-goLiveDays); !day.After(today); day = day.AddDays(1) {
		if !days.IsWorkday(day) {
			continue
		}
		for _, hour := range []int{9, 15} {
			if r.at = day.At(hour, 5); r.at.Before(r.until) {
				if err := r.halfDay(ctx, table); err != nil {
					return fmt.Errorf("%s: %w", r.at.Format(time.DateTime), err)
				}
			}
		}
	}
	r.at = r.until
	report, err := r.importRows(ctx, table)
	if err != nil {
		return err
	}
	if len(report.Problems) > 0 {
		return fmt.Errorf("the ledger has %d problems, first: row %d, %s: %s", len(report.Problems), report.Problems[0].Row, report.Problems[0].Column, report.Problems[0].Reason)
	}
	if err := r.casesBefore(ctx, table); err != nil {
		return fmt.Errorf("record the cases: %w", err)
	}
	return errors.Join(append(r.callbacks, r.sweeps(ctx))...)
}

func (r *replay) halfDay(ctx context.Context, table carelog.Ledger) error {
	if r.at.In(calendar.Shanghai()).Hour() < 12 {
		if _, err := r.importRows(ctx, r.paidBefore(table, calendar.Of(r.at))); err != nil {
			return err
		}
	}
	if err := r.sweeps(ctx); err != nil {
		return err
	}
	if err := r.drain(ctx); err != nil {
		return err
	}
	if err := r.contactsAnswer(ctx); err != nil {
		return err
	}
	if r.at.In(calendar.Shanghai()).Hour() < 12 {
		return nil
	}
	if err := r.officersVisit(ctx); err != nil {
		return err
	}
	return r.officersSettle(ctx)
}

// officersSettle has the officers see to what the contacts reported, but for those of the last ten days.
func (r *replay) officersSettle(ctx context.Context) error {
	officer := r.demo.people.officers["li"]
	tasks, err := r.door.Tasks(ctx, officer, carelog.Page{Limit: 200})
	if err != nil {
		return err
	}
	for _, task := range tasks {
		if r.until.Sub(task.OpenedAt) < 240*time.Hour || r.at.Sub(task.OpenedAt) < 6*time.Hour {
			continue
		}
		if err := r.door.ResolveTask(ctx, officer, task.ID, "已电话联系,情况已核实,村里协助就医"); err != nil {
			return err
		}
	}
	return nil
}

// paidBefore is the ledger as the office had it on that day.
func (r *replay) paidBefore(table carelog.Ledger, day calendar.Date) carelog.Ledger {
	known := carelog.Ledger{Header: table.Header}
	for _, row := range table.Rows {
		if paid, err := calendar.Parse(row.Cells["发放日期"]); err == nil && paid.Before(day) {
			known.Rows = append(known.Rows, row)
		}
	}
	return known
}

func (r *replay) importRows(ctx context.Context, table carelog.Ledger) (carelog.ImportReport, error) {
	return r.door.ImportLedger(ctx, r.demo.people.officers["li"], table, carelog.ImportOptions{AddVillages: true})
}

func (r *replay) sweeps(ctx context.Context) error {
	_, rolled := r.work.RollCheckIns(ctx, 1000)
	_, planned := r.work.PlanMessages(ctx, 1000)
	_, checked := r.work.CheckNumbers(ctx, 1000)
	_, marked := r.work.MarkOverdue(ctx, 1000)
	_, told := r.work.Escalate(ctx, 1000)
	return errors.Join(rolled, planned, checked, marked, told)
}

func (r *replay) drain(ctx context.Context) error {
	for {
		claimed, err := r.work.ClaimMessages(ctx, r.demo.people.line, 500)
		if err != nil {
			return err
		}
		if claimed.Looked() == 0 {
			break
		}
		if err := r.work.RecordReceipts(ctx, jobs.Send(ctx, r.demo.carrier, r.work.Now, claimed.Send)); err != nil {
			return err
		}
	}
	_, err := r.work.ApplyReports(ctx, 5000)
	return err
}

var (
	requestCode = regexp.MustCompile(`请协助看望.*任务([0-9A-Z]{5})`)
	confirmCode = regexp.MustCompile(`到过.*任务([0-9A-Z]{5})`)
)

// contactsAnswer has the village contacts answer what they were asked, in the
// ways people do. The requests of the last days stay open for the visitor.
func (r *replay) contactsAnswer(ctx context.Context) error {
	recent := r.until.Sub(r.at) < 72*time.Hour
	numbers := r.demo.carrier.Numbers()
	slices.Sort(numbers)
	for _, number := range numbers {
		texts := r.demo.carrier.Handset(number)
		for _, m := range texts[min(r.seen[number], len(texts)):] {
			if visit := confirmCode.FindStringSubmatch(m.Text); m.Incoming && visit != nil && !recent {
				if err := r.demo.carrier.Reply(ctx, number, demoLine, visit[1]+" 1"); err != nil {
					return err
				}
				continue
			}
			code := requestCode.FindStringSubmatch(m.Text)
			if !m.Incoming || code == nil || recent {
				continue
			}
			r.answered++
			if err := r.demo.carrier.Reply(ctx, number, demoLine, r.answer(code[1])); err != nil {
				return err
			}
		}
		r.seen[number] = len(r.demo.carrier.Handset(number))
	}
	for _, id := range r.queue.take() {
		if err := r.work.ReceiveReply(ctx, id); err != nil {
			return err
		}
	}
	return r.drain(ctx)
}

func (r *replay) answer(code string) string {
	forms := []string{
		"%s 1", "1 %s", "%s1 都好", "%s 1", "%s 2 腰疼,最近下不了地", "%s 1", "%s 平安", "%s 3", "%s 1", "%s 1 谢谢",
	}
	return strings.Replace(forms[r.answered%len(forms)], "%s", code, 1)
}

// officersVisit has the officers record what is due, but for some of the last
// fortnight that stays overdue.
func (r *replay) officersVisit(ctx context.Context) error {
	today := calendar.Of(r.at)
	officer := r.demo.people.officers["li"]
	list, err := r.door.CheckIns(ctx, officer, carelog.CheckInFilter{Standing: "open", Limit: 200})
	if err != nil {
		return err
	}
	for _, c := range list {
		if c.Due.After(today) || c.Kind == schedule.Village || (!c.NextTryOn.IsZero() && c.NextTryOn.After(today)) {
			continue
		}
		r.recorded++
		left := calendar.Of(r.until).Sub(c.Due) < 14 && r.recorded%3 == 0
		if left || c.State != "planned" && calendar.Of(r.until).Sub(today) < 14 {
			continue
		}
		if err := r.record(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

func (r *replay) record(ctx context.Context, c carelog.CheckIn) error {
	record := carelog.CheckInRecord{Outcome: "reached", Informant: "self", Receipt: "full", UseOfMoney: "看病和孩子上学", Note: "情况稳定"}
	if r.recorded%11 == 0 && c.Kind == schedule.Phone && c.NextTryOn.IsZero() {
		record = carelog.CheckInRecord{Outcome: "no_answer", Note: "电话无人接听"}
	}
	if c.Kind == schedule.Home {
		record.AskedVillage, record.Scores, record.Note = true, r.scores(), "入户见到本人,村干部在场"
	}
	officer := r.demo.people.officers["li"]
	if r.recorded%2 == 0 {
		officer = r.demo.people.officers["wang"]
	}
	_, err := r.door.RecordCheckIn(ctx, officer, c.ID, record)
	return err
}

func (r *replay) scores() condition.Scores {
	var s condition.Scores
	for i, domain := range condition.Domains() {
		s = s.With(domain, condition.ScoreOf(2+(r.recorded+i)%2))
	}
	return s
}

// makeOffices makes the city, the county, its people and its line.
func (d *demo) makeOffices(ctx context.Context) error {
	system, past := carelog.TheSystem(), d.now().AddDate(0, 0, -goLiveDays-1)
	log := d.service.newLogOn(d.service.pool, &memoryQueue{}, func() time.Time { return past })
	city, err := log.AddOffice(ctx, system, carelog.NewOffice{Code: "3703", Name: "淄博市人民检察院", Signature: "淄博市检察院", Level: "city"})
	if err != nil {
		return err
	}
	county, err := log.AddOffice(ctx, system, carelog.NewOffice{Parent: city, Code: countyCode, Name: "沂源县人民检察院", Signature: "沂源县检察院", Level: "county"})
	if err != nil {
		return err
	}
	for _, p := range demoStaff {
		office := county
		if p.city {
			office = city
		}
		_, err := log.AddUser(ctx, system, carelog.NewUser{Office: office, Login: p.login, Name: p.name, Phone: p.phone, Roles: []carelog.Role{p.role}})
		if err != nil {
			return err
		}
	}
	_, err = log.EnsureLine(ctx, system, simulator, demoLine, county)
	return err
}
