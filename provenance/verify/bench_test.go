package verify

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
)

func BenchmarkVerifySmall(b *testing.B) {
	w := newWorld(b)
	benchmark(b, w.input())
}

func benchmark(b *testing.B, in Input) {
	b.ReportAllocs()
	for b.Loop() {
		r, err := Verify(context.Background(), in)
		if err != nil || r.Exit() != 0 {
			b.Fatal(err, dump(r))
		}
	}
}

// BenchmarkVerify500 is 500 packages in a large log, wheel bytes aside.
// WHEELLOCK_BENCH_LEAVES is how many statements stand before them.
func BenchmarkVerify500(b *testing.B) {
	leaves := 70_000
	if n, err := strconv.Atoi(os.Getenv("WHEELLOCK_BENCH_LEAVES")); err == nil {
		leaves = n
	}
	w := emptyWorld(b)
	w.policy.Mirror = "none"
	w.lock = &lock.Lock{RequiresDigest: "sha256:" + hashOf(nil), Targets: []lock.Target{{Name: "bookworm", Python: "3.11", Platform: "manylinux_2_36_x86_64"}}}
	tool, file := toolWheel()
	w.lock.Packages = []lock.Package{tool}
	list := []stater{record.Upstream{Head: w.head(), Name: tool.Name, Version: tool.Version, File: file}}
	every := leaves / 500
	for i := range leaves {
		if i%every != 0 || len(w.lock.Packages) > 500 {
			s := sumdbtest.Source(i)
			s.Head = record.Head{Log: origin, Time: w.clock}
			list = append(list, s)
		} else {
			list = append(list, w.invent(fmt.Sprintf("locked-%d", i), tool)...)
		}
		if len(list) >= 16_000 {
			w.state(list...)
			list = nil
		}
	}
	w.state(list...)
	w.finish()
	benchmark(b, w.input())
}

// invent locks a package that has no files, and gives its statements.
func (w *world) invent(name string, tool lock.Package) []stater {
	head := record.Head{Log: origin, Time: w.clock}
	hash := func(what string) string { return hashOf([]byte(name + what)) }
	rec := lock.Recipe{Sdist: "sha256:" + hash("sdist"), Backend: "smallbuild", Python: "cp311", Umask: "022", BuildPath: "/build/" + name,
		BuildRequires: []lock.BuildRequire{{Name: tool.Name, Version: tool.Version, SHA256: tool.Wheels[0].SHA256}}}
	rec.Digest = rec.ComputeDigest()
	src := record.Source{Head: head, Name: name, Version: "1.0", File: record.File{Name: name + "-1.0.tar.gz", SHA256: hash("sdist"), Size: 1}}
	built := record.Build{Head: head, Name: name, Version: "1.0", Target: "bookworm", Recipe: rec.Digest[len("sha256:"):], Source: src.File.SHA256,
		Content: hash("content"), Supersedes: record.NoIndex, File: record.File{Name: fmt.Sprintf("locked_%s-1.0-py3-none-any.whl", name[len("locked-"):]), SHA256: hash("wheel"), Size: 2}}
	w.attest(&built, src.File.Name, rec)
	w.lock.Recipes = append(w.lock.Recipes, rec)
	w.lock.Packages = append(w.lock.Packages, lock.Package{Name: name, Version: "1.0", Sdist: &lock.File{Name: src.File.Name, SHA256: src.File.SHA256, Size: 1},
		Wheels: []lock.Wheel{{Name: built.File.Name, Origin: lock.OriginBuilt, Recipe: rec.Digest, Size: 2, SHA256: built.File.SHA256, Content: built.Content}}})
	return []stater{src, built}
}
