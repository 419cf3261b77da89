package carelog

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/carelog/schedule"
)

// DaysChanged is what a change of the working days moves, or would move. Only
// future check-ins move that nobody fixed and nobody was texted about. The clocks
// of open alerts and escalations (act_by) stay as they were set: somebody was told
// that hour, and red ones run through holidays anyway.
type DaysChanged struct {
	Preview    bool          `json:"preview"`
	Days       []ChangedDay  `json:"days"` // from today on, in order
	CheckIns   int           `json:"check_ins"`
	Recipients int           `json:"recipients"`
	Offices    []OfficeMoves `json:"offices"` // most check-ins first
	Moves      []Move        `json:"moves"`   // the first of them by the date they had, at most movesShown
}

// ChangedDay is a day that is worked and was not, or the other way round.
type ChangedDay struct {
	Date   calendar.Date `json:"date"`
	Worked bool          `json:"worked"` // from now on
	Name   string        `json:"name"`
}

// OfficeMoves counts what moves in one office.
type OfficeMoves struct {
	Office     OfficeID `json:"office_id"`
	Name       string   `json:"name"`
	CheckIns   int      `json:"check_ins"`
	Recipients int      `json:"recipients"`
}

const (
	movesShown   = 100
	daysReach    = 3  // years ahead in which a changed day is looked for
	windowReach  = 60 // days a check-in's due date may lie from the other days of its window
	restDaysLong = 12 // no run of rest days between two working days is longer, closures aside
)

// daysTurn is a change of the working days on its way in.
type daysTurn struct {
	why     string     // beside every check-in it moves
	offices []OfficeID // whose days change; nil: all
	write   func(tx txn) error
}

// turnDays writes a change of the working days down and lays the plans anew that
// it touches, in the transaction of the verb.
func (l *Log) turnDays(ctx context.Context, tx txn, t daysTurn) (DaysChanged, error) {
	// One change at a time. Who only reads the version does not wait for it.
	if _, err := tx.Exec(ctx, "SELECT FROM calendar_version FOR UPDATE"); err != nil {
		return DaysChanged{}, fmt.Errorf("lock the calendar: %w", err)
	}
	before, err := l.readDays(ctx, tx, 0)
	if err != nil {
		return DaysChanged{}, err
	}
	if err := t.write(tx); err != nil {
		return DaysChanged{}, err
	}
	if tx.days, err = l.readDays(ctx, tx, 0); err != nil {
		return DaysChanged{}, err
	}
	r := replanner{log: l, turn: t, done: []PlanID{}, offices: map[OfficeID]*OfficeMoves{}}
	r.found.Days = changedDays(tx, before, tx.days, t.offices)
	if err := r.run(ctx, tx); err != nil {
		return DaysChanged{}, err
	}
	// Whoever laid check-ins by the old days and committed meanwhile is found now;
	// whoever comes later sees the new version and begins again.
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", daysLock); err != nil {
		return DaysChanged{}, fmt.Errorf("lock the working days: %w", err)
	}
	if err := r.run(ctx, tx); err != nil {
		return DaysChanged{}, err
	}
	if _, err := tx.Exec(ctx, "UPDATE calendar_version SET version = version + 1"); err != nil {
		return DaysChanged{}, fmt.Errorf("move the calendar's version: %w", err)
	}
	tx.pending.laid = false // by the new days
	return r.report(ctx, tx)
}

// changedDays are the days from today on that a turn changes for anybody.
func changedDays(tx txn, before, after *workdays, offices []OfficeID) []ChangedDay {
	from, until := tx.today(), tx.today().AddYears(daysReach)
	named := map[calendar.Date]ChangedDay{}
	note := func(was, is *calendar.Calendar) {
		for _, d := range was.Changed(is, from, until) {
			named[d] = ChangedDay{Date: d, Worked: is.IsWorkday(d), Name: is.Day(d).Name}
		}
	}
	if offices == nil {
		note(before.national, after.national)
	}
	for _, office := range offices {
		note(before.of(office), after.of(office))
	}
	days := make([]ChangedDay, 0, len(named))
	for _, day := range named {
		days = append(days, day)
	}
	slices.SortFunc(days, func(a, b ChangedDay) int { return a.Date.Compare(b.Date) })
	return days
}

// replanner lays the plans anew that a turn touches, each once.
type replanner struct {
	log     *Log
	turn    daysTurn
	found   DaysChanged
	done    []PlanID
	offices map[OfficeID]*OfficeMoves
}

func (r *replanner) run(ctx context.Context, tx txn) error {
	if len(r.found.Days) == 0 {
		return nil
	}
	plans, err := r.touched(ctx, tx)
	if err != nil {
		return err
	}
	for _, id := range plans {
		if err := r.plan(ctx, tx, id); err != nil {
			return err
		}
		r.done = append(r.done, id)
	}
	return nil
}

func (r *replanner) dates() []calendar.Date {
	dates := make([]calendar.Date, len(r.found.Days))
	for i, day := range r.found.Days {
		dates[i] = day.Date
	}
	return dates
}

// touched are the running plans with a check-in ahead whose window, or whose
// texts, a changed day lies in: by the index of due dates around those days.
func (r *replanner) touched(ctx context.Context, tx txn) ([]PlanID, error) {
	dates := r.dates()
	rows, err := tx.Query(ctx, `SELECT DISTINCT c.plan_id FROM check_ins c JOIN care_plans p ON p.id = c.plan_id
		WHERE c.state = 'planned' AND c.due BETWEEN $1 AND $2 AND p.state IN ('active', 'closing')
			AND ($3::uuid[] IS NULL OR c.office_id = ANY ($3)) AND c.plan_id <> ALL ($4)
			AND `+dayIsNear("$5", "$6")+` ORDER BY c.plan_id`,
		dates[0].AddDays(-windowReach), dates[len(dates)-1].AddDays(windowReach), r.turn.offices, r.done, dates, restDaysLong)
	if err != nil {
		return nil, fmt.Errorf("find plans to lay anew: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[PlanID])
}

// dayIsNear is SQL for: one of the days lies within the check-in's window, or so
// close to its due date that it may have been moved by it.
func dayIsNear(days, around string) string {
	return fmt.Sprintf(`EXISTS (SELECT FROM unnest(%[1]s::date[]) d
		WHERE d BETWEEN least(c.messages_from, c.due - %[2]s::int) AND greatest(c.closes, c.due + %[2]s::int))`, days, around)
}

func (r *replanner) plan(ctx context.Context, tx txn, id PlanID) error {
	p, err := r.log.lockPlan(ctx, tx, id)
	if err != nil || p.state != "active" && p.state != "closing" {
		return err
	}
	moves, err := r.log.layAnew(ctx, tx, p, r.turn.why)
	if err != nil {
		return err
	}
	if err := r.log.retime(ctx, tx, p, r.dates(), r.turn.why); err != nil {
		return err
	}
	// What comes into view at the far end is no move.
	moves = slices.DeleteFunc(moves, func(m Move) bool { return m.From.IsZero() })
	if len(moves) == 0 {
		return nil
	}
	r.count(p, moves)
	tx.append(happening{recipient: p.recipient, kind: "check_ins_moved", subject: anyID(p.id), details: map[string]any{
		"reason": r.turn.why, "moved": movedSteps(moves),
	}})
	return nil
}

func (r *replanner) count(p plan, moves []Move) {
	office := r.offices[p.office]
	if office == nil {
		office = &OfficeMoves{Office: p.office}
		r.offices[p.office] = office
	}
	office.CheckIns += len(moves)
	office.Recipients++ // a recipient has one running plan
	r.found.CheckIns += len(moves)
	r.found.Recipients++
	r.found.Moves = append(r.found.Moves, moves...)
}

// movedSteps is a plan's moves as its history tells them.
func movedSteps(moves []Move) []map[string]any {
	steps := make([]map[string]any, len(moves))
	for i, m := range moves {
		steps[i] = map[string]any{"step": m.Step, "check_in_id": m.CheckIn, "from": m.From, "to": m.To}
	}
	return steps
}

func (r *replanner) report(ctx context.Context, tx txn) (DaysChanged, error) {
	found := r.found
	slices.SortFunc(found.Moves, func(a, b Move) int {
		return cmp.Or(a.From.Compare(b.From), bytes.Compare(a.CheckIn[:], b.CheckIn[:]))
	})
	found.Moves = slices.Clone(found.Moves[:min(len(found.Moves), movesShown)])
	found.Offices = []OfficeMoves{}
	ids := make([]OfficeID, 0, len(r.offices))
	for id := range r.offices {
		ids = append(ids, id)
	}
	rows, err := tx.Query(ctx, "SELECT id, name FROM offices WHERE id = ANY ($1) ORDER BY code", ids)
	if err != nil {
		return DaysChanged{}, fmt.Errorf("name the offices: %w", err)
	}
	var id OfficeID
	var name string
	_, err = pgx.ForEachRow(rows, []any{&id, &name}, func() error {
		office := *r.offices[id]
		office.Name = name
		found.Offices = append(found.Offices, office)
		return nil
	})
	if err != nil {
		return DaysChanged{}, fmt.Errorf("name the offices: %w", err)
	}
	slices.SortStableFunc(found.Offices, func(a, b OfficeMoves) int { return b.CheckIns - a.CheckIns })
	return found, nil
}

// retimed is a check-in that keeps its date while the days before it changed.
type retimed struct {
	id       CheckInID
	kind     schedule.Kind
	opens    calendar.Date
	due      calendar.Date
	from     calendar.Date
	planned  []time.Time
	villages bool // its planned texts ask the village
}

// retime plans the texts anew of check-ins that keep their date, where nothing
// went out yet: they are counted back in working days. What is planned about a
// check-in that somebody was texted about stays, and is put off on its day.
func (l *Log) retime(ctx context.Context, tx txn, p plan, days []calendar.Date, why string) error {
	rows, err := tx.Query(ctx, `SELECT c.id, c.kind, c.opens, c.due, c.messages_from,
			ARRAY (SELECT m.not_before FROM messages m WHERE m.check_in_id = c.id AND m.dispatch = 'planned'
				AND m.purpose IN ('officer_reminder', 'village_request') ORDER BY 1),
			EXISTS (SELECT FROM messages m WHERE m.check_in_id = c.id AND m.dispatch = 'planned' AND m.purpose = 'village_request')
		FROM check_ins c WHERE c.plan_id = $1 AND c.state = 'planned' AND NOT c.real_time AND c.due > $2 AND `+dayIsNear("$3", "0")+`
			AND NOT EXISTS (SELECT FROM messages m WHERE m.check_in_id = c.id AND m.dispatch IN ('sending', 'accepted', 'unknown'))
		ORDER BY c.due, c.id`, p.id, tx.today(), days)
	if err != nil {
		return fmt.Errorf("find texts to plan anew: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c retimed, err error) {
		err = row.Scan(&c.id, &c.kind, &c.opens, &c.due, &c.from, &c.planned, &c.villages)
		return c, err
	})
	if err != nil {
		return fmt.Errorf("find texts to plan anew: %w", err)
	}
	anew := false
	for _, c := range found {
		from := messagesFrom(tx.cal(p.office), c.kind, c.due)
		if from == c.from && c.onTime(tx, p.office) {
			continue
		}
		anew = true
		if err := l.cancelPlanned(ctx, tx, []CheckInID{c.id}, why); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE check_ins SET messages_from = $2, messages_planned = false, updated_at = $3 WHERE id = $1", c.id, from, tx.now)
		if err != nil {
			return fmt.Errorf("plan texts anew: %w", err)
		}
	}
	if !anew {
		return nil
	}
	return l.planDueMessages(ctx, tx, p)
}

// onTime tells whether the planned texts stand where they would be planned now.
func (c retimed) onTime(tx txn, office OfficeID) bool {
	if len(c.planned) == 0 {
		return true
	}
	slots := officerSlots(tx.cal(office), c.opens, c.due, tx.now)
	if c.villages {
		slots = villageSlots(tx.cal(office), c.opens, c.due, tx.now)
	}
	return slices.EqualFunc(slots, c.planned, func(s slot, at time.Time) bool { return s.notBefore.Equal(at) })
}
