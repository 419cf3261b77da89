package carelog

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
	"aftercare/carelog/schedule"
)

// How far back a household is judged anew, so that the cost does not grow with
// its life: three years of quarterly visits, and two more that these compare
// with. A correction of something older is kept but judges nothing anew.
const (
	judgedAssessments = 12
	comparedBefore    = 2
	judgedContacts    = 60
	judgedWarnings    = 20
	judgedEvents      = 50
	judgedReferrals   = 50
)

// known is all that the rules may look at of one household.
type known struct {
	assessments  []assessed // oldest first, as they stand now
	context      int        // the first so many only serve comparison
	baseline     *condition.Assessment
	contacts     []contacted // oldest first
	contactsAll  bool        // no older contacts were left out
	closedMisses []time.Time // when a person closed an alert of R9
	warnings     []warned
	overdue      []overdueCheckIn
	events       []reportedEvent
	referrals    []helpAskedFor
}

// assessed is an assessment as it counts, with what a call carries.
type assessed struct {
	id      anyID
	checkIn CheckInID
	root    anyID // the check-in, or else the first version of its record: the same through corrections
	at      time.Time
	home    bool
	counts  bool
	condition.Assessment
}

// contacted is one time the household was seen, reached, missed or reported on.
type contacted struct {
	id      anyID
	checkIn CheckInID
	kind    condition.SignalKind // empty: an officer reached them
	at      time.Time
}

// warned is a record with safeguarding flags.
type warned struct {
	id, root anyID
	checkIn  CheckInID
	at       time.Time
	flags    []condition.Flag
}

type overdueCheckIn struct {
	id CheckInID
	condition.Overdue
}

type reportedEvent struct {
	id anyID
	at time.Time
	condition.Event
}

type helpAskedFor struct {
	id    anyID
	sent  time.Time
	ended calendar.Date // the day from which it helps no more; zero: it still does
	heard calendar.Date // the day from which a granted one should have shown; zero: it is open
	condition.Referral
}

// household reads what is known, in one round trip.
func (l *Log) household(ctx context.Context, tx txn, recipient RecipientID) (known, error) {
	var k known
	batch := &pgx.Batch{}
	k.askAssessments(batch, recipient)
	k.askContacts(batch, recipient)
	k.askClosedMisses(batch, recipient)
	k.askWarnings(batch, recipient)
	k.askOverdue(batch, recipient)
	k.askEvents(batch, recipient)
	k.askReferrals(batch, recipient)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return k, fmt.Errorf("read what is known of the household: %w", err)
	}
	k.carry()
	return k, nil
}

// rootOf is the first version of a record: the same through all corrections.
const rootOf = `(WITH RECURSIVE v AS (SELECT r.id, r.corrects FROM check_in_records r WHERE r.id = %s
	UNION ALL SELECT before.id, before.corrects FROM check_in_records before JOIN v ON before.id = v.corrects) SELECT id FROM v WHERE corrects IS NULL)`

func (k *known) askAssessments(batch *pgx.Batch, recipient RecipientID) {
	batch.Queue(`SELECT a.id, a.check_in_id, coalesce(a.check_in_id, `+fmt.Sprintf(rootOf, "a.record_id")+`), a.kind, a.occurred_at, a.scores, a.counts FROM assessments a
		WHERE a.recipient_id = $1 AND a.superseded_by IS NULL ORDER BY a.occurred_at DESC, a.id DESC LIMIT $2`, recipient, judgedAssessments+comparedBefore).
		Query(func(rows pgx.Rows) (err error) {
			k.assessments, err = pgx.CollectRows(rows, scanAssessed)
			slices.Reverse(k.assessments)
			k.context = max(len(k.assessments)-judgedAssessments, 0)
			return err
		})
	// The baseline visit, or else the first complete assessment.
	batch.Queue(`SELECT a.occurred_at, a.scores FROM assessments a LEFT JOIN check_ins c ON c.id = a.check_in_id
		WHERE a.recipient_id = $1 AND a.superseded_by IS NULL AND a.complete ORDER BY (c.step = 'baseline') IS TRUE DESC, a.occurred_at, a.id LIMIT 1`, recipient).
		Query(func(rows pgx.Rows) error {
			var at time.Time
			var scores []int16
			_, err := pgx.ForEachRow(rows, []any{&at, &scores}, func() error {
				k.baseline = &condition.Assessment{On: calendar.Of(at), Scores: fromStored(scores)}
				return nil
			})
			return err
		})
}

func scanAssessed(row pgx.CollectableRow) (assessed, error) {
	var a assessed
	var kind string
	var scores []int16
	err := row.Scan(&a.id, &a.checkIn, &a.root, &kind, &a.at, &scores, &a.counts)
	a.Assessment = condition.Assessment{On: calendar.Of(a.at), Scores: fromStored(scores)}
	a.home = kind == string(schedule.Home)
	if kind == string(schedule.Phone) {
		a.Carried = []condition.Domain{} // to be carried
	}
	return a, err
}

// fromStored is the other way of stored.
func fromStored(column []int16) condition.Scores {
	var scores condition.Scores
	for i, points := range column {
		if scores[i] = condition.ScoreOf(int(points)); points == -2 {
			scores[i] = condition.NotApplicable
		}
	}
	return scores
}

// carry lets each call stand on the home visit before it.
func (k *known) carry() {
	var lastHome *condition.Assessment
	for i := range k.assessments {
		a := &k.assessments[i].Assessment
		by := condition.ByHome
		if a.Carried != nil {
			by = condition.ByPhone
		}
		*a, _ = condition.CarryForward(by, *a, lastHome)
		if by == condition.ByHome {
			lastHome = a
		}
	}
}

// askContacts asks when the household was reached, seen, missed or reported on.
// A village check-in that ended without a word of difficulty says all is well.
func (k *known) askContacts(batch *pgx.Batch, recipient RecipientID) {
	batch.Queue(`SELECT id, check_in_id, kind, at FROM (
			SELECT r.id, r.check_in_id, CASE
					WHEN r.outcome = 'not_seen' THEN 'village_not_seen'
					WHEN r.kind = 'village' AND r.outcome = 'reached' THEN 'village_fine'
					WHEN r.outcome = 'reached' THEN ''
					ELSE 'phone_not_reached' END AS kind, r.occurred_at AS at
			FROM check_in_records r
			WHERE r.recipient_id = $1 AND r.superseded_by IS NULL AND (r.outcome IN ('reached', 'not_seen') OR r.kind = 'phone' AND r.outcome IN ('no_answer', 'number_dead', 'away'))
				AND NOT (r.kind = 'village' AND r.outcome = 'reached' AND EXISTS (SELECT FROM signals s WHERE s.recipient_id = $1 AND s.check_in_id = r.check_in_id))
			UNION ALL SELECT s.id, s.check_in_id, s.kind, s.heard_at FROM signals s WHERE s.recipient_id = $1) f
		ORDER BY at DESC, id DESC LIMIT $2`, recipient, judgedContacts).
		Query(func(rows pgx.Rows) (err error) {
			k.contacts, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c contacted, err error) {
				err = row.Scan(&c.id, &c.checkIn, &c.kind, &c.at)
				return c, err
			})
			slices.Reverse(k.contacts)
			k.contactsAll = len(k.contacts) < judgedContacts
			return err
		})
}

// askClosedMisses asks when a person closed an alert that nobody was reached.
func (k *known) askClosedMisses(batch *pgx.Batch, recipient RecipientID) {
	batch.Queue("SELECT closed_at FROM alerts WHERE recipient_id = $1 AND rule = 'R9' AND closed_by IS NOT NULL AND outcome <> 'superseded' ORDER BY closed_at", recipient).
		Query(func(rows pgx.Rows) (err error) {
			k.closedMisses, err = pgx.CollectRows(rows, pgx.RowTo[time.Time])
			return err
		})
}

func (k *known) askWarnings(batch *pgx.Batch, recipient RecipientID) {
	batch.Queue(`SELECT w.id, `+fmt.Sprintf(rootOf, "w.id")+`, w.check_in_id, w.occurred_at, w.flags FROM check_in_records w
		WHERE w.recipient_id = $1 AND w.superseded_by IS NULL AND w.flags <> '{}' ORDER BY w.occurred_at DESC, w.id DESC LIMIT $2`, recipient, judgedWarnings).
		Query(func(rows pgx.Rows) (err error) {
			k.warnings, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (w warned, err error) {
				err = row.Scan(&w.id, &w.root, &w.checkIn, &w.at, &w.flags)
				return w, err
			})
			slices.Reverse(k.warnings)
			return err
		})
}

func (k *known) askEvents(batch *pgx.Batch, recipient RecipientID) {
	batch.Queue(`SELECT id, kind, occurred_on FROM events WHERE recipient_id = $1 AND withdrawn_at IS NULL
		ORDER BY occurred_on DESC, id DESC LIMIT $2`, recipient, judgedEvents).
		Query(func(rows pgx.Rows) (err error) {
			k.events, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (e reportedEvent, err error) {
				err = row.Scan(&e.id, &e.Kind, &e.On)
				e.at = e.On.At(0, 0)
				return e, err
			})
			slices.Reverse(k.events)
			return err
		})
}

// askReferrals asks for what was asked of partners. A benefit that lapsed without
// being renewed stays a finding: it is a person who lets it go.
func (k *known) askReferrals(batch *pgx.Batch, recipient RecipientID) {
	batch.Queue(`SELECT id, measure, sent_at, due_on, CASE WHEN state IN ('granted', 'lapsed') THEN expires_on END,
			CASE state WHEN 'refused' THEN decided_on WHEN 'withdrawn' THEN (updated_at AT TIME ZONE 'Asia/Shanghai')::date WHEN 'lapsed' THEN expires_on END,
			CASE WHEN state IN ('granted', 'lapsed') THEN effective_from + $3::int END
		FROM referrals WHERE recipient_id = $1 AND sent_at IS NOT NULL ORDER BY id DESC LIMIT $2`, recipient, judgedReferrals, grantShowsAfter).
		Query(func(rows pgx.Rows) (err error) {
			k.referrals, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (r helpAskedFor, err error) {
				err = row.Scan(&r.id, &r.Measure, &r.sent, &r.DueOn, &r.ExpiresOn, &r.ended, &r.heard)
				return r, err
			})
			return err
		})
}

func (k *known) askOverdue(batch *pgx.Batch, recipient RecipientID) {
	batch.Queue("SELECT id, due, closes FROM check_ins WHERE recipient_id = $1 AND state = 'missed' ORDER BY due, id", recipient).
		Query(func(rows pgx.Rows) (err error) {
			k.overdue, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (o overdueCheckIn, err error) {
				err = row.Scan(&o.id, &o.Due, &o.Closes)
				return o, err
			})
			return err
		})
}
