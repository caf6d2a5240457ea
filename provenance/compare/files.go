package compare

import (
	"bytes"
	"maps"
	"path"
	"slices"
	"strings"
)

// files compares what is installed.
func (d *differ) files() {
	if d.a.DistInfo != d.b.DistInfo {
		d.fact(MetadataFields, "folder %s != %s", d.a.DistInfo, d.b.DistInfo)
	}
	d.wheelFile()
	d.metadata()
	d.only(d.b, d.a, "upstream")
	d.only(d.a, d.b, "ours")
	d.changed()
	d.executable()
}

// wheelFile compares WHEEL and the tags in the file names.
func (d *differ) wheelFile() {
	a, b := d.a.Info, d.b.Info
	if a.Generator != b.Generator {
		d.fact(Generator, "WHEEL: Generator %s != %s", orNone(a.Generator), orNone(b.Generator))
	}
	at, bt := slices.Sorted(slices.Values(a.Tags)), slices.Sorted(slices.Values(b.Tags))
	tags := !slices.Equal(at, bt)
	if tags {
		d.fact(Tag, "WHEEL: Tag %s != %s", orNone(strings.Join(at, " ")), orNone(strings.Join(bt, " ")))
	}
	if a.Purelib != b.Purelib {
		if a.Purelib && d.native(d.b) && !d.native(d.a) {
			d.fact(EnvSwitch, "ours is pure, upstream has compiled code: the publisher sets a switch")
		} else {
			d.fact(Tag, "WHEEL: Root-Is-Purelib %v != %v", a.Purelib, b.Purelib)
		}
	}
	key := distInfo + "WHEEL"
	if d.a.sums[key] == d.b.sums[key] || tags || a.Generator != b.Generator || a.Purelib != b.Purelib {
		return
	}
	x, y := d.text(key)
	if bytes.Equal(unix(x), unix(y)) {
		d.fact(MetadataEOL, "WHEEL: other line ends")
		return
	}
	d.fact(MetadataFields, "WHEEL: %s", firstLine(x, y))
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func (d *differ) native(s *side) bool { return slices.ContainsFunc(s.keys, isNative) }

func isNative(key string) bool {
	base := path.Base(key)
	return strings.HasSuffix(base, ".so") || strings.HasSuffix(base, ".pyd") || strings.HasSuffix(base, ".dylib") ||
		strings.HasSuffix(base, ".dll") || strings.Contains(base, ".so.")
}

// kindOfFile is the cause that a file on one side only has.
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

// only lists files that one side has and the other lacks, one line a cause.
func (d *differ) only(has, lacks *side, who string) {
	byCause := map[string][]string{}
	for _, k := range has.keys {
		if lacks.at[k] != nil || k == distInfo+"RECORD" || strings.HasPrefix(k, distInfo+"RECORD.") {
			continue
		}
		cause := kindOfFile(k)
		switch {
		case cause != "":
		case isNative(k) && !d.native(lacks):
			cause = EnvSwitch
		case isNative(k):
			cause = Tag // the same module under another platform's suffix
		case who == "upstream":
			cause = MissingInSdist
		default:
			cause = PreprocessedData
		}
		byCause[cause] = append(byCause[cause], k)
	}
	for _, cause := range sorted(byCause) {
		count, names := group(byCause[cause])
		d.fact(cause, "%s only %s: %s", count, who, names)
	}
}

// changed compares files that both have, WHEEL and METADATA aside.
func (d *differ) changed() {
	var data, ends []string
	first := ""
	for _, k := range d.both() {
		if d.a.sums[k] == d.b.sums[k] {
			continue
		}
		switch k {
		case distInfo + "WHEEL", distInfo + "METADATA", distInfo + "RECORD", distInfo + "RECORD.jws", distInfo + "RECORD.p7s":
			continue
		}
		a, b := d.text(k)
		switch {
		case d.err != nil:
			return
		case isNative(k) || bytes.HasPrefix(a, []byte("\x7fELF")):
			d.compiled(k, a, b)
		case strings.HasPrefix(k, distInfo):
			cause := kindOfFile(k)
			d.fact(cause, "%s: %s", show(k), textDifference(a, b))
		case isText(a) && isText(b) && bytes.Equal(unix(a), unix(b)):
			ends = append(ends, k)
		default:
			if data = append(data, k); first == "" {
				first = textDifference(a, b)
			}
		}
	}
	if len(ends) > 0 {
		count, names := group(ends)
		d.fact(PreprocessedData, "%s with other line ends: %s", count, names)
	}
	if len(data) == 1 {
		d.fact(PreprocessedData, "%s: %s", data[0], first)
	} else if len(data) > 1 {
		count, names := group(data)
		d.fact(PreprocessedData, "%s with other content: %s; %s %s", count, names, data[0], first)
	}
}

func textDifference(a, b []byte) string {
	switch {
	case !isText(a) || !isText(b):
		return "other bytes"
	case bytes.Equal(unix(a), unix(b)):
		return "other line ends"
	}
	return firstLine(a, b)
}

// executable compares the one bit of the mode that installers keep.
func (d *differ) executable() {
	var keys []string
	for _, k := range d.both() {
		if d.a.at[k].Executable() != d.b.at[k].Executable() && !strings.HasPrefix(k, distInfo+"RECORD") {
			keys = append(keys, k)
		}
	}
	if len(keys) > 0 {
		count, names := group(keys)
		d.fact(ZipModes, "executable on one side only: %s, %s", count, names)
	}
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
