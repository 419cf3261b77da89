package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/internal/ledger"
	"aftercare/notify"
	"aftercare/web"
)

// The county of the source article, with its own figures. Names are masked as
// printed there; all numbers are of a prefix nobody has.
//
//go:embed demo/county.csv
var countyCSV []byte

// The year before, so that the article's comparison can be made: 102,000 yuan.
//
//go:embed demo/before.csv
var beforeCSV []byte

// countyDay is the day the ledger's payment dates are written for; the demo
// moves them to the day it runs on.
var countyDay = calendar.New(2026, time.November, 24)

const (
	demoLine      = "+8615400000999" // the office's own number
	demoDeadPhone = "+8615400000108" // of a village contact: it takes no texts
	goLiveDays    = 56               // the office has worked with the service for eight weeks
	countyCode    = "370323"
)

// demoStaff are the people of the demo's offices.
var demoStaff = []struct {
	login, name, title, phone string
	city                      bool
	role                      carelog.Role
}{
	{"li", "李某", "officer li", "+8615400000201", false, carelog.Officer},
	{"wang", "王某", "officer wang", "+8615400000202", false, carelog.Officer},
	{"sun", "孙某", "supervisor", "+8615400000203", false, carelog.Supervisor},
	{"city", "周某", "city office", "+8615400000204", true, carelog.Supervisor},
	{"admin", "吴某", "admin", "", false, carelog.SystemAdministrator},
	{"security", "郑某", "security", "", false, carelog.SecurityAdministrator},
	{"audit", "冯某", "audit", "", false, carelog.AuditAdministrator},
}

type demoPeople struct {
	officers map[string]carelog.Actor
	office   carelog.OfficeID
	line     carelog.LineID
}

// refreshed throws the scratch database away when asked to, or when it holds
// data from later than the clock's now. It refuses a database that is not the demo's.
func (d *demo) refreshed(ctx context.Context, fresh bool) error {
	if err := d.db.migrate(ctx); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, d.db.owner)
	if err != nil {
		return fmt.Errorf("look at the scratch database: %w", err)
	}
	var recipients, demoLines int
	var last *time.Time
	err = conn.QueryRow(ctx, `SELECT (SELECT count(*) FROM recipients), (SELECT count(*) FROM lines WHERE carrier = $1), (SELECT max(at) FROM audit)`, simulator).
		Scan(&recipients, &demoLines, &last)
	conn.Close(ctx)
	if err != nil {
		return fmt.Errorf("look at the scratch database: %w", err)
	}
	if recipients > 0 && demoLines == 0 {
		return errors.New("this database holds recipients that are not the demo's: choose another AFTERCARE_DATA_DIR")
	}
	half := last != nil && !d.finished()
	if !fresh && !half && (last == nil || !last.After(d.now())) {
		return nil
	}
	if err := d.db.recreate(ctx); err != nil {
		return err
	}
	for _, name := range []string{"handsets.jsonl", "laid"} {
		if err := os.Remove(filepath.Join(d.dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return d.db.migrate(ctx)
}

func execAs(ctx context.Context, url, sql string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}

// finished tells whether an earlier start laid the county down to the end.
func (d *demo) finished() bool {
	_, err := os.Stat(filepath.Join(d.dir, "laid"))
	return err == nil
}

// prepare makes the county on the first start: the offices and people, the eight
// weeks since go-live worked through by the real verbs, and the ledger imported.
func (d *demo) prepare(ctx context.Context) error {
	if _, err := d.service.work.EnsureWordings(ctx, carelog.TheSystem()); err != nil {
		return fmt.Errorf("bring the wordings: %w", err)
	}
	if d.finished() {
		return d.signIn(ctx)
	}
	if err := d.makeOffices(ctx); err != nil {
		return fmt.Errorf("make the demo's offices: %w", err)
	}
	if err := d.signIn(ctx); err != nil {
		return err
	}
	table, err := d.writeLedger()
	if err != nil {
		return err
	}
	if err := d.workThroughThePast(ctx, table); err != nil {
		return fmt.Errorf("work through the weeks since go-live: %w", err)
	}
	return os.WriteFile(filepath.Join(d.dir, "laid"), nil, 0o600)
}

func (d *demo) signIn(ctx context.Context) error {
	d.people.officers = map[string]carelog.Actor{}
	var err error
	if d.people.office, err = d.service.work.OfficeByCode(ctx, carelog.TheSystem(), countyCode); err != nil {
		return err
	}
	if d.people.line, err = d.service.work.EnsureLine(ctx, carelog.TheSystem(), simulator, demoLine, d.people.office); err != nil {
		return err
	}
	for _, login := range []string{"li", "wang"} {
		if d.people.officers[login], err = d.service.work.ActAs(ctx, carelog.TheSystem(), login); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) ledgerPath() string { return filepath.Join(d.dir, "county.xlsx") }

// writeLedger writes the county's ledger as a file of its own, its payment dates
// moved to the demo's day, and reads that file back: it is what gets imported.
func (d *demo) writeLedger() (carelog.Ledger, error) {
	source, err := ledger.Read(bytes.NewReader(countyCSV), "county.csv")
	if err != nil {
		return carelog.Ledger{}, fmt.Errorf("read the county: %w", err)
	}
	before, err := ledger.Read(bytes.NewReader(beforeCSV), "before.csv")
	if err != nil {
		return carelog.Ledger{}, fmt.Errorf("read the year before: %w", err)
	}
	source.Rows = append(source.Rows, before.Rows...)
	shift := calendar.Of(d.now()).Sub(countyDay)
	header := append(slices.Clone(source.Header), "案件组", "项目标签")
	var rows [][]string
	for _, row := range source.Rows {
		paid, err := calendar.Parse(row.Cells["发放日期"])
		if err != nil {
			return carelog.Ledger{}, err
		}
		row.Cells["发放日期"] = paid.AddDays(shift).String()
		if row.Cells["案由"] == "诈骗" && strings.HasPrefix(row.Cells["外部编号"], "YY2026") { // the article's fruit growers (L14)
			row.Cells["案件组"], row.Cells["项目标签"] = growers, "乡村振兴"
		}
		cells := make([]string, len(header))
		for i, column := range header {
			cells[i] = row.Cells[column]
		}
		rows = append(rows, cells)
	}
	var body bytes.Buffer
	if err := ledger.WriteXLSX(&body, header, rows); err != nil {
		return carelog.Ledger{}, fmt.Errorf("write the ledger: %w", err)
	}
	if err := os.WriteFile(d.ledgerPath(), body.Bytes(), 0o600); err != nil {
		return carelog.Ledger{}, fmt.Errorf("keep the ledger: %w", err)
	}
	return readLedger(&body, "county.xlsx")
}

// handler is the doors with the simulated handsets beside them.
func (d *demo) handler() http.Handler {
	return d.service.handler(doors{
		webhook:  notify.TwilioWebhook{PublicURL: d.address, Tokens: []string{d.token}},
		handsets: handsets{d.carrier},
		phones: []web.Handset{
			{Number: demoStaff[0].phone, Label: "承办人 李某"},
			{Number: "+8615400000101", Label: "村联系人(南麻街道)"},
			{Number: "+8615400000104", Label: "村联系人(悦庄镇)"},
		},
		banner: func() string { return "演示环境 · " + d.now().In(calendar.Shanghai()).Format("2006-01-02 15:04") },
	})
}

// handsets shows the simulator's phones to the console.
type handsets struct{ carrier *notify.Simulator }

func (h handsets) Messages(number string) []web.HandsetMessage {
	var out []web.HandsetMessage
	for _, m := range h.carrier.Handset(number) {
		out = append(out, web.HandsetMessage{Incoming: m.Incoming, At: m.At, Text: m.Text, State: m.Status})
	}
	return out
}

func (h handsets) Reply(ctx context.Context, from, text string) error {
	return h.carrier.Reply(ctx, from, demoLine, text)
}
