package carelog

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

// Sentence says one thing to a person, in both languages.
type Sentence struct {
	English string `json:"english"`
	Chinese string `json:"chinese"`
}

// Because is one thing that led to what is explained, in the order it took effect.
type Because struct {
	Kind string        `json:"kind"` // template, calendar, tier, rule, ladder, cap, hours, plan, contact, person, event, carrier, message
	Ref  string        `json:"ref"`  // the step, rule, check-in, message … it names; may be empty
	On   calendar.Date `json:"on"`   // the day it is about; may be none
	At   *time.Time    `json:"at"`   // when it happened; nil when it is no event
	Sentence
}

// Explanation answers why: one sentence, and what led to it (P8). It names no
// person; texts and notes are not part of it.
type Explanation struct {
	Subject string    `json:"subject"` // check_in, message, alert, recipient
	ID      string    `json:"id"`
	Answer  Sentence  `json:"answer"`
	Because []Because `json:"because"`
}

// said makes a sentence of a format in each language with the same values; a
// value may be a Sentence itself.
func said(english, chinese string, values ...any) Sentence {
	en, zh := make([]any, len(values)), make([]any, len(values))
	for i, v := range values {
		en[i], zh[i] = v, v
		switch v := v.(type) {
		case Sentence:
			en[i], zh[i] = v.English, v.Chinese
		case calendar.Date:
			en[i], zh[i] = v.String(), v.String()
		case time.Time:
			text := v.In(calendar.Shanghai()).Format("2006-01-02 15:04")
			en[i], zh[i] = text, text
		}
	}
	return Sentence{fmt.Sprintf(english, en...), fmt.Sprintf(chinese, zh...)}
}

// inBoth is a stored reason in both languages.
func inBoth(reason string) Sentence { return Sentence{reason, InChinese(reason)} }

func (e *Explanation) add(kind string, s Sentence) *Because {
	e.Because = append(e.Because, Because{Kind: kind, Sentence: s})
	return &e.Because[len(e.Because)-1]
}

func (b *Because) about(ref string) *Because { b.Ref = ref; return b }

func (b *Because) on(d calendar.Date) *Because { b.On = d; return b }

func (b *Because) at(t time.Time) *Because { b.At = &t; return b }

// mayAsk tells whether the actor may be told about something of the office.
func mayAsk(by Actor, office OfficeID) error {
	if by.may(office, ReadFile) {
		return nil
	}
	return forbidden("only officers and supervisors of the office ask why")
}

// restDays explains each day between two dates on which nobody works, holidays
// by name, so that a moved date can be followed day by day. Weekends are not listed.
func restDays(cal *calendar.Calendar, from, until calendar.Date) []Because {
	var found []Because
	for d := from; !d.After(until) && d.Sub(from) < 40; d = d.AddDays(1) {
		day := cal.Day(d)
		if !day.Off || day.Name == "\u5468\u672b" { // a weekend
			continue
		}
		status := Sentence{"provisional until the notice of that year", "\u6682\u5b9a\uff0c\u4ee5\u5f53\u5e74\u901a\u77e5\u4e3a\u51c6"}
		if day.Official {
			status = Sentence{"official", "\u6b63\u5f0f"}
		}
		s := said("%s is a rest day: %s (%s)", "%s \u4f11\u606f\uff1a%s\uff08%s\uff09", d, day.Name, status)
		found = append(found, Because{Kind: "calendar", On: d, Sentence: s})
	}
	return found
}

// entriesAbout are what the history says about a subject, oldest first. What was
// written there stays sealed; that it happened and when is the explanation.
func (l *Log) entriesAbout(ctx context.Context, tx txn, recipient RecipientID, subject anyID) ([]Because, error) {
	rows, err := tx.Query(ctx, "SELECT kind, occurred_at FROM history WHERE recipient_id = $1 AND subject_id = $2 ORDER BY seq LIMIT 100", recipient, subject)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Because, error) {
		var kind string
		var at time.Time
		err := row.Scan(&kind, &at)
		return Because{Kind: "event", Ref: kind, At: &at, Sentence: said("%[2]s: %[1]s", "%[2]s\uff1a%[1]s", event(kind), at)}, err
	})
}
