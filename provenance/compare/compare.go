// Package compare says in few words how two wheels differ and why.
//
// One fact is one line, however many members it shows in: a zip whose 33 members
// have other times has one line about times. Lines name our side first:
//
//	WHEEL: Generator setuptools (80.9.0) != setuptools (80.8.0)
//	METADATA: License-File only ours: LICENSE.md
//	3 files only upstream: foo/tests/*
//	foo/_speedups.so: compiler GCC: (Debian 12.2.0-14) 12.2.0 != GCC: (GNU) 14.2.1; .text 5 != 6 bytes
//	zip times: 33 of 39 members, foo/__init__.py 2026-09-22 20:53:50 != 2026-09-22 20:53:42
//
// Each fact has at most one cause, a word of a fixed vocabulary that wheels.lock
// records and other tools may act on:
//
//	zip-times          times of zip members, and extra fields, which hold times too
//	zip-modes          modes, executable bits, or the system that made the zip
//	deflate            the same bytes packed otherwise, or other zip flags
//	record-order       RECORD's rows, or the zip's members, in another order
//	generator          another backend, or another version of it
//	tag                another tag, or pure here and not there
//	metadata-eol       METADATA with other line ends
//	metadata-fields    other METADATA, entry points or such
//	license-files      other licence files, or License-File
//	missing-in-sdist   files upstream that our source does not make
//	preprocessed-data  files with other content
//	native-path        compiled code that differs by where it was built
//	native-compiler    compiled code by another compiler
//	vendored-libs      shared libraries copied in, or code changed to find them
//	sbom               a bill of materials was added
//	env-switch         the publisher compiles what is pure when built plainly
//	requirement-gone   other Requires-Dist
package compare

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"

	"github.com/freedomofpress/wheellock/provenance/archive"
)

// Verdict is the outcome, as wheels.lock has it.
type Verdict string

// The verdicts.
const (
	Bytes   Verdict = "bytes"   // the same file
	Content Verdict = "content" // the same installed files; the container differs
	Differs Verdict = "differs"
)

// The causes.
const (
	ZipTimes         = "zip-times"
	ZipModes         = "zip-modes"
	Deflate          = "deflate"
	RecordOrder      = "record-order"
	Generator        = "generator"
	Tag              = "tag"
	MetadataEOL      = "metadata-eol"
	MetadataFields   = "metadata-fields"
	LicenseFiles     = "license-files"
	MissingInSdist   = "missing-in-sdist"
	PreprocessedData = "preprocessed-data"
	NativePath       = "native-path"
	NativeCompiler   = "native-compiler"
	VendoredLibs     = "vendored-libs"
	SBOM             = "sbom"
	EnvSwitch        = "env-switch"
	RequirementGone  = "requirement-gone"
)

// Causes is the whole vocabulary, sorted.
func Causes() []string {
	all := []string{ZipTimes, ZipModes, Deflate, RecordOrder, Generator, Tag, MetadataEOL, MetadataFields, LicenseFiles,
		MissingInSdist, PreprocessedData, NativePath, NativeCompiler, VendoredLibs, SBOM, EnvSwitch, RequirementGone}
	sort.Strings(all)
	return all
}

// Fact is one difference.
type Fact struct {
	Cause string // of the vocabulary
	Line  string // for people, without line feed
}

// Result is what [Wheels] found.
type Result struct {
	Verdict                      Verdict
	Causes                       []string // sorted, without repeats
	Lines                        []string // one fact, one line; what is installed first, the container last
	Facts                        []Fact   // the same with their causes
	OursSHA256, UpstreamSHA256   string   // of the files, hex
	OursContent, UpstreamContent string   // content hashes, hex; "" for the verdict bytes
}

// MaxText is the most bytes of a file of which two versions are compared line by line.
const MaxText = 4 << 20

// Wheels compares the wheel we built with the published one. The error is an
// *archive.Error where a wheel cannot be read, and says which.
func Wheels(ours, upstream string) (*Result, error) {
	res := &Result{}
	var err error
	if res.OursSHA256, err = fileSum(ours); err != nil {
		return nil, err
	}
	if res.UpstreamSHA256, err = fileSum(upstream); err != nil {
		return nil, err
	}
	if res.OursSHA256 == res.UpstreamSHA256 {
		res.Verdict = Bytes
		return res, nil
	}
	a, err := open(ours)
	if err != nil {
		return nil, fmt.Errorf("comparing our wheel: %w", err)
	}
	defer a.Close()
	b, err := open(upstream)
	if err != nil {
		return nil, fmt.Errorf("comparing the published wheel: %w", err)
	}
	defer b.Close()
	return res, res.compare(a, b)
}

func (res *Result) compare(a, b *side) error {
	var err error
	if res.OursContent, err = a.Content(); err != nil {
		return fmt.Errorf("comparing our wheel: %w", err)
	}
	if res.UpstreamContent, err = b.Content(); err != nil {
		return fmt.Errorf("comparing the published wheel: %w", err)
	}
	d := &differ{a: a, b: b}
	res.Verdict = Content
	if res.OursContent != res.UpstreamContent {
		res.Verdict = Differs
		d.files()
	}
	d.container()
	if d.err != nil {
		return fmt.Errorf("comparing wheels: %w", d.err)
	}
	if len(d.facts) == 0 {
		// The files differ in bytes that no reader looks at, such as version numbers of the zip format.
		d.fact(Deflate, "zip: headers or packed bytes differ")
	}
	res.Facts = d.facts
	for _, f := range d.facts {
		res.Lines = append(res.Lines, f.Line)
		res.Causes = append(res.Causes, f.Cause)
	}
	sort.Strings(res.Causes)
	res.Causes = slices.Compact(res.Causes)
	return nil
}

// side is one of the two wheels. Members are known by a key: their name, with
// the .dist-info and .data folders under one name, since backends differ in how
// they spell it.
type side struct {
	*archive.Wheel
	sums map[string][32]byte       // by key
	at   map[string]*archive.Entry // by key, files only
	keys []string                  // sorted
}

func open(path string) (*side, error) {
	w, err := archive.OpenWheel(path, archive.Read)
	if err != nil {
		return nil, err
	}
	s := &side{Wheel: w, sums: map[string][32]byte{}, at: map[string]*archive.Entry{}}
	sums, err := w.Sums()
	if err != nil {
		w.Close()
		return nil, err
	}
	for i := range w.Entries {
		e := &w.Entries[i]
		if e.Dir() {
			continue
		}
		k := s.key(e.Name)
		s.at[k], s.sums[k], s.keys = e, sums[e.Name], append(s.keys, k)
	}
	sort.Strings(s.keys)
	return s, nil
}

// differ collects facts.
type differ struct {
	a, b  *side
	facts []Fact
	err   error
}

func (d *differ) fact(cause, format string, args ...any) {
	d.facts = append(d.facts, Fact{cause, printable(fmt.Sprintf(format, args...))})
}

// text reads one member of each side; nil and an error kept for later when that fails.
func (d *differ) text(key string) (a, b []byte) {
	for _, x := range []struct {
		s *side
		p *[]byte
	}{{d.a, &a}, {d.b, &b}} {
		t, err := x.s.ReadFile(x.s.at[key].Name, archive.MaxFile)
		if err != nil && d.err == nil {
			d.err = err
		}
		*x.p = t
	}
	return a, b
}

func fileSum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("comparing wheels: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("comparing wheels: %w", err)
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}
