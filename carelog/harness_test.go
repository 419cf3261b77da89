package carelog_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
	"aftercare/migrations/pgtest"
	"aftercare/notify"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// queue remembers what was enqueued, for the test to do when it likes.
type queue struct {
	sync.Mutex
	due     []carelog.LineID
	replies []carelog.InboundID
}

func (q *queue) SendDue(_ context.Context, _ pgx.Tx, line carelog.LineID) error {
	q.Lock()
	defer q.Unlock()
	q.due = append(q.due, line)
	return nil
}

func (q *queue) ReceiveReply(_ context.Context, _ pgx.Tx, id carelog.InboundID) error {
	q.Lock()
	defer q.Unlock()
	q.replies = append(q.replies, id)
	return nil
}

// county is a small office with people, on a real database and an injected clock.
type county struct {
	t       testing.TB
	db      *pgtest.DB
	pool    *pgxpool.Pool // the owner's, to look at rows
	app     *carelog.Log
	work    *carelog.Log
	queue   *queue
	keys    *crypt.Keyring
	clock   *clock
	office  carelog.OfficeID
	line    carelog.LineID
	officer carelog.Actor
	boss    carelog.Actor
	admin   carelog.Actor
	guard   carelog.Actor // security administrator, where there are passwords
	contact carelog.ContactID
	heard   int // replies so far
	config  carelog.Config
}

type clock struct {
	sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.Lock()
	defer c.Unlock()
	return c.at
}

func (c *clock) set(at time.Time) {
	c.Lock()
	defer c.Unlock()
	c.at = at
}

// Tuesday, 24 November 2026, 09:00 in Shanghai: a working day, officer and village hours.
var tuesday = calendar.New(2026, time.November, 24).At(9, 0)

const (
	contactPhone = "+8615400000101"
	officerPhone = "+8615400000201"
	lineNumber   = "+8615400000999"
)

// seededSource gives a test the same ids at every run: of home visits one in
// twenty is scored blind, chosen by its id, and no test is to depend on that.
type seededSource struct {
	sync.Mutex
	*rand.ChaCha8
}

func seeded(name string) *seededSource {
	return &seededSource{ChaCha8: rand.NewChaCha8(sha256.Sum256([]byte(name)))}
}

func (s *seededSource) Read(p []byte) (int, error) {
	s.Lock()
	defer s.Unlock()
	return s.ChaCha8.Read(p)
}

func newCounty(t testing.TB) *county {
	t.Helper()
	master, index, err := crypt.GenerateKeys(nil)
	require.NoError(t, err)
	keys, err := crypt.NewKeyring(master, index)
	require.NoError(t, err)
	return newCountyWith(t, keys)
}

func newCountyWith(t testing.TB, keys *crypt.Keyring) *county {
	t.Helper()
	c := &county{t: t, db: pgtest.New(t), queue: &queue{}, clock: &clock{at: tuesday}, keys: keys}
	config := carelog.Config{Keys: keys, Queue: c.queue, Words: notify.NewPhrasebook("沂源县检察院"), Carrier: "twilio", Now: c.clock.now, Random: seeded(t.Name())}
	c.config = config
	config.DB = pgtest.Pool(t, c.db.App)
	c.app = carelog.New(config)
	config.DB = pgtest.Pool(t, c.db.Work)
	c.work = carelog.New(config)
	c.pool = pgtest.Pool(t, c.db.Owner)
	c.office = c.addOffice("370323", "沂源县人民检察院", carelog.OfficeID{})
	var err error
	c.line, err = c.work.EnsureLine(c.ctx(), carelog.TheSystem(), "twilio", lineNumber, carelog.OfficeID{})
	require.NoError(t, err)
	c.officer = c.addUser(c.office, "li", officerPhone, carelog.Officer)
	c.boss = c.addUser(c.office, "zhao", "+8615400000202", carelog.Supervisor)
	c.admin = c.addUser(c.office, "admin", "", carelog.SystemAdministrator)
	c.contact = c.addContact("赵某", contactPhone)
	return c
}

func (c *county) ctx() context.Context { return context.Background() }

func (c *county) addOffice(code, name string, parent carelog.OfficeID) carelog.OfficeID {
	id, err := c.work.AddOffice(c.ctx(), carelog.TheSystem(), carelog.NewOffice{Parent: parent, Code: code, Name: name, Signature: "沂源县检察院", Level: "county"})
	require.NoError(c.t, err)
	// A text a household, so that a test sees what each of them is told; bundles_test.go has them together.
	c.exec("UPDATE offices SET together = false")
	return id
}

func (c *county) addUser(office carelog.OfficeID, login, phone string, roles ...carelog.Role) carelog.Actor {
	system := carelog.TheSystem()
	id, err := c.work.AddUser(c.ctx(), system, carelog.NewUser{Office: office, Login: login, Name: login + "某", Phone: phone, Roles: roles})
	require.NoError(c.t, err)
	secret, err := c.work.IssueToken(c.ctx(), system, id, "test", c.clock.now().AddDate(1, 0, 0))
	require.NoError(c.t, err)
	actor, err := c.app.Authenticate(c.ctx(), secret)
	require.NoError(c.t, err)
	return actor
}

func (c *county) addContact(name, phone string) carelog.ContactID {
	id, err := c.work.AddContact(c.ctx(), carelog.TheSystem(), carelog.NewContact{
		Verified: true, Office: c.office, Name: name, Phone: phone, Role: "committee_head", Villages: []carelog.VillageName{{Township: "南麻街道", Name: "柿岭村"}},
	})
	require.NoError(c.t, err)
	return id
}

// enrolment is a plausible one, paid so many days ago.
func (c *county) enrolment(externalID string, paidDaysAgo int) carelog.Enrolment {
	return carelog.Enrolment{
		ExternalID: externalID, Name: "马某某", Village: carelog.VillageName{Township: "南麻街道", Name: "柿岭村"},
		Award:   carelog.Award{TotalFen: 500000, PaidOn: calendar.Of(c.clock.now()).AddDays(-paidDaysAgo)},
		Officer: "li", Primary: c.contact, Alias: "2组老马家",
	}
}

func (c *county) enrol(externalID string, paidDaysAgo int) carelog.Enrolled {
	c.t.Helper()
	made, err := c.app.EnrolRecipient(c.ctx(), c.officer, c.enrolment(externalID, paidDaysAgo))
	require.NoError(c.t, err)
	return made
}

// send claims what is due and has the carrier take all of it.
func (c *county) send() carelog.Claimed {
	c.t.Helper()
	claimed, err := c.work.ClaimMessages(c.ctx(), c.line, 100)
	require.NoError(c.t, err)
	var receipts []carelog.Receipt
	for _, out := range claimed.Send {
		receipts = append(receipts, carelog.Receipt{Outgoing: out, CarrierMessageID: "SM" + out.ID.String(), Delivery: "queued"})
	}
	require.NoError(c.t, c.work.RecordReceipts(c.ctx(), receipts))
	return claimed
}

// reply has a number answer, and matches what it said.
func (c *county) reply(from, text string) {
	c.t.Helper()
	c.heard++
	id := fmt.Sprint("MO-", c.heard)
	require.NoError(c.t, c.app.StoreReply(c.ctx(), carelog.Inbound{Carrier: "twilio", CarrierMessageID: id, From: from, To: lineNumber, Text: text}))
	c.receive()
}

// receive works off the replies that were enqueued.
func (c *county) receive() {
	c.t.Helper()
	c.queue.Lock()
	replies := c.queue.replies
	c.queue.replies = nil
	c.queue.Unlock()
	for _, id := range replies {
		require.NoError(c.t, c.work.ReceiveReply(c.ctx(), id))
	}
}

// kinds are the kinds of a recipient's history entries, oldest first.
func (c *county) kinds(id carelog.RecipientID) []string {
	c.t.Helper()
	var kinds []string
	for _, e := range c.history(id) {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

// history is a recipient's history, oldest first.
func (c *county) history(id carelog.RecipientID) []carelog.Entry {
	c.t.Helper()
	page, err := c.app.History(c.ctx(), c.boss, id, 0, 200)
	require.NoError(c.t, err)
	var entries []carelog.Entry
	for i := range page.Entries {
		entries = append(entries, page.Entries[len(page.Entries)-1-i])
	}
	return entries
}

func (c *county) messages(id carelog.RecipientID) []carelog.Message {
	c.t.Helper()
	list, err := c.app.Messages(c.ctx(), c.officer, carelog.MessageFilter{Recipient: id, Page: carelog.Page{Limit: 200}})
	require.NoError(c.t, err)
	return list
}

func (c *county) checkIns(id carelog.RecipientID, standing string) []carelog.CheckIn {
	c.t.Helper()
	list, err := c.app.CheckIns(c.ctx(), c.officer, carelog.CheckInFilter{Recipient: id, Standing: standing, Limit: 200})
	require.NoError(c.t, err)
	return list
}

// count runs a query of one number as the owner.
func (c *county) count(sql string, args ...any) int {
	c.t.Helper()
	var n int
	require.NoError(c.t, c.pool.QueryRow(c.ctx(), sql, args...).Scan(&n))
	return n
}

// exec changes rows as the superuser, whom nothing holds back.
func (c *county) exec(sql string, args ...any) {
	c.t.Helper()
	conn, err := pgx.Connect(c.ctx(), c.db.Super)
	require.NoError(c.t, err)
	defer conn.Close(c.ctx())
	_, err = conn.Exec(c.ctx(), sql, args...)
	require.NoError(c.t, err)
}
