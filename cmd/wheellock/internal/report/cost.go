package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/provenance/workorder"
)

// Cost is what a change would cost under each choice of versions. Its JSON form
// is described by the schema "cost".
type Cost struct {
	Requirements   []string     `json:"requirements"`
	Targets        []string     `json:"targets"`
	AddedTargets   []string     `json:"added_targets"`
	LockedVersions int          `json:"locked_versions"`
	KeepsLock      bool         `json:"keeps_lock"`
	Freed          []string     `json:"freed"`
	Choices        []CostChoice `json:"choices"`
	Notes          []string     `json:"notes"`
}

// CostChoice is one row.
type CostChoice struct {
	Choice      string           `json:"choice"`
	Configured  bool             `json:"configured"`
	New         []string         `json:"new_packages"`
	Gone        []string         `json:"gone_packages"`
	Moved       []string         `json:"moved_packages"` // locked ones that get another version on some target
	Sources     []CostSource     `json:"sources"`        // not locked yet
	SourceBytes int64            `json:"source_bytes"`
	Builds      CostBuilds       `json:"builds"`
	Versions    int              `json:"distinct_versions"`
	Held        []workorder.Held `json:"held"`
	Median      int              `json:"median_days"`
	Worst       int              `json:"worst_days"`
}

// CostBuilds counts wheels to build that the lock does not name yet.
type CostBuilds struct {
	Pure   int `json:"pure"`
	Native int `json:"native"` // or not known before the first build
}

// CostSource is a source to review.
type CostSource struct {
	Package string `json:"package"`
	Version string `json:"version"`
	File    string `json:"file"`
	Size    int64  `json:"size"` // bytes; 0: the index does not say
}

// What is named below the table; all of it with verbose.
const (
	costNames = 8
	costHeld  = 6
)

// WriteCost writes the table, one row a choice, in 80 columns, and what is
// behind the numbers of the configured one.
func WriteCost(w io.Writer, c Cost, s term.Style, verbose bool) {
	page := costPage(c, term.Style{}, verbose)
	if clean := term.Clean(page); clean != page {
		page = clean
	} else if s.Color {
		page = costPage(c, s, verbose)
	}
	io.WriteString(w, page)
}

func costPage(c Cost, s term.Style, verbose bool) string {
	var b strings.Builder
	writeWrapped(&b, costTitle(c), "")
	b.WriteString("\n")
	costTable(&b, c, s)
	b.WriteString("\n")
	writeWrapped(&b, costLine(c), "")
	for _, row := range c.Choices {
		costDetail(&b, row, c, verbose)
	}
	for _, n := range c.Notes {
		writeWrapped(&b, "note: "+n, "")
	}
	b.WriteString("\n")
	writeWrapped(&b, costNext(c), "")
	return b.String()
}

func costTitle(c Cost) string {
	var what []string
	if len(c.Requirements) > 0 {
		what = append(what, strings.Join(c.Requirements, ", "))
	}
	if len(c.AddedTargets) > 0 {
		what = append(what, "target "+strings.Join(c.AddedTargets, ", "))
	}
	title := "The whole project chosen anew"
	switch {
	case len(c.Freed) > 0 && len(c.AddedTargets) == 0:
		title = "Choosing " + what[0] + " anew"
	case len(what) > 0:
		title = "Adding " + strings.Join(what, " and ")
	}
	title += " on " + Plural(len(c.Targets), "target")
	if c.LockedVersions > 0 {
		title += fmt.Sprintf("; %s locked now", Plural(c.LockedVersions, "version"))
	}
	if len(c.Freed) > 0 {
		title += fmt.Sprintf("; what is locked stays, but for %s chosen anew", capped(c.Freed, 3))
	}
	return title + ". Nothing is changed."
}

func costTable(b *strings.Builder, c Cost, s term.Style) {
	rows := [][]string{{"CHOICE", "NEW", "REVIEW", "SIZE", "BUILD", "NATIVE", "VERSIONS", "OLDER", "MEDIAN", "WORST"}}
	for i := range rows[0] {
		rows[0][i] = s.Paint(term.Heading, rows[0][i])
	}
	for _, r := range c.Choices {
		name := r.Choice
		if r.Configured {
			name += " *"
		}
		days := func(n int) string {
			if len(r.Held) == 0 {
				return "-"
			}
			return fmt.Sprintf("%d d", n)
		}
		rows = append(rows, []string{name, fmt.Sprint(len(r.New)), fmt.Sprint(len(r.Sources)), costSize(r), fmt.Sprint(r.Builds.Pure + r.Builds.Native),
			fmt.Sprint(r.Builds.Native), fmt.Sprint(r.Versions), fmt.Sprint(len(r.Held)), days(r.Median), days(r.Worst)})
	}
	for gap := 2; gap > 0; gap-- {
		if lines := term.Columns(rows, gap); fits(lines) || gap == 1 {
			b.WriteString(strings.Join(lines, "\n") + "\n")
			break
		}
	}
}

// costSize is of the sources to review; "?" where the index does not tell some.
func costSize(r CostChoice) string {
	text := byteSize(r.SourceBytes)
	for _, f := range r.Sources {
		if f.Size == 0 {
			return text + "?"
		}
	}
	return text
}

// costLine is the trade-off in one sentence.
func costLine(c Cost) string {
	var parts []string
	for _, r := range c.Choices {
		switch {
		case r.Choice == "bounded":
		case len(r.Held) == 0:
			parts = append(parts, fmt.Sprintf("%s: %s, none older than need be", r.Choice, Plural(r.Versions, "distinct version")))
		default:
			parts = append(parts, fmt.Sprintf("%s: %d, %s older, median %s", r.Choice, r.Versions, Plural(len(r.Held), "pin"), Plural(r.Median, "day")))
		}
	}
	return strings.Join(parts, "; ")
}

func costDetail(b *strings.Builder, r CostChoice, c Cost, verbose bool) {
	names, held := costNames, costHeld
	if verbose {
		names, held = 1<<30, 1<<30
	}
	if r.Configured || verbose {
		if n := len(r.New); n > 0 && (verbose || n <= len(r.Sources)) {
			writeWrapped(b, fmt.Sprintf("%s, new: %s", r.Choice, capped(r.New, names)), "")
		}
		if len(r.Moved) > 0 {
			writeWrapped(b, fmt.Sprintf("%s, other versions than locked: %s", r.Choice, capped(r.Moved, names)), "")
		}
		if len(r.Gone) > 0 {
			writeWrapped(b, fmt.Sprintf("%s, gone: %s", r.Choice, capped(r.Gone, names)), "")
		}
		if verbose {
			for _, f := range r.Sources {
				writeWrapped(b, fmt.Sprintf("%s, to review: %s %s (%s)", r.Choice, f.File, byteSize(f.Size), f.Package), "")
			}
		}
	}
	lines := workorder.Alignment{Held: r.Held}.Lines()
	if len(lines) == 0 {
		return
	}
	writeWrapped(b, r.Choice+" holds back:", "")
	for _, l := range lines[:min(len(lines), held)] {
		writeWrapped(b, l, "  ")
	}
	if n := len(lines) - held; n > 0 {
		writeWrapped(b, fmt.Sprintf("and %d more: -v names them all", n), "  ")
	}
}

// capped lists names, and counts those beyond a number.
func capped(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// costNext says what to do with what was shown.
func costNext(c Cost) string {
	star, next := "", "wheellock upgrade"
	var moved []string
	for _, r := range c.Choices {
		if r.Configured {
			star, moved = "* is configured. ", r.Moved
		}
	}
	switch {
	case len(c.Freed) > 0:
		next = "wheellock upgrade " + strings.Join(moved, " ")
	case len(c.Requirements) > 0:
		next = "wheellock add " + strings.Join(shellWords(c.Requirements), " ")
		for _, t := range c.AddedTargets {
			next += " --target " + t
		}
	case len(c.AddedTargets) > 0:
		next = "wheellock target add " + strings.Join(c.AddedTargets, " ")
	case c.LockedVersions == 0:
		next = "wheellock lock"
	}
	text := star + "Another: versions = \"fewest\" (or bounded, newest) in the configuration."
	if c.LockedVersions > 0 && len(moved) == 0 && strings.HasPrefix(next, "wheellock upgrade") {
		return text + " What is locked is what would be chosen."
	}
	return text + " Next: " + next
}

// byteSize is for people: "1.9 MB".
func byteSize(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 999_500:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// shellWords quotes what a shell would take apart.
func shellWords(words []string) []string {
	var out []string
	for _, w := range words {
		if strings.ContainsAny(w, " <>!~*;()[]\"$&|'") {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		out = append(out, w)
	}
	return out
}
