package record

import (
	"sort"
	"strconv"
	"strings"
	"time"
)

// Head is what every statement has.
type Head struct {
	Log  string    // origin of the log
	Time time.Time // written in UTC, to the second
}

// A File is a file's name, hash and size.
type File struct {
	Name   string
	SHA256 string // 64 lower-case hex digits
	Size   int64  // bytes
}

func (f File) String() string {
	return f.Name + " " + digestPrefix + f.SHA256 + " " + strconv.FormatInt(f.Size, 10)
}

func parseFile(v string) (File, bool) {
	p := strings.Split(v, " ")
	if len(p) != 3 || !ValidFileName(p[0]) || !validDigest(p[1]) {
		return File{}, false
	}
	size, ok := parseNumber(p[2])
	return File{p[0], p[1][len(digestPrefix):], size}, ok
}

// A Comparison says how a built wheel differs from a published one.
type Comparison struct {
	Verdict string   // bytes, content or differs
	SHA256  string   // of the published file
	Causes  []string // words; ascending in the text
}

func (c Comparison) String() string {
	causes := append([]string(nil), c.Causes...)
	sort.Strings(causes)
	return strings.Join(append([]string{c.Verdict, digestPrefix + c.SHA256}, causes...), " ")
}

func parseComparison(v string) (Comparison, bool) {
	p := strings.Split(v, " ")
	if len(p) < 2 || !validDigest(p[1]) {
		return Comparison{}, false
	}
	c := Comparison{Verdict: p[0], SHA256: p[1][len(digestPrefix):]}
	if p[0] != "bytes" && p[0] != "content" && p[0] != "differs" {
		return c, false
	}
	for i, cause := range p[2:] {
		if !validWord(cause) || i > 0 && p[2:][i-1] >= cause {
			return c, false
		}
		c.Causes = append(c.Causes, cause)
	}
	return c, true
}

func parseRoot(v string) (number int64, document, signature string, ok bool) {
	p := strings.Split(v, " ")
	if len(p) != 3 || !validDigest(p[1]) || !validDigest(p[2]) {
		return 0, "", "", false
	}
	number, ok = parseNumber(p[0])
	return number, p[1][len(digestPrefix):], p[2][len(digestPrefix):], ok
}

// Source says that the index gave this source distribution. All digests in
// these structs are 64 lower-case hex digits without "sha256:".
type Source struct {
	Head
	Name, Version string // normalised; PEP 440
	File          File
	Uploaded      time.Time // zero: the index does not say
}

// Upstream says that the index gave this published wheel.
type Upstream struct {
	Head
	Name, Version string
	File          File
	Uploaded      time.Time
}

// Build says what building a source by a recipe on a target gave.
type Build struct {
	Head
	Name, Version string
	Target        string
	Recipe        string // digest of the recipe
	Source        string // sha256 of the source file
	File          File   // the wheel; zero if the build failed
	Content       string // DESIGN's content hash of the wheel
	Failed        string // one word why there is no wheel, e.g. build-error, not-reproducible
	Evidence      string // optional sha256
	Upstream      []Comparison
	Supersedes    int64 // log index of the build statement whose hash this one replaces; -1 or NoIndex: none
	Reason        string
}

// NoIndex in Build.Supersedes says that nothing is superseded. Index 0 holds a
// root, never a build, so the struct's zero value means the same.
const NoIndex = -1

// Lock says that a project locked this wheels.lock.
type Lock struct {
	Head
	Lock     string // sha256 of wheels.lock
	Project  string
	Revision string // optional, e.g. a git commit
}

// Review says that a source was read against criteria.
type Review struct {
	Head
	Name, Version string
	Source        string   // sha256 of the source file reviewed
	From          string   // optional: sha256 of the reviewed source from which the difference was read
	Criteria      []string // words, at least one
	Evidence      string   // optional sha256
}

// Waiver is an exception to a rule, with its end.
type Waiver struct {
	Head
	Name, Version string // Version "-": all of them
	Rule          string // a word
	Reason        string
	Until         time.Time
}

// Publish says that this list (sha256sums.txt) is the publisher's.
type Publish struct {
	Head
	File File
}

// Withdraw takes a file back.
type Withdraw struct {
	Head
	Name, Version string
	File          File
	Target        string // optional: only the file of this target
	Reason        string
}

// Prune says that files were removed from the wheelhouse.
type Prune struct {
	Head
	Files  []File
	Reason string // optional
}

// Release says that this is the source tarball of a version of a project.
type Release struct {
	Head
	Project, Version string
	Revision         string // optional; TAG@COMMIT
	Reason           string // optional: why nobody's signature of the tag was checked
	Evidence         string // optional sha256: how it was made
	File             File
}

// Artifact says that a project's build gave this output, e.g. a Debian package.
type Artifact struct {
	Head
	Project  string
	Version  string // optional
	Revision string // optional
	Target   string // optional
	Lock     string // optional sha256 of the wheels.lock that went in
	Evidence string // optional sha256
	File     File
}

// Index gives the root hash of the package index over all statements before this one.
type Index struct {
	Head
	Entries int64
	Root    string // hex root hash
}

// Root puts a root document into force.
type Root struct {
	Head
	Number    int64
	Document  string // sha256 of root/N.toml
	Signature string // sha256 of root/N.toml.asc
}
