package pyproject

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// RequiresDigest is "sha256:HEX" of RequiresText, the lock's requires-digest.
func (p *Project) RequiresDigest() string {
	sum := sha256.Sum256([]byte(p.RequiresText()))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// RequiresText is the canonical text of all inputs that a lock hangs on; the
// package comment describes it.
func (p *Project) RequiresText() string {
	lines := map[string]bool{}
	add := func(key string, parts ...string) {
		line := key
		for _, s := range parts {
			line += fmt.Sprintf(" %q", s)
		}
		lines[line] = true
	}
	c := p.Config
	for _, in := range p.Inputs {
		add("require", in.Group, canonical(in.Requirement))
	}
	for _, in := range slices.Concat(p.Inputs, p.Constraints) {
		if len(in.Hashes) > 0 {
			add("hash", append([]string{nameOf(in.Requirement)}, in.Hashes...)...)
		}
	}
	for _, x := range p.Locals {
		add("local", x.Name, x.Version, strings.Join(strings.Fields(x.RequiresPython), ""))
	}
	for _, in := range p.Constraints {
		add("constrain", canonical(in.Requirement))
	}
	for _, in := range p.Overrides {
		add("override", canonical(in.Requirement))
	}
	for _, name := range p.NoBinary {
		add("no-binary", name)
	}
	for _, name := range p.OnlyBinary {
		add("only-binary", name)
	}
	if p.Prereleases {
		add("prereleases", "allow")
	}
	for _, set := range c.Conflicts {
		add("conflict", set...)
	}
	for _, t := range c.Targets {
		implementation := t.Implementation
		if implementation == "cpython" {
			implementation = ""
		}
		parts := []string{t.Name, t.Python, t.Platform, implementation}
		if t.ABI != "" {
			parts = append(parts, t.ABI)
		}
		add("target", parts...)
	}
	for _, m := range c.Metadata {
		parts := []string{normalize(m.Name), m.Version, strings.Join(strings.Fields(m.RequiresPython), "")}
		for _, r := range slices.Sorted(slices.Values(m.RequiresDist)) {
			parts = append(parts, canonical(r))
		}
		add("metadata", parts...)
	}
	for i := range c.Builds {
		c.Builds[i].digestLines(add)
	}
	add("versions", c.Versions)
	if c.Versions == "bounded" {
		add("bounded-by", c.BoundedBy)
	}
	add("prefer", c.Prefer)
	if c.ExcludeNewer != "" {
		add("exclude-newer", c.ExcludeNewer)
	}
	for _, kv := range c.Policy.pairs() {
		add("policy", kv[0], kv[1])
	}
	sorted := make([]string, 0, len(lines))
	for l := range lines {
		sorted = append(sorted, l)
	}
	slices.Sort(sorted)
	return "wheellock-requires/v1\n" + strings.Join(sorted, "\n") + "\n"
}

func (x Policy) pairs() [][2]string {
	ceremony := slices.Compact(slices.Sorted(slices.Values(x.Ceremony)))
	pairs := [][2]string{
		{"wheels", x.Wheels}, {"mirror", x.Mirror}, {"build-requirements", x.BuildRequirements}, {"append", x.Append},
		{"builders", fmt.Sprint(x.Builders)}, {"reviews", fmt.Sprint(x.Reviews)}, {"witnesses", fmt.Sprint(x.Witnesses)},
		{"ceremony", strings.Join(ceremony, " ")},
	}
	if x.NormalForm != "" && x.NormalForm != "none" { // younger than the digest's version
		pairs = append(pairs, [2]string{"normal-form", x.NormalForm})
	}
	return pairs
}

// canonical gives one spelling to requirements that differ only in white
// space, order of clauses and extras, spelling of names or kind of quotes. What
// it does not understand it leaves, so that it never makes two meanings one.
func canonical(req string) string {
	req = strings.TrimSpace(req)
	name, extras := nameAndExtras(req)
	if name == "" {
		return req
	}
	rest := strings.TrimSpace(req[len(name):])
	if strings.HasPrefix(rest, "[") {
		_, after, ok := strings.Cut(rest, "]")
		if !ok {
			return req
		}
		rest = strings.TrimSpace(after)
	}
	out := normalize(name)
	if len(extras) > 0 {
		for i, x := range extras {
			extras[i] = normalize(x)
		}
		slices.Sort(extras)
		out += "[" + strings.Join(slices.Compact(extras), ",") + "]"
	}
	if strings.HasPrefix(rest, "@") {
		url, marker, ok := strings.Cut(strings.TrimSpace(rest[1:]), " ;")
		out += " @ " + strings.TrimSpace(url)
		if ok {
			out += " ; " + canonicalMarker(marker)
		}
		return out
	}
	clauses, marker, ok := strings.Cut(rest, ";")
	out += canonicalClauses(clauses)
	if ok {
		out += " ; " + canonicalMarker(marker)
	}
	return out
}

func canonicalClauses(s string) string {
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "(") && strings.HasSuffix(s, ")") {
		s = s[1 : len(s)-1]
	}
	var list []string
	for _, c := range strings.Split(s, ",") {
		if c = strings.Join(strings.Fields(c), ""); c != "" {
			list = append(list, c)
		}
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), ",")
}

// canonicalMarker puts one blank where white space separates words, none
// around operators and brackets, and double quotes where the string allows.
func canonicalMarker(s string) string {
	var b strings.Builder
	word := func(c byte) bool { return isNameByte(c) }
	blank := false
	for i := 0; i < len(s); {
		c := s[i]
		if c == ' ' || c == '\t' {
			blank = true
			i++
			continue
		}
		if c == '"' || c == '\'' {
			end := strings.IndexByte(s[i+1:], c)
			if end < 0 {
				return s // no marker at all; the resolver will say so
			}
			inner := s[i+1 : i+1+end]
			quote := byte('"')
			if strings.Contains(inner, `"`) {
				quote = '\''
			}
			b.WriteByte(quote)
			b.WriteString(inner)
			b.WriteByte(quote)
			i += end + 2
			blank = false
			continue
		}
		if prev := b.String(); blank && prev != "" && word(c) && word(prev[len(prev)-1]) {
			b.WriteByte(' ')
		}
		b.WriteByte(c)
		blank = false
		i++
	}
	return b.String()
}
