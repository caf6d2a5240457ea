package vcs

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"strings"
)

// Ref is a revision of a project in a repository.
type Ref struct {
	URL          string // https, ssh, file, or http on this machine
	Revision     string // as written: a commit's id, or a name
	Subdirectory string // ""; the root
}

// Errors of Parse.
var (
	ErrScheme   = errors.New("expected git+https://, git+ssh:// or git+file://")
	ErrUser     = errors.New("the address holds a user name or a password")
	ErrRevision = errors.New("the address names no commit")
	ErrAddress  = errors.New("not the address of a repository")
)

// Parse reads "git+https://host/path@REVISION#subdirectory=DIR". An address with
// a password is refused without showing it; only ssh may name a login.
func Parse(address string) (Ref, error) {
	u, err := url.Parse(address)
	if err != nil {
		return Ref{}, ErrAddress
	}
	scheme, ok := strings.CutPrefix(u.Scheme, "git+")
	if !ok {
		return Ref{}, ErrScheme
	}
	var r Ref
	if i := strings.LastIndexByte(u.Path, '@'); i >= 0 {
		u.Path, r.Revision = u.Path[:i], u.Path[i+1:]
		u.RawPath = ""
	}
	for _, part := range strings.Split(u.Fragment, "&") {
		key, value, _ := strings.Cut(part, "=")
		switch {
		case key == "subdirectory":
			r.Subdirectory = strings.Trim(path.Clean("/"+value), "/")
		case part != "" && key != "egg":
			return Ref{}, fmt.Errorf("%q after # is not understood", key)
		}
	}
	u.Scheme, u.Fragment, u.RawFragment = scheme, "", ""
	r.URL = u.String()
	return r, r.check(u)
}

func (r Ref) check(u *url.URL) error {
	_, secret := u.User.Password()
	switch u.Scheme {
	case "https", "ssh":
	case "http":
		if ip := net.ParseIP(u.Hostname()); ip == nil || !ip.IsLoopback() {
			return fmt.Errorf("http is only read from this machine; %w", ErrScheme)
		}
	case "file":
		if u.Host != "" || !strings.HasPrefix(u.Path, "/") {
			return ErrAddress
		}
	default:
		return ErrScheme
	}
	switch {
	case secret || u.User != nil && u.Scheme != "ssh":
		return ErrUser
	// A host or login that begins with a hyphen would be an option of ssh.
	case u.Scheme != "file" && (u.Hostname() == "" || strings.HasPrefix(u.Host, "-") || strings.HasPrefix(u.User.Username(), "-")):
		return ErrAddress
	case u.RawQuery != "" || u.Path == "" || u.Path == "/":
		return ErrAddress
	case r.Revision == "":
		return ErrRevision
	case strings.HasPrefix(r.Revision, "-") || strings.ContainsAny(r.Revision, " :^~?*[\\\x7f") || strings.Contains(r.Revision, ".."):
		return fmt.Errorf("%q is no revision", r.Revision)
	}
	return nil
}

// IsCommit reports whether a revision is a whole commit id, in lower case.
func IsCommit(revision string) bool {
	return (len(revision) == 40 || len(revision) == 64) && strings.Trim(revision, "0123456789abcdef") == ""
}

// String is the address again.
func (r Ref) String() string {
	s := "git+" + r.URL + "@" + r.Revision
	if r.Subdirectory != "" {
		s += "#subdirectory=" + r.Subdirectory
	}
	return s
}
