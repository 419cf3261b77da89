package jobs_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"aftercare/api"
	"aftercare/carelog"
	"aftercare/internal/crypt"
	"aftercare/jobs"
	"aftercare/migrations"
	"aftercare/notify"
)

// The size of the torment: AFTERCARE_TORMENT_TEXTS (short: 300) and
// AFTERCARE_TORMENT_SEED, which chooses the faults and the moments of death.
const (
	shortTorment = 300
	longTorment  = 1000 // from here on the clock runs half as fast, so that the morning lasts
)

// tormentedWorker in the environment makes the test binary a worker process.
const tormentedWorker = "AFTERCARE_TORMENTED_WORKER"

// ordeal is what a worker process is told.
type ordeal struct {
	Work, Carrier string // addresses of the database and of the carrier
	Keys          [2]string
	Began         time.Time
	Speed         int // how much faster than ours the clock of care runs
}

func (o ordeal) now() time.Time {
	return tuesday.Add(time.Since(o.Began) * time.Duration(o.Speed))
}

// Sweeps and time limits are as much shorter as half the speed: what must happen
// in an order of time keeps its order with room to spare.
func (o ordeal) shorter() int { return o.Speed / 2 }

// workUntilKilled works the queues as `serve --role work` does, until it is killed
// or the test that started it is gone.
func workUntilKilled(spec string) {
	ctx := context.Background()
	client, err := func() (*jobs.Client, error) {
		var o ordeal
		if err := json.Unmarshal([]byte(spec), &o); err != nil {
			return nil, err
		}
		pool, err := pgxpool.New(ctx, o.Work+"&pool_max_conns=10")
		if err != nil {
			return nil, err
		}
		keys, err := crypt.NewKeyring(o.Keys[0], o.Keys[1])
		if err != nil {
			return nil, err
		}
		queue, err := jobs.NewQueue(pool, migrations.RiverSchema)
		if err != nil {
			return nil, err
		}
		twilio, err := notify.NewTwilio(notify.TwilioConfig{
			AccountSID: "AC1", AuthToken: fakeToken, From: lineNumber, PublicURL: fakePublic,
			APIURL: o.Carrier, Timeout: 10 * time.Second / time.Duration(o.shorter()), Now: o.now,
		})
		if err != nil {
			return nil, err
		}
		log := carelog.New(carelog.Config{DB: pool, Keys: keys, Queue: queue, Words: notify.NewPhrasebook("沂源县检察院"), Carrier: "twilio", Now: o.now})
		return jobs.NewClient(pool, jobs.Config{
			Log: log, Carriers: notify.NewCarriers(twilio), Schema: migrations.RiverSchema, Faster: o.shorter(),
			Slog: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		})
	}()
	if err == nil {
		err = client.Start(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tormented worker:", err)
		os.Exit(1)
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// torment is a house whose texts are sent by processes that keep dying.
type torment struct {
	*house
	ordeal
	dice    *rand.Rand // of the parent's own goroutine
	fake    *fakeTwilio
	workers [2]*exec.Cmd
	kills   int
	started int
	stdins  []io.Closer
}

func newTorment(t *testing.T, texts int, seed uint64) *torment {
	h := newHouse(t)
	m := &torment{house: h, dice: rand.New(rand.NewPCG(seed, 1))}
	m.ordeal = ordeal{Work: h.db.Work, Keys: h.keys, Began: time.Now(), Speed: 40}
	if texts >= longTorment {
		m.Speed = 20
	}
	h.mu.Lock()
	h.clock = m.ordeal.now
	h.mu.Unlock()
	door := api.Handler(api.Config{Log: h.app, Carrier: "twilio", Twilio: notify.TwilioWebhook{PublicURL: fakePublic, Tokens: []string{fakeToken}}})
	m.fake = newFakeTwilio(t, seed, m.ordeal.now, door)
	m.Carrier = m.fake.url
	m.ordeal.Began = time.Now()
	_, err := h.owner.Exec(t.Context(), "UPDATE offices SET requests_a_day = 50, requests_a_week = 50")
	require.NoError(t, err)
	t.Cleanup(func() {
		for i := range m.workers {
			m.kill(i)
		}
	})
	return m
}

func (m *torment) start(i int) {
	spec, err := json.Marshal(m.ordeal)
	require.NoError(m.t, err)
	worker := exec.Command(os.Args[0])
	worker.Env = append(os.Environ(), tormentedWorker+"="+string(spec))
	out, err := worker.StderrPipe()
	require.NoError(m.t, err)
	in, err := worker.StdinPipe()
	require.NoError(m.t, err)
	require.NoError(m.t, worker.Start())
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			m.fake.complain(lines.Text())
		}
	}()
	m.workers[i], m.stdins = worker, append(m.stdins, in)
	m.started++
}

// kill ends a worker as the kernel does when memory is short: in the middle of
// anything, nothing is handed back.
func (m *torment) kill(i int) {
	if worker := m.workers[i]; worker != nil {
		_ = worker.Process.Kill()
		_ = worker.Wait()
		m.workers[i] = nil
	}
}

// passTime does what River's own clock, which is ours, would take half a minute
// for: the lease of a dead leader ends, and the jobs of the dead are rescued.
func (m *torment) passTime(leader bool) {
	ctx := context.Background()
	if leader {
		_, err := m.owner.Exec(ctx, "DELETE FROM river.river_leader")
		require.NoError(m.t, err)
	}
	_, err := m.owner.Exec(ctx, `UPDATE river.river_job SET state = 'available' WHERE state = 'running' AND attempted_at < clock_timestamp() - $1::interval
		OR state = 'retryable' AND attempted_at < clock_timestamp() - interval '1 second'`, time.Minute/time.Duration(m.shorter()))
	require.NoError(m.t, err)
}

// feed enrols households side by side, at a pace that lasts while workers die.
func (m *torment) feed(ctx context.Context, texts int, every time.Duration) error {
	var contacts []carelog.ContactID
	var group errgroup.Group
	group.SetLimit(2)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for i := range texts {
		if i%3 == 0 {
			id, err := m.house.workers.AddContact(ctx, carelog.TheSystem(), carelog.NewContact{
				Verified: true, Office: m.officer.Office, Name: "赵某", Phone: fmt.Sprintf("+8615401%06d", i), Role: "committee_head",
				Villages: []carelog.VillageName{{Township: "南麻街道", Name: "柿岭村"}},
			})
			if err != nil {
				return err
			}
			contacts = append(contacts, id)
		}
		contact := contacts[len(contacts)-1]
		group.Go(func() error {
			_, err := m.enrolWith(fmt.Sprint("T-", i), contact)
			return err
		})
		<-tick.C
	}
	return group.Wait()
}

const unsettledRequests = `SELECT count(*) FROM messages WHERE purpose = 'village_request'
	AND (dispatch = 'sending' OR dispatch = 'planned' AND (tries > 0 OR not_before <= $1))`

// TestTorment: two processes send while one of them is killed every second, the
// carrier throttles, fails, drops connections after taking a text and reports in
// any order. It runs beside no other test: half of it is time.
func TestTorment(t *testing.T) {
	texts, err := strconv.Atoi(cmp.Or(os.Getenv("AFTERCARE_TORMENT_TEXTS"), strconv.Itoa(shortTorment)))
	require.NoError(t, err)
	seed, err := strconv.ParseUint(cmp.Or(os.Getenv("AFTERCARE_TORMENT_SEED"), "7"), 10, 64)
	require.NoError(t, err)
	t.Logf("%d texts, seed %d", texts, seed)
	m := newTorment(t, texts, seed)
	for i := range m.workers {
		m.start(i)
	}
	var feeding errgroup.Group
	var fed atomic.Bool
	feeding.Go(func() error {
		defer fed.Store(true)
		return m.feed(context.Background(), texts, 20*time.Millisecond)
	})
	for !fed.Load() {
		wait(300*time.Millisecond + time.Duration(m.dice.Int64N(int64(1200*time.Millisecond))))
		i := m.dice.IntN(len(m.workers))
		m.kill(i)
		m.kills++
		m.passTime(true)
		m.start(i)
	}
	require.NoError(t, feeding.Wait())
	require.Eventually(t, func() bool {
		m.passTime(false)
		return m.count(unsettledRequests, m.ordeal.now()) == 0
	}, 90*time.Second, 250*time.Millisecond, "texts are left over")
	m.fake.reports.Wait()
	m.becomes(0, "SELECT count(*) FROM delivery_reports WHERE applied_at IS NULL")
	m.judge(texts)
}

func wait(d time.Duration) { <-time.After(d) }

// judge compares what our rows say with the carrier's own record.
func (m *torment) judge(texts int) {
	type row struct {
		id, code, dispatch, delivery, carrierID string
	}
	rows, err := m.owner.Query(context.Background(), `SELECT m.id::text, coalesce(a.code, 'none'), m.dispatch, m.delivery, CASE WHEN m.rides_with IS NULL THEN coalesce(m.carrier_message_id, '') ELSE '' END
		FROM messages m JOIN message_asks b ON b.message_id = m.id JOIN asks a ON a.id = b.ask_id
		WHERE m.purpose = 'village_request' AND (m.tries > 0 OR m.not_before <= $1) ORDER BY m.id`, m.ordeal.now())
	require.NoError(m.t, err)
	defer rows.Close()
	states := map[string]int{}
	var doubled, missing, untold, unknownTaken, wrong []string
	for rows.Next() {
		var r row
		require.NoError(m.t, rows.Scan(&r.id, &r.code, &r.dispatch, &r.delivery, &r.carrierID))
		states[r.dispatch]++
		taken := m.fake.naming(r.code) // a text may ask about several households, each by its code
		switch {
		case len(taken) > 1:
			doubled = append(doubled, r.id)
		case r.dispatch == "accepted" && len(taken) == 0:
			missing = append(missing, r.id)
		case r.dispatch == "unknown":
			if len(taken) == 1 {
				unknownTaken = append(unknownTaken, r.id)
			}
		case r.dispatch != "accepted" && len(taken) == 1:
			untold = append(untold, r.id)
		case len(taken) == 1 && (r.carrierID != "" && taken[0].sid != r.carrierID || taken[0].reported != "" && taken[0].reported != r.delivery):
			wrong = append(wrong, fmt.Sprintf("%s: %s %s, the carrier says %s %s", r.id, r.carrierID, r.delivery, taken[0].sid, taken[0].reported))
		}
	}
	require.NoError(m.t, rows.Err())
	m.t.Logf("%d kills in %s; our rows %v; the carrier took %d, doubled %d, missing %d, taken and not told %d, unknown of which taken %d; its faults %v",
		m.kills, time.Since(m.Began).Round(time.Second), states, m.fake.total(), len(doubled), len(missing), len(untold), len(unknownTaken), m.fake.faults)
	m.t.Logf("tries %v, workers' complaints %v", m.tries(), m.fake.complaints())
	require.Empty(m.t, doubled, "said twice")
	require.Empty(m.t, m.fake.twice(), "taken twice")
	require.Empty(m.t, missing, "accepted, and the carrier never had it")
	require.Empty(m.t, untold, "the carrier has it, and our row says otherwise")
	require.Empty(m.t, wrong, "the row is not the truth")
	require.Zero(m.t, states["planned"]+states["sending"])
	total := 0
	for _, n := range states {
		total += n
	}
	require.Equal(m.t, texts, total)
	promises, err := m.house.workers.Promises(context.Background(), time.Time{})
	require.NoError(m.t, err)
	require.True(m.t, promises.Kept(), "%+v", promises)
	found, err := m.house.workers.VerifyAll(context.Background(), carelog.TheSystem())
	require.NoError(m.t, err)
	require.Equal(m.t, texts, found.Files)
	require.Empty(m.t, found.Names)
}

func (m *torment) tries() map[int]int {
	rows, err := m.owner.Query(context.Background(), "SELECT tries, count(*) FROM messages WHERE tries > 0 GROUP BY 1")
	require.NoError(m.t, err)
	defer rows.Close()
	found := map[int]int{}
	for rows.Next() {
		var n, of int
		require.NoError(m.t, rows.Scan(&n, &of))
		found[n] = of
	}
	return found
}
