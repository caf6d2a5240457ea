package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freedomofpress/wheellock/resolve/tags"
)

func foundHere(t *testing.T) []found {
	t.Helper()
	own, err := tags.Lookup("bookworm")
	if err != nil {
		t.Fatal(err)
	}
	newer, err := tags.Lookup("3.13.0@manylinux_2_36_x86_64")
	if err != nil {
		t.Fatal(err)
	}
	return []found{{"/usr/bin/python3", own}, {"/home/me/.pyenv/versions/3.13.0/bin/python", newer}}
}

// The whole dialogue, as somebody who errs once at each question sees it; what
// is typed stands where a terminal would show it.
func TestInterview(t *testing.T) {
	const typed = "7\nbokworm\n2, debian-12 focal\nx\nsecure\nhttp://w.example\nhouse\n"
	const want = `Pythons of this machine:
  1  bookworm                       /usr/bin/python3
  2  3.13.0@manylinux_2_36_x86_64   ~/.pyenv/versions/3.13.0/bin/python
Lock for which targets? Numbers, or names such as focal or bookworm-arm64 [1] 7
there is no number 7
Lock for which targets? Numbers, or names such as focal or bookworm-arm64 [1] bokworm
unknown target "bokworm": did you mean bookworm?
Lock for which targets? Numbers, or names such as focal or bookworm-arm64 [1] 2, debian-12 focal

Presets:
  reproducible  rebuild everything; mirror what differs from upstream
  securedrop    build and mirror everything; statements wait for CI
  upstream      take published wheels by hash
Which preset? [reproducible] x
"x" is none of reproducible, securedrop, upstream
Which preset? [reproducible] secure

Where is the wheelhouse? A folder, or an https address to read from [wheelhouse] http://w.example
"http://w.example" is neither a folder nor an https address
Where is the wheelhouse? A folder, or an https address to read from [wheelhouse] house

`
	screen := &bytes.Buffer{}
	a := &app{World: World{In: strings.NewReader(typed), Err: &echo{screen, strings.Split(typed, "\n")},
		Getenv: func(name string) string { return map[string]string{"HOME": "/home/me"}[name] }}}
	o, err := a.interview(context.Background(), foundHere(t))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, screen.String()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if d := cmp.Diff([]string{"securedrop", "house", "3.13.0@manylinux_2_36_x86_64", "debian-12", "focal"}, append([]string{o.preset, o.wheelhouse}, o.targets...)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// echo shows each typed line after its question, as a terminal does.
type echo struct {
	screen *bytes.Buffer
	typed  []string
}

func (e *echo) Write(b []byte) (int, error) {
	e.screen.Write(b)
	if bytes.HasSuffix(b, []byte("] ")) {
		e.screen.WriteString(e.typed[0] + "\n")
		e.typed = e.typed[1:]
	}
	return len(b), nil
}

// Enter takes the defaults; an end of the input, too many wrong answers and an
// interrupt end the dialogue.
func TestInterviewEnds(t *testing.T) {
	stopped, stop := context.WithCancel(context.Background())
	stop()
	for _, c := range []struct {
		name, typed string
		ctx         context.Context
		want        string
	}{
		{"enter", "\n\n\n", context.Background(), ""},
		{"end", "\n\n", context.Background(), "nothing was written"},
		{"wrong", strings.Repeat("9\n", 9), context.Background(), "no usable answer to: Lock for which targets?"},
		{"interrupt", "", stopped, "context canceled"},
	} {
		a := &app{World: World{In: strings.NewReader(c.typed), Err: &bytes.Buffer{}, Getenv: func(string) string { return "" }}}
		if c.name == "interrupt" {
			a.In = never{}
		}
		o, err := a.interview(c.ctx, foundHere(t))
		switch {
		case c.want == "" && (err != nil || o.preset != "reproducible" || o.wheelhouse != "wheelhouse" || !cmp.Equal(o.targets, []string{"bookworm"})):
			t.Errorf("%s: %+v, %v", c.name, o, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// never is a terminal at which nobody types.
type never struct{}

func (never) Read([]byte) (int, error) { select {} }

// Whatever is on the path, only interpreters are started, each once.
func TestPythonNames(t *testing.T) {
	for name, want := range map[string]bool{
		"python": true, "python3": true, "python3.12": true, "python3.13t": true, "pypy3": true, "pypy3.10": true, "python.exe": true,
		"python3-config": false, "python3.12-config": false, "pythonw.exe": false, "ipython": false, "python3.12.bak": false, "python4": false,
	} {
		if got := pythonName.MatchString(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
