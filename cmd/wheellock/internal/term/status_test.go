package term

import (
	"bytes"
	"strings"
	"testing"
)

func TestStatus(t *testing.T) {
	var out bytes.Buffer
	s := NewStatus(&out, true)
	s.Set("building a")
	s.Print("built b")
	s.Set("")
	if want := "\r\x1b[Kbuilding a\r\x1b[Kbuilt b\nbuilding a\r\x1b[K"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	out.Reset()
	s.Set("a\nb\x1b[2J " + strings.Repeat("long ", 40))
	if got := strings.TrimPrefix(out.String(), clear); Len(got) >= Width || strings.ContainsAny(got, "\n\x1b") {
		t.Errorf("%q does not stay on its line", got)
	}
	out.Reset()
	plain := NewStatus(&out, false)
	plain.Set("building a")
	plain.Print("built b")
	if want := "built b\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
