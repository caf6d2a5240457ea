package build

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLinking(t *testing.T) {
	i := &Interpreter{Prefix: "/home/me/py/3.12", linkers: map[string]string{
		"LDSHARED":    "gcc -shared -L/home/me/py/3.12/lib -Wl,-rpath,/home/me/py/3.12/lib -L/home/me/py/3.12-other/lib -O2",
		"LDCXXSHARED": "g++ -shared",
	}}
	want := []string{"A=b", "LDSHARED=gcc -shared -L/home/me/py/3.12-other/lib -O2"}
	if d := cmp.Diff(want, i.linking([]string{"A=b"})); d != "" {
		t.Error(d)
	}
	// The recipe's own word stands.
	own := []string{"LDSHARED=ld"}
	if d := cmp.Diff(own, i.linking(own)); d != "" {
		t.Error(d)
	}
}
