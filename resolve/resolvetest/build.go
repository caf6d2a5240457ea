package resolvetest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

//go:embed smallbuild/smallbuild.py
var smallbuildSource string

//go:embed smallbuild/native.c
var nativeSource string

// Backend is the project name of the build backend, and BackendVersion the
// version that its source calls itself.
const (
	Backend        = "smallbuild"
	BackendVersion = "1.1"
)

// DefaultUploaded is the time of releases that say none.
var DefaultUploaded = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// Time is the upload time of the release's files, and the time of all that is
// inside them: the SOURCE_DATE_EPOCH that rebuilds its wheel bit for bit.
func (r Release) Time() time.Time {
	if r.Uploaded.IsZero() {
		return DefaultUploaded
	}
	return r.Uploaded.UTC().Truncate(2 * time.Second) // what a zip can say
}

// Module is the folder that the release's code lies in.
func (r Release) Module() string { return strings.ReplaceAll(normalize(r.Name), "-", "_") }

func (r Release) stem() string { return r.Module() + "-" + r.Version }

// file is one entry of an archive.
type file struct {
	name string
	data []byte
}

// BuildSdist returns the file name and the bytes of a release's sdist. Its
// root folder holds PKG-INFO, pyproject.toml, README.md and the module.
func BuildSdist(r Release) (name string, data []byte) {
	files := []file{
		{"PKG-INFO", r.pkgInfo()},
		{"README.md", []byte("# " + r.Name + "\n\nInvented for tests.\n")},
		{"pyproject.toml", r.pyproject()},
	}
	files = append(files, r.sources()...)
	if r.Native {
		files = append(files, file{r.Module() + "/_native.c", []byte(nativeSource)})
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return r.stem() + ".tar.gz", tarball(r.stem(), files, r.Time())
}

// BuildWheel returns the file name and the bytes of the wheel that is
// published for a release under a tag such as "py3-none-any". Unless the
// release is Native, Differs or misbehaves, these are bit for bit what its
// backend builds from BuildSdist with SOURCE_DATE_EPOCH = Time.
func BuildWheel(r Release, tag string) (name string, data []byte) {
	files := r.sources()
	if r.Native {
		files = append(files, file{r.Module() + "/_native" + soSuffix(tag), foreignObject(r)})
	}
	if r.Differs {
		files[0].data = append(slices.Clone(files[0].data), "BUILT_BY = 'somebody else'\n"...)
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	info := r.stem() + ".dist-info/"
	files = append(files, file{info + "METADATA", r.Metadata()}, file{info + "WHEEL", wheelText(r.backendVersion(), tag, !r.Native)})
	var record strings.Builder
	for _, f := range files {
		sum := sha256.Sum256(f.data)
		fmt.Fprintf(&record, "%s,sha256=%s,%d\n", f.name, base64.RawURLEncoding.EncodeToString(sum[:]), len(f.data))
	}
	record.WriteString(info + "RECORD,,\n")
	files = append(files, file{info + "RECORD", []byte(record.String())})
	return r.stem() + "-" + tag + ".whl", storedZip(files, r.Time())
}

// Metadata is the METADATA of the release's wheels.
func (r Release) Metadata() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "Metadata-Version: 2.2\nName: %s\nVersion: %s\nSummary: Invented for tests\n", r.Name, r.Version)
	if r.RequiresPython != "" {
		fmt.Fprintf(&b, "Requires-Python: %s\n", r.RequiresPython)
	}
	for _, req := range r.Requires {
		fmt.Fprintf(&b, "Requires-Dist: %s\n", req)
	}
	for _, extra := range slices.Sorted(maps.Keys(r.Extras)) {
		fmt.Fprintf(&b, "Provides-Extra: %s\n", extra)
		for _, req := range r.Extras[extra] {
			fmt.Fprintf(&b, "Requires-Dist: %s\n", withExtra(req, extra))
		}
	}
	fmt.Fprintf(&b, "\n# %s\n\nInvented for tests.\n", r.Name)
	return []byte(b.String())
}

func withExtra(req, extra string) string {
	extra = fmt.Sprintf("extra == %q", extra)
	if left, marker, ok := strings.Cut(req, ";"); ok {
		return fmt.Sprintf("%s; (%s) and %s", strings.TrimSpace(left), strings.TrimSpace(marker), extra)
	}
	return req + "; " + extra
}

// pkgInfo is METADATA, since its version 2.2 promises that nothing in it
// changes when the wheel is built; or an old one that says no dependencies.
func (r Release) pkgInfo() []byte {
	if r.OldMetadata {
		return fmt.Appendf(nil, "Metadata-Version: 1.0\nName: %s\nVersion: %s\nSummary: Invented for tests\n", r.Name, r.Version)
	}
	return r.Metadata()
}

func (r Release) pyproject() []byte {
	var b strings.Builder
	requires := r.BuildRequires
	if requires == nil && r.Name != Backend {
		requires = []string{Backend}
	}
	b.WriteString("[build-system]\nrequires = [")
	for i, req := range requires {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", req)
	}
	fmt.Fprintf(&b, "]\nbuild-backend = %q\n", Backend)
	if r.Name == Backend {
		b.WriteString("backend-path = [\".\"]\n")
	}
	fmt.Fprintf(&b, "\n[tool.smallbuild]\npackage = %q\n", r.packed())
	if tag := r.PureTag(); tag != "py3-none-any" {
		fmt.Fprintf(&b, "tag = %q\n", tag)
	}
	if r.Native {
		b.WriteString("native = \"true\"\n")
	}
	if r.Misbehave != "" {
		fmt.Fprintf(&b, "misbehave = %q\n", r.Misbehave)
	}
	if r.Address != "" {
		fmt.Fprintf(&b, "address = %q\n", r.Address)
	}
	return []byte(b.String())
}

// PureTag is the tag that the backend gives a pure release: the first of
// Wheels that fits every platform.
func (r Release) PureTag() string {
	for _, tag := range r.Wheels {
		if strings.HasSuffix(tag, "-none-any") {
			return tag
		}
	}
	return "py3-none-any"
}

func (r Release) packed() string {
	if r.Name == Backend {
		return Backend + ".py"
	}
	return r.Module()
}

// sources are the Python files of the release, the same in sdist and wheel.
func (r Release) sources() []file {
	if r.Name == Backend {
		return []file{{Backend + ".py", []byte(strings.Replace(smallbuildSource,
			`__version__ = "`+BackendVersion+`"`, `__version__ = "`+r.Version+`"`, 1))}}
	}
	init := fmt.Sprintf("\"\"\"%s, invented for tests.\"\"\"\n\n__version__ = %q\n", r.Name, r.Version)
	if r.Native {
		init += "\ntry:\n    from ._native import answer\nexcept ImportError:\n    def answer():\n        return 42\n"
	}
	files := []file{{r.Module() + "/__init__.py", []byte(init)}, {r.Module() + "/py.typed", nil}}
	for i := range r.Bulk {
		line := fmt.Sprintf("%s %s %06d\n", r.Name, r.Version, i)
		files = append(files, file{fmt.Sprintf("%s/data/%06d.txt", r.Module(), i), []byte(strings.Repeat(line, 1024/len(line)))})
	}
	return files
}

func (r Release) backendVersion() string {
	if r.BuiltWith != "" {
		return r.BuiltWith
	}
	return BackendVersion
}

func wheelText(backend, tag string, pure bool) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "Wheel-Version: 1.0\nGenerator: %s %s\nRoot-Is-Purelib: %v\n", Backend, backend, pure)
	part := strings.SplitN(tag, "-", 3)
	for _, python := range strings.Split(part[0], ".") {
		for _, abi := range strings.Split(part[1], ".") {
			for _, platform := range strings.Split(part[2], ".") {
				fmt.Fprintf(&b, "Tag: %s-%s-%s\n", python, abi, platform)
			}
		}
	}
	return []byte(b.String())
}

// tarball makes a .tar.gz. Its deflate stream is stored blocks, so that the
// bytes depend on no compressor's version.
func tarball(root string, files []file, when time.Time) []byte {
	var out bytes.Buffer
	gz, _ := gzip.NewWriterLevel(&out, gzip.NoCompression)
	w := tar.NewWriter(gz)
	must := func(err error) {
		if err != nil {
			panic(err) // a bytes.Buffer does not fail: a header is wrong
		}
	}
	dirs := map[string]bool{}
	for _, f := range files {
		name := root + "/" + f.name
		if dir := name[:strings.LastIndex(name, "/")+1]; !dirs[dir] {
			dirs[dir] = true
			must(w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755, ModTime: when, Format: tar.FormatUSTAR}))
		}
		must(w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(f.data)), ModTime: when, Format: tar.FormatUSTAR}))
		_, err := w.Write(f.data)
		must(err)
	}
	must(w.Close())
	must(gz.Close())
	return out.Bytes()
}
