package carelog

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
)

// Flag is a vulnerability that drives the choice of template (domain: care measures).
type Flag string

// The flags, as the ledger writes them. All but chronic illness make a plan K.
var flags = map[string]Flag{
	"未成年被害人": "minor_victim", "智力残疾": "intellectual_disability", "重度残疾": "severe_disability", "独居高龄": "elderly_alone",
	"丧偶抚养": "widowed_with_dependants", "伤残退役军人": "injured_veteran", "监测户": "monitored_household", "慢性病": "chronic_illness",
}

// Member is one person of the recipient's household.
type Member struct {
	Relation string        `json:"relation"`
	Name     string        `json:"name"`
	BornOn   calendar.Date `json:"born_on"`
	Flags    []Flag        `json:"flags,omitempty"`
}

// Source is who paid how much of an award.
type Source struct {
	Name      string `json:"name"`
	AmountFen int64  `json:"amount_fen"`
}

// Award is what was paid once. Amounts are in fen.
type Award struct {
	TotalFen        int64         `json:"total_fen"`
	PaidOn          calendar.Date `json:"paid_on"` // the plan's anchor
	Sources         []Source      `json:"sources"` // add up to TotalFen; empty: the office alone
	LossFen         int64         `json:"loss_fen"`
	CompensationFen int64         `json:"compensation_fen"`
	Origin          string        `json:"origin"` // ex_officio, application, transferred_clue
	Department      string        `json:"department"`
	CaseStage       string        `json:"case_stage"`
	Offence         string        `json:"offence"`
}

// Enrolment is an aid recipient with the award, the household and the plan to be made.
type Enrolment struct {
	Office     OfficeID      `json:"office_id"` // zero: the actor's
	ExternalID string        `json:"external_id"`
	Name       string        `json:"name"`
	Sex        string        `json:"sex"`
	IDNumber   string        `json:"id_number"`
	BornOn     calendar.Date `json:"born_on"`
	Phone      string        `json:"phone"`
	Village    VillageName   `json:"village"`
	Address    string        `json:"address"`
	Flags      []Flag        `json:"flags"`
	Household  []Member      `json:"household"`
	Award      Award         `json:"award"`
	Officer    string        `json:"officer"`  // login; empty: the actor
	Template   string        `json:"template"` // G or K; empty: chosen from the flags
	Primary    ContactID     `json:"primary_contact_id"`
	Backup     ContactID     `json:"backup_contact_id"`
	Alias      string        `json:"household_alias"` // what a text to the contact calls the household
	Draft      bool          `json:"draft"`           // leave the plan a draft instead of starting it
}

// Enrolled is what an enrolment made.
type Enrolled struct {
	Recipient RecipientID `json:"recipient_id"`
	Plan      PlanID      `json:"plan_id"`
	Template  string      `json:"template"`
	State     string      `json:"plan_state"`
	Warnings  []string    `json:"warnings"`
}

// recipientFacts is what is sealed about a recipient, under the recipient's own key.
type recipientFacts struct {
	Name     string        `json:"name"`
	Sex      string        `json:"sex,omitempty"`
	IDNumber string        `json:"id_number,omitempty"`
	BornOn   calendar.Date `json:"born_on,omitzero"`
	Phone    string        `json:"phone,omitempty"`
	Address  string        `json:"address,omitempty"`
	Flags    []Flag        `json:"flags,omitempty"`
	Alias    string        `json:"alias,omitempty"`
}

// EnrolRecipient takes a recipient into care: the file, the award and a plan
// from a template, started at once unless Draft. Officers of the office may.
// Refusals: Invalid with every field error, Conflict when the external id is taken.
func (l *Log) EnrolRecipient(ctx context.Context, by Actor, e Enrolment) (Enrolled, error) {
	if e.Office.IsZero() {
		e.Office = by.Office
	}
	if !by.May(Officer, e.Office) {
		return Enrolled{}, forbidden("only an officer of the office enrols recipients")
	}
	return write(ctx, l, by, func(tx txn) (Enrolled, error) {
		ready, err := l.prepareEnrolment(ctx, tx, e)
		if err != nil {
			return Enrolled{}, err
		}
		return l.enrol(ctx, tx, ready)
	})
}

// prepared is an enrolment that was checked and whose names were looked up.
type prepared struct {
	Enrolment
	phone    string
	village  VillageID
	officer  UserID
	warnings []string
}

// prepareEnrolment checks everything and reports every problem at once.
func (l *Log) prepareEnrolment(ctx context.Context, tx txn, e Enrolment) (prepared, error) {
	ready := prepared{Enrolment: e, warnings: []string{}}
	var p problems
	ready.checkPerson(&p, tx.today())
	ready.checkAward(&p, tx.today())
	if e.Alias != "" && l.words.CheckAlias(e.Alias, e.Name) != nil {
		p.add("household_alias", isUnsafeAlias)
	}
	if err := l.lookUp(ctx, tx, &ready, &p); err != nil {
		return ready, err
	}
	if ready.Template == "" {
		ready.Template = chooseTemplate(e, tx.today())
	}
	if ready.Template != "G" && ready.Template != "K" {
		p.add("template", isUnknown)
	}
	return ready, p.err()
}

func (e *prepared) checkPerson(p *problems, today calendar.Date) {
	if e.ExternalID = strings.TrimSpace(e.ExternalID); e.ExternalID == "" {
		p.add("external_id", isRequired)
	} else if len(e.ExternalID) > 100 {
		p.add("external_id", isTooLong)
	}
	if e.Name = strings.TrimSpace(e.Name); e.Name == "" {
		p.add("name", isRequired)
	} else if len(e.Name) > 200 {
		p.add("name", isTooLong)
	}
	if e.Phone != "" {
		phone, known, ok := Phone(e.Phone)
		if !ok {
			p.add("phone", isNotAPhone)
		} else if !known {
			e.warnings = append(e.warnings, "phone: the numbering plan does not know this number; check it")
		}
		e.phone = phone
	}
	if e.IDNumber = strings.ToUpper(strings.TrimSpace(e.IDNumber)); e.IDNumber != "" && !validIDNumber(e.IDNumber) {
		p.add("id_number", isNotAnIDNumber)
	}
	if today.Before(e.BornOn) {
		p.add("born_on", isInFuture)
	}
	checkFlags(p, "flags", e.Flags)
	for i, m := range e.Household {
		at := fmt.Sprintf("household[%d]", i)
		if strings.TrimSpace(m.Name) == "" {
			p.add(at+".name", isRequired)
		}
		if today.Before(m.BornOn) {
			p.add(at+".born_on", isInFuture)
		}
		checkFlags(p, at+".flags", m.Flags)
	}
}

func checkFlags(p *problems, field string, given []Flag) {
	for _, f := range given {
		known := false
		for _, flag := range flags {
			known = known || flag == f
		}
		if !known {
			p.add(field, isUnknown)
		}
	}
}

func (e *prepared) checkAward(p *problems, today calendar.Date) {
	a := &e.Award
	if a.TotalFen <= 0 {
		p.add("award.total_fen", isNotPositive)
	}
	if a.LossFen < 0 {
		p.add("award.loss_fen", isNegative)
	}
	if a.CompensationFen < 0 {
		p.add("award.compensation_fen", isNegative)
	}
	switch {
	case a.PaidOn.IsZero():
		p.add("award.paid_on", isRequired)
	case today.Before(a.PaidOn):
		p.add("award.paid_on", isInFuture)
	case a.PaidOn.Before(today.AddYears(-30)):
		p.add("award.paid_on", isTooOld)
	}
	if a.Origin == "" {
		a.Origin = "ex_officio"
	}
	if !slices.Contains([]string{"ex_officio", "application", "transferred_clue"}, a.Origin) {
		p.add("award.origin", isUnknown)
	}
	var sum int64
	for i, s := range a.Sources {
		if s.AmountFen <= 0 {
			p.add(fmt.Sprintf("award.sources[%d].amount_fen", i), isNotPositive)
		}
		if strings.TrimSpace(s.Name) == "" {
			p.add(fmt.Sprintf("award.sources[%d].name", i), isRequired)
		}
		sum += s.AmountFen
	}
	if len(a.Sources) > 0 && sum != a.TotalFen {
		p.add("award.sources", doesNotAddUp)
	}
}

// lookUp finds the village, the officer and the contacts by what the enrolment calls them.
func (l *Log) lookUp(ctx context.Context, tx txn, e *prepared, p *problems) error {
	err := tx.QueryRow(ctx, "SELECT id FROM villages WHERE office_id = $1 AND township = $2 AND name = $3",
		e.Office, e.Village.Township, e.Village.Name).Scan(&e.village)
	if none(err) {
		p.add("village", isUnknownVillage)
	} else if err != nil {
		return fmt.Errorf("find village: %w", err)
	}
	if e.Officer == "" {
		e.officer = tx.by.User
	}
	if e.officer.IsZero() {
		err := tx.QueryRow(ctx, `SELECT u.id FROM users u JOIN grants g ON g.user_id = u.id AND g.office_id = $1 AND g.role = 'officer'
			WHERE u.login = lower($2) AND u.state = 'active'`, e.Office, e.Officer).Scan(&e.officer)
		if none(err) {
			p.add("officer", isUnknownOfficer)
		} else if err != nil {
			return fmt.Errorf("find officer: %w", err)
		}
	}
	if err := e.checkContact(ctx, tx, p, "primary_contact_id", e.Primary); err != nil {
		return err
	}
	return e.checkContact(ctx, tx, p, "backup_contact_id", e.Backup)
}

func (e *prepared) checkContact(ctx context.Context, tx txn, p *problems, field string, contact ContactID) error {
	if contact.IsZero() {
		return nil
	}
	var serves bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM contact_villages WHERE contact_id = c.id AND village_id = $3)
		FROM village_contacts c WHERE c.id = $1 AND c.office_id = $2 AND c.state = 'active'`, contact, e.Office, e.village).Scan(&serves)
	switch {
	case none(err):
		p.add(field, isUnknownContact)
	case err != nil:
		return fmt.Errorf("find contact: %w", err)
	case !serves && !e.village.IsZero():
		p.add(field, isWrongVillage)
	}
	return nil
}

// chooseTemplate is the rule of domain document 2: K for the vulnerable, else G.
func chooseTemplate(e Enrolment, today calendar.Date) string {
	vulnerable := func(fs []Flag) bool {
		return slices.ContainsFunc(fs, func(f Flag) bool { return f != "chronic_illness" })
	}
	if vulnerable(e.Flags) || (!e.BornOn.IsZero() && e.BornOn.Age(today) < 18) {
		return "K"
	}
	return "G"
}

func (l *Log) enrol(ctx context.Context, tx txn, e prepared) (Enrolled, error) {
	id := newID[recipientKind](tx.now, l.random)
	key, err := l.insertRecipient(ctx, tx, id, e)
	if err != nil {
		return Enrolled{}, err
	}
	for _, m := range e.Household {
		sealed, err := crypt.SealJSON(key, m, "household_members.sealed")
		if err != nil {
			return Enrolled{}, fmt.Errorf("seal household member: %w", err)
		}
		_, err = tx.Exec(ctx, "INSERT INTO household_members (id, recipient_id, sealed, created_at) VALUES ($1, $2, $3, $4)",
			newID[plainKind](tx.now, l.random), id, sealed, tx.now)
		if err != nil {
			return Enrolled{}, fmt.Errorf("insert household member: %w", err)
		}
	}
	if err := l.insertAward(ctx, tx, id, key, e.Award); err != nil {
		return Enrolled{}, err
	}
	tx.append(happening{recipient: id, kind: "recipient_enrolled", subject: anyID(id), details: map[string]any{
		"external_id": e.ExternalID, "award_fen": e.Award.TotalFen, "paid_on": e.Award.PaidOn, "household": len(e.Household), "flags": e.Flags,
	}})
	plan, err := l.draftPlan(ctx, tx, id, e)
	if err != nil {
		return Enrolled{}, err
	}
	made := Enrolled{Recipient: id, Plan: plan, Template: e.Template, State: "draft", Warnings: e.warnings}
	if e.Draft {
		return made, nil
	}
	made.State = "active"
	return made, l.startPlan(ctx, tx, plan)
}

func (l *Log) insertRecipient(ctx context.Context, tx txn, id RecipientID, e prepared) (crypt.DataKey, error) {
	key, wrapped, err := l.keys.NewDataKey(l.random, id)
	if err != nil {
		return key, fmt.Errorf("make the recipient's key: %w", err)
	}
	sealed, err := crypt.SealJSON(key, recipientFacts{
		Name: e.Name, Sex: e.Sex, IDNumber: e.IDNumber, BornOn: e.BornOn, Phone: e.phone, Address: e.Address, Flags: e.Flags, Alias: e.Alias,
	}, "recipients.sealed")
	if err != nil {
		return key, fmt.Errorf("seal the recipient: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO recipients
		(id, office_id, external_id, data_key, sealed, id_index, phone_index, village_id, facts_digest, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, id, e.Office, e.ExternalID, wrapped, sealed,
		l.index("id_number", e.IDNumber), l.index("phone", e.phone), e.village, l.digest(e.Enrolment), tx.now)
	if err != nil {
		return key, fmt.Errorf("insert recipient: %w", err)
	}
	_, err = tx.Exec(ctx, "INSERT INTO history_heads (recipient_id, seq, hash) VALUES ($1, 0, $2)", id, make([]byte, 32))
	if err != nil {
		return key, fmt.Errorf("begin history: %w", err)
	}
	return key, nil
}

// index is the blind index of a value, NULL for none.
func (l *Log) index(kind, value string) []byte {
	if value == "" {
		return nil
	}
	return l.keys.Index(kind, value)
}

// digest tells a repeated import from a changed one, without keeping the facts in clear.
func (l *Log) digest(e Enrolment) []byte {
	e.Draft = false
	e.Office = OfficeID{}
	plain, err := json.Marshal(e)
	if err != nil {
		panic("an enrolment is plain data: " + err.Error())
	}
	return l.keys.Index("enrolment", string(plain))
}

func (l *Log) insertAward(ctx context.Context, tx txn, recipient RecipientID, key crypt.DataKey, a Award) error {
	sealed, err := crypt.SealJSON(key, map[string]string{"offence": a.Offence}, "aid_awards.sealed")
	if err != nil {
		return fmt.Errorf("seal the award: %w", err)
	}
	id := newID[plainKind](tx.now, l.random)
	_, err = tx.Exec(ctx, `INSERT INTO aid_awards
		(id, recipient_id, total_fen, paid_on, loss_fen, compensation_fen, origin, source_department, case_stage, sealed, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, id, recipient, a.TotalFen, a.PaidOn, a.LossFen, a.CompensationFen,
		a.Origin, a.Department, a.CaseStage, sealed, tx.now)
	if err != nil {
		return fmt.Errorf("insert award: %w", err)
	}
	for _, s := range a.Sources {
		_, err := tx.Exec(ctx, "INSERT INTO aid_sources (award_id, source, amount_fen) VALUES ($1, $2, $3)", id, s.Name, s.AmountFen)
		if err != nil {
			return fmt.Errorf("insert aid source: %w", err)
		}
	}
	return nil
}

// file is a recipient's file opened for a reader: whose it is and the key to it.
type file struct {
	id     RecipientID
	office OfficeID
	key    crypt.DataKey
	facts  recipientFacts
}

// openFile opens a recipient's file for an officer or supervisor of its office.
// Out of scope and not there are the same answer.
func (l *Log) openFile(ctx context.Context, tx txn, id RecipientID) (file, error) {
	f := file{id: id}
	var wrapped, sealed []byte
	err := tx.QueryRow(ctx, "SELECT office_id, data_key, sealed FROM recipients WHERE id = $1", id).Scan(&f.office, &wrapped, &sealed)
	if none(err) {
		return f, notFound("recipient")
	}
	if err != nil {
		return f, fmt.Errorf("read recipient: %w", err)
	}
	if !tx.by.mayAny(f.office, Officer, Supervisor) {
		return f, forbidden("only officers and supervisors of the office read files")
	}
	if f.key, err = l.keys.Unwrap(id, wrapped); err != nil {
		return f, fmt.Errorf("open the recipient's key: %w", err)
	}
	if f.facts, err = crypt.OpenJSON[recipientFacts](f.key, sealed, "recipients.sealed"); err != nil {
		return f, fmt.Errorf("open the recipient: %w", err)
	}
	return f, nil
}
