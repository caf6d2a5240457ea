package push

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A fakeStore is an S3 store on loopback that checks signatures from the bytes of the
// request line and the headers, by its own code.
type fakeStore struct {
	*httptest.Server
	t    *testing.T
	mu   sync.Mutex
	has  map[string][]byte
	meta map[string]string
	busy int // answers 503 so many times
}

const fakeSecret = "secret/of+tests"

func newStore(t *testing.T) *fakeStore {
	s := &fakeStore{t: t, has: map[string][]byte{}, meta: map[string]string{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *fakeStore) bucket() *Bucket {
	return &Bucket{Endpoint: s.URL, Region: "test-1", Name: "wheels", Prefix: "py/thon", Keys: Credentials{AccessKey: "ID", SecretKey: fakeSecret, Session: "token"},
		HTTP: s.Client(), Now: time.Now, Wait: time.Millisecond}
}

func (s *fakeStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	if err := s.signed(r, body); err != nil {
		s.refuse(w, 403, "SignatureDoesNotMatch", err.Error())
		return
	}
	if s.busy > 0 {
		s.busy--
		s.refuse(w, 503, "SlowDown", "")
		return
	}
	key, ok := strings.CutPrefix(r.URL.Path, "/wheels")
	if !ok {
		s.refuse(w, 404, "NoSuchBucket", "")
		return
	}
	key = strings.TrimPrefix(key, "/")
	switch {
	case key == "":
		s.list(w, r)
	case r.Method == http.MethodPut:
		s.has[key], s.meta[key] = body, r.Header.Get("X-Amz-Meta-Sha256")
	case r.Method == http.MethodDelete:
		delete(s.has, key)
		w.WriteHeader(204)
	case s.has[key] == nil:
		s.refuse(w, 404, "NoSuchKey", "")
	default:
		w.Header().Set("ETag", fmt.Sprintf(`"%x"`, md5.Sum(s.has[key])))
		w.Header().Set("X-Amz-Meta-Sha256", s.meta[key])
		w.Header().Set("Content-Length", fmt.Sprint(len(s.has[key])))
		if r.Method == http.MethodGet {
			w.Write(s.has[key])
		}
	}
}

func (s *fakeStore) refuse(w http.ResponseWriter, status int, code, text string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>", code)
	xml.EscapeText(w, []byte(text))
	fmt.Fprint(w, "</Message></Error>")
}

// list answers two keys at a time.
func (s *fakeStore) list(w http.ResponseWriter, r *http.Request) {
	var keys []string
	q := r.URL.Query()
	for k := range s.has {
		if strings.HasPrefix(k, q.Get("prefix")) && k > q.Get("continuation-token") {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	more := len(keys) > 2
	keys = keys[:min(2, len(keys))]
	fmt.Fprintf(w, "<ListBucketResult><IsTruncated>%v</IsTruncated>", more)
	for _, k := range keys {
		fmt.Fprint(w, "<Contents><Key>")
		xml.EscapeText(w, []byte(k))
		fmt.Fprint(w, "</Key></Contents>")
	}
	if more {
		fmt.Fprintf(w, "<NextContinuationToken>%s</NextContinuationToken>", keys[1])
	}
	fmt.Fprint(w, "</ListBucketResult>")
}

func (s *fakeStore) signed(r *http.Request, body []byte) error {
	var id, day, region, names, sig string
	auth := strings.NewReplacer(",", " ", "/", " ").Replace(r.Header.Get("Authorization"))
	if _, err := fmt.Sscanf(auth, "AWS4-HMAC-SHA256 Credential=%s %s %s s3 aws4_request  SignedHeaders=%s  Signature=%s", &id, &day, &region, &names, &sig); err != nil || id != "ID" || region != "test-1" {
		return fmt.Errorf("authorization %q: %v", auth, err)
	}
	for _, must := range []string{"host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"} {
		if !slices.Contains(strings.Split(names, ";"), must) {
			return errors.New(must + " is not signed")
		}
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil || time.Since(at).Abs() > 15*time.Minute || at.Format("20060102") != day {
		return errors.New("the time")
	}
	hash := fmt.Sprintf("%x", sha256.Sum256(body))
	if r.Header.Get("X-Amz-Content-Sha256") != hash {
		return errors.New("the payload")
	}
	path, query, _ := strings.Cut(r.RequestURI, "?")
	text := r.Method + "\n" + path + "\n" + query + "\n"
	for _, n := range strings.Split(names, ";") {
		v := r.Header.Get(n)
		if n == "host" {
			v = r.Host
		}
		text += n + ":" + v + "\n"
	}
	text += "\n" + names + "\n" + hash
	text = fmt.Sprintf("AWS4-HMAC-SHA256\n%s\n%s/test-1/s3/aws4_request\n%x", r.Header.Get("X-Amz-Date"), day, sha256.Sum256([]byte(text)))
	k := []byte("AWS4" + fakeSecret)
	for _, part := range []string{day, "test-1", "s3", "aws4_request", text} {
		h := hmac.New(sha256.New, k)
		h.Write([]byte(part))
		k = h.Sum(nil)
	}
	if hex.EncodeToString(k) != sig {
		return errors.New("the signature")
	}
	return nil
}

func TestBucketRefusals(t *testing.T) {
	s := newStore(t)
	b := s.bucket()
	s.busy = 2
	if _, err := Run(t.Context(), b, site(t, "x"), options()); err != nil {
		t.Errorf("a store that is busy for a moment: %v", err)
	}
	// The object changed, the header that says its hash did not.
	s.mu.Lock()
	s.has["py/thon/log/checkpoint"] = []byte("y")
	s.mu.Unlock()
	if r, err := Run(t.Context(), b, site(t, "x"), options()); err != nil || len(r.Sent) != 1 {
		t.Errorf("an object that was changed there: %+v, %v", r, err)
	}
	var no *BucketError
	b.Keys.SecretKey = "wrong"
	if _, err := Run(t.Context(), b, site(t, "x"), options()); !errors.As(err, &no) || no.Status != 403 {
		t.Errorf("a wrong key: %v, want 403", err)
	}
	b = s.bucket()
	b.Name = "other"
	if err := b.Send(t.Context(), site(t, "x")); !errors.As(err, &no) || no.Code != "NoSuchBucket" {
		t.Errorf("no such bucket: %v", err)
	}
	away := httptest.NewServer(http.RedirectHandler(s.URL, http.StatusTemporaryRedirect))
	defer away.Close()
	b = s.bucket()
	b.Endpoint = away.URL
	if err := b.Send(t.Context(), site(t, "x")); !errors.As(err, &no) || no.Status != 307 {
		t.Errorf("a redirect: %v, want that it is not followed", err)
	}
	for _, bad := range []string{"http://s3.example.org", "s3.example.org", "https://user:pw@s3.example.org", "ftp://127.0.0.1", ""} {
		if err := (&Bucket{Endpoint: bad, Name: "wheels"}).Check(); err == nil {
			t.Errorf("endpoint %q is taken", bad)
		}
	}
}
