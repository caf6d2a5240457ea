package sumdbtest

import (
	"crypto/sha256"

	"golang.org/x/mod/sumdb/tlog"
)

// The functions here are RFC 6962, sections 2.1 to 2.1.2, word by word: slow,
// and with nothing in common with how the log computes the same.

// LeafHash is the hash of a leaf.
func LeafHash(leaf []byte) tlog.Hash {
	return sha256.Sum256(append([]byte{0}, leaf...))
}

func nodeHash(a, b tlog.Hash) tlog.Hash {
	return sha256.Sum256(append(append([]byte{1}, a[:]...), b[:]...))
}

// split is the largest power of two smaller than n.
func split(n int) int {
	k := 1
	for k*2 < n {
		k *= 2
	}
	return k
}

// MerkleRoot is MTH(D).
func MerkleRoot(leaves [][]byte) tlog.Hash {
	switch n := len(leaves); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return LeafHash(leaves[0])
	default:
		k := split(n)
		return nodeHash(MerkleRoot(leaves[:k]), MerkleRoot(leaves[k:]))
	}
}

// InclusionProof is PATH(m, D).
func InclusionProof(m int, leaves [][]byte) []tlog.Hash {
	n := len(leaves)
	if n == 1 {
		return nil
	}
	k := split(n)
	if m < k {
		return append(InclusionProof(m, leaves[:k]), MerkleRoot(leaves[k:]))
	}
	return append(InclusionProof(m-k, leaves[k:]), MerkleRoot(leaves[:k]))
}

// ConsistencyProof is PROOF(m, D).
func ConsistencyProof(m int, leaves [][]byte) []tlog.Hash { return subProof(m, leaves, true) }

func subProof(m int, leaves [][]byte, whole bool) []tlog.Hash {
	n := len(leaves)
	if m == n {
		if whole {
			return nil
		}
		return []tlog.Hash{MerkleRoot(leaves)}
	}
	k := split(n)
	if m <= k {
		return append(subProof(m, leaves[:k], whole), MerkleRoot(leaves[k:]))
	}
	return append(subProof(m-k, leaves[k:], false), MerkleRoot(leaves[:k]))
}
