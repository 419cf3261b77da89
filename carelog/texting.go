package carelog

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"aftercare/carelog/calendar"
)

// Texting is whom an office texts, how much, and what it has cost this month.
type Texting struct {
	Office         OfficeID
	Mode           string // on; off: nothing leaves, and what waits ends expired with that reason; pilot: only listed numbers
	SegmentsAMonth int    // the quota; 0: none. It is told at four fifths and when it is spent, and stops nothing
	RequestsADay   int    // to one number of a village contact
	RequestsAWeek  int    // in seven days
	Together       bool   // requests to one contact that are due together go out in one text
	Language       string // of its texts; what is not worded in it goes out in zh. Setting it, empty leaves it as it is

	Messages, Segments int   // taken by carriers this month
	Fen                int64 // what they cost
}

// What people choose as the mode.
const (
	textingOn    = "on"
	textingOff   = "off"
	textingPilot = "pilot"
)

const textingIsOff = "texting is switched off for this office"

// offAgain is when a text is looked at again while texting is switched off.
const offAgain = 15 * time.Minute

// TextingOf reads whom an office texts and what it has cost this month (China).
// Its supervisors and administrators may.
func (l *Log) TextingOf(ctx context.Context, by Actor, office OfficeID) (Texting, error) {
	return read(ctx, l, by, func(tx txn) (Texting, error) {
		if !by.may(office, SeeTexting) {
			return Texting{}, forbidden("only supervisors and administrators of the office see what it texts")
		}
		return textingOf(ctx, tx, office)
	})
}

func textingOf(ctx context.Context, tx txn, office OfficeID) (Texting, error) {
	t := Texting{Office: office}
	err := tx.QueryRow(ctx, `SELECT o.texting, coalesce(o.segments_a_month, 0), o.requests_a_day, o.requests_a_week, o.together, o.language,
			coalesce(sum(u.messages), 0), coalesce(sum(u.segments), 0), coalesce(sum(u.fen), 0)
		FROM offices o LEFT JOIN office_usage u ON u.office_id = o.id AND u.month = $2 WHERE o.id = $1 GROUP BY o.id`, office, monthOf(tx.today())).
		Scan(&t.Mode, &t.SegmentsAMonth, &t.RequestsADay, &t.RequestsAWeek, &t.Together, &t.Language, &t.Messages, &t.Segments, &t.Fen)
	if none(err) {
		return t, notFound("office")
	}
	if err != nil {
		return t, fmt.Errorf("read the office's texting: %w", err)
	}
	return t, nil
}

func monthOf(d calendar.Date) calendar.Date { return d.AddDays(1 - d.Day()) }

// mostRequests bounds what a number can be made to get.
const mostRequests = 50

// SetTexting sets whom an office texts and how much, with a reason that stands in
// the audit. An administrator of the office may change everything; a supervisor
// may switch texting off and on again. Switched off, nothing leaves, red alerts
// neither: their tasks stand in the lists.
func (l *Log) SetTexting(ctx context.Context, by Actor, t Texting, why string) error {
	var p problems
	if !slices.Contains([]string{textingOn, textingOff, textingPilot}, t.Mode) {
		p.add("mode", isUnknown)
	}
	if t.SegmentsAMonth < 0 || t.SegmentsAMonth > 100_000_000 {
		p.add("segments_a_month", isOutsideRange)
	}
	if t.RequestsADay < 1 || t.RequestsADay > mostRequests {
		p.add("requests_a_day", isOutsideRange)
	}
	if t.RequestsAWeek < t.RequestsADay || t.RequestsAWeek > mostRequests {
		p.add("requests_a_week", isOutsideRange)
	}
	if t.Language != "" && !languageTag.MatchString(t.Language) {
		p.add("language", isNotALanguage)
	}
	p.addWords("reason", why)
	if err := p.err(); err != nil {
		return err
	}
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		if !by.may(t.Office, SwitchTexting) {
			return struct{}{}, forbidden("only supervisors and administrators of the office change what it texts")
		}
		was, err := textingOf(ctx, tx, t.Office)
		if err != nil {
			return struct{}{}, err
		}
		if t.Language == "" {
			t.Language = was.Language
		}
		if err := isWorded(ctx, tx, was, t); err != nil {
			return struct{}{}, err
		}
		same := was.Language == t.Language && was.SegmentsAMonth == t.SegmentsAMonth && was.RequestsADay == t.RequestsADay && was.RequestsAWeek == t.RequestsAWeek && was.Together == t.Together
		if !by.may(t.Office, SetTextingAct) && (!same || t.Mode == textingPilot || was.Mode == textingPilot && t.Mode == textingOn) {
			return struct{}{}, forbidden("a supervisor switches texting off and on; budgets, pilots and the language are an administrator's")
		}
		_, err = tx.Exec(ctx, "UPDATE offices SET texting = $2, segments_a_month = nullif($3, 0), requests_a_day = $4, requests_a_week = $5, together = $6, language = $7 WHERE id = $1",
			t.Office, t.Mode, t.SegmentsAMonth, t.RequestsADay, t.RequestsAWeek, t.Together, t.Language)
		if err != nil {
			return struct{}{}, fmt.Errorf("set the office's texting: %w", err)
		}
		tx.audit(t.Office, "texting_set", anyID(t.Office), fmt.Sprintf("%s, %d segments a month, %d a day, %d a week, in %s: %s",
			t.Mode, t.SegmentsAMonth, t.RequestsADay, t.RequestsAWeek, t.Language, why))
		return struct{}{}, nil
	})
	return err
}

var languageTag = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)

var (
	isNotALanguage = reason{"is not a language tag: write it as zh or ug", "不是语言代码\uff0c请写成 zh、ug 这样"}
	isNotWorded    = reason{"has no wording in force: put one in force in it first", "还没有启用的短信文本\uff0c请先启用该语言的文本"}
)

// isWorded refuses a new language in which nothing is worded: every text would go
// out in zh all the same, and nobody would know why.
func isWorded(ctx context.Context, tx txn, was, t Texting) error {
	if t.Language == was.Language || t.Language == shippedLanguage {
		return nil
	}
	var worded bool
	err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM wordings WHERE language = $1 AND state = $2)", t.Language, wordingInForce).Scan(&worded)
	if err != nil {
		return fmt.Errorf("look for a wording: %w", err)
	}
	if !worded {
		return invalid("language", isNotWorded)
	}
	return nil
}

// AllowNumber lets a number be texted while the office is in a pilot, or no longer.
// Only the last four digits are kept readable. An administrator of the office may.
func (l *Log) AllowNumber(ctx context.Context, by Actor, office OfficeID, number string, allowed bool) error {
	phone, _, ok := Phone(number)
	if !ok {
		return invalid("phone", isNotAPhone)
	}
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		if !by.may(office, SetTextingAct) {
			return struct{}{}, forbidden("only an administrator of the office says who is in its pilot")
		}
		var ended *time.Time
		if !allowed {
			ended = &tx.now
		}
		_, err := tx.Exec(ctx, `INSERT INTO pilot_numbers (office_id, phone_index, ending, added_at, added_by, ended_at) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (office_id, phone_index) DO UPDATE SET added_at = excluded.added_at, added_by = excluded.added_by, ended_at = excluded.ended_at`,
			office, l.keys.Index("phone", phone), lastFour(phone), tx.now, by.User, ended)
		if err != nil {
			return struct{}{}, fmt.Errorf("keep the pilot's number: %w", err)
		}
		tx.audit(office, "pilot_number_set", anyID(office), lastFour(phone)+map[bool]string{true: " allowed", false: " ended"}[allowed])
		return struct{}{}, nil
	})
	return err
}

// inPilot refuses a number that the office's pilot does not name.
func (l *Log) inPilot(ctx context.Context, tx txn, office OfficeID, phone string) error {
	var listed bool
	err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pilot_numbers WHERE office_id = $1 AND phone_index = $2 AND ended_at IS NULL)",
		office, l.keys.Index("phone", phone)).Scan(&listed)
	if err != nil {
		return fmt.Errorf("look the number up in the pilot: %w", err)
	}
	if !listed {
		return refusedText("the office is in a pilot, and the number is not in it")
	}
	return nil
}

// testsADay bounds how often a person has a test sent to themself.
const testsADay = 5

// SendTest plans a text to the actor's own number that says only that texts reach
// it: five a day at most.
func (l *Log) SendTest(ctx context.Context, by Actor) (MessageID, error) {
	return write(ctx, l, by, func(tx txn) (MessageID, error) {
		if by.Kind != Person || !by.Holds(TestOwnPhone) {
			return MessageID{}, forbidden("a test goes to the phone of the person who asks for it")
		}
		var today int
		err := tx.QueryRow(ctx, "SELECT count(*) FROM messages WHERE user_id = $1 AND purpose = 'test' AND created_at >= $2", by.User, tx.today().At(0, 0)).Scan(&today)
		if err != nil {
			return MessageID{}, fmt.Errorf("count the tests: %w", err)
		}
		if today >= testsADay {
			return MessageID{}, conflict("%d tests were sent today: that is enough", testsADay)
		}
		line, err := l.lineOf(ctx, tx, by.Office, ContactID{}, by.User)
		if err != nil {
			return MessageID{}, err
		}
		return l.insertMessage(ctx, tx, newMessage{
			office: by.Office, user: by.User, line: line, purpose: "test", priority: priorityAnswer,
			slot: slot{"test", tx.now, tx.now.Add(10 * time.Minute), "a test to one's own phone"},
		})
	})
}

// use adds what carriers took to the month of each office, and tells its
// supervisors when the quota is nearly and when it is wholly spent.
func (l *Log) use(ctx context.Context, tx txn, taken []MessageID) error {
	if len(taken) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, `WITH spent AS (
			SELECT m.office_id, n.carrier, count(*) AS messages, sum(coalesce(m.segments, 1)) AS segments, sum(coalesce(m.segments, 1) * n.fen) AS fen
			FROM messages m JOIN lines n ON n.id = m.line_id WHERE m.id = ANY ($1) AND m.rides_with IS NULL GROUP BY 1, 2 ORDER BY 1, 2),
		kept AS (INSERT INTO office_usage AS u (office_id, month, carrier, messages, segments, fen) SELECT office_id, $2, carrier, messages, segments, fen FROM spent
			ON CONFLICT (office_id, month, carrier) DO UPDATE SET messages = u.messages + excluded.messages, segments = u.segments + excluded.segments, fen = u.fen + excluded.fen
			RETURNING office_id)
		SELECT o.id, o.segments_a_month, (SELECT coalesce(sum(segments), 0) FROM office_usage WHERE office_id = o.id AND month = $2)
			+ (SELECT sum(segments) FROM spent WHERE office_id = o.id)
		FROM offices o WHERE o.id IN (SELECT office_id FROM kept) AND o.segments_a_month IS NOT NULL`, taken, monthOf(tx.today()))
	if err != nil {
		return fmt.Errorf("add to the offices' months: %w", err)
	}
	type spent struct {
		Office      OfficeID
		Quota, Used int
	}
	limits, err := collect(rows, func(s *spent) []any { return []any{&s.Office, &s.Quota, &s.Used} })
	if err != nil {
		return fmt.Errorf("add to the offices' months: %w", err)
	}
	for _, s := range limits {
		why, step := "the quota of texts of this month is spent: nothing is held back, raise it or see what is sent", 100
		switch {
		case s.Used*5 < s.Quota*4:
			continue
		case s.Used < s.Quota:
			why, step = "four fifths of this month's quota of texts are spent", 80
		}
		err := l.openTask(ctx, tx, newTask{
			kind: "text_quota", cause: fmt.Sprintf("text_quota:%s:%s:%d", s.Office, monthOf(tx.today()), step), office: s.Office, reason: why,
			actBy: officerWindow.closes(tx.cal(s.Office).AddWorkdays(tx.today(), 1)),
		})
		if err != nil {
			return err
		}
	}
	return nil
}
