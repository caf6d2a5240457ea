package build

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A source is one line of apt's configuration (sources.list(5)): an address and a
// suite that this machine takes packages from.
type source struct {
	uri, suite string
	components []string
	signedBy   string // path of a keyring; "" where apt chooses
}

// families are the distributions whose releases can be made into trees, oldest first.
// One family's packages come from the same addresses.
var families = [][]string{
	{"buster", "bullseye", "bookworm", "trixie", "testing", "unstable"},
	{"xenial", "bionic", "focal", "jammy", "noble", "resolute"},
}

// rolling are suites that are no release: they have no suites beside them.
var rolling = []string{"testing", "unstable"}

// codename is "bookworm" of "bookworm-updates".
func codename(suite string) string {
	name, _, _ := strings.Cut(suite, "-")
	name, _, _ = strings.Cut(name, "/")
	return name
}

// familyOf returns the releases of a codename's distribution, nil if it is not known.
func familyOf(name string) []string {
	for _, f := range families {
		if slices.Contains(f, name) {
			return f
		}
	}
	return nil
}

// aptSources reads the configuration in dir (/etc/apt): sources.list and both kinds
// of files in sources.list.d. What is not of a known distribution is left out.
func aptSources(dir string) []source {
	var out []source
	lists, _ := filepath.Glob(filepath.Join(dir, "sources.list.d", "*.list"))
	for _, f := range append([]string{filepath.Join(dir, "sources.list")}, lists...) {
		b, _ := os.ReadFile(f)
		for _, line := range strings.Split(string(b), "\n") {
			if s, ok := oneLine(line); ok {
				out = append(out, s)
			}
		}
	}
	files, _ := filepath.Glob(filepath.Join(dir, "sources.list.d", "*.sources"))
	for _, f := range files {
		b, _ := os.ReadFile(f)
		for _, stanza := range strings.Split(strings.ReplaceAll(string(b), "\r", ""), "\n\n") {
			out = append(out, paragraph(stanza)...)
		}
	}
	return slices.DeleteFunc(out, func(s source) bool { return familyOf(codename(s.suite)) == nil })
}

// oneLine reads "deb [options] URI SUITE COMPONENT...".
func oneLine(line string) (source, bool) {
	var s source
	line, _, _ = strings.Cut(line, "#")
	rest, ok := strings.CutPrefix(strings.TrimSpace(line), "deb ")
	if rest = strings.TrimSpace(rest); !ok || rest == "" {
		return s, false
	}
	if rest[0] == '[' {
		options, after, _ := strings.Cut(rest[1:], "]")
		for _, o := range strings.Fields(options) {
			if path, ok := strings.CutPrefix(o, "signed-by="); ok {
				s.signedBy = path
			}
		}
		rest = after
	}
	f := strings.Fields(rest)
	if len(f) < 3 {
		return s, false
	}
	s.uri, s.suite, s.components = f[0], f[1], f[2:]
	return s, true
}

// paragraph reads a stanza of a .sources file.
func paragraph(text string) []source {
	field, last := map[string]string{}, ""
	for _, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "":
		case line[0] == ' ' || line[0] == '\t':
			field[last] += " " + strings.TrimSpace(line)
		default:
			k, v, _ := strings.Cut(line, ":")
			last = strings.ToLower(k)
			field[last] = strings.TrimSpace(v)
		}
	}
	if !slices.Contains(strings.Fields(field["types"]), "deb") || strings.EqualFold(field["enabled"], "no") {
		return nil
	}
	keyring := field["signed-by"]
	if !filepath.IsAbs(keyring) || strings.Contains(keyring, " ") {
		keyring = "" // a key written into the file; apt's own keyrings have the distribution's
	}
	var out []source
	for _, uri := range strings.Fields(field["uris"]) {
		for _, suite := range strings.Fields(field["suites"]) {
			out = append(out, source{uri, suite, strings.Fields(field["components"]), keyring})
		}
	}
	return out
}

// line is the source in apt's words.
func (s source) line() string {
	options := ""
	if s.signedBy != "" {
		options = "[signed-by=" + s.signedBy + "] "
	}
	return "deb " + options + s.uri + " " + s.suite + " " + strings.Join(s.components, " ")
}

// sourcesFor says where the suites of another release come from: the addresses that
// this machine has its own from. Without suites they are those that it uses itself
// (bookworm, bookworm-updates and bookworm-security for trixie: the same of trixie). It
// returns nil where this machine is of another distribution.
func sourcesFor(here []source, release string, suites []string) []source {
	family := familyOf(release)
	var out []source
	for _, s := range here {
		own := codename(s.suite)
		suffix := strings.TrimPrefix(s.suite, own)
		if !slices.Contains(family, own) || strings.Contains(suffix, "backports") && suites == nil {
			continue
		}
		if suites == nil && (suffix == "" || !slices.Contains(rolling, release)) {
			s.suite = release + suffix
			out = append(out, s)
		}
	}
	for _, want := range suites {
		suffix := strings.TrimPrefix(want, codename(want))
		best := -1
		for i, s := range here {
			own := codename(s.suite)
			mine := strings.TrimPrefix(s.suite, own)
			// Security updates have an address of their own; all else is where the release is.
			if slices.Contains(family, own) && (mine == suffix || mine == "" && best < 0) {
				best = i
			}
		}
		if best < 0 {
			return nil
		}
		s := here[best]
		s.suite = want
		out = append(out, s)
	}
	return out
}
