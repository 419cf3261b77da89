package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/jobs"
)

// spell is a time in which something is the matter; the zero one never is.
type spell struct{ from, until time.Time }

func (p spell) covers(at time.Time) bool { return !at.Before(p.from) && at.Before(p.until) }

// weather is when which fault is at work.
type weather struct{ sms, scheduler spell }

// outageDays is how long the carrier and the scheduler are away.
const outageDays = 10

// forecast lays the outages: the carrier's after a third of the time, the
// scheduler's after two thirds, each from a morning on.
func (s *simulation) forecast() weather {
	var w weather
	days := min(outageDays, max(1, s.span/6))
	at := func(third int) spell {
		from := s.workdayAfter(third * s.span / 3)
		return spell{from.At(10, 0), from.AddDays(days).At(10, 0)}
	}
	if s.faults[faultSMS] {
		w.sms = at(1)
	}
	if s.faults[faultScheduler] {
		w.scheduler = at(2)
	}
	return w
}

// workdayAfter is the first working day so many days on.
func (s *simulation) workdayAfter(days int) calendar.Date {
	return s.days.RollForward(s.from.AddDays(days))
}

// The moments of a day at which something can happen; between them the clock jumps.
var (
	workdayMoments = []moment{{8, 30}, {9, 0}, {10, 30}, {14, 0}, {14, 30}, {16, 30}, {18, 30}, {22, 0}}
	restdayMoments = []moment{{9, 0}, {15, 0}, {22, 0}}
)

type moment struct{ hour, minute int }

// run lives through every day and looks at the promises at the end of each.
func (s *simulation) run(ctx context.Context) error {
	began := time.Now()
	for n := range s.span {
		today := s.from.AddDays(n)
		if err := s.publish(ctx, today); err != nil {
			return err
		}
		if err := s.day(ctx, today); err != nil {
			return err
		}
		if s.meddle != nil {
			if err := s.meddle(ctx, s); err != nil {
				return err
			}
		}
		if err := s.lookAtPromises(ctx, today); err != nil {
			return err
		}
		if monthEnds := today.AddDays(1).Day() == 1; monthEnds || n&(n-1) == 0 {
			if err := s.tidyUp(ctx); err != nil {
				return err
			}
			if monthEnds {
				fmt.Fprintf(s.progress, "%s  %d enrolled  %d texts taken  %d forgotten  %.0f s\n",
					today.String()[:7], s.enrolled(), len(s.carrier.count), s.broken.Forgotten, time.Since(began).Seconds())
			}
		}
	}
	return nil
}

// tidyUp does what autovacuum would: every month, and on days 1, 2, 4, 8 … while
// the tables grow so fast that yesterday's plans of queries are wrong.
func (s *simulation) tidyUp(ctx context.Context) error {
	if _, err := s.eyes.Exec(ctx, "VACUUM ANALYZE"); err != nil {
		return fmt.Errorf("tidy up: %w", err)
	}
	return nil
}

func (s *simulation) enrolled() int {
	n := 0
	for _, h := range s.households {
		if h.enrolled {
			n++
		}
	}
	return n
}

func (s *simulation) day(ctx context.Context, today calendar.Date) error {
	moments := restdayMoments
	work := s.days.IsWorkday(today)
	if work {
		moments = workdayMoments
	}
	for _, m := range moments {
		s.clock.set(today.At(m.hour, m.minute))
		err := s.sideBySide(func(o *simOffice) error {
			if err := s.deliver(ctx, o); err != nil {
				return err
			}
			switch {
			case work && m == (moment{10, 30}):
				return s.enrolToday(ctx, o, today)
			case work && m == (moment{16, 30}):
				return s.officersWork(ctx, o, today)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if work && m == (moment{16, 30}) {
			if err := s.handOver(ctx, today); err != nil {
				return err
			}
		}
		if err := s.machinesWork(ctx); err != nil {
			return err
		}
	}
	return nil
}

// machinesWork is what the workers do at a moment: replies, sweeps and drains,
// unless the scheduler is off.
func (s *simulation) machinesWork(ctx context.Context) error {
	now := s.clock.now()
	if s.weather.scheduler.covers(now) {
		return nil
	}
	s.swept = now
	err := s.sideBySide(func(o *simOffice) error {
		for _, id := range o.queue.take() {
			if err := o.work.ReceiveReply(ctx, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.sweep(ctx); err != nil {
		return err
	}
	lines, err := s.work.DueLines(ctx, simulator)
	if err != nil {
		return err
	}
	if err := s.drain(ctx, s.city, lines); err != nil {
		return err
	}
	if err := s.sideBySide(func(o *simOffice) error { return s.drain(ctx, o, lines) }); err != nil {
		return err
	}
	s.textsArrive()
	return nil
}

// sweepLimit is how much one call of a sweep or claim takes: all there is, so that
// which of equals come first is no matter of how the database lays its pages.
const sweepLimit = 100_000

// sweep runs every sweep of jobs.sweeps until it has caught up.
func (s *simulation) sweep(ctx context.Context) error {
	for _, verb := range []func(context.Context, int) (int, error){
		s.work.RecoverReplies, s.work.ApplyReports, s.reconcile, s.work.RollCheckIns, s.work.PlanMessages, s.work.CheckNumbers,
		func(ctx context.Context, limit int) (int, error) {
			marked, err := s.work.MarkOverdue(ctx, limit)
			return marked.Total(), err
		},
		s.work.WatchReferrals, s.work.WatchCases, s.work.WatchInstalments, s.work.WatchReports, s.work.Escalate, s.work.SendWeeklyDigests, s.work.ForgetAnswers,
		func(ctx context.Context, limit int) (int, error) {
			run, err := s.work.ApplyRetention(ctx, limit)
			return run.Batch, err
		},
	} {
		for {
			n, err := verb(ctx, sweepLimit)
			if err != nil {
				return err
			}
			if n < sweepLimit {
				break
			}
		}
	}
	return nil
}

// reconcile asks the carrier about messages a dead process left on the wire. What
// an absent carrier cannot say now is asked again at the next moment.
func (s *simulation) reconcile(ctx context.Context, limit int) (int, error) {
	stuck, err := s.work.StuckMessages(ctx, carelog.Stuck{}, limit)
	if err != nil {
		return 0, err
	}
	settled := 0
	for _, one := range stuck {
		switch err := jobs.Settle(ctx, s.work, s.carrier, one); {
		case err == nil:
			settled++
		case !errors.Is(err, errAway):
			return 0, err
		}
	}
	return settled, nil
}

// drain sends what is due on an office's line, as the drain job does. With the
// fault a process dies now and then: before, within or after its calls to the
// carrier, and always before what it answered is written down.
func (s *simulation) drain(ctx context.Context, o *simOffice, due []carelog.LineID) error {
	for n := 0; slices.Contains(due, o.line); n++ {
		claimed, err := o.work.ClaimMessages(ctx, o.line, sweepLimit)
		if err != nil || claimed.Looked() == 0 {
			return err
		}
		dies := s.dice.roll("crash", s.clock.now(), o.no, n)
		if s.faults[faultCrashes] && len(claimed.Send) > 0 && dies.IntN(40) == 0 {
			jobs.Send(ctx, s.carrier, s.clock.now, claimed.Send[:dies.IntN(len(claimed.Send)+1)])
			continue // and another goes on with what is left
		}
		if err := o.work.RecordReceipts(ctx, jobs.Send(ctx, s.carrier, s.clock.now, claimed.Send)); err != nil {
			return err
		}
	}
	return nil
}

// lookAtPromises asks P1 and P2 at the end of a day.
func (s *simulation) lookAtPromises(ctx context.Context, today calendar.Date) error {
	p, err := s.work.Promises(ctx, s.swept)
	if err != nil {
		return err
	}
	s.broken.Forgotten = max(s.broken.Forgotten, p.Forgotten)
	s.broken.DroppedSilently = max(s.broken.DroppedSilently, p.DroppedSilently)
	s.broken.Unsettled = max(s.broken.Unsettled, p.Unsettled)
	for _, id := range p.Plans {
		s.spoil("forgotten plan "+id.String(), today)
	}
	for _, id := range p.Messages {
		s.spoil("dropped message "+id.String(), today)
	}
	return nil
}

// spoil remembers an offender and the first day it was seen.
func (s *simulation) spoil(what string, today calendar.Date) {
	if _, seen := s.spoiled[what]; !seen {
		s.spoiled[what] = today.String()
	}
}

// did counts a verb that said no, and lets nothing else pass: a refusal is a rule
// at work, anything else is a fault of ours.
func (s *simulation) did(verb string, err error) error {
	var refusal *carelog.Error
	if errors.As(err, &refusal) && refusal.Kind != carelog.NotFound {
		s.mu.Lock()
		s.refused[verb+": "+refusal.Error()]++
		s.mu.Unlock()
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	return nil
}
