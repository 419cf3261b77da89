package api

import (
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

// description is how the door is described, before any operation is added. The
// documents themselves are served by us: Huma's pages load from the internet.
func description(version string) huma.Config {
	c := huma.DefaultConfig("Aftercare", version)
	c.Info.Description = "Long-term care for crime victims who were given state judicial aid. " +
		"Dates are Asia/Shanghai, amounts are in fen. Refusals are RFC 9457 problems; `errors` names every field that is wrong."
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.CreateHooks = nil
	c.RejectUnknownQueryParameters = true
	c.Transformers = []huma.Transformer{clean}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		bearerScheme: {Type: "http", Scheme: "bearer", Description: "A token of POST /v1/tokens, or of `aftercare admin`."},
	}
	return c
}

// describe puts right what the struct tags cannot say.
func describe(o *huma.OpenAPI) {
	schemas := o.Components.Schemas.Map()
	schemas["ErrorModel"].Properties["errors"].Nullable = false
	delete(schemas["ErrorDetail"].Properties, "value") // a problem repeats nothing of the request
	describeImport(o.Paths["/v1/imports"].Post)
	describeHolidays(o.Paths["/v1/calendar/imports"].Post)
}

// document serves the description, written once, when it is first asked for.
func (s *server) document(kind string, write func() ([]byte, error)) http.HandlerFunc {
	text := sync.OnceValues(write)
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := text()
		if err != nil {
			id := requestID(r.Context())
			s.Slog.ErrorContext(r.Context(), "internal error", "id", id, "operation", "document", "cause", err.Error())
			internal(id).write(w)
			return
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(body) // the caller may be gone
	}
}
