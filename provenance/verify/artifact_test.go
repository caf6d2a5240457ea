package verify

import (
	"strings"
	"testing"

	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/record"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// TestArtifact: a package is known by its bytes, wherever it is stated; other bytes
// of its name, a stolen key and a withdrawal are told.
func TestArtifact(t *testing.T) {
	w := newWorld(t)
	deb := File{Name: "demo_1.0_all.deb", SHA256: hashOf([]byte("deb")), Size: 3}
	other := File{Name: deb.Name, SHA256: hashOf([]byte("changed")), Size: 7}
	ask := func(f File, large bool) *Report {
		t.Helper()
		in := w.input()
		in.File, in.Project = &f, "demo"
		if large {
			in.fsck = 1 // the index has to find it
		}
		return w.verifyInput(in)
	}
	both := func(f File, exit int, want ...string) {
		t.Helper()
		for _, large := range []bool{false, true} {
			w.expect(ask(f, large), exit, want...)
		}
	}
	both(deb, 1, "artifact-unknown")

	x := record.Artifact{Head: w.head(), Project: "demo", Version: "1.0", Lock: hashOf(w.lock.Format()), Evidence: hashOf([]byte("report")),
		File: record.File{Name: deb.Name, SHA256: deb.SHA256, Size: deb.Size}}
	_, err := log.WritePending(w.house.Path("pending"), w.leaf(x))
	w.must(err)
	r := ask(deb, false)
	w.expect(r, 0, "artifact-pending", "pending-statements")
	w.remove("pending")

	w.state(x)
	both(deb, 0) // in the log's tail
	both(other, 1, "artifact-changed")
	w.prove()
	both(deb, 0) // before the proof's end, not in the proof
	r = ask(deb, false)
	if s := r.File.Statements; len(s) != 1 || s[0].Kind != "artifact" || s[0].Project != "demo" || s[0].Version != "1.0" ||
		s[0].Lock != x.Lock || s[0].Evidence != x.Evidence || s[0].Index <= 0 || !strings.Contains(s[0].Key, "publisher") {
		t.Errorf("statements: %+v", s)
	}
	both(other, 1, "artifact-changed")
	both(File{Name: "renamed.deb", SHA256: deb.SHA256, Size: 3}, 0)
	wheel := w.pkg("alpha").Wheels[0]
	both(File{Name: wheel.Name, SHA256: wheel.SHA256, Size: wheel.Size}, 0)

	// Behind an index statement, in a log too large to be read.
	w.filler(300)
	w.prove()
	both(deb, 0)

	w.state(record.Withdraw{Head: w.head(), Name: "demo", Version: "1.0", File: x.File, Reason: "built on a bad machine"})
	both(deb, 1, "artifact-withdrawn")
	w.prove()
	both(deb, 1, "artifact-withdrawn")
	if r = ask(deb, true); !strings.Contains(dump(r), "built on a bad machine") {
		t.Error(dump(r))
	}
}

// TestArtifactByThief: what only a stolen key has stated is nothing.
func TestArtifactByThief(t *testing.T) {
	w := newWorld(t)
	first := w.signer(trust.RolePublisher)
	vkey := w.addKey(trust.RolePublisher)
	deb := File{Name: "demo_1.0_all.deb", SHA256: hashOf([]byte("deb")), Size: 3}
	w.state(record.Artifact{Head: w.head(), Project: "demo", File: record.File{Name: deb.Name, SHA256: deb.SHA256, Size: 3}})
	w.who[trust.RolePublisher] = first
	w.nextRoot(func(r *trust.Root) error { return trust.Revoke(r, vkey, trust.Stolen, 1) })
	w.prove()
	in := w.input()
	in.File, in.Project = &deb, "demo"
	r := w.verifyInput(in)
	if got := ids(r); r.Exit() != 1 || got[0] != "stolen-key" || len(r.File.Statements) != 0 {
		t.Errorf("exit %d, %v", r.Exit(), got)
	}
}
