package carelog

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/carelog/schedule"
	"aftercare/internal/crypt"
)

// Outgoing is a message on its way to the carrier: committed as sending.
type Outgoing struct {
	ID       MessageID
	To, From string // E.164; From is the line's number, empty for the carrier's default
	Text     string
	Try      int
	ValidFor time.Duration // how long the carrier may go on trying
}

// The budget of a village contact's number: requests a day and in seven days.
const (
	requestsADay  = 3
	requestsAWeek = 8
	answersADay   = 2
)

// DueLines names the carrier's lines that have texts due now. The sweep wakes their drains.
func (l *Log) DueLines(ctx context.Context, carrier string) ([]LineID, error) {
	return read(ctx, l, TheSystem(), func(tx txn) ([]LineID, error) {
		rows, err := tx.Query(ctx, `SELECT id FROM lines n WHERE carrier = $2 AND EXISTS
			(SELECT FROM messages m WHERE m.line_id = n.id AND m.dispatch = 'planned' AND m.not_before <= $1)`, tx.now, carrier)
		if err != nil {
			return nil, fmt.Errorf("find due lines: %w", err)
		}
		return pgx.CollectRows(rows, pgx.RowTo[LineID])
	})
}

// Claimed is what one claim did with the messages it looked at.
type Claimed struct {
	Send                         []Outgoing
	Deferred, Cancelled, Expired int
	Refused                      int // by our own check of the text
}

// Looked is how many messages the claim looked at; 0 when nothing is due.
func (c Claimed) Looked() int {
	return len(c.Send) + c.Deferred + c.Cancelled + c.Expired + c.Refused
}

// ClaimMessages takes the due messages of a line, most urgent first, at most
// limit, looks again at each (still wanted? who? opted out? the hour? the
// budget? is the text safe?) and commits those to be sent as sending. The others
// are deferred, cancelled or expired, each with its reason.
func (l *Log) ClaimMessages(ctx context.Context, line LineID, limit int) (Claimed, error) {
	return write(ctx, l, TheSystem(), func(tx txn) (Claimed, error) {
		rows, err := tx.Query(ctx, selectClaims, line, tx.now, limit, tx.today().At(0, 0), tx.today().AddDays(-6).At(0, 0))
		if err != nil {
			return Claimed{}, fmt.Errorf("claim messages: %w", err)
		}
		claims, err := pgx.CollectRows(rows, scanClaim)
		if err != nil {
			return Claimed{}, fmt.Errorf("claim messages: %w", err)
		}
		return l.settleClaims(ctx, tx, claims)
	})
}

const selectClaims = `SELECT m.id, m.office_id, o.signature, m.recipient_id, m.check_in_id, m.contact_id, m.user_id, m.line_id, n.number,
		m.purpose, m.wording, m.priority, m.not_before, m.deadline, m.tries,
		coalesce(a.id, b.ask_id), coalesce(a.code, ''), coalesce(a.state, ''), coalesce(c.state, ''), c.due, coalesce(c.kind, ''),
		coalesce(p.state, ''), coalesce(m.contact_id IN (p.primary_contact_id, p.backup_contact_id), false), coalesce(t.key, ''),
		coalesce(k.data_key, u.data_key), coalesce(k.sealed, u.sealed),
		coalesce(k.state = 'active' AND k.opted_out_at IS NULL AND k.unreachable_at IS NULL, u.state = 'active', false),
		k.opted_out_at IS NOT NULL,
		r.data_key, r.sealed, coalesce(v.township, ''), f.id, f.data_key, f.sealed, al.act_by, m.inbound_id,
		(SELECT count(*) FROM messages s WHERE s.contact_id = m.contact_id AND s.dispatched_at >= $4 AND s.purpose <> 'answer' AND s.dispatch IN ('accepted', 'unknown')),
		(SELECT count(*) FROM messages s WHERE s.contact_id = m.contact_id AND s.dispatched_at >= $5 AND s.purpose <> 'answer' AND s.dispatch IN ('accepted', 'unknown')),
		(SELECT count(*) FROM messages s WHERE s.contact_id = m.contact_id AND s.dispatched_at >= $4 AND s.purpose = 'answer' AND s.dispatch IN ('accepted', 'unknown'))
	FROM messages m
	JOIN offices o ON o.id = m.office_id
	JOIN lines n ON n.id = m.line_id
	LEFT JOIN message_asks b ON b.message_id = m.id
	LEFT JOIN asks a ON a.id = b.ask_id
	LEFT JOIN alerts al ON al.id = a.alert_id
	LEFT JOIN check_ins c ON c.id = m.check_in_id
	LEFT JOIN care_plans p ON p.id = coalesce(c.plan_id, al.plan_id)
	LEFT JOIN plan_templates t ON t.id = p.template_id
	LEFT JOIN users f ON f.id = p.officer_id
	LEFT JOIN village_contacts k ON k.id = m.contact_id
	LEFT JOIN users u ON u.id = m.user_id
	LEFT JOIN recipients r ON r.id = m.recipient_id
	LEFT JOIN villages v ON v.id = r.village_id
	WHERE m.line_id = $1 AND m.dispatch = 'planned' AND m.not_before <= $2
	ORDER BY m.priority, m.not_before, m.id LIMIT $3
	FOR UPDATE OF m SKIP LOCKED`

// claim is a message with all that decides about it.
type claim struct {
	id                           MessageID
	office                       OfficeID
	signature                    string
	recipient                    RecipientID
	checkIn                      CheckInID
	contact                      ContactID
	user                         UserID
	line                         LineID
	number                       string
	purpose, wording             string
	priority                     int
	notBefore, deadline          time.Time
	tries                        int
	ask                          AskID
	code, askState, checkInState string
	due                          calendar.Date
	kind                         schedule.Kind
	planState                    string
	named                        bool
	template                     string
	partyKey, partySealed        []byte
	reachable, optedOut          bool
	recipientKey, recipientBox   []byte
	township                     string
	officer                      UserID
	officerKey, officerSealed    []byte
	actBy                        *time.Time
	inbound                      InboundID
	today, week, answers         int
}

func scanClaim(row pgx.CollectableRow) (c claim, err error) {
	err = row.Scan(&c.id, &c.office, &c.signature, &c.recipient, &c.checkIn, &c.contact, &c.user, &c.line, &c.number,
		&c.purpose, &c.wording, &c.priority, &c.notBefore, &c.deadline, &c.tries,
		&c.ask, &c.code, &c.askState, &c.checkInState, &c.due, &c.kind, &c.planState, &c.named, &c.template,
		&c.partyKey, &c.partySealed, &c.reachable, &c.optedOut, &c.recipientKey, &c.recipientBox, &c.township,
		&c.officer, &c.officerKey, &c.officerSealed, &c.actBy, &c.inbound, &c.today, &c.week, &c.answers)
	return c, err
}

// settleClaims decides each claim and writes the decisions down.
func (l *Log) settleClaims(ctx context.Context, tx txn, claims []claim) (Claimed, error) {
	var done Claimed
	sent, answered := map[ContactID]int{}, map[ContactID]int{}
	for _, c := range claims {
		c.today, c.week, c.answers = c.today+sent[c.contact], c.week+sent[c.contact], c.answers+answered[c.contact]
		v := l.judge(c, tx.now)
		if v.dispatch == "sending" {
			out, err := l.claimOne(ctx, tx, c)
			if refused, ok := asRefused(err); ok {
				v = verdict{dispatch: "failed", reason: refused}
			} else if err != nil {
				return done, err
			} else {
				done.Send = append(done.Send, out)
				if c.purpose == "answer" {
					answered[c.contact]++
				} else {
					sent[c.contact]++
				}
				continue
			}
		}
		if err := l.dismiss(ctx, tx, c, v); err != nil {
			return done, err
		}
		done.count(v)
	}
	return done, nil
}

func (c *Claimed) count(v verdict) {
	switch v.dispatch {
	case "planned":
		c.Deferred++
	case "cancelled":
		c.Cancelled++
	case "expired":
		c.Expired++
	default:
		c.Refused++
	}
}

// verdict is what is decided about a claimed message.
type verdict struct {
	dispatch  string // sending, planned (later), cancelled, expired, failed
	reason    string
	notBefore time.Time
	task      string // a task of this kind for a person
}

// judge looks at a due message again: the row is the truth, not the plan made days ago.
func (l *Log) judge(c claim, now time.Time) verdict {
	switch {
	case now.After(c.deadline):
		return verdict{dispatch: "expired", reason: "its time had passed: the deadline was " + c.deadline.In(calendar.Shanghai()).Format("2006-01-02 15:04")}
	case c.askState != "" && c.askState != "open":
		return verdict{dispatch: "cancelled", reason: "the request is settled"}
	case c.checkInState != "" && !isOpen(c.checkInState):
		return verdict{dispatch: "cancelled", reason: "the check-in is " + c.checkInState}
	case c.planState != "" && c.planState != "active" && c.planState != "closing":
		return verdict{dispatch: "cancelled", reason: "the plan is " + c.planState}
	case c.purpose == "village_request" && !c.named:
		return verdict{dispatch: "cancelled", reason: "the contact is no longer named for this household"}
	case !c.reachable && !(c.purpose == "answer" && c.wording == "stop_ack"):
		return c.unreachable()
	}
	if w := windowFor(c.purpose, c.priority); w.next(now, l.calendar).After(now) {
		return deferTo("outside "+w.name, w.next(now, l.calendar))
	}
	tomorrow := l.calendar.NextWorkday(calendar.Of(now))
	switch {
	case c.purpose == "answer" && c.answers >= answersADay:
		return verdict{dispatch: "cancelled", reason: fmt.Sprintf("no more than %d automatic answers to a number a day", answersADay)}
	case c.purpose == "village_request" && c.today >= requestsADay:
		return deferTo(fmt.Sprintf("the number had %d texts today", c.today), villageWindow.opens(tomorrow))
	case c.purpose == "village_request" && c.week >= requestsAWeek:
		return deferTo(fmt.Sprintf("the number had %d texts in seven days", c.week), villageWindow.opens(tomorrow))
	}
	return verdict{dispatch: "sending"}
}

func deferTo(reason string, at time.Time) verdict {
	return verdict{dispatch: "planned", reason: reason, notBefore: at}
}

func (c claim) unreachable() verdict {
	if c.optedOut {
		return verdict{dispatch: "cancelled", reason: "the contact asked for no more texts", task: "contact_opted_out"}
	}
	return verdict{dispatch: "cancelled", reason: "the contact or officer cannot be texted", task: "contact_unreachable"}
}

// dismiss writes down why a claimed message does not go out now, and hands the
// work to a person where nobody else will do it.
func (l *Log) dismiss(ctx context.Context, tx txn, c claim, v verdict) error {
	if v.dispatch == "planned" {
		_, err := tx.Exec(ctx, "UPDATE messages SET not_before = $2, deadline = greatest(deadline, $2), reason = $3 WHERE id = $1", c.id, v.notBefore, v.reason)
		if err != nil {
			return fmt.Errorf("defer message: %w", err)
		}
		return nil
	}
	_, err := tx.Exec(ctx, "UPDATE messages SET dispatch = $2, dispatch_reason = $3, dispatched_at = $4 WHERE id = $1", c.id, v.dispatch, v.reason, tx.now)
	if err != nil {
		return fmt.Errorf("dismiss message: %w", err)
	}
	if v.dispatch == "failed" {
		v.task = "message_failed"
	}
	if v.task != "" {
		if err := l.handToPerson(ctx, tx, c.ref(), v.task, v.reason); err != nil {
			return err
		}
	}
	if v.task == "contact_opted_out" || v.task == "contact_unreachable" {
		if err := l.planAnew(ctx, tx, c.checkIn); err != nil {
			return err
		}
	}
	if c.recipient.IsZero() || v.dispatch == "cancelled" {
		return nil
	}
	tx.append(happening{recipient: c.recipient, kind: "message_" + v.dispatch, subject: anyID(c.id), details: map[string]any{
		"purpose": c.purpose, "reason": v.reason,
	}})
	return nil
}

func (c claim) ref() messageRef {
	return messageRef{c.id, c.office, c.recipient, c.checkIn, c.contact, c.purpose}
}

// claimOne renders the text, gives its ask a code and commits it to be sent.
func (l *Log) claimOne(ctx context.Context, tx txn, c claim) (Outgoing, error) {
	if !c.ask.IsZero() && c.code == "" {
		code, err := l.giveCode(ctx, tx, c)
		if err != nil {
			return Outgoing{}, err
		}
		c.code = code
	}
	owner := [16]byte(c.contact)
	column := "village_contacts.sealed"
	if c.contact.IsZero() {
		owner, column = c.user, "users.sealed"
	}
	key, err := l.keys.Unwrap(owner, c.partyKey)
	if err != nil {
		return Outgoing{}, fmt.Errorf("open the party's key: %w", err)
	}
	party, err := crypt.OpenJSON[personFacts](key, c.partySealed, column)
	if err != nil {
		return Outgoing{}, fmt.Errorf("open the party: %w", err)
	}
	if party.Phone == "" {
		return Outgoing{}, refusedText("no phone number is known")
	}
	facts, err := l.facts(ctx, tx, c)
	if err != nil {
		return Outgoing{}, err
	}
	text, segments, err := l.words.Render(c.wording, facts)
	if err != nil {
		return Outgoing{}, refusedText("the text was held back: " + err.Error())
	}
	_, err = tx.Exec(ctx, `UPDATE messages SET dispatch = 'sending', claimed_at = $2, tries = tries + 1, text = $3, sent_to = $4, segments = $5 WHERE id = $1`,
		c.id, tx.now, key.Seal([]byte(text), "messages.text"), key.Seal([]byte(party.Phone), "messages.sent_to"), segments)
	if err != nil {
		return Outgoing{}, fmt.Errorf("mark message sending: %w", err)
	}
	// Never a reminder at three in the morning because a phone was off.
	valid := min(c.deadline.Sub(tx.now), 4*time.Hour)
	return Outgoing{ID: c.id, To: party.Phone, From: c.number, Text: text, Try: c.tries + 1, ValidFor: max(valid, time.Minute)}, nil
}

// refusedText is a text that may not go out. It carries no personal facts.
type refusedText string

func (r refusedText) Error() string { return string(r) }

func asRefused(err error) (string, bool) {
	r, ok := err.(refusedText) //nolint:errorlint // it is never wrapped
	return string(r), ok
}

// giveCode gives an ask its task code: unique for the line it is answered to,
// and not one that is still resting.
func (l *Log) giveCode(ctx context.Context, tx txn, c claim) (string, error) {
	for range 50 {
		var random [8]byte
		if _, err := io.ReadFull(l.random, random[:]); err != nil {
			return "", fmt.Errorf("draw a task code: %w", err)
		}
		code := l.words.TaskCode(binary.BigEndian.Uint64(random[:]))
		tag, err := tx.Exec(ctx, `INSERT INTO task_codes (line_id, code, ask_id, given_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (line_id, code) DO UPDATE SET ask_id = excluded.ask_id, given_at = excluded.given_at, free_from = NULL
			WHERE task_codes.free_from <= excluded.given_at`, c.line, code, c.ask, tx.now)
		if err != nil {
			return "", fmt.Errorf("give a task code: %w", err)
		}
		if tag.RowsAffected() == 1 {
			_, err := tx.Exec(ctx, "UPDATE asks SET code = $2 WHERE id = $1", c.ask, code)
			return code, err
		}
	}
	return "", fmt.Errorf("no free task code on line %s", c.line)
}

// facts is what the wording is filled with. The full name is given to be
// checked for, never to be sent.
func (l *Log) facts(ctx context.Context, tx txn, c claim) (map[string]string, error) {
	f := map[string]string{"office": c.signature, "code": c.code}
	var file recipientFacts
	if !c.recipient.IsZero() {
		var err error
		if file, err = l.openRecipient(c.recipient, c.recipientKey, c.recipientBox); err != nil {
			return nil, err
		}
		f["full_name"] = file.Name
	}
	overdue := 0
	if !c.due.IsZero() {
		overdue = max(l.calendar.WorkdaysBetween(c.due, tx.today()), 0)
	}
	switch c.wording {
	case "officer_due":
		f["kind"], f["area"], f["due"] = shortKind(c.kind), firstRunes(c.township, 8), c.due.Chinese()
	case "officer_overdue":
		head, err := headRung(ctx, tx, c.template)
		if err != nil {
			return nil, err
		}
		f["kind"], f["days"], f["more"] = shortKind(c.kind), strconv.Itoa(max(overdue, 1)), strconv.Itoa(max(head-overdue, 1))
	case "supervisor_overdue", "supervisor_red":
		officer, err := l.openPerson(c.officer, c.officerKey, c.officerSealed, "users.sealed")
		if err != nil {
			return nil, err
		}
		f["officer"] = MaskName(officer.Name)
		if c.wording == "supervisor_overdue" {
			f["kind"], f["days"] = shortKind(c.kind), strconv.Itoa(max(overdue, 1))
		} else {
			f["hours"] = hoursUntil(c.actBy, tx.now)
		}
	case "officer_red":
		f["hours"] = hoursUntil(c.actBy, tx.now)
	case "village_request":
		f["due"], f["alias"] = c.due.Chinese(), file.Alias
		if file.Alias == "" {
			return nil, refusedText("no household alias is agreed with the contact")
		}
	case "village_ack", "village_ambiguous", "village_unparsed":
		return l.answerFacts(ctx, tx, c, f)
	case "stop_ack", "start_ack", "officer_signal":
	}
	return trimFacts(c.wording, f), nil
}

// trimFacts drops what a wording has no place for.
func trimFacts(wording string, f map[string]string) map[string]string {
	if wording == "stop_ack" || wording == "start_ack" {
		delete(f, "code")
	}
	return f
}

// firstRunes keeps a place name within the bound of its placeholder: a shortened
// name still goes out, an over-long one would hold the text back.
func firstRunes(s string, n int) string {
	runes := []rune(s)
	return string(runes[:min(len(runes), n)])
}

func hoursUntil(actBy *time.Time, now time.Time) string {
	if actBy == nil {
		return "24"
	}
	return strconv.Itoa(max(int(actBy.Sub(now).Round(time.Hour)/time.Hour), 1))
}

func shortKind(k schedule.Kind) string {
	switch k {
	case schedule.Home:
		return "入户"
	case schedule.Phone:
		return "电话"
	default:
		return "村委协助"
	}
}

func headRung(ctx context.Context, tx txn, template string) (int, error) {
	var workdays int
	err := tx.QueryRow(ctx, "SELECT workdays FROM ladder_rungs WHERE template_key = $1 ORDER BY rung LIMIT 1", template).Scan(&workdays)
	if none(err) {
		return 5, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the ladder: %w", err)
	}
	return workdays, nil
}
