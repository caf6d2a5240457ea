package dropin

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func put(t *testing.T, dir, name, content string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func pointerText(hash string, size any) string {
	return fmt.Sprintf("%soid sha256:%s\nsize %v\n", pointerMagic, hash, size)
}

func check(t *testing.T, dir string, lists ...Sums) (*Folder, string) {
	t.Helper()
	f, err := Check(context.Background(), dir, lists)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, x := range f.Findings {
		b.WriteString(x.Kind + " " + x.File + "\n")
	}
	return f, b.String()
}

func TestCheckFolder(t *testing.T) {
	dir := t.TempDir()
	right := fmt.Sprintf("%x", sha256.Sum256([]byte("right")))
	put(t, dir, "localwheels/right-1-py3-none-any.whl", "right")
	put(t, dir, "localwheels/changed-1-py3-none-any.whl", "changed")
	put(t, dir, "localwheels/pointer-1.tar.gz", pointerText(a, 7))
	put(t, dir, "localwheels/other-1.zip", pointerText(b, 7))
	put(t, dir, "localwheels/broken-1.zip", pointerText("zz", 7))
	put(t, dir, "localwheels/huge-1.zip", pointerText(a, "-1"))
	put(t, dir, "bootstrap/more-1.tar.gz", "more")
	put(t, dir, "README.md", "no artifact")
	entries, err := ParseList(sums(right+"  right-1-py3-none-any.whl", right+"  changed-1-py3-none-any.whl", a+"  pointer-1.tar.gz",
		a+"  other-1.zip", a+"  broken-1.zip", a+"  huge-1.zip", a+"  gone-1.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	f, got := check(t, dir, Sums{"sha256sums.txt", dir, entries})
	const want = `file-not-listed bootstrap/more-1.tar.gz
file-missing gone-1.tar.gz
pointer-malformed localwheels/broken-1.zip
file-changed localwheels/changed-1-py3-none-any.whl
pointer-malformed localwheels/huge-1.zip
file-changed localwheels/other-1.zip
`
	if got != want || f.Files != 1 || f.Pointers != 1 || f.Bytes != 7 {
		t.Errorf("got %+v\n%s", f, got)
	}
}

// Their folders, with pointers in the place of files, as a clone without Git LFS
// has them.
func TestCheckSnapshots(t *testing.T) {
	for snapshot, want := range map[string]string{
		"2020-07-23-f6879bf": "",
		// Four archives that no list covers.
		"2021-04-20-7768326": "file-not-listed bootstrap/",
		"2023-02-07-2ffbc1d": "", "2025-04-30-60a3aca": "", "2026-06-29-8b47a2f": "",
	} {
		from := filepath.Join(shared(t), "securedrop-builder", snapshot)
		dir := t.TempDir()
		for _, line := range strings.Split(strings.TrimSpace(string(read(t, from, "lfs-pointers.tsv"))), "\n") {
			x := strings.Split(line, "\t")
			put(t, dir, x[2], pointerText(x[0], x[1]))
		}
		var lists []Sums
		for _, pattern := range []string{"*sha256sums.txt", "*/sha256sums.txt"} {
			found, _ := filepath.Glob(filepath.Join(from, pattern))
			for _, l := range found {
				rel, _ := filepath.Rel(from, l)
				entries, err := ParseList(read(t, l))
				if err != nil {
					t.Fatal(err)
				}
				lists = append(lists, Sums{rel, filepath.Join(dir, filepath.Dir(rel)), entries})
			}
		}
		f, got := check(t, dir, lists...)
		if want == "" && got != "" || want != "" && (strings.Count(got, want) != 4 || strings.Count(got, "\n") != 4) {
			t.Errorf("%s: got\n%swant %q", snapshot, got, want)
		}
		if f.Files != 0 || f.Pointers == 0 || f.Bytes == 0 {
			t.Errorf("%s: %+v", snapshot, f)
		}
	}
}
