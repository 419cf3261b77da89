package api

import (
	"context"
	"time"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
)

type waitingReplyBody struct {
	InboundID   carelog.InboundID      `json:"inbound_id" format:"uuid"`
	ReceivedAt  time.Time              `json:"received_at"`
	Said        string                 `json:"said,omitempty" doc:"The words; none when a key that closes them is destroyed"`
	PhoneEnding string                 `json:"phone_ending,omitempty" doc:"Last digits of the number that wrote"`
	ContactID   carelog.ContactID      `json:"contact_id,omitzero" format:"uuid"`
	ContactName string                 `json:"contact_name,omitempty"`
	Mark        string                 `json:"mark,omitempty" doc:"Of the text as a whole: urgent, unclear, echo (our own words), automatic"`
	Reason      string                 `json:"reason" doc:"Why no rule could settle it"`
	ActBy       *time.Time             `json:"act_by,omitempty"`
	Question    string                 `json:"question,omitempty" doc:"How far the one text that asked what was meant has got"`
	RecipientID carelog.RecipientID    `json:"recipient_id,omitzero" format:"uuid" doc:"The one recipient it is known to be about"`
	MaskedName  string                 `json:"masked_name,omitempty"`
	Township    string                 `json:"township,omitempty"`
	Village     string                 `json:"village,omitempty"`
	Decisions   []replyDecisionBody    `json:"decisions" nullable:"false"`
	Suggestions []suggestionBody       `json:"suggestions" nullable:"false"`
	Neighbours  []suggestedContactBody `json:"village_contacts" nullable:"false" doc:"Contacts of the village of a household it names"`
}

type replyDecisionBody struct {
	Position    int                 `json:"position"`
	RecipientID carelog.RecipientID `json:"recipient_id,omitzero" format:"uuid"`
	AskID       carelog.AskID       `json:"ask_id,omitzero" format:"uuid"`
	Purpose     string              `json:"purpose,omitempty" doc:"Of the ask: of a visit_confirmation 1 says that they came, 2 that they did not"`
	Code        string              `json:"code,omitempty"`
	Digit       *int                `json:"digit,omitempty"`
	How         string              `json:"how,omitempty" doc:"By what it was matched"`
	Decision    string              `json:"decision" enum:"matched,late,unverified,triage,attempted,noted,wrong_number,nothing"`
	Reason      string              `json:"reason"`
	DecidedBy   carelog.UserID      `json:"decided_by,omitzero" format:"uuid" doc:"None: the rules"`
	At          time.Time           `json:"at"`
}

type suggestionBody struct {
	AskID       carelog.AskID       `json:"ask_id" format:"uuid"`
	RecipientID carelog.RecipientID `json:"recipient_id" format:"uuid"`
	CheckInID   carelog.CheckInID   `json:"check_in_id" format:"uuid"`
	ContactID   carelog.ContactID   `json:"contact_id" format:"uuid"`
	Code        string              `json:"code"`
	Due         calendar.Date       `json:"due" format:"date"`
	MaskedName  string              `json:"masked_name"`
	Township    string              `json:"township"`
	Village     string              `json:"village"`
	Why         string              `json:"why" enum:"open,one_mistake,closed_lately"`
	Purpose     string              `json:"purpose" enum:"village_request,visit_confirmation" doc:"Whether the village was asked about the household, or whether a visit was made"`
}

type suggestedContactBody struct {
	ContactID   carelog.ContactID `json:"contact_id" format:"uuid"`
	Name        string            `json:"name"`
	PhoneEnding string            `json:"phone_ending"`
}

func showDecisions(decisions []carelog.ReplyDecision) []replyDecisionBody {
	shown := make([]replyDecisionBody, len(decisions))
	for i, d := range decisions {
		shown[i] = replyDecisionBody{d.Position, d.Recipient, d.Ask, d.Purpose, d.Code, d.Digit, d.How, d.Decision, d.Reason, d.By, d.At}
	}
	return shown
}

func showWaiting(w carelog.WaitingReply) waitingReplyBody {
	shown := waitingReplyBody{
		w.ID, w.ReceivedAt, w.Said, w.PhoneEnding, w.Contact, w.ContactName, w.Mark, w.Reason, w.ActBy, w.Question, w.Recipient, w.MaskedName, w.Township, w.Village,
		showDecisions(w.Decisions), make([]suggestionBody, len(w.Suggestions)), make([]suggestedContactBody, len(w.Neighbours)),
	}
	for i, s := range w.Suggestions {
		shown.Suggestions[i] = suggestionBody{s.Ask, s.Recipient, s.CheckIn, s.Contact, s.Code, s.Due, s.MaskedName, s.Township, s.Village, s.Why, s.Purpose}
	}
	for i, k := range w.Neighbours {
		shown.Neighbours[i] = suggestedContactBody{k.Contact, k.Name, k.PhoneEnding}
	}
	return shown
}

func (s *server) listInbox(ctx context.Context, by carelog.Actor, in *PageParams) (*listed[waitingReplyBody], error) {
	const list = "inbox"
	rows, err := in.after(list)
	if err != nil {
		return nil, err
	}
	found, err := s.Log.Inbox(ctx, by, rows)
	if err != nil {
		return nil, err
	}
	return page(in, found, showWaiting, func(last carelog.WaitingReply) position {
		return position{List: list, After: last.ID.String()}
	}), nil
}

type settlingReply struct {
	InboundID carelog.InboundID `path:"inbound_id" format:"uuid"`
	Body      settlementBody
}

type settlementBody struct {
	Decision    string              `json:"decision" enum:"match,note,wrong_number,nothing"`
	AskID       carelog.AskID       `json:"ask_id,omitzero" format:"uuid" doc:"Of a match: the request it answers"`
	Digit       int                 `json:"digit,omitempty" minimum:"1" maximum:"4" doc:"Of a match: 1 well, 2 difficulties, 3 not met, 4 another contact; of a visit confirmation 1 they came, 2 they did not"`
	RecipientID carelog.RecipientID `json:"recipient_id,omitzero" format:"uuid" doc:"Of a note: in whose file"`
	Why         string              `json:"why" maxLength:"8000" doc:"How you know"`
}

func (s *server) settleReply(ctx context.Context, by carelog.Actor, in *settlingReply) (*struct{}, error) {
	return nil, s.Log.SettleReply(ctx, by, in.InboundID, carelog.Settlement{
		Decision: in.Body.Decision, Ask: in.Body.AskID, Digit: in.Body.Digit, Recipient: in.Body.RecipientID, Why: in.Body.Why,
	})
}

type heardReplyBody struct {
	InboundID   carelog.InboundID   `json:"inbound_id" format:"uuid"`
	ReceivedAt  time.Time           `json:"received_at"`
	Said        string              `json:"said,omitempty" doc:"The words; none where they are about another office's household too"`
	PhoneEnding string              `json:"phone_ending,omitempty"`
	Mark        string              `json:"mark,omitempty"`
	State       string              `json:"state,omitempty" doc:"matched, triage (it waits for a person) or settled"`
	Reason      string              `json:"reason,omitempty"`
	Decisions   []replyDecisionBody `json:"decisions" nullable:"false"`
}

type repliesQuery struct {
	PageParams
	RecipientID carelog.RecipientID `path:"recipient_id" format:"uuid"`
}

func (s *server) listReplies(ctx context.Context, by carelog.Actor, in *repliesQuery) (*listed[heardReplyBody], error) {
	list := "replies " + in.RecipientID.String()
	rows, err := in.after(list)
	if err != nil {
		return nil, err
	}
	found, err := s.Log.Replies(ctx, by, in.RecipientID, rows)
	if err != nil {
		return nil, err
	}
	return page(&in.PageParams, found, func(h carelog.HeardReply) heardReplyBody {
		return heardReplyBody{h.ID, h.ReceivedAt, h.Said, h.PhoneEnding, h.Mark, h.State, h.Reason, showDecisions(h.Decisions)}
	}, func(last carelog.HeardReply) position {
		return position{List: list, After: last.ID.String()}
	}), nil
}
