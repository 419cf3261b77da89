package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"aftercare/api"
	"aftercare/carelog"
	"aftercare/internal/crypt"
	"aftercare/jobs"
	"aftercare/migrations"
	"aftercare/notify"
	"aftercare/web"
)

// service is the running whole: two pools, two logs on them, the doors and the workers.
type service struct {
	config serviceConfig
	app    *pgxpool.Pool
	pool   *pgxpool.Pool // the workers'
	door   *carelog.Log  // on the application's role
	work   *carelog.Log  // on the workers' role
}

// serviceConfig is what a service is built from.
type serviceConfig struct {
	db      *database
	keys    *crypt.Keyring
	carrier string // of offices that name none
	signIn  carelog.SignInRules
	now     func() time.Time
	log     *slog.Logger
	hooks   bool   // addresses inside the network may subscribe to changes
	roots   string // the file of nightly roots; empty: none
}

func newService(ctx context.Context, c serviceConfig) (*service, error) {
	s := &service{config: c}
	var err error
	if s.app, err = openPool(ctx, c.db.app, "app", 20); err != nil {
		return nil, err
	}
	if s.pool, err = openPool(ctx, c.db.work, "work", 40); err != nil {
		s.close()
		return nil, err
	}
	if err := bound(ctx, s.app); err != nil {
		s.close()
		return nil, err
	}
	if s.config.keys, err = carelog.FitKeys(ctx, s.pool, c.keys); err != nil {
		s.close()
		return nil, err
	}
	if s.door, err = s.newLog(s.app); err != nil {
		s.close()
		return nil, err
	}
	if s.work, err = s.newLog(s.pool); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// bound refuses an application address that row-level security does not bind:
// the owner's, a superuser's or one that bypasses it.
func bound(ctx context.Context, pool *pgxpool.Pool) error {
	var free bool
	err := pool.QueryRow(ctx, `SELECT r.rolsuper OR r.rolbypassrls OR pg_has_role(c.relowner, 'USAGE')
		FROM pg_roles r, pg_class c WHERE r.rolname = current_user AND c.oid = 'recipients'::regclass`).Scan(&free)
	if err != nil {
		return fmt.Errorf("look at the application's database role: %w", err)
	}
	if free {
		return errors.New("AFTERCARE_DATABASE_URL signs in with a role that sees every office: use the address `aftercare migrate --create-roles` printed")
	}
	return nil
}

func (s *service) newLog(pool *pgxpool.Pool) (*carelog.Log, error) {
	queue, err := jobs.NewQueue(pool, migrations.RiverSchema)
	if err != nil {
		return nil, err
	}
	return s.newLogOn(pool, queue, s.config.now), nil
}

func (s *service) newLogOn(pool *pgxpool.Pool, queue carelog.Queue, now func() time.Time) *carelog.Log {
	return carelog.New(carelog.Config{
		DB: pool, Keys: s.config.keys, Queue: queue, Words: notify.NewPhrasebook(""), Carrier: s.config.carrier, Now: now, SignIn: s.config.signIn, PlainHooks: s.config.hooks,
	})
}

func (s *service) close() {
	if s.app != nil {
		s.app.Close()
	}
	if s.pool != nil {
		s.pool.Close()
	}
}

// doors is what the HTTP side is built from.
type doors struct {
	webhook  notify.TwilioWebhook
	aliyun   notify.AliyunWebhook
	handsets web.Handsets
	phones   []web.Handset
	banner   func() string
	secure   bool
	proxies  proxies
	limits   *limits // nil: none
	sso      web.SSO
}

func (s *service) handler(d doors) http.Handler {
	mux := http.NewServeMux()
	twilioShaped := notify.TwilioName
	if s.config.carrier == simulator {
		twilioShaped = simulator
	}
	program := api.Handler(api.Config{
		Log: s.door, Twilio: d.webhook, Aliyun: d.aliyun, Carrier: twilioShaped, Version: version, Slog: s.config.log, Wait: d.wait(),
	})
	for _, path := range []string{"/v1/", "/webhooks/", "/docs", "/docs/", "/openapi.json", "/openapi.yaml", "/healthz", "/readyz"} {
		mux.Handle(path, program)
	}
	mux.Handle("/metrics", metrics(s.work, s.config.log))
	mux.Handle("/", web.Handler(web.Config{
		Log: s.door, Handsets: d.handsets, HandsetLabels: d.phones, Banner: d.banner, Secure: d.secure, Slog: s.config.log, Wait: d.wait(),
		SSO: d.sso, Address: address,
	}))
	return outermost(mux, d.proxies, d.secure)
}

func (d doors) wait() func(*http.Request) time.Duration {
	if d.limits == nil {
		return nil
	}
	return d.limits.wait
}

// roles of a process.
const (
	roleAll  = "all"
	roleAPI  = "api"
	roleWork = "work"
)

// serveOn runs the doors and the workers until ctx ends, then stops in order:
// no new requests, jobs finished or handed back.
func (s *service) serveOn(ctx context.Context, listener net.Listener, handler http.Handler, carriers notify.Carriers, role string) error {
	stopped := make(chan error, 1)
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 6 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(s.config.log.Handler(), slog.LevelWarn),
	}
	go func() { stopped <- server.Serve(listener) }()
	var client *jobs.Client
	if role != roleAPI {
		var err error
		client, err = jobs.NewClient(s.pool, jobs.Config{Log: s.work, Carriers: carriers, Schema: migrations.RiverSchema, Slog: s.config.log, RootFile: s.config.roots, Hooks: notify.NewHooks(s.config.hooks, s.config.now)})
		if err != nil {
			return errors.Join(fmt.Errorf("set up the workers: %w", err), server.Close())
		}
		if err := client.Start(context.WithoutCancel(ctx)); err != nil {
			return errors.Join(fmt.Errorf("start the workers: %w", err), server.Close())
		}
	}
	var failed error
	select {
	case <-ctx.Done():
	case failed = <-stopped:
	case <-s.config.db.gone():
		failed = errors.New("the private PostgreSQL stopped by itself: see postgres.log in the data directory")
	}
	end, done := context.WithTimeout(context.WithoutCancel(ctx), 8*time.Second)
	defer done()
	// Side by side: a slow upload must not eat the time in which jobs are handed back.
	workers := make(chan error, 1)
	go func() {
		if client == nil {
			workers <- nil
			return
		}
		workers <- client.Stop(end)
	}()
	polite, hurry := context.WithTimeout(end, 4*time.Second)
	defer hurry()
	err := server.Shutdown(polite)
	if err != nil {
		err = server.Close()
	}
	return errors.Join(failed, err, <-workers)
}

// gone is closed when a private server exits unexpectedly; nil never fires.
func (d *database) gone() <-chan struct{} {
	if d.server == nil {
		return nil
	}
	return d.server.Done()
}
