package compare

import (
	"bytes"
	"debug/elf"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// compiled compares two builds of one native module: compiler, what it links
// to, where it was built, and which sections have other sizes or bytes. It is
// one line a file, and one cause: the first of compiler, libraries and path that
// differs, since a compiler changes the rest too.
func (d *differ) compiled(key string, a, b []byte) {
	x, errA := readELF(a)
	y, errB := readELF(b)
	if errA != nil || errB != nil {
		d.fact(NativeCompiler, "%s: other bytes, %d != %d", show(key), len(a), len(b))
		return
	}
	var parts []string
	cause := ""
	because := func(c, format string, args ...any) {
		parts = append(parts, fmt.Sprintf(format, args...))
		if cause == "" {
			cause = c
		}
	}
	if x.machine != y.machine {
		because(Tag, "for %s != %s", x.machine, y.machine)
	}
	if x.comment != y.comment {
		because(NativeCompiler, "compiler %s != %s", orNone(x.comment), orNone(y.comment))
	}
	if !slices.Equal(x.needed, y.needed) {
		because(VendoredLibs, "needs %s != %s", orNone(strings.Join(minus(x.needed, y.needed), " ")), orNone(strings.Join(minus(y.needed, x.needed), " ")))
	}
	if x.runpath != y.runpath {
		because(VendoredLibs, "runpath %s != %s", orNone(x.runpath), orNone(y.runpath))
	}
	if x.path != y.path {
		because(NativePath, "built in %s != %s", orNone(x.path), orNone(y.path))
	}
	parts = append(parts, sections(x, y)...)
	if cause == "" {
		cause = NativeCompiler
	}
	d.fact(cause, "%s: %s", show(key), strings.Join(parts, "; "))
}

// object is what of an ELF file is compared.
type object struct {
	machine, comment, runpath, path string
	needed                          []string
	names                           []string
	size                            map[string]uint64
	sum                             map[string]string
}

// Folders that build systems leave in strings and debug information.
var buildFolder = regexp.MustCompile(`/(?:build|project|home|tmp|root|usr/src|github|__w|io|host)/[\x21-\x7e]{1,200}`)

func readELF(b []byte) (o object, err error) {
	f, err := elf.NewFile(bytes.NewReader(b))
	if err != nil {
		return o, err
	}
	o.machine = f.Machine.String()
	o.needed, _ = f.ImportedLibraries()
	slices.Sort(o.needed)
	for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} {
		vs, _ := f.DynString(tag)
		o.runpath += strings.Join(vs, ":")
	}
	o.size, o.sum = map[string]uint64{}, map[string]string{}
	for _, s := range f.Sections {
		if s.Name == "" {
			continue
		}
		o.names = append(o.names, s.Name)
		o.size[s.Name] += s.Size
		if s.Type == elf.SHT_NOBITS || s.Flags&elf.SHF_COMPRESSED != 0 || s.FileSize > uint64(len(b)) {
			continue
		}
		data, err := s.Data()
		if err != nil {
			continue
		}
		o.sum[s.Name] += string(data)
		switch {
		case s.Name == ".comment":
			o.comment = comment(data)
		case s.Name == ".rodata" || strings.HasPrefix(s.Name, ".debug_"):
			if m := buildFolder.Find(data); m != nil && o.path == "" {
				o.path = string(m)
			}
		}
	}
	return o, nil
}

// comment is the section's strings, each once.
func comment(b []byte) string {
	var out []string
	for _, s := range strings.Split(string(b), "\x00") {
		if s = strings.TrimSpace(s); s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return strings.Join(out, ", ")
}

// sections says which sections differ: by size, or by bytes alone.
func sections(x, y object) []string {
	var sized, bytewise, only []string
	for _, n := range sorted(union(x.size, y.size)) {
		a, inA := x.size[n]
		b, inB := y.size[n]
		switch {
		case inA != inB:
			only = append(only, n+map[bool]string{true: " only ours", false: " only upstream"}[inA])
		case a != b:
			sized = append(sized, fmt.Sprintf("%s %d != %d", n, a, b))
		case x.sum[n] != y.sum[n]:
			bytewise = append(bytewise, n)
		}
	}
	var out []string
	if len(sized) > 0 {
		out = append(out, some(sized)+" bytes")
	}
	if len(bytewise) > 0 {
		out = append(out, "other bytes in "+some(bytewise))
	}
	if len(only) > 0 {
		out = append(out, some(only))
	}
	if !slices.Equal(x.names, y.names) && len(only) == 0 {
		out = append(out, "sections in another order")
	}
	return out
}
