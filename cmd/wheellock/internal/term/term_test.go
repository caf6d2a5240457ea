package term

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestFor(t *testing.T) {
	env := func(pairs ...string) func(string) string {
		return func(key string) string {
			if i := slices.Index(pairs, key); i >= 0 && i%2 == 0 {
				return pairs[i+1]
			}
			return ""
		}
	}
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, c := range []struct {
		name string
		mode Mode
		env  func(string) string
		want Style
	}{
		{"a file", Auto, env(), Style{}},
		{"a file, colour asked for", Always, env(), Style{Color: true}},
		{"asked for, against NO_COLOR", Always, env("NO_COLOR", "1"), Style{Color: true}},
		{"never", Never, env(), Style{}},
	} {
		if got := For(file, c.mode, c.env); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	if got := For(new(bytes.Buffer), Auto, env()); got != (Style{}) {
		t.Errorf("no file: %+v", got)
	}
}

func TestPaintCostsNoColumns(t *testing.T) {
	text := "größe 7"
	if got := (Style{}).Paint(Bad, text); got != text {
		t.Errorf("plain: %q", got)
	}
	painted := Style{Color: true}.Paint(Bad, text)
	if painted == text || Len(painted) != 7 || Len(text) != 7 {
		t.Errorf("%q has %d columns", painted, Len(painted))
	}
	if got := Pad(painted, 9); Len(got) != 9 || !strings.HasSuffix(got, "  ") {
		t.Errorf("padded: %q", got)
	}
	if got := (Style{Color: true}).Paint(Bad, ""); got != "" {
		t.Errorf("nothing, painted: %q", got)
	}
}

func TestColumns(t *testing.T) {
	s := Style{Color: true}
	got := Columns([][]string{{s.Paint(Heading, "A"), "B", ""}, {"longer", "", ""}, {"x", "y", "z"}}, 2)
	want := []string{s.Paint(Heading, "A") + "       B", "longer", "x       y  z"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Columns(nil, 2); len(got) != 0 {
		t.Errorf("no rows: %q", got)
	}
}

// TestWrap: all words, in order, and no line wider than asked for unless a word
// is.
func TestWrap(t *testing.T) {
	if got := Wrap("one two three", 7, "  "); !slices.Equal(got, []string{"one two", "  three"}) {
		t.Errorf("got %q", got)
	}
	if got := Wrap("  ", 7, "  "); len(got) != 0 {
		t.Errorf("nothing: %q", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[a-zé]{1,12}`), 1, 30).Draw(t, "words")
		width := rapid.IntRange(4, 40).Draw(t, "width")
		lines := Wrap(strings.Join(words, " "), width, "  ")
		if got := strings.Fields(strings.Join(lines, " ")); !slices.Equal(got, words) {
			t.Fatalf("other words: %q", got)
		}
		for i, l := range lines {
			if Len(l) > width && len(strings.Fields(l)) > 1 {
				t.Fatalf("line %d is wider than %d: %q", i, width, l)
			}
			if i > 0 && !strings.HasPrefix(l, "  ") {
				t.Fatalf("line %d is not indented: %q", i, l)
			}
		}
	})
}

// TestClean: nothing that moves a cursor, rings a bell or turns text round.
func TestClean(t *testing.T) {
	if got := Clean("größe\n\tx"); got != "größe\n\tx" {
		t.Errorf("text has changed: %q", got)
	}
	hostile := "a\x1b[2Jb\rc\x07d\x00e\u202ef\u0085g\u2028h\x7fi"
	got := Clean(hostile)
	if strings.ContainsAny(got, "\x1b\r\x07\x00\u202e\u0085\u2028\x7f") || !strings.HasPrefix(got, "a") || !strings.HasSuffix(got, "i") {
		t.Errorf("got %q", got)
	}
	if got := Clean("a\u2066b\u2069c\u200fd"); strings.ContainsAny(got, "\u2066\u2069\u200f") {
		t.Errorf("text is turned round: %q", got)
	}
	if got := Line("a\n refused  b\t c"); got != "a refused b c" {
		t.Errorf("a name is more than a line: %q", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		once := Clean(rapid.String().Draw(t, "text"))
		if Clean(once) != once {
			t.Fatalf("cleaning %q again changes it", once)
		}
	})
}
