package serve

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/index"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/tile"
)

const (
	forever = "public, max-age=31536000, immutable"
	brief   = "public, max-age=60"
	// A checkpoint is asked for again each time; the ETag makes that cheap.
	current = "public, no-cache"

	plainText = "text/plain; charset=utf-8"
	binary    = "application/octet-stream"
)

func rootPath(n int) string { return fmt.Sprintf("root/%d.toml", n) }

// kindOf says how a file of the log's folder is served; ok is false for all
// that is none of the world's business.
func kindOf(path string) (contentType, caching string, ok bool) {
	switch {
	case path == store.CheckpointPath:
		return plainText, current, true
	case path == "policy", strings.HasPrefix(path, "root/"):
		return plainText, brief, true
	case strings.HasPrefix(path, "index/"):
		return binary, brief, true
	}
	t, err := tile.ParsePath(path)
	if err != nil {
		return "", "", false
	}
	if t.Width == tile.Width {
		return binary, forever, true
	}
	// It will not change, but be gone once the full one is there.
	return binary, brief, true
}

// static serves the folder's files.
func (s *Server) static(w http.ResponseWriter, r *http.Request) {
	s.metrics.reads.Add(1)
	path := strings.TrimPrefix(r.URL.Path, "/")
	kind, caching, ok := kindOf(path)
	if !ok || !fs.ValidPath(path) || hidden(path) {
		notFound(w)
		return
	}
	f, err := s.root.Open(path)
	if err != nil {
		notFound(w)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		notFound(w)
		return
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", caching)
	if caching == forever || strings.HasPrefix(path, "tile/") {
		http.ServeContent(w, r, "", info.ModTime(), f)
		return
	}
	// A file that changes under its name, perhaps twice in a second: its time
	// says too little.
	data, err := io.ReadAll(io.LimitReader(f, index.MaxListSize+1))
	if err != nil || len(data) > index.MaxListSize {
		http.Error(w, "the file cannot be read now", http.StatusInternalServerError)
		return
	}
	h.Set("ETag", fmt.Sprintf("%q", fmt.Sprintf("%x", sha256.Sum256(data))))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// hidden: private folders and temporary files begin with a dot.
func hidden(path string) bool {
	return strings.HasPrefix(path, ".") || strings.Contains(path, "/.")
}

func notFound(w http.ResponseWriter) {
	// A tile that is not there now may be soon.
	w.Header().Set("Cache-Control", "no-store")
	text(w, http.StatusNotFound, "not found\n")
}

func text(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", plainText)
	w.WriteHeader(status)
	io.WriteString(w, body)
}
