package resolve

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// distant is a source behind a slow line.
type distant struct {
	Source
	delay time.Duration
	asked atomic.Int64
}

func (d *distant) Page(ctx context.Context, name string) (*index.Page, error) {
	d.asked.Add(1)
	time.Sleep(d.delay)
	return d.Source.Page(ctx, name)
}

func (d *distant) Metadata(ctx context.Context, f index.File) ([]byte, error) {
	d.asked.Add(1)
	time.Sleep(d.delay)
	return d.Source.Metadata(ctx, f)
}

// chain is an index of n packages; each but the last needs the next and three others.
func chain(t testing.TB, depth int) *memory {
	m := newMemory(t)
	for i := range depth {
		for k := range 4 {
			name := fmt.Sprintf("p%d-%d", i, k)
			for _, v := range []string{"1.0", "2.0"} {
				meta := "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + v + "\n"
				if k == 0 && i+1 < depth {
					for j := range 4 {
						meta += fmt.Sprintf("Requires-Dist: p%d-%d\n", i+1, j)
					}
				}
				m.add(name, index.File{Name: strings.ReplaceAll(name, "-", "_") + "-" + v + "-py3-none-any.whl"}, meta)
			}
		}
	}
	return m
}

// TestReadsAhead: what lies side by side is read side by side, so the time is
// that of the depth (a page and a metadata for each level), for any number of targets.
func TestReadsAhead(t *testing.T) {
	const depth, delay = 5, 20 * time.Millisecond
	src := &distant{Source: chain(t, depth), delay: delay}
	focal, err := tags.Lookup("focal")
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	sol, err := Resolve(context.Background(), src, Request{Targets: []tags.Target{debian12, focal}, Requirements: requirements(t, "p0-0", "p0-1")})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(sol.Targets[0].Pins); n != 4*depth-2 {
		t.Errorf("got %d packages", n)
	}
	took := time.Since(start)
	one := time.Duration(src.asked.Load()) * delay
	t.Logf("%d requests in %v, one after the other %v", src.asked.Load(), took, one)
	if took > one/2 {
		t.Errorf("took %v, one after the other would be %v", took, one)
	}
	if n := src.asked.Load(); n != 2*(4*depth-2) {
		t.Errorf("%d requests for %d packages", n, 4*depth-2)
	}
}

// broken fails for one name.
type broken struct {
	Source
	page, metadata string
	err            error
}

func (b *broken) Page(ctx context.Context, name string) (*index.Page, error) {
	if name == b.page {
		return nil, b.err
	}
	return b.Source.Page(ctx, name)
}

func (b *broken) Metadata(ctx context.Context, f index.File) ([]byte, error) {
	if f.Name == b.metadata {
		return nil, b.err
	}
	return b.Source.Metadata(ctx, f)
}

func TestSourceErrorsPass(t *testing.T) {
	m := chain(t, 2)
	down := &index.UnavailableError{Op: "page", Name: "p1-2", URL: "https://index.example/p1-2/", Status: 503}
	for _, src := range []*broken{
		{Source: m, page: "p1-2", err: down},
		{Source: m, metadata: "p1_2-2.0-py3-none-any.whl", err: down},
	} {
		_, err := Resolve(context.Background(), src, Request{Targets: []tags.Target{debian12}, Requirements: requirements(t, "p0-0")})
		var got *index.UnavailableError
		if !errors.As(err, &got) || got.Status != 503 {
			t.Errorf("got %v", err)
		}
	}
	// What is not needed may fail.
	src := &broken{Source: m, metadata: "p1_2-1.0-py3-none-any.whl", err: down}
	if _, err := Resolve(context.Background(), src, Request{Targets: []tags.Target{debian12}, Requirements: requirements(t, "p0-0")}); err != nil {
		t.Error(err)
	}
}

func TestCancelledResolve(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	src := &distant{Source: chain(t, 30), delay: 20 * time.Millisecond}
	start := time.Now()
	_, err := Resolve(ctx, src, Request{Targets: []tags.Target{debian12}, Requirements: requirements(t, "p0-0")})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if d := time.Since(start); d > time.Second {
		t.Errorf("returned after %v", d)
	}
}

func TestMetadataThatDisagrees(t *testing.T) {
	for _, c := range []struct{ metadata, want string }{
		{"Metadata-Version: 2.1\nName: evil\nVersion: 2.0\n", `its metadata is of another package, "evil"`},
		{"Metadata-Version: 2.1\nName: app\nVersion: 9.0\n", "its metadata is of another version, 9.0"},
		{"Metadata-Version: 2.1\nName: app\nVersion: 2.0\nRequires-Python: >=3.12\n", "needs Python 3.12"},
		{"Metadata-Version: 2.1\nName: app\nVersion: 2.0\nRequires-Dist: lib @ https://files.example/lib-1.0.tar.gz\n", "it needs lib by a direct address"},
		{"Metadata-Version: 2.1\nName: app\nVersion: 2.0\nRequires-Dist: ???\n", "its metadata is broken"},
		{"\x00\x01 not metadata", "its metadata is broken"},
	} {
		m := newMemory(t)
		m.add("app", index.File{Name: "app-1.0-py3-none-any.whl"}, "Metadata-Version: 2.1\nName: app\nVersion: 1.0\n")
		m.add("app", index.File{Name: "app-2.0-py3-none-any.whl"}, c.metadata)
		req := Request{Targets: []tags.Target{debian12}, Requirements: requirements(t, "app")}
		sol, err := Resolve(context.Background(), m, req)
		if err != nil {
			t.Errorf("%q: %v", c.want, err)
			continue
		}
		pin := sol.Targets[0].Pins[0]
		if pin.Version.String() != "1.0" || pin.Newer == nil || !strings.HasPrefix(pin.Newer.Reason, c.want) {
			t.Errorf("got %s, newer %v, want %q", pin.Version, pin.Newer, c.want)
		}
		req.Requirements = requirements(t, "app==2.0")
		if _, err := Resolve(context.Background(), m, req); err == nil || !strings.Contains(strings.Join(strings.Fields(err.Error()), " "), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

// TestWheelChoice: the best tag, then the highest build tag, then the name.
func TestWheelChoice(t *testing.T) {
	m := newMemory(t)
	for _, f := range []string{
		"app-1.0-py3-none-any.whl", "app-1.0-cp311-cp311-manylinux_2_17_x86_64.whl", "app-1.0-2-cp311-cp311-manylinux_2_35_x86_64.whl",
		"app-1.0-10-cp311-cp311-manylinux_2_35_x86_64.whl", "app-1.0-cp311-cp311-manylinux_2_38_x86_64.whl", "app-1.0-cp311-abi3-manylinux_2_36_x86_64.whl",
		"app-1.0-cp311-cp311-linux_x86_64.exe", "app-1.0.tar.gz", "app-1.0.zip", "other-7.0.tar.gz", "app-x-py3-none-any.whl", "app-1.0-py3.egg",
	} {
		m.add("app", index.File{Name: f}, "Metadata-Version: 2.1\nName: app\nVersion: 1.0\n")
	}
	sol, err := Resolve(context.Background(), m, Request{Targets: []tags.Target{debian12}, Requirements: requirements(t, "app")})
	if err != nil {
		t.Fatal(err)
	}
	p := sol.Targets[0].Pins[0]
	if p.Wheel.Name != "app-1.0-10-cp311-cp311-manylinux_2_35_x86_64.whl" || p.Sdist.Name != "app-1.0.tar.gz" || len(p.Wheels) != 6 {
		t.Errorf("got %s, %s, %d wheels", p.Wheel.Name, p.Sdist.Name, len(p.Wheels))
	}
}

func TestRequestErrors(t *testing.T) {
	parse := func(s string) []Requirement {
		return []Requirement{{Requirement: pep508.MustParse(s), Origin: "requirements.in:3"}}
	}
	for _, c := range []struct {
		req  Request
		want string
	}{
		{Request{Requirements: parse("app @ https://files.example/app.whl")}, "requirements.in:3: app @ https://files.example/app.whl: nothing is known of the file"},
		{Request{Constraints: parse("app[x]<2")}, "a constraint cannot ask for extras"},
		{Request{Requirements: []Requirement{{}}}, "not the name of a package"},
	} {
		c.req.Targets = []tags.Target{debian12}
		_, err := Resolve(context.Background(), newMemory(t), c.req)
		var bad *RequestError
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

func TestNothingAsked(t *testing.T) {
	sol, err := Resolve(context.Background(), newMemory(t), Request{Targets: []tags.Target{debian12}})
	if err != nil || len(sol.Targets) != 1 || len(sol.Targets[0].Pins) != 0 {
		t.Errorf("got %v, %v", sol, err)
	}
}
