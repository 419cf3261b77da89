package carelog

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
)

// Transfer is an act of handing plans over, to a colleague or to another
// office. Until it is accepted the sender stays responsible.
type Transfer struct {
	ID         TransferID `json:"transfer_id"`
	Office     OfficeID   `json:"office_id"`    // the sender's
	ToOffice   OfficeID   `json:"to_office_id"` // the same, to a colleague
	ToUser     UserID     `json:"to_user_id"`   // zero: whom the receiving office names
	ProposedBy UserID     `json:"proposed_by"`
	ProposedAt time.Time  `json:"proposed_at"`
	AcceptBy   time.Time  `json:"accept_by"`
	State      string     `json:"state"`   // open, ended
	Open       int        `json:"open"`    // plans that wait for an answer
	Overdue    bool       `json:"overdue"` // open past AcceptBy
}

// acceptWithin is how long the receiver has.
const acceptWithin = 3 // working days

// maxHandedOver is how many plans one act may hand over.
const maxHandedOver = 500

// NewTransfer hands plans to a colleague of the office.
type NewTransfer struct {
	Plans  []PlanID
	From   string // login: all open plans of this officer, instead of Plans
	To     string // login of an officer of the office
	Reason string
}

// TransferPlans offers plans to a colleague, one or an officer's whole desk in one
// act, each plan's history saying so. A supervisor of the office may, and an
// officer for plans of their own. Nothing changes before the offer is accepted.
func (l *Log) TransferPlans(ctx context.Context, by Actor, n NewTransfer) (Transfer, error) {
	return write(ctx, l, by, func(tx txn) (Transfer, error) {
		plans, err := l.plansToHandOver(ctx, tx, n)
		if err != nil {
			return Transfer{}, err
		}
		to, err := officerCalled(ctx, tx, n.To, plans[0].office)
		if none(err) {
			return Transfer{}, invalid("to", isUnknownOfficer)
		}
		if err != nil {
			return Transfer{}, fmt.Errorf("find officer: %w", err)
		}
		for _, p := range plans {
			if p.officer == to.id {
				return Transfer{}, invalid("to", isTheirsAlready)
			}
		}
		person, err := l.openPerson(to.id, to.key, to.sealed, "users.sealed")
		if err != nil {
			return Transfer{}, err
		}
		t := newTransfer{office: plans[0].office, toOffice: plans[0].office, toUser: to.id, reason: n.Reason, to: MaskName(person.Name)}
		return l.offer(ctx, tx, plans, t)
	})
}

// plansToHandOver locks the plans an act names, in the order of their ids.
func (l *Log) plansToHandOver(ctx context.Context, tx txn, n NewTransfer) ([]plan, error) {
	var probs problems
	probs.needsReason(n.Reason)
	if err := probs.err(); err != nil {
		return nil, err
	}
	ids := slices.Clone(n.Plans)
	if n.From != "" {
		rows, err := tx.Query(ctx, `SELECT p.id FROM care_plans p JOIN users u ON u.id = p.officer_id
			WHERE u.login = lower($1) AND p.state <> 'closed' AND p.office_id = ANY ($2)`, n.From, tx.by.officesFor(ListWork))
		if err != nil {
			return nil, fmt.Errorf("find the officer's plans: %w", err)
		}
		if ids, err = pgx.CollectRows(rows, pgx.RowTo[PlanID]); err != nil {
			return nil, fmt.Errorf("find the officer's plans: %w", err)
		}
	}
	slices.SortFunc(ids, func(a, b PlanID) int { return bytes.Compare(a[:], b[:]) })
	ids = slices.Compact(ids)
	if len(ids) == 0 || len(ids) > maxHandedOver {
		return nil, invalid("plan_ids", notPlans)
	}
	plans := make([]plan, len(ids))
	for i, id := range ids {
		p, err := l.lockPlan(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		if err := mayHandOver(tx.by, p); err != nil {
			return nil, err
		}
		if p.office != plans[0].office && i > 0 {
			return nil, invalid("plan_ids", notPlans)
		}
		plans[i] = p
	}
	return plans, nil
}

func mayHandOver(by Actor, p plan) error {
	if !by.may(p.office, HandOver) && (p.officer != by.User || !by.may(p.office, HandOverOwn)) {
		return forbidden("a supervisor hands plans over, and an officer their own")
	}
	if p.state == "closed" {
		return conflict("the plan is closed")
	}
	return nil
}

// called is somebody found by their login.
type called struct {
	id          UserID
	key, sealed []byte
}

// officerCalled finds an officer of the office by login.
func officerCalled(ctx context.Context, tx txn, login string, office OfficeID) (called, error) {
	var u called
	err := tx.QueryRow(ctx, `SELECT u.id, u.data_key, u.sealed FROM users u JOIN offices o ON o.id = $2
		WHERE u.login = lower($1) AND u.state = 'active' AND EXISTS
			(SELECT FROM grants g WHERE g.user_id = u.id AND g.role = 'officer' AND g.office_id = o.id)`, login, office).
		Scan(&u.id, &u.key, &u.sealed)
	return u, err
}

// TransferToOffice offers a plan to the office where the household lives now, by
// that office's code. A supervisor of the plan's office may, and its officer.
// The receiving office sees who it is and why, and nothing of the history.
func (l *Log) TransferToOffice(ctx context.Context, by Actor, id PlanID, office, why string) (Transfer, error) {
	return write(ctx, l, by, func(tx txn) (Transfer, error) {
		plans, err := l.plansToHandOver(ctx, tx, NewTransfer{Plans: []PlanID{id}, Reason: why})
		if err != nil {
			return Transfer{}, err
		}
		t := newTransfer{office: plans[0].office, reason: why}
		err = tx.QueryRow(ctx, "SELECT id, name FROM office_by_code($1)", office).Scan(&t.toOffice, &t.to)
		if none(err) || (err == nil && t.toOffice == t.office) {
			return Transfer{}, invalid("office_code", isNotAnotherOffice)
		}
		if err != nil {
			return Transfer{}, fmt.Errorf("find office: %w", err)
		}
		return l.offer(ctx, tx, plans, t)
	})
}

// newTransfer is an offer on its way in.
type newTransfer struct {
	office, toOffice OfficeID
	toUser           UserID
	to               string // who or what it goes to, for the history
	reason           string
}

func (l *Log) offer(ctx context.Context, tx txn, plans []plan, n newTransfer) (Transfer, error) {
	t := Transfer{
		ID: newID[transferKind](tx.now, l.random), Office: n.office, ToOffice: n.toOffice, ToUser: n.toUser, ProposedBy: tx.by.User, ProposedAt: tx.now,
		AcceptBy: officerWindow.closes(tx.cal(n.office).AddWorkdays(tx.today(), acceptWithin)), State: "open", Open: len(plans),
	}
	_, err := tx.Exec(ctx, `INSERT INTO transfers (id, office_id, to_office_id, to_user_id, proposed_by, proposed_at, accept_by, wake_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $6)`, t.ID, t.Office, t.ToOffice, t.ToUser, t.ProposedBy, t.ProposedAt, t.AcceptBy)
	if err != nil {
		return t, fmt.Errorf("insert transfer: %w", err)
	}
	for _, p := range plans {
		key, err := l.recipientKey(ctx, tx, p.recipient)
		if err != nil {
			return t, err
		}
		_, err = tx.Exec(ctx, "INSERT INTO transfer_plans (transfer_id, plan_id, recipient_id, from_user_id, sealed) VALUES ($1, $2, $3, $4, $5)",
			t.ID, p.id, p.recipient, p.officer, key.Seal([]byte(n.reason), reasonBox(t.ID, p.id)))
		if err != nil {
			return t, fmt.Errorf("insert transferred plan: %w", err)
		}
		tx.append(happening{recipient: p.recipient, kind: "plan_transfer_proposed", subject: anyID(p.id), details: map[string]any{
			"reason": n.reason, "handed_to": n.to, "accept_by": t.AcceptBy, "plans": len(plans),
		}})
	}
	return t, nil
}

func reasonBox(t TransferID, p PlanID) string {
	return "transfer_plans.sealed/" + t.String() + "/" + p.String()
}

func answerBox(t TransferID, p PlanID) string {
	return "transfer_plans.answer/" + t.String() + "/" + p.String()
}

const selectTransfers = `SELECT t.id, t.office_id, t.to_office_id, t.to_user_id, t.proposed_by, t.proposed_at, t.accept_by, t.state,
		(SELECT count(*) FROM transfer_plans h WHERE h.transfer_id = t.id AND h.state = 'open'), t.state = 'open' AND t.accept_by <= $1
	FROM transfers t WHERE `

func scanTransfer(row pgx.CollectableRow) (t Transfer, err error) {
	err = row.Scan(&t.ID, &t.Office, &t.ToOffice, &t.ToUser, &t.ProposedBy, &t.ProposedAt, &t.AcceptBy, &t.State, &t.Open, &t.Overdue)
	return t, err
}

// Transfers lists the open acts of handing over that the actor's offices made or
// were offered, oldest first.
func (l *Log) Transfers(ctx context.Context, by Actor, page Page) ([]Transfer, error) {
	if !by.Holds(ListWork) {
		return nil, forbidden("only officers and supervisors list transfers")
	}
	return read(ctx, l, by, func(tx txn) ([]Transfer, error) {
		rows, err := tx.Query(ctx, selectTransfers+`t.state = 'open' AND ($2 OR t.office_id = ANY ($3) OR t.to_office_id = ANY ($3)) AND t.id > $4
			ORDER BY t.id LIMIT $5`, tx.now, by.Kind == System, by.officesFor(ListWork), page.afterOrFirst(), page.Limit)
		if err != nil {
			return nil, fmt.Errorf("list transfers: %w", err)
		}
		return pgx.CollectRows(rows, scanTransfer)
	})
}

// OfferedPlan is what whoever is offered a plan sees before they answer.
type OfferedPlan struct {
	Plan       PlanID        `json:"plan_id"`
	Recipient  RecipientID   `json:"recipient_id"`
	MaskedName string        `json:"masked_name"`
	Address    string        `json:"address"` // as the sender knows it
	Reason     string        `json:"reason"`
	Template   string        `json:"template"`
	State      string        `json:"state"`
	Tier       string        `json:"tier"`
	PaidOn     calendar.Date `json:"paid_on"`
	NextDue    calendar.Date `json:"next_due"` // of its next open check-in
	Members    int           `json:"members"`
	OpenAlerts int           `json:"open_alerts"`

	key crypt.DataKey
}

// OfferedPlans reads the plans that wait in an open act of handing over: who it
// is and why, neither records nor history. Both ends may; the read goes into the audit.
func (l *Log) OfferedPlans(ctx context.Context, by Actor, id TransferID) ([]OfferedPlan, error) {
	return write(ctx, l, by.anew(), func(tx txn) ([]OfferedPlan, error) {
		t, err := readTransfer(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		if !by.may(t.Office, ListWork) && !by.may(t.ToOffice, ListWork) {
			return nil, forbidden("only officers and supervisors of the two offices read an offer")
		}
		tx.audit(by.Office, "transfer_read", anyID(id), fmt.Sprint(t.Open))
		return l.offeredPlans(ctx, tx, id)
	})
}

func (l *Log) offeredPlans(ctx context.Context, tx txn, id TransferID) ([]OfferedPlan, error) {
	rows, err := tx.Query(ctx, `SELECT plan_id, recipient_id, data_key, sealed, reason, template, plan_state, tier, paid_on, next_due, members, open_alerts
		FROM offered_plans($1)`, id)
	if err != nil {
		return nil, fmt.Errorf("read offered plans: %w", err)
	}
	plans, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (OfferedPlan, error) {
		var o OfferedPlan
		var wrapped, sealed, why []byte
		err := row.Scan(&o.Plan, &o.Recipient, &wrapped, &sealed, &why, &o.Template, &o.State, &o.Tier, &o.PaidOn, &o.NextDue, &o.Members, &o.OpenAlerts)
		if err != nil {
			return o, err
		}
		facts, err := l.openRecipient(o.Recipient, wrapped, sealed)
		if err != nil || wrapped == nil {
			return o, err
		}
		o.MaskedName, o.Address = MaskName(facts.Name), facts.Address
		if o.key, err = l.keys.Unwrap(o.Recipient, wrapped); err != nil {
			return o, fmt.Errorf("open the recipient's key: %w", err)
		}
		plain, err := o.key.Open(why, reasonBox(id, o.Plan))
		o.Reason = string(plain)
		return o, err
	})
	if err != nil {
		return nil, fmt.Errorf("read offered plans: %w", err)
	}
	return plans, nil
}

func readTransfer(ctx context.Context, tx txn, id TransferID) (Transfer, error) {
	rows, err := tx.Query(ctx, selectTransfers+"t.id = $2", tx.now, id)
	if err != nil {
		return Transfer{}, fmt.Errorf("read transfer: %w", err)
	}
	t, err := pgx.CollectExactlyOneRow(rows, scanTransfer)
	if none(err) {
		return t, notFound("transfer")
	}
	if err != nil {
		return t, fmt.Errorf("read transfer: %w", err)
	}
	return t, nil
}
