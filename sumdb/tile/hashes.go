package tile

import (
	"encoding/base64"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// FormatHashes writes the hashes of a proof as the C2SP formats have them: each in
// base64, on a line of its own.
func FormatHashes(hashes []tlog.Hash) string {
	var b strings.Builder
	for _, h := range hashes {
		b.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
	}
	return b.String()
}

// ParseHashes reads such lines, without their newlines. It takes more than one
// spelling of a hash: whoever wants one compares with what FormatHashes writes.
func ParseHashes(lines []string) (hashes []tlog.Hash, ok bool) {
	for _, line := range lines {
		raw, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(raw) != tlog.HashSize {
			return nil, false
		}
		hashes = append(hashes, tlog.Hash(raw))
	}
	return hashes, true
}
