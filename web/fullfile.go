package web

import (
	"net/http"
	"strconv"

	"aftercare/carelog"
)

// purposes are what a file may be shown in full for, in the order people need them.
var purposes = []string{"phone_call", "home_visit", "referral", "identity_check", "complaint", "other"}

// fullFilePage asks why somebody wants to see a file in full, shows it once, and
// lists who was given leave for a minor's.
type fullFilePage struct {
	ID         carelog.RecipientID
	MaskedName string
	Full       *carelog.FullFile // what was just shown; nil: nothing yet
	Purposes   []string
	Openings   []openingLine
	Show, Ask  *form
}

type openingLine struct {
	carelog.Opening
	Mine  bool // who asks decides nothing about it
	Waits bool
	Form  *form
}

func (s *console) fullFile(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	shown, err := newFullFilePage(r)
	if err != nil {
		return err
	}
	return s.showFullFile(w, r, by, http.StatusOK, shown)
}

func newFullFilePage(r *http.Request) (fullFilePage, error) {
	shown := fullFilePage{Purposes: purposes, Show: newForm("show", nil), Ask: newForm("ask", nil)}
	return shown, idIn(r, &shown.ID)
}

func (s *console) showFullFile(w http.ResponseWriter, r *http.Request, by carelog.Actor, status int, shown fullFilePage) error {
	plan, err := s.Log.PlanOf(r.Context(), by, shown.ID)
	if err != nil {
		return err
	}
	shown.MaskedName = plan.MaskedName
	openings, err := s.Log.Openings(r.Context(), by, shown.ID)
	if err != nil {
		return err
	}
	for _, o := range openings {
		shown.Openings = append(shown.Openings, openingLine{
			Opening: o, Mine: o.User == by.User, Waits: o.DecidedAt == nil, Form: newForm("o-"+o.ID.String(), nil),
		})
	}
	s.show(w, r, &by, status, page{Name: "fullfile", Data: shown})
	return nil
}

// unmask shows the file in full as the answer itself: going back and forth in the
// browser asks for the purpose again, and no cache keeps it.
func (s *console) unmask(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	shown, err := newFullFilePage(r)
	if err != nil {
		return err
	}
	shown.Show = newForm("show", r.PostForm)
	full, err := s.Log.Unmask(r.Context(), by, carelog.Unmasking{
		Recipient: shown.ID, Purpose: shown.Show.Value("purpose"), Reason: typedText(shown.Show, "reason"), Emergency: shown.Show.Value("emergency") != "",
	})
	if err != nil {
		if err := shown.Show.refused(err); err != nil {
			return err
		}
		return s.showFullFile(w, r, by, http.StatusUnprocessableEntity, shown)
	}
	shown.Full, shown.Show = &full, newForm("show", nil)
	return s.showFullFile(w, r, by, http.StatusOK, shown)
}

func (s *console) askToOpen(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	shown, err := newFullFilePage(r)
	if err != nil {
		return err
	}
	shown.Ask = newForm("ask", r.PostForm)
	days, _ := strconv.Atoi(shown.Ask.Value("days")) // none is refused with its field
	if _, err := s.Log.AskToOpen(r.Context(), by, shown.ID, days, typedText(shown.Ask, "reason")); err != nil {
		if err := shown.Ask.refused(err); err != nil {
			return err
		}
		return s.showFullFile(w, r, by, http.StatusUnprocessableEntity, shown)
	}
	return done(w, r, "/recipients/"+shown.ID.String()+"/full", "asked")
}

// decideOpening gives or refuses leave; the button says which.
func (s *console) decideOpening(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	shown, err := newFullFilePage(r)
	if err != nil {
		return err
	}
	var opening carelog.OpeningID
	if err := parseID(r.PathValue("opening"), &opening); err != nil {
		return err
	}
	typed := newForm("o-"+opening.String(), r.PostForm)
	err = s.Log.DecideOpening(r.Context(), by, opening, typed.Value("decision") == "approve", typedText(typed, "reason"))
	if err != nil {
		if err := typed.refused(err); err != nil {
			return err
		}
		shown.Ask.Problems = typed.Problems
		return s.showFullFile(w, r, by, http.StatusUnprocessableEntity, shown)
	}
	return done(w, r, "/recipients/"+shown.ID.String()+"/full", "decided")
}
