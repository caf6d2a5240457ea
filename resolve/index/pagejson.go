package index

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// parseJSON reads a project page of PEP 691 with the keys of PEP 700, 714 and
// 792. name is what was asked for; base is the page's own address, which file
// addresses may be relative to.
func parseJSON(body, name string, base *url.URL) (*Page, error) {
	p := &scanner{s: body}
	j := jsonPage{scanner: p, page: &Page{Name: name}, base: base, want: name}
	seen := map[string]bool{}
	err := p.object(func(key string) error {
		if seen[key] {
			return p.errorf("key %q is there twice", key)
		}
		seen[key] = true
		return j.member(key)
	})
	if err == nil {
		err = p.end()
	}
	if err != nil {
		return nil, err
	}
	for _, key := range []string{"meta", "name", "files"} {
		if !seen[key] {
			return nil, fmt.Errorf("no key %q", key)
		}
	}
	if !j.version {
		return nil, errors.New(`no key "api-version" in "meta"`)
	}
	return j.page, nil
}

type jsonPage struct {
	*scanner
	page    *Page
	base    *url.URL
	want    string
	version bool // api-version was read and is one that we understand
}

func (j *jsonPage) member(key string) error {
	switch key {
	case "meta":
		return j.meta()
	case "name":
		name, err := j.str()
		if err == nil && normalize(name) != j.want {
			err = j.errorf("page is of project %q", name)
		}
		return err
	case "files":
		return j.array(j.file)
	case "project-status":
		return j.status()
	}
	return j.skip(0)
}

func (j *jsonPage) meta() error {
	return j.object(func(key string) error {
		switch key {
		case "api-version":
			v, err := j.str()
			if err != nil {
				return err
			}
			j.version = true
			return checkVersion(v)
		case "project-status": // where drafts of PEP 792 had it
			if j.space() == '"' {
				status, err := j.str()
				j.page.Status = status
				return err
			}
		}
		return j.skip(0)
	})
}

// checkVersion applies PEP 629: another major version must not be read.
func checkVersion(v string) error {
	major, minor, ok := strings.Cut(v, ".")
	for _, n := range []string{major, minor} {
		if _, err := strconv.ParseUint(n, 10, 31); err != nil || !ok {
			return fmt.Errorf("interface version %q is none", v)
		}
	}
	if major != "1" {
		return fmt.Errorf("interface version %s is not understood, only 1.x is", v)
	}
	return nil
}

func (j *jsonPage) status() error {
	if j.space() != '{' {
		return j.skip(0)
	}
	return j.object(func(key string) (err error) {
		switch key {
		case "status":
			j.page.Status, err = j.str()
		case "reason":
			j.page.StatusReason, err = j.optional()
		default:
			err = j.skip(0)
		}
		return err
	})
}

// optional reads a string or null.
func (j *jsonPage) optional() (string, error) {
	if j.space() == 'n' {
		if w, ok := j.word(); ok && w == "null" {
			return "", nil
		}
	}
	return j.str()
}

func (j *jsonPage) file() error {
	if len(j.page.Files) >= MaxFiles {
		return j.errorf("more than %d files", MaxFiles)
	}
	var f jsonFile
	start := j.i
	err := j.object(func(key string) error { return f.member(j, key) })
	if err != nil {
		return err
	}
	file, err := f.finish(j.base)
	if err != nil {
		j.i = start
		return j.errorf("%v", err)
	}
	if isDistribution(file.Name) {
		j.page.Files = append(j.page.Files, file)
	}
	return nil
}

// jsonFile is a File while its object is read.
type jsonFile struct {
	File
	seen          uint // a bit for each key, to refuse doubles
	href          string
	hashes        map[string]string
	core, oldCore *coreMetadata
}

// coreMetadata is the value of core-metadata: true, or the hash.
type coreMetadata struct {
	has    bool
	sha256 string
}

func (f *jsonFile) member(j *jsonPage, key string) (err error) {
	known := [...]string{"filename", "url", "hashes", "requires-python", "size", "upload-time", "yanked", "core-metadata", "dist-info-metadata"}
	for i, k := range known {
		if k != key {
			continue
		}
		if f.seen&(1<<i) != 0 {
			return j.errorf("key %q is there twice", key)
		}
		f.seen |= 1 << i
	}
	switch key {
	case "filename":
		f.Name, err = j.str()
	case "url":
		f.href, err = j.str()
	case "hashes":
		err = f.readHashes(j)
	case "requires-python":
		f.RequiresPython, err = j.optional()
	case "size":
		err = f.readSize(j)
	case "upload-time":
		err = f.readTime(j)
	case "yanked":
		err = f.readYanked(j)
	case "core-metadata":
		f.core, err = j.coreMetadata()
	case "dist-info-metadata":
		f.oldCore, err = j.coreMetadata()
	default:
		err = j.skip(0)
	}
	return err
}

func (f *jsonFile) readHashes(j *jsonPage) error {
	return j.object(func(alg string) error {
		value, err := j.str()
		if err != nil {
			return err
		}
		if alg == "sha256" { // nearly always the only one
			if f.SHA256 != "" {
				return j.errorf("two hashes sha256")
			}
			f.SHA256 = value
			return nil
		}
		if f.hashes == nil {
			f.hashes = map[string]string{}
		}
		f.hashes[alg] = value
		return nil
	})
}

func (f *jsonFile) readSize(j *jsonPage) error {
	if _, ok := j.word(); ok { // null
		return nil
	}
	text, err := j.number()
	if err != nil {
		return err
	}
	if f.Size, err = strconv.ParseInt(text, 10, 64); err != nil || f.Size < 0 {
		return j.errorf("size %s is none", text)
	}
	return nil
}

func (f *jsonFile) readTime(j *jsonPage) error {
	text, err := j.optional()
	if err != nil || text == "" {
		return err
	}
	if f.Uploaded, err = time.Parse(time.RFC3339, text); err != nil {
		return j.errorf("upload-time %q is none", text)
	}
	f.Uploaded = f.Uploaded.UTC()
	return nil
}

// readYanked: an empty string is false, unlike in HTML (PEP 691).
func (f *jsonFile) readYanked(j *jsonPage) (err error) {
	if w, ok := j.word(); ok {
		f.Yanked = w == "true"
		return nil
	}
	f.YankedReason, err = j.str()
	f.Yanked = f.YankedReason != ""
	return err
}

func (j *jsonPage) coreMetadata() (*coreMetadata, error) {
	if w, ok := j.word(); ok {
		return &coreMetadata{has: w == "true"}, nil
	}
	core := &coreMetadata{has: true}
	err := j.object(func(alg string) error {
		value, err := j.str()
		if alg == "sha256" {
			core.sha256 = value
		}
		return err
	})
	return core, err
}

// finish checks what was read; base is the page's address.
func (f *jsonFile) finish(base *url.URL) (File, error) {
	if f.seen&7 != 7 {
		return File{}, errors.New("a file without filename, url or hashes")
	}
	if err := checkFileName(f.Name); err != nil {
		return File{}, err
	}
	var err error
	if f.URL, err = resolveURL(base, f.href); err != nil {
		return File{}, fmt.Errorf("address of %s: %w", f.Name, err)
	}
	if f.SHA256 != "" {
		if f.SHA256, err = checkSHA256(f.SHA256); err != nil {
			return File{}, fmt.Errorf("hash of %s: %w", f.Name, err)
		}
	} else {
		f.OtherHash = strongest(f.hashes)
	}
	core := f.core
	if core == nil { // PEP 714: the new name wins where both are there
		core = f.oldCore
	}
	if core != nil && f.File.IsWheel() {
		f.HasMetadata = core.has
		if core.sha256 != "" {
			if f.CoreMetadata, err = checkSHA256(core.sha256); err != nil {
				return File{}, fmt.Errorf("hash of the metadata of %s: %w", f.Name, err)
			}
		}
	}
	return f.File, nil
}
