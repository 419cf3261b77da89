package carelog

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
)

// PartnerAgreement is what an office and a partner agreed on (L18, L29). Zero fields: not
// agreed; no measures and no areas: any.
type PartnerAgreement struct {
	Number          string        `json:"number"`
	From            calendar.Date `json:"from"`
	Until           calendar.Date `json:"until"`
	AcknowledgeDays int           `json:"acknowledge_days"` // working days, before the default of 5
	DecideDays      int           `json:"decide_days"`      // before the default of 20
	Measures        []string      `json:"measures" nullable:"false"`
	Areas           []string      `json:"areas" nullable:"false"` // townships
}

// endsSoon is how many days before an agreement ends somebody is told.
const endsSoon = 30

// SetAgreement records what was agreed with a partner. Whoever adds partners of the
// office may.
func (l *Log) SetAgreement(ctx context.Context, by Actor, id PartnerID, a PartnerAgreement) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		office, err := partnerToChange(ctx, tx, id)
		if err != nil {
			return struct{}{}, err
		}
		if err := a.check(); err != nil {
			return struct{}{}, err
		}
		_, err = tx.Exec(ctx, `UPDATE partners SET agreement = $2, agreed_from = $3, agreed_until = $4, acknowledge_days = nullif($5, 0), decide_days = nullif($6, 0),
			measures = $7, areas = $8 WHERE id = $1`, id, strings.TrimSpace(a.Number), a.From, a.Until, a.AcknowledgeDays, a.DecideDays, notNilStrings(a.Measures), notNilStrings(a.Areas))
		if err != nil {
			return struct{}{}, fmt.Errorf("set agreement: %w", err)
		}
		tx.audit(office, "agreement_set", anyID(id), a.Until.String())
		return struct{}{}, l.endTasks(ctx, tx, []string{agreementCause(id)}, "the agreement was renewed")
	})
	return err
}

func (a PartnerAgreement) check() error {
	var p problems
	if len(a.Number) > 100 {
		p.add("number", isTooLong)
	}
	if !a.Until.IsZero() && a.Until.Before(a.From) {
		p.add("until", endsBeforeItBegins)
	}
	for field, days := range map[string]int{"acknowledge_days": a.AcknowledgeDays, "decide_days": a.DecideDays} {
		if days < 0 || days > 250 {
			p.add(field, isOutsideRange)
		}
	}
	for i, m := range a.Measures {
		if !isMeasure(Measure(m)) {
			p.add(fmt.Sprintf("measures[%d]", i), isUnknown)
		}
	}
	for i, area := range a.Areas {
		p.needsText(fmt.Sprintf("areas[%d]", i), area, 100)
	}
	return p.err()
}

func notNilStrings(s []string) []string { return append([]string{}, s...) }

func agreementCause(id PartnerID) string { return "agreement_ending:" + id.String() }

// partnerToChange locks a partner for those who may change it.
func partnerToChange(ctx context.Context, tx txn, id PartnerID) (office OfficeID, err error) {
	err = tx.QueryRow(ctx, "SELECT office_id FROM partners WHERE id = $1 FOR UPDATE", id).Scan(&office)
	if none(err) {
		return office, notFound("partner")
	}
	if err != nil {
		return office, fmt.Errorf("read partner: %w", err)
	}
	if !tx.by.may(office, AddPartnerAct) {
		return office, forbidden("only officers and supervisors of the office add partners")
	}
	return office, nil
}

// PartnerContact is somebody who is asked for at a partner, and for what.
type PartnerContact struct {
	ID    AnyID  `json:"contact_id" format:"uuid"`
	Name  string `json:"name"`
	Phone string `json:"phone"`
	For   string `json:"for"` // what they are asked about
}

// AddPartnerContact adds somebody further to ask at a partner; sealed. Whoever adds
// partners of the office may.
func (l *Log) AddPartnerContact(ctx context.Context, by Actor, id PartnerID, c PartnerContact) (PartnerContact, error) {
	return write(ctx, l, by, func(tx txn) (PartnerContact, error) {
		office, err := partnerToChange(ctx, tx, id)
		if err != nil {
			return c, err
		}
		var p problems
		p.needsText("name", c.Name, 200)
		if len(c.For) > 200 {
			p.add("for", isTooLong)
		}
		phone, _, ok := Phone(c.Phone)
		if !ok {
			p.add("phone", isNotAPhone)
		}
		if err := p.err(); err != nil {
			return c, err
		}
		var wrapped []byte
		if err := tx.QueryRow(ctx, "SELECT data_key FROM partners WHERE id = $1", id).Scan(&wrapped); err != nil {
			return c, fmt.Errorf("read the partner's key: %w", err)
		}
		key, err := l.keys.Unwrap(id, wrapped)
		if err != nil {
			return c, fmt.Errorf("open the partner's key: %w", err)
		}
		c.ID, c.Phone = newID[plainKind](tx.now, l.random), phone
		sealed, err := crypt.SealJSON(key, c, "partner_contacts.sealed/"+c.ID.String())
		if err != nil {
			return c, fmt.Errorf("seal the contact: %w", err)
		}
		if _, err := tx.Exec(ctx, "INSERT INTO partner_contacts (id, partner_id, sealed, created_at) VALUES ($1, $2, $3, $4)", c.ID, id, sealed, tx.now); err != nil {
			return c, fmt.Errorf("add contact: %w", err)
		}
		tx.audit(office, "partner_contact_added", anyID(id), "")
		return c, nil
	})
}

// PartnerFile is a partner with what was agreed and who is asked.
type PartnerFile struct {
	Partner
	Agreement PartnerAgreement `json:"agreement"`
	Contacts  []PartnerContact `json:"contacts" nullable:"false"`
}

// ReadPartner reads one partner. Whoever lists partners of the office may.
func (l *Log) ReadPartner(ctx context.Context, by Actor, id PartnerID) (PartnerFile, error) {
	return read(ctx, l, by, func(tx txn) (PartnerFile, error) {
		f := PartnerFile{Contacts: []PartnerContact{}}
		var office OfficeID
		var wrapped, sealed []byte
		a := &f.Agreement
		err := tx.QueryRow(ctx, `SELECT id, office_id, name, kind, data_key, sealed, agreement, agreed_from, agreed_until, coalesce(acknowledge_days, 0), coalesce(decide_days, 0), measures, areas
			FROM partners WHERE id = $1`, id).Scan(&f.ID, &office, &f.Name, &f.Kind, &wrapped, &sealed, &a.Number, &a.From, &a.Until, &a.AcknowledgeDays, &a.DecideDays, &a.Measures, &a.Areas)
		if none(err) {
			return f, notFound("partner")
		}
		if err != nil {
			return f, fmt.Errorf("read partner: %w", err)
		}
		if !by.may(office, ListPartners) {
			return f, forbidden("only officers, supervisors and system administrators list partners")
		}
		facts, err := l.openPerson(id, wrapped, sealed, "partners.sealed")
		if err != nil {
			return f, err
		}
		f.Contact, f.Phone = facts.Name, facts.Phone
		key, err := l.keys.Unwrap(id, wrapped)
		if err != nil {
			return f, fmt.Errorf("open the partner's key: %w", err)
		}
		rows, err := tx.Query(ctx, "SELECT id, sealed FROM partner_contacts WHERE partner_id = $1 AND ended_at IS NULL ORDER BY id", id)
		if err != nil {
			return f, fmt.Errorf("read contacts: %w", err)
		}
		f.Contacts, err = pgx.AppendRows(f.Contacts, rows, func(row pgx.CollectableRow) (c PartnerContact, err error) {
			var cid anyID
			var sealed []byte
			if err = row.Scan(&cid, &sealed); err != nil {
				return c, err
			}
			return crypt.OpenJSON[PartnerContact](key, sealed, "partner_contacts.sealed/"+cid.String())
		})
		if err != nil {
			return f, fmt.Errorf("read contacts: %w", err)
		}
		return f, nil
	})
}

// watchAgreements tells of agreements that end within thirty days, once each.
func (l *Log) watchAgreements(ctx context.Context, tx txn, limit int) (int, error) {
	rows, err := tx.Query(ctx, `SELECT id, office_id FROM partners p WHERE agreed_until <= $1
		AND NOT EXISTS (SELECT FROM tasks t WHERE t.cause = 'agreement_ending:' || p.id AND (t.state = 'open' OR t.opened_at > $2)) ORDER BY agreed_until, id LIMIT $3`,
		tx.today().AddDays(endsSoon), tx.now.AddDate(0, -6, 0), limit)
	if err != nil {
		return 0, fmt.Errorf("find agreements that end: %w", err)
	}
	type ending struct {
		ID     PartnerID
		Office OfficeID
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[ending])
	if err != nil {
		return 0, fmt.Errorf("find agreements that end: %w", err)
	}
	for _, e := range found {
		err := l.openTask(ctx, tx, newTask{
			kind: "agreement_ending", cause: agreementCause(e.ID), office: e.Office, reason: "an agreement with a partner ends within 30 days, or has ended: renew it",
			actBy: officerWindow.closes(tx.cal(e.Office).AddWorkdays(tx.today(), 10)),
		})
		if err != nil {
			return 0, err
		}
	}
	return len(found), nil
}

// agreedDays are the working days agreed with a partner for its answers, or the default ones.
func agreedDays(ctx context.Context, tx txn, id PartnerID) (acknowledge, decide int, err error) {
	err = tx.QueryRow(ctx, "SELECT coalesce(acknowledge_days, $2), coalesce(decide_days, $3) FROM partners WHERE id = $1", id, acknowledgeWithin, decideWithin).Scan(&acknowledge, &decide)
	if none(err) { // the file moved to an office that does not see the partner
		return acknowledgeWithin, decideWithin, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("read what was agreed: %w", err)
	}
	return acknowledge, max(decide, acknowledge), nil
}
