package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"aftercare/carelog"
)

const (
	historyLength  = 50  // entries of a page
	openLength     = 50  // open check-ins shown; a plan has some thirty ahead at most
	pastLength     = 200 // settled check-ins shown
	messagesLength = 200
)

// recipientPage is a care history.
type recipientPage struct {
	ID                carelog.RecipientID
	Plan              carelog.Plan
	MaskedName        string
	Township, Village string
	Open, Settled     []carelog.CheckIn
	Messages          []carelog.Message
	MessagesAfter     string // the id to go on with; empty: all are shown
	Timeline          []moment
	Next              int64
	Older             bool // an older part of the history, alone
	Pause, Close      *form
	Reject, Reopen    *form
	Start             *form
}

// recipient shows a care history: the plan, its check-ins, its texts and
// everything that happened, newest first.
func (s *console) recipient(w http.ResponseWriter, r *http.Request, by carelog.Actor) error {
	shown := recipientPage{}
	if err := idIn(r, &shown.ID); err != nil {
		return err
	}
	shown.plainForms()
	return s.showRecipient(w, r, by, http.StatusOK, shown)
}

func (p *recipientPage) plainForms() {
	p.Start, p.Pause, p.Close = newForm("start", nil), newForm("pause", nil), newForm("close", nil)
	p.Reject, p.Reopen = newForm("reject", nil), newForm("reopen", nil)
}

func (s *console) showRecipient(w http.ResponseWriter, r *http.Request, by carelog.Actor, status int, shown recipientPage) error {
	ctx := r.Context()
	before := int64(0)
	if text := r.URL.Query().Get("before"); text != "" {
		var err error
		if before, err = strconv.ParseInt(text, 10, 64); err != nil || before < 1 {
			return errNoPage
		}
		shown.Older = true
	}
	var err error
	if shown.Plan, err = s.Log.PlanOf(ctx, by, shown.ID); err != nil {
		return err
	}
	shown.MaskedName = shown.Plan.MaskedName
	history, err := s.Log.History(ctx, by, shown.ID, before, historyLength)
	if err != nil {
		return err
	}
	shown.Next = history.Next
	for _, entry := range history.Entries {
		m, err := s.words.moment(entry, by)
		if err != nil {
			return err
		}
		shown.Timeline = append(shown.Timeline, m)
	}
	if err := s.fillCheckIns(ctx, by, &shown); err != nil {
		return err
	}
	if err := s.fillMessages(r, by, &shown); err != nil {
		return err
	}
	s.show(w, r, &by, status, page{Name: "recipient", Data: shown})
	return nil
}

// fillCheckIns reads the open check-ins and the settled ones, the latest first.
func (s *console) fillCheckIns(ctx context.Context, by carelog.Actor, shown *recipientPage) error {
	var err error
	shown.Open, err = s.Log.CheckIns(ctx, by, carelog.CheckInFilter{Standing: "open", Recipient: shown.ID, Limit: openLength})
	if err != nil {
		return err
	}
	all, err := s.Log.CheckIns(ctx, by, carelog.CheckInFilter{Recipient: shown.ID, Limit: pastLength})
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.Standing == "" {
			shown.Settled = append(shown.Settled, c)
		}
		shown.Township, shown.Village = c.Township, c.Village
	}
	slices.Reverse(shown.Settled)
	return nil
}

func (s *console) fillMessages(r *http.Request, by carelog.Actor, shown *recipientPage) error {
	filter := carelog.MessageFilter{Recipient: shown.ID}
	var err error
	if filter.Page, err = carelog.PageAfter(r.URL.Query().Get("messages"), messagesLength); err != nil {
		return errNoPage
	}
	if shown.Messages, err = s.Log.Messages(r.Context(), by, filter); err != nil {
		return err
	}
	if len(shown.Messages) == messagesLength {
		shown.MessagesAfter = shown.Messages[messagesLength-1].ID.String()
	}
	slices.SortStableFunc(shown.Messages, func(a, b carelog.Message) int { return b.NotBefore.Compare(a.NotBefore) })
	return nil
}
