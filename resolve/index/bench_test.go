package index

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// recorded returns a recorded page of the shared snapshot, with addresses.
func recorded(tb testing.TB, name string) string {
	tb.Helper()
	dir := os.Getenv("WHEELLOCK_SHARED")
	if dir == "" {
		dir = "../../../shared"
	}
	f, err := os.Open(filepath.Join(dir, "index-snapshot", "pages", name+".json.gz"))
	if err != nil {
		tb.Skip("the shared index snapshot is not here: set WHEELLOCK_SHARED")
	}
	defer f.Close()
	gz, err := gzip.NewReader(f)
	if err != nil {
		tb.Fatal(err)
	}
	body, err := io.ReadAll(gz)
	if err != nil {
		tb.Fatal(err)
	}
	var page map[string]any
	if err := json.Unmarshal(body, &page); err != nil {
		tb.Fatal(err)
	}
	for _, f := range page["files"].([]any) {
		f := f.(map[string]any)
		f["url"] = "https://files.example/packages/00/11/" + f["hashes"].(map[string]any)["sha256"].(string) + "/" + f["filename"].(string)
	}
	if body, err = json.Marshal(page); err != nil {
		tb.Fatal(err)
	}
	return string(body)
}

var benchBase = &url.URL{Scheme: "https", Host: "index.example", Path: "/simple/boto3/"}

// Every recorded page is read, and comes back from the cache's table.
func TestRecordedPages(t *testing.T) {
	for _, name := range []string{"boto3", "requests", "numpy", "cryptography"} {
		page, err := parseJSON(recorded(t, name), name, benchBase)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeTable("k", (&stored{checked: time.Now(), until: time.Now(), page: page}).encode("k"))
		if err != nil {
			t.Fatal(err)
		}
		for i := range page.Files {
			if page.Files[i] != again.page.Files[i] {
				t.Fatalf("%+v came back as %+v", page.Files[i], again.page.Files[i])
			}
		}
	}
}

func BenchmarkParseJSON(b *testing.B) {
	body := recorded(b, "boto3")
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := parseJSON(body, "boto3", benchBase); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodingJSON(b *testing.B) {
	body := []byte(recorded(b, "boto3"))
	b.SetBytes(int64(len(body)))
	var page struct {
		Files []struct {
			Filename, URL, RequiresPython string
			Hashes                        map[string]string
			Size                          int64
			UploadTime                    time.Time `json:"upload-time"`
			Yanked                        any
		}
	}
	for b.Loop() {
		if err := json.Unmarshal(body, &page); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeTable(b *testing.B) {
	page, err := parseJSON(recorded(b, "boto3"), "boto3", benchBase)
	if err != nil {
		b.Fatal(err)
	}
	data := (&stored{checked: time.Now(), until: time.Now(), page: page}).encode("k")
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := decodeTable("k", data); err != nil {
			b.Fatal(err)
		}
	}
}
