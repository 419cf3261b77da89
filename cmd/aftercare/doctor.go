package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"aftercare/carelog"
)

// doctorCommand looks an installation over.
type doctorCommand struct {
	databaseFlags
	carrierFlags
}

// Run prints what it finds and fails when a chain or a promise is broken.
func (c *doctorCommand) Run(ctx context.Context, out io.Writer) error {
	return c.with(ctx, c.Carrier, func(s *service) error {
		if c.Carrier == "twilio" && strings.HasPrefix(c.TwilioFrom, "+86") {
			fmt.Fprintln(out, "warning: Twilio cannot receive replies from mainland numbers: village contacts will not be heard")
		}
		files, broken, err := s.work.VerifyAll(ctx, carelog.TheSystem())
		if err != nil {
			return err
		}
		for _, b := range broken {
			fmt.Fprintln(out, b)
		}
		if len(broken) > 0 {
			return fmt.Errorf("%d of %d history chains are broken", len(broken), files)
		}
		promises, err := s.work.Promises(ctx, time.Time{})
		if err != nil {
			return err
		}
		for _, id := range promises.Plans {
			fmt.Fprintln(out, "forgotten plan", id)
		}
		for _, id := range promises.Messages {
			fmt.Fprintln(out, "message without an end", id)
		}
		if !promises.Kept() {
			return fmt.Errorf("%d plans are forgotten, %d messages were dropped silently, %d wait past their time: are the workers running?",
				promises.Forgotten, promises.DroppedSilently, promises.Unsettled)
		}
		_, err = fmt.Fprintf(out, "schema fits, keys open, %d history chains are whole, nobody is forgotten\n", files)
		return err
	})
}
