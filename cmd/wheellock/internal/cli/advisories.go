package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/resolve/advisory"
)

const (
	advisoryFresh = time.Hour        // a downloaded database is not asked for again within
	advisoryWait  = 10 * time.Minute // for a whole download
)

// advisories reads the configured security advisories: files and folders,
// relative to the project, and addresses, of which a copy is kept. The database
// is empty where none are configured.
func (s *session) advisories(ctx context.Context) (*advisory.Database, error) {
	db := &advisory.Database{}
	for _, place := range s.project.Config.Advisories {
		path := s.inside(place)
		if strings.HasPrefix(place, "https://") || strings.HasPrefix(place, "http://") {
			var err error
			if path, err = s.download(ctx, place); err != nil {
				return nil, err
			}
		}
		if err := db.Load(path); err != nil {
			if errors.Is(err, os.ErrNotExist) {
				return nil, invalid("correct advisories in "+s.project.Config.File, "advisories: there is no %s", place)
			}
			// A record that is passed over is a hole that nobody sees.
			return nil, invalid("bring the advisories in order, or take them out of "+s.project.Config.File, "reading the advisories: %v", err)
		}
	}
	return db, nil
}

// download brings a database of advisories into the cache and gives its path.
// The address is asked for whole: nobody learns which packages are in use.
func (s *session) download(ctx context.Context, address string) (string, error) {
	cache, err := s.cache()
	if err != nil {
		return "", err
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "", invalid("correct advisories in "+s.project.Config.File, "advisories: %q is no address", address)
	}
	sum := sha256.Sum256([]byte(address))
	path := filepath.Join(cache, "advisories", hex.EncodeToString(sum[:]))
	if strings.HasSuffix(u.Path, ".zip") {
		path += ".zip"
	}
	info, err := os.Stat(path)
	have := err == nil
	if have && (s.offline || s.Now().Sub(info.ModTime()) < advisoryFresh) {
		return path, nil
	}
	if s.offline {
		return "", environment("run it once without --offline", "the advisories of %s are not cached", u.Redacted())
	}
	body, err := s.get(ctx, u)
	switch {
	case err != nil && ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil && have:
		// Old advisories are better than none, but nobody may take them for new.
		s.notes([]string{fmt.Sprintf("the advisories are those of %s: %v", info.ModTime().UTC().Format(time.DateOnly), err)})
		return path, nil
	case err != nil:
		return "", environment("check the network, or name a file in advisories", "downloading the advisories of %s: %v", u.Redacted(), err)
	}
	if err := durable.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	return path, durable.WriteFile(path, body, 0o600)
}

func (s *session) get(ctx context.Context, u *url.URL) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, advisoryWait)
	defer cancel()
	proxy := (&httpproxy.Config{
		HTTPProxy:  s.first("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"),
		HTTPSProxy: s.first("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"),
		NoProxy:    s.first("no_proxy", "NO_PROXY"),
	}).ProxyFunc()
	t := &http.Transport{Proxy: func(r *http.Request) (*url.URL, error) { return proxy(r.URL) }, TLSHandshakeTimeout: 30 * time.Second, ResponseHeaderTimeout: time.Minute}
	defer t.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "wheellock/"+version())
	res, err := (&http.Client{Transport: t}).Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answer %d", res.StatusCode)
	}
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(res.Body, advisory.MaxArchive+1))
	if err == nil && n > advisory.MaxArchive {
		err = fmt.Errorf("more than %d bytes", advisory.MaxArchive)
	}
	return b.Bytes(), err
}
