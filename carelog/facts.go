package carelog

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"aftercare/carelog/calendar"
	"aftercare/carelog/schedule"
)

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
		overdue = max(tx.cal(c.office).WorkdaysBetween(c.lateSince, tx.today()), 0)
	}
	switch c.wording {
	case "officer_due":
		f["kind"], f["area"], f["due"] = shortKind(c.kind), firstRunes(c.township, 8), c.due.Chinese()
	case "officer_overdue":
		head, err := headRung(ctx, tx, c.template)
		if err != nil {
			return nil, err
		}
		f["kind"], f["days"], f["head"] = shortKind(c.kind), strconv.Itoa(max(overdue, 1)), "已同时"
		if head > overdue {
			f["head"] = fmt.Sprintf("再过%d个工作日将", head-overdue)
		}
	case "supervisor_overdue", "supervisor_amber", "supervisor_red", "supervisor_review":
		officer, err := l.openPerson(c.officer, c.officerKey, c.officerSealed, "users.sealed")
		if err != nil {
			return nil, err
		}
		f["officer"] = MaskName(officer.Name)
		switch c.wording {
		case "supervisor_overdue":
			f["kind"], f["days"] = shortKind(c.kind), strconv.Itoa(max(overdue, 1))
		case "supervisor_red":
			f["hours"] = hoursUntil(c.actBy, tx.now)
		}
	case "officer_red":
		f["hours"] = hoursUntil(c.actBy, tx.now)
	case "officer_amber":
		f["days"] = "1"
		if c.actBy != nil {
			f["days"] = strconv.Itoa(max(tx.cal(c.office).WorkdaysBetween(tx.today(), calendar.Of(c.actBy.Add(-time.Second))), 1))
		}
	case "village_request", visitConfirmation:
		if c.hasTopics {
			barred, err := l.topicsBar(ctx, tx, c.person, c.recipient)
			if err != nil {
				return nil, err
			}
			if barred {
				return nil, verdict{dispatch: "cancelled", reason: topicBarred, task: "contact_conflict"}
			}
		}
		if f["alias"] = file.Alias; file.Alias == "" {
			return nil, refusedText(noAliasAgreed)
		}
		if c.wording == "village_request" {
			f["due"] = c.due.Chinese()
			break
		}
		on, err := visitedOn(ctx, tx, c.checkIn)
		if err != nil {
			return nil, err
		}
		f["date"] = on.Chinese()
	case "staff_digest":
		count, err := waiting(ctx, tx, c.id)
		if err != nil {
			return nil, err
		}
		if count == 0 {
			return nil, needlessText("everything in the digest is settled")
		}
		f["count"] = strconv.Itoa(min(count, 999))
	case "supervisor_week":
		if err := l.weekFacts(ctx, tx, c, f); err != nil {
			return nil, err
		}
	case "village_ack", "village_ambiguous", "village_unparsed", "village_suggest":
		return l.answerFacts(ctx, tx, c, f)
	case "stop_ack", "start_ack", "number_check", "officer_signal", "officer_urgent", "officer_review", "test":
	}
	return trimFacts(c.wording, f), nil
}

// trimFacts drops what a wording has no place for.
func trimFacts(wording string, f map[string]string) map[string]string {
	if slices.Contains([]string{"stop_ack", "start_ack", "number_check", "officer_urgent", "staff_digest", "supervisor_week", "test"}, wording) {
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
	err := tx.QueryRow(ctx, `SELECT workdays FROM ladder_rungs
		WHERE template_key IN ($1, '*') AND subject = 'overdue' ORDER BY template_key = '*', rung LIMIT 1`, template).Scan(&workdays)
	if none(err) {
		return 5, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the ladder: %w", err)
	}
	return workdays, nil
}
