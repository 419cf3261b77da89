package carelog

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"aftercare/carelog/calendar"
)

// ExplainMessage says why a text goes, went or never went out, and why then:
// the request or alert it is about, the hours and days it had to keep to, every
// time it was put off and for what, and what the carrier made of it. Officers
// and supervisors of its office may ask.
func (l *Log) ExplainMessage(ctx context.Context, by Actor, id MessageID) (Explanation, error) {
	return read(ctx, l, by, func(tx txn) (Explanation, error) {
		m, err := readText(ctx, tx, id)
		if err != nil {
			return Explanation{}, err
		}
		if err := mayAsk(by, m.office); err != nil {
			return Explanation{}, err
		}
		e := Explanation{Subject: "message", ID: id.String()}
		tx.audit(m.office, "message_explained", anyID(id), "")
		l.explainWhen(tx, &e, m)
		if m.purpose == visitConfirmation {
			if err := l.explainConfirmation(ctx, tx, &e, m.checkIn); err != nil {
				return Explanation{}, err
			}
		}
		l.explainEnd(&e, m)
		if err := explainTold(ctx, tx, &e, id); err != nil {
			return Explanation{}, err
		}
		e.Answer = m.textRow.sentence()
		return e, nil
	})
}

// deferral is one time a text was put off: when that was decided, why, and until when.
type deferral struct {
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"`
}

// shownText is a message's row as it is explained.
type shownText struct {
	textRow
	office       OfficeID
	priority     int
	tries        int
	created      time.Time
	deadline     time.Time
	dispatchedAt *time.Time
	deliveryAt   *time.Time
	deliveryWhy  string
	deferrals    []deferral
	checkIn      CheckInID
	due          calendar.Date
	checkState   string
	rule         string
	alert        AlertID
}

func readText(ctx context.Context, tx txn, id MessageID) (shownText, error) {
	m := shownText{textRow: textRow{id: id}}
	var deferrals []byte
	err := tx.QueryRow(ctx, `SELECT m.office_id, m.purpose, m.priority, m.tries, m.created_at, m.not_before, m.deadline, m.reason, m.deferrals,
			m.dispatch, m.dispatch_reason, m.dispatched_at, m.delivery, m.delivery_reason, m.delivery_at,
			m.check_in_id, c.due, coalesce(c.state, ''), al.id, coalesce(al.rule, '')
		FROM messages m LEFT JOIN check_ins c ON c.id = m.check_in_id
		LEFT JOIN LATERAL (SELECT x.id, x.rule FROM message_asks b JOIN asks a ON a.id = b.ask_id JOIN alerts x ON x.id = a.alert_id
			WHERE b.message_id = m.id LIMIT 1) al ON true
		WHERE m.id = $1`, id).
		Scan(&m.office, &m.purpose, &m.priority, &m.tries, &m.created, &m.notBefore, &m.deadline, &m.reason, &deferrals,
			&m.dispatch, &m.dispatchReason, &m.dispatchedAt, &m.delivery, &m.deliveryWhy, &m.deliveryAt,
			&m.checkIn, &m.due, &m.checkState, &m.alert, &m.rule)
	if none(err) {
		return m, notFound("message")
	}
	if err != nil {
		return m, fmt.Errorf("read message: %w", err)
	}
	if err := json.Unmarshal(deferrals, &m.deferrals); err != nil {
		return m, fmt.Errorf("read deferrals: %w", err)
	}
	return m, nil
}

// explainWhen says what the text is about and how its hour came about.
func (l *Log) explainWhen(tx txn, e *Explanation, m shownText) {
	if !m.checkIn.IsZero() {
		e.add("template", said("it is about a check-in due on %s, which is %s now", "\u5173\u4e8e%s\u5230\u671f\u7684\u56de\u8bbf\uff0c\u8be5\u6b21\u56de\u8bbf%s",
			m.due, checkInState(m.checkState))).about(m.checkIn.String()).on(m.due)
	}
	if !m.alert.IsZero() {
		e.add("rule", said("it is about an alert of rule %s", "\u5173\u4e8e\u89c4\u5219%s\u7684\u9884\u8b66", word("rule", m.rule))).about(m.alert.String())
	}
	if len(m.deferrals) == 0 {
		e.add("hours", said("planned for %s: %s", "\u5b89\u6392\u5728%s\uff1a%s", m.notBefore, inBoth(m.reason))).at(m.created)
	}
	for _, d := range m.deferrals {
		e.add("cap", said("put off until %s: %s", "\u63a8\u8fdf\u5230%s\uff1a%s", d.Until, inBoth(d.Reason))).at(d.At)
	}
	w := windowFor(m.purpose, m.priority)
	e.add("hours", said("texts of this kind go out in %s, and this one by %s", "\u8fd9\u7c7b\u77ed\u4fe1\u53ea\u5728%s\u53d1\u51fa\uff0c\u6700\u8fdf%s",
		inBoth(w.name), m.deadline))
	day := calendar.Of(m.notBefore)
	if !w.anyDay && !w.always {
		e.Because = append(e.Because, restDays(tx.cal(m.office), calendar.Of(m.created), day)...)
	}
}

// explainEnd says how the text ended, here and at the carrier.
func (l *Log) explainEnd(e *Explanation, m shownText) {
	why := m.dispatchReason
	if m.dispatch == "planned" {
		why = m.reason
	}
	b := e.add("event", word("dispatch", m.dispatch))
	if why != "" {
		b.Sentence = said("%s: %s", "%s\uff1a%s", word("dispatch", m.dispatch), inBoth(why))
	}
	b.At = m.dispatchedAt
	if m.tries > 1 {
		e.add("carrier", said("it was given to the carrier %d times", "\u5df2\u5411\u8fd0\u8425\u5546\u63d0\u4ea4%d\u6b21", m.tries))
	}
	if m.delivery == "none" {
		return
	}
	d := e.add("carrier", word("delivery", m.delivery))
	if m.deliveryWhy != "" {
		d.Sentence = said("%s: %s", "%s\uff1a%s", word("delivery", m.delivery), inBoth(m.deliveryWhy))
	}
	d.At = m.deliveryAt
}

// explainTold says which facts of the household the text told, and on what ground.
func explainTold(ctx context.Context, tx txn, e *Explanation, id MessageID) error {
	var fields []string
	var basis string
	var at time.Time
	err := tx.QueryRow(ctx, "SELECT fields, basis, at FROM disclosures WHERE channel = 'sms' AND subject_id = $1", id).Scan(&fields, &basis, &at)
	if none(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read disclosure: %w", err)
	}
	list := word("fact", fields[0])
	for _, f := range fields[1:] {
		list = said("%s, %s", "%s\u3001%s", list, word("fact", f))
	}
	e.add("event", said("it told the contact: %s; on the ground of %s", "\u5411\u8054\u7cfb\u4eba\u63d0\u4f9b\u4e86\uff1a%s\uff1b\u4f9d\u636e\uff1a%s", list, word("basis", basis))).at(at)
	return nil
}
