package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
	"aftercare/notify"
)

// firstDay is where a simulation begins: a Monday in an officially announced year.
var firstDay = calendar.New(2026, time.January, 5)

// dice decide what people do. Each roll depends on the seed and on what it is
// about, never on how many were rolled before: one more visit changes nobody
// else's life.
type dice uint64

func (d dice) roll(about ...any) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintln(h, about...)
	return rand.New(rand.NewPCG(uint64(d), h.Sum64())) //nolint:gosec // a simulation wants a seed, not secrecy
}

// steady is the one source of ids, codes and keys.
type steady struct {
	sync.Mutex
	io.Reader
}

func newSteady(seed uint64, stream byte) *steady {
	key := [32]byte{31: stream}
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	return &steady{Reader: rand.NewChaCha8(key)}
}

func (s *steady) Read(p []byte) (int, error) {
	s.Lock()
	defer s.Unlock()
	return s.Reader.Read(p)
}

// simClock is the injected clock: it stands until somebody sets it.
type simClock struct {
	sync.Mutex
	at time.Time
}

func (c *simClock) now() time.Time {
	c.Lock()
	defer c.Unlock()
	return c.at
}

func (c *simClock) set(at time.Time) {
	c.Lock()
	defer c.Unlock()
	c.at = at
}

// simulation is the running world.
type simulation struct {
	simulationPlan
	dice     dice
	clock    *simClock
	db       *database
	app      *pgxpool.Pool
	pool     *pgxpool.Pool // the workers'
	eyes     *pgxpool.Pool // the owner's: what a person sees on a list, and the figures
	config   carelog.Config
	work     *carelog.Log // for what is done for all offices at once
	carrier  *simCarrier
	progress io.Writer
	meddle   func(context.Context, *simulation) error

	city       *simOffice // above the offices
	admin      carelog.Actor
	offices    []*simOffice
	officers   []*simOfficer
	contacts   map[string]*simContact // by number
	households []*household
	byKey      map[string]*household
	offers     []offer            // hand-overs that wait for an answer
	swept      time.Time          // when the sweeps last ran
	weather    weather            // when which fault is at work
	days       *calendar.Calendar // the working days as they will have been
	notices    []notice           // of the years to come
	moved      int                // check-ins that they moved
	mu         sync.Mutex         // guards what follows while offices work side by side
	refused    map[string]int     // verbs that said no, by name
	broken     carelog.Promises   // summed over the days
	spoiled    map[string]string  // first offenders by kind and id, with the day
}

// simOffice is a county's procuratorate. Offices work side by side, and each has a
// source of ids of its own, so that how they interleave changes nothing.
type simOffice struct {
	no       int
	door     *carelog.Log
	work     *carelog.Log
	queue    *memoryQueue
	post     mailbag // replies and reports on their way to it
	officers []*simOfficer
	code     string
	leaving  []leaving         // households that moved away
	partner  carelog.PartnerID // whom it refers households to
	roster   calendar.Date     // the month the duty roster is written for
	id       carelog.OfficeID
	line     carelog.LineID
	number   string // of its line
	head     carelog.Actor
	villages []*simVillage
}

// simOfficer is an officer with a way of working.
type simOfficer struct {
	carelog.Actor
	no     int
	office *simOffice
	deputy *simOfficer   // who stands in
	until  calendar.Date // to the end of that day
	asked  calendar.Date // the leave that was recorded, or forgotten
}

// simVillage is a village with the people who answer for it.
type simVillage struct {
	name     carelog.VillageName
	contacts []*simContact
}

// newSimulation makes the offices, their people and the villages.
func newSimulation(ctx context.Context, db *database, p simulationPlan) (*simulation, error) {
	s := &simulation{
		simulationPlan: p, dice: dice(p.seed), clock: &simClock{at: p.from.At(7, 0)}, db: db, progress: os.Stderr,
		contacts: map[string]*simContact{}, byKey: map[string]*household{}, refused: map[string]int{}, spoiled: map[string]string{},
	}
	if err := s.decree(); err != nil {
		return nil, err
	}
	s.weather = s.forecast()
	s.carrier = newSimCarrier(s)
	if err := s.open(ctx); err != nil {
		s.close()
		return nil, err
	}
	if err := s.settle(ctx); err != nil {
		s.close()
		return nil, fmt.Errorf("make the offices: %w", err)
	}
	s.people()
	return s, nil
}

func (s *simulation) open(ctx context.Context) error {
	master, index, err := crypt.GenerateKeys(newSteady(s.seed, 1))
	if err != nil {
		return err
	}
	keys, err := crypt.NewKeyring(master, index)
	if err != nil {
		return err
	}
	var appErr, workErr, eyesErr error
	s.app, appErr = openPool(ctx, s.db.app, "simulated app", 8)
	s.pool, workErr = openPool(ctx, s.db.work, "simulated work", 8)
	s.eyes, eyesErr = openPool(ctx, s.db.owner, "simulate", 8)
	if err := errors.Join(appErr, workErr, eyesErr); err != nil {
		return err
	}
	s.config = carelog.Config{Keys: keys, Words: notify.NewPhrasebook(""), Carrier: simulator, Now: s.clock.now}
	s.work = s.newLog(s.pool, &memoryQueue{}, 2)
	return nil
}

// newLog makes a log with a queue and a source of ids of its own.
func (s *simulation) newLog(pool *pgxpool.Pool, queue *memoryQueue, stream byte) *carelog.Log {
	config := s.config
	config.DB, config.Queue, config.Random = pool, queue, newSteady(s.seed, stream)
	return carelog.New(config)
}

func (s *simulation) close() {
	for _, pool := range []*pgxpool.Pool{s.app, s.pool, s.eyes} {
		if pool != nil {
			pool.Close()
		}
	}
}

const officersAnOffice = 10

// A simulated clock stands still while a line speaks, so its bucket is never empty.
const (
	simulatedPace = 1_000_000
	simulatedFen  = 5
)

// settle makes a city and its counties, with a head each and ten officers.
func (s *simulation) settle(ctx context.Context) error {
	system := carelog.TheSystem()
	city, err := s.work.AddOffice(ctx, system, carelog.NewOffice{Code: "3700", Name: "模拟市人民检察院", Signature: "模拟市检察院", Level: "city"})
	if err != nil {
		return err
	}
	s.city = &simOffice{no: 99, id: city, number: fmt.Sprintf("+86154%08d", 899), queue: &memoryQueue{}}
	s.city.door, s.city.work = s.newLog(s.app, s.city.queue, 8), s.newLog(s.pool, s.city.queue, 9)
	if s.city.line, err = s.work.EnsureLine(ctx, system, simulator, s.city.number, city); err != nil {
		return err
	}
	if err := s.work.SetPace(ctx, system, s.city.line, simulatedPace, simulatedFen); err != nil {
		return err
	}
	if s.city.head, err = s.hire(ctx, city, "city", 1, "office"); err != nil {
		return err
	}
	if s.admin, err = s.hire(ctx, city, "admin", 2, administrator); err != nil {
		return err
	}
	for n := range (s.simulationPlan.officers + officersAnOffice - 1) / officersAnOffice {
		o := &simOffice{no: n, code: fmt.Sprintf("3700%02d", n+1), number: fmt.Sprintf("+86154%08d", 900+n), queue: &memoryQueue{}}
		o.door, o.work = s.newLog(s.app, o.queue, byte(10+2*n)), s.newLog(s.pool, o.queue, byte(11+2*n))
		o.id, err = s.work.AddOffice(ctx, system, carelog.NewOffice{
			Parent: city, Code: o.code, Name: fmt.Sprintf("模拟%d县人民检察院", n+1), Signature: fmt.Sprintf("模拟%d县检察院", n+1), Level: "county",
		})
		if err != nil {
			return err
		}
		if o.line, err = s.work.EnsureLine(ctx, system, simulator, o.number, o.id); err != nil {
			return err
		}
		if err := s.work.SetPace(ctx, system, o.line, simulatedPace, simulatedFen); err != nil {
			return err
		}
		if o.head, err = s.hire(ctx, o.id, fmt.Sprintf("head%d", n+1), 100+n, "head"); err != nil {
			return err
		}
		if _, err := s.hire(ctx, o.id, fmt.Sprintf("deputy%d", n+1), 200+n, "deputy"); err != nil {
			return err
		}
		o.partner, err = o.door.AddPartner(ctx, o.head, carelog.NewPartner{Office: o.id, Name: "模拟县民政局", Kind: "civil_affairs", Contact: "值班室", Phone: "12345"})
		if err != nil {
			return err
		}
		s.offices = append(s.offices, o)
	}
	for n := range s.simulationPlan.officers {
		o := s.offices[n%len(s.offices)]
		actor, err := s.hire(ctx, o.id, fmt.Sprintf("officer%d", n+1), 1000+n, "")
		if err != nil {
			return err
		}
		officer := &simOfficer{Actor: actor, no: n, office: o}
		s.officers, o.officers = append(s.officers, officer), append(o.officers, officer)
	}
	return s.settleVillages(ctx)
}

// administrator is no position on the ladder.
const administrator = "administrator"

// hire adds a person and signs them in for all the time there is: a supervisor
// in a position, an administrator, or an officer.
func (s *simulation) hire(ctx context.Context, office carelog.OfficeID, login string, number int, position string) (carelog.Actor, error) {
	system, role := carelog.TheSystem(), carelog.Supervisor
	switch position {
	case "":
		role = carelog.Officer
	case administrator:
		role, position = carelog.SystemAdministrator, ""
	}
	_, err := s.work.AddUser(ctx, system, carelog.NewUser{Office: office, Login: login, Name: surname(number) + "某", Phone: fmt.Sprintf("+86154%08d", 10_000_000+number), Roles: []carelog.Role{role}, Position: position})
	if err != nil {
		return carelog.Actor{}, err
	}
	return s.work.ActAs(ctx, system, login)
}

// sideBySide has every office do something at the same time.
func (s *simulation) sideBySide(do func(*simOffice) error) error {
	var group errgroup.Group
	for _, o := range s.offices {
		group.Go(func() error { return do(o) })
	}
	return group.Wait()
}

// householdsAVillage is how many aided households share a village, about.
const householdsAVillage = 5

func (s *simulation) settleVillages(ctx context.Context) error {
	for _, o := range s.offices {
		villages := max(1, s.recipients/len(s.offices)/householdsAVillage)
		for n := range villages {
			v := &simVillage{name: carelog.VillageName{Township: fmt.Sprintf("%s家镇", surname(n/12)), Name: fmt.Sprintf("%s家%d村", surname(n), n+1)}}
			names := []carelog.VillageName{v.name}
			for k := range 1 + s.dice.roll("backup", o.no, n).IntN(2) {
				c := s.newContact(o, n*2+k)
				var err error
				c.id, err = s.work.AddContact(ctx, carelog.TheSystem(), carelog.NewContact{
					Verified: true, Office: o.id, Name: surname(n+k) + "某某", Phone: c.number, Role: "grid_worker", Villages: names,
				})
				if err != nil {
					return err
				}
				v.contacts = append(v.contacts, c)
			}
			o.villages = append(o.villages, v)
		}
	}
	return nil
}

var surnames = []rune("赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜")

func surname(n int) string { return string(surnames[n%len(surnames)]) }
