package pyproject

import (
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Defaults of the policy and the choices, which are the preset "reproducible".
func defaults() Config {
	return Config{
		Versions: "newest", BoundedBy: "180 days", Prefer: "newest", Backend: "auto",
		Policy: Policy{Wheels: "build-unless-reproducible", Mirror: "unreproducible", BuildRequirements: "upstream",
			Append: "now", Builders: 1, Ceremony: []string{"root"}},
	}
}

// readConfig finds and reads the configuration.
func (l *loader) readConfig() error {
	l.Config = defaults()
	d, prefix, err := l.configDocument()
	if err != nil || d == nil {
		return err
	}
	l.config, l.prefix = d, prefix
	l.Config.File = d.file
	c := &configReader{d: d, c: &l.Config}
	c.read(prefix)
	if c.err == nil {
		c.finish()
	}
	if c.err != nil {
		return c.err
	}
	return nil
}

// configDocument gives the file with the configuration and the prefix of its
// keys.
func (l *loader) configDocument() (*document, []string, error) {
	tool := []string{"tool", "wheellock"}
	if l.configFile != "" {
		name := filepath.ToSlash(l.configFile)
		d, err := l.toml(name)
		if err != nil {
			return nil, nil, err
		}
		if d == nil {
			return nil, nil, &Error{name, 0, "there is no such configuration file", "write it, or leave --config out"}
		}
		if path.Base(name) == pyprojectFile {
			return d, tool, nil
		}
		return d, nil, nil
	}
	py, err := l.toml(pyprojectFile)
	if err != nil {
		return nil, nil, err
	}
	own, err := l.toml(configFileName)
	if err != nil {
		return nil, nil, err
	}
	inPy := py != nil && py.get(tool...) != nil
	switch {
	case inPy && own != nil:
		return nil, nil, &Error{pyprojectFile, py.lineOf(tool...), "there is a configuration here and in " + configFileName,
			"keep [tool.wheellock] and move what " + configFileName + " adds into it, or delete [tool.wheellock]: only one is read"}
	case own != nil:
		return own, nil, nil
	case inPy:
		return py, tool, nil
	}
	return nil, nil, nil
}

// lineOf gives the line of a key of the configuration, 0: it is not there.
func (p *Project) lineOf(key string) int {
	if p.config == nil {
		return 0
	}
	return p.config.lineOf(append(slices.Clone(p.prefix), key)...)
}

// configReader fills a Config, key by key, and stops at the first mistake.
type configReader struct {
	d   *document
	c   *Config
	err error
}

var (
	configKeys = []string{"wheelhouse", "root", "root-threshold", "release-keys", "log", "versions", "bounded-by", "prefer", "exclude-newer", "private", "index-url", "find-links", "sources", "requirements",
		"constraints", "overrides", "no-binary", "only-binary", "conflicts", "advisories", "policy", "targets", "indexes", "metadata", "build", "backend", "trees"}
	policyKeys   = []string{"wheels", "mirror", "build-requirements", "append", "normal-form", "builders", "reviews", "witnesses", "ceremony"}
	targetKeys   = []string{"name", "python", "platform", "implementation", "abi"}
	metadataKeys = []string{"name", "version", "requires", "requires-python"}
)

// read visits every table and then every key below the prefix, in the order of
// the file.
func (c *configReader) read(prefix []string) {
	for _, t := range c.d.tables[1:] {
		if len(t.path) == len(prefix)+1 && equal(t.path[:len(prefix)], prefix) {
			c.emptyTable(t.path[len(prefix)], t.nth, lineOf(c.d.src, t.start))
		}
	}
	for _, l := range c.d.leaves {
		if len(l.path) < len(prefix) || !equal(l.path[:len(prefix)], prefix) {
			continue
		}
		rest := l.path[len(prefix):]
		raw := c.d.src[l.from:l.to]
		if len(rest) == 0 { // wheellock = { ... } under [tool]
			c.visit(nil, 0, decode(raw), raw, l.line)
			continue
		}
		c.visit(rest, c.d.tables[l.table].nth, decode(raw), raw, l.line)
	}
}

// emptyTable takes note of a header, since a table without keys has no leaf to
// tell of it.
func (c *configReader) emptyTable(name string, nth, line int) {
	switch name {
	case "targets":
		c.target(nth)
	case "metadata":
		c.override(nth)
	case "build":
		c.build(nth)
	case "indexes":
		c.index(nth, line)
	case "policy", "trees":
	default:
		c.unknown(name, configKeys, line)
	}
}

func (c *configReader) visit(path []string, nth int, v any, raw []byte, line int) {
	if c.err != nil {
		return
	}
	if m, ok := v.(map[string]any); ok { // an inline table
		for _, k := range slices.Sorted(maps.Keys(m)) {
			c.visit(append(slices.Clone(path), k), nth, m[k], nil, line)
		}
		return
	}
	switch {
	case len(path) == 0:
		c.fail(line, "write [tool.wheellock]", "wheellock is not a table")
	case path[0] == "policy" && len(path) == 2:
		c.policy(path[1], v, line)
	case path[0] == "targets" && len(path) == 2:
		c.targetKey(nth, path[1], v, line)
	case path[0] == "metadata" && len(path) == 2:
		c.metadataKey(nth, path[1], v, line)
	case path[0] == "build" && len(path) > 1:
		c.buildKey(nth, path[1:], v, line)
	case path[0] == "trees" && len(path) == 3:
		c.treeKey(path[1], path[2], v, line)
	case path[0] == "trees":
		c.fail(line, `write [trees.bullseye] and suites = ["bullseye", "bullseye-backports"] below it`, "%s is not a table", strings.Join(path, "."))
	case path[0] == "indexes" && len(path) == 2:
		c.indexKey(nth, path[1], v, line)
	case (path[0] == "targets" || path[0] == "metadata" || path[0] == "build" || path[0] == "indexes") && len(path) == 1:
		c.inlineTables(path[0], v, line)
	case len(path) == 1 && path[0] == "policy":
		c.fail(line, "write [policy] and its keys below it", "policy is not a table")
	case len(path) == 1:
		c.top(path[0], v, raw, line)
	default:
		c.unknown(strings.Join(path, "."), configKeys, line)
	}
}

// inlineTables reads targets = [{ name = "..." }, ...].
func (c *configReader) inlineTables(key string, v any, line int) {
	list, ok := v.([]any)
	if !ok {
		c.fail(line, "write [["+key+"]] and its keys below it", "%s is not a list of tables", key)
		return
	}
	for i, x := range list {
		m, ok := x.(map[string]any)
		if !ok {
			c.fail(line, "write [["+key+"]] and its keys below it", "%s has a member that is not a table", key)
			return
		}
		c.emptyTable(key, i, line)
		c.visit([]string{key}, i, m, nil, line)
	}
}

func (c *configReader) fail(line int, hint, format string, args ...any) {
	if c.err == nil {
		c.err = &Error{c.d.file, line, fmt.Sprintf(format, args...), hint}
	}
}

func (c *configReader) unknown(key string, known []string, line int) {
	hint := "the keys are " + strings.Join(known, ", ")
	if n := near(key, known); len(n) > 0 {
		c.fail(line, "write "+n[0], "unknown key %q; did you mean %q?", key, n[0])
		return
	}
	c.fail(line, hint, "unknown key %q", key)
}

func (c *configReader) top(key string, v any, raw []byte, line int) {
	x := c.c
	switch key {
	case "wheelhouse":
		c.text(&x.Wheelhouse, key, v, line)
		if c.err == nil && strings.ContainsFunc(x.Wheelhouse, unicode.IsControl) {
			c.fail(line, `write wheelhouse = "wheelhouse"`, "wheelhouse is %q, with a control character; expected a folder or an address", x.Wheelhouse)
		}
	case "root":
		c.fingerprints(&x.Root, key, v, line)
	case "release-keys":
		c.fingerprints(&x.ReleaseKeys, key, v, line)
	case "root-threshold":
		c.count(&x.RootThreshold, key, v, line)
	case "log":
		c.text(&x.Log, key, v, line)
		if c.err == nil && !isVerifierKey(x.Log) {
			c.fail(line, "copy the line that `wheellock keys show` prints", "log is %q, expected a verifier key NAME+HASH+KEY", x.Log)
		}
	case "versions":
		c.choice(&x.Versions, key, v, line, "newest", "bounded", "fewest")
	case "bounded-by":
		c.text(&x.BoundedBy, key, v, line)
		if _, ok := parseDuration(x.BoundedBy); c.err == nil && !ok {
			c.fail(line, "write for example \"180 days\"", "bounded-by is %q, expected a number and hours, days or weeks", x.BoundedBy)
		}
	case "prefer":
		c.choice(&x.Prefer, key, v, line, "newest", "least-work", "lowest")
	case "exclude-newer":
		c.excludeNewer(v, raw, line)
	case "private":
		c.list(&x.Private, key, v, line)
		c.patterns(key, x.Private, line)
	case "index-url":
		c.text(&x.IndexURL, key, v, line)
	case "find-links":
		c.list(&x.FindLinks, key, v, line)
	case "sources":
		c.sourceFiles(v, line)
	case "requirements":
		c.list(&x.Requirements, key, v, line)
	case "constraints":
		c.list(&x.Constraints, key, v, line)
	case "overrides":
		c.list(&x.Overrides, key, v, line)
	case "no-binary":
		c.names(&x.NoBinary, key, v, line)
	case "only-binary":
		c.names(&x.OnlyBinary, key, v, line)
	case "conflicts":
		c.conflicts(v, line)
	case "advisories":
		c.list(&x.Advisories, key, v, line)
	case "backend":
		c.choice(&x.Backend, key, v, line, "auto", "host", "chroot", "podman")
	default:
		c.unknown(key, configKeys, line)
	}
}

func (c *configReader) policy(key string, v any, line int) {
	x := &c.c.Policy
	switch key {
	case "wheels":
		c.choice(&x.Wheels, key, v, line, "build", "build-unless-reproducible", "upstream")
	case "mirror":
		c.choice(&x.Mirror, key, v, line, "all", "unreproducible", "none")
	case "build-requirements":
		c.choice(&x.BuildRequirements, key, v, line, "upstream", "build")
	case "append":
		c.choice(&x.Append, key, v, line, "now", "pending")
	case "normal-form":
		c.choice(&x.NormalForm, key, v, line, "none", "1")
	case "builders":
		c.count(&x.Builders, key, v, line)
	case "reviews":
		c.count(&x.Reviews, key, v, line)
	case "witnesses":
		c.count(&x.Witnesses, key, v, line)
	case "ceremony":
		x.Ceremony = nil
		c.list(&x.Ceremony, key, v, line)
		for _, w := range x.Ceremony {
			c.choice(new(string), key, w, line, "root", "new-package", "every-publication")
		}
	default:
		c.unknown(key, policyKeys, line)
	}
}

// target makes room for the nth target and gives it.
func (c *configReader) target(nth int) *Target {
	for len(c.c.Targets) <= nth {
		c.c.Targets = append(c.c.Targets, Target{})
	}
	return &c.c.Targets[nth]
}

func (c *configReader) targetKey(nth int, key string, v any, line int) {
	t := c.target(nth)
	switch key {
	case "name":
		c.text(&t.Name, key, v, line)
	case "python":
		c.text(&t.Python, key, v, line)
	case "platform":
		c.text(&t.Platform, key, v, line)
	case "implementation":
		c.text(&t.Implementation, key, v, line)
	case "abi":
		c.text(&t.ABI, key, v, line)
	default:
		c.unknown(key, targetKeys, line)
	}
}

func (c *configReader) override(nth int) *Metadata {
	for len(c.c.Metadata) <= nth {
		c.c.Metadata = append(c.c.Metadata, Metadata{})
	}
	return &c.c.Metadata[nth]
}

func (c *configReader) metadataKey(nth int, key string, v any, line int) {
	m := c.override(nth)
	switch key {
	case "name":
		c.text(&m.Name, key, v, line)
	case "version":
		c.text(&m.Version, key, v, line)
	case "requires-python":
		c.text(&m.RequiresPython, key, v, line)
	case "requires":
		m.RequiresDist = []string{}
		c.list(&m.RequiresDist, key, v, line)
	default:
		c.unknown(key, metadataKeys, line)
	}
}

// finish tests what only the whole can tell.
func (c *configReader) finish() {
	c.finishIndexes()
	c.finishBuilds()
	seen := map[string]bool{}
	for _, t := range c.c.Targets {
		switch {
		case t.Name == "":
			c.fail(c.lineOfTable("targets"), "write name = \"bookworm\" below it", "a target has no name")
		case seen[t.Name]:
			c.fail(c.lineOfTable("targets"), "take one of them out", "target %q stands twice", t.Name)
		}
		seen[t.Name] = true
	}
	for _, m := range c.c.Metadata {
		if m.Name == "" || m.RequiresDist == nil {
			c.fail(c.lineOfTable("metadata"), "write name and requires below it, and version where it is for one only", "a [[metadata]] table lacks name or requires")
		}
	}
}

func (c *configReader) lineOfTable(name string) int {
	for _, t := range c.d.tables {
		if len(t.path) > 0 && t.path[len(t.path)-1] == name {
			return lineOf(c.d.src, t.start)
		}
	}
	return 0
}

func (c *configReader) text(dst *string, key string, v any, line int) {
	s, ok := v.(string)
	if !ok || s == "" {
		c.fail(line, "write "+key+" = \"...\", or leave the key out", "%s is not a string with content", key)
		return
	}
	*dst = s
}

func (c *configReader) choice(dst *string, key string, v any, line int, words ...string) {
	s, ok := v.(string)
	if !ok || !slices.Contains(words, s) {
		hint := "write one of " + strings.Join(words, ", ")
		if n := near(s, words); len(n) > 0 {
			hint = "did you mean " + n[0] + "?"
		}
		c.fail(line, hint, "%s is %v, expected %s", key, show(v), strings.Join(words, ", "))
		return
	}
	*dst = s
}

func show(v any) string {
	if s, ok := v.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprint(v)
}

func (c *configReader) count(dst *int, key string, v any, line int) {
	n, ok := v.(int64)
	if !ok || n < 0 || n > 100 {
		c.fail(line, "write "+key+" = 1", "%s is %v, expected a number from 0 to 100", key, show(v))
		return
	}
	*dst = int(n)
}

func (c *configReader) list(dst *[]string, key string, v any, line int) {
	array, ok := v.([]any)
	if !ok {
		c.fail(line, "write "+key+" = [\"...\"]", "%s is not a list of strings", key)
		return
	}
	for _, x := range array {
		s, ok := x.(string)
		if !ok || s == "" {
			c.fail(line, "write each member in quotes", "%s has a member that is not a string with content", key)
			return
		}
		*dst = append(*dst, s)
	}
}

func (c *configReader) fingerprints(into *[]string, key string, v any, line int) {
	var list []string
	c.list(&list, key, v, line)
	for _, f := range list {
		f = strings.ToUpper(strings.ReplaceAll(f, " ", ""))
		if (len(f) != 40 && len(f) != 64) || strings.Trim(f, "0123456789ABCDEF") != "" {
			c.fail(line, "copy the fingerprint that `gpg --fingerprint` prints", "%s has %q, expected an OpenPGP fingerprint of 40 or 64 hexadecimal digits", key, f)
			return
		}
		if slices.Contains(*into, f) {
			c.fail(line, "take one of them out", "%s names %s twice", key, f)
			return
		}
		*into = append(*into, f)
	}
}

func (c *configReader) excludeNewer(v any, raw []byte, line int) {
	s := string(raw)
	switch x := v.(type) {
	case string:
		s = x
	case time.Time:
		if raw == nil { // from an inline table
			s = x.Format(time.RFC3339)
		}
	}
	if _, err := parseCutoff(s); err != nil {
		c.fail(line, "write an instant such as 2026-11-15T00:00:00Z, or a cooldown such as \"7 days\"", "exclude-newer is %s, expected an instant with its offset, a date, or a cooldown", show(s))
		return
	}
	c.c.ExcludeNewer = s
}
