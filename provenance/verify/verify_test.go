package verify

import (
	"testing"

	"github.com/freedomofpress/wheellock/provenance/workorder"
)

func TestComplete(t *testing.T) {
	w := newWorld(t)
	r := w.verify()
	w.expect(r, 0)
	if r.Class != OK {
		t.Errorf("class %s", r.Class)
	}
	if want := (workorder.Trust{Builders: 1, Root: "provisional"}); r.Trust != want {
		t.Errorf("trust %+v, want %+v", r.Trust, want)
	}
	if want := (Checked{Wheels: 4, Files: 17, Statements: 13, LogSize: 13, Roots: 1}); r.Checked != want {
		t.Errorf("checked %+v, want %+v", r.Checked, want)
	}
	in := w.input()
	in.ForRelease = true
	w.expect(w.verifyInput(in), 1, "root-provisional")
}
