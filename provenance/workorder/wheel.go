package workorder

import (
	"fmt"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// The commands that steps and missing work name. They are whole: a reader can
// paste them.
const (
	buildCommand  = "wheellock build --missing --check 2"
	agreeCommand  = "wheellock build --agree"
	orderCommand  = "wheellock build --order order.json"
	lockCommand   = "wheellock lock"
	signCommand   = "wheellock sign"
	mirrorCommand = "wheellock mirror sync"
	appendCommand = "wheellock log append --pending"
	checkCommand  = "wheellock verify --for release"
	noCommand     = "-" // nothing that can be run
)

// wheelState lists what one locked wheel lacks.
func wheelState(in Input, p *lock.Package, w *lock.Wheel) Wheel {
	out := Wheel{File: w.Name, Version: p.Version, Origin: w.Origin, Targets: targetsOf(in.Lock, orTargets(w, p)), SHA256: w.SHA256}
	add := func(what, role, command, why string) {
		out.Missing = append(out.Missing, Missing{What: what, Why: why, Role: role, Command: command})
	}
	if w.SHA256 == "" {
		role, command, why := "developer", buildCommand, "the lock has no hash for it yet"
		if w.Recipe == "" {
			command, why = lockCommand, "no recipe could be planned for it; locking again says why"
		}
		if o, target := obstacle(in, p, w); o != "" {
			role, command, why = "builder", buildCommand+" --target "+target, o
		}
		add(Build, role, command, why)
	}
	if why := unproven(in, p, w); why != "" {
		command := buildCommand
		if p.Sdist == nil {
			command = noCommand // there is nothing to build; somebody has to decide
		}
		add(Prove, "developer", command, why)
	}
	if p.Sdist != nil && in.Reviews[p.Sdist.SHA256] < in.Policy.Reviews {
		add(Review, "reviewer", "wheellock review "+p.Name,
			fmt.Sprintf("the policy asks for %s of %s", plural(in.Policy.Reviews, "review"), p.Sdist.Name))
	}
	if w.SHA256 != "" && in.Builders[w.SHA256] < in.Policy.Builders && needsBuilders(in, w) {
		add(Prove, "builder", agreeCommand+" "+p.Name, fmt.Sprintf("%d of %d builders", in.Builders[w.SHA256], in.Policy.Builders))
	}
	carried := carry(in, w)
	if listed(in, w) && !in.Signed[w.SHA256] {
		add(Sign, "publisher", signCommand, "no signed list names it")
	}
	if carried && !(in.Held[w.SHA256] && in.Paged[w.SHA256]) {
		why := "no index page of ours links it"
		if w.SHA256 != "" && !in.Held[w.SHA256] {
			why = "the wheelhouse does not hold it"
		}
		add(Mirror, "publisher", mirrorCommand, why)
	} else if in.HasPages && in.Held[w.SHA256] && !in.Paged[w.SHA256] {
		add(Mirror, "publisher", mirrorCommand, "the index pages are older than the wheelhouse")
	}
	if w.SHA256 == "" || !in.Logged[w.SHA256] {
		add(Log, "CI", logCommand(in), "the log has no statement about it")
	}
	return out
}

func orTargets(w *lock.Wheel, p *lock.Package) []string {
	if len(w.Targets) > 0 {
		return w.Targets
	}
	return p.Targets
}

// needsBuilders: a threshold above one is about independent rebuilds; the first
// builder's word is the build step itself.
func needsBuilders(in Input, w *lock.Wheel) bool {
	return in.Policy.Builders > 1 && (w.Recipe != "" || w.Origin == "built")
}

// obstacle says why the wheel cannot be built here, and for which target.
func obstacle(in Input, p *lock.Package, w *lock.Wheel) (why, target string) {
	list := targetsOf(in.Lock, orTargets(w, p))
	if p.KindOf(w) != lock.Native {
		// Built once for all of its targets, by one that has the recipe's Python;
		// any of those that works will do.
		if by := withPython(in.Lock, list, w.Recipe); len(by) > 0 {
			list = by
		}
		for _, t := range list {
			if in.Unbuildable[t].Pure == "" {
				return "", ""
			}
		}
		return in.Unbuildable[list[0]].Pure, list[0]
	}
	for _, t := range list {
		o := in.Unbuildable[t]
		if o.Pure != "" {
			return o.Pure, t
		}
		if o.Native != "" {
			return o.Native, t
		}
	}
	return "", ""
}

// withPython keeps the targets whose interpreter the recipe wants.
func withPython(l *lock.Lock, list []string, recipe string) []string {
	var out []string
	r := l.Recipe(recipe)
	for _, name := range list {
		t := l.Target(name)
		if t == nil || r == nil {
			continue
		}
		env, err := tags.New(t.Name, t.Python, t.Platform, t.Implementation, t.ABI)
		if err == nil && env.PythonTag() == r.Python {
			out = append(out, name)
		}
	}
	return out
}

// unproven says why an upstream wheel may not be used as it is, under a policy
// that rebuilds everything.
func unproven(in Input, p *lock.Package, w *lock.Wheel) string {
	if in.Policy.Wheels == "upstream" || w.Origin != "upstream" {
		return ""
	}
	if p.Sdist == nil {
		return "no source is published, so nobody can rebuild it"
	}
	for _, u := range p.Upstream {
		if u.SHA256 == w.SHA256 && (u.Verdict == "bytes" || u.Verdict == "content") {
			return ""
		}
	}
	return "its rebuild was not compared with upstream's"
}

// carry reports whether our mirror must hold the wheel. A wheel still to be
// built under mirror = "unreproducible" is undecided: it is carried if it differs.
func carry(in Input, w *lock.Wheel) bool {
	switch in.Policy.Mirror {
	case "none":
		return false
	case "all":
		return true
	}
	return w.Origin == "built"
}

// listed: a signed list is for what we hand out: what has to be carried, and
// what lies in the wheelhouse anyhow.
func listed(in Input, w *lock.Wheel) bool {
	if w.SHA256 == "" {
		return carry(in, w)
	}
	return carry(in, w) || in.Held[w.SHA256]
}

func logCommand(in Input) string {
	if in.Pending > 0 || in.Policy.Append == "pending" {
		return appendCommand
	}
	return buildCommand
}

// mirrorWord is the row's cell in the MIRROR column.
func mirrorWord(in Input, row *Package) string {
	switch in.Policy.Mirror {
	case "none":
		return "no"
	case "unreproducible":
		carried, undecided := 0, 0
		for _, w := range row.Wheels {
			if w.Origin == "built" {
				if w.SHA256 == "" {
					undecided++
				} else {
					carried++
				}
			}
		}
		// Without anything published to be equal to, there is nothing to decide.
		if carried == 0 && undecided > 0 && row.Upstream != "differs" && row.Upstream != "none" {
			return "if differs"
		}
		if carried+undecided == 0 {
			return "no"
		}
	}
	for _, w := range row.Wheels {
		if lacks(w, Mirror) {
			return "yes"
		}
	}
	return "done"
}

// causeWords says a cause of the fixed vocabulary as part of a sentence.
var causeWords = map[string]string{
	"native-compiler":   "compiler differs",
	"native-path":       "paths in native code differ",
	"vendored-libs":     "upstream vendors libraries",
	"generator":         "build tool differs",
	"tag":               "wheel tags differ",
	"zip-times":         "zip times differ",
	"zip-modes":         "zip modes differ",
	"deflate":           "compression differs",
	"record-order":      "RECORD order differs",
	"metadata-eol":      "METADATA line ends differ",
	"metadata-fields":   "METADATA fields differ",
	"license-files":     "licence files differ",
	"missing-in-sdist":  "files are missing in the sdist",
	"preprocessed-data": "preprocessed data differs",
	"sbom":              "upstream adds an SBOM",
	"env-switch":        "an environment switch differs",
	"requirement-gone":  "a build requirement is gone",
}

func causeText(causes []string) string {
	var words []string
	for _, c := range causes {
		w := causeWords[c]
		if w == "" {
			w = c
		}
		words = append(words, w)
	}
	if len(words) == 0 {
		return "content differs"
	}
	return strings.Join(words, ", ")
}
