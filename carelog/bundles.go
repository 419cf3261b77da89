package carelog

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Requests of one contact for several households that are due together go out as
// one text with a code each, and count once in the number's budget. Each keeps its
// row, its ask and its history: the one with the smallest id is the head, which is
// on the wire; the others ride with it (rides_with) and end as it ends. What is
// claimed again after a certain no is put together anew.

// mostTogether is how many households one text names: four fit two segments,
// however long their aliases are.
const mostTogether = 4

// company is whose requests may go out in one text.
type company struct {
	contact ContactID
	office  OfficeID
}

// bundle is a text on its way: its head, and who rides with it.
type bundle struct {
	head   claim
	riders []claim
}

// bundles puts claims that were judged to go out together.
func bundles(wanted []claim) []bundle {
	var all []bundle
	at := map[int]int{} // group to its bundle
	for _, c := range wanted {
		i, known := at[c.together]
		switch {
		case c.together == 0:
			all = append(all, bundle{head: c})
		case !known:
			at[c.together] = len(all)
			all = append(all, bundle{head: c})
		default:
			b := &all[i]
			if bytes.Compare(c.id[:], b.head.id[:]) < 0 {
				c, b.head = b.head, c
			}
			b.riders = append(b.riders, c)
		}
	}
	return all
}

// composeAll renders what goes out and adds its rows to those that are sending.
// Where a bundle cannot be one text, each counts in the budget of the number: what
// is beyond it waits for another day.
func (l *Log) composeAll(ctx context.Context, tx txn, wanted []claim, batch spent, rows *sendingRows) (out []Outgoing, held []judged, err error) {
	for _, b := range bundles(wanted) {
		if len(b.riders) > 0 {
			together, done, err := l.composeTogether(ctx, tx, b, rows)
			if err != nil {
				return nil, nil, err
			}
			if done {
				out = append(out, together)
				continue
			}
		}
		if len(b.riders) > 0 {
			batch.count(b.head, -1) // it was counted for all of them
		}
		for _, c := range append([]claim{b.head}, b.riders...) {
			if len(b.riders) > 0 {
				c.joins = false
				if v := judge(batch.on(c), tx.now, tx.cal(c.office)); v.dispatch != "sending" {
					held = append(held, judged{c, v})
					continue
				}
			}
			one, err := l.compose(ctx, tx, c, rows)
			why, ok := asHeldBack(err)
			switch {
			case ok:
				held = append(held, judged{c, why})
			case err != nil:
				return nil, nil, err
			default:
				out = append(out, one)
				if len(b.riders) > 0 {
					batch.count(c, 1)
				}
			}
		}
	}
	return out, held, nil
}

// composeTogether renders one text for all of a bundle. Where it cannot be one
// (the wording is not approved, somebody's alias is refused) they go out alone.
func (l *Log) composeTogether(ctx context.Context, tx txn, b bundle, rows *sendingRows) (Outgoing, bool, error) {
	all := append([]claim{b.head}, b.riders...)
	wording := fmt.Sprintf("village_requests_%d", len(all))
	say, approved, _ := tx.texts.speaks(wording, b.head.language, b.head.carrier)
	if !approved {
		return Outgoing{}, false, nil
	}
	facts := map[string]string{"office": say.signs(b.head)}
	var names []string
	due := b.head.due
	for i, c := range all {
		one, err := l.facts(ctx, tx, c)
		if _, held := asHeldBack(err); held {
			return Outgoing{}, false, nil
		}
		if err != nil {
			return Outgoing{}, false, err
		}
		facts["alias"+strconv.Itoa(i+1)], facts["code"+strconv.Itoa(i+1)] = one["alias"], c.code
		if l.words.CheckAlias(one["alias"], one["full_name"]) != nil {
			return Outgoing{}, false, nil
		}
		names, facts["full_name"] = append(names, one["full_name"]), one["full_name"]
		if c.due.Before(due) {
			due = c.due
		}
	}
	facts["due"] = due.Chinese()
	key, party, err := l.partyOf(ctx, tx, b.head)
	if _, held := asHeldBack(err); held {
		return Outgoing{}, false, nil
	}
	if err != nil {
		return Outgoing{}, false, err
	}
	text, segments, params, err := l.words.Speak(say.language, wording, say.version, facts)
	if err != nil || slices.ContainsFunc(names, func(name string) bool { return name != "" && strings.Contains(text, name) }) {
		return Outgoing{}, false, nil //nolint:nilerr // each goes out alone, or is held back with its own reason
	}
	rows.add(b.head.id, key, text, party.Phone, segments, say)
	for _, c := range b.riders {
		rows.add(c.id, key, "", party.Phone, 0, say)
		rows.heads[len(rows.heads)-1] = b.head.id
	}
	return outgoing(tx, b.head, party.Phone, text, say, params), true, nil
}

// ridersOf reads who rides with these messages and is not settled yet, by head.
func ridersOf(ctx context.Context, tx txn, heads []MessageID) (map[MessageID][]messageRef, error) {
	rows, err := tx.Query(ctx, `SELECT rides_with, id, office_id, recipient_id, check_in_id, contact_id, purpose, deadline, dispatch, tries FROM messages
		WHERE rides_with = ANY ($1) ORDER BY id FOR UPDATE`, heads)
	if err != nil {
		return nil, fmt.Errorf("find what went out together: %w", err)
	}
	found := map[MessageID][]messageRef{}
	var head MessageID
	var m messageRef
	_, err = pgx.ForEachRow(rows, []any{&head, &m.id, &m.office, &m.recipient, &m.checkIn, &m.contact, &m.purpose, &m.deadline, &m.dispatch, &m.tries}, func() error {
		found[head] = append(found[head], m)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find what went out together: %w", err)
	}
	return found, nil
}

// withRiders gives each receipt to those that rode with its message, too. They had
// no words of their own on the wire, and the carrier's id is their head's.
func withRiders(receipts []Receipt, riders map[MessageID][]messageRef) []Receipt {
	all := slices.Clone(receipts)
	for _, r := range receipts {
		for _, m := range riders[r.ID] {
			rider := r
			rider.ID, rider.Try, rider.Text, rider.CarrierMessageID = m.id, m.tries, "", ""
			all = append(all, rider)
		}
	}
	slices.SortFunc(all, func(a, b Receipt) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return all
}
