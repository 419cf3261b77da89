package carelog

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
)

// Household is who lives there: the members of the file, and the recipients who
// were joined with it.
type Household struct {
	Members []HouseholdMember `json:"members"`
	Joined  []Plan            `json:"joined"` // the last plan of each other recipient of the household
	Minors  int               `json:"minors"` // of the members
}

// HouseholdMember is one person of the file's household, by masked name.
type HouseholdMember struct {
	Relation   string        `json:"relation"`
	MaskedName string        `json:"masked_name"`
	BornOn     calendar.Date `json:"born_on,omitzero"`
	Minor      bool          `json:"minor"`
	Flags      []Flag        `json:"flags"`
}

// JoinHousehold joins recipients who live together, siblings who were both aided
// for example, so that one pause rests all their plans. Households they belong
// to already become one. Officers and supervisors of each one's office may.
func (l *Log) JoinHousehold(ctx context.Context, by Actor, recipients []RecipientID, why string) (HouseholdID, error) {
	recipients = slices.Clone(recipients)
	slices.SortFunc(recipients, func(a, b RecipientID) int { return bytes.Compare(a[:], b[:]) })
	recipients = slices.Compact(recipients)
	var probs problems
	probs.needsReason(why)
	if len(recipients) < 2 || len(recipients) > 20 {
		probs.add("recipient_ids", notAHousehold)
	}
	if err := probs.err(); err != nil {
		return HouseholdID{}, err
	}
	return write(ctx, l, by, func(tx txn) (HouseholdID, error) {
		for _, r := range recipients {
			if _, err := l.openFile(ctx, tx, r, ManagePlan); err != nil {
				return HouseholdID{}, err
			}
		}
		id, err := l.joinHousehold(ctx, tx, recipients)
		if err != nil {
			return id, err
		}
		for _, r := range recipients {
			tx.append(happening{recipient: r, kind: "household_joined", subject: anyID(id), details: map[string]any{"reason": why, "household": len(recipients)}})
		}
		return id, nil
	})
}

func (l *Log) joinHousehold(ctx context.Context, tx txn, recipients []RecipientID) (HouseholdID, error) {
	var id HouseholdID
	rows, err := tx.Query(ctx, `SELECT household_id FROM household_links WHERE recipient_id = ANY ($1) ORDER BY recipient_id FOR UPDATE`, recipients)
	if err != nil {
		return id, fmt.Errorf("read households: %w", err)
	}
	known, err := pgx.CollectRows(rows, pgx.RowTo[HouseholdID])
	if err != nil {
		return id, fmt.Errorf("read households: %w", err)
	}
	id = newID[householdKind](tx.now, l.random)
	if len(known) > 0 {
		id = known[0]
	}
	_, err = tx.Exec(ctx, "UPDATE household_links SET household_id = $1, joined_at = $2, joined_by = $3 WHERE household_id = ANY ($4) AND household_id <> $1",
		id, tx.now, tx.by.User, known)
	if err != nil {
		return id, fmt.Errorf("join households: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO household_links (recipient_id, household_id, joined_at, joined_by)
		SELECT r, $2, $3, $4 FROM unnest($1::uuid[]) AS r ON CONFLICT (recipient_id) DO NOTHING`, recipients, id, tx.now, tx.by.User)
	if err != nil {
		return id, fmt.Errorf("join household: %w", err)
	}
	return id, nil
}

// LeaveHousehold parts a recipient from the household they were joined with: it
// was a mistake, or they moved out. Officers and supervisors of the office may.
func (l *Log) LeaveHousehold(ctx context.Context, by Actor, recipient RecipientID, why string) error {
	var probs problems
	probs.needsReason(why)
	if err := probs.err(); err != nil {
		return err
	}
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		if _, err := l.openFile(ctx, tx, recipient, ManagePlan); err != nil {
			return struct{}{}, err
		}
		tag, err := tx.Exec(ctx, "UPDATE household_links SET household_id = $2, joined_at = $3, joined_by = $4 WHERE recipient_id = $1",
			recipient, newID[householdKind](tx.now, l.random), tx.now, by.User)
		if err != nil {
			return struct{}{}, fmt.Errorf("leave household: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return struct{}{}, conflict("the recipient was never joined with a household")
		}
		tx.append(happening{recipient: recipient, kind: "household_left", subject: anyID(recipient), details: map[string]any{"reason": why}})
		return struct{}{}, nil
	})
	return err
}

// HouseholdOf reads who lives with a recipient, minors marked: whom a decision
// after a death is about. Officers and supervisors of the office may; the read
// goes into the audit.
func (l *Log) HouseholdOf(ctx context.Context, by Actor, recipient RecipientID) (Household, error) {
	return write(ctx, l, by.anew(), func(tx txn) (Household, error) {
		file, err := l.openFile(ctx, tx, recipient)
		if err != nil {
			return Household{}, err
		}
		h := Household{Members: []HouseholdMember{}}
		members, err := l.wholeMembers(ctx, tx, recipient)
		if err != nil {
			return h, err
		}
		for _, m := range members {
			minor := isMinor(m.BornOn, tx.today())
			if minor {
				h.Minors++
			}
			h.Members = append(h.Members, HouseholdMember{Relation: m.Relation, MaskedName: MaskName(m.Name), BornOn: m.BornOn, Minor: minor, Flags: m.Flags})
		}
		if h.Joined, err = l.joinedPlans(ctx, tx, recipient); err != nil {
			return h, err
		}
		tx.audit(file.office, "household_read", anyID(recipient), "")
		return h, nil
	})
}

// openMembers reads who else is of the file's household, in the order they were put in.
func openMembers(ctx context.Context, tx txn, recipient RecipientID, key crypt.DataKey) ([]Member, error) {
	rows, err := tx.Query(ctx, "SELECT id, sealed FROM household_members WHERE recipient_id = $1 ORDER BY id", recipient)
	if err != nil {
		return nil, fmt.Errorf("read the household: %w", err)
	}
	members, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Member, error) {
		var id anyID
		var sealed []byte
		if err := row.Scan(&id, &sealed); err != nil {
			return Member{}, err
		}
		return crypt.OpenJSON[Member](key, sealed, "household_members.sealed/"+id.String())
	})
	if err != nil {
		return nil, fmt.Errorf("open the household: %w", err)
	}
	return members, nil
}

func (l *Log) joinedPlans(ctx context.Context, tx txn, recipient RecipientID) ([]Plan, error) {
	rows, err := tx.Query(ctx, selectPlans+`p.id IN (SELECT DISTINCT ON (q.recipient_id) q.id FROM household_links k
			JOIN household_links o ON o.household_id = k.household_id AND o.recipient_id <> k.recipient_id
			JOIN care_plans q ON q.recipient_id = o.recipient_id
			JOIN recipients f ON f.id = o.recipient_id AND f.merged_into IS NULL
			WHERE k.recipient_id = $1 ORDER BY q.recipient_id, q.state = 'closed', q.id DESC) ORDER BY p.id`, recipient)
	if err != nil {
		return nil, fmt.Errorf("read joined plans: %w", err)
	}
	plans, err := pgx.CollectRows(rows, l.scanPlan)
	if err != nil {
		return nil, fmt.Errorf("read joined plans: %w", err)
	}
	return plans, nil
}
