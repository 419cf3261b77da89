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

// WaitingReply is a reply in the triage inbox: what was said, why no rule could
// settle it, and what it may be about.
type WaitingReply struct {
	ID          InboundID
	ReceivedAt  time.Time
	Said        string
	PhoneEnding string // of the number it came from
	Contact     ContactID
	ContactName string
	Mark        string // of the text as a whole: urgent, unclear, echo, automatic, or nothing
	Reason      string
	ActBy       *time.Time
	Question    string // the dispatch state of the one text that asked what was meant; empty: none was asked

	Recipient  RecipientID // the one household it is known to be about
	MaskedName string
	Township   string
	Village    string

	Decisions   []ReplyDecision
	Suggestions []Suggestion
	Neighbours  []SuggestedContact // of the village of a household it names
}

// ReplyDecision is what became of one part of a reply, and why.
type ReplyDecision struct {
	Position  int
	Recipient RecipientID
	Ask       AskID
	Purpose   string // of the ask: village_request; visit_confirmation, where 1 is "they came" and 2 "they did not"
	Code      string
	Digit     *int
	How       string // by what it was matched
	Decision  string // matched, late, unverified, triage, attempted, noted, wrong_number, nothing
	Reason    string
	By        UserID // zero: by the rules
	At        time.Time
}

// Suggestion is a request that a reply may answer.
type Suggestion struct {
	Ask        AskID
	Recipient  RecipientID
	CheckIn    CheckInID
	Contact    ContactID
	Code       string
	Due        calendar.Date
	MaskedName string
	Township   string
	Village    string
	Why        string // open, one_mistake, closed_lately
	Purpose    string // village_request; visit_confirmation: whether a visit was made
}

// SuggestedContact is somebody who may have written.
type SuggestedContact struct {
	Contact     ContactID
	Name        string
	PhoneEnding string
}

// suggestedFor is how long a settled request is still suggested.
const suggestedFor = 14 * 24 * time.Hour

// Inbox lists the replies that wait for a person in the actor's offices, oldest
// first, with what each may be about: the requests open for its number, those whose
// code is one mistake away, those that closed within a fortnight, and the contacts
// of the village. Officers and supervisors may; that it was shown goes into the audit.
func (l *Log) Inbox(ctx context.Context, by Actor, page Page) ([]WaitingReply, error) {
	if !by.Holds(ListWork) {
		return nil, forbidden("only officers and supervisors read the replies that wait")
	}
	return write(ctx, l, by.anew(), func(tx txn) ([]WaitingReply, error) {
		waiting, lines, err := l.waitingReplies(ctx, tx, page)
		if err != nil || len(waiting) == 0 {
			return waiting, err
		}
		at := map[InboundID]*WaitingReply{}
		for i := range waiting {
			at[waiting[i].ID] = &waiting[i]
		}
		for _, fill := range []func(context.Context, txn, map[InboundID]*WaitingReply) error{l.fillDecisions, l.suggestRequests, l.suggestContacts} {
			if err := fill(ctx, tx, at); err != nil {
				return nil, err
			}
		}
		for id, line := range lines {
			if err := l.suggestByMistake(ctx, tx, at[id], line); err != nil {
				return nil, err
			}
		}
		tx.audit(by.Office, "inbox_read", anyID{}, strconv.Itoa(len(waiting)))
		return waiting, nil
	})
}

func (l *Log) waitingReplies(ctx context.Context, tx txn, page Page) ([]WaitingReply, map[InboundID]LineID, error) {
	rows, err := tx.Query(ctx, `SELECT i.id, i.received_at, i.contact_id, i.mark, i.reason, coalesce(m.dispatch, ''), i.recipient_id, `+replyBox+`,
			k.data_key, k.sealed, h.data_key, h.sealed, coalesce(v.township, ''), coalesce(v.name, ''),
			(SELECT min(t.act_by) FROM tasks t WHERE t.inbound_id = i.id AND t.state = 'open')
		FROM inbound_messages i `+replyKeys+`
		LEFT JOIN messages m ON m.id = i.clarified_by
		LEFT JOIN village_contacts k ON k.id = i.contact_id
		LEFT JOIN recipients h ON h.id = i.recipient_id LEFT JOIN villages v ON v.id = h.village_id
		WHERE i.state = 'triage' AND ($1 OR i.office_id = ANY ($4)) AND i.id > $2 ORDER BY i.id LIMIT $3`,
		tx.by.Kind == System, page.afterOrFirst(), page.Limit, tx.by.officesFor(ListWork))
	if err != nil {
		return nil, nil, fmt.Errorf("list waiting replies: %w", err)
	}
	lines := map[InboundID]LineID{}
	waiting, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (WaitingReply, error) {
		w, line, err := l.scanWaiting(row)
		lines[w.ID] = line
		return w, err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list waiting replies: %w", err)
	}
	return waiting, lines, nil
}

func (l *Log) scanWaiting(row pgx.CollectableRow) (WaitingReply, LineID, error) {
	var w WaitingReply
	var box sealedReply
	var contactKey, contactSealed, fileKey, fileSealed []byte
	into := append([]any{&w.ID, &w.ReceivedAt, &w.Contact, &w.Mark, &w.Reason, &w.Question, &w.Recipient}, box.columns()...)
	err := row.Scan(append(into, &contactKey, &contactSealed, &fileKey, &fileSealed, &w.Township, &w.Village, &w.ActBy)...)
	if err != nil {
		return w, box.line, err
	}
	box.id = w.ID
	said, err := l.openReply(box)
	if err != nil {
		return w, box.line, err
	}
	file, err := l.openRecipient(w.Recipient, fileKey, fileSealed)
	if err != nil {
		return w, box.line, err
	}
	person, err := l.openPerson(w.Contact, contactKey, contactSealed, "village_contacts.sealed")
	w.Said, w.PhoneEnding, w.MaskedName, w.ContactName = said.Text, lastFour(said.From), MaskName(file.Name), person.Name
	return w, box.line, err
}

const selectDecisions = `SELECT w.inbound_id, w.position, w.recipient_id, w.ask_id, coalesce(a.purpose, ''), coalesce(a.code, ''), w.digit, w.how, w.decision, w.reason, w.decided_by, w.at
	FROM inbound_answers w LEFT JOIN asks a ON a.id = w.ask_id `

func scanDecisions(rows pgx.Rows, each func(InboundID, ReplyDecision)) error {
	var id InboundID
	var d ReplyDecision
	_, err := pgx.ForEachRow(rows, []any{&id, &d.Position, &d.Recipient, &d.Ask, &d.Purpose, &d.Code, &d.Digit, &d.How, &d.Decision, &d.Reason, &d.By, &d.At}, func() error {
		if d.Digit != nil {
			digit := *d.Digit
			d.Digit = &digit
		}
		each(id, d)
		return nil
	})
	return err
}

func (l *Log) fillDecisions(ctx context.Context, tx txn, at map[InboundID]*WaitingReply) error {
	rows, err := tx.Query(ctx, selectDecisions+"WHERE w.inbound_id = ANY ($1) ORDER BY w.inbound_id, w.position", inboundIDs(at))
	if err != nil {
		return fmt.Errorf("read what was decided: %w", err)
	}
	return scanDecisions(rows, func(id InboundID, d ReplyDecision) { at[id].Decisions = append(at[id].Decisions, d) })
}

func inboundIDs[T any](at map[InboundID]T) []InboundID {
	ids := make([]InboundID, 0, len(at))
	for id := range at {
		ids = append(ids, id)
	}
	return ids
}

// selectSuggested reads requests of the reader's offices that a contact was sent
// and that may be answered: none of a household that is barred from the village.
const (
	suggestedColumns = `a.id, a.recipient_id, a.check_in_id, a.contact_id, a.code, c.due, r.data_key, r.sealed, coalesce(v.township, ''), coalesce(v.name, ''),
		CASE WHEN a.state = 'open' THEN 'open' ELSE 'closed_lately' END, a.purpose`
	suggestedFiles = ` JOIN recipients r ON r.id = a.recipient_id LEFT JOIN villages v ON v.id = r.village_id LEFT JOIN check_ins c ON c.id = a.check_in_id `
	suggestible    = ` a.contact_id IS NOT NULL AND a.check_in_id IS NOT NULL AND a.code IS NOT NULL AND ($1 OR a.office_id = ANY ($2)) AND (a.state = 'open' OR a.closed_at > $3)
		AND NOT EXISTS (SELECT FROM care_plans p WHERE p.recipient_id = a.recipient_id AND p.village_barred) `
)

func (l *Log) suggestRequests(ctx context.Context, tx txn, at map[InboundID]*WaitingReply) error {
	rows, err := tx.Query(ctx, "SELECT i.id, "+suggestedColumns+` FROM inbound_messages i JOIN village_contacts k ON k.phone_index = i.sender_index
		JOIN asks a ON a.contact_id IN (SELECT x.id FROM village_contacts x WHERE x.id IN (k.id, k.phone_of) OR x.phone_of = coalesce(k.phone_of, k.id))`+suggestedFiles+"WHERE"+suggestible+"AND i.id = ANY ($4) ORDER BY a.state = 'open' DESC, a.opened_at DESC, a.id",
		tx.by.Kind == System, tx.by.officesFor(ListWork), tx.now.Add(-suggestedFor), inboundIDs(at))
	if err != nil {
		return fmt.Errorf("find suggestions: %w", err)
	}
	return l.scanSuggestions(rows, func(id InboundID, s Suggestion) { at[id].suggest(s) })
}

// suggestByMistake suggests the requests whose code is one mistake away from what
// the reply holds for one, whoever they were sent to.
func (l *Log) suggestByMistake(ctx context.Context, tx txn, w *WaitingReply, line LineID) error {
	var meant []string
	for _, code := range l.understand(w.Said).misspelt {
		meant = append(meant, oneMistakeFrom(code)...)
	}
	if len(meant) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, "SELECT $4::uuid, "+suggestedColumns+" FROM task_codes g JOIN asks a ON a.id = g.ask_id"+suggestedFiles+
		"WHERE"+suggestible+"AND g.line_id = $5 AND g.code = ANY ($6) ORDER BY a.id",
		tx.by.Kind == System, tx.by.officesFor(ListWork), tx.now.Add(-suggestedFor), w.ID, line, meant)
	if err != nil {
		return fmt.Errorf("find codes one mistake away: %w", err)
	}
	return l.scanSuggestions(rows, func(_ InboundID, s Suggestion) {
		s.Why = "one_mistake"
		w.suggest(s)
	})
}

// suggest adds a request once. That its code is one mistake away says more than
// that it is open.
func (w *WaitingReply) suggest(s Suggestion) {
	if i := slices.IndexFunc(w.Suggestions, func(o Suggestion) bool { return o.Ask == s.Ask }); i >= 0 {
		w.Suggestions = slices.Delete(w.Suggestions, i, i+1)
	}
	if s.Why == "one_mistake" {
		w.Suggestions = slices.Insert(w.Suggestions, 0, s)
		return
	}
	w.Suggestions = append(w.Suggestions, s)
}

func (l *Log) scanSuggestions(rows pgx.Rows, each func(InboundID, Suggestion)) error {
	var id InboundID
	var s Suggestion
	var key, sealed []byte
	_, err := pgx.ForEachRow(rows, []any{&id, &s.Ask, &s.Recipient, &s.CheckIn, &s.Contact, &s.Code, &s.Due, &key, &sealed, &s.Township, &s.Village, &s.Why, &s.Purpose}, func() error {
		file, err := l.openRecipient(s.Recipient, key, sealed)
		s.MaskedName = MaskName(file.Name)
		each(id, s)
		return err
	})
	if err != nil {
		return fmt.Errorf("find suggestions: %w", err)
	}
	return nil
}

// suggestContacts names who else serves the village of a household that a reply
// names: the code may have been passed on to one of them.
func (l *Log) suggestContacts(ctx context.Context, tx txn, at map[InboundID]*WaitingReply) error {
	rows, err := tx.Query(ctx, `SELECT DISTINCT w.inbound_id, k.id, k.data_key, k.sealed FROM inbound_answers w JOIN recipients r ON r.id = w.recipient_id
		JOIN contact_villages s ON s.village_id = r.village_id JOIN village_contacts k ON k.id = s.contact_id AND k.state = 'active' AND ($2 OR k.office_id = ANY ($3))
		WHERE w.inbound_id = ANY ($1) ORDER BY w.inbound_id, k.id`, inboundIDs(at), tx.by.Kind == System, tx.by.officesFor(ListWork))
	if err != nil {
		return fmt.Errorf("find contacts of the village: %w", err)
	}
	var id InboundID
	var contact ContactID
	var key, sealed []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &contact, &key, &sealed}, func() error {
		person, err := l.openPerson(contact, key, sealed, "village_contacts.sealed")
		at[id].Neighbours = append(at[id].Neighbours, SuggestedContact{contact, person.Name, lastFour(person.Phone)})
		return err
	})
	if err != nil {
		return fmt.Errorf("find contacts of the village: %w", err)
	}
	return nil
}
