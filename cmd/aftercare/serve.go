package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"aftercare/carelog"
	"aftercare/notify"
)

// serveCommand runs the service.
type serveCommand struct {
	databaseFlags
	listenFlags
	carrierFlags
	Role string `enum:"all,api,work" default:"all" help:"What this process does: all, api (the doors) or work (the jobs)."`

	now       func() time.Time  // nil: the system's clock
	listening func(addr string) // told the address, by tests that listen on port 0
}

// Run serves until interrupted.
func (c *serveCommand) Run(ctx context.Context) (err error) {
	log := newLogger(slog.LevelInfo)
	keys, keysErr := readKeys()
	if err := errors.Join(keysErr, c.checkCarrier()); err != nil {
		return err
	}
	dir, err := c.dataDir()
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", c.Listen, err)
	}
	defer listener.Close()
	public, err := c.publicURL(listener.Addr().String())
	if err != nil {
		return err
	}
	carrier, webhook, err := c.twilio(public)
	if err != nil {
		return err
	}
	db, err := c.openDatabase(ctx, dir, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close(ctx)) }()
	if err := db.migrate(ctx); err != nil {
		return err
	}
	s, err := newService(ctx, serviceConfig{db: db, keys: keys, carrier: carrier.Name(), now: c.now, log: log})
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.ensureLine(ctx, c.TwilioFrom); err != nil {
		return err
	}
	log.Info("serving", "address", listener.Addr().String(), "role", c.Role, "version", version)
	if c.listening != nil {
		c.listening(listener.Addr().String())
	}
	return s.serveOn(ctx, listener, s.handler(doors{webhook: webhook, secure: strings.HasPrefix(public, "https:")}), carrier, c.Role)
}

// checkCarrier refuses to start without a real carrier: nobody may believe texts
// go out when they do not.
func (f carrierFlags) checkCarrier() error {
	switch f.Carrier {
	case "twilio":
		return nil
	case "simulator":
		return errors.New("AFTERCARE_CARRIER=simulator sends nothing: it works in `aftercare demo` only")
	case "":
		return errors.New("AFTERCARE_CARRIER is not set: choose twilio")
	default:
		return fmt.Errorf("AFTERCARE_CARRIER=%s is not a carrier this binary knows: choose twilio", f.Carrier)
	}
}

func (f carrierFlags) twilio(public string) (notify.Carrier, notify.TwilioWebhook, error) {
	token, err := secret("AFTERCARE_TWILIO_AUTH_TOKEN")
	if err != nil {
		return nil, notify.TwilioWebhook{}, err
	}
	carrier, err := notify.NewTwilio(notify.TwilioConfig{
		AccountSID: f.TwilioAccountSID, AuthToken: token, From: f.TwilioFrom, MessagingServiceSID: f.TwilioMessagingServiceSID,
		PublicURL: public, APIURL: f.TwilioAPIURL,
	})
	if err != nil {
		return nil, notify.TwilioWebhook{}, err
	}
	return carrier, notify.TwilioWebhook{PublicURL: public, Tokens: []string{token}}, nil
}

// ensureLine makes the receiving number known. Before the first office exists
// there is nobody to text: `aftercare admin first` makes it then.
func (s *service) ensureLine(ctx context.Context, number string) error {
	line, err := s.work.EnsureLine(ctx, carelog.TheSystem(), s.config.carrier, number, carelog.OfficeID{})
	if carelog.KindOf(err) == carelog.Conflict {
		return errors.New("there is no office yet: run `aftercare admin first` before `aftercare serve`")
	}
	if err != nil {
		return err
	}
	moved, err := s.work.SpeakFrom(ctx, carelog.TheSystem(), line)
	if moved > 0 {
		s.config.log.Info("the sending number has changed: planned texts moved to it", "count", moved)
	}
	return err
}
