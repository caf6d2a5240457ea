package normalize

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The worked bytes of the package comment are what is written.
func TestWorkedBytes(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	c := container{level: 6, when: time.Unix(1e9, 0)}
	w := filepath.Join(t.TempDir(), "small-1.0-py3-none-any.whl")
	c.wheel(t, w, []file{{"a.py", "", false}, {info + "METADATA", "Name: a\n", false}, {info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n", false}})
	b, _ := normal(t, w, Options{})
	dump(t, doc, b[:34])
	i := bytes.Index(b, []byte("PK\x01\x02"))
	dump(t, doc, b[i:i+50])
	h := header("a-1/PKG-INFO", "", 0o644, 8, SdistEpoch, '0')
	dump(t, doc, h[:192])
	dump(t, doc, h[256:288])
	s := filepath.Join(t.TempDir(), "a-1.tar.gz")
	c.sdist(t, s, []file{{"a-1/PKG-INFO", "Name: a\n", false}})
	b, _ = normal(t, s, Options{})
	dump(t, doc, b[:16])
	if got := paxRecord("path", strings.Repeat("x", 90)); got[:9] != "99 path=x" || len(got) != 99 {
		t.Errorf("pax record %q of %d bytes", got, len(got))
	}
}

// dump wants the bytes in the comment, 16 a line in hex.
func dump(t *testing.T, doc, b []byte) {
	t.Helper()
	var lines strings.Builder
	for i := 0; i < len(b); i += 16 {
		fmt.Fprintf(&lines, "//\t% x\n", b[i:min(i+16, len(b))])
	}
	if !strings.Contains(string(doc), lines.String()) {
		t.Errorf("the package comment has not\n%s", lines.String())
	}
}
