// Package docs is the page that shows the API's description to people. It works offline:
// Swagger UI is vendored beside it (swagger-ui-dist 5.35.0 of the npm registry, unchanged;
// SHA256SUMS is tested) and reads /openapi.json of the same host.
package docs

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed index.html init.js swagger-ui-5.35.0
var embedded embed.FS

// vendored is the folder of the library. Its name carries the version, so what is in it
// never changes under the same address.
const vendored = "swagger-ui-5.35.0"

// policy lets the page load from its own host only. Swagger UI sets styles on elements and
// draws its icons from data addresses.
const policy = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'"

// types are the content types of what is served; the rest of the folder is for readers of
// the repository.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".png":  "image/png",
	".txt":  "text/plain; charset=utf-8",
	"":      "text/plain; charset=utf-8",
}

// asset is one file, ready to be served.
type asset struct {
	content  []byte
	kind     string
	etag     string
	lifetime string
}

// Handler serves the page at /docs and /docs/ and its files below. Mount it at both paths,
// unstripped. It answers GET and HEAD; every answer has a strong ETag and a content
// security policy that allows this host alone. It asks for no sign-in: put one in front
// where the description is not public.
func Handler() http.Handler {
	assets := load()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			header.Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		found, known := assets[r.URL.Path]
		if !known {
			http.NotFound(w, r)
			return
		}
		header.Set("Content-Type", found.kind)
		header.Set("ETag", found.etag)
		header.Set("Cache-Control", found.lifetime)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(found.content))
	})
}

// load reads the embedded files once, by the path they are asked for. The page itself is
// there under both of its paths.
func load() map[string]asset {
	assets := map[string]asset{}
	err := fs.WalkDir(embedded, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := embedded.ReadFile(name)
		if err != nil {
			return err
		}
		assets["/docs/"+name] = newAsset(name, content)
		return nil
	})
	if err != nil {
		panic(fmt.Sprintf("read embedded docs: %v", err)) // the compiler put them there
	}
	page := assets["/docs/index.html"]
	assets["/docs"], assets["/docs/"] = page, page
	return assets
}

func newAsset(name string, content []byte) asset {
	sum := sha256.Sum256(content)
	// Ours change with a release, so they are asked for again each time and answered 304.
	lifetime := "no-cache"
	if strings.HasPrefix(name, vendored+"/") {
		lifetime = "public, max-age=31536000, immutable"
	}
	return asset{
		content:  content,
		kind:     types[path.Ext(name)],
		etag:     `"` + hex.EncodeToString(sum[:16]) + `"`,
		lifetime: lifetime,
	}
}
