package carelog

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"github.com/jackc/pgx/v5"
)

// alike is an enrolment's person and case as they are looked for: keyed indexes.
type alike struct {
	id, person, original []byte
	claim                []byte // of the award, unique; nil: the case is not known
}

// alikeOf makes the indexes by which the same person and the same case are found.
func (l *Log) alikeOf(e Enrolment, phone string) alike {
	a := alike{id: l.index("id_number", e.IDNumber), person: l.personIndex(e.Name, phone), original: l.index("case", plainCase(e.Award.CaseNo))}
	who := a.id
	if who == nil {
		who = a.person
	}
	if who != nil && a.original != nil {
		a.claim = l.keys.Index("award", e.Office.String()+string(who)+string(a.original))
	}
	return a
}

// personIndex tells the same person by phone and name together: a phone alone is
// a family's. nil where there is no phone.
func (l *Log) personIndex(name, phone string) []byte {
	if phone == "" {
		return nil
	}
	return l.keys.Index("person", phone+" "+strings.TrimSpace(name))
}

// plainCase is a case number as it compares: people write brackets, spaces and
// full-width digits as they like.
func plainCase(no string) string {
	return strings.ToUpper(strings.Map(func(r rune) rune {
		if r >= '\uff01' && r <= '\uff5e' {
			r -= 0xfee0
		}
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, no))
}

// remark is something out of custom that is no reason to refuse, and where it stands.
type remark struct {
	field string
	reason
}

func (r remark) String() string { return r.field + ": " + r.english }

var (
	isNotInThePlan  = reason{"the numbering plan does not know this number; check it", "号段未登记,请核对"}
	isNeverAsked    = reason{"no village contact is ever asked about this household; the officer phones instead", "该户不向村联系人询问,由承办人电话联系"}
	hasNoCaseNumber = reason{"the same person is enrolled already, and without both case numbers nobody can tell whether it is the same case", "已有同一人的档案,两案原案编号不全,无法判断是否同一案件"}
)

// namesFile says that a file of the office is about the same person.
func namesFile(file RecipientID, english, chinese string) reason {
	return reason{fmt.Sprintf(english, file), fmt.Sprintf(chinese, file)}
}

// checkDuplicates looks for the same person (L22): in the same case it is one award
// and the enrolment is refused, in another case a warning names the file. Of an
// office out of the actor's reach no more is told than its name.
func (l *Log) checkDuplicates(ctx context.Context, tx txn, e *prepared, p *problems) error {
	e.alike = l.alikeOf(e.Enrolment, e.phone)
	if e.alike.id == nil && e.alike.person == nil {
		return nil
	}
	mine := append(tx.by.officesFor(ReadFile), e.Office)
	rows, err := tx.Query(ctx, `SELECT r.id, a.case_index IS NOT NULL AND a.case_index IS NOT DISTINCT FROM $3, a.case_index IS NULL OR $3::bytea IS NULL
		FROM recipients r JOIN aid_awards a ON a.recipient_id = r.id
		WHERE (r.id_index = $1 OR r.person_index = $2) AND r.office_id = ANY ($4) ORDER BY r.id LIMIT 5`,
		e.alike.id, e.alike.person, e.alike.original, mine)
	if err != nil {
		return fmt.Errorf("look for the same person: %w", err)
	}
	var file RecipientID
	var same, unknown bool
	_, err = pgx.ForEachRow(rows, []any{&file, &same, &unknown}, func() error {
		switch {
		case same:
			p.add("award.case_no", namesFile(file, "was awarded to the same person already: file %s", "同一人同一案已有救助\uff0c档案%s"))
		case unknown:
			e.remark("award.case_no", reason{hasNoCaseNumber.english + ": file " + file.String(), hasNoCaseNumber.chinese + "\uff0c档案" + file.String()})
		default:
			e.remark("award.case_no", namesFile(file, "the same person was aided in another case: file %s", "同一人另有救助案件\uff0c档案%s"))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("look for the same person: %w", err)
	}
	return l.lookElsewhere(ctx, tx, e, mine)
}

func (l *Log) lookElsewhere(ctx context.Context, tx txn, e *prepared, mine []OfficeID) error {
	rows, err := tx.Query(ctx, "SELECT office, same_case FROM same_person_elsewhere($1, $2, $3, $4)",
		e.alike.id, e.alike.person, e.alike.original, mine)
	if err != nil {
		return fmt.Errorf("look for the same person elsewhere: %w", err)
	}
	var office string
	var same bool
	_, err = pgx.ForEachRow(rows, []any{&office, &same}, func() error {
		e.elsewhere = append(e.elsewhere, elsewhere{office, same})
		english, chinese := "another office has a file of the same person", "其他单位已有同一人的档案"
		if same {
			english, chinese = english+" in the same case", chinese+"\uff08同一案件\uff09"
		}
		e.remark("award.case_no", reason{english + ": " + office, chinese + "\uff1a" + office})
		return nil
	})
	if err != nil {
		return fmt.Errorf("look for the same person elsewhere: %w", err)
	}
	return nil
}

// elsewhere is an office that has the same person.
type elsewhere struct {
	office   string
	sameCase bool
}

func (e *prepared) remark(field string, r reason) { e.remarks = append(e.remarks, remark{field, r}) }

func (e *prepared) warnings() []string {
	told := []string{}
	for _, r := range e.remarks {
		told = append(told, r.String())
	}
	return told
}

const duplicateWithin = 5 // working days

// askAboutDuplicate has a supervisor ask the other office, where one has the person too.
func (l *Log) askAboutDuplicate(ctx context.Context, tx txn, id RecipientID, plan PlanID, e prepared) error {
	if len(e.elsewhere) == 0 {
		return nil
	}
	first := e.elsewhere[0]
	why := "the office " + first.office + " has a file of the same person: a supervisor asks there whether it is one award"
	if first.sameCase {
		why = "the office " + first.office + " has a file of the same person in the same case: a supervisor asks there which award stands"
	}
	return l.openTask(ctx, tx, newTask{
		kind: "duplicate_person", cause: "duplicate_person:" + id.String(), office: e.Office, recipient: id, plan: plan, reason: why,
		actBy: officerWindow.closes(tx.cal(e.Office).AddWorkdays(tx.today(), duplicateWithin)),
	})
}

// IndexPersons has recipients who were enrolled before that was kept found by phone
// and name, at most limit at once. It tells how many it looked at.
func (l *Log) IndexPersons(ctx context.Context, limit int) (int, error) {
	return write(ctx, l, TheSystem(), func(tx txn) (int, error) {
		rows, err := tx.Query(ctx, "SELECT id, data_key, sealed FROM recipients WHERE person_index IS NULL AND data_key IS NOT NULL ORDER BY id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED", limit)
		if err != nil {
			return 0, fmt.Errorf("find recipients without an index: %w", err)
		}
		indexes := map[RecipientID][]byte{}
		var id RecipientID
		var wrapped, sealed []byte
		_, err = pgx.ForEachRow(rows, []any{&id, &wrapped, &sealed}, func() error {
			facts, err := l.openRecipient(id, wrapped, sealed)
			indexes[id] = listed(l.personIndex(facts.Name, facts.Phone)) // empty, not NULL: looked at
			return err
		})
		if err != nil {
			return 0, fmt.Errorf("find recipients without an index: %w", err)
		}
		for id, index := range indexes {
			if _, err := tx.Exec(ctx, "UPDATE recipients SET person_index = $2 WHERE id = $1", id, index); err != nil {
				return 0, fmt.Errorf("index a person: %w", err)
			}
		}
		return len(indexes), nil
	})
}

// hardships are the grades of hardship as the ledger writes them. A grade stands in
// the file and in no text.
var hardships = map[string]string{"": "", "一般困难": "ordinary", "非常困难": "great", "特别困难": "extreme"}

func (e *prepared) checkCase(p *problems) {
	a := &e.Award
	if a.CaseNo = strings.TrimSpace(a.CaseNo); len(a.CaseNo) > 100 {
		p.add("award.case_no", isTooLong)
	} else if a.CaseNo != "" && plainCase(a.CaseNo) == "" {
		p.add("award.case_no", isMisshapen)
	}
	for _, grade := range hardships {
		if grade == a.Hardship {
			return
		}
	}
	p.add("award.hardship", isUnknown)
}
