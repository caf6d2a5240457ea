package normalize

import (
	"io"

	"github.com/klauspost/compress/flate"
)

// level of the pinned compressor: of the levels that take no longer than zlib's
// usual one, the one with the smallest output.
const level = 8

// deflater packs one stream after another. Its output depends on the bytes alone:
// not on how they are cut into writes, nor on what was packed before. Tests say so,
// and pin the output by hash.
type deflater struct{ w *flate.Writer }

// pack writes what r has as one deflate stream (RFC 1951).
func (d *deflater) pack(dst io.Writer, r io.Reader) error {
	if d.w == nil {
		d.w, _ = flate.NewWriter(dst, level) // fails for an unknown level only
	} else {
		d.w.Reset(dst)
	}
	// The wrappers hide ReadFrom and WriteTo: one way of copying, not two.
	if _, err := io.CopyBuffer(struct{ io.Writer }{d.w}, struct{ io.Reader }{r}, make([]byte, 64<<10)); err != nil {
		return err
	}
	return d.w.Close()
}
