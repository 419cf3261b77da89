package carelog

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/carelog/condition"
	"aftercare/internal/crypt"
)

// Funds is what is known of a recipient's money: what was awarded against what loss,
// what of it was released under whose eyes, and what it was used for. Amounts are in
// fen. No text says any of it.
type Funds struct {
	TotalFen        int64         `json:"total_fen"`
	PaidOn          calendar.Date `json:"paid_on"`
	LossFen         int64         `json:"loss_fen"`
	CompensationFen int64         `json:"compensation_fen"`
	Hardship        string        `json:"hardship"` // ordinary, great, extreme; empty: not graded
	CaseNo          string        `json:"case_no"`
	Sources         []Source      `json:"sources"`

	Agreement   *SupervisionAgreement `json:"agreement"` // nil: paid at once
	Instalments []Instalment          `json:"instalments"`
	ReleasedFen int64                 `json:"released_fen"` // the award without what waits
	UsedFen     int64                 `json:"used_fen"`     // of the uses that stand
	LeftFen     int64                 `json:"left_fen"`     // released and not accounted for; negative: more was used than released
	Uses        []FundUse             `json:"uses"`
}

// SupervisionAgreement is the agreement of three about an award that is released
// bit by bit.
type SupervisionAgreement struct {
	SignedOn      calendar.Date `json:"signed_on"`
	RecipientSide string        `json:"recipient_side"` // who signed for the household, and as what
	Village       string        `json:"village"`
	Office        string        `json:"office"`
	Document      string        `json:"document"`      // number of the paper
	DocumentHash  []byte        `json:"document_hash"` // its SHA-256
	DrawnUpBy     UserID        `json:"drawn_up_by"`

	Instalments []NewInstalment `json:"-"`
}

// NewInstalment is a part of the award that waits.
type NewInstalment struct {
	AmountFen int64
	DueOn     calendar.Date
	Condition string
	CheckIn   CheckInID // may be named later
}

// Instalment is a part of an award as a file shows it.
type Instalment struct {
	ID         InstalmentID  `json:"instalment_id"`
	N          int           `json:"n"`
	AmountFen  int64         `json:"amount_fen"`
	DueOn      calendar.Date `json:"due_on"`
	Condition  string        `json:"condition"`
	CheckIn    CheckInID     `json:"check_in_id"` // whose fund questions are answered before
	State      string        `json:"state"`       // waiting, released
	Late       bool          `json:"late"`        // waits past its day
	ReleasedBy UserID        `json:"released_by"`
}

// fundFacts are the words of an agreement as they are sealed.
type fundFacts struct {
	RecipientSide string `json:"recipient_side"`
	Village       string `json:"village"`
	Office        string `json:"office"`
	Document      string `json:"document,omitempty"`
}

const mostInstalments = 36

// award is a recipient's award as the fund verbs work on it.
type award struct {
	id    anyID
	total int64
	paid  calendar.Date
	box   []byte
	Funds
}

// moneyWarns adds to the flags what the answers about the money warn of (L34): that
// it did not come, or not in full where nothing of it waits by agreement, and that
// somebody took or asked for some of it.
func moneyWarns(ctx context.Context, tx txn, recipient RecipientID, r CheckInRecord) ([]condition.Flag, error) {
	wrong := r.Receipt == "none" || r.Demands == "deducted" || r.Demands == "demanded"
	if r.Receipt == "partial" && !wrong {
		err := tx.QueryRow(ctx, "SELECT NOT EXISTS (SELECT FROM instalments WHERE recipient_id = $1 AND state = 'waiting')", recipient).Scan(&wrong)
		if err != nil {
			return nil, fmt.Errorf("look for instalments: %w", err)
		}
	}
	if !wrong || slices.Contains(r.Flags, condition.FundSeizure) {
		return r.Flags, nil
	}
	return append(slices.Clone(r.Flags), condition.FundSeizure), nil
}

// askedOfMoney tells whether the questions of a first contact were asked.
func (r CheckInRecord) askedOfMoney() bool {
	answered := func(s string) bool { return s != "" && s != "not_asked" }
	return answered(r.Receipt) && answered(r.Demands)
}

// AgreeSupervision writes down the agreement of recipient's side, village and office
// about an award, with its instalments: what is paid at once is the rest. An award has
// one agreement. Officers and supervisors of the office may. Refusals: Invalid with
// every field, NotFound, Forbidden, Conflict when there is one.
func (l *Log) AgreeSupervision(ctx context.Context, by Actor, recipient RecipientID, a SupervisionAgreement) (Funds, error) {
	return write(ctx, l, by, func(tx txn) (Funds, error) {
		f, err := l.openFile(ctx, tx, recipient, KeepFunds)
		if err != nil {
			return Funds{}, err
		}
		w, err := l.awardOf(ctx, tx, f)
		if err != nil {
			return Funds{}, err
		}
		if err := a.check(ctx, tx, w, recipient); err != nil {
			return Funds{}, err
		}
		if err := l.insertAgreement(ctx, tx, f, w, a); err != nil {
			return Funds{}, err
		}
		return l.fundsOf(ctx, tx, f)
	})
}

var (
	exceedsAward    = reason{"add up to more than the award", "各期金额之和超过救助金额"}
	isNoneOfTheirs  = reason{"is no open check-in of this household", "不是该户待办的回访"}
	isNotSHA256     = reason{"is not a SHA-256: 32 bytes", "不是SHA-256摘要\uff0832字节\uff09"}
	isBeforePayment = reason{"lies before the award was paid", "早于救助金发放日期"}
)

func (a SupervisionAgreement) check(ctx context.Context, tx txn, w award, recipient RecipientID) error {
	var p problems
	if a.SignedOn.IsZero() {
		p.add("signed_on", isRequired)
	} else if tx.today().Before(a.SignedOn) {
		p.add("signed_on", isInFuture)
	}
	for field, text := range map[string]string{"recipient_side": a.RecipientSide, "village": a.Village, "office": a.Office} {
		p.needsText(field, text, shortText)
	}
	if len(a.Document) > shortText {
		p.add("document", isTooLong)
	}
	if a.DocumentHash != nil && len(a.DocumentHash) != 32 {
		p.add("document_hash", isNotSHA256)
	}
	if len(a.Instalments) == 0 {
		p.add("instalments", isRequired)
	} else if len(a.Instalments) > mostInstalments {
		p.add("instalments", isTooLong)
		return p.err()
	}
	var sum int64
	for i, n := range a.Instalments {
		at := fmt.Sprintf("instalments[%d].", i)
		if n.AmountFen <= 0 {
			p.add(at+"amount_fen", isNotPositive)
		} else if n.AmountFen > highestBalance {
			p.add(at+"amount_fen", isOutsideRange)
		} else {
			sum += n.AmountFen
		}
		if n.DueOn.Before(w.paid) {
			p.add(at+"due_on", isBeforePayment)
		}
		p.needsText(at+"condition", n.Condition, longText)
		if err := namesOpenCheckIn(ctx, tx, &p, at+"check_in_id", n.CheckIn, recipient); err != nil {
			return err
		}
	}
	if sum > w.total {
		p.add("instalments", exceedsAward)
	}
	return p.err()
}

// namesOpenCheckIn refuses a check-in that is not the household's, or over already:
// what was answered before nobody waited for it releases nothing.
func namesOpenCheckIn(ctx context.Context, tx txn, p *problems, field string, id CheckInID, recipient RecipientID) error {
	if id.IsZero() {
		return nil
	}
	var open bool
	err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM check_ins WHERE id = $1 AND recipient_id = $2 AND kind <> 'village' AND state IN ('planned', 'overdue', 'missed'))", id, recipient).Scan(&open)
	if err != nil {
		return fmt.Errorf("look for the check-in: %w", err)
	}
	if !open {
		p.add(field, isNoneOfTheirs)
	}
	return nil
}

func (l *Log) insertAgreement(ctx context.Context, tx txn, f file, w award, a SupervisionAgreement) error {
	id := newID[plainKind](tx.now, l.random)
	sealed, err := crypt.SealJSON(f.key, fundFacts{a.RecipientSide, a.Village, a.Office, a.Document}, "fund_agreements.sealed/"+id.String())
	if err != nil {
		return fmt.Errorf("seal the agreement: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO fund_agreements (id, recipient_id, award_id, signed_on, document_hash, drawn_up_by, drawn_up_at, sealed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, id, f.id, w.id, a.SignedOn, a.DocumentHash, tx.by.User, tx.now, sealed)
	if err != nil {
		return fmt.Errorf("insert agreement: %w", err)
	}
	for i, n := range a.Instalments {
		part := newID[instalmentKind](tx.now, l.random)
		_, err := tx.Exec(ctx, `INSERT INTO instalments (id, agreement_id, recipient_id, n, amount_fen, due_on, check_in_id, drawn_up_by, look_on, sealed)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, part, id, f.id, i+1, n.AmountFen, n.DueOn, n.CheckIn, tx.by.User, n.DueOn.AddDays(1),
			f.key.Seal([]byte(n.Condition), "instalments.sealed/"+part.String()))
		if err != nil {
			return fmt.Errorf("insert instalment: %w", err)
		}
	}
	tx.append(happening{recipient: f.id, kind: "supervision_agreed", subject: id, details: dropEmpty(map[string]any{
		"signed_on": a.SignedOn, "recipient_side": a.RecipientSide, "village": a.Village, "office": a.Office, "document": a.Document, "instalments": len(a.Instalments),
	})})
	return nil
}

// FundsOf reads a recipient's money. Officers and supervisors of the file's office
// may, and those its plan was shared with; the read goes into the audit.
func (l *Log) FundsOf(ctx context.Context, by Actor, recipient RecipientID) (Funds, error) {
	return write(ctx, l, by.anew(), func(tx txn) (Funds, error) {
		f, err := l.openFile(ctx, tx, recipient)
		if err != nil {
			return Funds{}, err
		}
		tx.audit(f.office, "funds_read", anyID(recipient), "")
		return l.fundsOf(ctx, tx, f)
	})
}

func (l *Log) awardOf(ctx context.Context, tx txn, f file) (award, error) {
	var w award
	err := tx.QueryRow(ctx, `SELECT id, total_fen, paid_on, coalesce(loss_fen, 0), coalesce(compensation_fen, 0), hardship, sealed
		FROM aid_awards WHERE recipient_id = $1 ORDER BY id DESC LIMIT 1`, f.id).
		Scan(&w.id, &w.total, &w.paid, &w.LossFen, &w.CompensationFen, &w.Hardship, &w.box)
	if none(err) {
		return w, notFound("award")
	}
	if err != nil {
		return w, fmt.Errorf("read award: %w", err)
	}
	w.TotalFen, w.PaidOn = w.total, w.paid
	return w, nil
}

func (l *Log) fundsOf(ctx context.Context, tx txn, f file) (Funds, error) {
	w, err := l.awardOf(ctx, tx, f)
	if err != nil {
		return Funds{}, err
	}
	shown := w.Funds
	if w.box != nil {
		facts, err := crypt.OpenJSON[awardFacts](f.key, w.box, "aid_awards.sealed/"+w.id.String())
		if err != nil {
			return shown, fmt.Errorf("open the award: %w", err)
		}
		shown.CaseNo = facts.CaseNo
	}
	if shown.Sources, err = sourcesOf(ctx, tx, w.id); err != nil {
		return shown, err
	}
	if shown.Agreement, err = agreementOf(ctx, tx, f, w.id); err != nil {
		return shown, err
	}
	if shown.Instalments, err = instalmentsOf(ctx, tx, f); err != nil {
		return shown, err
	}
	if shown.Uses, err = usesOf(ctx, tx, f); err != nil {
		return shown, err
	}
	shown.ReleasedFen = shown.TotalFen
	for _, n := range shown.Instalments {
		if n.State == "waiting" {
			shown.ReleasedFen -= n.AmountFen
		}
	}
	for _, u := range shown.Uses {
		if !u.Withdrawn {
			shown.UsedFen += u.AmountFen
		}
	}
	shown.LeftFen = shown.ReleasedFen - shown.UsedFen
	return shown, nil
}

func sourcesOf(ctx context.Context, tx txn, award anyID) ([]Source, error) {
	rows, err := tx.Query(ctx, "SELECT source, amount_fen FROM aid_sources WHERE award_id = $1 ORDER BY source", award)
	if err != nil {
		return nil, fmt.Errorf("read aid sources: %w", err)
	}
	sources, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Source])
	if err != nil {
		return nil, fmt.Errorf("read aid sources: %w", err)
	}
	return sources, nil
}

func agreementOf(ctx context.Context, tx txn, f file, award anyID) (*SupervisionAgreement, error) {
	var id anyID
	var a SupervisionAgreement
	var sealed []byte
	err := tx.QueryRow(ctx, "SELECT id, signed_on, document_hash, drawn_up_by, sealed FROM fund_agreements WHERE award_id = $1", award).
		Scan(&id, &a.SignedOn, &a.DocumentHash, &a.DrawnUpBy, &sealed)
	if none(err) {
		return nil, nil //nolint:nilnil // the award was paid at once
	}
	if err != nil {
		return nil, fmt.Errorf("read agreement: %w", err)
	}
	facts, err := crypt.OpenJSON[fundFacts](f.key, sealed, "fund_agreements.sealed/"+id.String())
	if err != nil {
		return nil, fmt.Errorf("open the agreement: %w", err)
	}
	a.RecipientSide, a.Village, a.Office, a.Document = facts.RecipientSide, facts.Village, facts.Office, facts.Document
	return &a, nil
}

func instalmentsOf(ctx context.Context, tx txn, f file) ([]Instalment, error) {
	rows, err := tx.Query(ctx, `SELECT id, n, amount_fen, due_on, check_in_id, state, state = 'waiting' AND due_on < $2, released_by, sealed
		FROM instalments WHERE recipient_id = $1 ORDER BY n`, f.id, tx.today())
	if err != nil {
		return nil, fmt.Errorf("read instalments: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (n Instalment, err error) {
		var sealed []byte
		if err := row.Scan(&n.ID, &n.N, &n.AmountFen, &n.DueOn, &n.CheckIn, &n.State, &n.Late, &n.ReleasedBy, &sealed); err != nil {
			return n, err
		}
		plain, err := f.key.Open(sealed, "instalments.sealed/"+n.ID.String())
		n.Condition = string(plain)
		return n, err
	})
	if err != nil {
		return nil, fmt.Errorf("read instalments: %w", err)
	}
	return found, nil
}
