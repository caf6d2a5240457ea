package recipe

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/resolvetest"
)

var tools = resolvetest.MustParse(`
setuptools 65.0
  date 2022-08-01
setuptools 69.0
  date 2023-12-01
setuptools 75.0
  date 2024-09-01
wheel 0.38
  date 2022-08-01
wheel 0.42
  date 2023-11-01
`)

func TestRequires(t *testing.T) {
	pl := &planner{src: resolvetest.NewSource(tools, t.TempDir()), solve: resolve.Resolve}
	on := func(y int, m time.Month) time.Time { return time.Date(y, m, 2, 0, 0, 0, 0, time.UTC) }
	for what, c := range map[string]struct {
		requires []string
		inf      inferred
		want     string
		note     string
	}{
		"newest":                 {[]string{"setuptools"}, inferred{}, "setuptools 75.0", ""},
		"old setuptools asks":    {[]string{"setuptools"}, inferred{cutoff: on(2024, 1)}, "setuptools 69.0 wheel 0.42", ""},
		"cut-off holds for both": {[]string{"setuptools"}, inferred{cutoff: on(2023, 10)}, "setuptools 65.0 wheel 0.38", ""},
		"pinned":                 {[]string{"setuptools"}, inferred{cutoff: on(2024, 10), pins: map[string]string{"setuptools": "==69.0"}}, "setuptools 69.0 wheel 0.42", ""},
		"bound let go": {[]string{"setuptools<70"}, inferred{cutoff: on(2024, 10), pins: map[string]string{"setuptools": "==75.0"}},
			"setuptools 75.0", "was made with setuptools 75.0, which its own build requirements (<70) exclude: the recipe follows the wheel"},
		"pin let go": {[]string{"setuptools<70"}, inferred{cutoff: on(2024, 10), pins: map[string]string{"setuptools": "==77.0"}},
			"setuptools 69.0 wheel 0.42", "cannot be had for Python 3.11: setuptools==77.0"},
		"pin keeps, date goes": {[]string{"setuptools", "wheel"}, inferred{cutoff: on(2023, 6), pins: map[string]string{"setuptools": "==75.0"}},
			"setuptools 75.0 wheel 0.38", "up to 730 days"},
		"marker": {[]string{"setuptools", `wheel; python_version < "3"`}, inferred{}, "setuptools 75.0", ""},
		"extra":  {[]string{"setuptools"}, inferred{extra: []string{"wheel"}, pins: map[string]string{"wheel": "<0.39"}}, "setuptools 75.0 wheel 0.38", ""},
		"none":   {nil, inferred{}, "", ""},
	} {
		pins, notes, err := pl.requires(context.Background(), targetsOf(t, "bookworm")[0], system("setuptools.build_meta", c.requires...), c.inf)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		var got []string
		for _, p := range pins {
			got = append(got, p.Name+" "+p.Version.String())
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %v, want %s", what, got, c.want)
		}
		if said := strings.Join(notes, "\n"); !strings.Contains(said, c.note) || c.note == "" && said != "" {
			t.Errorf("%s: said %q, want %q", what, said, c.note)
		}
	}
}

func TestRequiresRefusals(t *testing.T) {
	pl := &planner{src: resolvetest.NewSource(tools, t.TempDir()), solve: resolve.Resolve}
	for what, requires := range map[string][]string{
		"impossible": {"setuptools>=99"},
		"unknown":    {"nowhere"},
		"address":    {"x @ https://files.example/x.whl"},
		"too many":   strings.Split(strings.Repeat("setuptools ", MaxRequires+1), " ")[:MaxRequires+1],
	} {
		if _, _, err := pl.requires(context.Background(), targetsOf(t, "bookworm")[0], system("setuptools.build_meta", requires...), inferred{cutoff: time.Now()}); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}
