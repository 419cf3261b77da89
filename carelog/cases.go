package carelog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
)

// The aid case file (一案一档) in five steps (L28): clue, verification, approval,
// payment, follow-up. What was done is added and never changed; how far the case is,
// what is missing to go on, and what is late follow from it. Step five is the care
// plan of whoever was aided.

// AidCase is one case file as lists show it.
type AidCase struct {
	ID          CaseID        `json:"case_id"`
	Office      OfficeID      `json:"office_id"`
	Number      string        `json:"number"`
	Origin      string        `json:"origin"`
	CaseStage   string        `json:"case_stage"`
	FromPartner PartnerID     `json:"from_partner_id"`
	Persons     int           `json:"persons"` // to be aided, as far as known; 81 people are one case
	Urgent      bool          `json:"urgent"`  // paid first, completed later
	State       string        `json:"state"`   // open, approved, paid, refused
	OpenedOn    calendar.Date `json:"opened_on"`
	InDebt      bool          `json:"in_debt"` // paid, and not approved yet
	Late        int           `json:"late"`    // clocks past their day
}

// CaseFile is one case as whoever works on it reads it.
type CaseFile struct {
	AidCase
	Subject      string           `json:"subject"`       // what it is about; sealed
	OriginalCase string           `json:"original_case"` // its number; sealed
	Steps        []CaseStep       `json:"steps" nullable:"false"`
	Missing      []Missing        `json:"missing" nullable:"false"`
	Clocks       []CaseClock      `json:"clocks" nullable:"false"`
	Entries      []CaseEntry      `json:"entries" nullable:"false"`
	Conditions   []ConditionCheck `json:"conditions" nullable:"false"`
	Recipients   []CaseRecipient  `json:"recipients" nullable:"false"`
	Clues        []ClueID         `json:"clues" nullable:"false"`
}

// CaseStep is one of the five, done or not.
type CaseStep struct {
	Step   string        `json:"step"` // clue, verification, approval, payment, follow_up
	DoneOn calendar.Date `json:"done_on"`
}

// CaseRecipient is somebody aided in the case, and how far the plan is.
type CaseRecipient struct {
	Recipient  RecipientID `json:"recipient_id"`
	MaskedName string      `json:"masked_name"`
	TotalFen   int64       `json:"total_fen"`
	PlanState  string      `json:"plan_state"`
}

// CaseEntry is one thing that was done.
type CaseEntry struct {
	ID         anyID         `json:"entry_id" format:"uuid"`
	Kind       string        `json:"kind"`
	DoneOn     calendar.Date `json:"done_on"`
	Number     string        `json:"number"` // of the document; names nobody
	FileHash   string        `json:"file_hash" doc:"SHA-256 of a document kept elsewhere, in hex"`
	File       anyID         `json:"file_id" format:"uuid"`
	CaseStage  string        `json:"case_stage"`
	Note       string        `json:"note"` // sealed
	RecordedBy UserID        `json:"recorded_by"`
	RecordedAt time.Time     `json:"recorded_at"`
}

type caseFacts struct {
	Subject      string `json:"subject"`
	OriginalCase string `json:"original_case,omitempty"`
}

// NewCase is what a case file begins with.
type NewCase struct {
	Clue         ClueID
	Number       string
	OriginalCase string        // the original case's number; sealed
	OpenedOn     calendar.Date // zero: today; earlier for what began before it was recorded here
}

// OpenCase opens a case file from a clue that was taken over: the clock to decide
// starts. Officers and supervisors of the office may. Conflict where the clue is
// not accepted, or the number is taken.
func (l *Log) OpenCase(ctx context.Context, by Actor, n NewCase) (CaseFile, error) {
	return write(ctx, l, by, func(tx txn) (CaseFile, error) {
		clue, _, err := l.lockClue(ctx, tx, n.Clue)
		if err != nil {
			return CaseFile{}, err
		}
		n.Number = strings.TrimSpace(n.Number)
		var p problems
		p.needsText("number", n.Number, 100)
		if validIDNumber(strings.ToUpper(n.Number)) {
			p.add("number", isAnIDNumber)
		}
		switch {
		case n.OpenedOn.IsZero():
			n.OpenedOn = tx.today()
		case n.OpenedOn.After(tx.today()):
			p.add("opened_on", isInFuture)
		case n.OpenedOn.Before(clue.ReceivedOn):
			p.add("opened_on", endsBeforeItBegins)
		}
		if len(n.OriginalCase) > 200 {
			p.add("original_case", isTooLong)
		}
		if err := p.err(); err != nil {
			return CaseFile{}, err
		}
		if clue.State != "accepted" {
			return CaseFile{}, conflict("a case is opened from a clue that was taken over and is not used yet")
		}
		c := CaseFile{AidCase: AidCase{
			ID: newID[caseKind](tx.now, l.random), Office: clue.Office, Number: n.Number, Origin: clue.Origin, CaseStage: clue.CaseStage,
			FromPartner: clue.FromPartner, Persons: clue.Persons, State: "open", OpenedOn: n.OpenedOn,
		}}
		key, wrapped, err := l.keys.NewDataKey(l.random, c.ID)
		if err != nil {
			return c, fmt.Errorf("make the case's key: %w", err)
		}
		sealed, err := crypt.SealJSON(key, caseFacts{Subject: clue.Subject, OriginalCase: strings.TrimSpace(n.OriginalCase)}, "aid_cases.sealed")
		if err != nil {
			return c, fmt.Errorf("seal the case: %w", err)
		}
		_, err = tx.Exec(ctx, `INSERT INTO aid_cases (id, office_id, number, origin, case_stage, from_partner, persons, opened_on, data_key, sealed, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, c.ID, c.Office, c.Number, c.Origin, c.CaseStage, c.FromPartner, c.Persons, c.OpenedOn, wrapped, sealed, tx.now)
		if err != nil {
			return c, fmt.Errorf("open case: %w", err)
		}
		if _, err := tx.Exec(ctx, "UPDATE clues SET state = 'opened', case_id = $2 WHERE id = $1", clue.ID, c.ID); err != nil {
			return c, fmt.Errorf("open case: %w", err)
		}
		if err := l.startClock(ctx, tx, c.AidCase, "decide", n.OpenedOn); err != nil {
			return c, err
		}
		if err := l.addEntry(ctx, tx, c.AidCase, key, CaseEntry{Kind: "opened", DoneOn: n.OpenedOn, Number: clue.Number}); err != nil {
			return c, err
		}
		return l.caseFile(ctx, tx, c.ID, KeepCases)
	})
}

// entryKinds are what a person adds; the others follow from verbs of their own.
var entryKinds = []string{
	"evidence", "home_visit", "village_heard", "review_report", "sent_for_approval", "approved", "refused", "documents_served",
	"funds_arrived", "paid", "notified", "partner_told", "stage_changed", "paid_first", "note",
}

// AddCaseEntry adds what was done. Officers and supervisors of the office may; that
// is paid before it is approved, a supervisor alone decides, with the reason. Refused
// as a Conflict that names what is missing first: an approval without both a home
// visit and the village's word (L21, L32), a payment without an approval.
func (l *Log) AddCaseEntry(ctx context.Context, by Actor, id CaseID, e CaseEntry) (CaseFile, error) {
	return write(ctx, l, by, func(tx txn) (CaseFile, error) {
		c, key, err := l.lockCase(ctx, tx, id)
		if err != nil {
			return CaseFile{}, err
		}
		if err := e.check(tx, c); err != nil {
			return CaseFile{}, err
		}
		if !e.File.IsZero() {
			var known bool
			if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM case_files WHERE id = $1 AND case_id = $2)", e.File, id).Scan(&known); err != nil {
				return CaseFile{}, fmt.Errorf("read case file: %w", err)
			}
			if !known {
				return CaseFile{}, invalid("file_id", isNoCaseFile)
			}
		}
		before, err := l.caseFile(ctx, tx, id, KeepCases)
		if err != nil {
			return before, err
		}
		if err := e.allowed(tx, before); err != nil {
			return before, err
		}
		if err := l.follow(ctx, tx, c, e); err != nil {
			return before, err
		}
		if err := l.addEntry(ctx, tx, c, key, e); err != nil {
			return before, err
		}
		return l.caseFile(ctx, tx, id, KeepCases)
	})
}

func (e *CaseEntry) check(tx txn, c AidCase) error {
	var p problems
	e.Number, e.Note = strings.TrimSpace(e.Number), strings.TrimSpace(e.Note)
	if !slices.Contains(entryKinds, e.Kind) {
		p.add("kind", isUnknown)
	}
	switch {
	case e.DoneOn.IsZero():
		p.add("done_on", isRequired)
	case e.DoneOn.After(tx.today()):
		p.add("done_on", isInFuture)
	case e.DoneOn.Before(c.OpenedOn.AddYears(-2)):
		p.add("done_on", isTooOld)
	}
	if len(e.Number) > 100 {
		p.add("number", isTooLong)
	}
	if validIDNumber(strings.ToUpper(e.Number)) {
		p.add("number", isAnIDNumber)
	}
	if len(e.Note) > 4000 {
		p.add("note", isTooLong)
	}
	if sum, err := hex.DecodeString(e.FileHash); err != nil || e.FileHash != "" && len(sum) != sha256.Size {
		p.add("file_hash", isNoHash)
	}
	if (e.Kind == "stage_changed") != (e.CaseStage != "") || e.CaseStage != "" && !slices.Contains(caseStages, e.CaseStage) {
		p.add("case_stage", isUnknown)
	}
	switch e.Kind {
	case "review_report":
		if e.FileHash == "" && e.File.IsZero() {
			p.add("file_hash", isRequired)
		}
		p.needsText("number", e.Number, 100)
	case "approved", "refused", "sent_for_approval":
		p.needsText("number", e.Number, 100)
	case "paid_first", "note", "home_visit", "village_heard":
		p.needsText("note", e.Note, 4000)
	}
	return p.err()
}

// allowed refuses a step before what it rests on.
func (e *CaseEntry) allowed(tx txn, c CaseFile) error {
	if e.Kind == "paid_first" && (!tx.by.may(c.Office, PayFirst) || tx.by.Kind == Program) {
		return forbidden("a supervisor of the office decides that money is paid before the approval")
	}
	done := func(kind string) bool {
		return slices.ContainsFunc(c.Entries, func(d CaseEntry) bool { return d.Kind == kind })
	}
	if e.Kind == "approved" || e.Kind == "refused" {
		if c.State == "refused" || done("approved") {
			return conflict("the case was decided already")
		}
	}
	needs := map[string][]string{
		"sent_for_approval": {"verification"}, "approved": {"verification", "sent"}, "refused": {}, "paid": {"verification", "sent", "approval"},
		"documents_served": {"approval"}, "notified": {"approval"}, "funds_arrived": {"approval"},
	}[e.Kind]
	if c.Urgent && e.Kind != "approved" && e.Kind != "sent_for_approval" {
		needs = nil
	}
	var first []string
	for _, m := range c.Missing {
		if slices.Contains(needs, m.stage()) {
			first = append(first, m.Code)
		}
	}
	if len(first) > 0 {
		return conflict("something is missing first: %s", strings.Join(first, ", "))
	}
	return nil
}

// follow moves the case's state and clocks as an entry asks.
func (l *Log) follow(ctx context.Context, tx txn, c AidCase, e CaseEntry) (err error) {
	set := func(sql string, args ...any) {
		if err == nil {
			_, err = tx.Exec(ctx, "UPDATE aid_cases SET "+sql+" WHERE id = $1", append([]any{c.ID}, args...)...)
		}
	}
	meet := func(kind string) {
		if err == nil {
			_, err = tx.Exec(ctx, "UPDATE case_clocks SET met_on = $3 WHERE case_id = $1 AND kind = $2 AND met_on IS NULL", c.ID, kind, e.DoneOn)
		}
		if err == nil {
			err = l.endTasks(ctx, tx, []string{clockCause(c.ID, kind)}, "the case went on")
		}
	}
	start := func(kind string) {
		if err == nil {
			err = l.startClock(ctx, tx, c, kind, e.DoneOn)
		}
	}
	switch e.Kind {
	case "approved":
		if c.State == "open" {
			set("state = 'approved'")
			start("notify")
		}
		meet("decide")
		meet("complete")
	case "refused":
		set("state = 'refused'")
		meet("decide")
		meet("complete")
		start("notify")
		if !c.FromPartner.IsZero() {
			start("tell_partner")
		}
	case "paid_first":
		set("urgent = true")
	case "funds_arrived":
		start("notify")
	case "paid":
		set("state = 'paid'")
		start("activate")
		if c.State == "open" {
			start("complete")
		}
		if !c.FromPartner.IsZero() {
			start("tell_partner")
		}
	case "notified":
		meet("notify")
	case "partner_told":
		meet("tell_partner")
	case "stage_changed":
		set("case_stage = $2", e.CaseStage)
	}
	if err != nil {
		return fmt.Errorf("move the case on: %w", err)
	}
	return nil
}

// addEntry adds an entry, with its digest in the audit's chain and its kind in the
// history of everybody who was aided in the case.
func (l *Log) addEntry(ctx context.Context, tx txn, c AidCase, key crypt.DataKey, e CaseEntry) error {
	e.ID = anyID(newID[plainKind](tx.now, l.random))
	var sealed, hash []byte
	if e.Note != "" {
		sealed = key.Seal([]byte(e.Note), "case_entries.sealed/"+e.ID.String())
	}
	if e.FileHash != "" {
		hash, _ = hex.DecodeString(e.FileHash) // checked
	}
	_, err := tx.Exec(ctx, `INSERT INTO case_entries (id, case_id, kind, done_on, number, file_hash, file_id, case_stage, sealed, recorded_by, recorded_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, e.ID, c.ID, e.Kind, e.DoneOn, e.Number, hash, e.File, e.CaseStage, sealed, tx.by.User, tx.now)
	if err != nil {
		return fmt.Errorf("add case entry: %w", err)
	}
	tx.audit(c.Office, "case_"+e.Kind, anyID(c.ID), fmt.Sprintf("%s %s", e.DoneOn, sealedDigest([]byte(e.Number), hash, sealed)))
	aided, err := recipientsOf(ctx, tx, c.ID)
	if err != nil {
		return err
	}
	for _, r := range aided {
		tx.append(happening{recipient: r, kind: "case_moved", subject: anyID(c.ID), details: dropEmpty(map[string]any{
			"case_step": e.Kind, "on": e.DoneOn, "number": e.Number, "case_stage": e.CaseStage,
		})})
	}
	return nil
}

// sealedDigest ties what the audit says to the row it speaks of.
func sealedDigest(parts ...[]byte) string {
	sum := sha256.Sum256(bytes.Join(parts, []byte{0}))
	return "sha256:" + hex.EncodeToString(sum[:16])
}

func recipientsOf(ctx context.Context, tx txn, id CaseID) ([]RecipientID, error) {
	rows, err := tx.Query(ctx, "SELECT DISTINCT a.recipient_id FROM aid_awards a JOIN recipients r ON r.id = a.recipient_id WHERE a.case_id = $1 AND r.erased_at IS NULL ORDER BY 1", id)
	if err != nil {
		return nil, fmt.Errorf("read the case's people: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[RecipientID])
}

// joined notes in a case that somebody was enrolled in it.
func (l *Log) joined(ctx context.Context, tx txn, id CaseID) error {
	if id.IsZero() {
		return nil
	}
	c, key, _, err := l.openCase(ctx, tx, id, Enrol)
	if err != nil {
		return err
	}
	return l.addEntry(ctx, tx, c, key, CaseEntry{Kind: "person_joined", DoneOn: tx.today()})
}

// JoinCase puts a recipient's award into a case: who was enrolled before or by a
// ledger. Officers and supervisors of the office may. Conflict where the award is in a
// case already.
func (l *Log) JoinCase(ctx context.Context, by Actor, id CaseID, recipient RecipientID) (CaseFile, error) {
	return write(ctx, l, by, func(tx txn) (CaseFile, error) {
		c, key, err := l.lockCase(ctx, tx, id)
		if err != nil {
			return CaseFile{}, err
		}
		file, err := l.openFile(ctx, tx, recipient, KeepCases)
		if err != nil {
			return CaseFile{}, err
		}
		if file.office != c.Office {
			return CaseFile{}, invalid("recipient_id", isOfAnotherOffice)
		}
		tag, err := tx.Exec(ctx, "UPDATE aid_awards SET case_id = $1 WHERE recipient_id = $2 AND case_id IS NULL", id, recipient)
		if err != nil {
			return CaseFile{}, fmt.Errorf("join case: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return CaseFile{}, conflict("the award is in a case already")
		}
		if err := l.addEntry(ctx, tx, c, key, CaseEntry{Kind: "person_joined", DoneOn: tx.today()}); err != nil {
			return CaseFile{}, err
		}
		return l.caseFile(ctx, tx, id, KeepCases)
	})
}
