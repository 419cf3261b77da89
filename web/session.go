package web

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"aftercare/carelog"
)

const (
	// maxBody holds the four long texts of a record at their limit, percent-encoded.
	maxBody = 256 << 10
	// maxOnce is more than the key of any form of ours.
	maxOnce = 64
)

// action is a page or a deed for somebody who signed in. What it returns is
// shown as an error page.
type action func(w http.ResponseWriter, r *http.Request, by carelog.Actor) error

// wayOn is where a session that awaits something goes on.
var wayOn = map[string]string{"": "/", carelog.AwaitsSecondFactor: "/signin/code", carelog.AwaitsEnrolment: "/account/second-factor"}

// signedIn finds out who asks, and sends those we do not know to the sign-in page,
// and those who have something to do first to where they do it.
func (s *console) signedIn(do action) http.Handler { return s.awaiting(do, "") }

// awaiting is signedIn for sessions that await one of the things named.
func (s *console) awaiting(do action, good ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var secret string
		if cookie, err := r.Cookie(s.cookieName(sessionCookie)); err == nil {
			secret = cookie.Value
		}
		by, err := s.Log.AuthenticateSession(r.Context(), secret)
		if carelog.KindOf(err) == carelog.Unauthorized {
			s.setSession(w, carelog.Session{})
			http.Redirect(w, r, "/signin", http.StatusSeeOther)
			return
		}
		if err != nil {
			s.fail(w, r, nil, err)
			return
		}
		if !slices.Contains(good, by.Awaits) {
			http.Redirect(w, r, wayOn[by.Awaits], http.StatusSeeOther)
			return
		}
		// Whoever awaits something holds nothing yet, and is where they do it.
		if by.Awaits == "" && !by.Holds(acts[r.Pattern]...) {
			s.fail(w, r, &by, &carelog.Error{Kind: carelog.Forbidden, Message: notForYou})
			return
		}
		if r.Method == http.MethodPost {
			if err := readForm(w, r); err != nil {
				s.showError(w, r, &by, http.StatusBadRequest, "error.form")
				return
			}
			by.RequestKey, by.RequestHash = onceOf(r)
		}
		if err := do(w, r, by); err != nil {
			s.fail(w, r, &by, err)
		}
	})
}

func readForm(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	return r.ParseForm()
}

// onceOf makes a form that is sent twice count once: its hidden key is the
// request key, everything in it tells a repeat from another request.
func onceOf(r *http.Request) (key string, hash []byte) {
	key = r.PostForm.Get("once")
	if key == "" || len(key) > maxOnce {
		return "", nil
	}
	sum := sha256.Sum256([]byte(r.URL.Path + "\n" + r.PostForm.Encode()))
	return key, sum[:]
}

const sessionCookie = "aftercare_session"

// cookieName binds a cookie to this very host where the browser can see to it.
func (s *console) cookieName(name string) string {
	if s.Secure {
		return "__Host-" + name
	}
	return name
}

// setSession sets the cookie by its age, because the demo's clock is not the
// browser's; one without a secret takes it away.
func (s *console) setSession(w http.ResponseWriter, opened carelog.Session) {
	age := int(opened.Lasts.Seconds())
	if opened.Secret == "" {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name: s.cookieName(sessionCookie), Value: opened.Secret, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteStrictMode,
	})
}

// statuses is how a kind of refusal is answered to people.
var statuses = map[carelog.Kind]int{
	carelog.Invalid: http.StatusUnprocessableEntity, carelog.NotFound: http.StatusNotFound, carelog.Forbidden: http.StatusForbidden,
	carelog.Conflict: http.StatusConflict, carelog.KeyReused: http.StatusConflict, carelog.Unauthorized: http.StatusUnauthorized,
}

// fail shows a refusal in the reader's words. What is not a refusal is logged,
// by the route and never by what was typed, and shown as one fixed sentence.
func (s *console) fail(w http.ResponseWriter, r *http.Request, by *carelog.Actor, err error) {
	var refusal *carelog.Error
	if !errors.As(err, &refusal) {
		if r.Context().Err() == nil {
			s.Slog.ErrorContext(r.Context(), "console page failed", "route", r.Pattern, "error", err)
		}
		s.showError(w, r, by, http.StatusInternalServerError, "error.500")
		return
	}
	status := statuses[refusal.Kind]
	key := fmt.Sprintf("error.%d", status)
	if refusal.Kind == carelog.KeyReused {
		key = "error.reused"
	}
	problem := errorPage{Status: status, Sentence: s.words.text(key)}
	if refusal.Kind == carelog.Forbidden || refusal.Kind == carelog.Conflict {
		problem.Detail = s.words.say(refusal.Message)
	}
	s.show(w, r, by, status, page{Name: "error", Data: problem})
}

// errorPage is what is told instead of a page.
type errorPage struct {
	Status   int
	Sentence string
	Detail   string
}

func (s *console) showError(w http.ResponseWriter, r *http.Request, by *carelog.Actor, status int, key string) {
	s.show(w, r, by, status, page{Name: "error", Data: errorPage{Status: status, Sentence: s.words.text(key)}})
}
