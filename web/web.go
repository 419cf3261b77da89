// Package web is the door for people: a console rendered on the server, Chinese
// first, readable on a phone in a village and at a desk. Everything works
// without a script, and everything it shows is embedded.
package web

import (
	"context"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"aftercare/carelog"
)

// Handsets is the demo's simulated phones.
type Handsets interface {
	// Messages is what a phone shows, oldest first.
	Messages(number string) []HandsetMessage
	// Reply sends a text from a phone; it travels as a signed webhook. The error
	// says why it did not arrive, and holds no number and no text.
	Reply(ctx context.Context, from, text string) error
}

// HandsetMessage is one text as a simulated phone shows it.
type HandsetMessage struct {
	Incoming bool // arrived at this phone
	At       time.Time
	Text     string
	State    string // delivery of an incoming one: queued, sent, delivered, undelivered, failed
}

// Handset says who owns a simulated phone.
type Handset struct {
	Number string
	Label  string // Chinese, such as 村联系人 赵某(柿岭村)
}

// Config is what the console works with.
type Config struct {
	Log           *carelog.Log
	Handsets      Handsets      // nil outside the demo: there is no phones page then
	HandsetLabels []Handset     // the phones to show, in this order
	Secure        bool          // the public address is https: cookies travel only there
	Banner        func() string // a line above every page, such as the demo's clock; nil: none
	Slog          *slog.Logger  // nil: the default logger

	// Wait is how long the caller of a request has to wait before it is let in; nil: nobody waits.
	Wait    func(*http.Request) time.Duration
	SSO     SSO                        // single sign-on; empty: none
	Address func(*http.Request) string // where a request came from; nil, or "": not known
}

// console is the Config with everything read and parsed once.
type console struct {
	Config
	words  *catalogue
	pages  pages
	assets assets

	provider provider
}

// Handler serves the console: / and everything below it that the API does not
// own. Requests that change something are refused when they come from another
// site. It panics only when an embedded file is broken, which a test excludes.
func Handler(c Config) http.Handler {
	if c.Slog == nil {
		c.Slog = slog.Default()
	}
	words := newCatalogue()
	files := newAssets()
	s := &console{Config: c, words: words, assets: files, pages: newPages(words, files)}
	mux := http.NewServeMux()
	s.routes(mux)
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.showError(w, r, nil, http.StatusForbidden, "error.origin")
	}))
	return secured(s.unhurried(guard.Handler(mux)))
}

// router is what routes are told to: the mux, or a test that looks them over.
type router interface {
	Handle(pattern string, handler http.Handler)
	HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request))
}

// routes is the one list of what the console answers.
func (s *console) routes(mux router) {
	mux.HandleFunc("GET /assets/{name}", s.asset)
	mux.HandleFunc("GET /signin", s.signInPage)
	mux.HandleFunc("POST /signin", s.signIn)
	mux.Handle("GET /signin/code", s.awaiting(s.codePage, carelog.AwaitsSecondFactor))
	mux.Handle("POST /signin/code", s.awaiting(s.confirmCode, carelog.AwaitsSecondFactor))
	mux.HandleFunc("GET /setup", s.setUpPage)
	mux.HandleFunc("POST /setup", s.setUp)
	if s.SSO.on() {
		mux.HandleFunc("GET /signin/sso", s.beginSSO)
		mux.HandleFunc("GET "+ssoReturn, s.endSSO)
	}
	mux.Handle("POST /signout", s.awaiting(s.signOut, "", carelog.AwaitsSecondFactor, carelog.AwaitsEnrolment))
	mux.Handle("GET /account/second-factor", s.awaiting(s.secondFactor, "", carelog.AwaitsEnrolment))
	mux.Handle("POST /account/second-factor/begin", s.awaiting(s.beginFactor, "", carelog.AwaitsEnrolment))
	mux.Handle("GET /account/second-factor/picture", s.awaiting(s.factorPicture, "", carelog.AwaitsEnrolment))
	mux.Handle("POST /account/second-factor/confirm", s.awaiting(s.confirmFactor, "", carelog.AwaitsEnrolment))
	mux.Handle("GET /account", s.signedIn(s.account))
	mux.Handle("POST /account/password", s.signedIn(s.changePassword))
	mux.Handle("POST /account/sessions/{id}/end", s.signedIn(s.endSession))
	mux.Handle("GET /people", s.signedIn(s.people))
	mux.Handle("POST /people/{id}/ticket", s.signedIn(s.issueTicket))
	mux.Handle("POST /people/{id}/unlock", s.signedIn(s.unlock))
	mux.Handle("POST /people/{id}/dismiss", s.signedIn(s.dismiss))

	mux.Handle("GET /{$}", s.signedIn(s.today))
	mux.Handle("GET /recipients/{id}", s.signedIn(s.recipient))
	mux.Handle("POST /recipients/{id}/plan/start", s.signedIn(s.startPlan))
	mux.Handle("POST /recipients/{id}/plan/pause", s.signedIn(s.pausePlan))
	mux.Handle("POST /recipients/{id}/plan/close", s.signedIn(s.closePlan))
	mux.Handle("POST /recipients/{id}/plan/reject", s.signedIn(s.rejectClosing))
	mux.Handle("POST /recipients/{id}/plan/reopen", s.signedIn(s.reopenPlan))
	mux.Handle("GET /recipients/{id}/full", s.signedIn(s.fullFile))
	mux.Handle("POST /recipients/{id}/full", s.signedIn(s.unmask))
	mux.Handle("POST /recipients/{id}/openings", s.signedIn(s.askToOpen))
	mux.Handle("POST /recipients/{id}/openings/{opening}", s.signedIn(s.decideOpening))
	mux.Handle("GET /check-ins/{id}", s.signedIn(s.checkIn))
	mux.Handle("POST /check-ins/{id}/record", s.signedIn(s.recordCheckIn))
	mux.Handle("POST /check-ins/{id}/answer", s.signedIn(s.noteAnswer))
	mux.Handle("POST /check-ins/{id}/confirmation", s.signedIn(s.requestConfirmation))
	mux.Handle("POST /check-ins/{id}/reschedule", s.signedIn(s.rescheduleCheckIn))
	mux.Handle("GET /tasks", s.signedIn(s.tasks))
	mux.Handle("POST /tasks/{id}/resolve", s.signedIn(s.resolveTask))
	mux.Handle("GET /inbox", s.signedIn(s.inbox))
	mux.Handle("POST /inbox/{id}/settle", s.signedIn(s.settleReply))
	mux.Handle("GET /contacts", s.signedIn(s.contacts))
	mux.Handle("GET /statistics", s.signedIn(s.statistics))
	mux.Handle("GET /exports", s.signedIn(s.exports))
	mux.Handle("GET /exports/{list}", s.signedIn(s.exportList))
	mux.Handle("POST /exports/ledger", s.signedIn(s.exportLedger))
	if s.Handsets != nil {
		mux.Handle("GET /phones", s.signedIn(s.phones))
		mux.Handle("POST /phones/{position}/reply", s.signedIn(s.replyFromPhone))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.showError(w, r, nil, http.StatusNotFound, "error.404")
	})
}

// unhurried has a caller wait who asks too often.
func (s *console) unhurried(next http.Handler) http.Handler {
	if s.Wait == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wait := s.Wait(r); wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
			s.showError(w, r, nil, http.StatusTooManyRequests, "error.429")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// secured sets what every answer carries: nothing from elsewhere, nothing
// inline, never framed, never kept by a cache.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy",
			"default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
