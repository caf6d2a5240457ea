package mirror

import (
	"net/http"
	"os"
	"path"
	"strings"
)

// Handler serves the wheelhouse as a static host would, and picks JSON or HTML
// by the Accept header (PEP 691), which a static host cannot. Private state, log
// journals and hidden files are not served.
func (w Wheelhouse) Handler() http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			rw.Header().Set("Allow", "GET, HEAD")
			http.Error(rw, "only GET and HEAD", http.StatusMethodNotAllowed)
			return
		}
		p := path.Clean("/" + r.URL.Path)
		for part := range strings.SplitSeq(p, "/") {
			if strings.HasPrefix(part, ".") {
				http.NotFound(rw, r)
				return
			}
		}
		// A link in a checkout must not lead out of the folder.
		root, err := os.OpenRoot(w.Dir)
		if err != nil {
			http.NotFound(rw, r)
			return
		}
		defer root.Close()
		if !strings.HasPrefix(p, "/simple/") || strings.Contains(path.Base(p), ".") {
			contentType(rw, p)
			http.FileServerFS(root.FS()).ServeHTTP(rw, r)
			return
		}
		servePage(rw, r, root, p)
	})
}

// servePage answers an index page in the form that the client prefers.
func servePage(rw http.ResponseWriter, r *http.Request, root *os.Root, p string) {
	if !strings.HasSuffix(r.URL.Path, "/") {
		http.Redirect(rw, r, p+"/", http.StatusMovedPermanently)
		return
	}
	file, kind := "index.html", "application/vnd.pypi.simple.v1+html"
	accept := r.Header.Get("Accept")
	switch {
	case strings.Contains(accept, "application/vnd.pypi.simple.v1+json"), strings.Contains(accept, "application/vnd.pypi.simple.latest+json"):
		file, kind = "index.json", "application/vnd.pypi.simple.v1+json"
	case !strings.Contains(accept, "application/vnd.pypi.simple.v1+html"):
		kind = "text/html; charset=utf-8"
	}
	data, err := root.ReadFile(path.Join(strings.TrimPrefix(p, "/"), file))
	if err != nil {
		http.NotFound(rw, r)
		return
	}
	rw.Header().Set("Content-Type", kind)
	rw.Header().Set("Vary", "Accept")
	rw.Write(data)
}

// contentType names the types that Go's table of the system may not know.
func contentType(rw http.ResponseWriter, p string) {
	switch path.Ext(p) {
	case ".whl":
		rw.Header().Set("Content-Type", "application/zip")
	case ".metadata", ".txt", ".sig", ".asc":
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
}
