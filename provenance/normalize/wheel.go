package normalize

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"sort"
	"strings"

	"github.com/freedomofpress/wheellock/provenance/archive"
)

// wheel writes the normal form of a wheel. Every byte of it is checked first: a
// new RECORD would make a changed file look right.
func wheel(dst *os.File, path string, o Options, r *Result) error {
	w, err := archive.OpenWheel(path, archive.Audit)
	if err != nil {
		return err
	}
	defer w.Close()
	z := newZip(dst, max(o.Epoch, WheelEpoch))
	var record, content []string
	for _, e := range order(w, r) {
		sum, err := z.file(w, e)
		if err != nil {
			return err
		}
		mode := "644"
		if e.Executable() {
			mode = "755"
		}
		record = append(record, recordRow(e, sum))
		content = append(content, hex.EncodeToString(sum)+" "+mode+" "+e.Name+"\n")
	}
	name := w.DistInfo + "/RECORD"
	record = append(record, quoted(name)+",,\n")
	if err := z.text(name, []byte(strings.Join(record, ""))); err != nil {
		return err
	}
	sort.Strings(content)
	all := sha256.Sum256([]byte(strings.Join(content, "")))
	r.Content = hex.EncodeToString(all[:])
	return z.end(w.File)
}

// order lists the files in the order of the normal form, without RECORD, its
// signatures and folders.
func order(w *archive.Wheel, r *Result) []*archive.Entry {
	var list []*archive.Entry
	info := w.DistInfo + "/"
	for i := range w.Entries {
		e := &w.Entries[i]
		switch rest, inside := strings.CutPrefix(e.Name, info); {
		case e.Dir():
			if !slices.ContainsFunc(w.Entries, func(f archive.Entry) bool { return f.Name != e.Name && strings.HasPrefix(f.Name, e.Name) }) {
				r.Dropped = append(r.Dropped, e.Name)
			}
		case inside && rest == "RECORD":
		case inside && (rest == "RECORD.jws" || rest == "RECORD.p7s"):
			r.Dropped = append(r.Dropped, e.Name)
		default:
			list = append(list, e)
		}
	}
	sort.Slice(list, func(i, j int) bool {
		a, b := strings.HasPrefix(list[i].Name, info), strings.HasPrefix(list[j].Name, info)
		if a != b {
			return b
		}
		return list[i].Name < list[j].Name
	})
	sort.Strings(r.Dropped)
	return list
}

// recordRow is one line of RECORD.
func recordRow(e *archive.Entry, sum []byte) string {
	return fmt.Sprintf("%s,sha256=%s,%d\n", quoted(e.Name), base64.RawURLEncoding.EncodeToString(sum), e.Size)
}

// quoted is a CSV field; a name has no line ends.
func quoted(name string) string {
	if !strings.ContainsAny(name, `,"`) {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// file writes one file and returns its SHA-256.
func (z *zipWriter) file(w *archive.Wheel, e *archive.Entry) ([]byte, error) {
	src, err := w.Open(e)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	h := sha256.New()
	m := member{name: e.Name, crc: e.CRC32, size: e.Size, executable: e.Executable()}
	if err := z.add(m, io.TeeReader(src, h)); err != nil {
		return nil, fmt.Errorf("normalising %s: %w", w.File, err)
	}
	return h.Sum(nil), nil
}

// text writes a file that is in memory.
func (z *zipWriter) text(name string, data []byte) error {
	return z.add(member{name: name, crc: crc32.ChecksumIEEE(data), size: int64(len(data))}, bytes.NewReader(data))
}
