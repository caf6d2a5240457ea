package index

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"strings"
)

// wheelBudget caps what is read of a wheel to find its METADATA: a directory
// may be as long as the file, and an entry of it takes more memory than bytes.
const wheelBudget = maxCentral + MaxMetadata

// budgetReader refuses to read more than so many bytes.
type budgetReader struct {
	r    io.ReaderAt
	left int64
}

func (b *budgetReader) ReadAt(p []byte, off int64) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, errors.New("its directory is too large")
	}
	return b.r.ReadAt(p, off)
}

// maxDescriptor is the size of the record that may follow an entry's data.
const maxDescriptor = 24

// WheelError says that a file is no wheel with one METADATA.
type WheelError struct {
	File string
	Err  error
}

func (e *WheelError) Error() string {
	return fmt.Sprintf("reading the metadata of %s: %v", e.File, e.Err)
}

func (e *WheelError) Unwrap() error { return e.Err }

// Hint says what to try next.
func (e *WheelError) Hint() string {
	return "the published file is broken: choose another version, or build from its source"
}

// wheelMetadata reads the METADATA of a wheel (PEP 427: one *.dist-info folder,
// of the project that the file name says).
func wheelMetadata(name string, r io.ReaderAt, size int64) ([]byte, error) {
	return wheelMetadataWithin(name, r, size, wheelBudget)
}

func wheelMetadataWithin(name string, r io.ReaderAt, size, budget int64) ([]byte, error) {
	z, err := zip.NewReader(&budgetReader{r: r, left: budget}, size)
	if err != nil {
		return nil, wheelError(name, r, err)
	}
	entry, err := metadataEntry(name, z)
	if err != nil {
		return nil, &WheelError{name, err}
	}
	if rg, ok := r.(*ranger); ok {
		// The header's place is found by one read, which brings what is
		// behind it too; the rest comes with one more.
		at, err := entry.DataOffset()
		if err != nil {
			return nil, wheelError(name, r, err)
		}
		if err := rg.want(at, at+int64(min(entry.CompressedSize64, MaxMetadata))+maxDescriptor); err != nil {
			return nil, err
		}
	}
	f, err := entry.Open()
	if err != nil {
		return nil, wheelError(name, r, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxMetadata+1))
	if err != nil {
		return nil, wheelError(name, r, err)
	}
	if len(data) > MaxMetadata {
		return nil, &WheelError{name, fmt.Errorf("METADATA has more than %d MB", MaxMetadata>>20)}
	}
	return data, nil
}

// wheelError tells what is wrong with the zip from what went wrong on the way.
func wheelError(name string, r io.ReaderAt, err error) error {
	if rg, ok := r.(*ranger); ok && rg.broken() != nil {
		return rg.broken()
	}
	return &WheelError{name, err}
}

func metadataEntry(name string, z *zip.Reader) (*zip.File, error) {
	project, _, _ := strings.Cut(name, "-")
	var found *zip.File
	for _, f := range z.File {
		folder, file, ok := strings.Cut(f.Name, "/")
		if !ok || file != "METADATA" || !strings.HasSuffix(folder, ".dist-info") {
			continue
		}
		if found != nil {
			return nil, errors.New("two METADATA")
		}
		found = f
	}
	if found == nil {
		return nil, errors.New("no METADATA")
	}
	folder, _, _ := strings.Cut(found.Name, ".dist-info/")
	of, _, _ := strings.Cut(folder, "-")
	if normalize(of) != normalize(project) && !strings.HasPrefix(normalize(folder), normalize(project)+"-") {
		return nil, fmt.Errorf("METADATA is of %q", of)
	}
	return found, nil
}
