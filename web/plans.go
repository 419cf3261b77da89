package web

import (
	"context"
	"net/http"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

func (s *console) startPlan(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	var shown recipientPage
	if err := idIn(r, &shown.ID); err != nil {
		return err
	}
	plan, err := s.Log.PlanOf(r.Context(), by, shown.ID)
	if err != nil {
		return err
	}
	if _, err := s.Log.StartPlan(r.Context(), by, plan.ID); err != nil {
		return err
	}
	return done(w, r, "/recipients/"+shown.ID.String(), "started")
}

func (s *console) pausePlan(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	var shown recipientPage
	if err := idIn(r, &shown.ID); err != nil {
		return err
	}
	shown.plainForms()
	shown.Pause = newForm("pause", r.PostForm)
	reviewOn := s.date(shown.Pause, "review_on")
	if len(shown.Pause.Problems) > 0 {
		return s.showRecipient(w, r, by, http.StatusUnprocessableEntity, shown)
	}
	plan, err := s.Log.PlanOf(r.Context(), by, shown.ID)
	if err != nil {
		return err
	}
	if _, err := s.Log.PausePlan(r.Context(), by, plan.ID, reviewOn, shown.Pause.Value("reason")); err != nil {
		if err := shown.Pause.refused(err); err != nil {
			return err
		}
		return s.showRecipient(w, r, by, http.StatusUnprocessableEntity, shown)
	}
	return done(w, r, "/recipients/"+shown.ID.String(), "paused")
}

// closePlan proposes the closing of a running plan, or approves one that is
// proposed. The form says which of the two its reader saw, so that nobody
// approves what was proposed while they were reading.
func (s *console) closePlan(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	var shown recipientPage
	if err := idIn(r, &shown.ID); err != nil {
		return err
	}
	shown.plainForms()
	shown.Close = newForm("close", r.PostForm)
	plan, err := s.Log.PlanOf(r.Context(), by, shown.ID)
	if err != nil {
		return err
	}
	if shown.Close.Value("seen") != plan.State {
		return &carelog.Error{Kind: carelog.Conflict, Message: "the plan has changed since the page was shown"}
	}
	closed, err := s.Log.ClosePlan(r.Context(), by, plan.ID, shown.Close.Value("reason"))
	if err != nil {
		if err := shown.Close.refused(err); err != nil {
			return err
		}
		return s.showRecipient(w, r, by, http.StatusUnprocessableEntity, shown)
	}
	return done(w, r, "/recipients/"+shown.ID.String(), closed.State)
}

func (s *console) rejectClosing(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	return s.decidePlan(w, r, by, decision{"rejected", func(p *recipientPage) **form { return &p.Reject }, s.Log.RejectClosing})
}

func (s *console) reopenPlan(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	return s.decidePlan(w, r, by, decision{"reopened", func(p *recipientPage) **form { return &p.Reopen }, s.Log.ReopenPlan})
}

// decision is a verb about a plan that takes a reason and nothing else: the deed
// it is told as, where its form stands, and the verb.
type decision struct {
	did  string
	form func(*recipientPage) **form
	verb func(context.Context, carelog.Actor, carelog.PlanID, string) (carelog.Plan, error)
}

func (s *console) decidePlan(w http.ResponseWriter, r *http.Request, by carelog.Actor, d decision) error {
	var shown recipientPage
	if err := idIn(r, &shown.ID); err != nil {
		return err
	}
	shown.plainForms()
	typed := newForm((*d.form(&shown)).ID, r.PostForm)
	*d.form(&shown) = typed
	plan, err := s.Log.PlanOf(r.Context(), by, shown.ID)
	if err != nil {
		return err
	}
	if _, err := d.verb(r.Context(), by, plan.ID, typed.Value("reason")); err != nil {
		if err := typed.refused(err); err != nil {
			return err
		}
		return s.showRecipient(w, r, by, http.StatusUnprocessableEntity, shown)
	}
	return done(w, r, "/recipients/"+shown.ID.String(), d.did)
}

// date reads a date field; an empty one is no date.
func (s *console) date(f *form, name string) calendar.Date {
	text := f.Value(name)
	if text == "" {
		return calendar.Date{}
	}
	d, err := calendar.Parse(text)
	if err != nil {
		f.add(name, s.words.text("form.date"))
	}
	return d
}
