package notify

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

// SimulatorConfig describes a carrier that exists on this machine only.
type SimulatorConfig struct {
	PublicURL string // where our own server listens; webhooks go there over real HTTP
	Token     string // signs the webhooks; the server verifies with the same
	From      string // sender of messages that name none

	// How long the carrier takes to answer, then to send, then to deliver. 0: at once.
	AcceptDelay, SentDelay, DeliveredDelay time.Duration

	// Failing maps a number to a Twilio error code: from 30000 on the message is accepted and
	// ends undelivered, below it is refused at once.
	Failing map[string]string

	// Quiet replays a past: no HTTP and no delays; OnReport and OnInbound are called instead,
	// before Send and Reply return.
	Quiet     bool
	OnReport  func(Report)
	OnInbound func(Inbound)

	File   string           // keeps the handsets' messages over a restart; empty: memory only
	Client *http.Client     // posts the webhooks; nil: one with a time-out of 15 s, as Twilio's
	Now    func() time.Time // nil: time.Now
	Random io.Reader        // source of message ids; nil: crypto/rand
	Log    *slog.Logger     // nil: slog.Default()
}

// Simulator is a Carrier with handsets at its other end. Never for real recipients.
type Simulator struct {
	config   SimulatorConfig
	handsets *handsets
	ctx      context.Context // ends on Close
	cancel   context.CancelFunc
	posts    chan struct{} // bounds the webhooks under way

	mu      sync.Mutex // guards what follows
	closed  bool
	quiet   bool
	failing map[string]string
	running sync.WaitGroup
}

// simulatorPosts is how many webhooks are under way at once.
const simulatorPosts = 16

// NewSimulator opens the handset file, if any. Webhooks stop when ctx ends or Close is called.
func NewSimulator(ctx context.Context, c SimulatorConfig) (*Simulator, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.Client == nil {
		c.Client = &http.Client{Timeout: 15 * time.Second}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	phones, err := openHandsets(c.File)
	if err != nil {
		return nil, fmt.Errorf("start simulator: %w", err)
	}
	s := &Simulator{
		config: c, handsets: phones, quiet: c.Quiet,
		posts: make(chan struct{}, simulatorPosts), failing: map[string]string{},
	}
	for number, code := range c.Failing {
		s.failing[number] = code
	}
	s.ctx, s.cancel = context.WithCancel(ctx)
	return s, nil
}

// Name is "simulator".
func (s *Simulator) Name() string { return "simulator" }

// SetQuiet switches between replaying a past and behaving like a carrier.
func (s *Simulator) SetQuiet(quiet bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quiet = quiet
}

// SetFailing makes a number fail with a code as SimulatorConfig.Failing does; "" heals it.
func (s *Simulator) SetFailing(number, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing[number] = code
}

// Send takes the message at once and reports "sent", then "delivered" or "undelivered", later.
func (s *Simulator) Send(ctx context.Context, m Message) (Receipt, error) {
	quiet, code, err := s.begin(m.To)
	if err != nil {
		return Receipt{}, &SendError{Class: Temporary, Err: err}
	}
	defer s.running.Done()
	if !quiet {
		if err := sleep(ctx, s.config.AcceptDelay); err != nil {
			return Receipt{}, &SendError{Class: Temporary, Err: err}
		}
	}
	if code != "" && code < "30000" {
		return Receipt{}, &SendError{Class: DeliveryClass(code), Code: code, Err: errors.New("the carrier answered 400")}
	}
	sid, err := s.sid()
	if err != nil {
		return Receipt{}, &SendError{Class: Temporary, Err: err}
	}
	err = s.handsets.put(HandsetMessage{
		SID: sid, MessageID: m.ID, Number: m.To, Peer: s.sender(m), Incoming: true,
		Text: m.Text, At: s.config.Now(), Status: DeliveryQueued,
	})
	if err != nil {
		// The handset shows it all the same; only a restart forgets it.
		s.config.Log.Warn("keep handset message", "message_id", m.ID, "error", err)
	}
	if quiet {
		s.deliver(m, sid, code, s.tell)
		return Receipt{CarrierMessageID: sid, Delivery: DeliveryQueued}, nil
	}
	s.running.Go(func() { s.deliver(m, sid, code, s.post) })
	return Receipt{CarrierMessageID: sid, Delivery: DeliveryQueued}, nil
}

// Find searches the handset by text, sender and time, as a carrier's list would be.
func (s *Simulator) Find(_ context.Context, m Message, since time.Time) ([]Receipt, error) {
	var found []Receipt
	for _, shown := range s.handsets.of(m.To) {
		if shown.Incoming && shown.Text == m.Text && shown.Peer == s.sender(m) && !shown.At.Before(since) {
			found = append(found, Receipt{CarrierMessageID: shown.SID, Delivery: shown.Status})
		}
	}
	if len(found) == 0 {
		return nil, ErrNotFound
	}
	return found, nil
}

// Reply types a text on the handset from and posts it to our number to, signed as Twilio would.
// The error says that our server did not take it; the handset keeps the text anyway.
func (s *Simulator) Reply(ctx context.Context, from, to, text string) error {
	quiet, _, err := s.begin(from)
	if err != nil {
		return fmt.Errorf("reply from handset: %w", err)
	}
	defer s.running.Done()
	sid, err := s.sid()
	if err != nil {
		return fmt.Errorf("reply from handset: %w", err)
	}
	err = s.handsets.put(HandsetMessage{SID: sid, Number: from, Peer: to, Text: text, At: s.config.Now()})
	if err != nil {
		return fmt.Errorf("reply from handset: %w", err)
	}
	in := Inbound{CarrierMessageID: sid, From: from, To: to, Text: text}
	if quiet {
		if s.config.OnInbound != nil {
			s.config.OnInbound(in)
		}
		return nil
	}
	if err := s.postForm(ctx, TwilioInboundPath, "", inboundForm(in)); err != nil {
		return fmt.Errorf("reply from handset: %w", err)
	}
	return nil
}

// Handset lists what the phone with this number shows, oldest first.
func (s *Simulator) Handset(number string) []HandsetMessage { return s.handsets.of(number) }

// Numbers lists the phones that show anything, sorted.
func (s *Simulator) Numbers() []string { return s.handsets.numbers() }

// Close stops all webhooks and waits for what is under way until ctx ends. Webhooks not yet
// posted are lost, as they are when a carrier gives up.
func (s *Simulator) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	ended := make(chan struct{})
	go func() {
		s.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return s.handsets.close()
	case <-ctx.Done():
		return fmt.Errorf("close simulator: %w", ctx.Err())
	}
}

// begin registers one piece of work, which ends with running.Done.
func (s *Simulator) begin(number string) (quiet bool, code string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false, "", errors.New("the simulator is closed")
	}
	s.running.Add(1)
	return s.quiet, s.failing[number], nil
}

func (s *Simulator) sender(m Message) string {
	if m.From != "" {
		return m.From
	}
	return s.config.From
}

func (s *Simulator) sid() (string, error) {
	var random [16]byte
	if _, err := io.ReadFull(s.config.Random, random[:]); err != nil {
		return "", fmt.Errorf("make message id: %w", err)
	}
	return "SM" + hex.EncodeToString(random[:]), nil
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
