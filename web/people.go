package web

import (
	"net/http"

	"aftercare/carelog"
)

// peoplePage is the people whose accounts the reader handles.
type peoplePage struct {
	People []person
	After  string
	Ticket *carelog.Ticket // just issued: shown this once
}

// person is one of them, with the form that ends their service.
type person struct {
	carelog.Staff
	Self    bool
	Dismiss *form
}

func (s *console) people(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	return s.showPeople(w, r, by, http.StatusOK, peoplePage{}, nil)
}

// showPeople lists people; wrong is the form of somebody that was refused.
func (s *console) showPeople(w http.ResponseWriter, r *http.Request, by carelog.Actor, status int, p peoplePage, wrong *form) error {
	wanted, err := carelog.PageAfter(r.URL.Query().Get("after"), pageLength)
	if err != nil {
		return errNoPage
	}
	staff, err := s.Log.StaffOf(r.Context(), by, wanted)
	if err != nil {
		return err
	}
	for _, one := range staff {
		f := newForm("dismiss-"+one.ID.String(), nil)
		if wrong != nil && wrong.ID == f.ID {
			f = wrong
		}
		p.People = append(p.People, person{Staff: one, Self: one.ID == by.User, Dismiss: f})
	}
	if len(staff) == pageLength {
		p.After = staff[pageLength-1].ID.String()
	}
	s.show(w, r, &by, status, page{Name: "people", Data: p})
	return nil
}

// issueTicket shows a ticket once. A reload asks the browser whether to send it again.
func (s *console) issueTicket(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	var id carelog.UserID
	if err := idIn(r, &id); err != nil {
		return err
	}
	ticket, err := s.Log.IssueTicket(r.Context(), by, id, r.PostForm.Get("purpose"))
	if err != nil {
		return err
	}
	return s.showPeople(w, r, by, http.StatusOK, peoplePage{Ticket: &ticket}, nil)
}

func (s *console) unlock(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	var id carelog.UserID
	if err := idIn(r, &id); err != nil {
		return err
	}
	if err := s.Log.Unlock(r.Context(), by, id); err != nil {
		return err
	}
	return done(w, r, "/people", "unlocked")
}

// dismiss shuts somebody out who leaves and hands their plans on.
func (s *console) dismiss(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	var id carelog.UserID
	if err := idIn(r, &id); err != nil {
		return err
	}
	_, err := s.Log.DismissUser(r.Context(), by, carelog.Dismissal{User: id, Successor: r.PostForm.Get("successor")})
	if err == nil {
		return done(w, r, "/people", "dismissed")
	}
	f := newForm("dismiss-"+id.String(), r.PostForm)
	if err := f.refused(err); err != nil {
		return err
	}
	return s.showPeople(w, r, by, http.StatusUnprocessableEntity, peoplePage{}, f)
}
