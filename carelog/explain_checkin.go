package carelog

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/carelog/schedule"
)

// ExplainCheckIn says why a check-in is there, why on that date, and what
// became of it and of the texts about it. Officers and supervisors of its
// office may ask.
func (l *Log) ExplainCheckIn(ctx context.Context, by Actor, id CheckInID) (Explanation, error) {
	return read(ctx, l, by, func(tx txn) (Explanation, error) {
		c, err := readCheckIn(ctx, tx, id)
		if err != nil {
			return Explanation{}, err
		}
		if err := mayAsk(by, c.office); err != nil {
			return Explanation{}, err
		}
		p, err := l.readPlan(ctx, tx, c.plan)
		if err != nil {
			return Explanation{}, err
		}
		e := Explanation{Subject: "check_in", ID: id.String()}
		tx.audit(c.office, "check_in_explained", anyID(id), "")
		asked, err := l.course(ctx, tx, p)
		if err != nil {
			return Explanation{}, err
		}
		l.explainDate(&e, asked, c)
		if err := l.explainEvents(ctx, tx, &e, c); err != nil {
			return Explanation{}, err
		}
		if err := l.explainConfirmation(ctx, tx, &e, c.id); err != nil {
			return Explanation{}, err
		}
		if err := l.explainLadder(ctx, tx, &e, "check_in_id", anyID(c.id)); err != nil {
			return Explanation{}, err
		}
		if err := l.explainTexts(ctx, tx, &e, c.id); err != nil {
			return Explanation{}, err
		}
		e.Answer = said("%s due on %s (%s): %s", "%s\uff0c\u5230\u671f\u65e5 %s\uff08%s\uff09\uff1a%s",
			kindSentence(c.kind), c.window.Due, checkInState(c.state), e.Because[0].Sentence)
		return e, nil
	})
}

// shownCheckIn is a check-in's row as it is explained.
type shownCheckIn struct {
	checkIn
	n              int
	title, reason  string
	fixed, planned bool
	messagesFrom   calendar.Date
	byPhone        string // why it is a phone call though the plan asks the village
}

func readCheckIn(ctx context.Context, tx txn, id CheckInID) (shownCheckIn, error) {
	c := shownCheckIn{checkIn: checkIn{id: id}}
	err := tx.QueryRow(ctx, `SELECT office_id, plan_id, recipient_id, step, n, title, kind, opens, due, closes, scored, asks_village, state, reason, fixed, messages_planned, messages_from, act_by, coalesce(first_due, due), by_phone
		FROM check_ins WHERE id = $1`, id).
		Scan(&c.office, &c.plan, &c.recipient, &c.step, &c.n, &c.title, &c.kind, &c.window.Opens, &c.window.Due, &c.window.Closes,
			&c.scored, &c.asks, &c.state, &c.reason, &c.fixed, &c.planned, &c.messagesFrom, &c.actBy, &c.firstDue, &c.byPhone)
	if none(err) {
		return c, notFound("check-in")
	}
	if err != nil {
		return c, fmt.Errorf("read check-in: %w", err)
	}
	return c, nil
}

// explainDate says which step of which template asks for the date, which days
// it was counted over, and why it is not the plain one.
func (l *Log) explainDate(e *Explanation, asked course, c shownCheckIn) {
	cal, p := asked.cal, asked.plan
	o, there := asked.at(c.step, c.n)
	if c.step == missedHome {
		e.add("rule", said("nobody has seen or reached the household: rule R9 asks for a home visit within %d working days",
			"\u591a\u6b21\u6ca1\u6709\u89c1\u5230\u6216\u8054\u7cfb\u4e0a\u8fd9\u6237\uff1a\u6309R9\u5e94\u5728%d\u4e2a\u5de5\u4f5c\u65e5\u5185\u4e0a\u95e8", missedHomeWithin)).about("R9")
	} else if !there {
		e.add("template", said("step %s is no part of the plan's template %s version %d as it is now",
			"\u6b65\u9aa4%s\u4e0d\u5728\u65b9\u6848%s\u7b2c%d\u7248\u73b0\u6709\u7684\u6b65\u9aa4\u4e2d", c.step, p.template.Key, p.template.Version)).about(c.step)
	} else {
		e.add("template", said("template %s version %d, step %s (%s), time %d, falls on %s",
			"\u65b9\u6848%s\u7b2c%d\u7248\uff0c\u6b65\u9aa4%s\uff08%s\uff09\u7b2c%d\u6b21\uff0c\u6309\u65e5\u6570\u7b97\u662f%s",
			p.template.Key, p.template.Version, c.step, c.title, schedule.Ordinal(asked.template, asked.anchors, c.step, c.n, cal), o.Nominal)).about(c.step).on(o.Nominal)
		if o.Due != o.Nominal {
			e.add("calendar", said("%s is no working day of the office: the check-in moved to %s",
				"%s\u4e0d\u662f\u672c\u5355\u4f4d\u5de5\u4f5c\u65e5\uff0c\u987a\u5ef6\u6216\u63d0\u524d\u5230%s", o.Nominal, o.Due)).on(o.Nominal)
			from, until := o.Nominal, o.Due
			if until.Before(from) {
				from, until = until, from
			}
			e.Because = append(e.Because, restDays(cal, from, until)...)
		}
		if o.Due != c.window.Due {
			e.add("person", said("it stands on %s and not on %s: %s", "\u73b0\u5b9a\u5728%s\u800c\u4e0d\u662f%s\uff1a%s",
				c.window.Due, o.Due, whyMoved(c))).on(c.window.Due)
		}
	}
	e.add("template", said("it may be made from %s; after %s it counts as missed", "\u53ef\u5728%s\u8d77\u529e\u7406\uff0c%s\u4e4b\u540e\u7b97\u9519\u8fc7", c.window.Opens, c.window.Closes))
	if c.firstDue != c.window.Due {
		e.add("person", said("before it was moved it was due on %s: how far it may be moved counts from there", "\u6539\u671f\u524d\u539f\u5b9a%s\u5230\u671f\uff0c\u6539\u671f\u9650\u5ea6\u4ece\u8be5\u65e5\u7b97\u8d77", c.firstDue)).on(c.firstDue)
	}
	if c.actBy != nil {
		e.add("template", said("it runs on a real-time clock, rest days and nights included: until %s", "\u6309\u81ea\u7136\u65f6\u95f4\u8ba1\u65f6\uff0c\u4f11\u606f\u65e5\u548c\u591c\u95f4\u4e0d\u505c\uff0c\u81f3%s", *c.actBy)).at(*c.actBy)
	}
	if c.byPhone != "" {
		e.add("event", said("the village was to be asked, and it is a phone call of the officer now: %s", "\u539f\u8ba1\u5212\u8be2\u95ee\u6751\u91cc\uff0c\u73b0\u6539\u4e3a\u627f\u529e\u4eba\u7535\u8bdd\u56de\u8bbf\uff1a%s", inBoth(c.byPhone)))
	}
	if !isOpen(c.state) && c.reason != "" {
		e.add("event", inBoth(c.reason))
	}
}

func whyMoved(c shownCheckIn) Sentence {
	if c.reason != "" {
		return inBoth(c.reason)
	}
	return Sentence{"it was laid when the calendar or the template was another", "\u5b89\u6392\u65f6\u65e5\u5386\u6216\u65b9\u6848\u4e0e\u73b0\u5728\u4e0d\u540c"}
}

func (l *Log) explainEvents(ctx context.Context, tx txn, e *Explanation, c shownCheckIn) error {
	events, err := l.entriesAbout(ctx, tx, c.recipient, anyID(c.id))
	if err != nil {
		return err
	}
	e.Because = append(e.Because, events...)
	return nil
}

// explainTexts lists the texts about a check-in, each with why it is planned for
// when it is and what became of it, or says why there is none.
func (l *Log) explainTexts(ctx context.Context, tx txn, e *Explanation, id CheckInID) error {
	rows, err := tx.Query(ctx, `SELECT id, purpose, not_before, reason, dispatch, dispatch_reason, delivery FROM messages
		WHERE check_in_id = $1 ORDER BY not_before, id LIMIT 50`, id)
	if err != nil {
		return fmt.Errorf("read messages: %w", err)
	}
	texts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (m textRow, err error) {
		err = row.Scan(&m.id, &m.purpose, &m.notBefore, &m.reason, &m.dispatch, &m.dispatchReason, &m.delivery)
		return m, err
	})
	if err != nil {
		return fmt.Errorf("read messages: %w", err)
	}
	for _, m := range texts {
		e.add("message", m.sentence()).about(m.id.String()).at(m.notBefore)
	}
	if len(texts) == 0 {
		var from calendar.Date
		if err := tx.QueryRow(ctx, "SELECT messages_from FROM check_ins WHERE id = $1", id).Scan(&from); err != nil {
			return fmt.Errorf("read check-in: %w", err)
		}
		e.add("hours", said("no text about it yet: the first may go out on %s and is planned %d days before",
			"\u8fd8\u6ca1\u6709\u5173\u4e8e\u5b83\u7684\u77ed\u4fe1\uff1a\u6700\u65e9%s\u53d1\u51fa\uff0c\u63d0\u524d%d\u5929\u5b89\u6392", from, planAhead)).on(from)
	}
	return nil
}

// textRow is a message as a line of an explanation.
type textRow struct {
	id                                        MessageID
	purpose, reason, dispatch, dispatchReason string
	delivery                                  string
	notBefore                                 time.Time
}

func (m textRow) sentence() Sentence {
	s := said("%s for %s: %s; %s", "%s\uff0c%s\uff1a%s\uff1b%s", word("purpose", m.purpose), m.notBefore, inBoth(m.reason), word("dispatch", m.dispatch))
	if m.dispatchReason != "" {
		s = said("%s (%s)", "%s\uff08%s\uff09", s, inBoth(m.dispatchReason))
	}
	if m.delivery != "none" {
		s = said("%s, %s", "%s\uff0c%s", s, word("delivery", m.delivery))
	}
	return s
}

func kindSentence(k schedule.Kind) Sentence {
	english := map[schedule.Kind]string{schedule.Home: "home visit", schedule.Phone: "phone call", schedule.Village: "question to the village contact"}[k]
	return Sentence{english, k.Chinese()}
}

func checkInState(state string) Sentence { return word("checkin", state) }
