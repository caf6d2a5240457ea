// Package compare says in few words how two files differ and why: wheels above
// all, but also source archives, zips, tars, Debian packages, what is packed in
// them, compiled code, Python bytecode, text and folders.
//
// One fact is one line, however many members it shows in: a zip whose 33 members
// have other times has one line about times. Lines name our side, or A, first:
//
//	WHEEL: Generator setuptools (80.9.0) != setuptools (80.8.0)
//	METADATA: License-File only ours: LICENSE.md
//	3 files only upstream: foo/tests/*
//	foo/_speedups.so: compiler GCC: (Debian 12.2.0-14) 12.2.0 != GCC: (GNU) 14.2.1; .text 5 != 6 bytes
//	zip times: 33 of 39 members, foo/__init__.py 2026-09-22 20:53:50 != 2026-09-22 20:53:42
//
// A fact in an archive within begins with its path: "data.tar: ...".
//
// # Nothing is hidden
//
// Two files that differ in a byte have at least one fact. What no reader looks at
// (padding, fields of headers that have no name here, how bytes were packed) is
// told too, as such, where nothing else explains it: a member's rest of header
// where its named fields are equal, RECORD where the files that it lists are.
// What cannot be opened (damaged, encrypted, too deep) is compared as bytes, and
// a note says so.
//
// # Causes
//
// A fact has at most one cause, a word of a fixed vocabulary ([Causes],
// [Meaning]) that wheels.lock records and other tools may act on. Containers
// other than zip use the same words: zip-times are the times of a tar, too. A
// fact that no word fits has none.
//
// # Bounds
//
// Members are read as streams; memory does not grow with them. See [MaxText],
// [MaxNested], [MaxUnpacked].
package compare

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// Verdict is the outcome, as wheels.lock has it.
type Verdict string

// The verdicts.
const (
	Bytes   Verdict = "bytes"   // the same file
	Content Verdict = "content" // the same installed files; the container differs
	Differs Verdict = "differs"
)

// Fact is one difference.
type Fact struct {
	Cause string   // of the vocabulary, "" where no word fits
	Line  string   // for people, without line feed
	Where string   // path of the archives around it, "" at the top
	Names []string // members that it is about, at most MaxNames, sorted
	Count int      // how many members it is about; 0: the file as a whole
	Diff  []string // lines of a unified difference, where Options.Diffs asks for them

	format string // of Line
	class  string // what facts about containers share with those about others; "" for none
}

// MaxNames is the most members that a fact names.
const MaxNames = 100

// Result is what a comparison found.
type Result struct {
	Verdict                      Verdict
	Causes                       []string // sorted, without repeats
	Lines                        []string // one fact, one line; what is installed first, the container last
	Facts                        []Fact   // the same with their causes
	Notes                        []string // what was not looked into, and why
	Folders                      bool     // two folders: no sizes, no hashes
	OursSize, UpstreamSize       int64
	OursSHA256, UpstreamSHA256   string // of the files, hex
	OursContent, UpstreamContent string // content hashes of wheels, hex; "" for the verdict bytes
}

// Wheels compares the wheel we built with the published one. The error is an
// *archive.Error where a wheel cannot be read strictly, and says which.
func Wheels(ours, upstream string) (*Result, error) {
	c := newRun(context.Background(), Options{}, oursUpstream)
	defer c.release(0)
	var xs [2]content
	for i, name := range []string{ours, upstream} {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("comparing wheels: %w", err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return nil, fmt.Errorf("comparing wheels: %w", err)
		}
		xs[i] = section(f, 0, info.Size())
	}
	names := [2]string{filepath.Base(ours), filepath.Base(upstream)}
	c.strict = true
	return c.files(names, xs[0], xs[1])
}
