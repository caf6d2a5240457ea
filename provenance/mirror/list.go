package mirror

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// A Listed is one line of sha256sums.txt.
type Listed struct {
	Path   string // below the wheelhouse, with "/"
	SHA256 string
}

// ErrIrregular wraps what is said of a link, a pipe or a folder where a file should be.
var ErrIrregular = errors.New("is no regular file")

// ErrList wraps what is wrong with a sha256sums.txt.
var ErrList = errors.New("malformed " + SumsFile)

// ProofExtension is that of a C2SP tlog-proof beside a file: it proves itself.
const ProofExtension = ".tlog-proof"

// Scan hashes all sdists and wheels of the wheelhouse.
func (w Wheelhouse) Scan() ([]Listed, error) {
	var out []Listed
	for _, top := range []string{"sdists", "wheels"} {
		err := filepath.WalkDir(w.Path(top), func(name string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || d.IsDir() || durable.IsTemp(d.Name()) || strings.HasSuffix(name, ".metadata") || strings.HasSuffix(name, ProofExtension) {
				return err
			}
			if !d.Type().IsRegular() {
				return fmt.Errorf("%s %w", name, ErrIrregular)
			}
			rel, err := filepath.Rel(w.Dir, name)
			if err != nil {
				return err
			}
			hash, err := HashFile(name)
			out = append(out, Listed{Path: filepath.ToSlash(rel), SHA256: hash})
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Path < out[j].Path })
	return out, nil
}

// FormatList is the content of sha256sums.txt; sha256sum -c reads it in the
// wheelhouse's folder.
func FormatList(list []Listed) []byte {
	var b bytes.Buffer
	for _, l := range list {
		fmt.Fprintf(&b, "%s  %s\n", l.SHA256, l.Path)
	}
	return b.Bytes()
}

// ParseList reads a sha256sums.txt of ours strictly: ascending paths below
// sdists/ and wheels/, none twice.
func ParseList(data []byte) ([]Listed, error) {
	if len(data) > MaxListSize {
		return nil, fmt.Errorf("%w: it has %d bytes", ErrList, len(data))
	}
	if len(data) > 0 && data[len(data)-1] != '\n' {
		return nil, fmt.Errorf("%w: no end of line at its end", ErrList)
	}
	var out []Listed
	for n, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		if len(data) == 0 {
			break
		}
		hash, rel, ok := strings.Cut(line, "  ")
		if !ok || !isHash(hash) || !listable(rel) {
			return nil, fmt.Errorf("%w: line %d is not \"SHA256  PATH\"", ErrList, n+1)
		}
		if len(out) > 0 && out[len(out)-1].Path >= rel {
			return nil, fmt.Errorf("%w: line %d is out of order", ErrList, n+1)
		}
		if len(out) == MaxListFiles {
			return nil, fmt.Errorf("%w: more than %d files", ErrList, MaxListFiles)
		}
		out = append(out, Listed{Path: rel, SHA256: hash})
	}
	return out, nil
}

func isHash(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == 2*sha256.Size && strings.ToLower(s) == s
}

func listable(rel string) bool {
	if path.Clean(rel) != rel || strings.ContainsAny(rel, "\\\r\x00") {
		return false
	}
	parts := strings.Split(rel, "/")
	return parts[0] == "sdists" && len(parts) == 2 || parts[0] == "wheels" && len(parts) == 3
}

// maxList is the most bytes of sha256sums.txt that are read: half a million files.
const maxList = 64 << 20

// ReadList reads the wheelhouse's list; a wheelhouse without one gives
// fs.ErrNotExist.
func (w Wheelhouse) ReadList() (list []Listed, data []byte, err error) {
	if info, err := os.Stat(w.Path(SumsFile)); err == nil && (!info.Mode().IsRegular() || info.Size() > maxList) {
		return nil, nil, fmt.Errorf("%s is no regular file of at most %d bytes", SumsFile, int64(maxList))
	}
	data, err = os.ReadFile(w.Path(SumsFile))
	if err != nil {
		return nil, nil, err
	}
	list, err = ParseList(data)
	return list, data, err
}

// ListNote is the text that a publisher signs for a list. It names the log, so
// that one organisation's signature says nothing in another's wheelhouse.
//
//	wheellock-list/v1
//	log wheels.example.org
//	sha256sums.txt sha256:9f86d0...
func ListNote(origin string, data []byte) string {
	return fmt.Sprintf("wheellock-list/v1\nlog %s\n%s sha256:%x\n", origin, SumsFile, sha256.Sum256(data))
}

// Projects lists the normalised names of the packages that files of a list are of,
// ascending. A file whose name is none of a wheel or sdist has none.
func Projects(list []Listed) []string {
	var out []string
	for _, l := range list {
		if name, _, err := projectOf(l.Path); err == nil {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ProjectOf is the normalised name and the version of the package that a wheel or
// sdist is of, by its file name.
func ProjectOf(file string) (name, version string, err error) {
	if !strings.HasSuffix(file, ".whl") {
		n, err := tags.ParseSdistName(file)
		if err != nil {
			return "", "", err
		}
		return n.Name, n.Version.String(), nil
	}
	n, err := tags.ParseWheelName(file)
	if err != nil {
		return "", "", err
	}
	return n.Name, n.Version.String(), nil
}

func projectOf(rel string) (name, version string, err error) {
	if strings.HasPrefix(rel, "wheels/") && !strings.HasSuffix(rel, ".whl") {
		return "", "", fmt.Errorf("%s is no wheel", rel)
	}
	return ProjectOf(path.Base(rel))
}
