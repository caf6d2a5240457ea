package compare

import (
	"fmt"
	"slices"
	"strings"
)

// compiled compares two builds of one native module: compiler, what it links
// to, where it was built, which sections have other sizes or bytes, and which
// function is the first that differs. It has one cause: the first of processor,
// compiler, libraries and path that differs, since a compiler changes the rest
// too. nil: it cannot be read as what it claims to be.
func (c *run) compiled(k kind, a, b content) (*difference, error) {
	var err error
	if a, err = c.solid(a); err == nil {
		b, err = c.solid(b)
	}
	if err != nil {
		return nil, err
	}
	x, errA := c.object(k, a)
	y, errB := c.object(k, b)
	if c.ctx.Err() != nil {
		return nil, c.ctx.Err()
	}
	if errA != nil || errB != nil {
		return nil, nil
	}
	l := &difference{}
	var parts []string
	because := func(cause, format string, args ...any) {
		parts = append(parts, fmt.Sprintf(format, args...))
		if l.cause == "" {
			l.cause = cause
		}
	}
	if x.machine != y.machine {
		because(Tag, "for %s != %s", x.machine, y.machine)
	}
	if x.compiler != y.compiler {
		because(NativeCompiler, "compiler %s != %s", orNone(x.compiler), orNone(y.compiler))
	}
	if x.stripped != y.stripped {
		because(NativeCompiler, "stripped only %s", map[bool]string{true: c.w.a, false: c.w.b}[x.stripped])
	}
	if !slices.Equal(x.needed, y.needed) {
		because(VendoredLibs, "needs %s != %s", orNone(some(minus(x.needed, y.needed))), orNone(some(minus(y.needed, x.needed))))
	}
	if x.runpath != y.runpath {
		because(VendoredLibs, "runpath %s != %s", orNone(x.runpath), orNone(y.runpath))
	}
	// Debug information holds the folders; where it was taken away they say nothing.
	if p, q := minus(x.paths, y.paths), minus(y.paths, x.paths); len(p)+len(q) > 0 && x.stripped == y.stripped {
		because(NativePath, "built in %s != %s", place1(p), place1(q))
	}
	for i, p := range x.said {
		if i < len(y.said) && p.value != y.said[i].value {
			because(NativeCompiler, "%s %s != %s", p.name, orNone(p.value), orNone(y.said[i].value))
		}
	}
	var own []string
	if x.buildID != y.buildID {
		own = append(own, fmt.Sprintf("build-id %s != %s", short(x.buildID), short(y.buildID)))
	}
	if f := firstFunction(x, y); f != "" {
		own = append(own, "first other function "+clip(f))
		l.code = func() []string { return c.disassembled(f, a, b, x, y) }
	}
	own = append(own, c.sections(x, y)...)
	l.same, l.own = strings.Join(parts, "; "), strings.Join(own, "; ")
	if l.own == "" && l.same == "" {
		i, err := firstDifference(c.ctx, a, b)
		if err != nil {
			return nil, err
		}
		l.own = fmt.Sprintf("headers, or bytes outside of the sections, from byte %d on", i+1)
	}
	if l.cause == "" {
		l.cause = NativeCompiler
	}
	return l, nil
}

func short(id string) string {
	if len(id) > 12 {
		return id[:12] + "..."
	}
	return orNone(id)
}

func place1(paths []string) string {
	switch len(paths) {
	case 0:
		return "none"
	case 1:
		return clip(paths[0])
	}
	return fmt.Sprintf("%s and %d more", clip(paths[0]), len(paths)-1)
}

// sections says which sections differ: by size, or by bytes alone.
func (c *run) sections(x, y *object) []string {
	var sized, bytewise, only []string
	names := sorted(union(x.size, y.size))
	slices.SortStableFunc(names, func(a, b string) int { return weight(b) - weight(a) })
	for _, n := range names {
		a, inA := x.size[n]
		b, inB := y.size[n]
		switch {
		case inA != inB:
			only = append(only, n+map[bool]string{true: " only " + c.w.a, false: " only " + c.w.b}[inA])
		case a != b:
			sized = append(sized, fmt.Sprintf("%s %d != %d", n, a, b))
		case x.sum[n] != y.sum[n]:
			bytewise = append(bytewise, n)
		}
	}
	var out []string
	switch {
	case len(sized) > 3:
		out = append(out, fmt.Sprintf("%s bytes, and %s", some(sized[:3]), plural(len(sized)-3, "more section")))
	case len(sized) > 0:
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

// weight puts the sections first that people know.
func weight(name string) int {
	return map[string]int{".text": 3, "__TEXT,__text": 3, ".rodata": 2, ".rdata": 2, ".data": 1}[name]
}
