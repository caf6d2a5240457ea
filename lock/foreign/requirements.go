package foreign

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	pinned  = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]*)[ \t]*(?:\[([^\]]*)\])?[ \t]*===?[ \t]*([^\s;,#*]+)[ \t]*(?:;[ \t]*(.*))?$`)
	named   = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]*)`)
	remark  = regexp.MustCompile(`(^|[ \t]+)#.*$`)
	option  = regexp.MustCompile(`[ \t]+--?[A-Za-z]`)
	aHash   = regexp.MustCompile(`--hash[= \t]+(\S+)`)
	address = regexp.MustCompile(`^(?:-i|-f|--index-url|--extra-index-url|--find-links)\b`)
)

// readRequirements reads what pip-compile and uv write: pins with hashes. What is
// no pin is a package without a version, which its reader has to name.
func readRequirements(file string, data []byte) (*Lock, error) {
	l := &Lock{Format: Requirements}
	lines := strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		first := i + 1
		var text strings.Builder
		for {
			part := remark.ReplaceAllString(lines[i], "")
			more := strings.HasSuffix(part, `\`)
			text.WriteString(strings.TrimSuffix(part, `\`) + " ")
			if !more || i+1 == len(lines) {
				break
			}
			i++
		}
		if err := l.requirement(file, first, strings.TrimSpace(text.String())); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l *Lock) requirement(file string, line int, text string) error {
	switch {
	case text == "":
		return nil
	case address.MatchString(text):
		l.Sources++
		return nil
	case strings.HasPrefix(text, "-e") || strings.HasPrefix(text, "--editable"):
		l.Packages = append(l.Packages, Package{Name: strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(text, "--editable"), "-e")), Direct: "path", Line: line})
		return nil
	case strings.HasPrefix(text, "-r") || strings.HasPrefix(text, "-c") || strings.HasPrefix(text, "--requirement") || strings.HasPrefix(text, "--constraint"):
		return &Error{file, line, "it names another file: " + text, "import that file, or write one lock"}
	case text[0] == '-':
		return nil // --require-hashes, --no-binary: nothing that is locked
	}
	body := text
	if m := option.FindStringIndex(text); m != nil {
		body = strings.TrimSpace(text[:m[0]])
	}
	p := Package{Line: line}
	for _, m := range aHash.FindAllStringSubmatch(text[len(body):], -1) {
		hex, ok := hash(m[1])
		if !ok {
			return &Error{file, line, fmt.Sprintf("%q is no hash", m[1]), "write --hash=sha256: and 64 hexadecimal digits"}
		}
		p.Files = append(p.Files, File{SHA256: hex})
	}
	m := pinned.FindStringSubmatch(body)
	switch {
	case m != nil:
		p.Name, p.Version, p.Marker = m[1], m[3], strings.TrimSpace(m[4])
		for _, x := range strings.Split(m[2], ",") {
			if x = strings.TrimSpace(x); x != "" {
				p.Extras = append(p.Extras, x)
			}
		}
	case strings.Contains(body, "git+"), strings.Contains(body, "hg+"):
		p.Direct, p.Name = "git", nameOf(body)
	case strings.Contains(body, "://"):
		p.Direct, p.Name = "url", nameOf(body)
	case strings.HasPrefix(body, ".") || strings.HasPrefix(body, "/"):
		p.Direct, p.Name = "path", body
	case named.MatchString(body):
		p.Name = nameOf(body) // not pinned
	default:
		return &Error{file, line, fmt.Sprintf("%q is no requirement", body), "write NAME==VERSION --hash=sha256:..."}
	}
	l.Packages = append(l.Packages, p)
	return nil
}

// nameOf is the name before an address, or that in its fragment.
func nameOf(body string) string {
	if _, egg, ok := strings.Cut(body, "#egg="); ok {
		return named.FindString(egg)
	}
	head, _, _ := strings.Cut(body, "@")
	if strings.Contains(head, "://") {
		return "(a package without a name)"
	}
	return named.FindString(strings.TrimSpace(head))
}
