package web

import (
	"net/http"

	"aftercare/carelog"
)

// signInPage is what the sign-in page shows.
type signInPage struct {
	*form
	SSO bool
}

func (s *console) signInPage(w http.ResponseWriter, r *http.Request) {
	s.showSignIn(w, r, http.StatusOK, newForm("signin", nil))
}

func (s *console) showSignIn(w http.ResponseWriter, r *http.Request, status int, f *form) {
	s.show(w, r, nil, status, page{Name: "signin", Data: signInPage{f, s.SSO.on()}})
}

// signIn trades a login and password for a session, or for one that asks for more.
func (s *console) signIn(w http.ResponseWriter, r *http.Request) {
	if err := readForm(w, r); err != nil {
		s.showError(w, r, nil, http.StatusBadRequest, "error.form")
		return
	}
	attempt := carelog.Attempt{Login: r.PostForm.Get("login"), Password: r.PostForm.Get("password")}
	if s.Address != nil {
		attempt.Address = s.Address(r)
	}
	opened, err := s.Log.SignIn(r.Context(), attempt)
	if carelog.KindOf(err) == carelog.Unauthorized {
		f := newForm("signin", nil) // without what was typed: a password lands in the wrong field easily
		f.add("login", s.words.text("signin.refused"))
		s.showSignIn(w, r, http.StatusUnauthorized, f)
		return
	}
	if err != nil {
		s.fail(w, r, nil, err)
		return
	}
	s.enter(w, r, opened)
}

// enter takes a session into the browser and goes on.
func (s *console) enter(w http.ResponseWriter, r *http.Request, opened carelog.Session) {
	s.setSession(w, opened)
	http.Redirect(w, r, s.onward(r, opened), http.StatusSeeOther)
}

// onward is where a new session goes on: to its account while its owner is to be told
// who had a ticket made for it, else to the work. Not to know is no reason to turn
// somebody away: their account shows the same.
func (s *console) onward(r *http.Request, opened carelog.Session) string {
	if opened.Awaits == "" {
		by, err := s.Log.AuthenticateSession(r.Context(), opened.Secret)
		if err == nil {
			var tickets []carelog.HandedTicket
			if tickets, err = s.Log.OwnTickets(r.Context(), by); err == nil && len(tickets) > 0 {
				return "/account"
			}
		}
		if err != nil && r.Context().Err() == nil {
			s.Slog.ErrorContext(r.Context(), "look for tickets after signing in", "error", err)
		}
	}
	return wayOn[opened.Awaits]
}

// whoeverIsHere is who is signed in at this browser; the zero Actor when nobody is.
func (s *console) whoeverIsHere(r *http.Request) carelog.Actor {
	cookie, err := r.Cookie(s.cookieName(sessionCookie))
	if err != nil {
		return carelog.Actor{}
	}
	by, err := s.Log.AuthenticateSession(r.Context(), cookie.Value)
	if err != nil {
		return carelog.Actor{}
	}
	return by
}

func (s *console) codePage(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	s.show(w, r, &by, http.StatusOK, page{Name: "code", Data: newForm("code", nil)})
	return nil
}

// confirmCode takes the second factor's code, a recovery code or a ticket.
func (s *console) confirmCode(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	opened, err := s.Log.ConfirmSecondFactor(r.Context(), by, r.PostForm.Get("code"))
	if carelog.KindOf(err) == carelog.Unauthorized {
		f := newForm("code", nil)
		f.add("code", s.words.text("code.refused"))
		s.show(w, r, &by, http.StatusUnauthorized, page{Name: "code", Data: f})
		return nil
	}
	if err != nil {
		return err
	}
	s.enter(w, r, opened)
	return nil
}

func (s *console) setUpPage(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, nil, http.StatusOK, page{Name: "setup", Data: newForm("setup", nil)})
}

// setUp takes a ticket and the password its owner chose.
func (s *console) setUp(w http.ResponseWriter, r *http.Request) {
	if err := readForm(w, r); err != nil {
		s.showError(w, r, nil, http.StatusBadRequest, "error.form")
		return
	}
	f, status := newForm("setup", nil), http.StatusUnprocessableEntity
	var err error
	if s.typedTwice(f, r); len(f.Problems) == 0 {
		err = s.Log.SetPassword(r.Context(), s.whoeverIsHere(r), r.PostForm.Get("ticket"), r.PostForm.Get("new_password"))
		if err == nil {
			http.Redirect(w, r, "/signin", http.StatusSeeOther)
			return
		}
	}
	if carelog.KindOf(err) == carelog.Unauthorized {
		f.add("ticket", s.words.text("setup.refused"))
		status = http.StatusUnauthorized
	} else if err = f.refused(err); err != nil {
		s.fail(w, r, nil, err)
		return
	}
	s.show(w, r, nil, status, page{Name: "setup", Data: f})
}

// typedTwice tells of two passwords that are not one.
func (s *console) typedTwice(f *form, r *http.Request) {
	if r.PostForm.Get("new_password") != r.PostForm.Get("repeat") {
		f.add("repeat", s.words.text("setup.differs"))
	}
}

func (s *console) signOut(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	if err := s.Log.SignOut(r.Context(), by); err != nil {
		return err
	}
	s.setSession(w, carelog.Session{})
	http.Redirect(w, r, "/signin", http.StatusSeeOther)
	return nil
}
