package carelog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
)

// A clue is where a case begins (案源): one department or partner hands it to
// another department, which takes it over, sends it back, or does not take it on
// (L10-L13, L16). Nobody who is to be aided asks for anything.
//
//	handed → accepted → opened as a case | merged | not_taken
//	handed → returned with a reason

// Clue is one hand-over.
type Clue struct {
	ID             ClueID        `json:"clue_id"`
	Office         OfficeID      `json:"office_id"`
	Number         string        `json:"number"`
	ReceivedOn     calendar.Date `json:"received_on"`
	Origin         string        `json:"origin"`     // ex_officio, application, transferred_clue
	CaseStage      string        `json:"case_stage"` // of the original case
	FromDepartment DepartmentID  `json:"from_department_id"`
	FromPartner    PartnerID     `json:"from_partner_id"`
	ToDepartment   DepartmentID  `json:"to_department_id"`
	Persons        int           `json:"persons"`
	State          string        `json:"state"`
	AnswerBy       calendar.Date `json:"answer_by"`
	Overdue        bool          `json:"overdue"`
	AnsweredAt     *time.Time    `json:"answered_at"`
	Case           CaseID        `json:"case_id"`
	Into           ClueID        `json:"into_clue_id"`
	Meeting        MeetingID     `json:"meeting_id"` // where it was received, if at one

	Subject string `json:"subject"` // who it is about and what is known; sealed. Not in lists
	Outcome string `json:"outcome"` // why it went back or was not taken on; sealed. Not in lists
}

type clueFacts struct {
	Subject string `json:"subject"`
	Outcome string `json:"outcome,omitempty"`
}

var (
	caseOrigins = []string{"ex_officio", "application", "transferred_clue"}
	caseStages  = []string{"arrest_review", "prosecution_review", "trial", "closed", "other"}
)

// answerWithin is how many working days the receiving department has (our default).
const answerWithin = 3

// RecordClue records a clue and hands it over. Officers and supervisors of the
// office may. A clue of a partner has the partner as its source, one of our own the
// department; who hands to themself has accepted.
func (l *Log) RecordClue(ctx context.Context, by Actor, c Clue) (Clue, error) {
	if c.Office.IsZero() {
		c.Office = by.Office
	}
	if !by.may(c.Office, KeepCases) {
		return c, forbidden("only officers and supervisors of the office work with cases")
	}
	return write(ctx, l, by, func(tx txn) (Clue, error) {
		c.Number, c.Subject = strings.TrimSpace(c.Number), strings.TrimSpace(c.Subject)
		if err := c.check(ctx, tx); err != nil {
			return c, err
		}
		c.ID = newID[clueKind](tx.now, l.random)
		key, wrapped, err := l.keys.NewDataKey(l.random, c.ID)
		if err != nil {
			return c, fmt.Errorf("make the clue's key: %w", err)
		}
		sealed, err := crypt.SealJSON(key, clueFacts{Subject: c.Subject}, "clues.sealed")
		if err != nil {
			return c, fmt.Errorf("seal the clue: %w", err)
		}
		c.State, c.AnswerBy = "handed", tx.cal(c.Office).AddWorkdays(tx.today(), answerWithin)
		var answeredBy UserID
		if c.FromDepartment == c.ToDepartment {
			c.State, c.AnsweredAt, answeredBy = "accepted", &tx.now, by.User
		}
		_, err = tx.Exec(ctx, `INSERT INTO clues (id, office_id, number, received_on, origin, case_stage, from_department, from_partner, to_department, persons,
				state, answer_by, answered_at, answered_by, data_key, sealed, recorded_by, recorded_at, meeting_id)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`, c.ID, c.Office, c.Number, c.ReceivedOn, c.Origin, c.CaseStage,
			c.FromDepartment, c.FromPartner, c.ToDepartment, c.Persons, c.State, c.AnswerBy, c.AnsweredAt, answeredBy, wrapped, sealed, by.User, tx.now, c.Meeting)
		if err != nil {
			return c, fmt.Errorf("record clue: %w", err)
		}
		tx.audit(c.Office, "clue_"+c.State, anyID(c.ID), sealedDigest(sealed))
		return c, nil
	})
}

func (c Clue) check(ctx context.Context, tx txn) error {
	var p problems
	p.needsText("number", c.Number, 100)
	p.needsText("subject", c.Subject, 4000)
	if validIDNumber(strings.ToUpper(c.Number)) {
		p.add("number", isAnIDNumber)
	}
	switch {
	case c.ReceivedOn.IsZero():
		p.add("received_on", isRequired)
	case c.ReceivedOn.After(tx.today()):
		p.add("received_on", isInFuture)
	}
	if !slices.Contains(caseOrigins, c.Origin) {
		p.add("origin", isUnknown)
	}
	if !slices.Contains(caseStages, c.CaseStage) {
		p.add("case_stage", isUnknown)
	}
	if c.Persons < 1 || c.Persons > 10000 {
		p.add("persons", isOutsideRange)
	}
	for field, id := range map[string]DepartmentID{"from_department_id": c.FromDepartment, "to_department_id": c.ToDepartment} {
		if id.IsZero() && field == "from_department_id" && !c.FromPartner.IsZero() {
			continue
		}
		known, err := departmentIn(ctx, tx, id, c.Office)
		if err != nil {
			return err
		}
		if !known {
			p.add(field, isNoDepartment)
		}
	}
	if !c.FromPartner.IsZero() {
		if _, known, err := partnerOf(ctx, tx, c.FromPartner, c.Office); err != nil {
			return err
		} else if !known || !c.FromDepartment.IsZero() {
			p.add("from_partner_id", isNoSource)
		}
	}
	if !c.Meeting.IsZero() {
		var known bool
		if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM meetings WHERE id = $1 AND office_id = $2)", c.Meeting, c.Office).Scan(&known); err != nil {
			return fmt.Errorf("find meeting: %w", err)
		}
		if !known {
			p.add("meeting_id", isUnknown)
		}
	}
	return p.err()
}

// ClueAnswer is what the receiving department says to a clue.
type ClueAnswer struct {
	Answer string // accepted, returned, not_taken, merged
	Why    string // of a clue that went back or was not taken on; sealed
	Into   ClueID // of a merged one
}

// AnswerClue answers a clue: a handed one is accepted or returned, an accepted one
// ends as not taken on or merged with another. Officers and supervisors of the
// office may. Refusals: Invalid, Conflict when it was answered so already.
func (l *Log) AnswerClue(ctx context.Context, by Actor, id ClueID, a ClueAnswer) (Clue, error) {
	return write(ctx, l, by, func(tx txn) (Clue, error) {
		c, key, err := l.lockClue(ctx, tx, id)
		if err != nil {
			return c, err
		}
		from := map[string]string{"accepted": "handed", "returned": "handed", "not_taken": "accepted", "merged": "accepted"}[a.Answer]
		var p problems
		if from == "" {
			p.add("answer", isUnknown)
		}
		if a.Answer != "accepted" {
			p.needsReason(a.Why)
		}
		if a.Answer == "merged" {
			var other string
			err := tx.QueryRow(ctx, "SELECT state FROM clues WHERE id = $1 AND office_id = $2 AND id <> $3", a.Into, c.Office, c.ID).Scan(&other)
			if err != nil && !none(err) {
				return c, fmt.Errorf("read the other clue: %w", err)
			}
			if other != "accepted" && other != "opened" {
				p.add("into_clue_id", isNoClue)
			}
		}
		if err := p.err(); err != nil {
			return c, err
		}
		if c.State != from {
			return c, conflict("the clue is %s already", c.State)
		}
		c.State, c.AnsweredAt, c.Outcome, c.Into = a.Answer, &tx.now, strings.TrimSpace(a.Why), a.Into
		sealed, err := crypt.SealJSON(key, clueFacts{Subject: c.Subject, Outcome: c.Outcome}, "clues.sealed")
		if err != nil {
			return c, fmt.Errorf("seal the clue: %w", err)
		}
		_, err = tx.Exec(ctx, "UPDATE clues SET state = $2, answered_at = $3, answered_by = $4, into_clue = $5, sealed = $6 WHERE id = $1",
			c.ID, c.State, tx.now, by.User, c.Into, sealed)
		if err != nil {
			return c, fmt.Errorf("answer clue: %w", err)
		}
		tx.audit(c.Office, "clue_"+c.State, anyID(c.ID), sealedDigest(sealed))
		return c, l.endTasks(ctx, tx, []string{clueCause(c.ID)}, "the clue was answered")
	})
}

func clueCause(id ClueID) string { return "clue_unanswered:" + id.String() }

const selectClues = `SELECT id, office_id, number, received_on, origin, case_stage, from_department, from_partner, to_department, persons, state, answer_by,
	answered_at, case_id, into_clue, meeting_id, data_key, sealed FROM clues WHERE `

// scanClue reads a row; the key opens what is sealed, which lists leave shut.
func (l *Log) scanClue(tx txn, row pgx.CollectableRow) (c Clue, wrapped, sealed []byte, err error) {
	err = row.Scan(&c.ID, &c.Office, &c.Number, &c.ReceivedOn, &c.Origin, &c.CaseStage, &c.FromDepartment, &c.FromPartner, &c.ToDepartment, &c.Persons, &c.State,
		&c.AnswerBy, &c.AnsweredAt, &c.Case, &c.Into, &c.Meeting, &wrapped, &sealed)
	c.Overdue = c.State == "handed" && c.AnswerBy.Before(tx.today())
	return c, wrapped, sealed, err
}

func (l *Log) lockClue(ctx context.Context, tx txn, id ClueID) (c Clue, key crypt.DataKey, err error) {
	return l.openClue(ctx, tx, id, KeepCases, " FOR UPDATE")
}

func (l *Log) openClue(ctx context.Context, tx txn, id ClueID, act Act, lock string) (c Clue, key crypt.DataKey, err error) {
	rows, err := tx.Query(ctx, selectClues+"id = $1"+lock, id)
	if err != nil {
		return c, key, fmt.Errorf("read clue: %w", err)
	}
	var wrapped, sealed []byte
	c, err = pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (c Clue, err error) {
		c, wrapped, sealed, err = l.scanClue(tx, row)
		return c, err
	})
	if none(err) {
		return c, key, notFound("clue")
	}
	if err != nil {
		return c, key, fmt.Errorf("read clue: %w", err)
	}
	if !tx.by.may(c.Office, act) {
		return c, key, forbidden("only officers and supervisors of the office work with cases")
	}
	if wrapped == nil {
		return c, key, errErased
	}
	if key, err = l.keys.Unwrap(c.ID, wrapped); err != nil {
		return c, key, fmt.Errorf("open the clue's key: %w", err)
	}
	facts, err := crypt.OpenJSON[clueFacts](key, sealed, "clues.sealed")
	if err != nil {
		return c, key, fmt.Errorf("open the clue: %w", err)
	}
	c.Subject, c.Outcome = facts.Subject, facts.Outcome
	return c, key, nil
}

// ReadClue reads one clue. Officers and supervisors of its office may; it is audited.
func (l *Log) ReadClue(ctx context.Context, by Actor, id ClueID) (Clue, error) {
	return read(ctx, l, by, func(tx txn) (Clue, error) {
		c, _, err := l.openClue(ctx, tx, id, SeeCases, "")
		if err == nil {
			tx.audit(c.Office, "clue_read", anyID(id), "")
		}
		return c, err
	})
}

// ClueFilter chooses clues.
type ClueFilter struct {
	State string // empty: all; open: handed or accepted
	Page  Page
}

// Clues lists the clues of the actor's offices in the order they were recorded,
// without what is sealed.
func (l *Log) Clues(ctx context.Context, by Actor, f ClueFilter) ([]Clue, error) {
	if !by.Holds(SeeCases) {
		return nil, forbidden("only officers and supervisors work with cases")
	}
	return read(ctx, l, by, func(tx txn) ([]Clue, error) {
		rows, err := tx.Query(ctx, selectClues+`($1 OR office_id = ANY ($2)) AND ($3 = '' OR state = $3 OR $3 = 'open' AND state IN ('handed', 'accepted')) AND id > $4 ORDER BY id LIMIT $5`,
			by.Kind == System, by.officesFor(SeeCases), f.State, f.Page.afterOrFirst(), f.Page.Limit)
		if err != nil {
			return nil, fmt.Errorf("list clues: %w", err)
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Clue, error) {
			c, _, _, err := l.scanClue(tx, row)
			return c, err
		})
	})
}
