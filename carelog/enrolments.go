package carelog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"aftercare/carelog/calendar"
)

// prepared is an enrolment that was checked and whose names were looked up.
type prepared struct {
	Enrolment
	phone   string
	village VillageID
	officer UserID
	digest  []byte // of the facts as they were given
	remarks []remark

	alike     alike
	elsewhere []elsewhere
}

// prepareEnrolment checks everything and reports every problem at once.
func (l *Log) prepareEnrolment(ctx context.Context, tx txn, e Enrolment) (prepared, error) {
	ready := prepared{Enrolment: e, digest: l.digest(e)}
	var p problems
	ready.checkPerson(&p, tx.today())
	ready.checkAward(&p, tx.today())
	ready.checkVillageBar(&p, tx.today())
	if e.Alias != "" && l.words.CheckAlias(e.Alias, e.Name) != nil {
		p.add("household_alias", isUnsafeAlias)
	}
	if err := l.lookUp(ctx, tx, &ready, &p); err != nil {
		return ready, err
	}
	ready.checkCase(&p)
	if err := l.checkDuplicates(ctx, tx, &ready, &p); err != nil {
		return ready, err
	}
	if ready.Template == "" {
		ready.Template = chooseTemplate(e, tx.today())
	}
	if !slices.Contains(templateKeys, ready.Template) {
		p.add("template", isUnknown)
	}
	return ready, p.err()
}

func (e *prepared) checkPerson(p *problems, today calendar.Date) {
	if e.ExternalID = strings.TrimSpace(e.ExternalID); e.ExternalID == "" {
		p.add("external_id", isRequired)
	} else if len(e.ExternalID) > 100 {
		p.add("external_id", isTooLong)
	} else if validIDNumber(strings.ToUpper(e.ExternalID)) {
		p.add("external_id", isAnIDNumber) // it stands in clear
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
			e.remark("phone", isNotInThePlan)
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
	named := map[string]bool{}
	for i, s := range a.Sources {
		name := strings.TrimSpace(s.Name)
		if named[name] {
			p.add(fmt.Sprintf("award.sources[%d].name", i), isNamedTwice)
		}
		named[name] = true
		if s.AmountFen <= 0 {
			p.add(fmt.Sprintf("award.sources[%d].amount_fen", i), isNotPositive)
		}
		if strings.TrimSpace(s.Name) == "" {
			p.add(fmt.Sprintf("award.sources[%d].name", i), isRequired)
		}
		sum += s.AmountFen
	}
	for i, s := range a.Sources {
		if !slices.Contains(sourceLevels, s.Level) {
			p.add(fmt.Sprintf("award.sources[%d].level", i), isUnknown)
		}
	}
	for i, tag := range a.Tags {
		if !slices.Contains(programmeTags, tag) {
			p.add(fmt.Sprintf("award.tags[%d]", i), isUnknown)
		}
	}
	if len(a.Group) > 60 {
		p.add("award.group", isTooLong)
	}
	if len(a.Sources) > 0 && sum != a.TotalFen {
		p.add("award.sources", doesNotAddUp)
	}
}

// lookUp finds the village, the officer and the contacts by what the enrolment calls them.
func (l *Log) lookUp(ctx context.Context, tx txn, e *prepared, p *problems) error {
	var err error
	if e.village, err = findVillage(ctx, tx, e.Office, e.Village); err != nil {
		return err
	}
	if e.village.IsZero() {
		p.add("village", isUnknownVillage)
	}
	if e.Officer == "" && tx.by.Kind != Program { // a program answers for no household
		e.officer = tx.by.User
	}
	if e.officer.IsZero() {
		if e.officer, err = findOfficer(ctx, tx, e.Office, e.Officer); err != nil {
			return err
		}
		if e.officer.IsZero() {
			p.add("officer", isUnknownOfficer)
		}
	}
	if !e.Award.Case.IsZero() {
		var open bool
		err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM aid_cases WHERE id = $1 AND office_id = $2 AND state <> 'refused')", e.Award.Case, e.Office).Scan(&open)
		if err != nil {
			return fmt.Errorf("find case: %w", err)
		}
		if !open {
			p.add("award.case_id", isNoCase)
		}
	}
	if err := e.checkContact(ctx, tx, p, "primary_contact_id", e.Primary); err != nil {
		return err
	}
	if err := e.checkContact(ctx, tx, p, "backup_contact_id", e.Backup); err != nil {
		return err
	}
	return e.checkTopics(ctx, tx, p)
}

// findVillage finds a village of the office by name, the zero one where there is none.
func findVillage(ctx context.Context, tx txn, office OfficeID, name VillageName) (VillageID, error) {
	at := villageAt{office, name}
	if id, ok := tx.memory.villages[at]; ok {
		return id, nil
	}
	var id VillageID
	err := tx.QueryRow(ctx, "SELECT id FROM villages WHERE office_id = $1 AND township = $2 AND name = $3", office, name.Township, name.Name).Scan(&id)
	if none(err) {
		return id, nil
	}
	if err != nil {
		return id, fmt.Errorf("find village: %w", err)
	}
	tx.memory.villages[at] = id
	return id, nil
}

// findOfficer finds an officer of the office by login, the zero one where there is none.
func findOfficer(ctx context.Context, tx txn, office OfficeID, login string) (UserID, error) {
	at := officerAt{office, login}
	if id, ok := tx.memory.officers[at]; ok {
		return id, nil
	}
	var id UserID
	err := tx.QueryRow(ctx, `SELECT u.id FROM users u JOIN grants g ON g.user_id = u.id AND g.office_id = $1 AND g.role = 'officer'
		WHERE u.login = lower($2) AND u.state = 'active'`, office, login).Scan(&id)
	if none(err) {
		return id, nil
	}
	if err != nil {
		return id, fmt.Errorf("find officer: %w", err)
	}
	tx.memory.officers[at] = id
	return id, nil
}

func (e *prepared) checkContact(ctx context.Context, tx txn, p *problems, field string, contact ContactID) error {
	if contact.IsZero() {
		return nil
	}
	at := servedBy{e.Office, contact, e.village}
	if tx.memory.serving[at] {
		return nil
	}
	var serves bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM contact_villages WHERE contact_id = c.id AND village_id = $3)
		FROM village_contacts c WHERE c.id = $1 AND c.office_id = $2 AND c.state = 'active' AND c.phone_of IS NULL`, contact, e.Office, e.village).Scan(&serves)
	switch {
	case none(err):
		p.add(field, isUnknownContact)
	case err != nil:
		return fmt.Errorf("find contact: %w", err)
	case !serves && !e.village.IsZero():
		p.add(field, isWrongVillage)
	case serves:
		tx.memory.serving[at] = true
	}
	return nil
}

// chooseTemplate is the rule of domain document 2: C for a child, K for the
// vulnerable, else G. H and R are only a person's choice.
func chooseTemplate(e Enrolment, today calendar.Date) string {
	vulnerable := func(fs []Flag) bool {
		return slices.ContainsFunc(fs, func(f Flag) bool { return f != "chronic_illness" })
	}
	if slices.Contains(e.Flags, "minor_victim") || isMinor(e.BornOn, today) {
		return "C"
	}
	if vulnerable(e.Flags) {
		return "K"
	}
	return "G"
}

var (
	sourceLevels  = []string{"", "county", "city", "province", "nation", "outside"}
	programmeTags = []string{"rural_revitalisation", "women", "minors", "disabled", "veterans", "petition"}
)
