package compare

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Caps on functions.
const (
	maxFunctions = 200_000
	maxFunction  = 1 << 20          // bytes of one that are read
	maxListing   = 8 << 20          // bytes of a disassembly
	objdumpTime  = 20 * time.Second // of one function
)

// functions are those that the symbol tables name, by address: all of them
// where the file is not stripped, else those that it exports.
func functions(f *elf.File, x content) []function {
	syms, err := f.Symbols()
	if err != nil || len(syms) == 0 {
		syms, _ = f.DynamicSymbols()
	}
	var out []function
	for _, s := range syms {
		if elf.ST_TYPE(s.Info) != elf.STT_FUNC || s.Size == 0 || s.Size > maxFunction || int(s.Section) >= len(f.Sections) || len(out) >= maxFunctions {
			continue
		}
		sec := f.Sections[s.Section]
		if s.Value < sec.Addr || s.Value-sec.Addr > sec.FileSize || sec.Type == elf.SHT_NOBITS || f.Type == elf.ET_REL {
			continue
		}
		b := make([]byte, s.Size)
		if _, err := x.at.ReadAt(b, int64(sec.Offset+s.Value-sec.Addr)); err != nil && err != io.EOF {
			continue
		}
		out = append(out, function{name: s.Name, addr: s.Value, size: s.Size, sum: sha256.Sum256(b)})
	}
	slices.SortFunc(out, func(a, b function) int {
		if a.addr != b.addr {
			return map[bool]int{true: -1, false: 1}[a.addr < b.addr]
		}
		return strings.Compare(a.name, b.name)
	})
	return out
}

func find(fs []function, name string) *function {
	if i := slices.IndexFunc(fs, func(f function) bool { return f.name == name }); i >= 0 {
		return &fs[i]
	}
	return nil
}

// firstFunction is the first whose bytes differ: one of another size before one
// that may only have other addresses in it.
func firstFunction(x, y *object) string {
	other := map[string]function{}
	for _, f := range y.functions {
		other[f.name] = f
	}
	first := ""
	for _, f := range x.functions {
		g, ok := other[f.name]
		switch {
		case !ok || f.sum == g.sum:
		case f.size != g.size:
			return f.name
		case first == "":
			first = f.name
		}
	}
	return first
}

// disassembled is the difference of one function as objdump lists it.
func (c *run) disassembled(name string, a, b content, x, y *object) []string {
	var texts [2][]byte
	for i, side := range []struct {
		data content
		f    *function
	}{{a, find(x.functions, name)}, {b, find(y.functions, name)}} {
		if c.o.Objdump == "" || side.f == nil {
			return nil
		}
		text, err := c.objdump(side.data, side.f)
		if err != nil {
			c.note("objdump cannot list %s: %v", name, err)
			return nil
		}
		texts[i] = text
	}
	return unified(texts[0], texts[1])
}

var address = regexp.MustCompile(`(?m)^ *[0-9a-f]+:\t`)

// objdump lists one function without its addresses, which differ for no reason
// of its own.
func (c *run) objdump(x content, f *function) ([]byte, error) {
	file, err := os.CreateTemp(c.o.Temp, "wheellock-compare-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if _, err := io.Copy(file, io.NewSectionReader(x.at, 0, x.size)); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(c.ctx, objdumpTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.o.Objdump, "-d", "--no-show-raw-insn",
		fmt.Sprintf("--start-address=%#x", f.addr), fmt.Sprintf("--stop-address=%#x", f.addr+f.size), file.Name())
	cmd.Env = []string{"LC_ALL=C"}
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &limited{w: &out, left: maxListing}, &limited{w: &said, left: 4096}
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w %s", err, strings.TrimSpace(said.String()))
	}
	_, listing, _ := bytes.Cut(out.Bytes(), []byte(">:\n"))
	return address.ReplaceAll(listing, nil), nil
}

// limited keeps the beginning of what is written.
type limited struct {
	w    io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	l.w.Write(p[:n])
	return len(p), nil
}
