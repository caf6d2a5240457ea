package workorder_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/workorder"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// A world is a lock and all that is known of its files, written as a test reads
// best: one line a package, and words for what has happened to it.
type world struct {
	in workorder.Input
}

// project begins with targets, and the default policy.
func project(targets ...string) *world {
	w := &world{workorder.Input{
		Lock:   &lock.Lock{Version: lock.Version, CreatedBy: lock.CreatedBy},
		Policy: workorder.Policy{Wheels: "build-unless-reproducible", Mirror: "unreproducible", Append: "now", Builders: 1},
		Held:   map[string]bool{}, Signed: map[string]bool{}, Paged: map[string]bool{}, Logged: map[string]bool{},
		Reviews: map[string]int{}, Builders: map[string]int{}, Seconds: map[string]float64{}, LogEntry: map[string]int64{},
		Unbuildable: map[string]workorder.Obstacle{}, Root: "none",
	}}
	for _, name := range targets {
		t, err := tags.Lookup(name)
		if err != nil {
			panic(err)
		}
		w.in.Lock.Targets = append(w.in.Lock.Targets, lock.Target{Name: name, Python: t.Python, Platform: t.Platform})
	}
	return w
}

func hash(words ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(words, " ")))
	return hex.EncodeToString(sum[:])
}

// pkg locks a package: "courier 2.5.0 >=3.10 pure bookworm noble". kind is pure
// (one wheel for all its targets), native (one each), wheel-only or source-only.
// Without targets it is for all.
func (w *world) pkg(line string) *world {
	f := strings.Fields(line)
	name, version, python, kind, targets := f[0], f[1], f[2], f[3], f[4:]
	all := len(targets) == 0
	if all {
		for _, t := range w.in.Lock.Targets {
			targets = append(targets, t.Name)
		}
	}
	p := lock.Package{Name: name, Version: version, RequiresPython: python}
	if !all {
		p.Targets = targets
	}
	stem := strings.ReplaceAll(name, "-", "_") + "-" + version
	upstream := func(file string, for_ []string) {
		p.Upstream = append(p.Upstream, lock.Upstream{Name: file, Targets: for_, Size: 1000, SHA256: hash("upstream", file), Verdict: lock.VerdictUntried})
	}
	if kind != "wheel-only" {
		p.Sdist = &lock.File{Name: stem + ".tar.gz", Size: 1000, SHA256: hash("sdist", stem)}
	}
	recipe := func(target string) string {
		r := lock.Recipe{Sdist: "sha256:" + p.Sdist.SHA256, Python: "cp" + strings.ReplaceAll(w.in.Lock.Target(target).Python, ".", ""), Umask: "022", BuildPath: "/build/" + stem}
		r.Digest = r.ComputeDigest()
		if w.in.Lock.Recipe(r.Digest) == nil {
			w.in.Lock.Recipes = append(w.in.Lock.Recipes, r)
		}
		return r.Digest
	}
	switch kind {
	case "pure", "source-only":
		file := stem + "-py3-none-any.whl"
		p.Wheels = []lock.Wheel{{Name: file, Origin: lock.OriginBuilt, Recipe: recipe(targets[len(targets)-1])}}
		if kind == "pure" {
			upstream(file, nil)
		}
	case "native":
		for _, t := range targets {
			tag := "cp" + strings.ReplaceAll(w.in.Lock.Target(t).Python, ".", "")
			p.Wheels = append(p.Wheels, lock.Wheel{Name: fmt.Sprintf("%s-%s-%s-linux_x86_64.whl", stem, tag, tag), Origin: lock.OriginBuilt, Targets: []string{t}, Recipe: recipe(t)})
			upstream(fmt.Sprintf("%s-%s-%s-manylinux_2_17_x86_64.whl", stem, tag, tag), []string{t})
		}
	case "wheel-only":
		file := stem + "-py3-none-any.whl"
		p.Wheels = []lock.Wheel{{Name: file, Origin: lock.OriginUpstream, Size: 1000, SHA256: hash("upstream", file)}}
		upstream(file, nil)
	default:
		panic(kind)
	}
	w.in.Lock.Packages = append(w.in.Lock.Packages, p)
	return w
}

// each calls f for the wheels of the named packages, or of all.
func (w *world) each(names []string, f func(*lock.Package, *lock.Wheel)) *world {
	for i := range w.in.Lock.Packages {
		p := &w.in.Lock.Packages[i]
		for k := range p.Wheels {
			if len(names) == 0 || slices.Contains(names, p.Name) {
				f(p, &p.Wheels[k])
			}
		}
	}
	return w
}

// built: made here, with the verdict against what is published.
func (w *world) built(verdict string, causes []string, names ...string) *world {
	w.in.Root, w.in.LockKnown = "provisional", true
	return w.each(names, func(p *lock.Package, x *lock.Wheel) {
		if !x.Missing() {
			return
		}
		for i := range p.Upstream {
			p.Upstream[i].Verdict, p.Upstream[i].Causes = verdict, causes
		}
		x.Size, x.SHA256 = 1000, hash("built", x.Name)
		if verdict == lock.VerdictBytes || verdict == lock.VerdictContent {
			x.Origin, x.Name, x.SHA256 = lock.OriginUpstream, p.Upstream[0].Name, p.Upstream[0].SHA256
		}
		w.in.Held[x.SHA256], w.in.Builders[x.SHA256] = true, 1
		if w.in.Policy.Append == "pending" {
			w.in.Pending += 3
			return
		}
		w.in.Logged[x.SHA256], w.in.LogEntry[x.SHA256] = true, int64(3*len(w.in.LogEntry)+3)
	})
}

func (w *world) signed(names ...string) *world {
	return w.each(names, func(_ *lock.Package, x *lock.Wheel) { w.in.Signed[x.SHA256] = x.SHA256 != "" })
}

func (w *world) mirrored(names ...string) *world {
	return w.each(names, func(_ *lock.Package, x *lock.Wheel) { w.in.Paged[x.SHA256] = x.SHA256 != "" })
}

func (w *world) set(f func(*workorder.Input)) *world { f(&w.in); return w }

// usual is the usual first request on a target or two.
func usual(targets ...string) *world {
	w := project(targets...)
	if slices.Equal(targets, []string{"bookworm", "focal"}) {
		return w.pkg("charguess 3.5.2 >=3.7 native").
			pkg("courier 2.3.0 >=3.8 pure focal").pkg("courier 2.5.0 >=3.10 pure bookworm").
			pkg("hostname-rules 1.4 >=3.6 pure").
			pkg("ident 3.1 >=3.8 pure focal").pkg("ident 3.2 >=3.9 pure bookworm").
			pkg("lettercase 2.2.3 >=3.8 pure focal").pkg("lettercase 2.8.0 >=3.10 pure bookworm").
			pkg("trustroots 2026.10.18 >=3.7 pure")
	}
	return w.pkg("charguess 3.5.2 >=3.7 native").pkg("courier 2.5.0 >=3.10 pure").pkg("ident 3.2 >=3.9 pure").pkg("trustroots 2026.10.18 >=3.7 pure")
}

var oldLibc = workorder.Obstacle{Native: "no glibc 2.31 here: this machine has 2.36", Ways: []string{
	"on focal itself (a machine, chroot or container), in a clone of this project: wheellock build --order order.json, which wheellock status -o order.json writes here",
}}

var compiler = []string{"native-compiler", "vendored-libs"}

// situations are what a work order has to tell apart; the name is that of its
// golden file.
var situations = map[string]func() *world{
	"added": func() *world {
		return usual("bookworm").set(func(in *workorder.Input) {
			in.Added, in.Elapsed = []string{"courier"}, 800*time.Millisecond
		})
	},
	"held-back": func() *world {
		return usual("bookworm", "focal").set(func(in *workorder.Input) { in.Unbuildable["focal"] = oldLibc })
	},
	"held-back-half-built": func() *world {
		return usual("bookworm", "focal").set(func(in *workorder.Input) {
			in.Unbuildable["focal"] = oldLibc
		}).built(lock.VerdictBytes, nil, "courier", "ident", "lettercase", "hostname-rules", "trustroots")
	},
	"known-times": func() *world {
		return usual("bookworm").set(func(in *workorder.Input) {
			in.Seconds = map[string]float64{"charguess": 30.2, "courier": 2, "ident": 1, "trustroots": 1}
		})
	},
	"no-sandbox": func() *world {
		return usual("bookworm").set(func(in *workorder.Input) {
			in.Unbuildable["bookworm"] = workorder.Obstacle{Pure: "no sandbox: bubblewrap (bwrap) is not installed", Ways: []string{"apt-get install bubblewrap"}}
		})
	},
	"built": func() *world {
		return usual("bookworm").built(lock.VerdictBytes, nil, "courier", "ident", "trustroots").built(lock.VerdictDiffers, compiler, "charguess")
	},
	"signed": func() *world {
		return usual("bookworm").built(lock.VerdictBytes, nil, "courier", "ident", "trustroots").built(lock.VerdictDiffers, compiler, "charguess").signed()
	},
	"done": func() *world {
		return usual("bookworm").built(lock.VerdictContent, []string{"zip-times"}, "courier", "ident", "trustroots").built(lock.VerdictDiffers, compiler, "charguess").signed().mirrored()
	},
	"adopted": func() *world {
		return usual("bookworm").built(lock.VerdictBytes, nil).signed().mirrored().set(func(in *workorder.Input) {
			in.Root, in.Witnesses = "adopted", 1
		})
	},
	"pending": func() *world {
		w := usual("bookworm").set(func(in *workorder.Input) { in.Policy.Append = "pending" })
		return w.built(lock.VerdictBytes, nil).signed().mirrored()
	},
	"no-source": func() *world {
		w := project("bookworm").pkg("ident 3.2 >=3.9 pure").pkg("sealed 1.0 >=3.7 wheel-only").built(lock.VerdictBytes, nil, "ident")
		w.in.Logged[hash("upstream", "sealed-1.0-py3-none-any.whl")] = true
		return w
	},
	"no-recipe": func() *world {
		return project("bookworm").pkg("handmade 0.9 >=3.7 source-only").pkg("ident 3.2 >=3.9 pure").built(lock.VerdictBytes, nil, "ident").
			each([]string{"handmade"}, func(_ *lock.Package, x *lock.Wheel) { x.Recipe = "" })
	},
	"source-only": func() *world {
		return project("bookworm").pkg("handmade 0.9 >=3.7 source-only").built("", nil).signed()
	},
	"mirror-all": func() *world {
		return usual("bookworm").set(func(in *workorder.Input) { in.Policy.Mirror, in.Policy.Wheels = "all", "build" }).built(lock.VerdictDiffers, compiler)
	},
	"mirror-none": func() *world {
		return usual("bookworm").set(func(in *workorder.Input) { in.Policy.Mirror = "none" }).built(lock.VerdictDiffers, compiler)
	},
	"upstream": func() *world {
		w := project("bookworm").pkg("ident 3.2 >=3.9 wheel-only").pkg("sealed 1.0 >=3.7 wheel-only")
		return w.set(func(in *workorder.Input) { in.Policy.Wheels, in.Policy.Mirror = "upstream", "none" })
	},
	"reviews": func() *world {
		return usual("bookworm").set(func(in *workorder.Input) {
			in.Policy.Reviews = 1
			in.Reviews[hash("sdist", "ident-3.2")] = 1
		}).built(lock.VerdictBytes, nil)
	},
	"two-builders": func() *world {
		w := usual("bookworm").set(func(in *workorder.Input) { in.Policy.Builders = 2 }).built(lock.VerdictBytes, nil).signed().mirrored()
		w.in.Builders[hash("upstream", "ident-3.2-py3-none-any.whl")] = 2
		return w
	},
	"many-targets": func() *world {
		w := project("bionic", "focal", "jammy", "noble", "bookworm", "trixie", "alpine-3.20")
		return w.pkg("charguess 3.5.2 >=3.6 native").pkg("courier 2.0.0 >=3.6 pure bionic").pkg("courier 2.3.0 >=3.8 pure focal").
			pkg("courier 2.5.0 >=3.10 pure jammy noble bookworm trixie alpine-3.20").pkg("trustroots 2026.10.18 >=3.6 pure").
			set(func(in *workorder.Input) {
				for _, t := range []string{"bionic", "focal", "jammy"} {
					in.Unbuildable[t] = workorder.Obstacle{Native: "no older glibc here: this machine has 2.36", Ways: oldLibc.Ways[1:]}
				}
			})
	},
	"long-names": func() *world {
		return project("manylinux_2_28-3.12", "musllinux_1_2-3.12").
			pkg("an-extraordinarily-long-name-of-a-project-that-somebody-has-published 2026.10.18.post1 >=3.10 native").
			pkg("ident 3.2 >=3.9 pure").set(func(in *workorder.Input) {
			in.Added = []string{"an-extraordinarily-long-name-of-a-project-that-somebody-has-published", "ident"}
			in.Elapsed = 61 * time.Second
			in.Unbuildable["musllinux_1_2-3.12"] = workorder.Obstacle{Native: "no musl here: this machine has glibc", Ways: oldLibc.Ways}
		})
	},
	"empty": func() *world { return project("bookworm") },
}

func names() []string { return slices.Sorted(maps.Keys(situations)) }
