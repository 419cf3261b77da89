package carelog

import (
	"context"
	"fmt"
)

// A legal hold keeps a file from being erased or forgotten in part, whatever time
// ran out: a complaint, a case, an inspection. It says nothing about who reads it.

// PlaceHold places a hold on a file, with the reason. Supervisors of its office
// may. Refusals: Conflict when one is placed already, or the file was erased.
func (l *Log) PlaceHold(ctx context.Context, by Actor, recipient RecipientID, why string) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		office, err := holdsFile(ctx, tx, recipient, why)
		if err != nil {
			return struct{}{}, err
		}
		key, err := l.recipientKey(ctx, tx, recipient)
		if err != nil {
			return struct{}{}, err
		}
		id := newID[plainKind](tx.now, l.random)
		tag, err := tx.Exec(ctx, "INSERT INTO legal_holds (id, recipient_id, sealed, placed_by, placed_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
			id, recipient, key.Seal([]byte(why), "legal_holds.sealed/"+id.String()), by.User, tx.now)
		if err != nil {
			return struct{}{}, fmt.Errorf("place hold: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return struct{}{}, conflict("a hold keeps the file already")
		}
		tx.audit(office, "hold_placed", anyID(recipient), "")
		tx.append(happening{recipient: recipient, kind: "hold_placed", subject: anyID(id), details: map[string]any{"reason": why}})
		return struct{}{}, nil
	})
	return err
}

// LiftHold ends the hold of a file; the next night's run finds what it kept.
// Supervisors of its office may.
func (l *Log) LiftHold(ctx context.Context, by Actor, recipient RecipientID, why string) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		office, err := holdsFile(ctx, tx, recipient, why)
		if err != nil {
			return struct{}{}, err
		}
		tag, err := tx.Exec(ctx, "UPDATE legal_holds SET lifted_at = $2, lifted_by = $3 WHERE recipient_id = $1 AND lifted_at IS NULL", recipient, tx.now, by.User)
		if err != nil {
			return struct{}{}, fmt.Errorf("lift hold: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return struct{}{}, conflict("no hold keeps the file")
		}
		tx.audit(office, "hold_lifted", anyID(recipient), "")
		tx.append(happening{recipient: recipient, kind: "hold_lifted", subject: anyID(recipient), details: map[string]any{"reason": why}})
		return struct{}{}, nil
	})
	return err
}

func holdsFile(ctx context.Context, tx txn, recipient RecipientID, why string) (OfficeID, error) {
	var p problems
	checkWhy(&p, why)
	if err := p.err(); err != nil {
		return OfficeID{}, err
	}
	office, err := fileOffice(ctx, tx, recipient, ReadFile)
	if err != nil {
		return office, err
	}
	if !tx.by.may(office, HoldAct) || tx.by.Kind != Person {
		return office, forbidden("only a supervisor of the office places and lifts holds")
	}
	return office, nil
}
