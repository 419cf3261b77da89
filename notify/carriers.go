package notify

import (
	"context"
	"errors"
	"time"
)

// Carriers are the carriers a process is set up with, by name.
type Carriers map[string]Carrier

// NewCarriers puts carriers under their names.
func NewCarriers(carriers ...Carrier) Carriers {
	named := Carriers{}
	for _, c := range carriers {
		named[c.Name()] = c
	}
	return named
}

// Named is the carrier of that name. One that is not set up here is Misconfigured at every call:
// its texts wait for an operator until their deadline, and end as every other.
func (c Carriers) Named(name string) Carrier {
	if carrier, ok := c[name]; ok {
		return carrier
	}
	return notSetUp(name)
}

type notSetUp string

func (n notSetUp) Name() string { return string(n) }

func (n notSetUp) Send(context.Context, Message) (Receipt, error) { return Receipt{}, n.refuse() }

func (n notSetUp) Find(context.Context, Message, time.Time) ([]Receipt, error) {
	return nil, n.refuse()
}

func (n notSetUp) refuse() error {
	return &SendError{Class: Misconfigured, Code: "not_set_up", Err: errors.New("no carrier of this name is set up here")}
}
