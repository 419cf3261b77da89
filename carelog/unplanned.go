package carelog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"aftercare/carelog/schedule"
)

// UnplannedContact is a contact nobody scheduled: a call received, a walk-in, or
// a village contact's answer given by phone.
type UnplannedContact struct {
	Kind       string    `json:"kind"` // call_received, walk_in, village_answer
	OccurredAt time.Time `json:"occurred_at"`
	Note       string    `json:"note"`
	CheckIn    CheckInID `json:"check_in_id"` // of a village answer: the check-in it answers
	Digit      int       `json:"digit"`       // of a village answer: 1 safe, 2 difficulty, 3 not seen
}

// NoteContact notes an unplanned contact in a recipient's history. A village
// answer given by phone completes the village check-in as the same SMS would, and
// the phone call that took its place too, unless the household is barred from the
// village. Officers of the office may.
func (l *Log) NoteContact(ctx context.Context, by Actor, recipient RecipientID, n UnplannedContact) (Entry, error) {
	return write(ctx, l, by, func(tx txn) (Entry, error) {
		file, err := l.openFile(ctx, tx, recipient)
		if err != nil {
			return Entry{}, err
		}
		if err := file.isMerged(); err != nil {
			return Entry{}, err
		}
		if !by.may(file.office, RecordCare) {
			return Entry{}, forbidden("only officers of the office note contacts")
		}
		if n.OccurredAt.IsZero() {
			n.OccurredAt = tx.now
		}
		if err := n.check(tx); err != nil {
			return Entry{}, err
		}
		details := map[string]any{"contact": n.Kind, "note": n.Note, "source": "officer"}
		if n.Digit > 0 {
			details["signal"], details["digit"], details["source"] = signalWords[n.Digit], n.Digit, "village_contact_phone"
		}
		tx.append(happening{recipient: recipient, kind: "contact_noted", at: n.OccurredAt, subject: anyID(n.CheckIn), details: dropEmpty(details)})
		if n.Kind == "village_answer" {
			if err := l.villageAnswer(ctx, tx, recipient, n); err != nil {
				return Entry{}, err
			}
		}
		if err := l.flush(ctx, tx); err != nil {
			return Entry{}, err
		}
		return l.lastOfKind(ctx, tx, file, "contact_noted")
	})
}

// lastOfKind is the newest entry of a kind: what followed from it stands after it.
func (l *Log) lastOfKind(ctx context.Context, tx txn, file file, kind string) (Entry, error) {
	page, err := l.readHistory(ctx, tx, []RecipientID{file.id}, 1<<62, 20)
	if err != nil {
		return Entry{}, err
	}
	for _, e := range page.Entries {
		if e.Kind == kind {
			return e, nil
		}
	}
	return Entry{}, fmt.Errorf("no entry %s was written", kind)
}

func (n UnplannedContact) check(tx txn) error {
	var p problems
	if !slices.Contains([]string{"call_received", "walk_in", "village_answer"}, n.Kind) {
		p.add("kind", isUnknown)
	}
	if n.OccurredAt.After(tx.now) {
		p.add("occurred_at", isInFuture)
	} else if n.OccurredAt.Before(tx.now.AddDate(0, -6, 0)) {
		p.add("occurred_at", isOutsideWindow)
	}
	if strings.TrimSpace(n.Note) == "" && n.Digit == 0 {
		p.add("note", isRequired)
	}
	if len(n.Note) > 8000 {
		p.add("note", isTooLong)
	}
	if n.Kind == "village_answer" {
		if n.CheckIn.IsZero() {
			p.add("check_in_id", isRequired)
		}
		if n.Digit < 1 || n.Digit > 3 {
			p.add("digit", isUnknown)
		}
	} else if n.Digit != 0 {
		p.add("digit", isUnknown)
	}
	return p.err()
}

func (l *Log) villageAnswer(ctx context.Context, tx txn, recipient RecipientID, n UnplannedContact) error {
	c, err := lockCheckIn(ctx, tx, n.CheckIn)
	if err != nil {
		return err
	}
	forVillage := c.kind == schedule.Village
	if !forVillage {
		err := tx.QueryRow(ctx, "SELECT c.by_phone <> '' AND NOT p.village_barred FROM check_ins c JOIN care_plans p ON p.id = c.plan_id WHERE c.id = $1", c.id).Scan(&forVillage)
		if err != nil {
			return fmt.Errorf("read why it is a phone call: %w", err)
		}
		c.kind = schedule.Village // what the village says is the village's word, whoever took it down
	}
	if c.recipient != recipient || !forVillage {
		return invalid("check_in_id", reason{"is not a village check-in of this recipient", "不是该被救助人的村委会询问任务"})
	}
	if !isOpen(c.state) {
		return conflict("the check-in is %s already", c.state)
	}
	outcome := "reached"
	if n.Digit == 3 {
		outcome = "not_seen"
	}
	err = l.insertRecord(ctx, tx, c, CheckInRecord{Outcome: outcome, Informant: "village_contact", OccurredAt: n.OccurredAt, AskedVillage: true, Note: n.Note}, nil)
	if err != nil {
		return err
	}
	if n.Digit == 3 {
		if err := l.nextTry(ctx, tx, c, CheckInRecord{}); err != nil {
			return err
		}
		return l.judgeHousehold(ctx, tx, recipient)
	}
	if err := l.finishCheckIn(ctx, tx, c, "answered by the village contact by phone"); err != nil {
		return err
	}
	if n.Digit == 2 {
		return l.difficulty(ctx, tx, signal{target: target{recipient: recipient}}, c)
	}
	return l.judgeHousehold(ctx, tx, recipient)
}
