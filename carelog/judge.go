package carelog

import (
	"context"
	"fmt"
	"time"

	"aftercare/carelog/calendar"
)

// answersADay is how many automatic answers a number gets; what requests it gets
// a day and in seven days stands with the office.
const answersADay = 2

// verdict is what is decided about a claimed message.
type verdict struct {
	dispatch  string // sending, planned (later), cancelled, expired, failed
	reason    string
	notBefore time.Time
	task      string // a task of this kind for a person
	instead   UserID // who is told in place of somebody on leave
	digest    bool   // it is told in the digest
}

// judge looks at a due message again: the row is the truth, not the plan made days ago.
func judge(c claim, now time.Time, cal *calendar.Calendar) verdict {
	switch {
	case c.erased: // before all that would be written into a file nobody can read
		return verdict{dispatch: "cancelled", reason: "whom it goes to, or is about, was erased"}
	case now.After(c.until(cal)):
		return verdict{dispatch: "expired", reason: "its time had passed: the deadline was " + c.deadline.In(calendar.Shanghai()).Format("2006-01-02 15:04")}
	case c.askState != "" && c.askState != "open":
		return verdict{dispatch: "cancelled", reason: "the request is settled"}
	case c.checkInState != "" && !isOpen(c.checkInState) && c.purpose != visitConfirmation: // what it asks is about what is done
		return verdict{dispatch: "cancelled", reason: "the check-in is " + c.checkInState}
	case c.reviewed:
		return verdict{dispatch: "cancelled", reason: "the review was taken up"}
	// A plan at rest is reminded of nothing. That an alert is open is no reminder, nor is its review.
	case c.priority != priorityRed && c.alert.IsZero() && c.review.IsZero() && c.planState != "" && c.planState != "active" && c.planState != "closing":
		return verdict{dispatch: "cancelled", reason: "the plan is " + c.planState}
	case !c.contact.IsZero() && c.barred:
		return verdict{dispatch: "cancelled", reason: notThroughTheVillage, task: "village_barred"}
	case (c.purpose == "village_request" || c.purpose == visitConfirmation) && !c.named:
		return verdict{dispatch: "cancelled", reason: "the contact is no longer named for this household"}
	case c.conflicted:
		return verdict{dispatch: "cancelled", reason: conflictNoted, task: "contact_conflict"}
	case !c.standIn.IsZero():
		return verdict{dispatch: "cancelled", reason: c.standInWhy, instead: c.standIn}
	case !c.reachable && !(c.purpose == "answer" && c.wording == "stop_ack"):
		return c.unreachable()
	case !c.contact.IsZero() && !c.fitsItsNumber():
		return c.wrongNumber()
	}
	if c.texting == textingOff {
		return deferTo(textingIsOff, windowFor(c.purpose, c.priority).next(now.Add(offAgain), cal))
	}
	if w := windowFor(c.purpose, c.priority); w.next(now, cal).After(now) {
		return deferTo("outside "+w.name, w.next(now, cal))
	}
	if c.budgeted() && c.staffTexts >= c.staffADay {
		return verdict{dispatch: "cancelled", reason: fmt.Sprintf("told in the digest: the person had %d texts today", c.staffTexts), digest: true}
	}
	if c.capLeft != nil && *c.capLeft <= 0 && !c.joins {
		wait := max(time.Duration(c.capWait*float64(time.Second)), time.Minute)
		return deferTo("the carrier lets no more texts through to this number for now", windowFor(c.purpose, c.priority).next(now.Add(wait), cal))
	}
	tomorrow := cal.NextWorkday(calendar.Of(now))
	switch {
	// After an outage the request and its repeat, or two reminders, are due at once.
	case c.priority == priorityRed: // at any hour, as often as it is said
	case c.saidToday && c.purpose == "village_request":
		return deferTo("the same was said today already", villageWindow.opens(cal.AddWorkdays(calendar.Of(now), villageRepeatAfter)))
	case c.saidToday:
		return deferTo("the same was said today already", windowFor(c.purpose, c.priority).opens(tomorrow))
	case c.purpose == "answer" && c.answers >= answersADay:
		return verdict{dispatch: "cancelled", reason: fmt.Sprintf("no more than %d automatic answers to a number a day", answersADay)}
	case c.toVillage() && !c.joins && c.today >= c.perDay:
		return deferTo(fmt.Sprintf("the number had %d texts today", c.today), villageWindow.opens(tomorrow))
	case c.toVillage() && !c.joins && c.week >= c.perWeek:
		return deferTo(fmt.Sprintf("the number had %d texts in seven days", c.week), villageWindow.opens(tomorrow))
	}
	return verdict{dispatch: "sending"}
}

// until is when a message's time is over. A deadline on a day that nobody works,
// because the working days changed after it was set, holds until the next working
// day's close: an escalation is not dropped because an office was closed. A text
// that names its due date is over with that date all the same.
func (c claim) until(cal *calendar.Calendar) time.Time {
	w, day := windowFor(c.purpose, c.priority), calendar.Of(c.deadline)
	if w.always || w.anyDay || day == c.due || cal.IsWorkday(day) {
		return c.deadline
	}
	return w.closes(cal.NextWorkday(day))
}

func deferTo(reason string, at time.Time) verdict {
	return verdict{dispatch: "planned", reason: reason, notBefore: at}
}

func (c claim) unreachable() verdict {
	if c.optedOut {
		return verdict{dispatch: "cancelled", reason: "the contact asked for no more texts", task: "contact_opted_out"}
	}
	return verdict{dispatch: "cancelled", reason: "the contact or officer cannot be texted", task: "contact_unreachable"}
}

// dismiss writes down why a claimed message does not go out now, and hands the
// work to a person where nobody else will do it. It answers with the dispatch the
// message ended in.
func (l *Log) dismiss(ctx context.Context, tx txn, c claim, v verdict) (string, error) {
	until := c.until(tx.cal(c.office))
	if c.purpose == visitConfirmation { // nobody's work: the sweep notes that nobody confirmed the visit
		if v.task = ""; v.dispatch == "failed" {
			v.dispatch = "cancelled"
		}
	}
	if v.dispatch == "planned" && v.notBefore.After(until) {
		v = verdict{dispatch: "expired", reason: v.reason + ", and the next open hour lies after its deadline"}
	}
	if v.dispatch == "planned" {
		if _, err := tx.Exec(ctx, "UPDATE messages SET deadline = $2 WHERE id = $1 AND deadline < $2", c.id, until); err != nil {
			return "", fmt.Errorf("keep message alive: %w", err)
		}
		return v.dispatch, putOff(ctx, tx, c.id, v.notBefore, v.reason)
	}
	_, err := tx.Exec(ctx, "UPDATE messages SET dispatch = $2, dispatch_reason = $3, dispatched_at = $4 WHERE id = $1", c.id, v.dispatch, v.reason, tx.now)
	if err != nil {
		return "", fmt.Errorf("dismiss message: %w", err)
	}
	// A supervisor nobody told in time is an escalation that stands still (P1).
	if v.dispatch == "failed" || v.dispatch == "expired" && c.purpose == "supervisor_notice" {
		v.task = "message_failed"
	}
	if !v.instead.IsZero() {
		return v.dispatch, l.tellInstead(ctx, tx, c, v)
	}
	if v.digest {
		return v.dispatch, l.fold(ctx, tx, c.folded(c.user))
	}
	if v.reason == topicBarred {
		if err := noteBarredTopic(ctx, tx, c); err != nil {
			return "", err
		}
	}
	if v.task != "" {
		if err := l.handToPerson(ctx, tx, c.ref(), v.task, v.reason); err != nil {
			return "", err
		}
	}
	if (v.dispatch == "failed" || v.dispatch == "expired") && c.purpose == "village_request" {
		if err := watchForSilence(ctx, tx, c.checkIn, tx.today()); err != nil {
			return "", err
		}
	}
	// An officer who cannot be texted has no substitute to plan for: the task says so.
	if v.task != "" && v.dispatch == "cancelled" && c.purpose == "village_request" {
		if err := l.planAnew(ctx, tx, c.checkIn); err != nil {
			return "", err
		}
	}
	if c.recipient.IsZero() || v.dispatch == "cancelled" {
		return v.dispatch, nil
	}
	tx.append(happening{recipient: c.recipient, kind: "message_" + v.dispatch, subject: anyID(c.id), details: map[string]any{
		"purpose": c.purpose, "reason": v.reason,
	}})
	return v.dispatch, nil
}

// putOff plans a message for later, and keeps why and every earlier why (P8).
func putOff(ctx context.Context, tx txn, id MessageID, until time.Time, why string) error {
	_, err := tx.Exec(ctx, `UPDATE messages SET dispatch = 'planned', not_before = $2, reason = $3, deferrals =
			CASE WHEN deferrals = '[]' THEN jsonb_build_array(jsonb_build_object('at', created_at, 'until', not_before, 'reason', reason)) ELSE deferrals END
			|| jsonb_build_object('at', $4::timestamptz, 'until', $2::timestamptz, 'reason', $3::text)
		WHERE id = $1`, id, until, why, tx.now)
	if err != nil {
		return fmt.Errorf("put message off: %w", err)
	}
	return nil
}

func (c claim) ref() messageRef {
	return messageRef{c.id, c.office, c.recipient, c.checkIn, c.contact, c.purpose, c.deadline, "planned", c.tries}
}
