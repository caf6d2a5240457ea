package push

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Credentials are what requests to a bucket are signed with.
type Credentials struct {
	AccessKey, SecretKey string
	Session              string // of temporary credentials; may be empty
}

const (
	signAlgorithm = "AWS4-HMAC-SHA256"
	signTime      = "20060102T150405Z"
)

// sign signs a request as AWS Signature Version 4 says ("Signature Calculations for
// the Authorization Header"), payload included: a store that checks it cannot take
// other bytes for ours. r.URL.RawPath must be escape(path).
func (c Credentials) sign(r *http.Request, region string, payload string, now time.Time) {
	at := now.UTC().Format(signTime)
	r.Header.Set("X-Amz-Date", at)
	r.Header.Set("X-Amz-Content-Sha256", payload)
	if c.Session != "" {
		r.Header.Set("X-Amz-Security-Token", c.Session)
	}
	scope := at[:8] + "/" + region + "/s3/aws4_request"
	names, headers := canonicalHeaders(r)
	canonical := strings.Join([]string{r.Method, r.URL.EscapedPath(), canonicalQuery(r.URL.Query()), headers, names, payload}, "\n")
	sum := sha256.Sum256([]byte(canonical))
	text := strings.Join([]string{signAlgorithm, at, scope, hex.EncodeToString(sum[:])}, "\n")
	key := []byte("AWS4" + c.SecretKey)
	for _, part := range []string{at[:8], region, "s3", "aws4_request", text} {
		key = mac(key, part)
	}
	r.Header.Set("Authorization", signAlgorithm+" Credential="+c.AccessKey+"/"+scope+", SignedHeaders="+names+", Signature="+hex.EncodeToString(key))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// canonicalHeaders signs the host and everything that says what is stored.
func canonicalHeaders(r *http.Request) (names, lines string) {
	all := map[string]string{"host": r.URL.Host}
	for k, v := range r.Header {
		k = strings.ToLower(k)
		if strings.HasPrefix(k, "x-amz-") || k == "content-type" || k == "cache-control" {
			all[k] = strings.TrimSpace(v[0])
		}
	}
	var list []string
	for k := range all {
		list = append(list, k)
	}
	slices.Sort(list)
	for _, k := range list {
		lines += k + ":" + all[k] + "\n"
	}
	return strings.Join(list, ";"), lines
}

func canonicalQuery(q url.Values) string {
	var list []string
	for k, values := range q {
		for _, v := range values {
			list = append(list, escape(k, false)+"="+escape(v, false))
		}
	}
	slices.Sort(list)
	return strings.Join(list, "&")
}

// escape is the standard's UriEncode: every byte but the unreserved ones of RFC 3986,
// and in a path the slash. net/url leaves more as it is.
func escape(s string, path bool) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~", c) >= 0, path && c == '/':
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return b.String()
}
