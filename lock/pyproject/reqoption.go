package pyproject

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// options that other tools understand in a requirements file and that are
// refused here, with where what they say belongs.
var optionHints = map[string]string{
	"--no-index":       "use --offline, or find-links in the configuration",
	"--trusted-host":   "take it out: an index is reached with TLS, or lies on this machine",
	"--prefer-binary":  "take it out: the policy says which wheels are built",
	"--use-feature":    "take it out",
	"--config-setting": "take it out: what a build needs stands in the lock's recipe",
	"--global-option":  "take it out: what a build needs stands in the lock's recipe",
}

// places are options that name where packages come from. That is the
// configuration's to say: a file may repeat it and may not change it, since it
// would hold for this file's requirements only, or for all of them, depending
// on the tool that reads it.
var places = map[string]string{
	"-i": "index-url", "--index-url": "index-url", "--extra-index-url": "indexes", "-f": "find-links", "--find-links": "find-links",
}

// fileOption reads a line that is an option for the whole file; done: it was one.
func (l *loader) fileOption(file string, line logical) (done bool, err error) {
	if !strings.HasPrefix(line.text, "-") {
		return false, nil
	}
	name, value := cutOption(line.text)
	switch name {
	case "-e", "--editable":
		return true, l.editable(file, line, value)
	case "--pre":
		l.Prereleases = true
		return true, nil
	case "--require-hashes": // no other way here
		return true, nil
	case "--no-binary":
		return true, l.fileNames(file, line.line, name, value, &l.NoBinary, &l.OnlyBinary)
	case "--only-binary":
		return true, l.fileNames(file, line.line, name, value, &l.OnlyBinary, &l.NoBinary)
	}
	if key := places[name]; key != "" {
		return true, l.samePlace(file, line.line, name, key, value)
	}
	return true, &Error{file, line.line, fmt.Sprintf("option %s is not understood here; expected a requirement, -r FILE or -c FILE", name), hintFor(name)}
}

// cutOption cuts "--name=value", "--name value", "-nvalue" and "-n value".
func cutOption(text string) (name, value string) {
	if strings.HasPrefix(text, "--") {
		if i := strings.IndexAny(text, "= \t"); i >= 0 {
			return text[:i], unquote(strings.TrimSpace(text[i+1:]))
		}
		return text, ""
	}
	n := min(2, len(text))
	return text[:n], unquote(strings.TrimSpace(strings.TrimPrefix(text[n:], "=")))
}

func hintFor(option string) string {
	if h := optionHints[option]; h != "" {
		return h
	}
	return "take the option out"
}

func (l *loader) fileNames(file string, line int, option, value string, dst, other *[]string) error {
	var words []string
	for _, w := range strings.Split(value, ",") {
		w = strings.TrimSpace(w)
		if w != All && w != None && (normalize(w) == "" || nameOf(w) != normalize(w)) {
			return &Error{file, line, fmt.Sprintf("%s has %q, which is no name of a package", option, w), "write names with commas between them, or :all: or :none:"}
		}
		words = append(words, w)
	}
	l.binaryOptions(dst, other, words)
	return nil
}

// samePlace accepts an address that the configuration names too.
func (l *loader) samePlace(file string, line int, option, key, value string) error {
	if why := badAddress(value); why != "" {
		return &Error{file, line, fmt.Sprintf("the address after %s %s", option, why), "take the line out; " + placeHint(key, "https://HOST/PATH/")}
	}
	c := &l.Config
	known := slices.Clone(c.FindLinks)
	if key != "find-links" {
		known = []string{c.IndexURL}
		for _, x := range c.Indexes {
			known = append(known, x.URL)
		}
	}
	trim := func(s string) string { return strings.TrimSuffix(s, "/") }
	if value != "" && slices.ContainsFunc(known, func(s string) bool { return trim(s) == trim(value) }) {
		return nil
	}
	return &Error{file, line, fmt.Sprintf("%s %s: a requirements file may repeat where the configuration looks, not change it", option, value), "take the line out; " + placeHint(key, value)}
}

func placeHint(key, value string) string {
	quoted := quoteTOML(value, '"')
	switch key {
	case "find-links":
		return "write find-links = [" + quoted + "] into the configuration, or use --find-links"
	case "index-url":
		return "write index-url = " + quoted + " into the configuration, or use --index-url"
	}
	return "write [[indexes]] with name = \"...\", url = " + quoted + " and the packages that it is to give into the configuration"
}

var (
	environmentVariable = regexp.MustCompile(`\$\{[A-Z0-9_]+\}`)
	lineOption          = regexp.MustCompile(`[ \t](--?[A-Za-z][A-Za-z-]*)(?:[= \t]|$)`)
	bareURL             = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*://|file:)`)
)

// requirementLine takes in a line that is a requirement, with the hashes behind it.
func (l *loader) requirementLine(file string, line logical, constraint bool) error {
	fail := func(hint, format string, args ...any) error {
		return &Error{file, line.line, fmt.Sprintf(format, args...), hint}
	}
	text, hashes, err := cutHashes(line.text)
	if err != nil {
		return fail("write --hash=sha256: and 64 hexadecimal digits", "%v", err)
	}
	if msg, hint := refuse(text); msg != "" {
		return fail(hint, "%s", msg)
	}
	if isPath(text) {
		if constraint {
			return fail("name the package and its bounds", "a path cannot be a constraint")
		}
		return l.localLine(file, line, text)
	}
	if bareURL.MatchString(text) {
		name, rest, why := nameAddress(text)
		if why != "" {
			return fail("write NAME @ "+withoutUser(text), "%s", why)
		}
		text = name + " @ " + rest
	}
	e := entry{Input: Input{Requirement: text, File: file, Line: line.line, Hashes: hashes},
		whole: span{line.from, line.to}, body: line.body}
	return l.add(e, constraint)
}

// cutHashes takes the --hash options off a requirement. Hashes of other kinds
// than sha256 say nothing that a lock could hold; a line that has only such is
// refused.
func cutHashes(text string) (req string, hashes []string, err error) {
	m := lineOption.FindStringIndex(text)
	if m == nil {
		return text, nil, nil
	}
	req, options := strings.TrimSpace(text[:m[0]]), strings.Fields(text[m[0]:])
	var others []string
	for i := 0; i < len(options); i++ {
		name, value := cutOption(options[i])
		if name != "--hash" {
			return text, nil, nil // refuse says so
		}
		if value == "" && i+1 < len(options) {
			i++
			value = options[i]
		}
		kind, hex, _ := strings.Cut(value, ":")
		hex = strings.ToLower(hex)
		switch {
		case kind == "sha256" && len(hex) == 64 && strings.Trim(hex, "0123456789abcdef") == "":
			hashes = append(hashes, hex)
		case kind == "sha384" || kind == "sha512":
			others = append(others, kind)
		default:
			return "", nil, fmt.Errorf("--hash=%s is no sha256", value)
		}
	}
	if len(hashes) == 0 && len(others) > 0 {
		return "", nil, fmt.Errorf("only hashes of kind %s: a lock holds sha256", others[0])
	}
	slices.Sort(hashes)
	return req, slices.Compact(hashes), nil
}

// refuse says why a requirement as text cannot be one; "" if it may be.
func refuse(text string) (msg, hint string) {
	if strings.HasPrefix(text, "-") {
		name, _ := cutOption(text)
		return fmt.Sprintf("option %s is not understood here; expected a requirement", name), hintFor(name)
	}
	if v := environmentVariable.FindString(text); v != "" {
		return fmt.Sprintf("%s: environment variables are not expanded, a lock must mean the same everywhere", v), "write the value itself"
	}
	requirement, _, _ := strings.Cut(text, ";")
	if m := lineOption.FindStringSubmatch(requirement); m != nil {
		return fmt.Sprintf("option %s after a requirement is not understood", m[1]), hintFor(m[1])
	}
	return "", ""
}

// nameAddress finds the name in an address without one: in #egg=NAME, as pip
// has it, else in the file's name. rest is the address without egg.
func nameAddress(text string) (name, rest, why string) {
	address, marker, has := strings.Cut(text, " ;")
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return "", "", "the address cannot be read"
	}
	var keep []string
	for _, part := range strings.Split(u.Fragment, "&") {
		if egg, ok := strings.CutPrefix(part, "egg="); ok {
			name = egg
		} else if part != "" {
			keep = append(keep, part)
		}
	}
	u.Fragment, u.RawFragment = "", ""
	rest = u.String()
	if len(keep) > 0 {
		rest += "#" + strings.Join(keep, "&")
	}
	if has {
		rest += " ;" + marker
	}
	if name == "" && !strings.HasPrefix(u.Scheme, "git+") {
		file := u.Path[strings.LastIndexByte(u.Path, '/')+1:]
		if parts := strings.Split(file, "-"); strings.HasSuffix(file, ".whl") && len(parts) >= 5 {
			name = parts[0]
		} else if stem, ok := strings.CutSuffix(file, ".tar.gz"); ok {
			if i := strings.LastIndexByte(stem, '-'); i > 0 {
				name = stem[:i]
			}
		}
	}
	if got, _ := nameAndExtras(name); got == "" {
		return "", "", "an address without a name"
	}
	return name, rest, ""
}

// withoutUser is an address without what may be a password in it.
func withoutUser(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return text
	}
	host, _, _ := strings.Cut(rest, "/")
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		return scheme + "://" + rest[i+1:]
	}
	return text
}
