package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

//go:embed templates
var templateFiles embed.FS

// pages is every page's template with the layout and the shared parts around it.
type pages map[string]*template.Template

var pageNames = []string{"signin", "code", "setup", "account", "factor", "people", "onward", "today", "recipient", "fullfile", "checkin", "tasks", "inbox", "contacts", "phones", "exports", "statistics", "error"}

func newPages(words *catalogue, files assets) pages {
	shared := template.Must(template.New("layout.html").Funcs(template.FuncMap{
		"t": words.text, "word": words.word, "say": words.say, "field": words.field,
		"day": words.day, "clock": clock, "asset": files.address, "amount": words.amount, "percent": percent, "rowname": words.rowName,
	}).ParseFS(templateFiles, "templates/layout.html", "templates/parts.html"))
	found := pages{}
	for _, name := range pageNames {
		found[name] = template.Must(template.Must(shared.Clone()).ParseFS(templateFiles, "templates/"+name+".html"))
	}
	return found
}

// page is one page to show. Its title is the catalogue's "title." + Name: no
// name of a person ever stands in a title.
type page struct {
	Name    string
	Refresh int    // seconds; 0: the page stays
	Onward  string // where the page goes by itself at once; empty: nowhere
	Data    any

	// What the layout adds.
	By     *carelog.Actor
	Banner string
	Did    string // what the reader has just done
	Phones bool
}

// show renders a page whole before the first byte leaves, so that a fault in a
// template is an error page and not half a page.
func (s *console) show(w http.ResponseWriter, r *http.Request, by *carelog.Actor, status int, p page) {
	p.By, p.Phones = by, s.Handsets != nil
	if s.Banner != nil {
		p.Banner = s.Banner()
	}
	if did := r.URL.Query().Get("did"); by != nil && s.words.has("did."+did) {
		p.Did = s.words.word("did", did)
	}
	var body bytes.Buffer
	if err := s.pages[p.Name].Execute(&body, p); err != nil {
		s.Slog.ErrorContext(r.Context(), "render page", "page", p.Name, "error", err)
		http.Error(w, s.words.text("error.500"), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if _, err := body.WriteTo(w); err != nil {
		s.Slog.DebugContext(r.Context(), "the reader left", "error", err)
	}
}

// Works tells the layout whether the reader works with files.
func (p page) Works() bool {
	return p.By != nil && p.By.Holds(carelog.ListWork)
}

// Counts and Exports tell the layout what else the reader may see.
func (p page) Counts() bool { return p.By.Holds(carelog.CountPlans) }

// Exports tells whether there is anything to take out.
func (p page) Exports() bool {
	return p.By.Holds(carelog.ListWork, carelog.ListContacts, carelog.ListPartners, carelog.SeeCases)
}

// Contacts tells the layout whether the reader sees the village contacts.
func (p page) Contacts() bool { return p.By.Holds(carelog.ListContacts) }

// In tells whether the reader is in: signed in, with nothing to do first.
func (p page) In() bool { return p.By != nil && p.By.Awaits == "" }

// Roles are the reader's roles, for the layout to name.
func (p page) Roles() []string {
	var held []string
	for _, role := range carelog.Roles() {
		if p.By.Has(role) {
			held = append(held, string(role))
		}
	}
	return held
}

// clock is an instant as people in China read it.
func clock(at any) (string, error) {
	switch at := at.(type) {
	case time.Time:
		return at.In(calendar.Shanghai()).Format("2006-01-02 15:04"), nil
	case *time.Time:
		if at == nil {
			return "", nil
		}
		return clock(*at)
	default:
		return "", fmt.Errorf("%T is no time", at)
	}
}

// idIn reads the id in the path.
func idIn[Of any](r *http.Request, id *carelog.ID[Of]) error {
	return parseID(r.PathValue("id"), id)
}

// parseID reads an id of an address. What is no id names nothing: not found.
func parseID[Of any](text string, id *carelog.ID[Of]) error {
	found, err := carelog.ParseID[Of](text)
	if err != nil || found.IsZero() {
		return errNoPage
	}
	*id = found
	return nil
}

// errNoPage answers an address that leads nowhere.
var errNoPage = &carelog.Error{Kind: carelog.NotFound, Message: "no such page"}

// done sends the reader on after a deed, so that a reload repeats nothing.
func done(w http.ResponseWriter, r *http.Request, path, did string) error {
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	http.Redirect(w, r, path+separator+"did="+did, http.StatusSeeOther)
	return nil
}
