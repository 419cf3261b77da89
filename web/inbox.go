package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"aftercare/carelog"
)

// inboxPage is the replies that wait for a person, oldest first.
type inboxPage struct {
	Waiting []waitingLine
	After   string // the id to go on with; empty: all are shown
	Digits  []string
}

type waitingLine struct {
	carelog.WaitingReply
	Late  bool
	Files []carelog.Suggestion // each household once: where its words can be noted
	Form  *form
}

var settledDigits = append(answers[:len(answers):len(answers)], "4")

func (s *console) inbox(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	return s.showInbox(w, r, by, http.StatusOK, carelog.InboundID{}, nil)
}

// showInbox lists what waits. The reply of wrong shows its form as it was typed.
func (s *console) showInbox(w http.ResponseWriter, r *http.Request, by carelog.Actor, status int, wrong carelog.InboundID, typed *form) error {
	wanted, err := carelog.PageAfter(r.URL.Query().Get("after"), pageLength)
	if err != nil {
		return errNoPage
	}
	found, err := s.Log.Inbox(r.Context(), by, wanted)
	if err != nil {
		return err
	}
	shown := inboxPage{Digits: settledDigits}
	for _, waiting := range found {
		line := newWaitingLine(waiting, s.Log.Now())
		if waiting.ID == wrong {
			line.Form = typed
		}
		shown.Waiting = append(shown.Waiting, line)
	}
	if len(found) == pageLength {
		shown.After = found[pageLength-1].ID.String()
	}
	s.show(w, r, &by, status, page{Name: "inbox", Data: shown})
	return nil
}

func newWaitingLine(waiting carelog.WaitingReply, now time.Time) waitingLine {
	line := waitingLine{WaitingReply: waiting, Form: newForm("r-"+waiting.ID.String(), nil)}
	line.Late = waiting.ActBy != nil && waiting.ActBy.Before(now)
	seen := map[carelog.RecipientID]bool{}
	for _, file := range append(waiting.Suggestions, carelog.Suggestion{
		Recipient: waiting.Recipient, MaskedName: waiting.MaskedName, Township: waiting.Township, Village: waiting.Village,
	}) {
		if !file.Recipient.IsZero() && !seen[file.Recipient] {
			seen[file.Recipient] = true
			line.Files = append(line.Files, file)
		}
	}
	return line
}

// settleReply ends the waiting of a reply by the choice that was made.
func (s *console) settleReply(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	var id carelog.InboundID
	if err := idIn(r, &id); err != nil {
		return err
	}
	typed := newForm("r-"+id.String(), r.PostForm)
	settlement, err := chosen(typed)
	if err != nil {
		return err
	}
	if err := s.Log.SettleReply(r.Context(), by, id, settlement); err != nil {
		if err := typed.refused(err); err != nil {
			return err
		}
		return s.showInbox(w, r, by, http.StatusUnprocessableEntity, id, typed)
	}
	return done(w, r, "/inbox", "settled")
}

// chosen reads a choice: what to do, and with which request or in whose file.
func chosen(typed *form) (carelog.Settlement, error) {
	decision, about, _ := strings.Cut(typed.Value("decision"), ":")
	settlement := carelog.Settlement{Decision: decision, Why: typedText(typed, "why")}
	var err error
	switch decision {
	case "match":
		settlement.Digit, _ = strconv.Atoi(typed.Value("digit")) // none is refused with its field
		err = parseID(about, &settlement.Ask)
	case "note":
		err = parseID(about, &settlement.Recipient)
	}
	return settlement, err
}
