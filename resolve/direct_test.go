package resolve

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/tags"
)

// world is an index with app (needs lib>=3 and tool[x]), lib 1 to 3 and tool.
func world(t *testing.T) *memory {
	m := newMemory(t)
	meta := func(name, version string, needs ...string) string {
		s := "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\nProvides-Extra: x\n"
		for _, n := range needs {
			s += "Requires-Dist: " + n + "\n"
		}
		return s
	}
	m.add("app", index.File{Name: "app-1.0-py3-none-any.whl"}, meta("app", "1.0", "lib>=3", "tool[x]"))
	for _, v := range []string{"1.0", "2.0", "3.0"} {
		m.add("lib", index.File{Name: "lib-" + v + "-py3-none-any.whl"}, meta("lib", v))
	}
	m.add("tool", index.File{Name: "tool-1.0-py3-none-any.whl"}, meta("tool", "1.0", "more; extra == 'x'"))
	m.add("tool", index.File{Name: "tool-0.9-py3-none-any.whl"}, meta("tool", "0.9", "more; extra == 'x'"))
	m.add("more", index.File{Name: "more-1.0-py3-none-any.whl"}, meta("more", "1.0"))
	// Not on the index's page of its name: asked for by address.
	m.add("elsewhere", index.File{Name: "own-5.0-py3-none-any.whl"}, meta("own", "5.0", "lib"))
	m.add("linked", index.File{Name: "linked-1.0-py3-none-any.whl"}, meta("linked", "1.0", "own @ https://files.example/own-5.0-py3-none-any.whl"))
	return m
}

func asks(list ...string) (out []Requirement) {
	for _, s := range list {
		out = append(out, Requirement{Requirement: pep508.MustParse(s), Origin: "in:" + s})
	}
	return out
}

func answer(t *testing.T, req Request) string {
	t.Helper()
	req.Targets = []tags.Target{debian12}
	sol, err := Resolve(context.Background(), world(t), req)
	if err != nil {
		return strings.Join(strings.Fields(err.Error()), " ")
	}
	var words []string
	for _, p := range sol.Targets[0].Pins {
		words = append(words, p.Name+"="+p.Version.String())
	}
	return strings.Join(words, " ")
}

func TestOverrides(t *testing.T) {
	for _, tt := range []struct{ override, want string }{
		{"lib==1.0", "app=1.0 lib=1.0 more=1.0 tool=1.0"},
		{"lib==1.0; python_version < '3'", "app=1.0 lib=3.0 more=1.0 tool=1.0"},
		{"lib==1.0; python_version >= '3'", "app=1.0 lib=1.0 more=1.0 tool=1.0"},
		{"tool<1", "app=1.0 lib=3.0 more=1.0 tool=0.9"}, // the extra stays
		{"unused==9", "app=1.0 lib=3.0 more=1.0 tool=1.0"},
	} {
		if got := answer(t, Request{Requirements: asks("app", "lib>=2"), Overrides: asks(tt.override)}); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.override, got, tt.want)
		}
	}
	got := answer(t, Request{Requirements: asks("app"), Overrides: asks("lib>9")})
	if !strings.Contains(got, "in:lib>9 overrides lib>=3 with lib>9") {
		t.Errorf("the conflict does not name the override: %s", got)
	}
	got = answer(t, Request{Requirements: asks("app"), Overrides: asks("lib<3"), Constraints: asks("lib>=3")})
	if !strings.Contains(got, "overrides lib>=3 with lib<3") || !strings.Contains(got, "in:lib>=3 allows only") {
		t.Errorf("constraints hold for overrides too: %s", got)
	}
}

func TestAllowedHashes(t *testing.T) {
	sum := sha256.Sum256([]byte("lib-2.0-py3-none-any.whl")) // as memory makes it
	b := Allowed{SHA256: []string{hex.EncodeToString(sum[:])}, Origin: "requirements.txt:3"}
	if got := answer(t, Request{Requirements: asks("lib"), Hashes: map[string]Allowed{"lib": b}}); got != "lib=2.0" {
		t.Error(got)
	}
	got := answer(t, Request{Requirements: asks("lib==3.0"), Hashes: map[string]Allowed{"lib": b}})
	if !strings.Contains(got, "lib-3.0-py3-none-any.whl") || !strings.Contains(got, "not among those at requirements.txt:3") {
		t.Error(got)
	}
}

func TestDirect(t *testing.T) {
	const address = "https://files.example/own-5.0-py3-none-any.whl"
	own := map[string]Direct{"own": {Addresses: map[string]string{address: "5.0"},
		Files: []index.File{{Name: "own-5.0-py3-none-any.whl", URL: address}}}}
	for _, tt := range []struct {
		direct map[string]Direct
		asks   []string
		want   string
	}{
		{own, []string{"own @ " + address + "#sha256=00"}, "lib=3.0 own=5.0"},
		{own, []string{"own @ " + address, "linked"}, "lib=3.0 linked=1.0 own=5.0"},
		{own, []string{"own @ " + address, "own<5"}, "asks for own<5"},
		{nil, []string{"linked"}, "that the project does not name itself; to trust it, require own @ " + address},
		{map[string]Direct{"lib": {Local: "libs/lib", Version: "3.5"}}, []string{"lib @ file:libs/lib", "app"}, "app=1.0 more=1.0 tool=1.0"},
		{map[string]Direct{"lib": {Local: "libs/lib", Version: "2.5"}}, []string{"lib", "app"}, "app 1.0 needs lib>=3"},
		{map[string]Direct{"lib": {Local: "libs/lib"}}, []string{"lib", "app"}, "app=1.0 more=1.0 tool=1.0"},
		{map[string]Direct{"lib": {Local: "libs/lib", Version: "3.5", RequiresPython: ">=3.99"}}, []string{"app"}, "needs Python 3.99"},
	} {
		if got := answer(t, Request{Requirements: asks(tt.asks...), Direct: tt.direct}); !strings.Contains(got, tt.want) {
			t.Errorf("%v: %s, want %s", tt.asks, got, tt.want)
		}
	}
}
