package carelog

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

// A person of ours gets so many texts a day (6 where nobody set another number);
// what is red counts in no budget. The rest of the day is told in one digest a
// half-day: it says how many items wait, and which they are stands in the system.
// A text that was folded ends cancelled with that reason, and the digest carries
// its ask, so that nothing is dropped (P2), said twice (P3) or unexplained (P8).

// digestWait lets the pile of a morning come together before its digest goes out.
const digestWait = 10 * time.Minute

// unbudgeted are the purposes of texts that count in nobody's budget.
var unbudgeted = []string{"staff_digest", "weekly_digest", "test"}

// budgeted tells whether the text counts in the budget of one of ours.
func (c claim) budgeted() bool {
	return !c.user.IsZero() && c.priority != priorityRed && !slices.Contains(unbudgeted, c.purpose)
}

// folded is what a digest takes over: asks, and who is to be told of them.
type folded struct {
	user   UserID
	office OfficeID
	line   LineID
	asks   []AskID
}

func (c claim) folded(user UserID) folded {
	return folded{user: user, office: c.office, line: c.line, asks: ids(c.ask)}
}

// fold puts the asks into the digest that is planned for the person, or plans one:
// in a moment, or at the next opening when this half-day had one already.
func (l *Log) fold(ctx context.Context, tx txn, f folded) error {
	var digest MessageID
	err := tx.QueryRow(ctx, `SELECT id FROM messages WHERE user_id = $1 AND dispatch = 'planned' AND purpose = 'staff_digest' AND tries = 0
		ORDER BY not_before, id LIMIT 1`, f.user).Scan(&digest)
	if none(err) {
		digest, err = l.planDigest(ctx, tx, f)
	}
	if err != nil {
		return fmt.Errorf("find the digest: %w", err)
	}
	_, err = tx.Exec(ctx, `WITH rounds AS (
			UPDATE asks SET rounds = rounds + 1
			WHERE id = ANY ($2) AND NOT EXISTS (SELECT FROM message_asks b WHERE b.message_id = $1 AND b.ask_id = asks.id) RETURNING id, rounds)
		INSERT INTO message_asks (message_id, ask_id, round) SELECT $1, id, rounds FROM rounds`, digest, f.asks)
	if err != nil {
		return fmt.Errorf("fold into the digest: %w", err)
	}
	return nil
}

func (l *Log) planDigest(ctx context.Context, tx txn, f folded) (MessageID, error) {
	var told bool
	err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM messages WHERE user_id = $1 AND purpose = 'staff_digest' AND claimed_at >= $2)",
		f.user, officerWindow.openedAt(tx.now)).Scan(&told)
	if err != nil {
		return MessageID{}, fmt.Errorf("look for the last digest: %w", err)
	}
	cal := tx.cal(f.office)
	at := officerWindow.next(tx.now.Add(digestWait), cal)
	if told {
		at = officerWindow.nextOpening(tx.now, cal)
	}
	return l.insertMessage(ctx, tx, newMessage{
		office: f.office, user: f.user, line: f.line, purpose: "staff_digest", priority: priorityDigest,
		slot: slot{"staff_digest", at, officerWindow.closes(cal.AddWorkdays(calendar.Of(at), 5)), "what goes beyond the texts of a day, in one digest"},
	})
}

// waiting counts what a digest carries that is still open.
func waiting(ctx context.Context, tx txn, digest MessageID) (int, error) {
	var n int
	err := tx.QueryRow(ctx, `SELECT count(DISTINCT coalesce(a.check_in_id, a.alert_id, a.review_of)) FROM message_asks b JOIN asks a ON a.id = b.ask_id
		WHERE b.message_id = $1 AND a.state = 'open'`, digest).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count what waits: %w", err)
	}
	return n, nil
}

// findStandIns finds who acts for those of ours who are away.
func (l *Log) findStandIns(ctx context.Context, tx txn, claims []claim) error {
	for i, c := range claims {
		if !c.away {
			continue
		}
		user, why, err := l.standIn(ctx, tx, c.user)
		if err != nil {
			return err
		}
		if user != c.user {
			claims[i].standIn, claims[i].standInWhy = user, why
		}
	}
	return nil
}

// tellInstead plans for whoever stands in what was planned for somebody on leave,
// unless they are being told the same today in their own right.
func (l *Log) tellInstead(ctx context.Context, tx txn, c claim, v verdict) error {
	s := staffSlot(c.wording, c.priority, tx, c.office, v.reason)
	s.notBefore = later(s.notBefore, c.notBefore)
	s.deadline = later(c.deadline, s.notBefore)
	switch {
	case c.purpose == "staff_digest":
		return l.passDigestOn(ctx, tx, c, v.instead)
	case c.purpose == "weekly_digest":
		return nil // whoever stands in has a digest of their own
	case c.ask.IsZero():
		_, err := l.insertMessage(ctx, tx, newMessage{
			office: c.office, recipient: c.recipient, checkIn: c.checkIn, user: v.instead, inbound: c.inbound, line: c.line,
			purpose: c.purpose, priority: c.priority, slot: s,
		})
		return err
	}
	var told bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM asks a JOIN message_asks b ON b.ask_id = a.id JOIN messages m ON m.id = b.message_id
		WHERE (a.check_in_id = $1 OR a.alert_id = $2 OR a.review_of = $6) AND a.user_id = $3 AND m.wording = $4 AND m.dispatch IN ('planned', 'sending', 'accepted', 'unknown')
			AND m.not_before >= $5)`, c.checkIn, c.alert, v.instead, c.wording, tx.today().At(0, 0), c.review).Scan(&told)
	if err != nil {
		return fmt.Errorf("look for what the deputy was told: %w", err)
	}
	if told {
		return nil
	}
	return l.planAsk(ctx, tx, newAsk{
		office: c.office, recipient: c.recipient, checkIn: c.checkIn, alert: c.alert, review: c.review, user: v.instead, purpose: c.purpose, priority: c.priority,
	}, []slot{s})
}

// passDigestOn folds what a digest carries into the one of whoever stands in.
func (l *Log) passDigestOn(ctx context.Context, tx txn, c claim, user UserID) error {
	rows, err := tx.Query(ctx, "SELECT ask_id FROM message_asks WHERE message_id = $1 ORDER BY ask_id", c.id)
	if err != nil {
		return fmt.Errorf("read the digest: %w", err)
	}
	f := c.folded(user)
	if f.asks, err = pgx.CollectRows(rows, pgx.RowTo[AskID]); err != nil {
		return fmt.Errorf("read the digest: %w", err)
	}
	return l.fold(ctx, tx, f)
}

// SendWeeklyDigests plans, once a week from its first working day on, a digest for
// every supervisor of what waits in their offices, at most limit of them, and
// tells how many it planned. A week that is over is not told about any more.
func (l *Log) SendWeeklyDigests(ctx context.Context, limit int) (int, error) {
	return write(ctx, l, TheSystem(), func(tx txn) (int, error) {
		week := mondayOf(calendar.Of(officerWindow.next(tx.now, tx.cal(OfficeID{}))))
		rows, err := tx.Query(ctx, `SELECT g.user_id, (min(g.office_id::text))::uuid FROM grants g JOIN users u ON u.id = g.user_id AND u.state = 'active'
			WHERE g.role = 'supervisor' AND NOT EXISTS (SELECT FROM weekly_digests d WHERE d.user_id = g.user_id AND d.week = $1)
			GROUP BY g.user_id ORDER BY g.user_id LIMIT $2`, week, limit)
		if err != nil {
			return 0, fmt.Errorf("find supervisors to tell: %w", err)
		}
		type told struct {
			user   UserID
			office OfficeID
		}
		supervisors, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t told, err error) {
			err = row.Scan(&t.user, &t.office)
			return t, err
		})
		if err != nil {
			return 0, fmt.Errorf("find supervisors to tell: %w", err)
		}
		for _, s := range supervisors {
			if err := l.planWeekly(ctx, tx, s.user, s.office, week); err != nil {
				return 0, err
			}
		}
		return len(supervisors), nil
	})
}

func mondayOf(d calendar.Date) calendar.Date { return d.AddDays(-(int(d.Weekday()) + 6) % 7) }

func (l *Log) planWeekly(ctx context.Context, tx txn, user UserID, office OfficeID, week calendar.Date) error {
	line, err := l.lineOf(ctx, tx, office, ContactID{}, user)
	if err != nil {
		return err
	}
	cal := tx.cal(office)
	at := officerWindow.next(later(tx.now, officerWindow.opens(week)), cal)
	message, err := l.insertMessage(ctx, tx, newMessage{
		office: office, user: user, line: line, purpose: "weekly_digest", priority: priorityDigest,
		slot: slot{"supervisor_week", at, officerWindow.closes(calendar.Of(at)), "the digest of the week for supervisors"},
	})
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "INSERT INTO weekly_digests (user_id, week, office_id, message_id) VALUES ($1, $2, $3, $4)", user, week, office, message)
	if err != nil {
		return fmt.Errorf("note the weekly digest: %w", err)
	}
	return nil
}

// tasksOld is after how many working days an open task is counted in the digest
// of the week, where it has no time of its own.
const tasksOld = 5

// weekFacts counts what waits in the offices a supervisor answers for, no further
// than the text has room for: tasks whose time is over or that are old, and plans
// whose review nobody took up.
func (l *Log) weekFacts(ctx context.Context, tx txn, c claim, f map[string]string) error {
	var due, overdue, alerts, tasks, reviews int
	const limited = "(SELECT count(*) FROM (SELECT FROM %s AND %s LIMIT 999) x)"
	const theirs = "office_id IN (SELECT o.id FROM grants g JOIN offices o ON g.office_id = ANY (o.path) WHERE g.user_id = $1 AND g.role = 'supervisor')"
	monday := mondayOf(tx.today())
	err := tx.QueryRow(ctx, "SELECT "+fmt.Sprintf(limited, "check_ins WHERE state = 'planned' AND due BETWEEN $2 AND $3", theirs)+", "+
		fmt.Sprintf(limited, "check_ins WHERE state IN ('overdue', 'missed')", theirs)+", "+
		fmt.Sprintf(limited, "alerts WHERE state <> 'closed'", theirs)+", "+
		fmt.Sprintf(limited, "tasks WHERE state = 'open' AND kind <> 'plan_review' AND (act_by < $4 OR opened_at < $5)", theirs)+", "+
		fmt.Sprintf(limited, "tasks WHERE state = 'open' AND kind = 'plan_review' AND act_by < $4", theirs),
		c.user, monday, monday.AddDays(6), tx.now, tx.cal(c.office).AddWorkdays(tx.today(), -tasksOld).At(0, 0)).Scan(&due, &overdue, &alerts, &tasks, &reviews)
	if err != nil {
		return fmt.Errorf("count the week: %w", err)
	}
	if due+overdue+alerts+tasks+reviews == 0 {
		return needlessText("nothing is due this week and nothing waits")
	}
	f["due"], f["overdue"], f["alerts"] = strconv.Itoa(due), strconv.Itoa(overdue), strconv.Itoa(alerts)
	f["tasks"], f["reviews"] = strconv.Itoa(tasks), strconv.Itoa(reviews)
	return nil
}

// mostTextsADay bounds what anybody can be made to get.
const mostTextsADay = 50

// SetTextBudget sets how many texts a person gets a day before the rest is told
// in a digest; 0 goes back to what their office has. The person themself and an
// administrator of their office may. What is red counts in no budget.
func (l *Log) SetTextBudget(ctx context.Context, by Actor, user UserID, texts int) error {
	if texts < 0 || texts > mostTextsADay {
		return invalid("texts_a_day", isOutsideWindow)
	}
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		var office OfficeID
		err := tx.QueryRow(ctx, "SELECT office_id FROM users WHERE id = $1 AND state = 'active'", user).Scan(&office)
		if none(err) {
			return struct{}{}, notFound("user")
		}
		if err != nil {
			return struct{}{}, fmt.Errorf("read user: %w", err)
		}
		if !by.may(office, SetTextBudget) && !by.mayForOneself(user, OwnTextBudget) {
			return struct{}{}, forbidden("a person's texts a day are set by themself or an administrator of the office")
		}
		if _, err := tx.Exec(ctx, "UPDATE users SET texts_a_day = nullif($2, 0) WHERE id = $1", user, texts); err != nil {
			return struct{}{}, fmt.Errorf("set the texts a day: %w", err)
		}
		tx.audit(office, "text_budget_set", anyID(user), strconv.Itoa(texts))
		return struct{}{}, nil
	})
	return err
}
