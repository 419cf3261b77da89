package carelog

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// question is the one text that asks a number what it meant.
type question struct {
	message MessageID // zero: none was asked
	again   bool      // it was asked before, and that waits for a person still
	open    []target  // the requests it may have meant
}

// questionStands is how long a clear answer still answers the question.
const questionStands = 24 * time.Hour

// askBack plans the question that the unclear parts of a reply call for, unless
// the number has one before it already: one question, then a person. A code with
// one wrong character is suggested where exactly one open code of the number is
// meant by it, and otherwise named with the others; it is never guessed.
func (l *Log) askBack(ctx context.Context, tx txn, r reply, senders []sender, rest []part) (question, error) {
	var q question
	if len(senders) == 0 || r.neverAnswered() || !slices.ContainsFunc(rest, func(p part) bool { return p.unclear }) {
		return q, nil
	}
	open, err := openFor(ctx, tx, persons(senders))
	if err != nil {
		return q, err
	}
	q.open = slices.DeleteFunc(open, func(t target) bool {
		return slices.ContainsFunc(r.parts, func(p part) bool { return p.taken() && p.ask == t.ask })
	})
	requests := requestsAmong(q.open)
	if len(requests) == 0 || meansConfirmation(q.open, rest) {
		q.open = nil // about a visit nobody is asked a second time
		return q, nil
	}
	// Two replies side by side would both find nothing asked.
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended(encode($1, 'hex'), 0))", r.sender); err != nil {
		return q, fmt.Errorf("ask the number one thing at a time: %w", err)
	}
	if q.message, err = standingQuestion(ctx, tx, r.sender); err != nil || !q.message.IsZero() {
		q.again = true
		return q, err
	}
	wording := "village_ambiguous"
	if meant, ok := suggestion(requests, rest); ok {
		wording, q.open = "village_suggest", []target{meant}
	} else if len(q.open) == 1 {
		wording = "village_unparsed"
	}
	q.message, err = l.plannedAnswer(ctx, tx, r, answersTo(senders, q.open[0]), q.open[0].office, wording)
	return q, err
}

// meansConfirmation tells whether a misspelt code may be that of a confirmation:
// its digits mean something else, and are suggested to nobody.
func meansConfirmation(open []target, rest []part) bool {
	return slices.ContainsFunc(rest, func(p part) bool {
		return p.reason == misspeltCode && slices.ContainsFunc(open, func(t target) bool {
			return t.purpose == visitConfirmation && slices.Contains(oneMistakeFrom(p.code), t.code)
		})
	})
}

// suggestion is the one open request that a misspelt code may mean.
func suggestion(open []target, rest []part) (target, bool) {
	var misspelt []string
	for _, p := range rest {
		if p.reason == misspeltCode {
			misspelt = append(misspelt, p.code)
		}
	}
	if len(misspelt) != 1 {
		return target{}, false
	}
	meant := oneMistakeFrom(misspelt[0])
	var found []target
	for _, t := range open {
		if slices.Contains(meant, t.code) {
			found = append(found, t)
		}
	}
	if len(found) != 1 {
		return target{}, false
	}
	return found[0], true
}

// standingQuestion is the question that a number was asked and whose triage is
// still somebody's task.
func standingQuestion(ctx context.Context, tx txn, sender []byte) (MessageID, error) {
	var id MessageID
	err := tx.QueryRow(ctx, `SELECT i.clarified_by FROM inbound_messages i WHERE i.sender_index = $1 AND i.state = 'triage' AND i.clarified_by IS NOT NULL
		AND EXISTS (SELECT FROM tasks t WHERE t.inbound_id = i.id AND t.kind = 'triage' AND t.state = 'open') ORDER BY i.id DESC LIMIT 1`, sender).Scan(&id)
	if err != nil && !none(err) {
		return id, fmt.Errorf("look for a standing question: %w", err)
	}
	return id, nil
}

// noteQuestion notes which text asked about a reply, and what it may have meant.
func noteQuestion(ctx context.Context, tx txn, id InboundID, q question) error {
	if q.message.IsZero() {
		return nil
	}
	meant := make([]AskID, len(q.open))
	for i, t := range q.open {
		meant[i] = t.ask
	}
	_, err := tx.Exec(ctx, "UPDATE inbound_messages SET clarified_by = $2, suggested = $3 WHERE id = $1", id, q.message, meant)
	if err != nil {
		return fmt.Errorf("note the question: %w", err)
	}
	return nil
}

// answeredAfter is why a triage ends by itself.
const answeredAfter = "answered after the question"

// endQuestions ends the triage of what the number had said unclearly, when it
// answers clearly while the question stands.
func (l *Log) endQuestions(ctx context.Context, tx txn, r reply) error {
	rows, err := tx.Query(ctx, `SELECT i.id FROM inbound_messages i JOIN messages m ON m.id = i.clarified_by
		WHERE i.sender_index = $1 AND i.state = 'triage' AND i.id <> $2 AND greatest(i.received_at, m.not_before) > $3 ORDER BY i.id FOR UPDATE OF i`,
		r.sender, r.id, tx.now.Add(-questionStands))
	if err != nil {
		return fmt.Errorf("find what was asked back: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[InboundID])
	if err != nil {
		return fmt.Errorf("find what was asked back: %w", err)
	}
	causes := make([]string, len(ids))
	for i, id := range ids {
		causes[i] = "triage:" + id.String()
		if err := addParts(ctx, tx, id, []part{{decision: "nothing", reason: answeredAfter}}); err != nil {
			return err
		}
	}
	if len(ids) == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, "UPDATE inbound_messages SET state = 'settled', handled_at = $2 WHERE id = ANY ($1)", ids, tx.now); err != nil {
		return fmt.Errorf("settle what was asked back: %w", err)
	}
	return l.endTasks(ctx, tx, causes, answeredAfter)
}

// answer plans an automatic answer. The budget is looked at when it is sent.
func (l *Log) answer(ctx context.Context, tx txn, r reply, contact ContactID, office OfficeID, wording string) error {
	_, err := l.plannedAnswer(ctx, tx, r, contact, office, wording)
	return err
}

func (l *Log) plannedAnswer(ctx context.Context, tx txn, r reply, contact ContactID, office OfficeID, wording string) (MessageID, error) {
	if r.neverAnswered() {
		return MessageID{}, nil
	}
	at := answerWindow.next(tx.now, tx.cal(office))
	return l.insertMessage(ctx, tx, newMessage{
		office: office, contact: contact, inbound: r.id, line: r.line, purpose: "answer", priority: priorityAnswer,
		slot: slot{wording, at, at.Add(automaticAnswer), "answer to a reply of this number"},
	})
}

// answerFacts fills the answers to a reply with the codes it was about.
func (l *Log) answerFacts(ctx context.Context, tx txn, c claim, f map[string]string) (map[string]string, error) {
	switch c.wording {
	case "village_ack":
		return f, acknowledged(ctx, tx, c, f)
	case "village_suggest":
		return f, suggested(ctx, tx, c, f)
	}
	open, err := openFor(ctx, tx, []ContactID{c.person})
	if err != nil {
		return nil, err
	}
	if c.wording != "village_ambiguous" {
		open = requestsAmong(open)
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

// acknowledged names the codes that were answered, but none of a household that is
// barred from the village by now.
func acknowledged(ctx context.Context, tx txn, c claim, f map[string]string) error {
	rows, err := tx.Query(ctx, `SELECT coalesce(a.code, ''), EXISTS (SELECT FROM care_plans p WHERE p.recipient_id = a.recipient_id AND p.village_barred)
		FROM inbound_answers w JOIN asks a ON a.id = w.ask_id WHERE w.inbound_id = $1 AND w.decision IN ('matched', 'late') ORDER BY w.position`, c.inbound)
	if err != nil {
		return fmt.Errorf("find the answered codes: %w", err)
	}
	var codes []string
	var code string
	var barred bool
	_, err = pgx.ForEachRow(rows, []any{&code, &barred}, func() error {
		if !barred && len(codes) < 3 && !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("find the answered codes: %w", err)
	}
	if len(codes) == 0 {
		return needlessText(notThroughTheVillage)
	}
	f["code"] = strings.Join(codes, "、")
	return nil
}

// suggested names the code that was suggested, while its request is open.
func suggested(ctx context.Context, tx txn, c claim, f map[string]string) error {
	var code string
	err := tx.QueryRow(ctx, `SELECT a.code FROM inbound_messages i JOIN asks a ON a.id = i.suggested[1] WHERE i.id = $1 AND a.state = 'open' AND a.code IS NOT NULL
		AND NOT EXISTS (SELECT FROM care_plans p WHERE p.recipient_id = a.recipient_id AND p.village_barred)`, c.inbound).Scan(&code)
	if none(err) {
		return needlessText("no request is open any more")
	}
	if err != nil {
		return fmt.Errorf("find the suggested code: %w", err)
	}
	f["code"] = code
	return nil
}
