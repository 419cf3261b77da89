package carelog

import (
	"context"
	"fmt"
	"strings"

	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
)

// IdentityCorrection puts right who a recipient is (PIPL 46). Empty: as it was.
// Where they live is changed by ChangeAddress.
type IdentityCorrection struct {
	Name     string        `json:"name"`
	Sex      string        `json:"sex"`
	IDNumber string        `json:"id_number"`
	BornOn   calendar.Date `json:"born_on"`
	Phone    string        `json:"phone"`
	Reason   string        `json:"reason"`
}

// CorrectIdentity seals a recipient's identity anew, with the reason. What stood
// there before and what stands there now are both kept, sealed in the history.
// Officers and supervisors of the office may. Refusals: Invalid, NotFound, Forbidden.
func (l *Log) CorrectIdentity(ctx context.Context, by Actor, recipient RecipientID, c IdentityCorrection) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		file, err := l.openFile(ctx, tx, recipient, CorrectWho)
		if err != nil {
			return struct{}{}, err
		}
		before := file.facts
		if err := l.correctFacts(tx, &file.facts, c); err != nil {
			return struct{}{}, err
		}
		sealed, err := crypt.SealJSON(file.key, file.facts, "recipients.sealed")
		if err != nil {
			return struct{}{}, fmt.Errorf("seal the recipient: %w", err)
		}
		_, err = tx.Exec(ctx, "UPDATE recipients SET sealed = $2, id_index = $3, phone_index = $4 WHERE id = $1", recipient, sealed,
			l.index("id_number", file.facts.IDNumber), l.index("phone", file.facts.Phone))
		if err != nil {
			return struct{}{}, fmt.Errorf("correct the recipient: %w", err)
		}
		was, is := differing(before, file.facts)
		tx.append(happening{recipient: recipient, kind: "identity_corrected", subject: anyID(recipient), details: map[string]any{
			"reason": c.Reason, "before": was, "after": is,
		}})
		return struct{}{}, nil
	})
	return err
}

func (l *Log) correctFacts(tx txn, f *recipientFacts, c IdentityCorrection) error {
	var p problems
	checkWhy(&p, c.Reason)
	if c == (IdentityCorrection{Reason: c.Reason}) {
		p.add("name", isRequired)
	}
	if name := strings.TrimSpace(c.Name); name != "" {
		f.Name = name
	}
	if len(f.Name) > 200 {
		p.add("name", isTooLong)
	}
	if f.Alias != "" && l.words.CheckAlias(f.Alias, f.Name) != nil {
		p.add("name", isInTheAlias)
	}
	if c.Sex != "" {
		f.Sex = c.Sex
	}
	if len(f.Sex) > 20 {
		p.add("sex", isTooLong)
	}
	if id := strings.ToUpper(strings.TrimSpace(c.IDNumber)); id != "" {
		if !validIDNumber(id) {
			p.add("id_number", isNotAnIDNumber)
		}
		f.IDNumber = id
	}
	if !c.BornOn.IsZero() {
		if tx.today().Before(c.BornOn) {
			p.add("born_on", isInFuture)
		}
		f.BornOn = c.BornOn
	}
	if c.Phone != "" {
		phone, _, ok := Phone(c.Phone)
		if !ok {
			p.add("phone", isNotAPhone)
		}
		f.Phone = phone
	}
	return p.err()
}

// differing are the facts that a correction changed, before and after.
func differing(before, after recipientFacts) (was, is map[string]any) {
	was, is = map[string]any{}, map[string]any{}
	note := func(field string, a, b any) {
		if a != b {
			was[field], is[field] = a, b
		}
	}
	note("name", before.Name, after.Name)
	note("sex", before.Sex, after.Sex)
	note("id_number", before.IDNumber, after.IDNumber)
	note("born_on", before.BornOn, after.BornOn)
	note("phone", before.Phone, after.Phone)
	return was, is
}
