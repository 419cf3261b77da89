package web

import (
	"bytes"
	"fmt"
	"image/png"
	"net/http"

	"github.com/pquerna/otp"

	"aftercare/carelog"
)

// accountPage is one's own account.
type accountPage struct {
	Login        string
	Sessions     []carelog.OpenSession
	This         carelog.SessionID
	SecondFactor bool
	Password     *form
	Tickets      []carelog.HandedTicket // somebody else had made for the account
}

func (s *console) account(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	return s.showAccount(w, r, by, http.StatusOK, newForm("password", nil))
}

func (s *console) showAccount(w http.ResponseWriter, r *http.Request, by carelog.Actor, status int, f *form) error {
	p := accountPage{Login: by.Login, This: by.Session, Password: f}
	var err error
	if p.Sessions, err = s.Log.Sessions(r.Context(), by); err != nil {
		return err
	}
	if p.SecondFactor, err = s.Log.HasSecondFactor(r.Context(), by); err != nil {
		return err
	}
	if p.Tickets, err = s.Log.OwnTickets(r.Context(), by); err != nil {
		return err
	}
	s.show(w, r, &by, status, page{Name: "account", Data: p})
	return nil
}

func (s *console) changePassword(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	f := newForm("password", nil)
	s.typedTwice(f, r)
	if len(f.Problems) == 0 {
		err := s.Log.ChangePassword(r.Context(), by, r.PostForm.Get("present_password"), r.PostForm.Get("new_password"))
		if err == nil {
			return done(w, r, "/account", "password")
		}
		if err := f.refused(err); err != nil {
			return err
		}
	}
	return s.showAccount(w, r, by, http.StatusUnprocessableEntity, f)
}

func (s *console) endSession(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	var id carelog.SessionID
	if err := idIn(r, &id); err != nil {
		return err
	}
	if err := s.Log.EndSession(r.Context(), by, id); err != nil {
		return err
	}
	return done(w, r, "/account", "sessionended")
}

// factorPage is the enrolment of a second factor.
type factorPage struct {
	*form
	Has     bool               // one is in force, and a code of it is asked for
	Pending *carelog.NewFactor // waits for its first code; nil: not begun
	Codes   []string           // recovery codes: it is done
}

func (s *console) secondFactor(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	return s.showFactor(w, r, by, http.StatusOK, newForm("factor", nil))
}

func (s *console) showFactor(w http.ResponseWriter, r *http.Request, by carelog.Actor, status int, f *form) error {
	p := factorPage{form: f}
	var err error
	if p.Has, err = s.Log.HasSecondFactor(r.Context(), by); err != nil {
		return err
	}
	pending, err := s.Log.PendingSecondFactor(r.Context(), by)
	if err == nil {
		p.Pending = &pending
	} else if carelog.KindOf(err) != carelog.NotFound {
		return err
	}
	s.show(w, r, &by, status, page{Name: "factor", Data: p})
	return nil
}

func (s *console) beginFactor(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	if _, err := s.Log.EnrolSecondFactor(r.Context(), by, r.PostForm.Get("code")); err != nil {
		return s.factorRefused(w, r, by, err)
	}
	http.Redirect(w, r, "/account/second-factor", http.StatusSeeOther)
	return nil
}

func (s *console) factorRefused(w http.ResponseWriter, r *http.Request, by carelog.Actor, err error) error {
	f := newForm("factor", nil)
	if err := f.refused(err); err != nil {
		return err
	}
	return s.showFactor(w, r, by, http.StatusUnprocessableEntity, f)
}

// confirmFactor puts the second factor in force and shows the recovery codes, this once.
func (s *console) confirmFactor(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	set, err := s.Log.ConfirmEnrolment(r.Context(), by, r.PostForm.Get("code"))
	if err != nil {
		return s.factorRefused(w, r, by, err)
	}
	s.setSession(w, set.Session)
	by.Awaits = ""
	s.show(w, r, &by, http.StatusOK, page{Name: "factor", Data: factorPage{form: newForm("factor", nil), Has: true, Codes: set.RecoveryCodes}})
	return nil
}

// factorPicture is the pending second factor as authenticators photograph it.
func (s *console) factorPicture(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	pending, err := s.Log.PendingSecondFactor(r.Context(), by)
	if err != nil {
		return err
	}
	key, err := otp.NewKeyFromURL(pending.URI)
	if err != nil {
		return fmt.Errorf("read the second factor's address: %w", err)
	}
	picture, err := key.Image(240, 240)
	if err != nil {
		return fmt.Errorf("draw the second factor: %w", err)
	}
	var body bytes.Buffer
	if err := png.Encode(&body, picture); err != nil {
		return fmt.Errorf("draw the second factor: %w", err)
	}
	w.Header().Set("Content-Type", "image/png")
	if _, err := body.WriteTo(w); err != nil {
		s.Slog.DebugContext(r.Context(), "the reader left", "error", err)
	}
	return nil
}
