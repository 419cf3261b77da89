package carelog

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

// ExplainSilence says why nothing is heard about a household just now: whether
// its plan rests and who decides when, what is next and when its first text goes
// out, what is open and waits for whom, whether the village contact can be
// texted, and what the last text was. Officers and supervisors of the file's
// office may ask.
func (l *Log) ExplainSilence(ctx context.Context, by Actor, recipient RecipientID) (Explanation, error) {
	return read(ctx, l, by, func(tx txn) (Explanation, error) {
		q, err := readQuiet(ctx, tx, recipient)
		if err != nil {
			return Explanation{}, err
		}
		if err := mayAsk(by, q.office); err != nil {
			return Explanation{}, err
		}
		e := Explanation{Subject: "recipient", ID: recipient.String()}
		tx.audit(q.office, "silence_explained", anyID(recipient), "")
		q.explainPlan(&e)
		if err := q.explainNext(ctx, tx, &e); err != nil {
			return e, err
		}
		if err := l.explainLadder(ctx, tx, &e, "subject = 'review' AND e.plan_id", anyID(q.plan)); err != nil {
			return e, err
		}
		q.explainContact(&e)
		if err := q.explainWaiting(ctx, tx, &e); err != nil {
			return e, err
		}
		if err := q.explainLast(ctx, tx, &e); err != nil {
			return e, err
		}
		e.Answer = q.answer(tx)
		return e, nil
	})
}

// quiet is what decides whether a household is spoken about.
type quiet struct {
	recipient   RecipientID
	office      OfficeID
	plan        PlanID
	state       string
	template    string
	reviewOn    calendar.Date
	hasContact  bool
	contactFine bool
	optedOut    bool
	unreachable bool
	unverified  bool
	conflicted  bool
	barred      bool

	next     calendar.Date // due date of the next check-in ahead
	nextFrom calendar.Date // its first text
	late     int           // open check-ins that are overdue
	tasks    int           // open work for a person
	alerts   int           // open alerts
	planned  *time.Time    // the next planned text
	asks     bool          // the next check-in asks the village
	kind     string
}

func readQuiet(ctx context.Context, tx txn, recipient RecipientID) (quiet, error) {
	q := quiet{recipient: recipient}
	err := tx.QueryRow(ctx, `SELECT r.office_id, p.id, coalesce(p.state, ''), coalesce(t.key, ''), p.review_on,
			num_nonnulls(k1.id, k2.id) > 0,
			`+textableOf("k1.id")+` IS NOT NULL AND NOT `+conflicted("k1.id", "r.id")+` OR `+textableOf("k2.id")+` IS NOT NULL AND NOT `+conflicted("k2.id", "r.id")+`,
			coalesce(n1.opted_out_at, n2.opted_out_at) IS NOT NULL, coalesce(n1.unreachable_at, n2.unreachable_at) IS NOT NULL,
			coalesce(n1.state IN ('unverified', 'asked', 'quarantined'), false) OR coalesce(n2.state IN ('unverified', 'asked', 'quarantined'), false),
			`+conflicted("k1.id", "r.id")+` OR `+conflicted("k2.id", "r.id")+`,
			coalesce(p.village_barred, false)
		FROM recipients r
		LEFT JOIN LATERAL (SELECT * FROM care_plans WHERE recipient_id = r.id ORDER BY state = 'closed', id DESC LIMIT 1) p ON true
		LEFT JOIN plan_templates t ON t.id = p.template_id
		LEFT JOIN village_contacts k1 ON k1.id = p.primary_contact_id LEFT JOIN numbers n1 ON n1.phone_index = k1.phone_index
		LEFT JOIN village_contacts k2 ON k2.id = p.backup_contact_id LEFT JOIN numbers n2 ON n2.phone_index = k2.phone_index
		WHERE r.id = $1`, recipient).
		Scan(&q.office, &q.plan, &q.state, &q.template, &q.reviewOn, &q.hasContact, &q.contactFine, &q.optedOut, &q.unreachable, &q.unverified, &q.conflicted, &q.barred)
	if none(err) {
		return q, notFound("recipient")
	}
	if err != nil {
		return q, fmt.Errorf("read recipient: %w", err)
	}
	return q, nil
}

func (q *quiet) explainPlan(e *Explanation) {
	if q.plan.IsZero() {
		e.add("plan", Sentence{"there is no care plan", "\u6ca1\u6709\u7167\u62a4\u65b9\u6848"})
		return
	}
	b := e.add("plan", said("its plan (template %s) is %s", "\u65b9\u6848\uff08%s\uff09%s", q.template, word("plan", q.state))).about(q.plan.String())
	if !q.reviewOn.IsZero() && q.state != "closed" {
		b.Sentence = said("%s; somebody decides about it on %s", "%s\uff0c%s\u590d\u67e5\u51b3\u5b9a", b.Sentence, q.reviewOn)
		b.On = q.reviewOn
	}
}

// explainNext names the check-in ahead and those that are late.
func (q *quiet) explainNext(ctx context.Context, tx txn, e *Explanation) error {
	var id CheckInID
	err := tx.QueryRow(ctx, `SELECT id, kind, due, messages_from, asks_village FROM check_ins
		WHERE plan_id = $1 AND state = 'planned' AND due >= $2 ORDER BY due, id LIMIT 1`, q.plan, tx.dueFloor(q.office)).
		Scan(&id, &q.kind, &q.next, &q.nextFrom, &q.asks)
	if err != nil && !none(err) {
		return fmt.Errorf("read next check-in: %w", err)
	}
	if !id.IsZero() {
		e.add("template", said("the next check-in is due on %s, its first text goes out on %s", "\u4e0b\u6b21\u56de\u8bbf%s\u5230\u671f\uff0c\u7b2c\u4e00\u6761\u77ed\u4fe1%s\u53d1\u51fa", q.next, q.nextFrom)).
			about(id.String()).on(q.next)
	}
	rows, err := tx.Query(ctx, `SELECT id, due FROM check_ins WHERE plan_id = $1 AND (state IN ('overdue', 'missed') OR state = 'planned' AND due < $2)
		ORDER BY due, id LIMIT 20`, q.plan, tx.dueFloor(q.office))
	if err != nil {
		return fmt.Errorf("read late check-ins: %w", err)
	}
	var due calendar.Date
	_, err = pgx.ForEachRow(rows, []any{&id, &due}, func() error {
		q.late++
		e.add("ladder", said("the check-in due on %s is overdue and waits for an officer", "%s\u5230\u671f\u7684\u56de\u8bbf\u5df2\u903e\u671f\uff0c\u7b49\u5f85\u627f\u529e\u4eba\u529e\u7406", due)).about(id.String()).on(due)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read late check-ins: %w", err)
	}
	return nil
}

func (q *quiet) explainContact(e *Explanation) {
	switch {
	case q.plan.IsZero() || q.contactFine:
	case q.barred:
		e.add("contact", Sentence{"the household is barred from the village: no contact is asked, the officer phones", "\u8fd9\u6237\u7684\u60c5\u51b5\u4e0d\u7ecf\u6751\u91cc\u4e86\u89e3\uff0c\u7531\u627f\u529e\u4eba\u7535\u8bdd\u8054\u7cfb"})
	case !q.hasContact:
		e.add("contact", Sentence{"no village contact is named: only officers are texted", "\u6ca1\u6709\u6307\u5b9a\u6751\u8054\u7cfb\u4eba\uff0c\u53ea\u63d0\u9192\u627f\u529e\u4eba"})
	case q.optedOut:
		e.add("contact", Sentence{"the contact asked for no more texts: the village is asked by phone", "\u8054\u7cfb\u4eba\u8981\u6c42\u4e0d\u518d\u63a5\u6536\u77ed\u4fe1\uff0c\u6539\u4e3a\u7535\u8bdd\u8be2\u95ee"})
	case q.unreachable:
		e.add("contact", Sentence{"the contact's number takes no texts: the village is asked by phone", "\u8054\u7cfb\u4eba\u53f7\u7801\u65e0\u6cd5\u9001\u8fbe\uff0c\u6539\u4e3a\u7535\u8bdd\u8be2\u95ee"})
	case q.unverified:
		e.add("contact", Sentence{"it is not certain that the contact's number is theirs: the village is asked by phone", "\u8054\u7cfb\u4eba\u53f7\u7801\u5c1a\u672a\u6838\u5b9e\uff0c\u6539\u4e3a\u7535\u8bdd\u8be2\u95ee"})
	case q.conflicted:
		e.add("contact", Sentence{"a conflict of interest is noted for the contact: the village is asked by phone", "\u8054\u7cfb\u4eba\u6709\u5229\u5bb3\u51b2\u7a81\uff0c\u6539\u4e3a\u7535\u8bdd\u8be2\u95ee"})
	default:
		e.add("contact", Sentence{"the contact named has resigned", "\u6307\u5b9a\u7684\u8054\u7cfb\u4eba\u5df2\u5378\u4efb"})
	}
}

// explainWaiting counts what is open about the household and lies with people.
func (q *quiet) explainWaiting(ctx context.Context, tx txn, e *Explanation) error {
	err := tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM tasks WHERE recipient_id = $1 AND state = 'open'),
		(SELECT count(*) FROM alerts WHERE recipient_id = $1 AND state <> 'closed')`, q.recipient).Scan(&q.tasks, &q.alerts)
	if err != nil {
		return fmt.Errorf("count open work: %w", err)
	}
	if q.tasks > 0 {
		e.add("person", said("%s open tasks wait for a person", "\u6709%s\u9879\u5f85\u529e\u7b49\u5f85\u529e\u7406", strconv.Itoa(q.tasks)))
	}
	if q.alerts > 0 {
		e.add("rule", said("%s alerts are open", "\u6709%s\u4e2a\u9884\u8b66\u672a\u4e86\u7ed3", strconv.Itoa(q.alerts)))
	}
	return nil
}

// explainLast is the last text that went out or ended about the household, and the next planned.
func (q *quiet) explainLast(ctx context.Context, tx txn, e *Explanation) error {
	for _, which := range []struct{ kind, where, order string }{
		{"message", "dispatch NOT IN ('planned')", "not_before DESC, id DESC"},
		{"hours", "dispatch = 'planned'", "not_before, id"},
	} {
		var m textRow
		err := tx.QueryRow(ctx, `SELECT id, purpose, not_before, reason, dispatch, dispatch_reason, delivery FROM messages
			WHERE recipient_id = $1 AND `+which.where+" ORDER BY "+which.order+" LIMIT 1", q.recipient).
			Scan(&m.id, &m.purpose, &m.notBefore, &m.reason, &m.dispatch, &m.dispatchReason, &m.delivery)
		if none(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read messages: %w", err)
		}
		if which.kind == "hours" {
			q.planned = &m.notBefore
		}
		e.add(which.kind, m.sentence()).about(m.id.String()).at(m.notBefore)
	}
	return nil
}

// answer is the one sentence: the strongest reason there is.
func (q *quiet) answer(tx txn) Sentence {
	switch {
	case q.plan.IsZero():
		return Sentence{"nothing is planned: there is no care plan", "\u6ca1\u6709\u7167\u62a4\u65b9\u6848\uff0c\u56e0\u6b64\u6ca1\u6709\u5b89\u6392"}
	case q.state == "closed":
		return Sentence{"the plan is closed: nothing is planned unless it is reopened", "\u65b9\u6848\u5df2\u7ed3\u6848\uff0c\u91cd\u65b0\u542f\u52a8\u524d\u4e0d\u518d\u5b89\u6392"}
	case q.state == "draft" || q.state == "paused":
		return said("the plan is %s: nothing goes out until somebody decides on %s", "\u65b9\u6848%s\uff0c%s\u590d\u67e5\u524d\u4e0d\u53d1\u77ed\u4fe1", word("plan", q.state), q.reviewOn)
	case q.alerts > 0:
		return said("alerts that are open and wait for a person: %d", "\u6709%d\u4e2a\u9884\u8b66\u7b49\u5f85\u5904\u7f6e", q.alerts)
	case q.late > 0:
		return said("%s check-ins are overdue and wait for an officer; supervisors are told step by step", "\u6709%s\u6b21\u56de\u8bbf\u5df2\u903e\u671f\uff0c\u7b49\u5f85\u627f\u529e\u4eba\u529e\u7406\uff0c\u5e76\u9010\u7ea7\u7763\u529e", strconv.Itoa(q.late))
	case q.tasks > 0:
		return said("tasks that are open and wait for a person: %d", "\u6709%d\u9879\u5f85\u529e\u7b49\u5f85\u529e\u7406", q.tasks)
	case q.planned != nil && !q.planned.After(tx.now):
		return said("a text waits to be sent since %s", "\u6709\u77ed\u4fe1\u81ea%s\u8d77\u7b49\u5f85\u53d1\u9001", *q.planned)
	case q.planned != nil:
		return said("nothing is due before %s, when the next text goes out", "%s\u4e4b\u524d\u65e0\u4e8b\u53ef\u529e\uff0c\u5c4a\u65f6\u53d1\u51fa\u4e0b\u4e00\u6761\u77ed\u4fe1", *q.planned)
	default:
		return said("nothing is due before %s; the next check-in is due on %s", "%s\u4e4b\u524d\u65e0\u4e8b\u53ef\u529e\uff0c\u4e0b\u6b21\u56de\u8bbf%s\u5230\u671f", q.nextFrom, q.next)
	}
}
