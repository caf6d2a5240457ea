package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/resolve/index"
)

// client is the index client of this run: one, so that a verb sees one state of
// each index and asks for nothing twice.
func (s *session) client(ctx context.Context) (*index.Client, error) {
	s.clientMu.Lock()
	defer s.clientMu.Unlock()
	if s.theClient != nil {
		return s.theClient, nil
	}
	cache, err := s.cache()
	if err != nil {
		return nil, err
	}
	o := index.Options{
		CacheDir: cache, Pack: s.dir, Offline: s.offline, Jobs: s.jobs, UserAgent: "wheellock/" + version(),
		Private: s.project.Config.Private, FindLinks: s.links(), Netrc: s.netrc(), Keyring: s.keyring,
		CAFile: s.first("PIP_CERT", "REQUESTS_CA_BUNDLE"), ClientCert: s.first("PIP_CLIENT_CERT"),
		Proxy: index.Proxy{
			HTTP:  s.first("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"),
			HTTPS: s.first("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"),
			No:    s.first("no_proxy", "NO_PROXY"),
		},
		StallInterval: s.Limits.Stall, Backoff: s.Limits.Backoff,
		Progress: s.credentialNotes(), Make: s.makeSource,
	}
	if err := s.indexes(ctx, cache, &o); err != nil {
		return nil, err
	}
	c, err := index.New(o)
	if err != nil {
		// It has asked nobody yet: an address or a file of the settings is wrong.
		return nil, &Error{Code: Usage, Msg: err.Error(), Hint: settingHint(err), Err: err}
	}
	s.noteExtraIndexes(o)
	s.offerLocked(c)
	s.theClient = c
	return c, nil
}

// settingHint says where a setting comes from that the client refused.
func settingHint(err error) string {
	for word, hint := range map[string]string{
		"proxy":                          "correct http_proxy, https_proxy or all_proxy",
		"reading certificates":           "correct PIP_CERT or REQUESTS_CA_BUNDLE",
		"reading the client certificate": "correct PIP_CLIENT_CERT",
		"reading netrc":                  "correct NETRC, or make ~/.netrc readable for you",
		"private":                        "correct private in the configuration",
	} {
		if strings.HasPrefix(err.Error(), word) {
			return hint
		}
	}
	return "name the index with --index-url https://..."
}

// indexes fills in which indexes there are: those of the configuration in its
// order, at last the default one. --index-url takes the place of that alone, so
// that pins hold whatever is on the command line.
func (s *session) indexes(ctx context.Context, cache string, o *index.Options) error {
	var def *pyproject.Index
	for _, x := range s.project.Config.Indexes {
		if x.Default {
			def = &x
			continue
		}
		if err := s.addIndex(o, x); err != nil {
			return err
		}
	}
	if o.URL = cmp.Or(s.indexURL, s.project.Config.IndexURL); o.URL == "" && def != nil {
		return s.addIndex(o, *def)
	}
	if o.URL == "" {
		var err error
		if o.URL, err = s.defaultIndex(ctx, cache); err != nil {
			return err
		}
	}
	return s.addCredential(o, "", o.URL)
}

func (s *session) addIndex(o *index.Options, x pyproject.Index) error {
	at := x.URL
	if !strings.Contains(at, "://") {
		at = s.inside(at)
	}
	same := func(y index.Index) bool { return index.EnvName(y.Name) == index.EnvName(x.Name) }
	if i := slices.IndexFunc(o.Indexes, same); i >= 0 {
		return invalid("give one of them another name", "%s:%d: the indexes %q and %q would take their password from the same variables",
			s.project.Config.File, x.Line, o.Indexes[i].Name, x.Name)
	}
	o.Indexes = append(o.Indexes, index.Index{Name: x.Name, URL: at, Packages: x.Packages, Private: x.Private, Hosts: x.Hosts})
	return s.addCredential(o, x.Name, at)
}

// addCredential takes what the environment has for an index.
func (s *session) addCredential(o *index.Options, name, at string) error {
	prefix := index.EnvName(name)
	user, password, token := s.Getenv(prefix+"_USERNAME"), s.Getenv(prefix+"_PASSWORD"), s.Getenv(prefix+"_TOKEN")
	switch {
	case user == "" && password == "" && token == "":
		return nil
	case !strings.Contains(at, "://"):
		return nil // a folder asks for nothing
	case password != "" && token != "":
		return invalid("keep one of them", "the variables %s_PASSWORD and %s_TOKEN are both set", prefix, prefix)
	case password != "" && user == "":
		return invalid("set "+prefix+"_USERNAME too, or "+prefix+"_TOKEN instead", "the variable %s_PASSWORD is set without a user name", prefix)
	}
	c := index.Credential{URL: at, User: cmp.Or(user, "__token__"), Password: cmp.Or(password, token), From: prefix + "_USERNAME and _PASSWORD"}
	if token != "" {
		c.From = prefix + "_TOKEN"
	}
	if c.Password == "" {
		c.From = prefix + "_USERNAME (without a password: the keyring has none)"
	}
	o.Credentials = append(o.Credentials, c)
	return nil
}

// links are the find-links; those of the configuration are relative to it.
func (s *session) links() []string {
	var links []string
	for _, l := range s.project.Config.FindLinks {
		if !strings.Contains(l, "://") {
			l = s.inside(l)
		}
		links = append(links, l)
	}
	for _, l := range s.findLinks {
		if !strings.Contains(l, "://") {
			l = s.path(l)
		}
		links = append(links, l)
	}
	return links
}

func (s *session) netrc() string {
	if file := s.Getenv("NETRC"); file != "" {
		return s.path(file)
	}
	if home := s.Getenv("HOME"); home != "" {
		return filepath.Join(home, ".netrc")
	}
	return ""
}

// credentialNotes says once what the user should know about where a password
// came from.
func (s *session) credentialNotes() func(index.Event) {
	return func(e index.Event) {
		if e.Op != "credential" {
			return
		}
		s.clientNotes.Do(e.Name, func() {
			if e.Name == "netrc" {
				if info, err := os.Stat(s.netrc()); err == nil && info.Mode().Perm()&0o077 != 0 {
					s.say("note: others on this machine may read the passwords in %s: chmod 600 %s", s.netrc(), s.netrc())
				}
			} else if e.Err != nil && !errors.Is(e.Err, context.Canceled) {
				s.say("note: %v", e.Err)
			}
		})
	}
}

// noteExtraIndexes says that pip's and uv's further indexes are not used, unless
// the configuration has them.
func (s *session) noteExtraIndexes(o index.Options) {
	known := []string{plainAddress(o.URL)}
	for _, x := range o.Indexes {
		known = append(known, plainAddress(x.URL))
	}
	extra := index.ExtraIndexes(s.indexEnv())
	var from []string
	for setting, urls := range extra {
		if slices.ContainsFunc(urls, func(u string) bool { return !slices.Contains(known, plainAddress(u)) }) {
			from = append(from, setting)
		}
	}
	slices.Sort(from)
	for _, setting := range from {
		s.clientNotes.Do("extra "+setting, func() {
			s.say("note: the further index in %s is not used, since a name could come from either; to use it write into the configuration", setting)
			s.say(`      [[indexes]] with name = "...", url = "..." and packages = ["..."], the names that it is to give`)
		})
	}
}

// plainAddress is an address as two of them are compared.
func plainAddress(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return s
	}
	return fmt.Sprintf("%s://%s%s", u.Scheme, u.Host, strings.TrimSuffix(u.Path, "/"))
}
