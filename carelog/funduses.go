package carelog

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
)

// FundUse is an entry of the use-of-money ledger.
type FundUse struct {
	ID           FundUseID     `json:"fund_use_id"`
	UsedOn       calendar.Date `json:"used_on"`
	AmountFen    int64         `json:"amount_fen"`
	Category     string        `json:"category"`      // as MoneyUse
	ToldBy       string        `json:"told_by"`       // self, guardian, relative, village_contact, other
	Evidence     string        `json:"evidence"`      // observed, document, told
	Reference    string        `json:"reference"`     // number or place of the paper; a document has one
	EvidenceHash []byte        `json:"evidence_hash"` // SHA-256 of the paper
	Note         string        `json:"note"`
	CheckIn      CheckInID     `json:"check_in_id"` // at which it was told; zero: none
	RecordedBy   UserID        `json:"recorded_by"`
	RecordedAt   time.Time     `json:"recorded_at"`
	Withdrawn    bool          `json:"withdrawn"`
}

type fundUseFacts struct {
	Reference string `json:"reference,omitempty"`
	Note      string `json:"note,omitempty"`
}

func (u FundUse) check(ctx context.Context, tx txn, w award, recipient RecipientID) error {
	var p problems
	switch {
	case u.UsedOn.IsZero():
		p.add("used_on", isRequired)
	case tx.today().Before(u.UsedOn):
		p.add("used_on", isInFuture)
	case u.UsedOn.Before(w.paid):
		p.add("used_on", isBeforePayment)
	}
	if u.AmountFen <= 0 {
		p.add("amount_fen", isNotPositive)
	} else if u.AmountFen > highestBalance {
		p.add("amount_fen", isOutsideRange)
	}
	if !slices.Contains(moneyUses, u.Category) {
		p.add("category", isUnknown)
	}
	if u.ToldBy == "" || !slices.Contains(informants, u.ToldBy) {
		p.add("told_by", isUnknown)
	}
	if !slices.Contains(evidenceKinds, u.Evidence) {
		p.add("evidence", isUnknown)
	}
	if u.Evidence == "document" && u.Reference == "" && u.EvidenceHash == nil {
		p.add("reference", isRequired)
	} else if len(u.Reference) > shortText {
		p.add("reference", isTooLong)
	}
	if u.EvidenceHash != nil && len(u.EvidenceHash) != 32 {
		p.add("evidence_hash", isNotSHA256)
	}
	if len(u.Note) > longText {
		p.add("note", isTooLong)
	}
	theirs := u.CheckIn.IsZero()
	if !theirs {
		err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM check_ins WHERE id = $1 AND recipient_id = $2)", u.CheckIn, recipient).Scan(&theirs)
		if err != nil {
			return fmt.Errorf("look for the check-in: %w", err)
		}
	}
	if !theirs {
		p.add("check_in_id", isUnknown)
	}
	return p.err()
}

// RecordFundUse writes down what some of the money was used for. More than was
// released may have been told: it is kept as told, and a task asks where it came
// from. Officers of the office may. Refusals: Invalid with every field, NotFound,
// Forbidden.
func (l *Log) RecordFundUse(ctx context.Context, by Actor, recipient RecipientID, u FundUse) (Funds, error) {
	return write(ctx, l, by, func(tx txn) (Funds, error) {
		f, err := l.openFile(ctx, tx, recipient, KeepFunds)
		if err != nil {
			return Funds{}, err
		}
		w, err := l.awardOf(ctx, tx, f)
		if err != nil {
			return Funds{}, err
		}
		if err := u.check(ctx, tx, w, recipient); err != nil {
			return Funds{}, err
		}
		if err := l.insertFundUse(ctx, tx, f, w, u); err != nil {
			return Funds{}, err
		}
		funds, err := l.fundsOf(ctx, tx, f)
		if err != nil || funds.LeftFen >= 0 {
			return funds, err
		}
		return funds, l.openTask(ctx, tx, newTask{
			kind: "funds_overdrawn", cause: "funds_overdrawn:" + recipient.String(), office: f.office, recipient: recipient,
			reason: "more of the award is told to be used than was released: find out where it came from, or withdraw a mistaken entry",
			actBy:  officerWindow.closes(tx.cal(f.office).AddWorkdays(tx.today(), 5)),
		})
	})
}

func (l *Log) insertFundUse(ctx context.Context, tx txn, f file, w award, u FundUse) error {
	u.ID = newID[fundUseKind](tx.now, l.random)
	sealed, err := crypt.SealJSON(f.key, fundUseFacts{u.Reference, u.Note}, "fund_uses.sealed/"+u.ID.String())
	if err != nil {
		return fmt.Errorf("seal the use: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO fund_uses (id, recipient_id, award_id, used_on, amount_fen, category, told_by, evidence, evidence_hash, check_in_id, recorded_by, recorded_at, sealed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		u.ID, f.id, w.id, u.UsedOn, u.AmountFen, u.Category, u.ToldBy, u.Evidence, u.EvidenceHash, u.CheckIn, tx.by.User, tx.now, sealed)
	if err != nil {
		return fmt.Errorf("insert use: %w", err)
	}
	tx.append(happening{recipient: f.id, kind: "fund_use_recorded", subject: anyID(u.ID), details: dropEmpty(map[string]any{
		"used_on": u.UsedOn, "amount_fen": u.AmountFen, "category": u.Category, "informant": u.ToldBy, "evidence": u.Evidence, "reference": u.Reference, "note": u.Note,
	})})
	return nil
}

// WithdrawFundUse takes back an entry that was a mistake: it stays beside the others
// and counts no more. Officers and supervisors of the office may, with a reason.
// Refusals: Invalid, NotFound, Forbidden, Conflict when it is withdrawn.
func (l *Log) WithdrawFundUse(ctx context.Context, by Actor, id FundUseID, why string) (Funds, error) {
	var p problems
	p.needsReason(why)
	if err := p.err(); err != nil {
		return Funds{}, err
	}
	return write(ctx, l, by, func(tx txn) (Funds, error) {
		var recipient RecipientID
		err := tx.QueryRow(ctx, "SELECT recipient_id FROM fund_uses WHERE id = $1", id).Scan(&recipient)
		if none(err) {
			return Funds{}, notFound("entry")
		}
		if err != nil {
			return Funds{}, fmt.Errorf("read use: %w", err)
		}
		f, err := l.openFile(ctx, tx, recipient, KeepFunds)
		if err != nil {
			return Funds{}, err
		}
		tag, err := tx.Exec(ctx, "UPDATE fund_uses SET withdrawn_at = $2, withdrawn_by = $3 WHERE id = $1 AND withdrawn_at IS NULL", id, tx.now, by.User)
		if err != nil {
			return Funds{}, fmt.Errorf("withdraw use: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return Funds{}, conflict("the entry is withdrawn already")
		}
		tx.append(happening{recipient: recipient, kind: "fund_use_withdrawn", subject: anyID(id), details: map[string]any{"reason": why}})
		funds, err := l.fundsOf(ctx, tx, f)
		if err != nil || funds.LeftFen < 0 {
			return funds, err
		}
		return funds, l.endTasks(ctx, tx, []string{"funds_overdrawn:" + recipient.String()}, "a mistaken entry was withdrawn")
	})
}

func usesOf(ctx context.Context, tx txn, f file) ([]FundUse, error) {
	rows, err := tx.Query(ctx, `SELECT id, used_on, amount_fen, category, told_by, evidence, evidence_hash, check_in_id, recorded_by, recorded_at, withdrawn_at IS NOT NULL, sealed
		FROM fund_uses WHERE recipient_id = $1 ORDER BY used_on DESC, id DESC`, f.id)
	if err != nil {
		return nil, fmt.Errorf("read uses: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (u FundUse, err error) {
		var sealed []byte
		err = row.Scan(&u.ID, &u.UsedOn, &u.AmountFen, &u.Category, &u.ToldBy, &u.Evidence, &u.EvidenceHash, &u.CheckIn, &u.RecordedBy, &u.RecordedAt, &u.Withdrawn, &sealed)
		if err != nil {
			return u, err
		}
		facts, err := crypt.OpenJSON[fundUseFacts](f.key, sealed, "fund_uses.sealed/"+u.ID.String())
		u.Reference, u.Note = facts.Reference, facts.Note
		return u, err
	})
	if err != nil {
		return nil, fmt.Errorf("read uses: %w", err)
	}
	return found, nil
}
