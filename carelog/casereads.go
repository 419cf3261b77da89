package carelog

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
)

// Missing is what a case needs to go on, as a code and a sentence.
type Missing struct {
	Code    string `json:"code"`
	Step    string `json:"step"`
	Chinese string `json:"chinese"`
}

// stage groups what is missing by what rests on it.
func (m Missing) stage() string {
	if m.Code == "not_sent_for_approval" {
		return "sent"
	}
	return m.Step
}

// missingSentences are said to whoever reads the case.
var missingSentences = map[string]string{
	"no_home_visit":         "尚未入户走访",
	"no_village_word":       "尚未听取村（居）委会意见",
	"no_review_report":      "尚无书面审查报告的编号和文件校验值",
	"conditions_open":       "救助条件尚未逐项核实",
	"not_sent_for_approval": "尚未报请审批",
	"not_approved":          "尚无审批决定",
	"not_paid":              "尚未发放",
	"not_notified":          "尚未告知被救助人",
	"partner_not_told":      "尚未向移送单位反馈",
	"nobody_joined":         "尚未登记被救助人",
	"no_plan":               "尚有被救助人没有启动回访方案",
}

const selectCases = `SELECT c.id, c.office_id, c.number, c.origin, c.case_stage, c.from_partner, c.persons, c.urgent, c.state, c.opened_on,
	c.state = 'paid' AND NOT EXISTS (SELECT FROM case_entries e WHERE e.case_id = c.id AND e.kind = 'approved'),
	(SELECT count(*) FROM case_clocks k WHERE k.case_id = c.id AND k.met_on IS NULL AND k.due_on < $1) FROM aid_cases c WHERE `

func scanCase(row pgx.CollectableRow) (c AidCase, err error) {
	err = row.Scan(&c.ID, &c.Office, &c.Number, &c.Origin, &c.CaseStage, &c.FromPartner, &c.Persons, &c.Urgent, &c.State, &c.OpenedOn, &c.InDebt, &c.Late)
	return c, err
}

// CaseFilter chooses cases.
type CaseFilter struct {
	State  string // open, approved, paid, refused; debt: paid and not approved; empty: all
	Late   bool   // only those with a clock past its day
	Number string // exactly; empty: all
	Page   Page
}

// Cases lists the cases of the actor's offices in the order they were opened.
func (l *Log) Cases(ctx context.Context, by Actor, f CaseFilter) ([]AidCase, error) {
	if !by.Holds(SeeCases) {
		return nil, forbidden("only officers and supervisors work with cases")
	}
	return read(ctx, l, by, func(tx txn) ([]AidCase, error) {
		rows, err := tx.Query(ctx, "SELECT * FROM ("+selectCases+`($2 OR c.office_id = ANY ($3)) AND c.id > $4) AS c
				(id, office_id, number, origin, case_stage, from_partner, persons, urgent, state, opened_on, in_debt, late)
			WHERE ($5 = '' OR state = $5 OR $5 = 'debt' AND in_debt) AND (NOT $6 OR late > 0) AND ($7 = '' OR number = $7) ORDER BY id LIMIT $8`,
			tx.today(), by.Kind == System, by.officesFor(SeeCases), f.Page.afterOrFirst(), f.State, f.Late, f.Number, f.Page.Limit)
		if err != nil {
			return nil, fmt.Errorf("list cases: %w", err)
		}
		return pgx.CollectRows(rows, scanCase)
	})
}

// ReadCase reads a case file. Officers and supervisors of its office may; it is audited.
func (l *Log) ReadCase(ctx context.Context, by Actor, id CaseID) (CaseFile, error) {
	return read(ctx, l, by, func(tx txn) (CaseFile, error) {
		c, err := l.caseFile(ctx, tx, id, SeeCases)
		if err == nil {
			tx.audit(c.Office, "case_read", anyID(id), "")
		}
		return c, err
	})
}

func (l *Log) lockCase(ctx context.Context, tx txn, id CaseID) (AidCase, crypt.DataKey, error) {
	if _, err := tx.Exec(ctx, "SELECT FROM aid_cases WHERE id = $1 FOR UPDATE", id); err != nil {
		return AidCase{}, crypt.DataKey{}, fmt.Errorf("lock case: %w", err)
	}
	c, key, _, err := l.openCase(ctx, tx, id, KeepCases)
	return c, key, err
}

func (l *Log) openCase(ctx context.Context, tx txn, id CaseID, act Act) (c AidCase, key crypt.DataKey, facts caseFacts, err error) {
	rows, err := tx.Query(ctx, selectCases+"c.id = $2", tx.today(), id)
	if err != nil {
		return c, key, facts, fmt.Errorf("read case: %w", err)
	}
	c, err = pgx.CollectExactlyOneRow(rows, scanCase)
	if none(err) {
		return c, key, facts, notFound("case")
	}
	if err != nil {
		return c, key, facts, fmt.Errorf("read case: %w", err)
	}
	if !tx.by.may(c.Office, act) {
		return c, key, facts, forbidden("only officers and supervisors of the office work with cases")
	}
	var wrapped, sealed []byte
	if err := tx.QueryRow(ctx, "SELECT data_key, sealed FROM aid_cases WHERE id = $1", id).Scan(&wrapped, &sealed); err != nil {
		return c, key, facts, fmt.Errorf("read case: %w", err)
	}
	if wrapped == nil {
		return c, key, facts, errErased
	}
	if key, err = l.keys.Unwrap(id, wrapped); err != nil {
		return c, key, facts, fmt.Errorf("open the case's key: %w", err)
	}
	if facts, err = crypt.OpenJSON[caseFacts](key, sealed, "aid_cases.sealed"); err != nil {
		return c, key, facts, fmt.Errorf("open the case: %w", err)
	}
	return c, key, facts, nil
}

// caseFile reads all of a case.
func (l *Log) caseFile(ctx context.Context, tx txn, id CaseID, act Act) (f CaseFile, err error) {
	c, key, facts, err := l.openCase(ctx, tx, id, act)
	if err != nil {
		return f, err
	}
	f = CaseFile{AidCase: c, Subject: facts.Subject, OriginalCase: facts.OriginalCase}
	if f.Entries, err = entriesOf(ctx, tx, id, key); err != nil {
		return f, err
	}
	if f.Clocks, err = clocksOf(ctx, tx, id); err != nil {
		return f, err
	}
	rows, err := tx.Query(ctx, "SELECT id FROM clues WHERE case_id = $1 OR into_clue IN (SELECT id FROM clues WHERE case_id = $1) ORDER BY id", id)
	if err != nil {
		return f, fmt.Errorf("read the case's clues: %w", err)
	}
	if f.Clues, err = pgx.CollectRows(rows, pgx.RowTo[ClueID]); err != nil {
		return f, fmt.Errorf("read the case's clues: %w", err)
	}
	if f.Conditions, err = conditionsOf(ctx, tx, f.Clues); err != nil {
		return f, err
	}
	if f.Recipients, err = l.caseRecipients(ctx, tx, id); err != nil {
		return f, err
	}
	f.reckon()
	return f, nil
}

func entriesOf(ctx context.Context, tx txn, id CaseID, key crypt.DataKey) ([]CaseEntry, error) {
	rows, err := tx.Query(ctx, `SELECT id, kind, done_on, number, file_hash, file_id, case_stage, sealed, recorded_by, recorded_at
		FROM case_entries WHERE case_id = $1 ORDER BY done_on, id`, id)
	if err != nil {
		return nil, fmt.Errorf("read case entries: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e CaseEntry, err error) {
		var hash, sealed []byte
		if err = row.Scan(&e.ID, &e.Kind, &e.DoneOn, &e.Number, &hash, &e.File, &e.CaseStage, &sealed, &e.RecordedBy, &e.RecordedAt); err != nil || sealed == nil {
			e.FileHash = hex.EncodeToString(hash)
			return e, err
		}
		note, err := key.Open(sealed, "case_entries.sealed/"+e.ID.String())
		e.FileHash, e.Note = hex.EncodeToString(hash), string(note)
		return e, err
	})
}

func (l *Log) caseRecipients(ctx context.Context, tx txn, id CaseID) ([]CaseRecipient, error) {
	rows, err := tx.Query(ctx, `SELECT a.recipient_id, r.data_key, r.sealed, a.total_fen,
			coalesce((SELECT p.state FROM care_plans p WHERE p.recipient_id = r.id ORDER BY p.created_at DESC, p.id DESC LIMIT 1), '')
		FROM aid_awards a JOIN recipients r ON r.id = a.recipient_id WHERE a.case_id = $1 ORDER BY a.recipient_id, a.id`, id)
	if err != nil {
		return nil, fmt.Errorf("read the case's people: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r CaseRecipient, err error) {
		var wrapped, sealed []byte
		if err = row.Scan(&r.Recipient, &wrapped, &sealed, &r.TotalFen, &r.PlanState); err != nil {
			return r, err
		}
		facts, err := l.openRecipient(r.Recipient, wrapped, sealed)
		r.MaskedName = MaskName(facts.Name)
		return r, err
	})
}

// reckon tells which steps are done and what is missing, from what was done.
func (f *CaseFile) reckon() {
	done := map[string]calendar.Date{}
	for _, e := range f.Entries {
		if _, known := done[e.Kind]; !known {
			done[e.Kind] = e.DoneOn
		}
	}
	missing := []Missing{}
	lacks := func(step, code string, when bool) {
		if when {
			missing = append(missing, Missing{Code: code, Step: step, Chinese: missingSentences[code]})
		}
	}
	not := func(kind string) bool { return done[kind].IsZero() }
	lacks("verification", "no_home_visit", not("home_visit"))
	lacks("verification", "no_village_word", not("village_heard"))
	lacks("verification", "no_review_report", not("review_report"))
	unmet := false
	for _, k := range f.Conditions {
		unmet = unmet || k.Answer != "met"
	}
	lacks("verification", "conditions_open", unmet)
	verified := len(missing) == 0
	steps := []CaseStep{{Step: "clue", DoneOn: done["opened"]}, {Step: "verification"}, {Step: "approval", DoneOn: done["approved"]}, {Step: "payment", DoneOn: done["paid"]}, {Step: "follow_up"}}
	if verified {
		steps[1].DoneOn = latest(done["home_visit"], done["village_heard"], done["review_report"])
	}
	if f.State == "refused" {
		lacks("approval", "not_notified", not("notified"))
		lacks("approval", "partner_not_told", !f.FromPartner.IsZero() && not("partner_told"))
		f.Missing, f.Steps = missing[len(missing)-countOf(missing, "approval"):], steps
		return
	}
	lacks("approval", "not_sent_for_approval", not("sent_for_approval"))
	lacks("approval", "not_approved", not("approved"))
	lacks("payment", "not_paid", not("paid"))
	lacks("payment", "not_notified", not("notified"))
	lacks("payment", "partner_not_told", !f.FromPartner.IsZero() && !not("paid") && not("partner_told"))
	lacks("follow_up", "nobody_joined", len(f.Recipients) == 0)
	waiting := false
	for _, r := range f.Recipients {
		waiting = waiting || r.PlanState == "" || r.PlanState == "draft"
	}
	lacks("follow_up", "no_plan", waiting)
	if !waiting && len(f.Recipients) > 0 && !not("paid") {
		steps[4].DoneOn = done["paid"]
	}
	f.Missing, f.Steps = missing, steps
}

func countOf(missing []Missing, step string) (n int) {
	for _, m := range missing {
		if m.Step == step {
			n++
		}
	}
	return n
}

func latest(days ...calendar.Date) (last calendar.Date) {
	for _, d := range days {
		if d.After(last) {
			last = d
		}
	}
	return last
}
