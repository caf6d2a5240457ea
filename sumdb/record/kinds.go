package record

import (
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/note"
)

// The kinds of statements.
const (
	KindSource   = "source"
	KindUpstream = "upstream"
	KindBuild    = "build"
	KindLock     = "lock"
	KindReview   = "review"
	KindWaiver   = "waiver"
	KindPublish  = "publish"
	KindWithdraw = "withdraw"
	KindPrune    = "prune"
	KindRelease  = "release"
	KindArtifact = "artifact"
	KindIndex    = "index"
	KindRoot     = "root"
)

// The roles whose keys sign statements.
const (
	RoleLog       = "log"
	RoleBuilder   = "builder"
	RoleReviewer  = "reviewer"
	RolePublisher = "publisher"
)

// RoleOf returns the role that may make statements of a kind; ok is false for
// an unknown kind.
func RoleOf(kind string) (role string, ok bool) {
	k, ok := kinds[kind]
	return k.role, ok
}

// Kinds lists all kinds, ascending.
func Kinds() []string {
	var all []string
	for k := range kinds {
		all = append(all, k)
	}
	sort.Strings(all)
	return all
}

// kindRule is a row of the table in the package comment.
type kindRule struct {
	role string
	keys map[string]byte // key -> how often: 1, ?, *, +
	must []string        // those of 1 and +
	also func(*Statement) error
}

func row(role, keys string) kindRule {
	k := kindRule{role: role, keys: map[string]byte{"log": '1', "time": '1'}}
	for _, key := range strings.Fields(keys) {
		switch last := key[len(key)-1]; last {
		case '?', '*', '+':
			k.keys[key[:len(key)-1]] = last
		default:
			k.keys[key] = '1'
		}
	}
	for key, how := range k.keys {
		if how == '1' || how == '+' {
			k.must = append(k.must, key)
		}
	}
	sort.Strings(k.must)
	return k
}

var kinds = map[string]kindRule{
	KindSource:   row(RoleBuilder, "file package uploaded?"),
	KindUpstream: row(RoleBuilder, "file package uploaded?"),
	KindBuild:    buildRow(),
	KindLock:     row(RoleBuilder, "lock project revision?"),
	KindReview:   row(RoleReviewer, "criteria+ evidence? from? package source"),
	KindWaiver:   row(RoleReviewer, "package reason rule until"),
	KindPublish:  row(RolePublisher, "file"),
	KindWithdraw: row(RolePublisher, "file package reason target?"),
	KindPrune:    row(RolePublisher, "file+ reason?"),
	KindRelease:  row(RolePublisher, "evidence? file project reason? revision? version"),
	KindArtifact: row(RolePublisher, "evidence? file lock? project revision? target? version?"),
	KindIndex:    row(RoleLog, "entries index"),
	KindRoot:     row(RoleLog, "root"),
}

func buildRow() kindRule {
	k := row(RoleBuilder, "content? evidence? failed? file? package reason? recipe source supersedes? target upstream*")
	k.also = func(s *Statement) error {
		has := func(key string) bool { return s.Get(key) != "" }
		switch {
		case has("file") == has("failed"):
			return malformed("a build has either a file or the word why it failed")
		case has("content") && !has("file"):
			return malformed("content is that of a file")
		case has("supersedes") && (!has("reason") || !has("file")):
			return malformed("superseding asks for a file and a reason")
		case has("failed") && has("upstream"):
			return malformed("a failed build cannot be compared")
		}
		return nil
	}
	return k
}

// values says how each key's value is spelled.
var values = map[string]func(string) bool{
	"content":    validDigest,
	"criteria":   validWord,
	"entries":    validNumber,
	"evidence":   validDigest,
	"failed":     validWord,
	"file":       func(v string) bool { _, ok := parseFile(v); return ok },
	"from":       validDigest,
	"index":      validDigest,
	"lock":       validDigest,
	"log":        ValidOrigin,
	"package":    validPackage,
	"project":    validToken,
	"reason":     func(v string) bool { return len(v) <= maxReason },
	"recipe":     validDigest,
	"revision":   validToken,
	"root":       func(v string) bool { _, _, _, ok := parseRoot(v); return ok },
	"rule":       validWord,
	"source":     validDigest,
	"supersedes": func(v string) bool { return v != "0" && validNumber(v) },
	"target":     validToken,
	"time":       validTime,
	"until":      validTime,
	"uploaded":   validTime,
	"upstream":   func(v string) bool { _, ok := parseComparison(v); return ok },
	"version":    validToken,
}

// Caps of single values, in bytes.
const (
	maxReason = 1000
	maxToken  = 128
	maxFile   = 255
)

// check applies the table to a parsed statement.
func check(s *Statement) error {
	k, ok := kinds[s.kind]
	if !ok {
		return malformed("unknown kind %q", s.kind)
	}
	for i, f := range s.fields {
		how, ok := k.keys[f.Key]
		if !ok {
			return malformed("a %s statement has no key %q", s.kind, f.Key)
		}
		// Lines ascend, so those of one key are neighbours.
		if i > 0 && s.fields[i-1].Key == f.Key && (how == '1' || how == '?') {
			return malformed("%s stands twice", f.Key)
		}
		if !values[f.Key](f.Value) {
			return malformed("%s %q", f.Key, f.Value)
		}
	}
	for _, key := range k.must {
		if s.Get(key) == "" {
			return malformed("a %s statement needs %s", s.kind, key)
		}
	}
	if _, version, _ := strings.Cut(s.Get("package"), " "); version == "-" && s.kind != KindWaiver {
		return malformed("package without a version")
	}
	if k.also != nil {
		return k.also(s)
	}
	return nil
}

func sortFields(f []Field) {
	sort.Slice(f, func(i, j int) bool { return less(f[i], f[j]) })
}

const digestPrefix = "sha256:"

func validDigest(v string) bool {
	hex, ok := strings.CutPrefix(v, digestPrefix)
	return ok && ValidHex(hex)
}

// ValidHex reports whether s is a sha256 as 64 lower-case hex digits, which is
// how the structs of this package carry digests.
func ValidHex(s string) bool {
	if len(s) != 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func validWord(v string) bool { return len(v) <= maxToken && isWord(v) }

// validToken: printable ASCII without space.
func validToken(v string) bool {
	return v != "" && len(v) <= maxToken && printable(v) && !strings.Contains(v, " ")
}

// ValidOrigin reports whether s can be a log's origin here: a key name in
// printable ASCII. The log's key is named like its origin.
func ValidOrigin(s string) bool { return validToken(s) && note.ValidName(s) }

func validNumber(v string) bool { _, ok := parseNumber(v); return ok }

func parseNumber(v string) (int64, bool) {
	n, err := strconv.ParseInt(v, 10, 64)
	return n, err == nil && n >= 0 && strconv.FormatInt(n, 10) == v
}

func validTime(v string) bool { _, ok := parseTime(v); return ok }

func timeOf(v string) time.Time {
	t, _ := parseTime(v)
	return t
}

// parseTime reads timeLayout in its one spelling. Every statement has a time, and
// whoever checks a log reads all of them: time.Parse takes five times as long.
func parseTime(v string) (time.Time, bool) {
	if len(v) != len(timeLayout) {
		return time.Time{}, false
	}
	for i, c := range []byte(timeLayout) {
		if digit := v[i] >= '0' && v[i] <= '9'; (c >= '0' && c <= '9') != digit || !digit && v[i] != c {
			return time.Time{}, false
		}
	}
	two := func(i int) int { return int(v[i]-'0')*10 + int(v[i+1]-'0') }
	year, month, day := two(0)*100+two(2), time.Month(two(5)), two(8)
	hour, minute, second := two(11), two(14), two(17)
	t := time.Date(year, month, day, hour, minute, second, 0, time.UTC)
	// Date takes 31 February for 2 March.
	y, m, d := t.Date()
	if year < 1970 || y != year || m != month || d != day || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	return t, true
}

// ValidName reports whether s is a package name as PEP 503 normalises it, of at
// most 128 bytes.
func ValidName(s string) bool { return len(s) <= maxToken && isWord(s) }

func validPackage(v string) bool {
	name, version, ok := strings.Cut(v, " ")
	return ok && ValidName(name) && validToken(version)
}

// ValidFileName reports whether s can stand as a file name in statements: no
// folder, no leading dot or hyphen, only characters that are safe in shells,
// addresses and on every file system.
func ValidFileName(s string) bool {
	if s == "" || len(s) > maxFile || s[0] == '.' || s[0] == '-' {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case strings.IndexByte("._+-~!@%=,", c) >= 0:
		default:
			return false
		}
	}
	return true
}
