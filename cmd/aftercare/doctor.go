package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"aftercare/carelog"
)

// doctorCommand looks an installation over.
type doctorCommand struct {
	databaseFlags
	carrierFlags
}

// Run prints what it finds and fails when a chain is broken.
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
		_, err = fmt.Fprintf(out, "schema fits, keys open, %d history chains are whole\n", files)
		return err
	})
}
