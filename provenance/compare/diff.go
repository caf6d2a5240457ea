package compare

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Caps on Fact.Diff.
const (
	MaxDiffLines = 400 // lines of all files of a fact
	maxFileLines = 80  // lines of one file
	maxEdits     = 1000
	maxLines     = 1 << 20 // bytes of a text that is taken apart into lines
	diffContext  = 2
)

// diffs fills in the unified difference of the files of a fact.
func (c *run) diffs(f *Fact, leaves []found) {
	if !c.o.Diffs {
		return
	}
	for i, l := range leaves {
		var lines []string
		switch {
		case l.text != nil:
			lines = unified(l.text[0], l.text[1])
		case l.code != nil:
			lines = l.code()
		}
		if len(lines) == 0 {
			continue
		}
		if len(f.Diff)+len(lines) > MaxDiffLines {
			f.Diff = append(f.Diff, fmt.Sprintf("... and in %d more files", len(leaves)-i))
			return
		}
		if l.key != "" {
			f.Diff = append(f.Diff, printable("@@ "+l.key))
		}
		f.Diff = append(f.Diff, lines...)
	}
}

// unified is the difference of two texts, line by line: " " both, "-" the first
// only, "+" the second only, "@@ N" the line where a part begins.
func unified(a, b []byte) []string {
	if len(a) > maxLines || len(b) > maxLines {
		return []string{"too long for a list of lines; the first: " + firstLine(a, b)}
	}
	x, y := splitLines(a), splitLines(b)
	ops := edits(x, y)
	if ops == nil {
		return []string{"more than " + fmt.Sprint(maxEdits) + " lines differ; the first: " + firstLine(a, b)}
	}
	var out []string
	last := -1 // the last op that was shown
	for i := range ops {
		near := false
		for j := max(0, i-diffContext); j <= min(len(ops)-1, i+diffContext); j++ {
			near = near || ops[j].sign != ' '
		}
		if !near {
			continue
		}
		if len(out) >= maxFileLines {
			return append(out, "...")
		}
		if last != i-1 || last < 0 {
			out = append(out, fmt.Sprintf("@@ line %d", ops[i].at+1))
		}
		out = append(out, string(ops[i].sign)+visible(ops[i].line))
		last = i
	}
	return out
}

type edit struct {
	sign byte
	at   int // line in the first text
	line []byte
}

func splitLines(b []byte) [][]byte {
	lines := bytes.SplitAfter(b, []byte("\n"))
	if len(lines[len(lines)-1]) == 0 {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// visible is a line for people: a carriage return shows, and so does a missing
// line feed.
func visible(line []byte) string {
	s, lf := bytes.CutSuffix(line, []byte("\n"))
	text := strings.ReplaceAll(string(s), "\t", "    ")
	if t, cr := strings.CutSuffix(text, "\r"); cr {
		text = t + "\u240d"
	}
	if !lf {
		text += " (no line feed)"
	}
	return printable(text)
}

// edits is the shortest way from x to y (Myers, "An O(ND) difference algorithm",
// 1986), nil when that takes more than maxEdits steps.
func edits(x, y [][]byte) []edit {
	pre := 0
	for pre < len(x) && pre < len(y) && bytes.Equal(x[pre], y[pre]) {
		pre++
	}
	post := 0
	for post < len(x)-pre && post < len(y)-pre && bytes.Equal(x[len(x)-1-post], y[len(y)-1-post]) {
		post++
	}
	var out []edit
	for i := range pre {
		out = append(out, edit{' ', i, x[i]})
	}
	mid, ok := shortest(x[pre:len(x)-post], y[pre:len(y)-post])
	if !ok {
		return nil
	}
	for _, e := range mid {
		e.at += pre
		out = append(out, e)
	}
	for i := len(x) - post; i < len(x); i++ {
		out = append(out, edit{' ', i, x[i]})
	}
	return out
}

func shortest(x, y [][]byte) ([]edit, bool) {
	n, m := len(x), len(y)
	limit := min(n+m, maxEdits)
	v := make([]int, 2*limit+3)
	var trace [][]int
	for d := 0; d <= limit; d++ {
		trace = append(trace, append([]int(nil), v[limit-d:limit+d+3]...))
		for k := -d; k <= d; k += 2 {
			at := limit + 1 + k
			i := v[at-1] + 1
			if k == -d || k != d && v[at-1] < v[at+1] {
				i = v[at+1]
			}
			for i < n && i-k < m && bytes.Equal(x[i], y[i-k]) {
				i++
			}
			v[at] = i
			if i >= n && i-k >= m {
				return back(x, y, trace), true
			}
		}
	}
	return nil, false
}

// back walks the trace from the end. trace[d] holds the furthest points before
// step d, for the diagonals -d-1 to d+1.
func back(x, y [][]byte, trace [][]int) []edit {
	i, j := len(x), len(y)
	var out []edit
	for d := len(trace) - 1; d >= 0; d-- {
		v := func(k int) int { return trace[d][k+d+1] }
		pi, pj := 0, 0
		if k := i - j; d > 0 {
			from := k - 1
			if k == -d || k != d && v(k-1) < v(k+1) {
				from = k + 1
			}
			pi, pj = v(from), v(from)-from
		}
		for i > pi && j > pj {
			i, j = i-1, j-1
			out = append(out, edit{' ', i, x[i]})
		}
		switch {
		case d == 0:
		case i == pi:
			out = append(out, edit{'+', pi, y[pj]})
		default:
			out = append(out, edit{'-', pi, x[pi]})
		}
		i, j = pi, pj
	}
	slices.Reverse(out)
	return out
}
