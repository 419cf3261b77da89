// Package api is the door for programs: the operations under /v1, their
// description, the carriers' webhooks and the probes. It reads a request, says
// who calls, asks the care log for one verb and writes the answer; what is right
// or wrong about care is decided there.
package api

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"aftercare/api/docs"
	"aftercare/carelog"
	"aftercare/notify"
)

// Config is what the door stands in front of.
type Config struct {
	Log     *carelog.Log         // signed in as the application
	Twilio  notify.TwilioWebhook // the address carriers were given, and their tokens
	Carrier string               // stored with what the Twilio-shaped webhooks bring: "twilio", or "simulator" in the demo
	Aliyun  notify.AliyunWebhook // what makes Alibaba Cloud's pushes trusted; the zero value takes none
	Version string               // of the program, as the description names it
	Slog    *slog.Logger         // nil: no log

	// Wait is how long the caller of a request has to wait before it is let in;
	// nil: nobody waits. Webhooks and the health checks are never asked about.
	Wait func(*http.Request) time.Duration
}

// server is the door with its parts.
type server struct {
	Config
	api     huma.API
	clock   func() time.Time // the machine's, for deadlines and durations; care goes by the log's own
	uploads chan struct{}    // one place for each large body held at a time
	ajar    bool             // leaves every refusal to the verbs: for the test that walks them
}

func newServer(c Config, mux humago.Mux) *server {
	if c.Slog == nil {
		c.Slog = slog.New(slog.DiscardHandler)
	}
	s := &server{Config: c, clock: time.Now, uploads: make(chan struct{}, maxUploads)}
	s.api = humago.New(mux, description(c.Version))
	s.api.UseMiddleware(s.guard)
	s.routes()
	describe(s.api.OpenAPI())
	return s
}

// Handler answers /v1/…, /openapi.json, /openapi.yaml, /docs, /webhooks/…,
// /healthz and /readyz. Every refusal is an RFC 9457 problem that repeats nothing
// of what was sent, and every request leaves one line in the log, without ids of
// people. Mount it at "/" or at those paths, unstripped.
func Handler(c Config) http.Handler { return handler(c, false) }

func handler(c Config, ajar bool) http.Handler {
	mux := http.NewServeMux()
	s := newServer(c, mux)
	s.ajar = ajar
	page := docs.Handler()
	mux.Handle("/docs", page)
	mux.Handle("/docs/", page)
	mux.HandleFunc("GET /openapi.json", s.document("application/openapi+json", s.api.OpenAPI().MarshalJSON))
	mux.HandleFunc("GET /openapi.yaml", s.document("application/openapi+yaml", s.api.OpenAPI().YAML))
	mux.HandleFunc("POST "+notify.TwilioInboundPath, s.twilioInbound)
	mux.HandleFunc("POST "+notify.TwilioStatusPath, s.twilioStatus)
	if c.Aliyun.Listens() {
		mux.HandleFunc("POST "+notify.AliyunReplyPath, s.aliyunReply)
		mux.HandleFunc("POST "+notify.AliyunReportPath, s.aliyunReport)
	}
	mux.HandleFunc("GET /healthz", s.alive)
	mux.HandleFunc("GET /readyz", s.ready)
	return s.shield(mux)
}

// Description is the OpenAPI 3.1 document of every operation, without a server
// behind it: to write it to a file, or to walk it in a test.
func Description(version string) *huma.OpenAPI {
	return newServer(Config{Version: version}, http.NewServeMux()).api.OpenAPI()
}
