package record

import (
	"strconv"
	"time"
)

// lines collects fields; empty values are left out, and [check] says which may be.
type lines []Field

func (h Head) lines() *lines {
	l := &lines{}
	return l.add("log", h.Log).time("time", h.Time)
}

func (l *lines) add(key, value string) *lines {
	if value != "" {
		*l = append(*l, Field{key, value})
	}
	return l
}

func (l *lines) digest(key, hex string) *lines {
	if hex != "" {
		hex = digestPrefix + hex
	}
	return l.add(key, hex)
}

func (l *lines) time(key string, t time.Time) *lines {
	if t.IsZero() {
		return l
	}
	return l.add(key, t.UTC().Format(timeLayout))
}

func (l *lines) file(f File) *lines {
	if f == (File{}) {
		return l
	}
	return l.add("file", f.String())
}

func (l *lines) pkg(name, version string) *lines { return l.add("package", name+" "+version) }

func (l *lines) number(key string, n int64) *lines { return l.add(key, strconv.FormatInt(n, 10)) }

// Statement makes the statement, checked.
func (x Source) Statement() (*Statement, error) {
	return newStatement(KindSource, *x.lines().pkg(x.Name, x.Version).file(x.File).time("uploaded", x.Uploaded))
}

// Statement makes the statement, checked.
func (x Upstream) Statement() (*Statement, error) {
	return newStatement(KindUpstream, *x.lines().pkg(x.Name, x.Version).file(x.File).time("uploaded", x.Uploaded))
}

// Statement makes the statement, checked.
func (x Build) Statement() (*Statement, error) {
	l := x.lines().pkg(x.Name, x.Version).add("target", x.Target).digest("recipe", x.Recipe).digest("source", x.Source)
	l.file(x.File).digest("content", x.Content).add("failed", x.Failed).digest("evidence", x.Evidence).add("reason", x.Reason)
	for _, c := range x.Upstream {
		l.add("upstream", c.String())
	}
	if x.Supersedes > 0 {
		l.number("supersedes", x.Supersedes)
	}
	return newStatement(KindBuild, *l)
}

// Statement makes the statement, checked.
func (x Lock) Statement() (*Statement, error) {
	return newStatement(KindLock, *x.lines().digest("lock", x.Lock).add("project", x.Project).add("revision", x.Revision))
}

// Statement makes the statement, checked.
func (x Review) Statement() (*Statement, error) {
	l := x.lines().pkg(x.Name, x.Version).digest("source", x.Source).digest("from", x.From).digest("evidence", x.Evidence)
	for _, c := range x.Criteria {
		l.add("criteria", c)
	}
	return newStatement(KindReview, *l)
}

// Statement makes the statement, checked.
func (x Waiver) Statement() (*Statement, error) {
	return newStatement(KindWaiver, *x.lines().pkg(x.Name, x.Version).add("rule", x.Rule).add("reason", x.Reason).time("until", x.Until))
}

// Statement makes the statement, checked.
func (x Publish) Statement() (*Statement, error) {
	return newStatement(KindPublish, *x.lines().file(x.File))
}

// Statement makes the statement, checked.
func (x Withdraw) Statement() (*Statement, error) {
	return newStatement(KindWithdraw, *x.lines().pkg(x.Name, x.Version).file(x.File).add("target", x.Target).add("reason", x.Reason))
}

// Statement makes the statement, checked.
func (x Prune) Statement() (*Statement, error) {
	l := x.lines().add("reason", x.Reason)
	for _, f := range x.Files {
		l.file(f)
	}
	return newStatement(KindPrune, *l)
}

// Statement makes the statement, checked.
func (x Release) Statement() (*Statement, error) {
	return newStatement(KindRelease, *x.lines().file(x.File).add("project", x.Project).add("version", x.Version).add("revision", x.Revision).add("reason", x.Reason).digest("evidence", x.Evidence))
}

// Statement makes the statement, checked.
func (x Artifact) Statement() (*Statement, error) {
	l := x.lines().file(x.File).add("project", x.Project).add("version", x.Version).add("revision", x.Revision)
	return newStatement(KindArtifact, *l.add("target", x.Target).digest("lock", x.Lock).digest("evidence", x.Evidence))
}

// Statement makes the statement, checked.
func (x Index) Statement() (*Statement, error) {
	return newStatement(KindIndex, *x.lines().number("entries", x.Entries).digest("index", x.Root))
}

// Statement makes the statement, checked.
func (x Root) Statement() (*Statement, error) {
	v := strconv.FormatInt(x.Number, 10) + " " + digestPrefix + x.Document + " " + digestPrefix + x.Signature
	return newStatement(KindRoot, *x.lines().add("root", v))
}
