package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"aftercare/notify"
)

// simCarrier takes texts as the seed says. What it answers depends on the text
// and the day alone, so that the order of calls side by side does not matter.
type simCarrier struct {
	s *simulation

	mu    sync.Mutex
	taken []takenText               // since somebody last looked
	known map[string]notify.Receipt // its own list, by our id
	count map[string]int            // how often it took the same message of ours
	twice []string                  // ids it took more than once
}

// takenText is a text that arrived at its phone.
type takenText struct {
	notify.Message
	sid string
	at  time.Time
}

func newSimCarrier(s *simulation) *simCarrier {
	return &simCarrier{s: s, known: map[string]notify.Receipt{}, count: map[string]int{}}
}

// Name is that of every simulated carrier.
func (c *simCarrier) Name() string { return simulator }

var errAway = errors.New("the carrier does not answer")

// Send takes the text, unless the number is dead or the carrier away. In an outage
// one call in ten times out, and of those half were taken all the same.
func (c *simCarrier) Send(_ context.Context, m notify.Message) (notify.Receipt, error) {
	now := c.s.clock.now()
	if contact := c.s.contacts[m.To]; contact != nil && contact.dead(now) {
		return notify.Receipt{}, &notify.SendError{Class: notify.Unreachable, Code: "21614", Err: errors.New("no such number")}
	}
	if !c.s.weather.sms.covers(now) {
		return c.take(m, now), nil
	}
	switch c.s.dice.roll("outage", m.ID, now).IntN(20) {
	case 0:
		c.take(m, now)
		return notify.Receipt{}, &notify.SendError{Class: notify.Ambiguous, Err: errAway}
	case 1:
		return notify.Receipt{}, &notify.SendError{Class: notify.Ambiguous, Err: errAway}
	default:
		return notify.Receipt{}, &notify.SendError{Class: notify.Temporary, Err: errAway}
	}
}

func (c *simCarrier) take(m notify.Message, now time.Time) notify.Receipt {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count[m.ID]++; c.count[m.ID] > 1 {
		c.twice = append(c.twice, m.ID)
	}
	r := notify.Receipt{CarrierMessageID: "SM" + m.ID, Delivery: notify.DeliveryQueued}
	c.known[m.ID] = r
	c.taken = append(c.taken, takenText{m, r.CarrierMessageID, now})
	return r
}

// Find looks into the carrier's list; while it is away nobody can.
func (c *simCarrier) Find(_ context.Context, m notify.Message, _ time.Time) ([]notify.Receipt, error) {
	if c.s.weather.sms.covers(c.s.clock.now()) {
		return nil, &notify.SendError{Class: notify.Temporary, Err: errAway}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r, found := c.known[m.ID]
	if !found {
		return nil, notify.ErrNotFound
	}
	return []notify.Receipt{r}, nil
}

// look takes what arrived since the last look, in one order whatever the calls' was.
func (c *simCarrier) look() []takenText {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.taken
	c.taken = nil
	slices.SortFunc(taken, func(a, b takenText) int { return cmp.Or(cmp.Compare(a.To, b.To), cmp.Compare(a.ID, b.ID)) })
	return taken
}
