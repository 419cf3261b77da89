package carelog

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// unclearReply: one clarifying text to a known contact, then a person.
func (l *Log) unclearReply(ctx context.Context, tx txn, r reply, senders []sender, answers [][2]string, why string) error {
	open, err := openFor(ctx, tx, contactIDs(senders))
	if err != nil {
		return err
	}
	var about target
	switch len(open) {
	case 0:
	case 1:
		about = open[0]
		err = l.answer(ctx, tx, r, about.contact, about.office, "village_unparsed")
	default:
		err = l.answer(ctx, tx, r, open[0].contact, open[0].office, "village_ambiguous")
	}
	if err != nil {
		return err
	}
	if len(answers) > 0 && answers[0][0] != "" {
		named, unmatched, err := l.findTarget(ctx, tx, r, senders, answers[0][0])
		if err != nil {
			return err
		}
		if unmatched == "" {
			about = named
		}
	}
	if about.contact.IsZero() && len(senders) > 0 {
		about.contact = senders[0].id
	}
	return l.toTriage(ctx, tx, r, about, why)
}

func (l *Log) askWhich(ctx context.Context, tx txn, r reply, senders []sender) error {
	return l.unclearReply(ctx, tx, r, senders, nil, severalOpen)
}

// answer plans an automatic answer. The budget is looked at when it is sent.
func (l *Log) answer(ctx context.Context, tx txn, r reply, contact ContactID, office OfficeID, wording string) error {
	at := answerWindow.next(tx.now, tx.cal(office))
	_, err := l.insertMessage(ctx, tx, newMessage{
		office: office, contact: contact, inbound: r.id, line: r.line, purpose: "answer", priority: priorityAnswer,
		slot: slot{wording, at, at.Add(automaticAnswer), "answer to a reply of this number"},
	})
	return err
}

// answerFacts fills the answers to a reply with the codes it was about.
func (l *Log) answerFacts(ctx context.Context, tx txn, c claim, f map[string]string) (map[string]string, error) {
	if c.wording == "village_ack" {
		var code string
		var barred bool
		err := tx.QueryRow(ctx, `SELECT coalesce(a.code, ''), EXISTS (SELECT FROM care_plans p WHERE p.recipient_id = a.recipient_id AND p.village_barred)
			FROM inbound_messages i JOIN asks a ON a.id = i.ask_id WHERE i.id = $1`, c.inbound).Scan(&code, &barred)
		if err != nil {
			return nil, fmt.Errorf("find the answered code: %w", err)
		}
		if barred {
			return nil, needlessText(notThroughTheVillage)
		}
		f["code"] = code
		return f, nil
	}
	open, err := openFor(ctx, tx, []ContactID{c.contact})
	if err != nil {
		return nil, err
	}
	if len(open) == 0 {
		return nil, needlessText("no request is open any more")
	}
	f["code"] = open[0].code
	if c.wording == "village_ambiguous" {
		var codes []string
		for _, t := range open[:min(len(open), 3)] {
			codes = append(codes, t.code)
		}
		f["count"], f["codes"] = strconv.Itoa(len(open)), strings.Join(codes, "、")
	}
	return f, nil
}
