package carelog

import (
	"context"
	"fmt"
	"slices"
	"time"

	"aftercare/carelog/calendar"
)

// A restricted file is frozen: it is kept and nothing else (PIPL 44, 47). It is
// read by supervisors alone, each time with a reason; no text goes out about it,
// no plan runs. What keeps people safe goes on: an urgent reply is still heard, an
// open red alert still climbs, and an open plan rests with a review date ahead (P1).

var restrictionGrounds = []string{"subject_request", "accuracy_disputed", "deletion_impossible", "retention"}

// Restriction is why a file is frozen. An open plan needs a review date.
type Restriction struct {
	Ground   string        `json:"ground"`
	ReviewOn calendar.Date `json:"review_on"`
	Reason   string        `json:"reason"` // sealed
}

// restrictedViewTime is how long a reason opens a restricted file.
const restrictedViewTime = time.Hour

// fileIsRestricted is what officers are told of a restricted file.
const fileIsRestricted = "the file is restricted: a supervisor of the office opens it, with a reason"

// RestrictFile freezes a file. A running plan is paused until the review date.
// Supervisors of the office may. Refusals: Invalid, Conflict when it is restricted
// or erased already.
func (l *Log) RestrictFile(ctx context.Context, by Actor, recipient RecipientID, r Restriction) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		open, err := l.lockOpenPlan(ctx, tx, recipient)
		hasPlan := err == nil
		if err != nil && KindOf(err) != Conflict {
			return struct{}{}, err
		}
		office, err := l.frozen(ctx, tx, recipient, false)
		if err != nil {
			return struct{}{}, err
		}
		if err := r.check(tx, hasPlan); err != nil {
			return struct{}{}, err
		}
		if hasPlan {
			if err := l.rest(ctx, tx, open, r); err != nil {
				return struct{}{}, err
			}
		}
		key, err := l.recipientKey(ctx, tx, recipient)
		if err != nil {
			return struct{}{}, err
		}
		id := newID[plainKind](tx.now, l.random)
		_, err = tx.Exec(ctx, `INSERT INTO restrictions (id, recipient_id, ground, review_on, sealed, restricted_by, restricted_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			id, recipient, r.Ground, r.ReviewOn, key.Seal([]byte(r.Reason), "restrictions.sealed/"+id.String()), by.User, tx.now)
		if err != nil {
			return struct{}{}, fmt.Errorf("insert restriction: %w", err)
		}
		if _, err := tx.Exec(ctx, "UPDATE recipients SET restricted_at = $2 WHERE id = $1", recipient, tx.now); err != nil {
			return struct{}{}, fmt.Errorf("restrict the file: %w", err)
		}
		tx.audit(office, "file_restricted", anyID(recipient), r.Ground)
		tx.append(happening{recipient: recipient, kind: "file_restricted", subject: anyID(id), details: dropEmpty(map[string]any{
			"ground": r.Ground, "review_on": r.ReviewOn, "reason": r.Reason,
		})})
		return struct{}{}, nil
	})
	return err
}

func (r Restriction) check(tx txn, hasPlan bool) error {
	var p problems
	if !slices.Contains(restrictionGrounds, r.Ground) {
		p.add("ground", isUnknown)
	}
	checkWhy(&p, r.Reason)
	if refused := asRefusal(checkPause(tx, r.ReviewOn, "x")); hasPlan && refused != nil {
		p = append(p, refused.Fields...)
	}
	return p.err()
}

// rest has an open plan rest until somebody must look at the restriction again.
func (l *Log) rest(ctx context.Context, tx txn, p plan, r Restriction) error {
	if p.running() {
		return l.pausePlan(ctx, tx, p, newPause{reviewOn: r.ReviewOn, why: r.Reason})
	}
	if _, err := tx.Exec(ctx, "UPDATE care_plans SET review_on = $2, updated_at = $3 WHERE id = $1", p.id, r.ReviewOn, tx.now); err != nil {
		return fmt.Errorf("set the review: %w", err)
	}
	return l.takeUpReview(ctx, tx, p.id)
}

// frozen asks for a supervisor and for a file that is there, and restricted or not.
func (l *Log) frozen(ctx context.Context, tx txn, recipient RecipientID, restricted bool) (OfficeID, error) {
	office, err := fileOffice(ctx, tx, recipient, ReadFile)
	if err != nil {
		return office, err
	}
	if !tx.by.may(office, RestrictAct) || tx.by.Kind != Person {
		return office, forbidden("only a supervisor of the office restricts files, opens restricted ones and lifts it")
	}
	var is, erased bool
	err = tx.QueryRow(ctx, "SELECT restricted_at IS NOT NULL, erased_at IS NOT NULL FROM recipients WHERE id = $1 FOR NO KEY UPDATE", recipient).Scan(&is, &erased)
	switch {
	case err != nil:
		return office, fmt.Errorf("read recipient: %w", err)
	case erased:
		return office, errErased
	case is && !restricted:
		return office, conflict("the file is restricted already")
	case !is && restricted:
		return office, conflict("the file is not restricted")
	}
	return office, nil
}

// LiftRestriction ends a restriction. A plan that rests goes on resting: it is
// resumed on purpose. Supervisors of the office may.
func (l *Log) LiftRestriction(ctx context.Context, by Actor, recipient RecipientID, why string) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		var p problems
		checkWhy(&p, why)
		if err := p.err(); err != nil {
			return struct{}{}, err
		}
		office, err := l.frozen(ctx, tx, recipient, true)
		if err != nil {
			return struct{}{}, err
		}
		_, err = tx.Exec(ctx, "UPDATE restrictions SET lifted_at = $2, lifted_by = $3 WHERE recipient_id = $1 AND lifted_at IS NULL", recipient, tx.now, by.User)
		if err != nil {
			return struct{}{}, fmt.Errorf("lift restriction: %w", err)
		}
		if _, err := tx.Exec(ctx, "UPDATE recipients SET restricted_at = NULL WHERE id = $1", recipient); err != nil {
			return struct{}{}, fmt.Errorf("lift restriction: %w", err)
		}
		tx.audit(office, "restriction_lifted", anyID(recipient), "")
		tx.append(happening{recipient: recipient, kind: "restriction_lifted", subject: anyID(recipient), details: map[string]any{"reason": why}})
		return struct{}{}, nil
	})
	return err
}

// OpenRestricted opens a restricted file to the supervisor who asks, for an hour,
// and tells until when. The reason stands sealed in the history.
func (l *Log) OpenRestricted(ctx context.Context, by Actor, recipient RecipientID, why string) (time.Time, error) {
	return write(ctx, l, by, func(tx txn) (time.Time, error) {
		until := tx.now.Add(restrictedViewTime)
		var p problems
		checkWhy(&p, why)
		if err := p.err(); err != nil {
			return until, err
		}
		office, err := l.frozen(ctx, tx, recipient, true)
		if err != nil {
			return until, err
		}
		_, err = tx.Exec(ctx, "INSERT INTO restricted_views (recipient_id, user_id, opened_at, until) VALUES ($1, $2, $3, $4)", recipient, by.User, tx.now, until)
		if err != nil {
			return until, fmt.Errorf("open the restricted file: %w", err)
		}
		tx.audit(office, "restricted_file_opened", anyID(recipient), "")
		tx.append(happening{recipient: recipient, kind: "restricted_file_opened", subject: anyID(recipient), details: map[string]any{"reason": why, "until": until}})
		return until, nil
	})
}

// unrestricted refuses what would process a restricted file further.
func unrestricted(ctx context.Context, tx txn, recipient RecipientID) error {
	var restricted bool
	if err := tx.QueryRow(ctx, "SELECT restricted_at IS NOT NULL FROM recipients WHERE id = $1", recipient).Scan(&restricted); err != nil {
		return fmt.Errorf("read recipient: %w", err)
	}
	if restricted {
		return conflict("the file is restricted: lift the restriction first")
	}
	return nil
}
