package resolvetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"path"
	"strings"
	"time"
)

const (
	typeJSON = "application/vnd.pypi.simple.v1+json"
	typeHTML = "text/html; charset=utf-8"
)

// counter notes the status of an answer.
type counter struct {
	http.ResponseWriter
	s     *Server
	begun bool
}

func (c *counter) WriteHeader(status int) {
	if !c.begun {
		c.begun = true
		c.s.mu.Lock()
		c.s.statuses[status]++
		c.s.mu.Unlock()
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *counter) Write(b []byte) (int, error) {
	if !c.begun {
		c.WriteHeader(http.StatusOK)
	}
	return c.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (c *counter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	w = &counter{ResponseWriter: w, s: s}
	s.mu.Lock()
	s.counts[r.URL.Path]++
	opt := s.opt
	fault := s.takeFault(r.URL.Path)
	s.mu.Unlock()

	if !s.pause(r, opt.Delay) {
		return
	}
	if user, pass, _ := r.BasicAuth(); opt.User != "" && (user != opt.User || pass != opt.Pass) {
		w.Header().Set("WWW-Authenticate", `Basic realm="index"`)
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	if fault != nil {
		s.serveFault(w, r, opt, *fault)
		return
	}
	s.answer(w, r, opt)
}

// pause waits, and reports whether the client is still there.
func (s *Server) pause(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	select {
	case <-time.After(d):
		return true
	case <-s.gone:
	case <-r.Context().Done():
	}
	return false
}

// answer is what a healthy index does.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, opt ServerOptions) {
	dir, name := path.Split(r.URL.Path)
	switch {
	case dir == "/files/":
		s.serveFile(w, r, opt, name)
	case r.URL.Path == "/flat/":
		s.servePage(w, r, opt, "")
	case strings.HasPrefix(dir, "/simple/") && strings.Count(dir, "/") == 3 && name == "":
		s.servePage(w, r, opt, strings.Split(dir, "/")[2])
	case strings.HasPrefix(dir, "/simple/") && name != "":
		http.Redirect(w, r, r.URL.Path+"/", http.StatusMovedPermanently)
	default:
		http.NotFound(w, r)
	}
}

func (s *Server) servePage(w http.ResponseWriter, r *http.Request, opt ServerOptions, project string) {
	accept := r.Header.Get("Accept")
	asJSON := strings.Contains(accept, typeJSON) && !opt.NoJSON && project != ""
	if !asJSON && opt.NoHTML {
		http.Error(w, "only JSON here", http.StatusNotAcceptable)
		return
	}
	page, ok := s.render(pageKey{opt.page(), project, asJSON})
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", page.kind)
	opt.cacheControl(w)
	w.Header().Set("Vary", "Accept")
	if !opt.NoETag {
		w.Header().Set("ETag", page.etag)
		if r.Header.Get("If-None-Match") == page.etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	body := page.body
	if opt.Gzip && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		body = page.gzip
		w.Header().Set("Content-Encoding", "gzip")
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.Write(body)
}

func (o ServerOptions) cacheControl(w http.ResponseWriter) {
	if o.MaxAge > 0 {
		w.Header().Set("Cache-Control", fmt.Sprintf("max-age=%d, public", int(o.MaxAge.Seconds())))
	}
}

func (s *Server) serveFile(w http.ResponseWriter, r *http.Request, opt ServerOptions, name string) {
	wheel, isMetadata := strings.CutSuffix(name, ".metadata")
	s.mu.Lock()
	o, ok := s.files[wheel]
	s.mu.Unlock()
	data := o.data
	if isMetadata {
		ok = ok && o.file.IsWheel() && (opt.Metadata == MetadataUnlisted || opt.Metadata == MetadataListed || opt.Metadata == MetadataHashed)
		data = o.metadata
	}
	if !ok || data == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if !opt.PagesAge {
		opt.cacheControl(w)
	}
	if opt.NoRanges {
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		w.Write(data)
		return
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

type jsonFile struct {
	Filename       string            `json:"filename"`
	URL            string            `json:"url"`
	Hashes         map[string]string `json:"hashes"`
	Size           int64             `json:"size,omitempty"`
	RequiresPython string            `json:"requires-python,omitempty"`
	UploadTime     string            `json:"upload-time,omitempty"`
	Yanked         any               `json:"yanked,omitempty"`
	CoreMetadata   any               `json:"core-metadata,omitempty"`
}

func pageJSON(opt ServerOptions, project, prefix string, objects []object) []byte {
	files := []jsonFile{}
	for _, o := range objects {
		f := jsonFile{Filename: o.file.Name, URL: prefix + o.file.Name, Hashes: map[string]string{}, RequiresPython: o.file.RequiresPython}
		if !opt.NoHashes {
			f.Hashes["sha256"] = o.file.SHA256
		}
		if !opt.NoSizes {
			f.Size, f.UploadTime = o.file.Size, o.file.Uploaded.Format("2006-01-02T15:04:05.000000Z")
		}
		if o.file.Yanked {
			f.Yanked = true
			if o.file.YankedReason != "" {
				f.Yanked = o.file.YankedReason
			}
		}
		if o.file.IsWheel() {
			switch opt.Metadata {
			case MetadataListed, MetadataPromised:
				f.CoreMetadata = true
			case MetadataHashed:
				f.CoreMetadata = map[string]string{"sha256": o.file.CoreMetadata}
			}
		}
		files = append(files, f)
	}
	body, err := json.Marshal(map[string]any{"meta": map[string]any{"api-version": "1.1"}, "name": project, "files": files})
	if err != nil {
		panic(err) // strings and numbers
	}
	return body
}

func pageHTML(opt ServerOptions, prefix string, objects []object) []byte {
	var b bytes.Buffer
	b.WriteString("<!DOCTYPE html>\n<html>\n  <head>\n    <meta name=\"pypi:repository-version\" content=\"1.1\">\n  </head>\n  <body>\n")
	attr := func(name, value string) { fmt.Fprintf(&b, ` %s="%s"`, name, html.EscapeString(value)) }
	for _, o := range objects {
		b.WriteString("    <a")
		href := prefix + o.file.Name
		if !opt.NoHashes {
			href += "#sha256=" + o.file.SHA256
		}
		attr("href", href)
		if o.file.RequiresPython != "" {
			attr("data-requires-python", o.file.RequiresPython)
		}
		if o.file.Yanked {
			attr("data-yanked", o.file.YankedReason)
		}
		if o.file.IsWheel() {
			switch opt.Metadata {
			case MetadataListed, MetadataPromised:
				attr("data-core-metadata", "true")
			case MetadataHashed:
				attr("data-core-metadata", "sha256="+o.file.CoreMetadata)
			}
		}
		fmt.Fprintf(&b, ">%s</a><br>\n", html.EscapeString(o.file.Name))
	}
	b.WriteString("  </body>\n</html>\n")
	return b.Bytes()
}
