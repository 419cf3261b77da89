package web_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
	"aftercare/migrations/pgtest"
	"aftercare/notify"
	"aftercare/web"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Tuesday, 24 November 2026, 09:00 in Shanghai: a working day.
var tuesday = calendar.New(2026, time.November, 24).At(9, 0)

const (
	contactPhone = "+8615400000101"
	lineNumber   = "+8615400000999"
	password     = "frog reads newspaper"
)

// queue keeps the replies to be received; the rest the test does itself.
type queue struct {
	sync.Mutex
	replies []carelog.InboundID
}

func (q *queue) SendDue(context.Context, pgx.Tx, carelog.LineID) error { return nil }
func (q *queue) ApplyReports(context.Context, pgx.Tx) error            { return nil }
func (q *queue) ReceiveReply(_ context.Context, _ pgx.Tx, id carelog.InboundID) error {
	q.Lock()
	defer q.Unlock()
	q.replies = append(q.replies, id)
	return nil
}

// handsets is two phones that remember what was said on them.
type handsets struct {
	sync.Mutex
	said map[string][]string
	down bool
}

func (h *handsets) Messages(number string) []web.HandsetMessage {
	h.Lock()
	defer h.Unlock()
	shown := []web.HandsetMessage{{Incoming: true, At: tuesday, Text: "请查看<b>情况</b>", State: "delivered"}}
	for _, text := range h.said[number] {
		shown = append(shown, web.HandsetMessage{At: tuesday, Text: text})
	}
	return shown
}

func (h *handsets) Reply(_ context.Context, from, text string) error {
	h.Lock()
	defer h.Unlock()
	if h.down {
		return errors.New("the webhook answered 503")
	}
	h.said[from] = append(h.said[from], text)
	return nil
}

// county is an office with people, one recipient half a year after the payment,
// a sister office, and the console in front of it.
type county struct {
	t        *testing.T
	db       *pgtest.DB
	app      *carelog.Log
	work     *carelog.Log
	queue    *queue
	handsets *handsets
	line     carelog.LineID
	actors   map[string]carelog.Actor
	made     carelog.Enrolled
	server   *httptest.Server
	logged   *strings.Builder
	clock    *clock
	config   carelog.Config
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

func newCounty(t *testing.T) *county {
	t.Helper()
	c := &county{
		t: t, queue: &queue{}, handsets: &handsets{said: map[string][]string{}}, clock: &clock{at: tuesday},
		actors: map[string]carelog.Actor{}, logged: &strings.Builder{},
	}
	master, index, err := crypt.GenerateKeys(nil)
	require.NoError(t, err)
	keys, err := crypt.NewKeyring(master, index)
	require.NoError(t, err)
	db := pgtest.New(t)
	c.db = db
	config := carelog.Config{Keys: keys, Queue: c.queue, Words: notify.NewPhrasebook("沂源县检察院"), Carrier: "twilio", Now: c.clock.now}
	config.SignIn = carelog.SignInRules{MemoryKiB: 64, Passes: 1, SecondFactor: "none"}
	c.config = config
	config.DB = pgtest.Pool(t, db.App)
	c.app = carelog.New(config)
	config.DB = pgtest.Pool(t, db.Work)
	c.work = carelog.New(config)
	c.people()
	c.server = httptest.NewServer(web.Handler(web.Config{
		Log: c.app, Handsets: c.handsets, Slog: slog.New(slog.NewTextHandler(c.logged, nil)),
		HandsetLabels: []web.Handset{{Number: contactPhone, Label: "村联系人 赵某(柿岭村)"}},
		Banner:        func() string { return "演示环境 · 时钟 2026-11-24 09:00" },
	}))
	t.Cleanup(func() {
		c.server.Close()
		require.NotContains(t, c.logged.String(), "level=ERROR")
		require.NotRegexp(t, `154\d{8}|马|赵`, c.logged.String(), "no log names anybody")
	})
	return c
}

func (c *county) people() {
	ctx, system := c.t.Context(), carelog.TheSystem()
	office := c.office("370323", "沂源县人民检察院")
	sister := c.office("370321", "邻县人民检察院")
	var err error
	c.line, err = c.work.EnsureLine(ctx, system, "twilio", lineNumber, office)
	require.NoError(c.t, err)
	c.user(office, "li", "+8615400000201", carelog.Officer)
	c.user(office, "zhao", "+8615400000202", carelog.Supervisor)
	c.user(office, "admin", "", carelog.SystemAdministrator)
	c.user(sister, "sun", "+8615400000203", carelog.Officer)
	contact, err := c.work.AddContact(ctx, system, carelog.NewContact{
		Verified: true, Office: office, Name: "赵某", Phone: contactPhone, Role: "committee_head", Villages: []carelog.VillageName{{Township: "南麻街道", Name: "柿岭村"}},
	})
	require.NoError(c.t, err)
	c.made, err = c.app.EnrolRecipient(ctx, c.actors["li"], carelog.Enrolment{
		ExternalID: "A-1", Name: "马保国", Village: carelog.VillageName{Township: "南麻街道", Name: "柿岭村"},
		Award:   carelog.Award{TotalFen: 500000, PaidOn: calendar.Of(tuesday).AddDays(-176)},
		Officer: "li", Primary: contact, Alias: "2组老马家",
	})
	require.NoError(c.t, err)
}

func (c *county) office(code, name string) carelog.OfficeID {
	id, err := c.work.AddOffice(c.t.Context(), carelog.TheSystem(), carelog.NewOffice{Code: code, Name: name, Signature: "沂源县检察院", Level: "county"})
	require.NoError(c.t, err)
	return id
}

func (c *county) user(office carelog.OfficeID, login, phone string, roles ...carelog.Role) {
	ctx, system := c.t.Context(), carelog.TheSystem()
	id, err := c.work.AddUser(ctx, system, carelog.NewUser{Office: office, Login: login, Name: login + "某", Phone: phone, Roles: roles})
	require.NoError(c.t, err)
	ticket, err := c.work.IssueTicket(ctx, system, id, carelog.TicketPassword)
	require.NoError(c.t, err)
	require.NoError(c.t, c.work.SetPassword(ctx, carelog.Actor{}, ticket.Secret, password))
	c.actors[login], err = c.work.ActAs(ctx, system, login)
	require.NoError(c.t, err)
}

// send claims what is due and has the carrier take all of it.
func (c *county) send() []carelog.Outgoing {
	c.t.Helper()
	claimed, err := c.work.ClaimMessages(c.t.Context(), c.line, 100)
	require.NoError(c.t, err)
	var receipts []carelog.Receipt
	for _, out := range claimed.Send {
		receipts = append(receipts, carelog.Receipt{Outgoing: out, CarrierMessageID: "SM" + out.ID.String(), Delivery: "queued"})
	}
	require.NoError(c.t, c.work.RecordReceipts(c.t.Context(), receipts))
	return claimed.Send
}

// reply has the contact answer, and matches what they said.
func (c *county) reply(text string) {
	c.t.Helper()
	require.NoError(c.t, c.app.StoreReply(c.t.Context(), carelog.Inbound{
		Carrier: "twilio", CarrierMessageID: "MO" + text, From: contactPhone, To: lineNumber, Text: text,
	}))
	c.queue.Lock()
	defer c.queue.Unlock()
	for _, id := range c.queue.replies {
		require.NoError(c.t, c.work.ReceiveReply(c.t.Context(), id))
	}
	c.queue.replies = nil
}

// step is the recipient's open check-in of a step.
func (c *county) step(key string) carelog.CheckIn {
	c.t.Helper()
	list, err := c.app.CheckIns(c.t.Context(), c.actors["li"], carelog.CheckInFilter{Recipient: c.made.Recipient, Standing: "open", Limit: 200})
	require.NoError(c.t, err)
	for _, check := range list {
		if check.Step == key {
			return check
		}
	}
	require.Fail(c.t, "no open check-in of step "+key)
	return carelog.CheckIn{}
}
