package lock

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
)

// Format gives the canonical bytes of l, whatever the order of its lists. It
// does not judge the content: call Check for that.
func (l *Lock) Format() []byte { return l.format(1024 + 1500*len(l.Packages) + 700*len(l.Recipes)) }

// format writes into a buffer of the size that the text is likely to have.
func (l *Lock) format(size int) []byte {
	c := l.clone()
	c.Sort()
	w := writer{b: make([]byte, 0, size)}
	w.lock(c)
	return w.b
}

// JSON gives the lock as JSON with the keys of the TOML, as the schema
// "wheels.lock" describes it.
func (l *Lock) JSON() []byte {
	// By way of the TOML, so that the two cannot drift apart.
	var v map[string]any
	if err := toml.Unmarshal(l.Format(), &v); err != nil {
		panic("lock: the writer made TOML that cannot be read: " + err.Error())
	}
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic("lock: " + err.Error())
	}
	return append(b, '\n')
}

// ComputeDigest gives "sha256:HEX" of the recipe's canonical block without its
// digest and expect-tags: the lines from [[recipes]] on, each with its line
// feed. The expected tags stay out because they are learnt by building and do
// not change the bytes.
func (r *Recipe) ComputeDigest() string {
	sum := sha256.Sum256(r.Text())
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Text is the canonical block that the digest is of: without digest and expect-tags.
func (r *Recipe) Text() []byte {
	c := *r
	c.sort()
	c.Digest, c.ExpectTags = "", nil
	w := writer{b: make([]byte, 0, 1024)}
	w.recipe(&c)
	return w.b
}

// writer appends canonical TOML. Every method writes whole lines.
type writer struct{ b []byte }

func (w *writer) lock(l *Lock) {
	w.str("lock-version", l.Version)
	w.str("created-by", l.CreatedBy)
	w.str("requires-digest", l.RequiresDigest)
	if l.ExcludeNewer != nil {
		w.b = append(w.b, "exclude-newer = "...)
		w.b = l.ExcludeNewer.AppendFormat(w.b, timeFormat)
		w.b = append(w.b, '\n')
	}
	w.sets("conflicts", l.Conflicts)
	for i := range l.Targets {
		w.b = append(w.b, '\n')
		w.target(&l.Targets[i])
	}
	for i := range l.Packages {
		w.b = append(w.b, '\n')
		w.pkg(&l.Packages[i])
	}
	for i := range l.Recipes {
		w.b = append(w.b, '\n')
		w.recipe(&l.Recipes[i])
	}
}

// timeFormat is RFC 3339 in UTC to the second, one of TOML's date-times.
const timeFormat = "2006-01-02T15:04:05Z"

func (w *writer) target(t *Target) {
	w.line("[[targets]]")
	w.str("name", t.Name)
	w.str("python", t.Python)
	w.str("platform", t.Platform)
	w.str("implementation", t.Implementation)
	w.str("abi", t.ABI)
}

func (w *writer) pkg(p *Package) {
	w.line("[[packages]]")
	w.str("name", p.Name)
	w.str("version", p.Version)
	w.str("group", p.Group)
	w.list("groups", p.Groups)
	w.str("requires-python", p.RequiresPython)
	w.list("only-with", p.OnlyWith)
	w.list("not-with", p.NotWith)
	w.list("targets", p.Targets)
	w.key("dependencies")
	w.strings(p.Dependencies)
	w.b = append(w.b, '\n')
	w.lists("target-dependencies", p.TargetDependencies)
	w.lists("target-only-with", p.TargetOnlyWith)
	w.lists("target-not-with", p.TargetNotWith)
	for _, a := range p.Archives {
		w.line("[[packages.archive]]")
		w.str("name", a.Name)
		w.str("url", a.URL)
	}
	if v := p.VCS; v != nil {
		w.line("[packages.vcs]")
		w.str("type", v.Type)
		w.str("url", v.URL)
		w.str("commit-id", v.CommitID)
		w.str("subdirectory", v.Subdirectory)
	}
	if p.Sdist != nil {
		w.line("[packages.sdist]")
		w.str("name", p.Sdist.Name)
		w.num("size", p.Sdist.Size)
		w.hashes(p.Sdist.SHA256, "")
	}
	for i := range p.Wheels {
		w.wheel(&p.Wheels[i])
	}
	for i := range p.Upstream {
		w.upstream(&p.Upstream[i])
	}
}

func (w *writer) wheel(x *Wheel) {
	w.line("[[packages.wheels]]")
	w.str("name", x.Name)
	w.str("origin", x.Origin)
	w.list("targets", x.Targets)
	w.str("recipe", x.Recipe)
	w.num("size", x.Size)
	w.hashes(x.SHA256, x.Content)
}

func (w *writer) upstream(u *Upstream) {
	w.line("[[packages.upstream]]")
	w.str("name", u.Name)
	w.list("targets", u.Targets)
	w.num("size", u.Size)
	w.hashes(u.SHA256, u.Content)
	w.str("verdict", u.Verdict)
	w.list("causes", u.Causes)
}

func (w *writer) recipe(r *Recipe) {
	w.line("[[recipes]]")
	w.str("digest", r.Digest)
	w.str("sdist", r.Sdist)
	w.str("backend", r.Backend)
	w.list("backend-path", r.BackendPath)
	w.buildRequires(r.BuildRequires)
	w.str("python", r.Python)
	if r.Epoch != nil {
		w.line(fmt.Sprintf("epoch = { value = %d, from = %s }", r.Epoch.Value, quote(r.Epoch.From)))
	}
	w.str("umask", r.Umask)
	w.str("build-path", r.BuildPath)
	w.table("env", r.Env)
	w.lists("config-settings", r.Config)
	w.list("toolchain", r.Toolchain)
	w.str("vendored", r.Vendored)
	w.str("container", r.Container)
	w.list("expect-tags", r.ExpectTags)
	w.str("normal-form", r.NormalForm)
}

func (w *writer) buildRequires(list []BuildRequire) {
	w.key("build-requires")
	w.b = append(w.b, '[')
	for i, r := range list {
		if i > 0 {
			w.b = append(w.b, ", "...)
		}
		w.b = append(w.b, "{ name = "...)
		w.b = appendQuoted(w.b, r.Name)
		w.b = append(w.b, ", version = "...)
		w.b = appendQuoted(w.b, r.Version)
		w.b = append(w.b, ", sha256 = "...)
		w.b = appendQuoted(w.b, r.SHA256)
		w.b = append(w.b, " }"...)
	}
	w.b = append(w.b, "]\n"...)
}

func (w *writer) line(s string) { w.b = append(append(w.b, s...), '\n') }

func (w *writer) key(k string) { w.b = append(append(w.b, k...), " = "...) }

func (w *writer) str(k, v string) {
	if v == "" {
		return
	}
	w.key(k)
	w.b = append(appendQuoted(w.b, v), '\n')
}

func (w *writer) num(k string, v int64) {
	if v == 0 {
		return
	}
	w.key(k)
	w.b = append(strconv.AppendInt(w.b, v, 10), '\n')
}

func (w *writer) list(k string, v []string) {
	if len(v) == 0 {
		return
	}
	w.key(k)
	w.strings(v)
	w.b = append(w.b, '\n')
}

func (w *writer) sets(k string, v [][]string) {
	if len(v) == 0 {
		return
	}
	w.key(k)
	w.b = append(w.b, '[')
	for i, s := range v {
		if i > 0 {
			w.b = append(w.b, ", "...)
		}
		w.strings(s)
	}
	w.b = append(w.b, "]\n"...)
}

func (w *writer) strings(v []string) {
	w.b = append(w.b, '[')
	for i, s := range v {
		if i > 0 {
			w.b = append(w.b, ", "...)
		}
		w.b = appendQuoted(w.b, s)
	}
	w.b = append(w.b, ']')
}

func (w *writer) hashes(sha256, content string) {
	if sha256 == "" && content == "" {
		return
	}
	w.key("hashes")
	sep := "{ "
	for _, h := range [2][2]string{{"sha256", sha256}, {"content", content}} {
		if h[1] == "" {
			continue
		}
		w.b = append(append(w.b, sep...), h[0]...)
		w.b = append(w.b, " = "...)
		w.b = appendQuoted(w.b, h[1])
		sep = ", "
	}
	w.b = append(w.b, " }\n"...)
}

func (w *writer) table(k string, m map[string]string) {
	if len(m) == 0 {
		return
	}
	w.inline(k, slices.Sorted(maps.Keys(m)), func(name string) { w.b = appendQuoted(w.b, m[name]) })
}

func (w *writer) lists(k string, m map[string][]string) {
	if len(m) == 0 {
		return
	}
	w.inline(k, slices.Sorted(maps.Keys(m)), func(name string) { w.strings(m[name]) })
}

func (w *writer) inline(k string, names []string, value func(string)) {
	w.key(k)
	w.b = append(w.b, "{ "...)
	for i, name := range names {
		if i > 0 {
			w.b = append(w.b, ", "...)
		}
		if bareKey(name) {
			w.b = append(w.b, name...)
		} else {
			w.b = appendQuoted(w.b, name)
		}
		w.b = append(w.b, " = "...)
		value(name)
	}
	w.b = append(w.b, " }\n"...)
}

// bareKey reports whether TOML lets a key stand without quotes; then it must.
func bareKey(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return s != ""
}

func quote(s string) string { return string(appendQuoted(nil, s)) }

// appendQuoted writes a TOML basic string of printable ASCII. Invalid UTF-8
// becomes the replacement character: TOML has no way to say it.
func appendQuoted(b []byte, s string) []byte {
	const digits = "0123456789ABCDEF"
	b = append(b, '"')
	if plain(s) {
		return append(append(b, s...), '"')
	}
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
			i++
		case c >= 0x20 && c <= 0x7e:
			b = append(b, c)
			i++
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			i += n
			width, letter := 4, byte('u')
			if r > 0xffff {
				width, letter = 8, 'U'
			}
			b = append(b, '\\', letter)
			for shift := 4 * (width - 1); shift >= 0; shift -= 4 {
				b = append(b, digits[r>>shift&15])
			}
		}
	}
	return append(b, '"')
}

// plain reports whether s needs no escape.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
