package carelog

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// What was told of a file, to whom, on what ground and after which notice. A row
// is written in the transaction that learns that it left: a text to a village
// contact that the carrier took, or may have taken; a referral that was sent; a
// file handed to its own person. It is never changed (Network Data Regulation
// art. 12: kept three years at least).

// Disclosure is one time that facts of a file were told to somebody outside.
type Disclosure struct {
	Channel  string    `json:"channel"` // sms, referral, export, paper
	Subject  anyID     `json:"subject_id"`
	At       time.Time `json:"at"`
	Told     string    `json:"told"`    // contact, partner, self, guardian, relative, agent, authority, other
	ToldID   anyID     `json:"told_id"` // the contact or partner
	ToldName string    `json:"told_name,omitempty"`
	Purpose  string    `json:"purpose"`
	Fields   []string  `json:"fields"`
	Basis    string    `json:"basis"` // legal_duty, consent, guardian_consent, vital_interest
	Notice   anyID     `json:"notice_id"`
	Office   OfficeID  `json:"office_id"` // that told it
}

// The facts of a household that a text to its village contact can carry: what the
// wordings of a request, and of the confirmation of a visit, have placeholders for.
var (
	disclosedByRequest      = []string{"household_alias", "task_code", "due_date"}
	disclosedByConfirmation = []string{"household_alias", "task_code", "visit_date"}
)

// basisOf is what telling facts of recipient r for a purpose rests on now: the
// consent that holds, where there is one, else what the purpose rests on.
const basisOf = `coalesce((SELECT CASE WHEN k.step = 'given' THEN CASE k.given_by WHEN 'guardian' THEN 'guardian_consent' ELSE 'consent' END
		WHEN k.step = 'legal_duty' THEN 'legal_duty' END
		FROM consents k WHERE k.recipient_id = %[1]s AND k.purpose = %[2]s ORDER BY k.recorded_at DESC, k.id DESC LIMIT 1),
	(SELECT g.basis FROM purposes g WHERE g.purpose = %[2]s ORDER BY g.version DESC LIMIT 1))`

// noticeOf is the notice that was given last about recipient r.
const noticeOf = `(SELECT n.id FROM privacy_notices n WHERE n.recipient_id = %s ORDER BY n.given_on DESC, n.id DESC LIMIT 1)`

var insertTextDisclosures = `INSERT INTO disclosures (channel, subject_id, recipient_id, by_office_id, at, told, told_id, purpose, fields, basis, notice_id)
	SELECT 'sms', m.id, m.recipient_id, m.office_id, $2, 'contact', m.contact_id, 'village_contact',
		CASE m.purpose WHEN 'visit_confirmation' THEN $4::text[] ELSE $3::text[] END,
		` + fmt.Sprintf(basisOf, "m.recipient_id", "'village_contact'") + `, ` + fmt.Sprintf(noticeOf, "m.recipient_id") + `
	FROM messages m WHERE m.id = ANY ($1) AND m.contact_id IS NOT NULL AND m.recipient_id IS NOT NULL
	ON CONFLICT DO NOTHING`

// discloseTexts records what texts told village contacts, all of a batch at once
// and each message once. Those of a bundle are rows of their own: one a household.
func discloseTexts(ctx context.Context, tx txn, ids []MessageID) error {
	if _, err := tx.Exec(ctx, insertTextDisclosures, ids, tx.now, disclosedByRequest, disclosedByConfirmation); err != nil {
		return fmt.Errorf("record disclosures: %w", err)
	}
	return nil
}

// newDisclosure is what one person told or handed over.
type newDisclosure struct {
	channel   string
	subject   anyID
	recipient RecipientID
	office    OfficeID
	at        time.Time
	told      string
	toldID    anyID
	purpose   string
	fields    []string
	basis     string // empty: what the purpose rests on
}

var insertDisclosure = `INSERT INTO disclosures (channel, subject_id, recipient_id, by_office_id, at, told, told_id, purpose, fields, basis, notice_id)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, coalesce(nullif($10, ''), ` + fmt.Sprintf(basisOf, "$3", "$8") + `), ` + fmt.Sprintf(noticeOf, "$3") + `)
	ON CONFLICT DO NOTHING`

func disclose(ctx context.Context, tx txn, d newDisclosure) error {
	_, err := tx.Exec(ctx, insertDisclosure, d.channel, d.subject, d.recipient, d.office, d.at, d.told, d.toldID, d.purpose, d.fields, d.basis)
	if err != nil {
		return fmt.Errorf("record disclosure: %w", err)
	}
	return nil
}

// disclosedTo are those outside that a person can have told something.
var disclosedTo = []string{"self", "guardian", "relative", "agent", "authority", "other"}

// PaperDisclosure is what was told outside the service: on paper, by word of mouth.
type PaperDisclosure struct {
	Told   string    `json:"told"`
	Fields []string  `json:"fields"`
	Basis  string    `json:"basis"`
	At     time.Time `json:"at"`   // zero: now
	Note   string    `json:"note"` // to whom by name, and the document; sealed in the history
}

// RecordDisclosure notes that facts of a file were told outside the service.
// Officers and supervisors of its office may.
func (l *Log) RecordDisclosure(ctx context.Context, by Actor, recipient RecipientID, d PaperDisclosure) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		file, err := l.openFile(ctx, tx, recipient, KeepGrounds)
		if err != nil {
			return struct{}{}, err
		}
		d.At = orNow(d.At, tx.now)
		if err := d.check(tx); err != nil {
			return struct{}{}, err
		}
		id := newID[plainKind](tx.now, l.random)
		tx.append(happening{recipient: recipient, kind: "facts_disclosed", at: d.At, subject: anyID(id), details: dropEmpty(map[string]any{
			"told": d.Told, "fields": d.Fields, "basis": d.Basis, "note": d.Note,
		})})
		return struct{}{}, disclose(ctx, tx, newDisclosure{
			channel: "paper", subject: anyID(id), recipient: recipient, office: file.office, at: d.At, told: d.Told, purpose: "follow_up", fields: d.Fields, basis: d.Basis,
		})
	})
	return err
}

func (d PaperDisclosure) check(tx txn) error {
	var p problems
	if !slices.Contains(disclosedTo, d.Told) {
		p.add("told", isUnknown)
	}
	if !slices.Contains(disclosureGrounds, d.Basis) {
		p.add("basis", isUnknown)
	}
	checkDisclosed(&p, "fields", d.Fields)
	checkMoment(&p, tx, "at", d.At)
	checkLengths(&p, map[string]string{"note": d.Note})
	return p.err()
}

func checkDisclosed(p *problems, field string, facts []string) {
	if len(facts) == 0 {
		p.add(field, isRequired)
	}
	for i, fact := range facts {
		if !slices.Contains(disclosable, fact) {
			p.add(fmt.Sprintf("%s[%d]", field, i), isUnknown)
		}
	}
}

// Disclosures lists to whom what of a file was told, newest first, an erased
// file's too. Officers and supervisors of its office may; the read is audited.
func (l *Log) Disclosures(ctx context.Context, by Actor, recipient RecipientID) ([]Disclosure, error) {
	return write(ctx, l, by.anew(), func(tx txn) ([]Disclosure, error) {
		office, err := fileOffice(ctx, tx, recipient, ReadFile)
		if err != nil {
			return nil, err
		}
		tx.audit(office, "disclosures_read", anyID(recipient), "")
		return l.disclosures(ctx, tx, recipient)
	})
}

func (l *Log) disclosures(ctx context.Context, tx txn, recipient RecipientID) ([]Disclosure, error) {
	rows, err := tx.Query(ctx, `SELECT d.channel, d.subject_id, d.at, d.told, d.told_id, coalesce(p.name, ''), d.purpose, d.fields, d.basis, d.notice_id, d.by_office_id
		FROM disclosures d LEFT JOIN partners p ON p.id = d.told_id AND d.told = 'partner'
		WHERE d.recipient_id = $1 ORDER BY d.at DESC, d.subject_id DESC LIMIT $2`, recipient, mostDisclosures)
	if err != nil {
		return nil, fmt.Errorf("list disclosures: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Disclosure, err error) {
		err = row.Scan(&d.Channel, &d.Subject, &d.At, &d.Told, &d.ToldID, &d.ToldName, &d.Purpose, &d.Fields, &d.Basis, &d.Notice, &d.Office)
		return d, err
	})
}

// mostDisclosures bounds the list of one file: ten years of a text a day.
const mostDisclosures = 4000

// fileOffice is whose a file is, for those who may do the act though they open
// nothing: an erased or restricted file's too. Out of scope and not there are the
// same answer.
func fileOffice(ctx context.Context, tx txn, recipient RecipientID, does Act) (OfficeID, error) {
	var office OfficeID
	err := tx.QueryRow(ctx, "SELECT office_id FROM recipients WHERE id = $1", recipient).Scan(&office)
	if none(err) {
		return office, notFound("recipient")
	}
	if err != nil {
		return office, fmt.Errorf("read recipient: %w", err)
	}
	if !tx.by.may(office, does) {
		return office, forbidden("only officers and supervisors of the office read files")
	}
	return office, nil
}
