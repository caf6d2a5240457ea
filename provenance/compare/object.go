package compare

import (
	"debug/buildinfo"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"crypto/sha256"
)

// object is what of an executable, a library or an object file is compared.
type object struct {
	machine, compiler, runpath, buildID string
	needed                              []string // sorted
	paths                               []string // folders that it was built in, sorted
	stripped                            bool
	said                                []field // what its headers say beside that
	names                               []string
	size                                map[string]uint64
	sum                                 map[string]string
	functions                           []function
}

// function is a symbol with code: where, by address and in the file.
type function struct {
	name       string
	addr, size uint64
	sum        [32]byte
}

// Folders that build systems leave in strings and debug information.
var buildFolder = regexp.MustCompile(`/(?:build|project|home|tmp|root|usr/src|github|__w|io|host|Users|var/tmp|opt/_internal)/[\x21-\x7e]{1,200}`)

// object reads compiled code. The parsers of the standard library may panic on
// hostile files; that counts as an error.
func (c *run) object(k kind, x content) (o *object, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("reading %s: %v", k, r)
		}
	}()
	o = &object{size: map[string]uint64{}, sum: map[string]string{}}
	switch k {
	case elfKind:
		err = c.readELF(o, x)
	case peKind:
		err = c.readPE(o, x)
	case machoKind:
		err = c.readMachO(o, x)
	}
	if err != nil {
		return nil, err
	}
	if info, err := buildinfo.Read(x.at); err == nil {
		o.compiler = join(", ", o.compiler, info.GoVersion)
		o.said = append(o.said, field{name: "Go modules", value: goModules(info)})
	}
	slices.Sort(o.needed)
	slices.Sort(o.paths)
	o.paths = slices.Compact(o.paths)
	return o, nil
}

// goModules is what a Go program says it was made from: hash by hash, so in short.
func goModules(info *buildinfo.BuildInfo) string {
	text := info.String()
	sum := sha256.Sum256([]byte(text))
	return fmt.Sprintf("%s and %s, settings %x", orNone(strings.TrimSpace(info.Main.Path+" "+info.Main.Version)), plural(len(info.Deps), "module"), sum[:4])
}

// section adds one section: its size, its hash, and the folders in it.
func (o *object) section(c *run, name string, size uint64, r io.Reader, strings bool) ([]byte, error) {
	for i := 2; ; i++ {
		if _, there := o.size[name]; !there {
			break
		}
		name = fmt.Sprintf("%s (%s)", name, ordinal(i))
	}
	if len(o.names) >= maxSections {
		return nil, fmt.Errorf("more than %d sections", maxSections)
	}
	o.names, o.size[name] = append(o.names, name), size
	if r == nil {
		return nil, nil
	}
	h := sha256.New()
	var data []byte
	var err error
	if strings {
		if data, err = io.ReadAll(io.LimitReader(r, MaxScan)); err != nil {
			return nil, err
		}
		h.Write(data)
		for _, m := range buildFolder.FindAll(data, maxPaths) {
			o.paths = append(o.paths, string(m))
		}
	}
	if _, err := io.Copy(h, reader{c.ctx, r}); err != nil {
		return nil, err
	}
	o.sum[name] = hex.EncodeToString(h.Sum(nil))
	return data, nil
}

const (
	maxSections = 70_000 // a library built with a section for each function
	maxPaths    = 2_000
)

func (c *run) readELF(o *object, x content) error {
	f, err := elf.NewFile(x.at)
	if err != nil {
		return err
	}
	o.machine = f.Machine.String()
	o.needed, _ = f.ImportedLibraries()
	for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} {
		vs, _ := f.DynString(tag)
		o.runpath += strings.Join(vs, ":")
	}
	soname, _ := f.DynString(elf.DT_SONAME)
	o.said = []field{{name: "type", value: f.Type.String()}, {name: "ABI", value: fmt.Sprint(f.OSABI, f.ABIVersion)}, {name: "soname", value: strings.Join(soname, " ")}}
	o.stripped = true
	for _, s := range f.Sections {
		if s.Type == elf.SHT_NULL {
			continue
		}
		if s.Type == elf.SHT_SYMTAB || strings.HasPrefix(s.Name, ".debug_") {
			o.stripped = false
		}
		var r io.Reader
		if s.Type != elf.SHT_NOBITS {
			r = io.NewSectionReader(x.at, int64(s.Offset), int64(s.FileSize)) // as it stands, also when compressed
		}
		texts := s.Name == ".comment" || s.Name == ".rodata" || strings.HasPrefix(s.Name, ".debug_") || strings.HasPrefix(s.Name, ".note.")
		data, err := o.section(c, s.Name, s.Size, r, texts)
		if err != nil {
			return err
		}
		switch s.Name {
		case ".comment":
			o.compiler = comment(data)
		case ".note.gnu.build-id":
			o.buildID = note(data)
		case ".note.go.buildid":
			o.said = append(o.said, field{name: "Go build id", value: short(strings.Trim(string(data[min(len(data), 16):]), "\x00"))})
		}
	}
	o.functions = functions(f, x)
	return nil
}

// note is the content of an ELF note, in hex.
func note(b []byte) string {
	if len(b) < 12 {
		return ""
	}
	n := 12 + (int(le.Uint32(b))+3)&^3
	if n > len(b) || n < 12 {
		return ""
	}
	return hex.EncodeToString(b[n:])
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

func (c *run) readPE(o *object, x content) error {
	f, err := pe.NewFile(x.at)
	if err != nil {
		return err
	}
	defer f.Close()
	o.machine = fmt.Sprintf("machine %#x", f.Machine)
	o.needed, _ = f.ImportedSymbols() // the libraries behind the colons; ImportedLibraries is empty
	for i, s := range o.needed {
		_, o.needed[i], _ = strings.Cut(s, ":")
	}
	slices.Sort(o.needed)
	o.needed = slices.Compact(o.needed)
	o.stripped = f.NumberOfSymbols == 0
	o.said = []field{{name: "time", value: time.Unix(int64(f.TimeDateStamp), 0).UTC().Format(time.DateTime)}}
	var major, minor uint8
	switch h := f.OptionalHeader.(type) {
	case *pe.OptionalHeader32:
		major, minor = h.MajorLinkerVersion, h.MinorLinkerVersion
	case *pe.OptionalHeader64:
		major, minor = h.MajorLinkerVersion, h.MinorLinkerVersion
	}
	o.compiler = fmt.Sprintf("linker %d.%d", major, minor)
	for _, s := range f.Sections {
		if _, err := o.section(c, s.Name, uint64(s.VirtualSize), io.NewSectionReader(x.at, int64(s.Offset), int64(s.Size)), s.Name == ".rdata"); err != nil {
			return err
		}
	}
	return nil
}

func (c *run) readMachO(o *object, x content) error {
	f, err := macho.NewFile(x.at)
	if err != nil {
		return err
	}
	defer f.Close()
	o.machine = f.Cpu.String()
	o.needed, _ = f.ImportedLibraries()
	o.stripped = f.Symtab == nil || len(f.Symtab.Syms) == 0
	for _, l := range f.Loads {
		raw := l.Raw()
		if r, ok := l.(*macho.Rpath); ok {
			o.runpath = join(":", o.runpath, r.Path)
		}
		if len(raw) >= 24 && f.ByteOrder.Uint32(raw) == 0x1b { // LC_UUID
			o.buildID = hex.EncodeToString(raw[8:24])
		}
		if len(raw) >= 16 && f.ByteOrder.Uint32(raw) == 0x32 { // LC_BUILD_VERSION
			o.said = append(o.said, field{name: "built for", value: hex.EncodeToString(raw[8:min(len(raw), 32)])})
		}
	}
	for _, s := range f.Sections {
		var r io.Reader
		if typ := s.Flags & 0xff; typ != 1 && typ != 12 && typ != 18 { // S_ZEROFILL and its like have no bytes
			r = io.NewSectionReader(x.at, int64(s.Offset), int64(s.Size))
		}
		if _, err := o.section(c, s.Seg+","+s.Name, s.Size, r, s.Name == "__cstring"); err != nil {
			return err
		}
	}
	return nil
}
