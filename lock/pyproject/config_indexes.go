package pyproject

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

var indexKeys = []string{"name", "url", "packages", "private", "hosts", "default"}

// index makes room for the nth index and gives it.
func (c *configReader) index(nth, line int) *Index {
	for len(c.c.Indexes) <= nth {
		c.c.Indexes = append(c.c.Indexes, Index{Line: line})
	}
	return &c.c.Indexes[nth]
}

func (c *configReader) indexKey(nth int, key string, v any, line int) {
	x := c.index(nth, line)
	switch key {
	case "name":
		c.text(&x.Name, key, v, line)
	case "url":
		c.text(&x.URL, key, v, line)
		if why := badAddress(x.URL); c.err == nil && why != "" {
			c.fail(line, "write url = \"https://host/simple/\" or a folder", "the address of an index %s", why)
		}
	case "packages":
		x.Packages = []string{}
		c.list(&x.Packages, key, v, line)
		if c.err == nil && len(x.Packages) == 0 {
			c.fail(line, "name the packages, or leave the key out", "packages is empty, so nothing would be asked of this index")
		}
		c.patterns(key, x.Packages, line)
	case "private":
		c.flag(&x.Private, key, v, line)
	case "hosts":
		c.list(&x.Hosts, key, v, line)
		for _, h := range x.Hosts {
			if u, err := url.Parse("https://" + h); c.err == nil && (err != nil || u.Host != h || h == "") {
				c.fail(line, "write hosts such as \"files.example\", with the port where it is not 443", "hosts has %q, which is no host", h)
			}
		}
	case "default":
		c.flag(&x.Default, key, v, line)
	default:
		c.unknown(key, indexKeys, line)
	}
}

// badAddress says what is wrong with an address in the configuration. One with
// a password would be in every clone of the repository.
func badAddress(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return "cannot be read" // the error would repeat it, with what it may hold
	case u.User != nil:
		return "holds a user name or a password: put them into ~/.netrc, the keyring or the environment"
	}
	return ""
}

func (c *configReader) patterns(key string, list []string, line int) {
	for _, p := range list {
		if c.err == nil && !namePattern(p) {
			c.fail(line, "write names such as \"ourlib\" or \"ourcorp-*\"", "%s has %q, which is no name of a package nor a pattern with *", key, p)
		}
	}
}

// namePattern reports whether s is a package's name, or one with stars.
func namePattern(s string) bool {
	name := strings.ReplaceAll(s, "*", "x")
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == ""
}

// finishIndexes tests what only all indexes together can tell.
func (c *configReader) finishIndexes() {
	seen := map[string]bool{}
	def := ""
	for _, x := range c.c.Indexes {
		switch {
		case x.Name == "" || x.URL == "":
			c.fail(x.Line, "write name = \"corp\" and url = \"https://...\" below it", "an [[indexes]] table lacks name or url")
		case len(x.Hosts) > 0 && !x.Private:
			c.fail(x.Line, "write private = true, or take hosts out", "index %q has hosts, which only limit where files of a private one may lie", x.Name)
		case seen[x.Name]:
			c.fail(x.Line, "give one of them another name", "index %q stands twice", x.Name)
		case x.Default && def != "":
			c.fail(x.Line, "take default = true out of one of them", "both %q and %q are the default index", def, x.Name)
		case x.Default && c.c.IndexURL != "":
			c.fail(x.Line, "take index-url or default = true out", "index %q is the default, and index-url names another one", x.Name)
		case x.Default && len(x.Packages) > 0:
			c.fail(x.Line, "take packages or default = true out", "index %q is the default, so it cannot answer for some packages only", x.Name)
		}
		seen[x.Name] = true
		if x.Default {
			def = x.Name
		}
	}
}

// conflicts reads lists of groups that cannot be installed together.
func (c *configReader) conflicts(v any, line int) {
	array, ok := v.([]any)
	hint := "write conflicts = [[\"gpu\", \"cpu\"]]"
	if !ok {
		c.fail(line, hint, "conflicts is not a list of lists of groups")
		return
	}
	for _, x := range array {
		if _, ok := x.([]any); !ok {
			c.fail(line, hint, "conflicts has a member that is not a list of groups")
			return
		}
		var set []string
		c.list(&set, "conflicts", x, line)
		for i, g := range set {
			set[i] = normalize(g)
		}
		// The order stays: the first groups are what the rest is made to resemble.
		if sorted := slices.Sorted(slices.Values(set)); c.err == nil && (len(set) < 2 || len(slices.Compact(sorted)) < len(set)) {
			c.fail(line, hint, "conflicts has %v, expected at least two different groups", x)
		}
		c.c.Conflicts = append(c.c.Conflicts, set)
	}
}

func (c *configReader) flag(dst *bool, key string, v any, line int) {
	b, ok := v.(bool)
	if !ok {
		c.fail(line, "write "+key+" = true, or leave the key out", "%s is %v, expected true or false", key, show(v))
		return
	}
	*dst = b
}

// names reads a list of packages for no-binary and only-binary.
func (c *configReader) names(dst *[]string, key string, v any, line int) {
	*dst = nil
	c.list(dst, key, v, line)
	for i, n := range *dst {
		switch {
		case n == All || n == None:
		case normalize(n) == "" || nameOf(n) != normalize(n):
			c.fail(line, "write names, or \":all:\"", "%s has %q, which is no name of a package", key, n)
		default:
			(*dst)[i] = normalize(n)
		}
	}
}

// checkConflicts tests that every group of a conflict is there.
func (p *Project) checkConflicts() error {
	groups := p.Groups()
	for _, set := range p.Config.Conflicts {
		for _, g := range set {
			if slices.Contains(groups, g) {
				continue
			}
			hint := "the groups are " + strings.Join(groups, ", ")
			if len(groups) == 0 {
				hint = "write the groups into [dependency-groups] or [project.optional-dependencies]"
			}
			if n := near(g, groups); len(n) > 0 {
				hint = "did you mean " + n[0] + "?"
			}
			return &Error{p.Config.File, p.lineOf("conflicts"), fmt.Sprintf("conflicts names %q, and there is no such group", g), hint}
		}
	}
	return nil
}
