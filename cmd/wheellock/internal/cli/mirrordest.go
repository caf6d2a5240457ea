package cli

import (
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/provenance/mirror/push"
)

// overSSH is HOST:PATH and USER@HOST:PATH, as rsync has them.
var overSSH = regexp.MustCompile(`^([A-Za-z0-9_][A-Za-z0-9_.-]*@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_][A-Za-z0-9_.-]*):.*$`)

// destination opens DEST. shown is how messages name it: without a password. done
// clears up.
func (s *session) destination(dest string) (to push.Destination, shown string, done func(), err error) {
	done = func() {}
	bucket, isBucket := strings.CutPrefix(dest, "s3://")
	switch {
	case dest == "" || strings.HasPrefix(dest, "-"):
		return nil, "", done, usage("%q is no destination: expected a folder, HOST:PATH, rsync://HOST/PATH or s3://BUCKET/PREFIX", dest)
	case isBucket:
		to, err = s.bucket(bucket)
		return to, dest, done, err
	case strings.HasPrefix(dest, "rsync://"), overSSH.MatchString(dest) && !strings.Contains(dest, "://"):
		return s.rsync(dest)
	case strings.Contains(dest, "://"):
		return nil, "", done, usage("a destination is a folder, HOST:PATH, rsync://HOST/PATH or s3://BUCKET/PREFIX; the scheme %s is none of these", schemeOf(dest))
	}
	f, err := push.NewFolder(s.path(dest), s.house().Dir)
	if err != nil {
		return nil, "", done, invalid("name another folder", "%v", err)
	}
	return f, dest, done, nil
}

// schemeOf is the scheme of an address alone: a password may be in the rest.
func schemeOf(dest string) string { scheme, _, _ := strings.Cut(dest, "://"); return scheme }

func (s *session) bucket(where string) (push.Destination, error) {
	env := func(names ...string) string {
		for _, n := range names {
			if v := s.Getenv(n); v != "" {
				return v
			}
		}
		return ""
	}
	if s.offline {
		return nil, environment("run it again without --offline", "a bucket is behind the network")
	}
	name, prefix, _ := strings.Cut(where, "/")
	prefix = strings.Trim(prefix, "/")
	if prefix != "" && path.Clean(prefix) != prefix {
		return nil, usage("s3://%s: the prefix is no plain path", where)
	}
	b := &push.Bucket{
		Endpoint: strings.TrimSuffix(env("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"), "/"), Region: env("AWS_REGION", "AWS_DEFAULT_REGION"),
		Name: name, Prefix: prefix,
		Keys: push.Credentials{AccessKey: env("AWS_ACCESS_KEY_ID"), SecretKey: env("AWS_SECRET_ACCESS_KEY"), Session: env("AWS_SESSION_TOKEN")},
		HTTP: &http.Client{}, Now: s.Now, Wait: s.Limits.Backoff,
	}
	if b.Region == "" {
		b.Region = "us-east-1" // what stores that have no regions expect
	}
	if b.Endpoint == "" {
		return nil, invalid("export AWS_ENDPOINT_URL=https://s3.example.org", "no AWS_ENDPOINT_URL says where the bucket is")
	}
	if b.Keys.AccessKey == "" || b.Keys.SecretKey == "" {
		return nil, invalid("set both in the environment", "writing to a bucket needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	if err := b.Check(); err != nil {
		return nil, invalid("set AWS_ENDPOINT_URL and s3://BUCKET/PREFIX right", "%v", err)
	}
	return b, nil
}

func (s *session) rsync(dest string) (push.Destination, string, func(), error) {
	done := func() {}
	if s.offline {
		return nil, "", done, environment("run it again without --offline", "a host is behind the network")
	}
	program, err := exec.LookPath("rsync")
	if err != nil {
		return nil, "", done, environment("install rsync, or push to a folder", "the program rsync is not here")
	}
	cache, err := s.cache()
	if err != nil {
		return nil, "", done, err
	}
	if err := durable.MkdirAll(filepath.Join(cache, "push"), 0o700); err != nil {
		return nil, "", done, err
	}
	temp, err := os.MkdirTemp(filepath.Join(cache, "push"), "rsync")
	if err != nil {
		return nil, "", done, err
	}
	shown := dest
	if rest, ok := strings.CutPrefix(dest, "rsync://"); ok {
		host, tail, _ := strings.Cut(rest, "/")
		shown = "rsync://" + host[strings.LastIndexByte(host, '@')+1:] + "/" + tail
	}
	return &push.Rsync{Program: program, To: dest, Temp: temp, Env: s.Environ()}, shown, func() { os.RemoveAll(temp) }, nil
}
