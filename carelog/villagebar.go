package carelog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"aftercare/carelog/calendar"
	"aftercare/carelog/schedule"
)

// A household may be barred from the village: no village contact is named for
// it, asked, answered or believed about it, and its village steps become phone
// calls of the officer. The rule is domain 2's template C ("never via general
// village contact in sexual-offence cases") and Minors Law art. 103. What bars:
//
//	the database   a barred plan names no contact (barred_plan_names_no_village_contact)
//	course, insertCheckIns  lay a phone call where the template asks the village
//	planAsk        turns a request to a contact into a reminder of the officer
//	judge          cancels a planned text to the village when it is claimed
//	openFor, answerFacts  leave the household's codes out of answers
//	findPart       leaves what a contact says about it to a person

// The codes of a bar. They say no more than that there is one: what happened
// stands sealed in the history.
const (
	barChildProtection = "child_protection"
	barSafety          = "safety"
	barConflict        = "conflict_of_interest"
	barAskedFor        = "household_asked"
)

var barCodes = []string{barChildProtection, barSafety, barConflict, barAskedFor}

// noVillage is what stands in place of a village step.
const noVillage = "电话回访（不经村里）"

// isBarred says that no village contact may be named.
var isBarred = reason{
	"may not be named: no village contact is ever asked about this household",
	"不得指定村联系人\uff1a这户的情况不经村里了解",
}

// sexualOffences are the words an offence is known by as sexual. A word too many
// costs a supervisor's decision, a word too few a child's peace.
var sexualOffences = []string{"奸", "猥亵", "性侵", "嫖宿", "卖淫", "性骚扰", "强制侮辱", "性虐待", "性剥削", "淫秽"}

// barredByLaw tells whether an enrolment bars its plan: a sexual offence, and a
// child in the household, or nobody who can be told to be an adult.
func (e Enrolment) barredByLaw(today calendar.Date) bool {
	flagged := func(f Flag) bool {
		return slices.Contains(e.Flags, f) || slices.ContainsFunc(e.Household, func(m Member) bool { return slices.Contains(m.Flags, f) })
	}
	sexual := flagged("sexual_offence") || slices.ContainsFunc(sexualOffences, func(word string) bool { return strings.Contains(e.Award.Offence, word) })
	if !sexual {
		return false
	}
	return e.BornOn.IsZero() || isMinor(e.BornOn, today) || flagged("minor_victim") ||
		slices.ContainsFunc(e.Household, func(m Member) bool { return isMinor(m.BornOn, today) })
}

// isMinor tells whether somebody is under eighteen (Minors Law art. 2); whose day of
// birth nobody knows is taken for none.
func isMinor(bornOn, today calendar.Date) bool { return !bornOn.IsZero() && bornOn.Age(today) < 18 }

// checkVillageBar refuses contacts of a household that is barred by law.
func (e *prepared) checkVillageBar(p *problems, today calendar.Date) {
	if !e.barredByLaw(today) {
		return
	}
	e.remark("village", isNeverAsked)
	for field, contact := range map[string]ContactID{"primary_contact_id": e.Primary, "backup_contact_id": e.Backup} {
		if !contact.IsZero() {
			p.add(field, isBarred)
		}
	}
}

// barByLaw bars the plan of an enrolment that the law bars, before it starts.
func (l *Log) barByLaw(ctx context.Context, tx txn, id PlanID, recipient RecipientID, e prepared) error {
	if !e.barredByLaw(tx.today()) {
		return nil
	}
	if err := setBar(ctx, tx, id, barChildProtection); err != nil {
		return err
	}
	tx.append(happening{recipient: recipient, kind: "village_barred", actor: System, subject: anyID(id), details: map[string]any{"bar": barChildProtection}})
	return nil
}

func setBar(ctx context.Context, tx txn, id PlanID, code string) error {
	_, err := tx.Exec(ctx, `UPDATE care_plans SET village_barred = true, village_bar_code = $2, primary_contact_id = NULL, backup_contact_id = NULL, updated_at = $3
		WHERE id = $1`, id, code, tx.now)
	if err != nil {
		return fmt.Errorf("bar the village: %w", err)
	}
	return nil
}

// BarVillage keeps a household from every village contact from now on: its
// contacts are taken off the plan, what was planned for them is cancelled and
// their open requests are closed, and its village steps become phone calls of
// the officer. Officers and supervisors of the office may; why is sealed.
// Refusals: Invalid, NotFound, Forbidden, Conflict when it is barred already.
func (l *Log) BarVillage(ctx context.Context, by Actor, id PlanID, code, why string) (Plan, error) {
	return write(ctx, l, by, func(tx txn) (Plan, error) {
		var probs problems
		if !slices.Contains(barCodes, code) {
			probs.add("code", isUnknown)
		}
		checkWhy(&probs, why)
		if err := probs.err(); err != nil {
			return Plan{}, err
		}
		p, err := l.lockPlan(ctx, tx, id)
		if err != nil {
			return Plan{}, err
		}
		switch {
		case !by.may(p.office, ManagePlan):
			return Plan{}, forbidden("only officers and supervisors of the office bar its households from the village")
		case p.villageBarred:
			return Plan{}, conflict("the household is barred from the village already")
		}
		if err := l.barVillage(ctx, tx, p, code); err != nil {
			return Plan{}, err
		}
		tx.append(happening{recipient: p.recipient, kind: "village_barred", subject: anyID(id), details: map[string]any{
			"bar": code, "reason": why, "primary_contact_id": p.primary, "backup_contact_id": p.backup,
		}})
		p, err = l.lockPlan(ctx, tx, id)
		return p.shown(), err
	})
}

// barVillage takes the village out of a plan that may have been running for long.
func (l *Log) barVillage(ctx context.Context, tx txn, p plan, code string) error {
	if err := setBar(ctx, tx, p.id, code); err != nil {
		return err
	}
	p.villageBarred = true
	ids, err := l.phoneInstead(ctx, tx, p)
	if err != nil {
		return err
	}
	if err := l.closeRequests(ctx, tx, p); err != nil {
		return err
	}
	causes := make([]string, len(ids))
	for i, id := range ids {
		causes[i] = "contact_missing:" + id.String()
	}
	if err := l.endTasks(ctx, tx, causes, "the household is barred from the village"); err != nil {
		return err
	}
	if p.state != "active" && p.state != "closing" {
		return nil
	}
	return l.planDueMessages(ctx, tx, p)
}

// phoneInstead makes the plan's open village check-ins phone calls. Those whose
// texts went to a contact are planned anew, to the officer.
func (l *Log) phoneInstead(ctx context.Context, tx txn, p plan) ([]CheckInID, error) {
	rows, err := tx.Query(ctx, `UPDATE check_ins c SET kind = 'phone', asks_village = false, title = $2, updated_at = $3,
			messages_planned = messages_planned AND EXISTS (SELECT FROM messages m WHERE m.check_in_id = c.id AND m.purpose = 'officer_reminder' AND m.dispatch <> 'cancelled')
		WHERE plan_id = $1 AND (state IN ('planned', 'overdue', 'missed') OR state = 'cancelled' AND reason = $4) AND (asks_village OR kind = 'village') RETURNING id`,
		p.id, noVillage, tx.now, whilePaused)
	if err != nil {
		return nil, fmt.Errorf("make village check-ins phone calls: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[CheckInID])
	if err != nil {
		return nil, fmt.Errorf("make village check-ins phone calls: %w", err)
	}
	return ids, nil
}

// closeRequests closes every open request to a contact about the plan and
// cancels every text to one that is still planned.
func (l *Log) closeRequests(ctx context.Context, tx txn, p plan) error {
	_, err := tx.Exec(ctx, `UPDATE messages SET dispatch = 'cancelled', dispatch_reason = $2, dispatched_at = $3
		WHERE recipient_id = $1 AND contact_id IS NOT NULL AND dispatch = 'planned'`, p.recipient, notThroughTheVillage, tx.now)
	if err != nil {
		return fmt.Errorf("cancel requests: %w", err)
	}
	_, err = tx.Exec(ctx, `WITH settled AS (
			UPDATE asks SET state = 'closed', reason = $2, closed_at = $3 WHERE recipient_id = $1 AND contact_id IS NOT NULL AND state = 'open' RETURNING id)
		UPDATE task_codes SET free_from = $4 FROM settled WHERE ask_id = settled.id AND free_from IS NULL`,
		p.recipient, notThroughTheVillage, tx.now, tx.now.Add(codeRest))
	if err != nil {
		return fmt.Errorf("close requests: %w", err)
	}
	return nil
}

// notThroughTheVillage is why a text to the village does not go out.
const notThroughTheVillage = "no village contact is asked about this household"

// LiftBar lets village contacts be named for the household again. It names none:
// a person does. A supervisor of the office may, with a reason, which is sealed.
func (l *Log) LiftBar(ctx context.Context, by Actor, id PlanID, why string) (Plan, error) {
	return write(ctx, l, by, func(tx txn) (Plan, error) {
		var probs problems
		checkWhy(&probs, why)
		if err := probs.err(); err != nil {
			return Plan{}, err
		}
		p, err := l.lockPlan(ctx, tx, id)
		if err != nil {
			return Plan{}, err
		}
		switch {
		case !by.may(p.office, LiftBar):
			return Plan{}, forbidden("only a supervisor of the office lets the village be asked again")
		case !p.villageBarred:
			return Plan{}, conflict("the household is not barred from the village")
		}
		_, err = tx.Exec(ctx, "UPDATE care_plans SET village_barred = false, village_bar_code = '', updated_at = $2 WHERE id = $1", id, tx.now)
		if err != nil {
			return Plan{}, fmt.Errorf("lift the bar: %w", err)
		}
		tx.append(happening{recipient: p.recipient, kind: "village_bar_lifted", subject: anyID(id), details: map[string]any{"reason": why}})
		p, err = l.lockPlan(ctx, tx, id)
		return p.shown(), err
	})
}

// checkWhy asks for a reason in words.
func checkWhy(p *problems, why string) {
	switch {
	case strings.TrimSpace(why) == "":
		p.add("reason", isRequired)
	case len(why) > 8000:
		p.add("reason", isTooLong)
	}
}

// aroundTheVillage is a template as the plan may follow it: where the household is
// barred from the village, each step that would ask it is a phone call.
func (p plan) aroundTheVillage(t schedule.Template) schedule.Template {
	if !p.villageBarred {
		return t
	}
	t.Steps = slices.Clone(t.Steps) // a template is shared by its plans
	for i, s := range t.Steps {
		if s.AsksVillage || s.Kind == schedule.Village {
			t.Steps[i].Kind, t.Steps[i].AsksVillage, t.Steps[i].Title = schedule.Phone, false, noVillage
		}
	}
	return t
}

// afterBar keeps an occasion from asking the village whichever way it came to be laid.
func (p plan) afterBar(o schedule.Occurrence) schedule.Occurrence {
	if p.villageBarred && (o.AsksVillage || o.Kind == schedule.Village) {
		o.Kind, o.AsksVillage, o.Title = schedule.Phone, false, noVillage
	}
	return o
}

// askAround is the last look before a request to a contact is planned,
// whoever asks for it: about a barred household the officer is reminded instead.
func (l *Log) askAround(ctx context.Context, tx txn, a newAsk, slots []slot) (newAsk, []slot, error) {
	if a.contact.IsZero() {
		return a, slots, nil
	}
	var barred bool
	var officer UserID
	err := tx.QueryRow(ctx, "SELECT village_barred, officer_id FROM care_plans WHERE recipient_id = $1 ORDER BY state = 'closed', id DESC LIMIT 1", a.recipient).Scan(&barred, &officer)
	if err != nil && !none(err) {
		return a, nil, fmt.Errorf("look whether the village may be asked: %w", err)
	}
	why := notThroughTheVillage
	if !barred {
		if barred, err = hasConflict(ctx, tx, a.contact, a.recipient); err != nil || !barred {
			return a, slots, err
		}
		why = conflictNoted
	}
	a.contact, a.user, a.purpose = ContactID{}, officer, "officer_reminder"
	slots = slices.Clone(slots)
	for i, s := range slots {
		at := officerWindow.next(later(s.notBefore, tx.now), tx.cal(a.office))
		slots[i] = slot{"officer_due", at, later(s.deadline, officerWindow.closes(calendar.Of(at))), why + ": the officer phones"}
	}
	return a, slots, nil
}

// barredFrom tells whether the household a request was about is barred from the
// village by now, or from the contact who was asked. The plan is locked: who bars it waits, or is waited for.
func barredFrom(ctx context.Context, tx txn, t target) (bool, error) {
	if t.contact.IsZero() || t.recipient.IsZero() {
		return false, nil
	}
	var barred bool
	err := tx.QueryRow(ctx, "SELECT village_barred OR "+conflicted("$2", "recipient_id")+" FROM care_plans WHERE recipient_id = $1 ORDER BY state = 'closed', id DESC LIMIT 1 FOR NO KEY UPDATE",
		t.recipient, t.contact).Scan(&barred)
	if err != nil && !none(err) {
		return false, fmt.Errorf("look whether the village may be asked: %w", err)
	}
	return barred, nil
}
