package compare

import (
	"bytes"
	"path"
	"strings"
)

// kind is what a file is, by its first bytes; names lie.
type kind string

const (
	zipKind    kind = "zip"
	tarKind    kind = "tar"
	arKind     kind = "ar"
	folderKind kind = "folder"
	gzipKind   kind = "gzip"
	bzip2Kind  kind = "bzip2"
	xzKind     kind = "xz"
	zstdKind   kind = "zstd"
	elfKind    kind = "ELF"
	peKind     kind = "PE"
	machoKind  kind = "Mach-O"
	pycKind    kind = "Python bytecode"
	otherKind  kind = "other"
)

func (k kind) archive() bool { return k == zipKind || k == tarKind || k == arKind }
func (k kind) packed() bool  { return k == gzipKind || k == bzip2Kind || k == xzKind || k == zstdKind }
func (k kind) object() bool  { return k == elfKind || k == peKind || k == machoKind }

var magics = []struct {
	magic string
	kind  kind
}{
	{"PK\x03\x04", zipKind}, {"PK\x05\x06", zipKind}, {"!<arch>\n", arKind},
	{"\x1f\x8b\x08", gzipKind}, {"BZh", bzip2Kind}, {"\xfd7zXZ\x00", xzKind}, {"\x28\xb5\x2f\xfd", zstdKind},
	{"\x7fELF", elfKind}, {"MZ", peKind},
	{"\xfe\xed\xfa\xce", machoKind}, {"\xfe\xed\xfa\xcf", machoKind}, {"\xce\xfa\xed\xfe", machoKind}, {"\xcf\xfa\xed\xfe", machoKind},
}

func sniff(name string, x content) (kind, error) {
	b, err := x.head(512)
	if err != nil {
		return otherKind, err
	}
	for _, m := range magics {
		if bytes.HasPrefix(b, []byte(m.magic)) {
			return m.kind, nil
		}
	}
	ext := path.Ext(name)
	switch {
	case len(b) == 512 && bytes.Equal(b[257:262], []byte("ustar")):
		return tarKind, nil
	case len(b) == 512 && ext == ".tar" && (tarSum(b) || len(bytes.Trim(b, "\x00")) == 0): // v7, or empty
		return tarKind, nil
	case len(b) >= 12 && b[2] == '\r' && b[3] == '\n' && (ext == ".pyc" || ext == ".pyo"):
		return pycKind, nil
	}
	return otherKind, nil
}

// tarSum reports whether the checksum of a tar header without magic (v7) fits.
func tarSum(b []byte) bool {
	sum, want := 0, 0
	for i, c := range b {
		if i >= 148 && i < 156 {
			c = ' '
		}
		sum += int(c)
	}
	for _, c := range bytes.Trim(b[148:156], " \x00") {
		if c < '0' || c > '7' {
			return false
		}
		want = want<<3 | int(c-'0')
	}
	return sum == want && sum > 256
}

// expected is the kind that a file's name promises, otherKind for no promise. A
// file that does not keep it is damaged rather than of another kind.
func expected(name string) kind {
	name = strings.ToLower(name)
	for _, e := range []struct {
		ext  string
		kind kind
	}{
		{".whl", zipKind}, {".zip", zipKind}, {".egg", zipKind}, {".deb", arKind}, {".tar", tarKind},
		{".gz", gzipKind}, {".tgz", gzipKind}, {".bz2", bzip2Kind}, {".xz", xzKind}, {".zst", zstdKind},
	} {
		if strings.HasSuffix(name, e.ext) {
			return e.kind
		}
	}
	return otherKind
}
