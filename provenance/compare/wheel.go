package compare

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/freedomofpress/wheellock/provenance/archive"
)

const (
	distInfo = "*.dist-info/"
	dataDir  = "*.data/"
)

// wheels opens both zips strictly where both look like wheels. Where the strict
// reader refuses one, they are compared as the zips that they are, and a note
// says why; for [Wheels] that is an error.
func (c *run) wheels(at place, ts [2]*tree, xs [2]content) error {
	if !c.strict && !(looksLikeWheel(ts[0]) && looksLikeWheel(ts[1])) {
		return nil
	}
	var ws [2]*archive.Wheel
	var sums [2]map[string][32]byte
	var errs [2]error
	twice(func(i int) error {
		if ws[i], errs[i] = archive.ReadWheel(at.names[i], xs[i].at, xs[i].size, archive.Read); errs[i] == nil {
			sums[i], errs[i] = ws[i].Sums()
		}
		return nil
	})
	for i, err := range errs {
		var refusal *archive.Error
		switch {
		case err == nil:
		case c.strict:
			return c.blame(i, err)
		case !errors.As(err, &refusal) || refusal.Kind == archive.Checksum || refusal.Kind == archive.Truncated:
			return err
		default:
			c.note("compared as zips, not as wheels: %v", err)
			return nil
		}
	}
	for i, t := range ts {
		t.wheel, t.sums = ws[i], sums[i]
	}
	return nil
}

func looksLikeWheel(t *tree) bool {
	return slices.ContainsFunc(t.members, func(m *member) bool {
		dir, file := path.Split(m.name)
		return file == "WHEEL" && strings.HasSuffix(dir, ".dist-info/") && strings.Count(dir, "/") == 1
	})
}

// wheelFiles compares what is installed, where that differs.
func (d *differ) wheelFiles(differs bool) {
	if !differs {
		return
	}
	d.inner = true
	a, b := d.a.wheel, d.b.wheel
	if a.DistInfo != b.DistInfo {
		d.fact(MetadataFields, "folder %s != %s", a.DistInfo, b.DistInfo)
	}
	d.wheelFile()
	d.metadata("METADATA", a.Metadata, b.Metadata)
	onlyA, onlyB := missingFrom(d.a.keys, d.b), missingFrom(d.b.keys, d.a)
	onlyA, onlyB = d.renamed(onlyA, onlyB, LicenseFiles, func(k string) bool { return kindOfFile(k) == LicenseFiles })
	d.only(onlyB, d.a, d.c.w.b, MissingInSdist)
	d.only(onlyA, d.b, d.c.w.a, PreprocessedData)
	d.tell(d.changed(func(k string) bool {
		return k == distInfo+"WHEEL" || k == distInfo+"METADATA" || d.isRecord(k)
	}))
	d.bits()
}

// wheelFile compares WHEEL and the tags in it.
func (d *differ) wheelFile() {
	a, b := d.a.wheel.Info, d.b.wheel.Info
	if a.Generator != b.Generator {
		d.fact(Generator, "WHEEL: Generator %s != %s", orNone(a.Generator), orNone(b.Generator))
	}
	at, bt := slices.Sorted(slices.Values(a.Tags)), slices.Sorted(slices.Values(b.Tags))
	tags := !slices.Equal(at, bt)
	if tags {
		d.fact(Tag, "WHEEL: Tag %s != %s", orNone(strings.Join(at, " ")), orNone(strings.Join(bt, " ")))
	}
	if a.Purelib != b.Purelib {
		if a.Purelib && native(d.b) && !native(d.a) {
			d.fact(EnvSwitch, "%s pure, %s has compiled code: the publisher sets a switch", map[bool]string{true: "ours is", false: "A is"}[d.c.w == oursUpstream], d.c.w.toB)
		} else {
			d.fact(Tag, "WHEEL: Root-Is-Purelib %v != %v", a.Purelib, b.Purelib)
		}
	}
	if a.Version != b.Version {
		d.fact(Generator, "WHEEL: Wheel-Version %s != %s", orNone(a.Version), orNone(b.Version))
	}
	if a.Build != b.Build {
		d.fact(Tag, "WHEEL: Build %s != %s", orNone(a.Build), orNone(b.Build))
	}
	if bytes.Equal(a.Raw, b.Raw) {
		return
	}
	if bytes.Contains(a.Raw, []byte("\r\n")) != bytes.Contains(b.Raw, []byte("\r\n")) {
		d.fact(MetadataEOL, "WHEEL: other line ends")
		return
	}
	if rest := wheelRest(a.Raw); rest != wheelRest(b.Raw) || !tags && a.Generator == b.Generator && a.Purelib == b.Purelib && a.Version == b.Version && a.Build == b.Build {
		d.fact(MetadataFields, "WHEEL: %s", firstLine(unix(a.Raw), unix(b.Raw)))
	}
}

// wheelRest is WHEEL without the fields that are told by name.
func wheelRest(raw []byte) string {
	var out []string
	for _, line := range strings.Split(string(unix(raw)), "\n") {
		name, _, _ := strings.Cut(strings.ToLower(line), ":")
		switch name {
		case "generator", "tag", "root-is-purelib", "wheel-version", "build", "":
		default:
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

func native(t *tree) bool { return slices.ContainsFunc(t.keys, isNative) }

func isNative(key string) bool {
	base := path.Base(key)
	return strings.HasSuffix(base, ".so") || strings.HasSuffix(base, ".pyd") || strings.HasSuffix(base, ".dylib") ||
		strings.HasSuffix(base, ".dll") || strings.Contains(base, ".so.")
}

// kindOfFile is the cause that a file of a wheel on one side only has.
func kindOfFile(key string) string {
	top, _, _ := strings.Cut(key, "/")
	rest, dist := strings.CutPrefix(key, distInfo)
	base := strings.ToUpper(path.Base(key))
	licence := strings.HasPrefix(base, "LICEN") || strings.HasPrefix(base, "COPYING") || strings.HasPrefix(base, "NOTICE") || strings.HasPrefix(base, "AUTHORS")
	switch {
	case dist && strings.HasPrefix(rest, "sboms/"):
		return SBOM
	case dist && (strings.HasPrefix(rest, "licenses/") || licence):
		return LicenseFiles
	case dist:
		return MetadataFields
	case strings.HasSuffix(top, ".libs") || strings.Contains(key, "/.libs/") || strings.Contains(key, ".dylibs/"):
		return VendoredLibs
	}
	return ""
}

// only lists files that one wheel has and the other lacks, one line a cause.
func (d *differ) only(keys []string, lacks *tree, who, otherwise string) {
	byCause := map[string][]string{}
	for _, k := range keys {
		if d.isRecord(k) {
			continue
		}
		cause := kindOfFile(k)
		switch {
		case cause != "":
		case isNative(k) && !native(lacks):
			cause = EnvSwitch
		case isNative(k):
			cause = Tag // the same module under another platform's suffix
		default:
			cause = otherwise
		}
		byCause[cause] = append(byCause[cause], k)
	}
	for _, cause := range sorted(byCause) {
		count, names := group(byCause[cause])
		d.about(byCause[cause], cause, "%s only %s: %s", count, who, names)
	}
}

// record compares RECORD where the files that it lists are no explanation.
func (d *differ) record() {
	key := distInfo + "RECORD"
	a, b := d.a.at[key], d.b.at[key]
	if a == nil || b == nil {
		if a != b {
			who := d.c.w.a
			if a == nil {
				who = d.c.w.b
			}
			d.fact(RecordOrder, "RECORD only %s", who)
		}
		return
	}
	for _, k := range append(missingFrom(d.a.keys, d.b), missingFrom(d.b.keys, d.a)...) {
		if strings.HasPrefix(k, key+".") {
			d.fact(RecordOrder, "a signature of RECORD on one side only: %s", k)
		}
	}
	for _, k := range d.both() {
		if strings.HasPrefix(k, key+".") && d.a.sums[d.a.at[k].name] != d.b.sums[d.b.at[k].name] {
			d.fact(RecordOrder, "%s: other bytes", k)
		}
	}
	if d.a.sums[a.name] == d.b.sums[b.name] {
		return
	}
	rows := func(t *tree) (order []string, lines map[string]archive.RecordRow) {
		lines = map[string]archive.RecordRow{}
		name := wheelKey(t.wheel)
		for _, r := range t.wheel.Record {
			k := name(r.Path)
			if d.a.at[k] != nil && d.b.at[k] != nil {
				order, lines[k] = append(order, k), r
			}
		}
		return order, lines
	}
	ao, al := rows(d.a)
	bo, bl := rows(d.b)
	x, _, errA := a.data.all(archive.MaxText)
	y, _, errB := b.data.all(archive.MaxText)
	if errA != nil || errB != nil {
		d.err = errors.Join(errA, errB)
		return
	}
	crlf := bytes.Contains(x, []byte("\r\n")) != bytes.Contains(y, []byte("\r\n"))
	switch sa, sb := slices.Sorted(slices.Values(ao)), slices.Sorted(slices.Values(bo)); {
	case slices.Equal(ao, bo):
	case slices.Equal(sa, sb):
		d.fact(RecordOrder, "RECORD: rows in another order")
	default:
		d.fact(RecordOrder, "RECORD: it lists %d != %d of the common files", len(ao), len(bo))
	}
	told := len(d.facts)
	for _, k := range ao {
		if l, ok := bl[k]; ok && d.rowDiffers(k, al[k], l) {
			break
		}
	}
	switch {
	case crlf:
		d.fact(RecordOrder, "RECORD: other line ends, CRLF %s", map[bool]string{true: d.c.w.a, false: d.c.w.b}[bytes.Contains(x, []byte("\r\n"))])
	case told == len(d.facts) && !slices.Equal(d.plainRows(d.a, x), d.plainRows(d.b, y)):
		d.fact(RecordOrder, "RECORD: it is written otherwise, %s", firstLine(x, y))
	}
}

// plainRows are the rows of files that are the same on both sides, as they are
// written, sorted.
func (d *differ) plainRows(t *tree, record []byte) []string {
	name := wheelKey(t.wheel)
	var out []string
	for _, line := range strings.Split(string(record), "\n") {
		at := strings.LastIndexByte(line, ',')
		if at = strings.LastIndexByte(line[:max(at, 0)], ','); at < 0 {
			out = append(out, line)
			continue
		}
		k := name(strings.Trim(line[:at], `"`))
		a, b := d.a.at[k], d.b.at[k]
		if a != nil && b != nil && !d.isRecord(k) && d.a.sums[a.name] == d.b.sums[b.name] {
			out = append(out, fmt.Sprintf("%s %v%s", k, strings.HasPrefix(line, `"`), line[at:]))
		}
	}
	slices.Sort(out)
	return out
}

// rowDiffers tells of a row that says something else of a file that is the same.
func (d *differ) rowDiffers(k string, a, b archive.RecordRow) bool {
	function := func(h string) string { f, _, _ := strings.Cut(h, "="); return f }
	same := d.a.sums[d.a.at[k].name] == d.b.sums[d.b.at[k].name]
	switch {
	case function(a.Hash) != function(b.Hash):
		d.fact(RecordOrder, "RECORD: other hash functions, %s %q != %q", show(k), function(a.Hash), function(b.Hash))
	case same && a.Hash != b.Hash && !d.isRecord(k):
		d.fact(RecordOrder, "RECORD: another hash for the same file, %s %s != %s", show(k), clip(a.Hash), clip(b.Hash))
	case same && a.Size != b.Size:
		d.fact(RecordOrder, "RECORD: another size for the same file, %s %v != %v", show(k), a.Size, b.Size)
	default:
		return false
	}
	return true
}
