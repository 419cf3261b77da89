package carelog

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"aftercare/carelog/calendar"
	"aftercare/internal/crypt"
)

// Flag is a vulnerability that drives the choice of template (domain: care measures).
type Flag string

// The flags, as the ledger writes them. A minor victim's plan is C; all others but
// chronic illness make it K.
var flags = map[string]Flag{
	"未成年被害人": "minor_victim", "智力残疾": "intellectual_disability", "重度残疾": "severe_disability", "独居高龄": "elderly_alone",
	"丧偶抚养": "widowed_with_dependants", "伤残退役军人": "injured_veteran", "监测户": "monitored_household", "慢性病": "chronic_illness",
	"性侵": "sexual_offence", // about the case: with a child in the household no village contact is asked (villagebar.go)
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
	Level     string `json:"level,omitempty"`       // county, city, province, nation, outside; empty: not said
	Office    string `json:"office_code,omitempty"` // of a procuratorate that paid
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
	Case            CaseID        `json:"case_id,omitzero"`   // the case file it belongs to, if one is kept
	Group           string        `json:"group,omitempty"`    // key of the case group; made where there is none
	Tags            []string      `json:"tags,omitempty"`     // rural_revitalisation, women, minors, disabled, veterans, petition (L4)
	CaseNo          string        `json:"case_no,omitempty"`  // of the original case: sealed; one award a person and case
	Hardship        string        `json:"hardship,omitempty"` // grade: ordinary, great, extreme; empty: not graded. In no text
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
	Template   string        `json:"template"` // G, K, H, C or R; empty: chosen from age and flags
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
	if !by.may(e.Office, Enrol) {
		return Enrolled{}, forbidden("only an officer of the office enrols recipients")
	}
	return write(ctx, l, by, func(tx txn) (Enrolled, error) {
		ready, err := l.prepareEnrolment(ctx, tx, e)
		if err != nil {
			return Enrolled{}, err
		}
		made, err := l.enrol(ctx, tx, ready)
		if err != nil {
			return Enrolled{}, err
		}
		return made, l.planDueMessagesOf(ctx, tx, []PlanID{made.Plan})
	})
}

// enrol makes the file, the award and the plan. The plan's texts are the caller's to plan.

func (l *Log) enrol(ctx context.Context, tx txn, e prepared) (Enrolled, error) {
	id := newID[recipientKind](tx.now, l.random)
	key, err := l.insertRecipient(ctx, tx, id, e)
	if err != nil {
		return Enrolled{}, err
	}
	for _, m := range e.Household {
		member := newID[plainKind](tx.now, l.random)
		sealed, err := crypt.SealJSON(key, m, "household_members.sealed/"+member.String())
		if err != nil {
			return Enrolled{}, fmt.Errorf("seal household member: %w", err)
		}
		_, err = tx.Exec(ctx, "INSERT INTO household_members (id, recipient_id, sealed, created_at) VALUES ($1, $2, $3, $4)",
			member, id, sealed, tx.now)
		if err != nil {
			return Enrolled{}, fmt.Errorf("insert household member: %w", err)
		}
	}
	if err := l.insertAward(ctx, tx, id, key, e); err != nil {
		return Enrolled{}, err
	}
	tx.append(happening{recipient: id, kind: "recipient_enrolled", subject: anyID(id), details: map[string]any{
		"external_id": e.ExternalID, "award_fen": e.Award.TotalFen, "paid_on": e.Award.PaidOn, "household": len(e.Household), "flags": e.Flags,
	}})
	if err := l.joined(ctx, tx, e.Award.Case); err != nil {
		return Enrolled{}, err
	}
	plan, err := l.draftPlan(ctx, tx, id, e)
	if err != nil {
		return Enrolled{}, err
	}
	if err := l.barByLaw(ctx, tx, plan, id, e); err != nil {
		return Enrolled{}, err
	}
	made := Enrolled{Recipient: id, Plan: plan, Template: e.Template, State: "draft", Warnings: e.warnings()}
	if err := l.askAboutDuplicate(ctx, tx, id, plan, e); err != nil {
		return Enrolled{}, err
	}
	if e.Draft {
		return made, nil
	}
	made.State = "active"
	return made, l.startPlan(ctx, tx, plan, freshPlan)
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
		(id, office_id, external_id, data_key, sealed, id_index, phone_index, village_id, facts_digest, created_at, person_index)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, id, e.Office, e.ExternalID, wrapped, sealed,
		l.index("id_number", e.IDNumber), l.index("phone", e.phone), e.village, e.digest, tx.now, listed(e.alike.person))
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

// awardFacts is what is sealed about an award.
type awardFacts struct {
	Offence string `json:"offence"`
	CaseNo  string `json:"case_no,omitempty"`
}

func (l *Log) insertAward(ctx context.Context, tx txn, recipient RecipientID, key crypt.DataKey, e prepared) error {
	a := e.Award
	var group anyID
	if a.Group != "" {
		var err error
		if group, err = l.groupOf(ctx, tx, e.Office, a.Group); err != nil {
			return err
		}
	}
	id := newID[plainKind](tx.now, l.random)
	sealed, err := crypt.SealJSON(key, awardFacts{a.Offence, a.CaseNo}, "aid_awards.sealed/"+id.String())
	if err != nil {
		return fmt.Errorf("seal the award: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO aid_awards
		(id, recipient_id, total_fen, paid_on, loss_fen, compensation_fen, origin, source_department, case_stage, sealed, created_at, case_index, claim, hardship,
			case_id, group_id, tags)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`, id, recipient, a.TotalFen, a.PaidOn, a.LossFen, a.CompensationFen,
		a.Origin, a.Department, a.CaseStage, sealed, tx.now, e.alike.original, e.alike.claim, a.Hardship, a.Case, group, notNilStrings(a.Tags))
	if err != nil {
		return fmt.Errorf("insert award: %w", err)
	}
	if len(a.Sources) == 0 {
		return nil
	}
	n := len(a.Sources)
	names, amounts, levels, offices := make([]string, n), make([]int64, n), make([]string, n), make([]string, n)
	for i, s := range a.Sources {
		names[i], amounts[i], levels[i], offices[i] = s.Name, s.AmountFen, s.Level, s.Office
	}
	_, err = tx.Exec(ctx, `INSERT INTO aid_sources (award_id, source, amount_fen, level, office_code)
		SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[])`, id, names, amounts, levels, offices)
	if err != nil {
		return fmt.Errorf("insert aid sources: %w", err)
	}
	return nil
}

// errErased is said of a file whose key was destroyed.
var errErased = conflict("the file was erased: nothing of it can be read or written any more")

// recipientKey reads and opens the key to a recipient's file.
func (l *Log) recipientKey(ctx context.Context, tx txn, id RecipientID) (crypt.DataKey, error) {
	var wrapped []byte
	if err := tx.QueryRow(ctx, "SELECT data_key FROM recipients WHERE id = $1", id).Scan(&wrapped); err != nil {
		return crypt.DataKey{}, fmt.Errorf("read the recipient's key: %w", err)
	}
	if wrapped == nil {
		return crypt.DataKey{}, errErased
	}
	key, err := l.keys.Unwrap(id, wrapped)
	if err != nil {
		return key, fmt.Errorf("open the recipient's key: %w", err)
	}
	return key, nil
}

// file is a recipient's file opened for a reader: whose it is and the key to it.
type file struct {
	id     RecipientID
	office OfficeID
	key    crypt.DataKey
	facts  recipientFacts
	into   RecipientID // of a file that was merged: the one that stays
}

// openFile opens a recipient's file for whoever may do the act in its office, or
// to read it, where none is named, for those its plan was shared with too; a
// restricted one for a supervisor who gave a reason within the hour. Out of scope
// and not there are the same answer.
func (l *Log) openFile(ctx context.Context, tx txn, id RecipientID, does ...Act) (file, error) {
	f, shut, err := l.openAnyFile(ctx, tx, id, does...)
	if err == nil && shut && tx.by.Kind != System {
		return file{id: id}, forbidden(fileIsRestricted)
	}
	return f, err
}

// openAnyFile opens a file whether or not it is restricted, and tells whether it is
// shut to the actor.
func (l *Log) openAnyFile(ctx context.Context, tx txn, id RecipientID, does ...Act) (f file, shut bool, err error) {
	f.id = id
	var wrapped, sealed []byte
	err = tx.QueryRow(ctx, `SELECT office_id, data_key, sealed, restricted_at IS NOT NULL AND NOT EXISTS
			(SELECT FROM restricted_views v WHERE v.recipient_id = r.id AND v.user_id = $2 AND v.until > $3), merged_into
		FROM recipients r WHERE id = $1`, id, tx.by.User, tx.now).Scan(&f.office, &wrapped, &sealed, &shut, &f.into)
	if none(err) {
		return f, shut, notFound("recipient")
	}
	if err != nil {
		return f, shut, fmt.Errorf("read recipient: %w", err)
	}
	may := tx.by.may(f.office, does...)
	if len(does) == 0 {
		if may, err = mayRead(ctx, tx, f.office, id); err != nil {
			return f, shut, err
		}
	}
	if !may {
		return f, shut, forbidden("only officers and supervisors of the office read files")
	}
	if wrapped == nil {
		return f, shut, errErased
	}
	if len(does) > 0 && !f.into.IsZero() && !slices.Contains(does, UnmaskFile) {
		return f, shut, f.isMerged()
	}
	if f.key, err = l.keys.Unwrap(id, wrapped); err != nil {
		return f, shut, fmt.Errorf("open the recipient's key: %w", err)
	}
	if f.facts, err = crypt.OpenJSON[recipientFacts](f.key, sealed, "recipients.sealed"); err != nil {
		return f, shut, fmt.Errorf("open the recipient: %w", err)
	}
	return f, shut, nil
}

// isMerged refuses to change a file that was merged: what happens is written into
// the one that stays.
func (f file) isMerged() error {
	if f.into.IsZero() {
		return nil
	}
	return conflict("the file was merged: go on with the file %s", f.into)
}
