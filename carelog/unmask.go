package carelog

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

// unmaskPurposes are what a file may be shown in full for; the list goes into the
// audit, the words beside it are sealed in the history.
var unmaskPurposes = []string{"phone_call", "home_visit", "referral", "identity_check", "complaint", "other"}

// Unmasking asks to see a recipient's file in full.
type Unmasking struct {
	Recipient RecipientID
	Purpose   string // phone_call, home_visit, referral, identity_check, complaint, other
	Reason    string // in words
	Emergency bool   // a minor's file, and there is no time to ask: a supervisor looks at it afterwards
}

// FullFile is what masks hide. Of the identity number nobody is ever shown more
// than the end.
type FullFile struct {
	Name         string
	Sex          string
	BornOn       calendar.Date
	Minor        bool
	IDEnding     string
	Phone        string // E.164; empty: none known
	Address      string
	Alias        string
	Flags        []Flag
	Members      []FullMember
	Contacts     []FullContact
	MinorsMasked bool          // members who are minors stay masked: leave was not given
	LeaveEnds    calendar.Date // of a minor's file: the last day of the leave
}

// FullMember is one person of the household.
type FullMember struct {
	Relation string
	Name     string // masked where MinorsMasked
	BornOn   calendar.Date
	Minor    bool
}

// FullContact is a village contact whom the plan names.
type FullContact struct {
	ID      ContactID
	Name    string
	Phone   string // E.164
	Primary bool
}

// Unmask shows a recipient's name, numbers and address in full, once, with a
// purpose of the list and a reason. Officers and supervisors of the file's office
// may. Whose recipient is a minor also needs leave that has not ended (AskToOpen),
// or says that it is an emergency: that opens the file for a day, and a supervisor
// is asked to look at it. Names of minors in an adult's household stay masked
// without leave. The act stands in the file's history and in the audit.
// Refusals: Invalid, NotFound, Forbidden.
func (l *Log) Unmask(ctx context.Context, by Actor, u Unmasking) (FullFile, error) {
	var probs problems
	if !slices.Contains(unmaskPurposes, u.Purpose) {
		probs.add("purpose", isUnknown)
	}
	probs.needsReason(u.Reason)
	if err := probs.err(); err != nil {
		return FullFile{}, err
	}
	if by.Kind != Person {
		return FullFile{}, forbidden("a file is shown in full to people only")
	}
	return write(ctx, l, by.anew(), func(tx txn) (FullFile, error) {
		f, err := l.openFile(ctx, tx, u.Recipient, UnmaskFile)
		if err != nil {
			return FullFile{}, err
		}
		leave, err := l.leaveFor(ctx, tx, f, u)
		if err != nil {
			return FullFile{}, err
		}
		shown, err := l.fullFile(ctx, tx, f, leave)
		if err != nil {
			return FullFile{}, err
		}
		tx.append(happening{recipient: f.id, kind: "file_unmasked", subject: anyID(by.User), details: dropEmpty(map[string]any{
			"purpose": u.Purpose, "reason": u.Reason, "emergency": u.Emergency && leave.emergency,
		})})
		tx.audit(f.office, "file_unmasked", anyID(f.id), u.Purpose)
		return shown, nil
	})
}

// isMinor tells whether the file is a child's. A ledger without a day of birth
// still says so by its flag.
func (f recipientFacts) isMinor(today calendar.Date) bool {
	if f.BornOn.IsZero() {
		return slices.Contains(f.Flags, "minor_victim")
	}
	return isMinor(f.BornOn, today)
}

// leaveFor finds the leave that u needs: none for an adult's file.
func (l *Log) leaveFor(ctx context.Context, tx txn, f file, u Unmasking) (leave, error) {
	given, err := leaveOf(ctx, tx, f.id)
	if err != nil || !given.ends.IsZero() || !f.facts.isMinor(tx.today()) {
		return given, err
	}
	if !u.Emergency {
		return given, forbidden("this is a minor's file: ask for leave to see it in full, or say that it is an emergency")
	}
	return l.openInEmergency(ctx, tx, f, u.Reason)
}

func (l *Log) fullFile(ctx context.Context, tx txn, f file, given leave) (FullFile, error) {
	full := FullFile{
		Name: f.facts.Name, Sex: f.facts.Sex, BornOn: f.facts.BornOn, Minor: f.facts.isMinor(tx.today()), IDEnding: lastFour(f.facts.IDNumber),
		Phone: f.facts.Phone, Address: f.facts.Address, Alias: f.facts.Alias, Flags: f.facts.Flags,
	}
	if !given.ends.IsZero() {
		full.LeaveEnds = calendar.Of(given.ends)
	}
	members, err := openMembers(ctx, tx, f.id, f.key)
	if err != nil {
		return full, err
	}
	for _, m := range members {
		shown := FullMember{Relation: m.Relation, Name: m.Name, BornOn: m.BornOn, Minor: isMinor(m.BornOn, tx.today())}
		if shown.Minor && given.ends.IsZero() {
			shown.Name, full.MinorsMasked = MaskName(m.Name), true
		}
		full.Members = append(full.Members, shown)
	}
	full.Contacts, err = l.contactsInFull(ctx, tx, f.id)
	return full, err
}

func (l *Log) contactsInFull(ctx context.Context, tx txn, recipient RecipientID) ([]FullContact, error) {
	rows, err := tx.Query(ctx, `SELECT k.id, k.data_key, k.sealed, k.id IS NOT DISTINCT FROM p.primary_contact_id FROM care_plans p
		JOIN village_contacts k ON k.id IN (p.primary_contact_id, p.backup_contact_id)
		WHERE p.recipient_id = $1 AND p.state <> 'closed' ORDER BY k.id IS DISTINCT FROM p.primary_contact_id`, recipient)
	if err != nil {
		return nil, fmt.Errorf("read the contacts: %w", err)
	}
	contacts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (FullContact, error) {
		var c FullContact
		var wrapped, sealed []byte
		if err := row.Scan(&c.ID, &wrapped, &sealed, &c.Primary); err != nil {
			return c, err
		}
		person, err := l.openPerson(c.ID, wrapped, sealed, "village_contacts.sealed")
		c.Name, c.Phone = person.Name, person.Phone
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("open the contacts: %w", err)
	}
	return contacts, nil
}
