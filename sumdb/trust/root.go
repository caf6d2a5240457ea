package trust

import "errors"

// ParseRoot reads a root document strictly. It checks everything that can be
// seen in one document alone, certificates and verifier keys included.
func ParseRoot(data []byte) (*Root, error) { return nil, errors.New("unwritten") }

// Format writes the document's one spelling.
func (r *Root) Format() []byte { return nil }

// Digest is "sha256:" and the hash of data, as root documents and statements name files.
func Digest(data []byte) string { return "" }
