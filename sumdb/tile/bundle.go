package tile

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrBundle is the answer to bytes that are not a bundle of so many leaves.
var ErrBundle = errors.New("malformed entry bundle")

// AppendEntry appends a leaf to a bundle.
func AppendEntry(bundle, leaf []byte) ([]byte, error) {
	if len(leaf) > MaxLeaf {
		return nil, fmt.Errorf("bundling a leaf: %d bytes, at most %d", len(leaf), MaxLeaf)
	}
	bundle = binary.BigEndian.AppendUint16(bundle, uint16(len(leaf)))
	return append(bundle, leaf...), nil
}

// ParseBundle splits a bundle of exactly n leaves. The leaves share its memory.
func ParseBundle(data []byte, n int) ([][]byte, error) {
	leaves := make([][]byte, 0, n)
	for len(leaves) < n {
		if len(data) < 2 {
			return nil, ErrBundle
		}
		size := int(binary.BigEndian.Uint16(data))
		if len(data) < 2+size {
			return nil, ErrBundle
		}
		leaves = append(leaves, data[2:2+size:2+size])
		data = data[2+size:]
	}
	if len(data) != 0 {
		return nil, ErrBundle
	}
	return leaves, nil
}

// Truncate returns the first n leaves of a bundle of at least n, still encoded.
func Truncate(data []byte, n int) ([]byte, error) {
	end := 0
	for range n {
		if len(data)-end < 2 {
			return nil, ErrBundle
		}
		end += 2 + int(binary.BigEndian.Uint16(data[end:]))
		if end > len(data) {
			return nil, ErrBundle
		}
	}
	return data[:end], nil
}
