package carelog

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/carelog/schedule"
	"aftercare/internal/crypt"
)

// CheckIn is a check-in as lists show it.
type CheckIn struct {
	ID         CheckInID         `json:"check_in_id"`
	Plan       PlanID            `json:"plan_id"`
	Recipient  RecipientID       `json:"recipient_id"`
	MaskedName string            `json:"masked_name"`
	Township   string            `json:"township"`
	Village    string            `json:"village"`
	Officer    UserID            `json:"officer_id"`
	Step       string            `json:"step"`
	Title      string            `json:"title"`
	Kind       schedule.Kind     `json:"kind"`
	Opens      calendar.Date     `json:"opens"`
	Due        calendar.Date     `json:"due"`
	Closes     calendar.Date     `json:"closes"`
	Scored     bool              `json:"scored"`
	State      string            `json:"state"`    // planned, overdue, missed, done, cancelled, superseded, before_enrolment
	Standing   schedule.Standing `json:"standing"` // of an open one today: upcoming, due, overdue, missed
	Reason     string            `json:"reason"`
	NextTryOn  calendar.Date     `json:"next_try_on"`
	FirstDue   calendar.Date     `json:"first_due"`    // before a person first moved it; no date: nobody did
	ActBy      *time.Time        `json:"act_by"`       // of one on a real-time clock: the hour, rest days included
	Appointed  *time.Time        `json:"appointed_at"` // when the household and the officer agreed to meet
	ForVillage bool              `json:"for_village"`  // a phone call in place of the village, whose answer by phone completes it too

	// What the village says of a home visit, where one check-in is read: asked,
	// confirmed, doubted, unanswered, not_asked, withdrawn; empty: it is not asked.
	Confirmation string `json:"confirmation,omitempty"`
}

// layCheckIns lays down a plan's occasions from a date to the horizon, and the
// next one after today however far ahead it is (P1). What lies before the plan's
// start is before_enrolment. It reports how many check-ins are ahead.
func (l *Log) layCheckIns(ctx context.Context, tx txn, p plan, from, horizon calendar.Date) (int, error) {
	asked, err := l.course(ctx, tx, p)
	if err != nil {
		return 0, err
	}
	occurrences := asked.between(from, horizon)
	today, ahead := tx.today(), 0
	for _, o := range occurrences {
		if o.Due.After(today) {
			ahead++
		}
	}
	if ahead == 0 {
		next, err := asked.next(horizon)
		if err != nil {
			return 0, err
		}
		occurrences = append(occurrences, next)
		ahead++
	}
	laid, err := l.insertCheckIns(ctx, tx, p, occurrences)
	if err != nil || laid == int64(len(occurrences)) {
		return ahead, err
	}
	return ahead, l.ensureNext(ctx, tx, p.id) // the one ahead was there already, and perhaps done
}

// ensureNext lays down the next occasion of a running plan that has none ahead:
// the last one was done, perhaps long before its date, or is overdue (P1).
func (l *Log) ensureNext(ctx context.Context, tx txn, id PlanID) error {
	var ahead bool
	floors := tx.dueFloors(tx.today())
	err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM check_ins c WHERE plan_id = $1 AND "+
		stillAhead("$2", "$3", "$4", "$5")+")", id, floors.offices, floors.dates, floors.national, tx.now).Scan(&ahead)
	if err != nil {
		return fmt.Errorf("look for the next check-in: %w", err)
	}
	if ahead {
		return nil
	}
	p, err := l.lockPlan(ctx, tx, id)
	if err != nil || !p.running() {
		return err
	}
	asked, err := l.course(ctx, tx, p)
	if err != nil {
		return err
	}
	for after := tx.today(); ; {
		next, err := asked.next(after)
		if err != nil {
			return err
		}
		laid, err := l.insertCheckIns(ctx, tx, p, []schedule.Occurrence{next})
		if err != nil {
			return err
		}
		if laid > 0 {
			return l.planDueMessages(ctx, tx, p)
		}
		after = next.Due // this one was moved forward and done already
	}
}

// insertCheckIns tells how many were new: an occasion that is there already stays as it is.
func (l *Log) insertCheckIns(ctx context.Context, tx txn, p plan, occurrences []schedule.Occurrence) (int64, error) {
	tx.pending.laid = true
	n := len(occurrences)
	ids := make([]CheckInID, n)
	steps, occasions, titles, kinds, states, reasons := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	numbers := make([]int, n)
	dues, opens, closes, first := make([]calendar.Date, n), make([]calendar.Date, n), make([]calendar.Date, n), make([]calendar.Date, n)
	scored, asks, realTime := make([]bool, n), make([]bool, n), make([]bool, n)
	actBy := make([]*time.Time, n)
	for i, o := range occurrences {
		o = p.afterBar(o)
		ids[i] = newID[checkInKind](tx.now, l.random)
		steps[i], occasions[i], titles[i], kinds[i], numbers[i] = o.Step, o.Occasion, o.Title, string(o.Kind), o.N
		dues[i], opens[i], closes[i], scored[i], asks[i] = o.Due, o.Opens, o.Closes, o.Scored, o.AsksVillage
		first[i] = messagesFrom(tx.cal(p.office), o.Kind, o.Due)
		realTime[i], actBy[i] = o.RealTime, clockOf(tx, o)
		states[i], reasons[i] = "planned", o.Exception
		if o.Due.Before(p.startedOn) {
			states[i] = "before_enrolment"
		}
	}
	tag, err := tx.Exec(ctx, `INSERT INTO check_ins
		(id, office_id, plan_id, recipient_id, step, n, occasion, title, kind, due, opens, closes, scored, asks_village, state, reason, messages_from, real_time, act_by, created_at, updated_at)
		SELECT u.id, $1, $2, $3, u.step, u.n, u.occasion, u.title, u.kind, u.due, u.opens, u.closes, u.scored, u.asks, u.state, u.reason, u.first, u.real_time, u.act_by, $4, $4
		FROM unnest($5::uuid[], $6::text[], $7::int[], $8::text[], $9::text[], $10::text[], $11::date[], $12::date[], $13::date[],
			$14::bool[], $15::bool[], $16::text[], $17::text[], $18::date[], $19::bool[], $20::timestamptz[])
			AS u (id, step, n, occasion, title, kind, due, opens, closes, scored, asks, state, reason, first, real_time, act_by)
		ON CONFLICT DO NOTHING`, p.office, p.id, p.recipient, tx.now,
		ids, steps, numbers, occasions, titles, kinds, dues, opens, closes, scored, asks, states, reasons, first, realTime, actBy)
	if err != nil {
		return 0, fmt.Errorf("insert check-ins: %w", err)
	}
	return tag.RowsAffected(), nil
}

// clockOf is the hour by which a check-in on a real-time clock must be made: so
// many times 24 hours after it is laid, which is when its anchor came. One that is
// laid later than its anchor has until its day is over.
func clockOf(tx txn, o schedule.Occurrence) *time.Time {
	if !o.RealTime {
		return nil
	}
	actBy := o.Due.AddDays(1).At(0, 0)
	if days := o.Due.Sub(tx.today()); days > 0 {
		actBy = tx.now.Add(time.Duration(days) * 24 * time.Hour)
	}
	return &actBy
}

// RollCheckIns lays down further check-ins for running plans whose horizon has
// come closer than 90 days, at most limit plans, and tells how many it rolled.
// The sweep calls it until it answers less than its limit.
func (l *Log) RollCheckIns(ctx context.Context, limit int) (int, error) {
	return write(ctx, l, TheSystem(), func(tx txn) (int, error) {
		rows, err := tx.Query(ctx, `SELECT id FROM care_plans WHERE state IN ('active', 'closing') AND rolled_until < $1
			ORDER BY rolled_until, id LIMIT $2 FOR UPDATE SKIP LOCKED`, tx.today().AddDays(horizonDays), limit)
		if err != nil {
			return 0, fmt.Errorf("find plans to roll: %w", err)
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[PlanID])
		if err != nil {
			return 0, fmt.Errorf("find plans to roll: %w", err)
		}
		for _, id := range ids {
			p, err := l.lockPlan(ctx, tx, id)
			if err != nil {
				return 0, err
			}
			horizon := tx.today().AddDays(horizonDays + rollDays)
			if _, err := l.layCheckIns(ctx, tx, p, p.rolledUntil, horizon); err != nil {
				return 0, err
			}
			if _, err := tx.Exec(ctx, "UPDATE care_plans SET rolled_until = $2 WHERE id = $1", id, horizon); err != nil {
				return 0, fmt.Errorf("roll plan: %w", err)
			}
		}
		return len(ids), nil
	})
}

// CheckInFilter chooses check-ins. Zero fields choose all.
type CheckInFilter struct {
	Standing  string        // open, due, overdue, upcoming; empty: every state
	Recipient RecipientID   // one file's
	Officer   UserID        // one officer's
	Except    UserID        // all but one officer's
	DueUntil  calendar.Date // due by that day
	Group     string        // of the case group with this key
	AfterDue  calendar.Date
	AfterID   CheckInID // the last row seen, with AfterDue
	Limit     int       // 1-200
}

// CheckIns lists check-ins of the actor's offices by due date. Officers see the
// office's list; who reads only a list reads no file, so it is not audited, unless
// it is the list of one recipient.
func (l *Log) CheckIns(ctx context.Context, by Actor, f CheckInFilter) ([]CheckIn, error) {
	if !by.Holds(ListWork) {
		return nil, forbidden("only officers and supervisors list check-ins")
	}
	return read(ctx, l, by, func(tx txn) ([]CheckIn, error) {
		if !f.Recipient.IsZero() {
			tx.audit(by.Office, "check_ins_read", anyID(f.Recipient), "")
		}
		return l.listCheckIns(ctx, tx, f)
	})
}

const selectCheckIns = `SELECT c.id, c.plan_id, c.recipient_id, r.data_key, r.sealed, coalesce(v.township, ''), coalesce(v.name, ''),
		p.officer_id, c.step, c.title, c.kind, c.opens, c.due, c.closes, c.scored, c.state, c.reason, c.next_try_on, c.first_due, c.appointed_at, c.act_by,
		c.by_phone <> '' AND NOT p.village_barred, c.office_id
	FROM check_ins c JOIN recipients r ON r.id = c.recipient_id JOIN care_plans p ON p.id = c.plan_id LEFT JOIN villages v ON v.id = r.village_id
	WHERE `

func (l *Log) listCheckIns(ctx context.Context, tx txn, f CheckInFilter) ([]CheckIn, error) {
	today, floors := tx.today(), tx.dueFloors(tx.today())
	where, args := []string{"true"}, []any{}
	add := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		where = append(where, condition)
	}
	switch offices := tx.by.officesFor(ListWork); {
	case tx.by.Kind == System:
	case len(offices) == 1: // so that the index of an office's open check-ins gives them in order
		add("c.office_id = ?", offices[0])
	default:
		add("c.office_id = ANY (?)", offices)
	}
	const open = "c.state IN ('planned', 'overdue', 'missed')"
	switch f.Standing {
	case "":
	case "open":
		add(open)
	case "due":
		add("c.state = 'planned' AND c.opens <= ? AND c.due >= "+dueFloorOf("c.office_id", "?", "?", "?"), today, floors.dates, floors.offices, floors.national)
	case "overdue":
		add("("+open+" AND c.due < ? AND c.due < "+dueFloorOf("c.office_id", "?", "?", "?")+" OR c.state IN ('overdue', 'missed'))", floors.latest, floors.dates, floors.offices, floors.national)
	case "upcoming":
		add("c.state = 'planned' AND c.opens > ?", today)
	default:
		return nil, invalid("standing", isUnknown)
	}
	if !f.Recipient.IsZero() {
		add("c.recipient_id = ?", f.Recipient)
	}
	if !f.Officer.IsZero() {
		add("p.officer_id = ?", f.Officer)
	}
	if !f.Except.IsZero() {
		add("p.officer_id <> ?", f.Except)
	}
	if !f.DueUntil.IsZero() {
		add("c.due <= ?", f.DueUntil)
	}
	if f.Group != "" {
		add("EXISTS (SELECT FROM aid_awards a JOIN case_groups g ON g.id = a.group_id WHERE a.recipient_id = c.recipient_id AND g.key = ?)", f.Group)
	}
	if !f.AfterID.IsZero() {
		add("(c.due, c.id) > (?, ?)", f.AfterDue, f.AfterID)
	}
	args = append(args, f.Limit)
	rows, err := tx.Query(ctx, selectCheckIns+strings.Join(where, " AND ")+fmt.Sprintf(" ORDER BY c.due, c.id LIMIT $%d", len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("list check-ins: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (CheckIn, error) { return l.scanCheckIn(row, tx) })
}

func (l *Log) scanCheckIn(row pgx.CollectableRow, tx txn) (CheckIn, error) {
	var c CheckIn
	var office OfficeID
	var wrapped, sealed []byte
	err := row.Scan(&c.ID, &c.Plan, &c.Recipient, &wrapped, &sealed, &c.Township, &c.Village, &c.Officer,
		&c.Step, &c.Title, &c.Kind, &c.Opens, &c.Due, &c.Closes, &c.Scored, &c.State, &c.Reason, &c.NextTryOn, &c.FirstDue, &c.Appointed, &c.ActBy, &c.ForVillage, &office)
	if err != nil {
		return c, err
	}
	facts, err := l.openRecipient(c.Recipient, wrapped, sealed)
	if err != nil {
		return c, err
	}
	c.MaskedName = MaskName(facts.Name)
	if isOpen(c.State) {
		c.Standing = schedule.Window{Opens: c.Opens, Due: c.Due, Closes: c.Closes}.StandingOn(tx.today(), tx.cal(office))
		// By the hour of its clock, or before a person moved it: what is late stays late.
		if c.State != "planned" && (c.Standing == schedule.Upcoming || c.Standing == schedule.Due) {
			c.Standing = schedule.Standing(c.State)
		}
	}
	return c, nil
}

func isOpen(state string) bool { return state == "planned" || state == "overdue" || state == "missed" }

// openRecipient unseals a recipient's facts; nothing when the key is destroyed.
func (l *Log) openRecipient(id RecipientID, wrapped, sealed []byte) (recipientFacts, error) {
	if wrapped == nil && sealed != nil {
		return recipientFacts{Name: erasedName}, nil
	}
	if wrapped == nil { // about nobody, or out of the reader's scope
		return recipientFacts{}, nil
	}
	key, err := l.keys.Unwrap(id, wrapped)
	if err != nil {
		return recipientFacts{}, fmt.Errorf("open the recipient's key: %w", err)
	}
	return crypt.OpenJSON[recipientFacts](key, sealed, "recipients.sealed")
}

// checkIn is a check-in's row as the verbs work on it.
type checkIn struct {
	id        CheckInID
	office    OfficeID
	plan      PlanID
	recipient RecipientID
	step      string
	kind      schedule.Kind
	window    schedule.Window
	scored    bool
	asks      bool
	state     string
	actBy     *time.Time    // of one on a real-time clock
	firstDue  calendar.Date // before a person first moved it
}

// lockCheckIn reads a check-in for change. Out of scope and not there are the same answer.
func lockCheckIn(ctx context.Context, tx txn, id CheckInID) (checkIn, error) {
	c := checkIn{id: id}
	// The plan before its check-ins: pausing and closing go that way too.
	_, err := tx.Exec(ctx, "SELECT FROM care_plans WHERE id = (SELECT plan_id FROM check_ins WHERE id = $1) FOR NO KEY UPDATE", id)
	if err != nil {
		return c, fmt.Errorf("lock the plan: %w", err)
	}
	err = tx.QueryRow(ctx, `SELECT office_id, plan_id, recipient_id, step, kind, opens, due, closes, scored, asks_village, state, act_by, coalesce(first_due, due)
		FROM check_ins WHERE id = $1 FOR NO KEY UPDATE`, id).
		Scan(&c.office, &c.plan, &c.recipient, &c.step, &c.kind, &c.window.Opens, &c.window.Due, &c.window.Closes, &c.scored, &c.asks, &c.state, &c.actBy, &c.firstDue)
	if none(err) {
		return c, notFound("check-in")
	}
	if err != nil {
		return c, fmt.Errorf("read check-in: %w", err)
	}
	return c, nil
}

func (l *Log) oneCheckIn(ctx context.Context, tx txn, id CheckInID) (CheckIn, error) {
	rows, err := tx.Query(ctx, selectCheckIns+"c.id = $1", id)
	if err != nil {
		return CheckIn{}, fmt.Errorf("read check-in: %w", err)
	}
	return pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (CheckIn, error) { return l.scanCheckIn(row, tx) })
}

// CheckInOf reads one check-in for an officer or supervisor of its office; the read
// goes into the audit.
func (l *Log) CheckInOf(ctx context.Context, by Actor, id CheckInID) (CheckIn, error) {
	return read(ctx, l, by, func(tx txn) (CheckIn, error) {
		var office OfficeID
		var recipient RecipientID
		err := tx.QueryRow(ctx, "SELECT office_id, recipient_id FROM check_ins WHERE id = $1", id).Scan(&office, &recipient)
		if none(err) {
			return CheckIn{}, notFound("check-in")
		}
		if err != nil {
			return CheckIn{}, fmt.Errorf("read check-in: %w", err)
		}
		may, err := mayRead(ctx, tx, office, recipient)
		if err != nil {
			return CheckIn{}, err
		}
		if !may {
			return CheckIn{}, forbidden("only officers and supervisors of the office read its check-ins")
		}
		tx.audit(office, "check_in_read", anyID(id), "")
		c, err := l.oneCheckIn(ctx, tx, id)
		if err != nil {
			return c, err
		}
		v, err := readConfirmation(ctx, tx, id)
		c.Confirmation = v.state
		return c, err
	})
}
