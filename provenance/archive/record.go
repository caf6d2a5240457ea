package archive

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"
)

// WheelInfo is the WHEEL file.
type WheelInfo struct {
	Version   string   // Wheel-Version
	Generator string   // "setuptools (80.9.0)", "flit 3.12.0"; "" when there is none
	Purelib   bool     // Root-Is-Purelib
	Tags      []string // in the file's order: "py3-none-any"
	Build     string
	Raw       []byte
}

// parseWheelInfo reads the "Key: value" lines of WHEEL (PEP 427). Later keys win
// nowhere: a key that may stand once and stands twice is refused, since readers
// differ in which one they take.
func parseWheelInfo(b []byte) (WheelInfo, error) {
	info := WheelInfo{Raw: b}
	seen := map[string]bool{}
	for n, line := range strings.Split(string(b), "\n") {
		line = strings.TrimRight(line, "\r \t")
		if line == "" {
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			return info, fmt.Errorf("line %d is no field", n+1)
		}
		key, value = strings.ToLower(key), strings.TrimSpace(value)
		if seen[key] && key != "tag" && key != "generator" {
			return info, fmt.Errorf("line %d: %s a second time", n+1, key)
		}
		switch key {
		case "wheel-version":
			info.Version = value
		case "generator":
			if !seen[key] { // repairers append theirs; the backend's comes first
				info.Generator = value
			}
		case "root-is-purelib":
			if info.Purelib = strings.EqualFold(value, "true"); !info.Purelib && !strings.EqualFold(value, "false") {
				return info, fmt.Errorf("line %d: Root-Is-Purelib is %q", n+1, value)
			}
		case "tag":
			info.Tags = append(info.Tags, value)
		case "build":
			info.Build = value
		}
		seen[key] = true
	}
	if !strings.HasPrefix(info.Version, "1.") {
		return info, fmt.Errorf("Wheel-Version %q, only 1.x is known", info.Version)
	}
	return info, nil
}

// RecordRow is one line of RECORD.
type RecordRow struct {
	Path string
	Hash string // "sha256=BASE64URL" as written; "" for RECORD itself
	Size int64  // -1 when not given
}

// isRecord reports whether name is RECORD or one of its signatures.
func (w *Wheel) isRecord(name string) bool {
	switch strings.TrimPrefix(name, w.DistInfo+"/") {
	case "RECORD", "RECORD.jws", "RECORD.p7s":
		return strings.HasPrefix(name, w.DistInfo+"/")
	}
	return false
}

// readRecord parses RECORD, a CSV file (PEP 376, 427).
func (w *Wheel) readRecord() error {
	name := w.DistInfo + "/RECORD"
	if w.Lookup(name) == nil {
		return w.zip.refuse("", BadRecord, "%s is missing", name)
	}
	b, err := w.ReadFile(name, MaxText)
	if err != nil {
		return err
	}
	r := csv.NewReader(bytes.NewReader(b))
	r.FieldsPerRecord = -1
	var rows []RecordRow
	for {
		f, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil || len(f) != 3 {
			return w.zip.refuse(name, BadRecord, "row %d is not of the form path,hash,size", len(rows)+1)
		}
		row := RecordRow{Path: f[0], Hash: f[1], Size: -1}
		if f[2] != "" {
			n, err := strconv.ParseUint(f[2], 10, 62)
			if err != nil {
				return w.zip.refuse(name, BadRecord, "the size of %q is %q", f[0], f[2])
			}
			row.Size = int64(n)
		}
		rows = append(rows, row)
	}
	w.Record = rows
	return nil
}

// recordRows checks that RECORD lists exactly the wheel's files and returns the rows by path.
func (w *Wheel) recordRows() (map[string]RecordRow, error) {
	name := w.DistInfo + "/RECORD"
	if w.Record == nil {
		if err := w.readRecord(); err != nil {
			return nil, err
		}
	}
	rows := make(map[string]RecordRow, len(w.Record))
	for _, r := range w.Record {
		if _, twice := rows[r.Path]; twice {
			return nil, w.zip.refuse(name, BadRecord, "it lists %q twice", r.Path)
		}
		if w.Lookup(r.Path) == nil {
			return nil, w.zip.refuse(name, BadRecord, "it lists %q, which is not there", r.Path)
		}
		rows[r.Path] = r
	}
	for i := range w.Entries {
		e := &w.Entries[i]
		r, listed := rows[e.Name]
		switch {
		case e.Dir() || w.isRecord(e.Name):
		case !listed:
			return nil, w.zip.refuse(e.Name, BadRecord, "RECORD does not list it")
		case r.Size >= 0 && r.Size != e.Size:
			return nil, w.zip.refuse(e.Name, BadRecord, "RECORD says %d bytes, it has %d", r.Size, e.Size)
		}
	}
	return rows, nil
}

// recordHash returns the hash function that row asks for and the sum it wants.
// PEP 427 forbids anything weaker than SHA-256.
func (w *Wheel) recordHash(row RecordRow) (hash.Hash, []byte, error) {
	alg, text, _ := strings.Cut(row.Hash, "=")
	h := map[string]func() hash.Hash{"sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New}[alg]
	if h == nil {
		return nil, nil, w.zip.refuse(row.Path, BadRecord, "RECORD gives it no SHA-2 hash but %q", row.Hash)
	}
	sum, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, nil, w.zip.refuse(row.Path, BadRecord, "RECORD's hash %q is not base64url", row.Hash)
	}
	return h(), sum, nil
}

// copyChecked writes the member to dst and checks RECORD's hash on the way.
func (w *Wheel) copyChecked(dst io.Writer, e *Entry, row RecordRow) error {
	r, err := w.Open(e)
	if err != nil {
		return err
	}
	defer r.Close()
	if e.Dir() || w.isRecord(e.Name) {
		_, err = io.Copy(dst, r)
		return err
	}
	h, want, err := w.recordHash(row)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.MultiWriter(dst, h), r); err != nil {
		return err
	}
	if !bytes.Equal(h.Sum(nil), want) {
		return w.zip.refuse(e.Name, BadRecord, "its hash is not the one of RECORD")
	}
	return nil
}

// audit accounts for every byte and every file.
func (w *Wheel) audit() error {
	if err := w.zip.auditSpans(); err != nil {
		return err
	}
	rows, err := w.recordRows()
	if err != nil {
		return err
	}
	for i := range w.Entries {
		e := &w.Entries[i]
		if err := w.copyChecked(io.Discard, e, rows[e.Name]); err != nil {
			return err
		}
	}
	return nil
}
