package lock

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"
	"pgregory.net/rapid"
)

// drawLock makes any valid lock.
func drawLock(t *rapid.T) *Lock {
	name := rapid.StringMatching(`[a-z][a-z0-9]{0,4}(-[a-z0-9]{1,3})?`)
	hash := rapid.StringMatching(`[0-9a-f]{64}`)
	l := &Lock{RequiresDigest: "sha256:" + hash.Draw(t, "digest")}
	if rapid.Bool().Draw(t, "cutoff") {
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "instant"), 0).UTC()
		l.ExcludeNewer = &at
	}
	l.Conflicts = rapid.SampledFrom([][][]string{nil, {{"gpu", "cpu"}}, {{"gpu", "cpu", "tpu"}, {"pg", "mysql"}}}).Draw(t, "conflicts")
	targets := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"bookworm", "focal", "manylinux_2_28-3.12", "3.12@musllinux_1_2_x86_64", "trixie"}), 1, 4, rapid.ID).Draw(t, "targets")
	for _, n := range targets {
		l.Targets = append(l.Targets, Target{Name: n, Python: "3.11", Platform: "linux_x86_64", Implementation: rapid.SampledFrom([]string{"", "pypy"}).Draw(t, "impl")})
	}
	some := func(label string, of []string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(of), 1, len(of), rapid.ID).Draw(t, label)
	}
	for _, n := range rapid.SliceOfNDistinct(name, 0, 5, rapid.ID).Draw(t, "names") {
		v := rapid.StringMatching(`(0|[1-9][0-9]?)(\.(0|[1-9])){0,2}(rc[1-9])?(\.post[1-9])?(\+[a-z]{2})?`).Draw(t, "version")
		p := Package{Name: n, Version: v, Targets: some("of package", targets), Dependencies: rapid.SliceOfN(name, 0, 3).Draw(t, "deps")}
		if rapid.Bool().Draw(t, "target deps") {
			p.TargetDependencies = map[string][]string{}
			for _, tt := range p.Targets {
				p.TargetDependencies[tt] = rapid.SliceOfN(name, 0, 2).Draw(t, "extra deps")
			}
		}
		in := map[string][]string{}
		for _, tt := range p.Targets {
			for _, v := range l.Variants() {
				if rapid.Bool().Draw(t, "in variant") || v.Name == "" {
					in[tt] = append(in[tt], v.Name)
				}
			}
			if rapid.Bool().Draw(t, "not in main") && len(in[tt]) > 1 {
				in[tt] = in[tt][1:]
			}
		}
		l.SetVariants(&p, in)
		p.RequiresPython = rapid.StringMatching(`[ -~]{0,12}`).Draw(t, "requires-python")
		if rapid.Bool().Draw(t, "grouped") {
			p.Groups = rapid.SliceOfN(name, 0, 3).Draw(t, "groups")
		}
		p.Sdist = &File{n + "-" + v + ".tar.gz", rapid.Int64Range(0, 1e9).Draw(t, "size"), hash.Draw(t, "sdist")}
		for i, tt := range p.Targets {
			w := Wheel{Name: fmt.Sprintf("%s-%s-py%d-none-any.whl", bytes.ReplaceAll([]byte(n), []byte("-"), []byte("_")), v, i%2), Origin: OriginBuilt, Targets: []string{tt}}
			if rapid.Bool().Draw(t, "had") {
				w.SHA256, w.Size = hash.Draw(t, "wheel"), rapid.Int64Range(1, 1e12).Draw(t, "wheel size")
				r := Recipe{Sdist: "sha256:" + p.Sdist.SHA256, Backend: "flit_core.buildapi", Python: "cp311", Umask: "022", BuildPath: "/b",
					Env:        rapid.MapOfN(rapid.StringMatching(`[A-G_][A-Z_]{0,3}`), rapid.String().Filter(func(s string) bool { return !strings.ContainsRune(s, 0) }), 0, 3).Draw(t, "env"),
					Config:     rapid.MapOfN(rapid.StringMatching(`[!-~]{1,4}`), rapid.SliceOfN(rapid.String(), 1, 3), 0, 2).Draw(t, "config"),
					Toolchain:  rapid.SliceOfN(rapid.StringMatching(`[ -~]{1,9}`), 0, 3).Draw(t, "tools"),
					ExpectTags: rapid.SliceOfN(rapid.SampledFrom([]string{"py3-none-any", "py2-none-any"}), 0, 2).Draw(t, "tags")}
				if rapid.Bool().Draw(t, "epoch") {
					r.Epoch = &Epoch{rapid.Int64Range(0, 4e9).Draw(t, "at"), "sdist"}
				}
				r.Digest = r.ComputeDigest()
				if l.Recipe(r.Digest) == nil {
					l.Recipes = append(l.Recipes, r)
				}
				w.Recipe = r.Digest
			}
			p.Wheels = append(p.Wheels, w)
		}
		switch address := rapid.StringMatching(`(https?://[a-z]{1,4}|file://)(/[a-zA-Z0-9_-]{1,4}){1,2}`).Draw(t, "address"); rapid.SampledFrom([]string{"index", "commit", "archive"}).Draw(t, "from") {
		case "commit":
			p.VCS = &VCS{Type: "git", URL: address, CommitID: hash.Draw(t, "commit")[:rapid.SampledFrom([]int{40, 64}).Draw(t, "digits")],
				Subdirectory: rapid.StringMatching(`([a-z][a-z.-]{0,3}(/[a-z]{1,3})?)?`).Draw(t, "subdirectory")}
		case "archive":
			files := []string{p.Sdist.Name}
			for _, w := range p.Wheels {
				files = append(files, w.Name)
			}
			for _, f := range rapid.SliceOfNDistinct(rapid.SampledFrom(files), 1, -1, rapid.ID).Draw(t, "archives") {
				p.Archives = append(p.Archives, Archive{Name: f, URL: address + "/" + f})
			}
		}
		l.Packages = append(l.Packages, p)
	}
	return l
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawLock(t)
		b := l.Format()
		back, err := Parse("wheels.lock", b)
		if err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
		l.Sort()
		if diff := cmp.Diff(l, back); diff != "" {
			t.Fatal(diff)
		}
		if again := back.Format(); !bytes.Equal(again, b) {
			t.Fatal(cmp.Diff(string(b), string(again)))
		}
		var v map[string]any
		if err := toml.Unmarshal(b, &v); err != nil {
			t.Fatalf("not TOML: %v\n%s", err, b)
		}
		// Any order of the lists gives the same bytes.
		shuffled := back.clone()
		shuffled.Packages = rapid.Permutation(shuffled.Packages).Draw(t, "packages")
		shuffled.Targets = rapid.Permutation(shuffled.Targets).Draw(t, "targets")
		shuffled.Recipes = rapid.Permutation(shuffled.Recipes).Draw(t, "recipes")
		if again := shuffled.Format(); !bytes.Equal(again, b) {
			t.Fatal(cmp.Diff(string(b), string(again)))
		}
	})
}

// What the reader accepts, the writer gives back byte for byte, and a TOML
// reader that is not ours accepts it too.
func FuzzParse(f *testing.F) {
	f.Add(sample().Format())
	f.Add([]byte("lock-version = \"1\"\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := Parse("wheels.lock", b)
		if err != nil {
			return
		}
		if got := l.Format(); !bytes.Equal(got, b) {
			t.Fatal(cmp.Diff(string(b), string(got)))
		}
		var v map[string]any
		if err := toml.Unmarshal(b, &v); err != nil {
			t.Fatal(err)
		}
	})
}

// Every single flipped bit of a lock is refused or changes its meaning in a
// way that is written back; none is ignored.
func TestBitFlips(t *testing.T) {
	good := sample().Format()
	for i := range good {
		for bit := range 8 {
			b := bytes.Clone(good)
			b[i] ^= 1 << bit
			l, err := Parse("wheels.lock", b)
			if err == nil && !bytes.Equal(l.Format(), b) {
				t.Fatalf("byte %d bit %d is read and written as something else", i, bit)
			}
		}
	}
}

func large(n int) *Lock {
	l := sample()
	l.Packages, l.Recipes = nil, nil
	for i := range n {
		name := fmt.Sprintf("package-%04d", i)
		file := fmt.Sprintf("package_%04d-1.%d.0", i, i)
		p := Package{Name: name, Version: fmt.Sprintf("1.%d.0", i), RequiresPython: ">=3.8", Dependencies: []string{"package-0001", "package-0002", "package-0003"},
			Sdist: &File{file + ".tar.gz", 1000, hexOf(i)}}
		r := Recipe{Sdist: "sha256:" + hexOf(i), Backend: "setuptools.build_meta", Python: "cp311", Umask: "022", BuildPath: "/build/" + file, Epoch: &Epoch{1, "sdist"}}
		r.Digest = r.ComputeDigest()
		l.Recipes = append(l.Recipes, r)
		for _, t := range []string{"bookworm", "focal"} {
			p.Wheels = append(p.Wheels, Wheel{Name: file + "-cp311-cp311-linux_x86_64.whl", Origin: OriginBuilt, Targets: []string{t}, Recipe: r.Digest, Size: 5, SHA256: hexOf(i), Content: hexOf(i)})
			p.Upstream = append(p.Upstream, Upstream{Name: file + "-cp311-cp311-manylinux2014_x86_64." + t + ".whl", Targets: []string{t}, Size: 5, SHA256: hexOf(i), Verdict: VerdictDiffers, Causes: []string{"native-compiler"}})
		}
		l.Packages = append(l.Packages, p)
	}
	return l
}

func BenchmarkParse500(b *testing.B) {
	text := large(500).Format()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("wheels.lock", text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFormat500(b *testing.B) {
	l := large(500)
	b.ReportAllocs()
	for b.Loop() {
		l.Format()
	}
}
