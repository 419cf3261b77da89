// Package jobs is what happens later: River workers, one action a file. A worker
// is thin: it calls one verb of the care log, which looks at the rows again. Jobs
// carry ids only. Sweeps catch up on everything due since they last ran, so a
// lost tick or a long outage loses nothing.
package jobs

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"aftercare/carelog"
	"aftercare/notify"
)

// Time limits in order: a carrier call 10 s < a job 30 s < the rescue of a job
// whose process died 1 min. Until then its unique sweep or drain is not begun again.
const (
	jobTimeout  = 30 * time.Second
	rescueAfter = time.Minute
	softStop    = 6 * time.Second
)

// Config is what the workers work with.
type Config struct {
	Log      *carelog.Log    // on the workers' database role
	Carriers notify.Carriers // take the texts, each those of its lines
	Schema   string          // where River's tables live
	Slog     *slog.Logger
	Hooks    *notify.Hooks // tells subscribers; nil: public addresses only
	RootFile string        // where the nightly roots are kept besides the database; empty: nowhere
	Faster   int           // for tests whose clock runs faster: sweeps and time limits are as many times shorter; 0: 1
}

// at is an interval or a limit at the pace of the configuration.
func (c Config) at(d time.Duration) time.Duration { return d / time.Duration(max(c.Faster, 1)) }

// Client is the River client of this service.
type Client = river.Client[pgx.Tx]

// NewClient makes a client that works every queue, one a kind, so that a long
// sweep keeps no reply waiting. Start and Stop are the caller's. Every process
// that may lead runs the same workers and sweeps.
func NewClient(pool *pgxpool.Pool, c Config) (*Client, error) {
	return river.NewClient(riverpgxv5.New(pool), &river.Config{
		Schema: c.Schema,
		Logger: slog.New(warnings{c.Slog.Handler()}),
		Queues: map[string]river.QueueConfig{
			"replies":     {MaxWorkers: 16, FetchCooldown: 20 * time.Millisecond},
			"sending":     {MaxWorkers: 8, FetchCooldown: 20 * time.Millisecond},
			"waking":      {MaxWorkers: 1},
			"reports":     {MaxWorkers: 1},
			"reconciling": {MaxWorkers: 1},
			"catching_up": {MaxWorkers: 1},
			"rolling":     {MaxWorkers: 1},
			"planning":    {MaxWorkers: 1},
			"recovering":  {MaxWorkers: 1},
			"verifying":   {MaxWorkers: 1},
			"overdue":     {MaxWorkers: 1},
			"escalating":  {MaxWorkers: 1},
			"digesting":   {MaxWorkers: 1},
			"forgetting":  {MaxWorkers: 1},
			"referring":   {MaxWorkers: 1},
			"cases":       {MaxWorkers: 1},
			"hooking":     {MaxWorkers: 1},
			"alarming":    {MaxWorkers: 1},
			"indexing":    {MaxWorkers: 1},
			"proving":     {MaxWorkers: 1},
			"retaining":   {MaxWorkers: 1},
		},
		Workers:              Workers(c),
		PeriodicJobs:         sweeps(c),
		JobTimeout:           c.at(jobTimeout),
		RescueStuckJobsAfter: c.at(rescueAfter),
		SoftStopTimeout:      softStop,
		ReindexerSchedule:    threeInTheMorning{},
	})
}

// Workers is the one list of what is done later.
func Workers(c Config) *river.Workers {
	workers := river.NewWorkers()
	river.AddWorker(workers, &receiveReply{log: c.Log})
	river.AddWorker(workers, &recoverReplies{log: c.Log, slog: c.Slog})
	river.AddWorker(workers, &drainMessages{log: c.Log, carriers: c.Carriers, slog: c.Slog, time: c.at(drainTime)})
	river.AddWorker(workers, &wakeLines{log: c.Log, period: max(c.at(jobTimeout), time.Second)})
	river.AddWorker(workers, &applyReports{log: c.Log, slog: c.Slog})
	river.AddWorker(workers, &reconcileMessages{log: c.Log, carriers: c.Carriers, slog: c.Slog})
	river.AddWorker(workers, &catchUpDeliveries{log: c.Log, carriers: c.Carriers, slog: c.Slog})
	river.AddWorker(workers, &catchUpReplies{log: c.Log, carriers: c.Carriers, slog: c.Slog})
	river.AddWorker(workers, &rollCheckIns{log: c.Log, slog: c.Slog})
	river.AddWorker(workers, &planMessages{log: c.Log, slog: c.Slog})
	river.AddWorker(workers, &checkNumbers{log: c.Log, slog: c.Slog})
	river.AddWorker(workers, &markOverdue{log: c.Log, slog: c.Slog})
	river.AddWorker(workers, &escalate{log: c.Log, slog: c.Slog})
	river.AddWorker(workers, &digestWeekly{log: c.Log, slog: c.Slog})
	river.AddWorker(workers, &forgetAnswers{log: c.Log, slog: c.Slog})
	river.AddWorker(workers, &applyRetention{log: c.Log, slog: c.Slog})
	river.AddWorker(workers, &watchReferrals{log: c.Log, slog: c.Slog})
	river.AddWorker(workers, &callHooks{log: c.Log, slog: c.Slog, hooks: cmp.Or(c.Hooks, notify.NewHooks(false, c.Log.Now))})
	river.AddWorker(workers, &watchCases{log: c.Log, slog: c.Slog})
	river.AddWorker(workers, &watchInstalments{log: c.Log, slog: c.Slog})
	river.AddWorker(workers, &watchReports{log: c.Log, slog: c.Slog})
	river.AddWorker(workers, &prove{log: c.Log, slog: c.Slog, roots: c.RootFile, time: c.at(jobTimeout) / 2})
	river.AddWorker(workers, &indexStaffNumbers{log: c.Log, slog: c.Slog})
	river.AddWorker(workers, &indexPersons{log: c.Log, slog: c.Slog})
	return workers
}

// sweeps is the one list of what is looked after regularly.
func sweeps(c Config) []*river.PeriodicJob {
	every := func(interval time.Duration, args river.JobArgs) *river.PeriodicJob {
		return river.NewPeriodicJob(river.PeriodicInterval(c.at(interval)), func() (river.JobArgs, *river.InsertOpts) { return args, nil },
			&river.PeriodicJobOpts{RunOnStart: true})
	}
	return []*river.PeriodicJob{
		every(2*time.Second, wakeLinesArgs{}),
		every(2*time.Second, applyReportsArgs{}),
		every(time.Minute, reconcileMessagesArgs{}),
		every(time.Minute, recoverRepliesArgs{}),
		every(time.Hour, catchUpDeliveriesArgs{}),
		every(time.Hour, catchUpRepliesArgs{}),
		every(10*time.Minute, rollCheckInsArgs{}),
		every(time.Minute, planMessagesArgs{}),
		every(time.Minute, checkNumbersArgs{}),
		every(time.Minute, markOverdueArgs{}),
		every(5*time.Second, escalateArgs{}), // what is red counts in hours, at any hour
		every(time.Hour, digestWeeklyArgs{}),
		every(time.Hour, forgetAnswersArgs{}),
		every(time.Hour, applyRetentionArgs{}), // a night's run begins at two and is done once
		every(time.Hour, watchReferralsArgs{}),
		every(time.Hour, watchCasesArgs{}),
		every(5*time.Second, callHooksArgs{}),
		every(time.Hour, watchInstalmentsArgs{}),
		every(time.Minute, watchReportsArgs{}),
		every(5*time.Minute, proveArgs{}), // once a night; a long one goes on at the next tick
		every(time.Hour, indexStaffNumbersArgs{}),
		every(time.Hour, indexPersonsArgs{}),
	}
}

// oneAtATime keeps ticks from piling up behind a long sweep. It is no business
// key: what must be done once is kept once by constraints of ours.
func oneAtATime(queue string) river.InsertOpts {
	return river.InsertOpts{Queue: queue, MaxAttempts: 3, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateScheduled, rivertype.JobStateRetryable,
	}}}
}

// oneSoonAgain is for sweeps that nobody may do without for long: one that died with
// its process stands as running until it is rescued, and keeps the next one waiting
// for the time a job has at most. River lets no unique job leave out the running;
// two of these side by side do no harm.
func oneSoonAgain(queue string) river.InsertOpts {
	opts := oneAtATime(queue)
	opts.UniqueOpts.ByPeriod = jobTimeout
	return opts
}

// threeInTheMorning moves River's reindexing away from its default of midnight
// UTC, which is the morning peak in Shanghai.
type threeInTheMorning struct{}

func (threeInTheMorning) Next(current time.Time) time.Time {
	utc := current.UTC()
	next := time.Date(utc.Year(), utc.Month(), utc.Day(), 19, 0, 0, 0, time.UTC)
	if !next.After(utc) {
		next = next.AddDate(0, 0, 1)
	}
	return next
}
