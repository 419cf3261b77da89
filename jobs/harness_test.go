package jobs_test

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
	"aftercare/jobs"
	"aftercare/migrations"
	"aftercare/migrations/pgtest"
	"aftercare/notify"
)

func TestMain(m *testing.M) {
	if spec := os.Getenv(tormentedWorker); spec != "" {
		workUntilKilled(spec)
	}
	pgtest.Main(m)
}

// Tuesday, 24 November 2026, 09:00 in Shanghai: officer and village hours.
var tuesday = calendar.New(2026, time.November, 24).At(9, 0)

const (
	contactPhone = "+8615400000101"
	lineNumber   = "+8615400000999"
)

// carrier is a carrier that remembers what it was handed.
type carrier struct {
	sync.Mutex
	name   string // "": twilio
	handed []notify.Message
	send   func(context.Context, notify.Message) (notify.Receipt, error) // nil: takes everything
	find   func(notify.Message) ([]notify.Receipt, error)
}

func (c *carrier) Name() string { return cmp.Or(c.name, "twilio") }

func (c *carrier) Send(ctx context.Context, m notify.Message) (notify.Receipt, error) {
	c.Lock()
	c.handed = append(c.handed, m)
	send := c.send
	c.Unlock()
	if send != nil {
		return send(ctx, m)
	}
	return notify.Receipt{CarrierMessageID: "SM" + m.ID, Delivery: notify.DeliveryQueued}, nil
}

func (c *carrier) Find(_ context.Context, m notify.Message, _ time.Time) ([]notify.Receipt, error) {
	return c.find(m)
}

// to are the texts that were handed over for a number.
func (c *carrier) to(phone string) []notify.Message {
	c.Lock()
	defer c.Unlock()
	var found []notify.Message
	for _, m := range c.handed {
		if m.To == phone {
			found = append(found, m)
		}
	}
	return found
}

// house is a small office whose work is done by a real River client.
type house struct {
	t       *testing.T
	db      *pgtest.DB
	keys    [2]string // master and index
	carrier *carrier
	taker   notify.Carrier // nil: carrier
	others  []notify.Carrier
	owner   *pgxpool.Pool
	work    *pgxpool.Pool
	app     *carelog.Log
	workers *carelog.Log
	officer carelog.Actor
	contact carelog.ContactID
	faster  int    // than the sweeps of a real service
	roots   string // the file of nightly roots

	mu    sync.Mutex
	at    time.Time
	clock func() time.Time // nil: it stands still at at
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.clock != nil {
		return h.clock()
	}
	return h.at
}

func (h *house) later(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = h.at.Add(d)
}

func newHouse(t *testing.T) *house {
	t.Helper()
	db := pgtest.New(t)
	h := &house{t: t, db: db, carrier: &carrier{}, owner: pgtest.Pool(t, db.Super), work: pgtest.Pool(t, db.Work), at: tuesday}
	master, index, err := crypt.GenerateKeys(nil)
	require.NoError(t, err)
	keys, err := crypt.NewKeyring(master, index)
	require.NoError(t, err)
	h.keys = [2]string{master, index}
	h.app = h.log(pgtest.Pool(t, db.App), keys)
	h.workers = h.log(h.work, keys)
	system := carelog.TheSystem()
	office, err := h.workers.AddOffice(t.Context(), system, carelog.NewOffice{Code: "370323", Name: "沂源县人民检察院", Signature: "沂源县检察院", Level: "county"})
	require.NoError(t, err)
	_, err = h.workers.EnsureLine(t.Context(), system, "twilio", lineNumber, office)
	require.NoError(t, err)
	user, err := h.workers.AddUser(t.Context(), system, carelog.NewUser{Office: office, Login: "li", Name: "李某", Phone: "+8615400000201", Roles: []carelog.Role{carelog.Officer}})
	require.NoError(t, err)
	secret, err := h.workers.IssueToken(t.Context(), system, user, "test", tuesday.AddDate(1, 0, 0))
	require.NoError(t, err)
	h.officer, err = h.app.Authenticate(t.Context(), secret)
	require.NoError(t, err)
	h.contact, err = h.workers.AddContact(t.Context(), system, carelog.NewContact{
		Verified: true, Office: office, Name: "赵某", Phone: contactPhone, Role: "committee_head", Villages: []carelog.VillageName{{Township: "南麻街道", Name: "柿岭村"}},
	})
	require.NoError(t, err)
	return h
}

func (h *house) log(pool *pgxpool.Pool, keys *crypt.Keyring) *carelog.Log {
	queue, err := jobs.NewQueue(pool, migrations.RiverSchema)
	require.NoError(h.t, err)
	return carelog.New(carelog.Config{DB: pool, Keys: keys, Queue: queue, Words: notify.NewPhrasebook("沂源县检察院"), Carrier: "twilio", Now: h.now})
}

// start has a River client work until the returned stop, or the end of the test.
func (h *house) start() (stop func()) {
	h.t.Helper()
	taker := h.taker
	if taker == nil {
		taker = h.carrier
	}
	client, err := jobs.NewClient(h.work, jobs.Config{Log: h.workers, Carriers: notify.NewCarriers(append(h.others, taker)...), Schema: migrations.RiverSchema, Faster: h.faster, RootFile: h.roots, Slog: slog.New(slog.DiscardHandler)})
	require.NoError(h.t, err)
	require.NoError(h.t, client.Start(context.Background()))
	stop = sync.OnceFunc(func() { require.NoError(h.t, client.Stop(context.Background())) })
	h.t.Cleanup(stop)
	return stop
}

// enrol takes somebody into care whose village is asked at once.
func (h *house) enrol(externalID string) carelog.Enrolled {
	h.t.Helper()
	made, err := h.enrolWith(externalID, h.contact)
	require.NoError(h.t, err)
	return made
}

func (h *house) enrolWith(externalID string, contact carelog.ContactID) (carelog.Enrolled, error) {
	return h.app.EnrolRecipient(h.t.Context(), h.officer, carelog.Enrolment{
		ExternalID: externalID, Name: "马某某", Village: carelog.VillageName{Township: "南麻街道", Name: "柿岭村"},
		Award:   carelog.Award{TotalFen: 500000, PaidOn: calendar.Of(tuesday).AddDays(-176)},
		Officer: "li", Primary: contact, Alias: "2组老马家",
	})
}

func (h *house) count(sql string, args ...any) int {
	h.t.Helper()
	var n int
	require.NoError(h.t, h.owner.QueryRow(context.Background(), sql, args...).Scan(&n))
	return n
}

// becomes waits until the query counts n.
func (h *house) becomes(n int, sql string, args ...any) {
	h.t.Helper()
	require.Eventually(h.t, func() bool { return h.count(sql, args...) == n }, 20*time.Second, 20*time.Millisecond, sql)
}
