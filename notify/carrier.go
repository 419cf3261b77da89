// Package notify is how we speak: carriers that take our messages, the wordings and their
// rendering, the privacy check on every text, and the grammar of the replies. It knows no
// database and no care plan.
package notify

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Message is one text to hand to a carrier.
type Message struct {
	ID       string // ours; the carrier's status reports bring it back
	From, To string // E.164; From may be empty where the carrier is configured with a sender
	Text     string
	ValidFor time.Duration // the carrier may deliver this long and not later; 0: its own limit

	// For a carrier that takes approved templates only; the others send Text.
	Template  string            // its id of the template that renders to Text; "": it has approved none
	Signature string            // as approved, without brackets; "": the line's (From), else the configured one
	Params    map[string]string // what fills the template's placeholders
}

// Delivery states of a message after a carrier took it, as a Receipt and a Report name them.
const (
	DeliveryNone        = "none"
	DeliveryQueued      = "queued"
	DeliverySent        = "sent"
	DeliveryDelivered   = "delivered"
	DeliveryUndelivered = "undelivered"
	DeliveryFailed      = "failed"
)

// Receipt is what a carrier says of a message it has taken.
type Receipt struct {
	CarrierMessageID string
	// Delivery is one of the Delivery constants, or "" for a status name we do not know.
	Delivery string
}

// Class sorts a carrier's refusal by what to do about it.
type Class string

// The classes of refusal.
const (
	OptedOut      Class = "opted_out"     // the person refused texts: go by phone or visit
	Unreachable   Class = "unreachable"   // no such phone, or none that takes texts: correct the number
	Throttled     Class = "throttled"     // not processed; safe to send again later
	Refused       Class = "refused"       // this text will never be taken
	Temporary     Class = "temporary"     // surely not sent; safe to send again
	Ambiguous     Class = "ambiguous"     // may have been sent: ask with Find, never just send again
	Misconfigured Class = "misconfigured" // our account, sender or address is wrong: tell an operator
)

// SendError is the one error type of Send. Its text carries no phone number and no message text.
type SendError struct {
	Class      Class
	Code       string        // the carrier's own code, "" where it gave none
	RetryAfter time.Duration // how long the carrier asks to wait; 0 where it did not say
	Err        error
}

// Error names the class, the carrier's code and the cause.
func (e *SendError) Error() string {
	var text strings.Builder
	text.WriteString("send message: ")
	text.WriteString(string(e.Class))
	if e.Code != "" {
		text.WriteString(" (carrier code " + e.Code + ")")
	}
	if e.Err != nil {
		text.WriteString(": " + e.Err.Error())
	}
	return text.String()
}

// Unwrap returns the cause.
func (e *SendError) Unwrap() error { return e.Err }

// Answers of Find when it has no receipt to give.
var (
	// ErrNotFound: the carrier's list has no such message.
	ErrNotFound = errors.New("the carrier knows no such message")
	// ErrCannotKnow: the carrier's list is not complete enough to tell.
	ErrCannotKnow = errors.New("the carrier cannot tell whether it has the message")
)

// Carrier takes messages. Implementations are safe for concurrent use and honour ctx.
type Carrier interface {
	// Name is the short name stored beside every message: "twilio", "aliyun", "simulator".
	Name() string
	// Send hands the message over once and never repeats it. Every error is a *SendError.
	Send(ctx context.Context, m Message) (Receipt, error)
	// Find looks in the carrier's own list for a message we may have sent at or after since: all
	// that may be it, the oldest first, for two of our messages may say the same to one number.
	// Errors: ErrNotFound, ErrCannotKnow (beside what was seen), or a *SendError when the list
	// could not be read.
	Find(ctx context.Context, m Message, since time.Time) ([]Receipt, error)
}

// Inbound is a text somebody sent to one of our numbers. CarrierMessageID may be "" where the
// carrier gave none; SentAt is its own word for when, "" where it does not say.
type Inbound struct{ CarrierMessageID, From, To, Text, SentAt string }

// Report is a carrier's later word on a message it took. Status is one of the Delivery
// constants, or "" when the carrier's own word RawStatus is none we know. MessageID is ours, ""
// where the carrier did not bring it back.
type Report struct{ CarrierMessageID, MessageID, Status, ErrorCode, RawStatus string }
