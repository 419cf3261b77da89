package carelog

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/carelog/schedule"
)

// A home visit that an officer recorded can be confirmed by the village contact,
// with one code: 1 they came, 2 they did not. It completes nothing and is nobody's
// phone work: what is not answered is noted, and what is denied a supervisor looks
// into who had no part in the visit (doubts.go). A visit is asked about once.

// visitConfirmation is the purpose of such an ask, and its wording.
const visitConfirmation = "visit_confirmation"

const (
	// One visit in so many: often enough that an officer meets it every month or two,
	// rare enough that a contact of several households is not asked every week.
	confirmEvery        = 10
	confirmSeed         = "aftercare: visit confirmations, 1"
	confirmSentWithin   = 2 // working days that the text may wait for its hour
	confirmAnswerWithin = 5 // working days for the answer
)

// What became of a confirmation, beside asked, confirmed and doubted.
const (
	confirmUnanswered = "unanswered"
	confirmNotAsked   = "not_asked"
	confirmWithdrawn  = "withdrawn"
)

// ConfirmationChosen tells whether a home visit is one that the village contact is
// asked to confirm: by its check-in's id alone, and by nobody's choice.
func ConfirmationChosen(id CheckInID) bool { return oneIn(confirmEvery, confirmSeed, id) }

// Why the village is not asked to confirm a visit.
const (
	nobodyConfirms     = "no contact of this household can be texted about it"
	unverifiedConfirms = "the contact's number is not verified: it is asked about no visit"
	doubtfulConfirms   = "the contact's number may be somebody else's: it is asked about no visit"
	ownConfirms        = "the contact's number is that of somebody who made the visit"
	noAliasAgreed      = "no household alias is agreed with the contact"
)

// confirmOneInTen has the village contact asked about a chosen home visit once it
// is recorded. Where nobody may be asked the history says why, and nothing goes out.
func (l *Log) confirmOneInTen(ctx context.Context, tx txn, c checkIn, e entered) error {
	if c.id.IsZero() || c.kind != schedule.Home || !e.reached() || !ConfirmationChosen(c.id) {
		return nil
	}
	ready, err := confirmable(ctx, tx, c.id)
	if err != nil || ready != nil {
		return err
	}
	t, why, err := l.whoConfirms(ctx, tx, c.id)
	if err != nil {
		return err
	}
	if why == "" {
		return l.askToConfirm(ctx, tx, t, UserID{})
	}
	_, err = tx.Exec(ctx, "INSERT INTO visit_confirmations (check_in_id, recipient_id, asked_at, state, reason, ended_at) VALUES ($1, $2, $3, $4, $5, $3)",
		c.id, c.recipient, tx.now, confirmNotAsked, why)
	if err != nil {
		return fmt.Errorf("note the visit nobody confirms: %w", err)
	}
	tx.append(happening{recipient: c.recipient, kind: "visit_not_confirmed", actor: System, subject: anyID(c.id), details: map[string]any{"reason": why}})
	return nil
}

// RequestVisitConfirmation has the village contact asked whether one recorded home
// visit was made, whatever its id. A supervisor of the office may who neither
// recorded nor made it. Refusals: NotFound, Forbidden, and Conflict where no home
// visit of a running plan is recorded, where it was asked about before, or where
// nobody in the village may be asked, with the reason.
func (l *Log) RequestVisitConfirmation(ctx context.Context, by Actor, id CheckInID) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		c, err := lockCheckIn(ctx, tx, id)
		if err != nil {
			return struct{}{}, err
		}
		if by.Kind != Person || !by.may(c.office, ConfirmVisit) {
			return struct{}{}, forbidden("only a supervisor of the office has a visit confirmed")
		}
		if part, err := hadPart(ctx, tx, id); err != nil || part {
			return struct{}{}, orForbidden(err, "whoever recorded or made the visit does not have it confirmed")
		}
		if c.kind != schedule.Home {
			return struct{}{}, conflict("only a home visit is confirmed by the village")
		}
		ready, err := confirmable(ctx, tx, id)
		if err != nil || ready != nil {
			return struct{}{}, orError(err, ready)
		}
		t, why, err := l.whoConfirms(ctx, tx, id)
		if err != nil {
			return struct{}{}, err
		}
		if why != "" {
			return struct{}{}, conflict("%s", why)
		}
		return struct{}{}, l.askToConfirm(ctx, tx, t, by.User)
	})
	return err
}

// orForbidden is the error, else the refusal.
func orForbidden(err error, why string) error { return orError(err, forbidden(why)) }

func orError(err, refusal error) error {
	if err != nil {
		return err
	}
	return refusal
}

// confirmable is the refusal where a check-in cannot be asked about now: nil when it can.
func confirmable(ctx context.Context, tx txn, id CheckInID) (refusal, err error) {
	var reached, runs, asked bool
	err = tx.QueryRow(ctx, `SELECT c.state = 'done' AND EXISTS (SELECT FROM check_in_records b
				WHERE b.check_in_id = c.id AND b.outcome = 'reached' AND b.superseded_by IS NULL AND b.recorded_by IS NOT NULL),
			p.state IN ('active', 'closing'), EXISTS (SELECT FROM visit_confirmations v WHERE v.check_in_id = c.id AND v.ask_id IS NOT NULL)
		FROM check_ins c JOIN care_plans p ON p.id = c.plan_id WHERE c.id = $1`, id).Scan(&reached, &runs, &asked)
	switch {
	case err != nil:
		return nil, fmt.Errorf("look at the visit: %w", err)
	case !reached:
		return conflict("no visit that reached the household is recorded"), nil
	case !runs:
		return conflict("the plan does not run: nobody is asked about its visits"), nil
	case asked:
		return conflict("the village was asked about this visit already"), nil
	}
	return nil, nil
}

// whoConfirms is whom the village would be asked about the visit by, or why nobody.
func (l *Log) whoConfirms(ctx context.Context, tx txn, id CheckInID) (t toPlan, why string, err error) {
	rows, err := tx.Query(ctx, selectToPlan+"c.id = $1", id)
	if err != nil {
		return t, "", fmt.Errorf("find who confirms the visit: %w", err)
	}
	if t, err = pgx.CollectExactlyOneRow(rows, scanToPlan); err != nil {
		return t, "", fmt.Errorf("find who confirms the visit: %w", err)
	}
	switch {
	case t.barred:
		return t, notThroughTheVillage, nil
	case t.contact.IsZero() && t.numbers == numberUnverified:
		return t, unverifiedConfirms, nil
	case t.contact.IsZero() && t.numbers == numberQuarantined:
		return t, doubtfulConfirms, nil
	case t.contact.IsZero():
		return t, nobodyConfirms, nil
	}
	if barred, err := l.topicsBar(ctx, tx, t.contact, t.recipient); err != nil || barred {
		return t, topicBarred, err
	}
	var own bool
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM village_contacts k JOIN users u ON u.phone_index = k.phone_index
		JOIN check_in_records b ON b.check_in_id = $2 AND (b.recorded_by = u.id OR u.id = ANY (b.officers)) WHERE k.id = $1)`, t.contact, id).Scan(&own)
	if err != nil || own {
		return t, ownConfirms, err
	}
	file, err := l.openFile(ctx, tx, t.recipient)
	if err != nil || file.facts.Alias == "" {
		return t, noAliasAgreed, err
	}
	return t, "", nil
}

// askToConfirm opens the ask and plans its one text, after everything else that
// goes to the number. by is the supervisor who wants it; zero: it was chosen.
func (l *Log) askToConfirm(ctx context.Context, tx txn, t toPlan, by UserID) error {
	cal := tx.cal(t.office)
	at := villageWindow.next(tx.now, cal)
	why := "one home visit in ten is confirmed by the village contact"
	asked := happening{recipient: t.recipient, kind: "visit_confirmation_asked", actor: System, subject: anyID(t.checkIn)}
	if !by.IsZero() {
		why = "a supervisor has this home visit confirmed by the village contact"
		asked.actor, asked.actorID = Person, anyID(by)
	}
	asked.details = map[string]any{"contact_id": t.contact, "reason": why}
	a := newAsk{office: t.office, recipient: t.recipient, checkIn: t.checkIn, contact: t.contact, purpose: visitConfirmation, priority: priorityDigest}
	s := slot{visitConfirmation, at, villageWindow.closes(cal.AddWorkdays(calendar.Of(at), confirmSentWithin)), why}
	ask, err := l.planAskTo(ctx, tx, a, []slot{s})
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO visit_confirmations (check_in_id, recipient_id, ask_id, asked_by, asked_at, answer_by, state) VALUES ($1, $2, $3, $4, $5, $6, 'asked')
		ON CONFLICT (check_in_id) DO UPDATE SET ask_id = excluded.ask_id, asked_by = excluded.asked_by, asked_at = excluded.asked_at,
			answer_by = excluded.answer_by, state = 'asked', reason = '', ended_at = NULL`,
		t.checkIn, t.recipient, ask, by, tx.now, villageWindow.closes(cal.AddWorkdays(calendar.Of(at), confirmAnswerWithin)))
	if err != nil {
		return fmt.Errorf("insert visit confirmation: %w", err)
	}
	tx.append(asked)
	return nil
}

// visitedOn is the day of the visit that stands for a check-in.
func visitedOn(ctx context.Context, tx txn, id CheckInID) (calendar.Date, error) {
	var at time.Time
	err := tx.QueryRow(ctx, `SELECT occurred_at FROM check_in_records WHERE check_in_id = $1 AND outcome = 'reached' AND superseded_by IS NULL
		ORDER BY occurred_at DESC LIMIT 1`, id).Scan(&at)
	if none(err) {
		return calendar.Date{}, needlessText("the record of the visit was corrected")
	}
	if err != nil {
		return calendar.Date{}, fmt.Errorf("read the visit: %w", err)
	}
	return calendar.Of(at), nil
}

// endConfirmations ends those of the check-ins that nobody has answered: what is
// planned is cancelled, the codes rest, and the history says why.
func (l *Log) endConfirmations(ctx context.Context, tx txn, ids []CheckInID, state, why string) error {
	_, err := tx.Exec(ctx, `UPDATE messages SET dispatch = 'cancelled', dispatch_reason = $2, dispatched_at = $3
		WHERE check_in_id = ANY ($1) AND dispatch = 'planned' AND purpose = $4`, ids, why, tx.now, visitConfirmation)
	if err != nil {
		return fmt.Errorf("cancel confirmations: %w", err)
	}
	_, err = tx.Exec(ctx, `WITH settled AS (
			UPDATE asks SET state = 'closed', reason = $2, closed_at = $3 WHERE check_in_id = ANY ($1) AND state = 'open' AND purpose = $5 RETURNING id)
		UPDATE task_codes SET free_from = $4 FROM settled WHERE ask_id = settled.id AND free_from IS NULL`, ids, why, tx.now, tx.now.Add(codeRest), visitConfirmation)
	if err != nil {
		return fmt.Errorf("close confirmations: %w", err)
	}
	rows, err := tx.Query(ctx, `UPDATE visit_confirmations SET state = $2, reason = $3, ended_at = $4 WHERE check_in_id = ANY ($1) AND state = 'asked'
		RETURNING check_in_id, recipient_id`, ids, state, why, tx.now)
	if err != nil {
		return fmt.Errorf("end confirmations: %w", err)
	}
	var id CheckInID
	var recipient RecipientID
	_, err = pgx.ForEachRow(rows, []any{&id, &recipient}, func() error {
		tx.append(happening{recipient: recipient, kind: "visit_not_confirmed", actor: System, subject: anyID(id), details: map[string]any{"reason": why}})
		return nil
	})
	if err != nil {
		return fmt.Errorf("end confirmations: %w", err)
	}
	return nil
}

// withdrawConfirmations ends those of a plan that stops.
func (l *Log) withdrawConfirmations(ctx context.Context, tx txn, p PlanID, why string) error {
	rows, err := tx.Query(ctx, `SELECT v.check_in_id FROM visit_confirmations v JOIN check_ins c ON c.id = v.check_in_id
		WHERE v.recipient_id = (SELECT recipient_id FROM care_plans WHERE id = $1) AND c.plan_id = $1 AND v.state = 'asked' ORDER BY c.id`, p)
	if err != nil {
		return fmt.Errorf("find the plan's confirmations: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[CheckInID])
	if err != nil {
		return fmt.Errorf("find the plan's confirmations: %w", err)
	}
	if len(ids) == 0 {
		return nil
	}
	return l.endConfirmations(ctx, tx, ids, confirmWithdrawn, why)
}

// endUnanswered notes, at most limit, which visits nobody confirmed in time and
// why, and tells how many.
func (l *Log) endUnanswered(ctx context.Context, tx txn, limit int) (int, error) {
	rows, err := tx.Query(ctx, `SELECT v.check_in_id, CASE WHEN a.state = 'closed' THEN a.reason
			WHEN m.dispatch = 'accepted' AND m.delivery IN ('failed', 'undelivered') THEN 'the text did not arrive'
			WHEN m.dispatch NOT IN ('planned', 'sending', 'accepted') THEN m.dispatch_reason
			WHEN m.dispatch = 'planned' THEN 'the text could not go out in time' ELSE 'the village contact did not answer in time' END
		FROM visit_confirmations v JOIN asks a ON a.id = v.ask_id JOIN check_ins c ON c.id = v.check_in_id JOIN care_plans p ON p.id = c.plan_id
		LEFT JOIN LATERAL (SELECT * FROM messages t WHERE t.check_in_id = c.id AND t.purpose = $3 ORDER BY t.id DESC LIMIT 1) m ON true
		WHERE v.state = 'asked' AND v.answer_by <= $1 ORDER BY v.answer_by, v.check_in_id LIMIT $2 FOR NO KEY UPDATE OF p, c, v SKIP LOCKED`,
		tx.now, limit, visitConfirmation)
	if err != nil {
		return 0, fmt.Errorf("find visits nobody confirmed: %w", err)
	}
	type unanswered struct {
		CheckIn CheckInID
		Why     string
	}
	found, err := collect(rows, func(u *unanswered) []any { return []any{&u.CheckIn, &u.Why} })
	if err != nil {
		return 0, fmt.Errorf("find visits nobody confirmed: %w", err)
	}
	for _, u := range found {
		if err := l.endConfirmations(ctx, tx, []CheckInID{u.CheckIn}, confirmUnanswered, u.Why); err != nil {
			return 0, err
		}
	}
	return len(found), nil
}

// withdrawAfterCorrection ends the question about a visit whose record says now
// that nobody was reached, or that it was on another day than the text named.
func (l *Log) withdrawAfterCorrection(ctx context.Context, tx txn, c checkIn, e entered, before time.Time) error {
	if c.id.IsZero() || e.reached() && calendar.Of(e.OccurredAt) == calendar.Of(before) {
		return nil
	}
	return l.endConfirmations(ctx, tx, []CheckInID{c.id}, confirmWithdrawn, "the record of the visit was corrected")
}
