package notify

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	openapi "github.com/twilio/twilio-go/rest/api/v2010"
)

// Find lists the messages to the recipient with the same text (and sender, unless a messaging
// service chose it) created since. Messages still in Twilio's queue have no sending date, so a
// second, undated list is read beside the dated one.
func (t *Twilio) Find(ctx context.Context, m Message, since time.Time) ([]Receipt, error) {
	since = since.UTC().Truncate(time.Second)
	dated := (&openapi.ListMessageParams{}).SetTo(m.To).SetDateSentAfter(since)
	undated := (&openapi.ListMessageParams{}).SetTo(m.To)
	complete := true
	seen := map[string]openapi.ApiV2010Message{} // by SID: most stand in both lists
	for _, params := range []*openapi.ListMessageParams{dated, undated} {
		listed, err := t.list(ctx, params)
		if err != nil {
			return nil, err
		}
		for _, candidate := range listed {
			if t.matches(candidate, m, since.Add(-twilioClockSkew)) {
				seen[deref(candidate.Sid)] = candidate
			}
		}
		complete = complete && (len(listed) < twilioListLimit || reachesBack(listed, since))
	}
	found := oldestFirst(slices.Collect(maps.Values(seen)))
	switch {
	case !complete:
		return found, ErrCannotKnow
	case len(found) == 0:
		return nil, ErrNotFound
	}
	return found, nil
}

func oldestFirst(found []openapi.ApiV2010Message) []Receipt {
	slices.SortFunc(found, func(a, b openapi.ApiV2010Message) int {
		at, _ := twilioTime(a)
		other, _ := twilioTime(b)
		return cmp.Or(at.Compare(other), cmp.Compare(deref(a.Sid), deref(b.Sid)))
	})
	receipts := make([]Receipt, len(found))
	for i, m := range found {
		receipts[i] = receiptOf(m)
	}
	return receipts
}

func (t *Twilio) list(ctx context.Context, params *openapi.ListMessageParams) (listed []openapi.ApiV2010Message, err error) {
	params.SetPageSize(twilioListLimit).SetLimit(twilioListLimit)
	seen, err := t.call(ctx, func(api *openapi.ApiService) (err error) {
		listed, err = api.ListMessage(params)
		return err
	})
	if err == nil {
		return listed, nil
	}
	return nil, readingError(err, seen)
}

func (t *Twilio) matches(candidate openapi.ApiV2010Message, m Message, since time.Time) bool {
	if deref(candidate.Sid) == "" || deref(candidate.Body) != m.Text {
		return false
	}
	if t.config.MessagingServiceSID == "" && deref(candidate.From) != t.sender(m) {
		return false
	}
	created, known := twilioTime(candidate)
	return !known || !created.Before(since)
}

// reachesBack: the oldest message of a full list is older than since, so nothing is missing.
func reachesBack(listed []openapi.ApiV2010Message, since time.Time) bool {
	oldest, known := twilioTime(listed[len(listed)-1])
	return known && oldest.Before(since.Add(-twilioClockSkew))
}

func twilioTime(m openapi.ApiV2010Message) (time.Time, bool) {
	created, err := time.Parse(time.RFC1123Z, deref(m.DateCreated))
	return created, err == nil
}
