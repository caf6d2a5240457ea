package record_test

import (
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/record"
)

type stater interface {
	Statement() (*record.Statement, error)
}

// d is a digest of one hex digit.
func d(c string) string { return strings.Repeat(c, 64) }

func everyKind() []stater {
	at := time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)
	head := record.Head{Log: "wheels.example.org", Time: at}
	wheel := record.File{Name: "markupsafe-3.0.2-cp311-cp311-linux_x86_64.whl", SHA256: d("a"), Size: 27190}
	sdist := record.File{Name: "markupsafe-3.0.2.tar.gz", SHA256: d("b"), Size: 20537}
	return []stater{
		record.Source{Head: head, Name: "markupsafe", Version: "3.0.2", File: sdist, Uploaded: at.AddDate(-2, 0, 0)},
		record.Upstream{Head: head, Name: "markupsafe", Version: "3.0.2", File: wheel},
		record.Build{
			Head: head, Name: "markupsafe", Version: "3.0.2", Target: "bookworm", Recipe: d("c"), Source: d("b"),
			File: wheel, Content: d("d"), Evidence: d("e"), Supersedes: 4711, Reason: "the compiler was replaced",
			Upstream: []record.Comparison{{Verdict: "differs", SHA256: d("f"), Causes: []string{"vendored-libs", "native-compiler"}}},
		},
		record.Build{
			Head: head, Name: "markupsafe", Version: "3.0.2", Target: "focal", Recipe: d("c"), Source: d("b"),
			Failed: "not-reproducible", Evidence: d("e"), Supersedes: record.NoIndex,
		},
		record.Lock{Head: head, Lock: d("1"), Project: "client", Revision: "v1.2.3-4-gabcdef"},
		record.Review{Head: head, Name: "markupsafe", Version: "3.0.2", Source: d("b"), From: d("2"), Criteria: []string{"safe-to-run", "read-whole-diff"}},
		record.Waiver{Head: head, Name: "markupsafe", Version: "-", Rule: "reviews", Reason: "release day; read by two people on paper", Until: at.AddDate(0, 1, 0)},
		record.Publish{Head: head, File: record.File{Name: "sha256sums.txt", SHA256: d("3"), Size: 4096}},
		record.Withdraw{Head: head, Name: "markupsafe", Version: "3.0.2", File: wheel, Target: "bookworm", Reason: "built on a compromised machine"},
		record.Prune{Head: head, Files: []record.File{wheel, sdist}},
		record.Release{Head: head, Project: "client", Version: "1.2.3", Revision: "1.2.3@b0f1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9", File: record.File{Name: "client-1.2.3.tar.gz", SHA256: d("4"), Size: 1}},
		record.Artifact{Head: head, Project: "client", Version: "1.2.3", Target: "bookworm", Lock: d("1"), File: record.File{Name: "client_1.2.3+bookworm_all.deb", SHA256: d("5"), Size: 0}},
		record.Index{Head: head, Entries: 42, Root: d("6")},
		record.Root{Head: head, Number: 1, Document: d("7"), Signature: d("8")},
	}
}
