package carelog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
)

// What somebody was told about the use of their facts, and what they agreed to.
// Both only grow: a consent taken back is a later entry, and the newest of a
// purpose holds. A state organ needs no consent for its statutory duty, but it
// has to inform (PIPL 13(1)(3), 35); what a purpose rests on is data (purposes).

// PrivacyNotice is one time somebody was told. Of a child, the guardian is told.
type PrivacyNotice struct {
	ID         anyID         `json:"notice_id"`
	Version    string        `json:"version"`  // of the sheet
	Channel    string        `json:"channel"`  // in_person, phone, paper, post, online
	GivenTo    string        `json:"given_to"` // self, guardian, relative, agent
	GivenOn    calendar.Date `json:"given_on"` // zero: today
	RecordedBy UserID        `json:"recorded_by"`
	RecordedAt time.Time     `json:"recorded_at"`
}

// Consent is one step about one purpose: given, withdrawn, or a legal duty that a
// supervisor names in its place.
type Consent struct {
	ID         anyID         `json:"consent_id"`
	Purpose    string        `json:"purpose"`
	Step       string        `json:"step"`     // given, withdrawn, legal_duty
	GivenBy    string        `json:"given_by"` // self, guardian, relative, agent; office for a legal duty
	GivenOn    calendar.Date `json:"given_on"` // zero: today
	Evidence   string        `json:"evidence"` // the signed sheet, the call; sealed
	RecordedBy UserID        `json:"recorded_by"`
	RecordedAt time.Time     `json:"recorded_at"`
}

// Grounds is what a file says about notices and consents.
type Grounds struct {
	Notices  []PrivacyNotice `json:"notices"`
	Consents []Consent       `json:"consents"`
}

var (
	noticeChannels  = []string{"in_person", "phone", "paper", "post", "online"}
	consentingParty = []string{"self", "guardian", "relative", "agent"}
)

// guardedAge is the age below which all facts are sensitive and a guardian
// consents (PIPL 28, 31).
const guardedAge = 14

const (
	villageContactPurpose = "village_contact"
	childDataPurpose      = "child_data"
)

// RecordNotice notes that somebody was told. Officers and supervisors of the
// office may.
func (l *Log) RecordNotice(ctx context.Context, by Actor, recipient RecipientID, n PrivacyNotice) (PrivacyNotice, error) {
	return write(ctx, l, by, func(tx txn) (PrivacyNotice, error) {
		if _, err := l.openFile(ctx, tx, recipient, KeepGrounds); err != nil {
			return n, err
		}
		var p problems
		n.GivenOn = checkGivenOn(&p, tx, n.GivenOn)
		if strings.TrimSpace(n.Version) == "" || len(n.Version) > 100 {
			p.add("version", isRequired)
		}
		if !slices.Contains(noticeChannels, n.Channel) {
			p.add("channel", isUnknown)
		}
		if !slices.Contains(consentingParty, n.GivenTo) {
			p.add("given_to", isUnknown)
		}
		if err := p.err(); err != nil {
			return n, err
		}
		n.ID, n.RecordedBy, n.RecordedAt = anyID(newID[plainKind](tx.now, l.random)), tx.by.User, tx.now
		_, err := tx.Exec(ctx, `INSERT INTO privacy_notices (id, recipient_id, version, channel, given_to, given_on, recorded_by, recorded_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, n.ID, recipient, n.Version, n.Channel, n.GivenTo, n.GivenOn, n.RecordedBy, tx.now)
		if err != nil {
			return n, fmt.Errorf("insert notice: %w", err)
		}
		tx.append(happening{recipient: recipient, kind: "notice_given", subject: n.ID, details: map[string]any{
			"version": n.Version, "channel": n.Channel, "given_to": n.GivenTo, "given_on": n.GivenOn,
		}})
		return n, nil
	})
}

func checkGivenOn(p *problems, tx txn, on calendar.Date) calendar.Date {
	if on.IsZero() {
		return tx.today()
	}
	if on.After(tx.today()) {
		p.add("given_on", isInFuture)
	}
	return on
}

// RecordConsent notes a consent, or the legal duty that stands in its place:
// officers and supervisors of the office note the one, supervisors alone the
// other. For somebody under 14 only a guardian consents. The task that asks for a
// guardian's word ends with it.
func (l *Log) RecordConsent(ctx context.Context, by Actor, recipient RecipientID, k Consent) (Consent, error) {
	return write(ctx, l, by, func(tx txn) (Consent, error) {
		file, err := l.openFile(ctx, tx, recipient, KeepGrounds)
		if err != nil {
			return k, err
		}
		if k.Step == "" {
			k.Step = "given"
		}
		if k.Step == "legal_duty" {
			k.GivenBy = "office"
			if !by.may(file.office, NameDuty) {
				return k, forbidden("only a supervisor of the office names the law in place of a consent")
			}
		}
		var p problems
		if k.Step != "given" && k.Step != "legal_duty" {
			p.add("step", isUnknown)
		}
		child := file.facts.BornOn.AddYears(guardedAge).After(tx.today()) && !file.facts.BornOn.IsZero()
		if k.Step == "given" && (child || k.Purpose == childDataPurpose) && k.GivenBy != "guardian" {
			p.add("given_by", needsGuardian)
		}
		if err := k.check(ctx, tx, &p); err != nil {
			return k, err
		}
		if k.Purpose == childDataPurpose {
			if err := l.endTasks(ctx, tx, []string{guardianCause(recipient)}, "the ground for a child's file is recorded"); err != nil {
				return k, err
			}
		}
		return l.keepConsent(ctx, tx, file, k)
	})
}

// WithdrawConsent notes that a consent was taken back. What rests on it alone
// ends: after a word against the village contact the household is barred from the
// village, and the officer phones instead. Officers and supervisors of the office may.
func (l *Log) WithdrawConsent(ctx context.Context, by Actor, recipient RecipientID, k Consent) (Consent, error) {
	return write(ctx, l, by, func(tx txn) (Consent, error) {
		k.Step = "withdrawn"
		var p problems
		if err := k.check(ctx, tx, &p); err != nil {
			return k, err
		}
		if k.Purpose == villageContactPurpose {
			if err := l.barAsAsked(ctx, tx, recipient); err != nil {
				return k, err
			}
		}
		file, err := l.openFile(ctx, tx, recipient, KeepGrounds)
		if err != nil {
			return k, err
		}
		if k, err = l.keepConsent(ctx, tx, file, k); err != nil || k.Purpose != childDataPurpose {
			return k, err
		}
		open, err := l.lockOpenPlan(ctx, tx, recipient)
		if KindOf(err) == Conflict {
			return k, nil
		}
		if err != nil {
			return k, err
		}
		return k, l.askForGuardian(ctx, tx, open)
	})
}

func (k *Consent) check(ctx context.Context, tx txn, p *problems) error {
	var known bool
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM purposes WHERE purpose = $1)", k.Purpose).Scan(&known); err != nil {
		return fmt.Errorf("read purposes: %w", err)
	}
	if !known {
		p.add("purpose", isUnknown)
	}
	if k.GivenBy != "office" && !slices.Contains(consentingParty, k.GivenBy) {
		p.add("given_by", isUnknown)
	}
	if strings.TrimSpace(k.Evidence) == "" {
		p.add("evidence", isRequired)
	}
	checkLengths(p, map[string]string{"evidence": k.Evidence})
	k.GivenOn = checkGivenOn(p, tx, k.GivenOn)
	return p.err()
}

func (l *Log) keepConsent(ctx context.Context, tx txn, file file, k Consent) (Consent, error) {
	k.ID, k.RecordedBy, k.RecordedAt = anyID(newID[plainKind](tx.now, l.random)), tx.by.User, tx.now
	_, err := tx.Exec(ctx, `INSERT INTO consents (id, recipient_id, purpose, step, given_by, given_on, recorded_by, recorded_at, sealed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, k.ID, file.id, k.Purpose, k.Step, k.GivenBy, k.GivenOn, k.RecordedBy, tx.now,
		file.key.Seal([]byte(k.Evidence), "consents.sealed/"+k.ID.String()))
	if err != nil {
		return k, fmt.Errorf("insert consent: %w", err)
	}
	kind := "consent_recorded"
	if k.Step == "withdrawn" {
		kind = "consent_withdrawn"
	}
	tx.append(happening{recipient: file.id, kind: kind, subject: k.ID, details: map[string]any{
		"purpose": k.Purpose, "step": k.Step, "given_by": k.GivenBy, "given_on": k.GivenOn, "evidence": k.Evidence,
	}})
	return k, nil
}

// barAsAsked bars a household from the village because it asked for that.
func (l *Log) barAsAsked(ctx context.Context, tx txn, recipient RecipientID) error {
	p, err := l.lockOpenPlan(ctx, tx, recipient)
	if KindOf(err) == Conflict || err == nil && p.villageBarred {
		return nil // no plan is open, or nobody there is asked anyway
	}
	if err != nil {
		return err
	}
	if !tx.by.may(p.office, KeepGrounds) {
		return forbidden("only officers and supervisors of the office read files")
	}
	if err := l.barVillage(ctx, tx, p, "household_asked"); err != nil {
		return err
	}
	tx.append(happening{recipient: recipient, kind: "village_barred", subject: anyID(p.id), details: map[string]any{
		"bar": "household_asked", "primary_contact_id": p.primary, "backup_contact_id": p.backup,
	}})
	return nil
}

// Grounds reads the notices and consents of a file, newest first. Officers and
// supervisors of its office may; the read is audited.
func (l *Log) Grounds(ctx context.Context, by Actor, recipient RecipientID) (Grounds, error) {
	return write(ctx, l, by.anew(), func(tx txn) (Grounds, error) {
		file, err := l.openFile(ctx, tx, recipient, ReadFile)
		if err != nil {
			return Grounds{}, err
		}
		tx.audit(file.office, "grounds_read", anyID(recipient), "")
		return readGrounds(ctx, tx, file)
	})
}

func readGrounds(ctx context.Context, tx txn, file file) (g Grounds, err error) {
	rows, err := tx.Query(ctx, `SELECT id, version, channel, given_to, given_on, recorded_by, recorded_at FROM privacy_notices
		WHERE recipient_id = $1 ORDER BY given_on DESC, id DESC LIMIT $2`, file.id, mostShown)
	if err != nil {
		return g, fmt.Errorf("read notices: %w", err)
	}
	g.Notices, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (n PrivacyNotice, err error) {
		err = row.Scan(&n.ID, &n.Version, &n.Channel, &n.GivenTo, &n.GivenOn, &n.RecordedBy, &n.RecordedAt)
		return n, err
	})
	if err != nil {
		return g, fmt.Errorf("read notices: %w", err)
	}
	rows, err = tx.Query(ctx, `SELECT id, purpose, step, given_by, given_on, recorded_by, recorded_at, sealed FROM consents
		WHERE recipient_id = $1 ORDER BY recorded_at DESC, id DESC LIMIT $2`, file.id, mostShown)
	if err != nil {
		return g, fmt.Errorf("read consents: %w", err)
	}
	g.Consents, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (k Consent, err error) {
		var sealed []byte
		if err = row.Scan(&k.ID, &k.Purpose, &k.Step, &k.GivenBy, &k.GivenOn, &k.RecordedBy, &k.RecordedAt, &sealed); err != nil {
			return k, err
		}
		evidence, err := file.key.Open(sealed, "consents.sealed/"+k.ID.String())
		k.Evidence = string(evidence)
		return k, err
	})
	if err != nil {
		return g, fmt.Errorf("read consents: %w", err)
	}
	return g, nil
}

func guardianCause(recipient RecipientID) string { return "guardian_basis:" + recipient.String() }

// askForGuardian asks a supervisor for the ground of a file of somebody under 14:
// the guardian's consent, or the legal duty in its place (PIPL 31). It is asked
// for when the plan starts, and stops nothing: a child that nobody looks after
// until a sheet is signed would break P1.
func (l *Log) askForGuardian(ctx context.Context, tx txn, p plan) error {
	household, err := l.openHousehold(ctx, tx, p.recipient)
	if err != nil {
		return err
	}
	if len(household) == 0 || household[0].BornOn.IsZero() || !household[0].BornOn.AddYears(guardedAge).After(tx.today()) {
		return nil
	}
	var has bool
	err = tx.QueryRow(ctx, `SELECT coalesce((SELECT step <> 'withdrawn' FROM consents WHERE recipient_id = $1 AND purpose = $2 ORDER BY recorded_at DESC, id DESC LIMIT 1), false)`,
		p.recipient, childDataPurpose).Scan(&has)
	if err != nil {
		return fmt.Errorf("look for a guardian's consent: %w", err)
	}
	if has {
		return nil
	}
	return l.openTask(ctx, tx, newTask{
		kind: "guardian_basis_missing", cause: guardianCause(p.recipient), office: p.office, recipient: p.recipient, plan: p.id,
		reason: "the recipient is under 14: record the guardian's consent, or as a supervisor the legal duty in its place",
		actBy:  officerWindow.closes(tx.cal(p.office).AddWorkdays(tx.today(), guardianWithin)),
	})
}

// guardianWithin is how many working days the ground of a child's file may be missing.
const guardianWithin = 5
