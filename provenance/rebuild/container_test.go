package rebuild

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/provenance/archive"
)

// TestHostileContainer: a recipe's container that makes a bad wheel of a good one.
func TestHostileContainer(t *testing.T) {
	var good bytes.Buffer
	z, record := zip.NewWriter(&good), ""
	put := func(name, text string) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store, Modified: time.Unix(1729281600, 0).UTC()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(text))
		record += fmt.Sprintf("%s,sha256=%s,%d\n", name, base64.RawURLEncoding.EncodeToString(sum[:]), len(text))
	}
	put("a.py", "../../etc/passwd")
	put("a-1.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
	put("a-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: a\nVersion: 1\n")
	put("a-1.dist-info/RECORD", record+"a-1.dist-info/RECORD,,\n")
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*archive.Container){
		"":                 func(*archive.Container) {},
		"link":             func(c *archive.Container) { c.Members[0].External = 0o120777 << 16 },
		"second directory": func(c *archive.Container) { c.Comment = "PK\x05\x06" + string(make([]byte, 18)) },
		"second name":      func(c *archive.Container) { c.Members[0].Central = []byte("up\x06\x00\x01\x00\x00\x00\x00b") },
		"masked":           func(c *archive.Container) { c.Members[0].Flags |= 1 << 13 },
	} {
		path := filepath.Join(t.TempDir(), "a-1-py3-none-any.whl")
		if err := os.WriteFile(path, good.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		w, err := archive.OpenWheel(path, archive.Read)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := w.Container()
		w.Close()
		if err != nil {
			t.Fatal(err)
		}
		change(plain)
		box, err := archive.ParseContainer(plain.Text())
		if err != nil {
			t.Errorf("%q: refused before it was tried: %v", name, err)
			continue
		}
		if err := fit(path, box); (err == nil) != (name == "") {
			t.Errorf("%q: %v", name, err)
		}
	}
}
