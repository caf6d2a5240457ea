package pyproject

import (
	"regexp"
	"slices"
	"strings"
)

var treeKeys = []string{"suites", "packages", "image"}

// Words that go to apt and podman: nothing that either could take for an option or for
// two words.
var (
	suiteWord   = regexp.MustCompile(`^[a-z0-9][a-z0-9.+-]*(/updates)?$`)
	packageWord = regexp.MustCompile(`^[a-z0-9][a-z0-9.+-]*(:[a-z0-9]+)?(/[a-z0-9][a-z0-9.+-]*)?$`)
	imageWord   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/@-]*$`)
)

// treeKey reads one key of [trees.NAME].
func (c *configReader) treeKey(name, key string, v any, line int) {
	if !suiteWord.MatchString(name) {
		c.fail(line, "write [trees.bullseye], the name of a target", "trees.%s is no name of a target", name)
		return
	}
	i := slices.IndexFunc(c.c.Trees, func(t Tree) bool { return t.Name == name })
	if i < 0 {
		i = len(c.c.Trees)
		c.c.Trees = append(c.c.Trees, Tree{Name: name})
	}
	x := &c.c.Trees[i]
	switch key {
	case "suites":
		c.words(&x.Suites, key, suiteWord, `suites = ["bullseye", "bullseye-backports"]`, v, line)
	case "packages":
		c.words(&x.Packages, key, packageWord, `packages = ["libpq-dev"]`, v, line)
	case "image":
		c.text(&x.Image, key, v, line)
		if c.err == nil && !imageWord.MatchString(x.Image) {
			c.fail(line, `write image = "builders/focal:1", as podman image list has it`, "image is %q, which is no name of an image", x.Image)
		}
	default:
		c.unknown("trees."+name+"."+key, treeKeys, line)
	}
}

// words reads a list whose members have one form.
func (c *configReader) words(dst *[]string, key string, form *regexp.Regexp, example string, v any, line int) {
	*dst = nil
	c.list(dst, key, v, line)
	if c.err == nil && len(*dst) == 0 {
		c.fail(line, "write "+example+", or leave the key out", "%s is empty", key)
	}
	for _, w := range *dst {
		if !form.MatchString(w) {
			c.fail(line, "write "+example, "%s has %q, which is none", key, strings.Map(printable, w))
		}
	}
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return '?'
	}
	return r
}
