package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"aftercare/carelog"
	"aftercare/notify"
)

// doctorCommand looks an installation over.
type doctorCommand struct {
	databaseFlags
	carrierFlags
	Root    bool   `help:"Print the root of the last night as one line of JSON, to be kept elsewhere, and nothing else."`
	Against string `type:"existingfile" help:"Compare with the roots kept in this file, one line each, and name what was cut off or taken away since."`
}

// Run prints what it finds and fails when a chain or a promise is broken.
func (c *doctorCommand) Run(ctx context.Context, out io.Writer) error {
	return c.with(ctx, c.Carrier, func(s *service) error {
		if c.Root {
			return printRoot(ctx, s, out)
		}
		if err := c.warnOfSilence(ctx, s, out); err != nil {
			return err
		}
		found, err := s.work.VerifyAll(ctx, carelog.TheSystem())
		if err != nil {
			return err
		}
		for _, name := range found.Names {
			fmt.Fprintln(out, name)
		}
		if found.Broken > 0 {
			return fmt.Errorf("%d records of %d files were changed, removed or moved", found.Broken, found.Files)
		}
		if err := c.compare(ctx, s, out); err != nil {
			return err
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
		if found.Erased > 0 {
			fmt.Fprintf(out, "%d values belong to erased files: their chains are whole, nobody opens them any more\n", found.Erased)
		}
		_, err = fmt.Fprintf(out, "schema fits, keys open, %d history chains are whole, every sealed value opens, nobody is forgotten\n", found.Files)
		return err
	})
}

// warnOfSilence names the contacts whose replies nobody would hear. The numbers that
// answer decide it, not the one that asks.
func (c *doctorCommand) warnOfSilence(ctx context.Context, s *service, out io.Writer) error {
	reaches, err := s.work.Reaches(ctx, carelog.TheSystem())
	if err != nil {
		return err
	}
	pulled := notify.AliyunTrust(c.AliyunTrust) == notify.TrustPull
	for _, r := range reaches {
		switch {
		case !r.Heard:
			fmt.Fprintf(out, "warning: %s cannot receive replies from numbers of %s: %d contacts will not be heard\n", r.Carrier, r.Country, r.Contacts)
		case r.Carrier == notify.AliyunName && pulled:
			fmt.Fprintf(out, "warning: AFTERCARE_ALIYUN_TRUST=pull takes no push: replies of %d contacts of %s cannot be heard\n", r.Contacts, r.Country)
		}
	}
	return nil
}
