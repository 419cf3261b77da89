package carelog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// findStaff are those of our own people whose number a text came from, and an office of theirs.
func findStaff(ctx context.Context, tx txn, index []byte) (staff []UserID, office OfficeID, err error) {
	rows, err := tx.Query(ctx, "SELECT id, office_id FROM users WHERE phone_index = $1 AND phone_index <> '' AND state = 'active' ORDER BY id", index)
	if err != nil {
		return nil, office, fmt.Errorf("find our own people: %w", err)
	}
	var id UserID
	_, err = pgx.ForEachRow(rows, []any{&id, &office}, func() error {
		staff = append(staff, id)
		return nil
	})
	if err != nil {
		return nil, office, fmt.Errorf("find our own people: %w", err)
	}
	return staff, office, nil
}

// contactsOwn tells whether a text from a number that is a contact's and one of our
// own people's is the contact's: it names no code, or one that was sent to them.
func (l *Log) contactsOwn(ctx context.Context, tx txn, r reply, senders []sender, said reading) (bool, error) {
	if len(senders) == 0 {
		return false, nil
	}
	codes := said.codes()
	for _, code := range codes {
		t, found, err := byCode(ctx, tx, r.line, code)
		if err != nil {
			return false, err
		}
		if found && slices.ContainsFunc(senders, func(s sender) bool { return s.person == t.person }) {
			return true, nil
		}
	}
	return len(codes) == 0, nil
}

// Why a text from one of our own people is left to a person.
const (
	officerWithoutCode  = "from an officer's own number, without a task code: note it in the file it is about"
	officerSeveralCodes = "from an officer's own number, with several task codes: note each in its file"
	officerStrayCode    = "from an officer's own number, and the code is none of an open check-in they may record"
)

// officerText takes what an officer texts under the code of an open request about a
// check-in: that nobody answered is an attempt, anything else a note. It never
// completes anything; without a code it goes to a person.
func (l *Log) officerText(ctx context.Context, tx txn, r reply, staff []UserID, said reading) error {
	switch codes := said.codes(); {
	case len(codes) == 0:
		return l.toTriage(ctx, tx, r, target{office: r.office}, officerWithoutCode)
	case len(codes) > 1:
		return l.toTriage(ctx, tx, r, target{office: r.office}, officerSeveralCodes)
	}
	t, found, err := byCode(ctx, tx, r.line, said.codes()[0])
	if err != nil {
		return err
	}
	if !found || t.checkIn.IsZero() {
		return l.toTriage(ctx, tx, r, target{office: r.office}, officerStrayCode)
	}
	c, err := lockCheckIn(ctx, tx, t.checkIn)
	if err != nil {
		return err
	}
	officer, err := officerAmong(ctx, tx, staff, c.office)
	if err != nil {
		return err
	}
	if err := tx.QueryRow(ctx, "SELECT state FROM asks WHERE id = $1 FOR UPDATE", t.ask).Scan(&t.state); err != nil {
		return fmt.Errorf("lock the ask: %w", err)
	}
	t.contact = ContactID{} // whoever it was sent to, the officer wrote this
	if officer.IsZero() || t.state != "open" || !isOpen(c.state) {
		return l.toTriage(ctx, tx, r, t, officerStrayCode)
	}
	p := part{target: t, how: "an officer's own number, by its task code", decision: "noted", by: officer}
	if said.noAnswer() {
		p.decision = "attempted"
		err = l.attemptByText(ctx, tx, r, c, officer, said)
	} else {
		tx.append(officersNote(r, t, officer, said))
	}
	if err != nil {
		return err
	}
	p.reason = p.how
	r.parts = []part{p}
	return l.settleReply(ctx, tx, r, t, "matched", p.how)
}

// officerAmong is the one of the people who may record check-ins of the office.
func officerAmong(ctx context.Context, tx txn, people []UserID, office OfficeID) (UserID, error) {
	var id UserID
	err := tx.QueryRow(ctx, `SELECT g.user_id FROM grants g JOIN offices o ON o.id = $2 AND g.office_id = o.id
		WHERE g.user_id = ANY ($1) AND g.role = 'officer' ORDER BY g.user_id LIMIT 1`, people, office).Scan(&id)
	if err != nil && !none(err) {
		return id, fmt.Errorf("find the officer: %w", err)
	}
	return id, nil
}

// noAnswers are an officer's words for a try that reached nobody.
var noAnswers = []string{"没接", "没人接", "无人接", "未接", "不接", "打不通", "没打通"}

// noAnswer tells whether an officer says that nobody answered: 0, or in words.
func (said reading) noAnswer() bool {
	for _, a := range said.answers {
		if a[1] == "0" {
			return true
		}
	}
	return strings.TrimSpace(said.note) == "0" || slices.ContainsFunc(noAnswers, func(w string) bool { return strings.Contains(said.note, w) })
}

// attemptByText records a try at a check-in under the officer's name.
func (l *Log) attemptByText(ctx context.Context, tx txn, r reply, c checkIn, officer UserID, said reading) error {
	theirs := tx
	theirs.by = Actor{Kind: Person, User: officer, Office: c.office}
	before := len(tx.pending.happenings)
	_, err := l.record(ctx, theirs, c, entered{CheckInRecord{Outcome: "no_answer", OccurredAt: r.at, Note: said.words()}, []UserID{officer}})
	for i := range tx.pending.happenings[before:] {
		if h := &tx.pending.happenings[before+i]; h.actor == "" {
			h.actor, h.actorID = Person, anyID(officer)
		}
	}
	return err
}

// officersNote is the entry of what an officer texted about a household.
func officersNote(r reply, t target, officer UserID, said reading) happening {
	details := map[string]any{"source": "officer_sms", "matched": "an officer's own number, by its task code"}
	if said.note != "" {
		details["note"] = said.note
	}
	for _, a := range said.answers {
		if a[1] != "" {
			details["signal"] = signalWords[int(a[1][0]-'0')]
		}
	}
	return happening{recipient: t.recipient, kind: "officer_text_noted", at: r.at, actor: Person, actorID: anyID(officer), subject: anyID(r.id), details: details}
}
