package web

import (
	"net/http"
	"slices"
	"strconv"
	"unicode/utf8"

	"aftercare/carelog"
)

const (
	bubbles      = 50  // the last texts a phone shows
	replyLength  = 500 // characters a reply may have
	refreshEvery = 3   // seconds
)

// phonePage is the demo's simulated phones.
type phonePage struct {
	Phones []phone
	Auto   bool
}

// phone is one simulated phone. Position stands for its number in addresses.
type phone struct {
	Position int
	Label    string
	Ending   string
	Messages []HandsetMessage // newest first: the page turns them round, so that it opens at the end
	Reply    *form
}

// phones shows what the phones received and said. With ?auto=1 the page comes
// again by itself, which would empty a reply that is being typed: so only then.
func (s *console) phones(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	s.showPhones(w, r, by, http.StatusOK, -1, nil)
	return nil
}

func (s *console) showPhones(w http.ResponseWriter, r *http.Request, by carelog.Actor, status, wrong int, typed *form) {
	shown := phonePage{Auto: r.Method == http.MethodGet && r.URL.Query().Get("auto") == "1"}
	for i, handset := range s.HandsetLabels {
		messages := slices.Clone(s.Handsets.Messages(handset.Number))
		slices.Reverse(messages)
		p := phone{
			Position: i, Label: handset.Label, Ending: handset.Number[max(len(handset.Number)-4, 0):],
			Messages: messages[:min(len(messages), bubbles)], Reply: newForm("p"+strconv.Itoa(i), nil),
		}
		if i == wrong {
			p.Reply = typed
		}
		shown.Phones = append(shown.Phones, p)
	}
	p := page{Name: "phones", Data: shown}
	if shown.Auto {
		p.Refresh = refreshEvery
	}
	s.show(w, r, &by, status, p)
}

// replyFromPhone sends what was typed on a simulated phone, by way of the
// webhook, as a real one would.
func (s *console) replyFromPhone(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	position, err := strconv.Atoi(r.PathValue("position"))
	if err != nil || position < 0 || position >= len(s.HandsetLabels) {
		return errNoPage
	}
	typed := newForm("p"+strconv.Itoa(position), r.PostForm)
	text := typedText(typed, "text")
	switch {
	case text == "":
		typed.add("text", s.words.text("form.required"))
	case utf8.RuneCountInString(text) > replyLength:
		typed.add("text", s.words.text("form.long", replyLength))
	default:
		if err := s.Handsets.Reply(r.Context(), s.HandsetLabels[position].Number, text); err != nil {
			s.Slog.WarnContext(r.Context(), "a simulated reply did not arrive", "error", err)
			typed.add("text", s.words.text("phones.undelivered"))
		}
	}
	if len(typed.Problems) > 0 {
		s.showPhones(w, r, by, http.StatusUnprocessableEntity, position, typed)
		return nil
	}
	return done(w, r, "/phones", "replied")
}
