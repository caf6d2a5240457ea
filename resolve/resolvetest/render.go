package resolvetest

import (
	"bytes"
	"compress/gzip"
	"maps"
	"slices"
)

// pageKey is what the bytes of a page depend on.
type pageKey struct {
	opt     ServerOptions // of which page() left nothing else
	project string
	json    bool
}

// rendered is a page as it is sent. It is made once, so that a measurement of
// a client is none of this server.
type rendered struct {
	body, gzip []byte
	kind, etag string
}

// page returns the options that show in the bytes of a page.
func (o ServerOptions) page() ServerOptions {
	return ServerOptions{Metadata: o.Metadata, NoHashes: o.NoHashes, NoSizes: o.NoSizes, Absolute: o.Absolute}
}

// render returns a project's page, or with no project's name that of everything.
func (s *Server) render(key pageKey) (r rendered, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.rendered[key]; ok {
		return r, true
	}
	objects, ok := s.projects[key.project]
	if !ok && key.project != "" {
		return r, false
	}
	if key.project == "" {
		for _, name := range slices.Sorted(maps.Keys(s.projects)) {
			objects = append(objects, s.projects[name]...)
		}
	}
	prefix := "../../files/"
	switch {
	case key.opt.Absolute:
		prefix = s.http.URL + "/files/"
	case key.project == "":
		prefix = "../files/"
	}
	r.kind = typeHTML
	if key.json {
		r.kind, r.body = typeJSON, pageJSON(key.opt, key.project, prefix, objects)
	} else {
		r.body = pageHTML(key.opt, prefix, objects)
	}
	r.etag = `"` + hexSum(r.body)[:16] + `"`
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(r.body)
	z.Close()
	r.gzip = b.Bytes()
	s.rendered[key] = r
	return r, true
}
