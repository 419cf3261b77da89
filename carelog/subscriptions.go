package carelog

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Subscription is an address that is told of changes in an office and those below it.
type Subscription struct {
	ID           SubscriptionID `json:"subscription_id"`
	Office       OfficeID       `json:"office_id"`
	URL          string         `json:"url"`
	Kinds        []string       `json:"kinds" nullable:"false"` // of history entries; empty: every
	State        string         `json:"state"`                  // active, failed, ended
	FailingSince *time.Time     `json:"failing_since"`
	LastProblem  string         `json:"last_problem"` // a status or what the network said, never a body
	TakenAt      *time.Time     `json:"taken_at"`
}

// NewSubscription is what to subscribe to.
type NewSubscription struct {
	Office OfficeID // zero: the actor's
	URL    string
	Kinds  []string
}

const (
	hookBatch   = 100
	hookLease   = 2 * time.Minute
	hookGivesUp = 3 * 24 * time.Hour
)

// Subscribe has an address told of what changes from now on. The secret that calls
// are signed with is told this once. System administrators of the office may.
func (l *Log) Subscribe(ctx context.Context, by Actor, n NewSubscription) (s Subscription, secret string, err error) {
	if n.Office.IsZero() {
		n.Office = by.Office
	}
	if !by.may(n.Office, KeepSubscriptions) {
		return s, "", forbidden("only a system administrator of the office keeps subscriptions")
	}
	var p problems
	address, parseErr := url.Parse(n.URL)
	if parseErr != nil || address.Host == "" || address.User != nil || address.Scheme != "https" && (address.Scheme != "http" || !l.plainHooks) || len(n.URL) > 500 || address.RawQuery != "" {
		p.add("url", isNoHookAddress)
	} else if ip, ipErr := netip.ParseAddr(address.Hostname()); ipErr == nil && !l.plainHooks && !ip.IsGlobalUnicast() {
		p.add("url", isNoHookAddress)
	}
	if len(n.Kinds) > 50 {
		p.add("kinds", isTooLong)
	}
	if err := p.err(); err != nil {
		return s, "", err
	}
	raw := make([]byte, 32)
	if _, err := io.ReadFull(l.random, raw); err != nil {
		return s, "", fmt.Errorf("make a secret: %w", err)
	}
	secret = "whsec_" + base64.StdEncoding.EncodeToString(raw)
	s, err = write(ctx, l, by, func(tx txn) (Subscription, error) {
		s := Subscription{ID: newID[subscriptionKind](tx.now, l.random), Office: n.Office, URL: n.URL, Kinds: notNilStrings(n.Kinds), State: "active"}
		key, wrapped, err := l.keys.NewDataKey(l.random, s.ID)
		if err != nil {
			return s, fmt.Errorf("make the subscription's key: %w", err)
		}
		_, err = tx.Exec(ctx, `INSERT INTO subscriptions (id, office_id, url, kinds, data_key, sealed, at_xid, at_id, next_try_at, created_by, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, pg_snapshot_xmin(pg_current_snapshot()), 0, $7, $8, $7)`,
			s.ID, s.Office, s.URL, s.Kinds, wrapped, key.Seal(raw, "subscriptions.sealed"), tx.now, by.User)
		if err != nil {
			return s, fmt.Errorf("subscribe: %w", err)
		}
		tx.audit(s.Office, "subscription_added", anyID(s.ID), "")
		return s, nil
	})
	return s, secret, err
}

const selectSubscriptions = "SELECT id, office_id, url, kinds, state, failing_since, last_problem, taken_at FROM subscriptions WHERE "

// Subscriptions lists those of the actor's offices.
func (l *Log) Subscriptions(ctx context.Context, by Actor) ([]Subscription, error) {
	if !by.Holds(KeepSubscriptions) {
		return nil, forbidden("only a system administrator of the office keeps subscriptions")
	}
	return read(ctx, l, by, func(tx txn) ([]Subscription, error) {
		rows, err := tx.Query(ctx, selectSubscriptions+"$1 OR office_id = ANY ($2) ORDER BY id", by.Kind == System, by.officesFor(KeepSubscriptions))
		if err != nil {
			return nil, fmt.Errorf("list subscriptions: %w", err)
		}
		return pgx.CollectRows(rows, pgx.RowToStructByPos[Subscription])
	})
}

// SetSubscription ends a subscription, or has it go on: at once, from where it
// stopped, or from an earlier cursor of the feed, so that what was lost is sent again.
// System administrators of its office may.
func (l *Log) SetSubscription(ctx context.Context, by Actor, id SubscriptionID, state, since string) error {
	_, err := write(ctx, l, by, func(tx txn) (struct{}, error) {
		var office OfficeID
		err := tx.QueryRow(ctx, "SELECT office_id FROM subscriptions WHERE id = $1 FOR UPDATE", id).Scan(&office)
		if none(err) {
			return struct{}{}, notFound("subscription")
		}
		if err != nil {
			return struct{}{}, fmt.Errorf("read subscription: %w", err)
		}
		if !by.may(office, KeepSubscriptions) {
			return struct{}{}, forbidden("only a system administrator of the office keeps subscriptions")
		}
		at, err := parseCursor(since)
		if err != nil {
			return struct{}{}, err
		}
		if state != "active" && state != "ended" {
			return struct{}{}, invalid("state", isUnknown)
		}
		_, err = tx.Exec(ctx, `UPDATE subscriptions SET state = $2, next_try_at = $3, tries = 0, failing_since = NULL, last_problem = '',
			at_xid = CASE WHEN $4 = '' THEN at_xid ELSE $5::text::xid8 END, at_id = CASE WHEN $4 = '' THEN at_id ELSE $6 END WHERE id = $1`,
			id, state, tx.now, since, fmt.Sprint(at.xid), at.id)
		if err != nil {
			return struct{}{}, fmt.Errorf("set subscription: %w", err)
		}
		tx.audit(office, "subscription_"+state, anyID(id), "")
		return struct{}{}, l.endTasks(ctx, tx, []string{hookCause(id)}, "the subscription was looked after")
	})
	return err
}

func hookCause(id SubscriptionID) string { return "subscription_failed:" + id.String() }

// HookCall is one call to make: what to say, where, and the secret to sign it with.
type HookCall struct {
	Subscription SubscriptionID
	Office       OfficeID
	URL          string
	ID           string // the same on every try
	Secret       []byte
	Body         []byte
	cursor       feedPlace
	more         bool
}

// ClaimHooks takes the calls that are due, at most limit, each for two minutes, and
// tells how many subscriptions it looked at. Those with nothing to say are due again
// in some seconds. No transaction is open while they are made.
func (l *Log) ClaimHooks(ctx context.Context, limit int) (calls []HookCall, looked int, err error) {
	_, err = write(ctx, l, TheSystem(), func(tx txn) (struct{}, error) {
		rows, err := tx.Query(ctx, `SELECT s.id, s.office_id, s.url, s.kinds, s.data_key, s.sealed, s.at_xid::text, s.at_id, ARRAY(SELECT o.id FROM offices o WHERE s.office_id = ANY (o.path))
			FROM subscriptions s WHERE s.state = 'active' AND s.next_try_at <= $1 ORDER BY s.next_try_at LIMIT $2 FOR UPDATE SKIP LOCKED`, tx.now, limit)
		if err != nil {
			return struct{}{}, fmt.Errorf("find subscriptions: %w", err)
		}
		type due struct {
			call    HookCall
			kinds   []string
			offices []OfficeID
		}
		found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d due, err error) {
			var wrapped, sealed []byte
			var xid string
			if err = row.Scan(&d.call.Subscription, &d.call.Office, &d.call.URL, &d.kinds, &wrapped, &sealed, &xid, &d.call.cursor.id, &d.offices); err != nil {
				return d, err
			}
			if _, err = fmt.Sscan(xid, &d.call.cursor.xid); err != nil {
				return d, err
			}
			key, err := l.keys.Unwrap(d.call.Subscription, wrapped)
			if err != nil {
				return d, err
			}
			d.call.Secret, err = key.Open(sealed, "subscriptions.sealed")
			return d, err
		})
		if err != nil {
			return struct{}{}, fmt.Errorf("read subscriptions: %w", err)
		}
		looked = len(found)
		for _, d := range found {
			changed, err := changesAfter(ctx, tx, d.call.cursor, false, d.offices, d.kinds, hookBatch)
			if err != nil {
				return struct{}{}, err
			}
			next := tx.now.Add(hookLease)
			if len(changed.Items) == 0 {
				next = tx.now.Add(5 * time.Second)
			} else {
				c := d.call
				c.ID = c.Subscription.String() + "." + changed.Cursor
				if c.Body, err = json.Marshal(map[string]any{"type": "changes", "cursor": changed.Cursor, "changes": changed.Items}); err != nil {
					return struct{}{}, fmt.Errorf("write down the changes: %w", err)
				}
				if c.cursor, err = parseCursor(changed.Cursor); err != nil {
					return struct{}{}, err
				}
				c.more = changed.More
				calls = append(calls, c)
			}
			if _, err := tx.Exec(ctx, "UPDATE subscriptions SET next_try_at = $2 WHERE id = $1", d.call.Subscription, next); err != nil {
				return struct{}{}, fmt.Errorf("lease the subscription: %w", err)
			}
		}
		return struct{}{}, nil
	})
	return calls, looked, err
}

// RecordHook notes what became of a call: taken, the next one is due; refused, it is
// tried again after 10 s, twice as long each time, an hour at most. Three days of
// refusals end it with a task.
func (l *Log) RecordHook(ctx context.Context, c HookCall, problem string) error {
	_, err := write(ctx, l, TheSystem(), func(tx txn) (struct{}, error) {
		if problem == "" {
			_, err := tx.Exec(ctx, `UPDATE subscriptions SET at_xid = $2::text::xid8, at_id = $3, tries = 0, failing_since = NULL, last_problem = '', taken_at = $4, next_try_at = $4
				WHERE id = $1 AND (at_xid, at_id) < ($2::text::xid8, $3)`, c.Subscription, fmt.Sprint(c.cursor.xid), c.cursor.id, tx.now)
			if err != nil {
				return struct{}{}, fmt.Errorf("note the call: %w", err)
			}
			return struct{}{}, nil
		}
		if len(problem) > 200 {
			problem = strings.ToValidUTF8(problem[:200], "")
		}
		var failed bool
		err := tx.QueryRow(ctx, `UPDATE subscriptions SET tries = tries + 1, failing_since = coalesce(failing_since, $2), last_problem = $3,
				next_try_at = $2 + least(interval '10 seconds' * 2 ^ least(tries, 12), interval '1 hour'),
				state = CASE WHEN failing_since < $4 THEN 'failed' ELSE state END
			WHERE id = $1 AND state = 'active' RETURNING state = 'failed'`, c.Subscription, tx.now, problem, tx.now.Add(-hookGivesUp)).Scan(&failed)
		if none(err) || err == nil && !failed {
			return struct{}{}, nil
		}
		if err != nil {
			return struct{}{}, fmt.Errorf("note the call: %w", err)
		}
		return struct{}{}, l.openTask(ctx, tx, newTask{
			kind: "subscription_failed", cause: hookCause(c.Subscription), office: c.Office,
			reason: "an address that subscribed to changes has taken none for three days: have it looked after, then let it go on",
			actBy:  officerWindow.closes(tx.cal(c.Office).AddWorkdays(tx.today(), 3)),
		})
	})
	return err
}
