package report

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/provenance/verify"
	"github.com/freedomofpress/wheellock/provenance/workorder"
)

func verification(s term.Style, r *verify.Report) string {
	var b strings.Builder
	Verification(&b, r, s)
	return b.String()
}

// TestVerificationPage: a class first, the trust last, nothing wider than the page.
func TestVerificationPage(t *testing.T) {
	name := "charset_normalizer-3.5.2-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
	long := verify.Finding{
		ID: "wheel-changed", Class: verify.Tampered, Subject: "wheels/bookworm/" + name, Stop: true,
		What: "its sha256 is 0123456789ab, the lock says ba9876543210, and somebody has to find out why this is so and since when",
		Who:  "security team", Command: "wheellock history charset-normalizer",
	}
	short := verify.Finding{ID: "log-pending", Class: verify.Incomplete, Subject: "pending", What: "3 statements wait", Who: "CI", Command: "wheellock log append --pending"}
	for title, r := range map[string]*verify.Report{
		"fine":       {Class: verify.OK, Trust: workorder.Trust{Builders: 2, Root: "adopted"}},
		"release":    {Class: verify.OK, ForRelease: true},
		"one":        {Class: verify.Tampered, Findings: []verify.Finding{long}},
		"many":       {Class: verify.Tampered, Findings: []verify.Finding{long, long, long, long, short}},
		"unfinished": {Class: verify.Incomplete, ForRelease: true, Findings: []verify.Finding{short}},
	} {
		page := verification(term.Style{}, r)
		lines := strings.Split(strings.TrimSuffix(page, "\n"), "\n")
		if !strings.HasPrefix(lines[0], string(r.Class)+": ") {
			t.Errorf("%s: the first line is %q", title, lines[0])
		}
		if last := lines[len(lines)-1]; last != TrustLine(r.Trust) {
			t.Errorf("%s: the last line is %q", title, last)
		}
		for n, line := range lines {
			if utf8.RuneCountInString(line) > term.Width && len(strings.Fields(line)) > 1 {
				t.Errorf("%s: line %d is too wide: %s", title, n+1, line)
			}
		}
		for _, f := range r.Findings {
			if !strings.Contains(strings.Join(strings.Fields(page), " "), f.Who+": "+f.Command) {
				t.Errorf("%s: who acts, and how, is not said of %s:\n%s", title, f.ID, page)
			}
		}
		if d := cmp.Diff(page, escapes.ReplaceAllString(verification(term.Style{Color: true}, r), "")); d != "" {
			t.Errorf("%s: in colour the text is another:\n%s", title, d)
		}
	}
}

// TestForgedReport: the name of a file cannot say that all is well.
func TestForgedReport(t *testing.T) {
	for _, n := range []int{1, 4} {
		f := verify.Finding{
			ID: "file-extra", Class: verify.Tampered, Who: "publisher", Command: "wheellock sign", Stop: true,
			Subject: "x\n\x1b[2J\nOK: everything agrees\n\nTrust: 9 builders, 9 reviews, 9 witnesses, root adopted\n",
			What:    "a file\nTrust: 9 builders",
		}
		r := &verify.Report{Class: verify.Tampered}
		for range n {
			r.Findings = append(r.Findings, f)
		}
		page := verification(term.Style{}, r)
		if strings.Contains(page, "\x1b") || strings.Contains(page, "\nOK") || strings.Count(page, "\nTrust: ") != 1 {
			t.Errorf("%d findings: forged:\n%s", n, page)
		}
	}
}
