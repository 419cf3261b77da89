package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
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
	signInFlags
	PrivateHooks bool   `env:"AFTERCARE_PRIVATE_HOOKS" help:"Lets addresses inside the network subscribe to changes, over http too."`
	RootFile     string `env:"AFTERCARE_ROOT_FILE" help:"Adds each night's root over all chains to this file, to be kept elsewhere."`
	Role         string `enum:"all,api,work" default:"all" help:"What this process does: all, api (the doors) or work (the jobs)."`

	now       func() time.Time  // nil: the system's clock
	listening func(addr string) // told the address, by tests that listen on port 0
}

// Run serves until interrupted.
func (c *serveCommand) Run(ctx context.Context) (err error) {
	log := newLogger(slog.LevelInfo)
	keys, keysErr := c.readKeys()
	rules, rulesErr := c.rules()
	if err := errors.Join(keysErr, rulesErr, c.checkCarrier()); err != nil {
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
	link, err := c.link(public)
	if err != nil {
		return err
	}
	from, err := parseProxies(c.TrustedProxies)
	if err != nil {
		return err
	}
	sso, err := c.sso(public)
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
	s, err := newService(ctx, serviceConfig{db: db, keys: keys, carrier: c.Carrier, signIn: rules, now: c.now, log: log, roots: c.RootFile, hooks: c.PrivateHooks})
	if err != nil {
		return err
	}
	defer s.close()
	if _, err := s.work.EnsureWordings(ctx, carelog.TheSystem()); err != nil {
		return err
	}
	if err := s.ensureLines(ctx, c.carrierFlags); err != nil {
		return err
	}
	log.Info("serving", "address", listener.Addr().String(), "role", c.Role, "version", version)
	if c.listening != nil {
		c.listening(listener.Addr().String())
	}
	open := doors{
		webhook: link.twilio, aliyun: link.aliyun, secure: strings.HasPrefix(public, "https:"),
		proxies: from, limits: newLimits(c.RateAddress, c.RateCaller), sso: sso,
	}
	return s.serveOn(ctx, listener, s.handler(open), link.carriers, c.Role)
}

// checkCarrier refuses to start without a real carrier: nobody may believe texts
// go out when they do not.
func (f carrierFlags) checkCarrier() error {
	switch f.Carrier {
	case notify.TwilioName, notify.AliyunName:
	case "simulator":
		return errors.New("AFTERCARE_CARRIER=simulator sends nothing: it works in `aftercare demo` only")
	case "":
		return errors.New("AFTERCARE_CARRIER is not set: choose twilio or aliyun")
	default:
		return fmt.Errorf("AFTERCARE_CARRIER=%s is not a carrier this binary knows: choose twilio or aliyun", f.Carrier)
	}
	if slices.Contains(f.served(), notify.AliyunName) && f.number(notify.AliyunName) == "" {
		return errors.New("AFTERCARE_ALIYUN_SIGN_NAME is not set: it is what texts are sent as and replies come to")
	}
	return nil
}

// served names the carriers that are set up: the chosen one, and any other with an
// account in the settings.
func (f carrierFlags) served() []string {
	served := []string{f.Carrier}
	if f.Carrier != notify.TwilioName && f.TwilioAccountSID != "" {
		served = append(served, notify.TwilioName)
	}
	if f.Carrier != notify.AliyunName && f.AliyunAccessKeyID != "" {
		served = append(served, notify.AliyunName)
	}
	return served
}

// number is what a carrier's line is known by. Alibaba Cloud chooses the numbers
// itself; a reply names the signature it answers to.
func (f carrierFlags) number(carrier string) string {
	if carrier == notify.AliyunName {
		return notify.AliyunSignName(f.AliyunSignName)
	}
	return f.TwilioFrom
}

// link is the carriers with what makes their calls trusted.
type link struct {
	carriers notify.Carriers
	twilio   notify.TwilioWebhook
	aliyun   notify.AliyunWebhook
}

// link sets up the carriers that are served and reports every problem together.
func (f carrierFlags) link(public string) (link, error) {
	l := link{carriers: notify.Carriers{}}
	var problems []error
	for _, name := range f.served() {
		var carrier notify.Carrier
		var err error
		if name == notify.AliyunName {
			carrier, l.aliyun, err = f.aliyun()
		} else {
			carrier, l.twilio, err = f.twilio(public)
		}
		problems = append(problems, err)
		l.carriers[name] = carrier
	}
	return l, errors.Join(problems...)
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
	return carrier, notify.TwilioWebhook{PublicURL: public, Tokens: []string{token}}, err
}

func (f carrierFlags) aliyun() (notify.Carrier, notify.AliyunWebhook, error) {
	if slices.Contains(strings.Split(os.Getenv("DEBUG"), ","), "sdk") {
		return nil, notify.AliyunWebhook{}, errors.New("DEBUG=sdk has Alibaba Cloud's library print numbers and keys: unset it")
	}
	key, keyErr := secret("AFTERCARE_ALIYUN_ACCESS_KEY_SECRET")
	push, pushErr := secret("AFTERCARE_ALIYUN_PUSH_SECRET")
	if err := errors.Join(keyErr, pushErr); err != nil {
		return nil, notify.AliyunWebhook{}, err
	}
	carrier, err := notify.NewAliyun(notify.AliyunConfig{
		AccessKeyID: f.AliyunAccessKeyID, AccessKeySecret: key, SignName: f.AliyunSignName, APIURL: f.AliyunAPIURL,
	})
	webhook, trustErr := notify.NewAliyunWebhook(f.AliyunTrust, push, f.AliyunPushAddresses)
	if trustErr != nil {
		trustErr = fmt.Errorf("AFTERCARE_ALIYUN_TRUST: %w", trustErr)
	}
	return carrier, webhook, errors.Join(err, trustErr)
}

// ensureLines makes the receiving numbers of the carriers known. Before the first
// office exists there is nobody to text: `aftercare admin first` makes it then.
func (s *service) ensureLines(ctx context.Context, f carrierFlags) error {
	served := f.served()
	var speaking carelog.LineID
	for _, carrier := range served {
		line, err := s.work.EnsureLine(ctx, carelog.TheSystem(), carrier, f.number(carrier), carelog.OfficeID{})
		if carelog.KindOf(err) == carelog.Conflict {
			return errors.New("there is no office yet: run `aftercare admin first` before `aftercare serve`")
		}
		if err != nil {
			return err
		}
		if carrier == f.Carrier {
			speaking = line
		}
	}
	moved, err := s.work.SpeakFrom(ctx, carelog.TheSystem(), speaking, served...)
	if moved > 0 {
		s.config.log.Info("the sending number has changed: planned texts moved to it", "count", moved)
	}
	return err
}
