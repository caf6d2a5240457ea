package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"

	"github.com/freedomofpress/wheellock/resolve/resolvetest"
)

// More words of scripts, for several indexes:
//
//	serve NAME FILE [USER:PASSWORD|nohashes]
//	                                 one more index, with the releases in FILE;
//	                                 its address is $NAME
//	forward NAME OTHER               it sends what it lacks to the index OTHER, as
//	                                 package servers do
//	heard NAME TEXT                  a request to it had TEXT in its address or
//	                                 headers, in any case; with ! none had
//	forget NAME                      what it has heard
func init() {
	commands["serve"] = serve
	commands["forward"] = forward
	commands["heard"] = heard
	commands["forget"] = forget
}

// listener is an index that writes down every request.
type listener struct {
	origin  string
	forward string
	mu      sync.Mutex
	log     []string
}

type listenersKey struct{}

func serve(ts *script, neg bool, args []string) {
	need(ts, !neg && (len(args) == 2 || len(args) == 3), "serve NAME FILE [USER:PASSWORD|nohashes]")
	opt := resolvetest.ServerOptions{Metadata: resolvetest.MetadataHashed}
	if len(args) == 3 && args[2] == "nohashes" {
		opt.NoHashes = true
	} else if len(args) == 3 {
		opt.User, opt.Pass, _ = strings.Cut(args[2], ":")
	}
	u, err := resolvetest.Parse(ts.ReadFile(args[1]))
	ts.Check(err)
	behind := resolvetest.NewServer(u, opt)
	ts.Defer(behind.Close)
	to, err := url.Parse(behind.URL)
	ts.Check(err)
	to.Path = ""
	proxy := httputil.NewSingleHostReverseProxy(to)
	l := &listener{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		l.log = append(l.log, strings.ToLower(fmt.Sprint(r.URL, r.Header)))
		forward := l.forward
		l.mu.Unlock()
		if name, ok := strings.CutPrefix(r.URL.Path, "/simple/"); ok && forward != "" && !has(u, strings.Trim(name, "/")) {
			http.Redirect(w, r, forward+r.URL.Path, http.StatusSeeOther)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	ts.Defer(s.Close)
	l.origin = s.URL
	ts.Setenv(args[0], s.URL+"/simple")
	ts.Value(listenersKey{}).(map[string]*listener)[args[0]] = l
}

func has(u resolvetest.Universe, name string) bool {
	for _, r := range u.Releases {
		if r.Name == name {
			return true
		}
	}
	return false
}

func listenerOf(ts *script, name string) *listener {
	l := ts.Value(listenersKey{}).(map[string]*listener)[name]
	if l == nil {
		ts.Fatalf("there is no index %s", name)
	}
	return l
}

func forward(ts *script, neg bool, args []string) {
	need(ts, !neg && len(args) == 2, "forward NAME OTHER")
	l, other := listenerOf(ts, args[0]), listenerOf(ts, args[1])
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forward = other.origin
}

func heard(ts *script, neg bool, args []string) {
	need(ts, len(args) == 2, "heard NAME TEXT")
	l := listenerOf(ts, args[0])
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.log {
		if strings.Contains(line, strings.ToLower(args[1])) {
			if neg {
				ts.Fatalf("%s heard %s", args[0], line)
			}
			return
		}
	}
	if !neg {
		ts.Fatalf("%s never heard of %s", args[0], args[1])
	}
}

func forget(ts *script, neg bool, args []string) {
	need(ts, !neg && len(args) == 1, "forget NAME")
	l := listenerOf(ts, args[0])
	l.mu.Lock()
	defer l.mu.Unlock()
	l.log = nil
}
