package record

import (
	"fmt"
	"strings"
	"time"
)

// The As functions give a statement as the struct of its kind; another kind is
// an error. They cannot fail otherwise: a Statement has been checked.

func (s *Statement) want(kind string) error {
	if s.kind != kind {
		return fmt.Errorf("not a %s statement but a %s statement", kind, s.kind)
	}
	return nil
}

func (s *Statement) head() Head { return Head{s.Log(), s.Time()} }

func (s *Statement) digest(key string) string { return strings.TrimPrefix(s.Get(key), digestPrefix) }

func (s *Statement) time(key string) time.Time { return timeOf(s.Get(key)) }

func (s *Statement) file() File {
	f, _ := parseFile(s.Get("file"))
	return f
}

func (s *Statement) number(key string) int64 {
	n, _ := parseNumber(s.Get(key))
	return n
}

// Files returns the files that a statement names, in order of its text.
func (s *Statement) Files() []File {
	var files []File
	for _, v := range s.All("file") {
		f, _ := parseFile(v)
		files = append(files, f)
	}
	return files
}

// AsSource gives a source statement's content.
func (s *Statement) AsSource() (Source, error) {
	name, version := s.Package()
	return Source{s.head(), name, version, s.file(), s.time("uploaded")}, s.want(KindSource)
}

// AsUpstream gives an upstream statement's content.
func (s *Statement) AsUpstream() (Upstream, error) {
	name, version := s.Package()
	return Upstream{s.head(), name, version, s.file(), s.time("uploaded")}, s.want(KindUpstream)
}

// AsBuild gives a build statement's content; Supersedes is NoIndex when it supersedes nothing.
func (s *Statement) AsBuild() (Build, error) {
	name, version := s.Package()
	b := Build{
		Head: s.head(), Name: name, Version: version, Target: s.Get("target"),
		Recipe: s.digest("recipe"), Source: s.digest("source"),
		File: s.file(), Content: s.digest("content"), Failed: s.Get("failed"),
		Evidence: s.digest("evidence"), Supersedes: NoIndex, Reason: s.Get("reason"),
	}
	for _, v := range s.All("upstream") {
		c, _ := parseComparison(v)
		b.Upstream = append(b.Upstream, c)
	}
	if s.Get("supersedes") != "" {
		b.Supersedes = s.number("supersedes")
	}
	return b, s.want(KindBuild)
}

// AsLock gives a lock statement's content.
func (s *Statement) AsLock() (Lock, error) {
	return Lock{s.head(), s.digest("lock"), s.Get("project"), s.Get("revision")}, s.want(KindLock)
}

// AsReview gives a review statement's content.
func (s *Statement) AsReview() (Review, error) {
	name, version := s.Package()
	return Review{s.head(), name, version, s.digest("source"), s.digest("from"), s.All("criteria"), s.digest("evidence")}, s.want(KindReview)
}

// AsWaiver gives a waiver's content.
func (s *Statement) AsWaiver() (Waiver, error) {
	name, version := s.Package()
	return Waiver{s.head(), name, version, s.Get("rule"), s.Get("reason"), s.time("until")}, s.want(KindWaiver)
}

// AsPublish gives a publish statement's content.
func (s *Statement) AsPublish() (Publish, error) {
	return Publish{s.head(), s.file()}, s.want(KindPublish)
}

// AsWithdraw gives a withdraw statement's content.
func (s *Statement) AsWithdraw() (Withdraw, error) {
	name, version := s.Package()
	return Withdraw{s.head(), name, version, s.file(), s.Get("target"), s.Get("reason")}, s.want(KindWithdraw)
}

// AsPrune gives a prune statement's content.
func (s *Statement) AsPrune() (Prune, error) {
	return Prune{s.head(), s.Files(), s.Get("reason")}, s.want(KindPrune)
}

// AsRelease gives a release statement's content.
func (s *Statement) AsRelease() (Release, error) {
	return Release{s.head(), s.Get("project"), s.Get("version"), s.Get("revision"), s.Get("reason"), s.digest("evidence"), s.file()}, s.want(KindRelease)
}

// AsArtifact gives an artifact statement's content.
func (s *Statement) AsArtifact() (Artifact, error) {
	return Artifact{
		Head: s.head(), Project: s.Get("project"), Version: s.Get("version"), Revision: s.Get("revision"),
		Target: s.Get("target"), Lock: s.digest("lock"), Evidence: s.digest("evidence"), File: s.file(),
	}, s.want(KindArtifact)
}

// AsIndex gives an index statement's content.
func (s *Statement) AsIndex() (Index, error) {
	return Index{s.head(), s.number("entries"), s.digest("index")}, s.want(KindIndex)
}

// AsRoot gives a root statement's content.
func (s *Statement) AsRoot() (Root, error) {
	n, document, signature, _ := parseRoot(s.Get("root"))
	return Root{s.head(), n, document, signature}, s.want(KindRoot)
}
