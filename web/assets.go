package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"mime"
	"net/http"
	"path"
)

//go:embed assets
var assetFiles embed.FS

// assets is every embedded file by name.
type assets map[string]asset

type asset struct {
	content     []byte
	contentType string
	version     string
}

func newAssets() assets {
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		panic(fmt.Sprintf("web: read assets: %v", err))
	}
	found := assets{}
	for _, entry := range entries {
		content, err := assetFiles.ReadFile("assets/" + entry.Name())
		if err != nil {
			panic(fmt.Sprintf("web: read asset: %v", err))
		}
		sum := sha256.Sum256(content)
		found[entry.Name()] = asset{content, mime.TypeByExtension(path.Ext(entry.Name())), hex.EncodeToString(sum[:6])}
	}
	return found
}

// address is an asset's path with its version, so that a browser may keep it.
func (a assets) address(name string) (string, error) {
	file, ok := a[name]
	if !ok {
		return "", fmt.Errorf("no asset %s", name)
	}
	return "/assets/" + name + "?v=" + file.version, nil
}

func (s *console) asset(w http.ResponseWriter, r *http.Request) {
	file, ok := s.assets[r.PathValue("name")]
	if !ok {
		s.showError(w, r, nil, http.StatusNotFound, "error.404")
		return
	}
	w.Header().Set("Content-Type", file.contentType)
	if r.URL.Query().Get("v") == file.version {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if _, err := w.Write(file.content); err != nil {
		s.Slog.DebugContext(r.Context(), "the reader left", "error", err)
	}
}
