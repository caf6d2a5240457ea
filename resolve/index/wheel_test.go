package index

import (
	"archive/zip"
	"bytes"
	"errors"
	"strings"
	"testing"
)

// zipOf makes a zip of entries, each a name and its text.
func zipOf(t *testing.T, entries ...[2]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		w, err := z.Create(e[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWheelMetadata(t *testing.T) {
	const name = "Hostname_Rules-1.0-py3-none-any.whl"
	const good = "hostname_rules-1.0.dist-info/METADATA"
	for _, c := range []struct {
		name    string
		entries [][2]string
		want    string // the metadata, or an error's text after "!"
	}{
		{"plain", [][2]string{{"a.py", "x"}, {good, "yes"}}, "yes"},
		{"other spelling", [][2]string{{"Hostname.Rules-1.0.dist-info/METADATA", "yes"}}, "yes"},
		{"name with a dash", [][2]string{{"hostname-rules-1.0.dist-info/METADATA", "yes"}}, "yes"},
		{"nested is not it", [][2]string{{"vendor/x-1.0.dist-info/METADATA", "no"}, {good, "yes"}}, "yes"},
		{"none", [][2]string{{"a.py", "x"}}, "!no METADATA"},
		{"only nested", [][2]string{{"x/" + good, "no"}}, "!no METADATA"},
		{"two", [][2]string{{good, "a"}, {good, "b"}}, "!two METADATA"},
		{"two folders", [][2]string{{good, "a"}, {"hostname_rules-2.0.dist-info/METADATA", "b"}}, "!two METADATA"},
		{"of another project", [][2]string{{"other-1.0.dist-info/METADATA", "no"}}, `!METADATA is of "other"`},
		{"huge", [][2]string{{good, strings.Repeat("x", MaxMetadata+1)}}, "!METADATA has more than 16 MB"},
	} {
		data := zipOf(t, c.entries...)
		got, err := wheelMetadata(name, bytes.NewReader(data), int64(len(data)))
		text := string(got)
		var broken *WheelError
		if errors.As(err, &broken) {
			text = "!" + broken.Err.Error()
		}
		if text != c.want || broken != nil && !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %.80q (%v), want %q", c.name, text, err, c.want)
		}
	}
}

func TestWheelDirectoryIsCapped(t *testing.T) {
	var entries [][2]string
	for range 1000 {
		entries = append(entries, [2]string{strings.Repeat("d", 100), ""})
	}
	data := zipOf(t, append(entries, [2]string{"a-1.dist-info/METADATA", "x"})...)
	if _, err := wheelMetadataWithin("a-1-py3-none-any.whl", bytes.NewReader(data), int64(len(data)), 50<<10); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("%v", err)
	}
	if _, err := wheelMetadataWithin("a-1-py3-none-any.whl", bytes.NewReader(data), int64(len(data)), 1<<20); err != nil {
		t.Error(err)
	}
}

func FuzzWheelMetadata(f *testing.F) {
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, data []byte) {
		wheelMetadata("a-1-py3-none-any.whl", bytes.NewReader(data), int64(len(data)))
	})
}

// The spans of a ranger never overlap and hold what was put in.
func TestRangerKeeps(t *testing.T) {
	whole := make([]byte, 1000)
	for i := range whole {
		whole[i] = byte(i * 7)
	}
	r := &ranger{size: 1000}
	for _, s := range [][2]int64{{100, 200}, {900, 1000}, {150, 250}, {50, 120}, {240, 950}, {0, 1000}, {10, 20}} {
		r.keep(span{s[0], whole[s[0]:s[1]]})
		last := int64(0)
		for _, sp := range r.spans {
			if sp.off < last || string(sp.data) != string(whole[sp.off:sp.end()]) {
				t.Fatalf("after %v: span %d-%d follows one that ends at %d", s, sp.off, sp.end(), last)
			}
			last = sp.end()
		}
		if got := r.at(s[0]); len(got) == 0 || got[0] != whole[s[0]] {
			t.Fatalf("%v is not known", s)
		}
	}
}

func TestContentRange(t *testing.T) {
	for s, want := range map[string]bool{
		"bytes 0-99/100": true, "bytes 0-99/99": false, "bytes 5-4/10": false, "bytes -5-4/10": false, "bytes */10": false,
		"bytes 0-9/*": false, "items 0-9/10": false, "": false, "bytes 0-9": false, "bytes 0-9/10/11": false,
	} {
		if _, _, _, ok := contentRange(s); ok != want {
			t.Errorf("%q: %v", s, ok)
		}
	}
}

func TestPlan(t *testing.T) {
	tell := func(o *origins, l lane, hit bool, n int) {
		for range n {
			o.learn("x", l, hit)
		}
	}
	for _, c := range []struct {
		name                           string
		fileHit, fileMiss, rHit, rMiss int
		listed                         bool
		want                           string // lanes in turn, or "race"
	}{
		{"nothing known", 0, 0, 0, 0, false, "race"},
		{"listed", 0, 0, 0, 0, true, "file range"},
		{"listed and kept", 9, 0, 0, 0, true, "file range"},
		{"listed, a promise broken", 3, 1, 1, 0, true, "race"},
		{"promises broken, ranges sure", 9, 3, 4, 0, true, "range file"},
		{"unlisted but there", 2, 0, 0, 0, false, "file range"},
		{"no ranges", 0, 0, 0, 2, false, "file"},
		{"neither", 0, 2, 0, 2, false, ""},
		{"neither, yet promised", 0, 2, 0, 2, true, "file"},
		{"only ranges", 0, 2, 1, 0, false, "range file"},
	} {
		var o origins
		tell(&o, laneFile, true, c.fileHit)
		tell(&o, laneFile, false, c.fileMiss)
		tell(&o, laneRange, true, c.rHit)
		tell(&o, laneRange, false, c.rMiss)
		lanes, race := o.plan("x", c.listed)
		var words []string
		for _, l := range lanes {
			words = append(words, [...]string{"file", "range"}[l])
		}
		if race {
			words = []string{"race"}
		}
		if got := strings.Join(words, " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
