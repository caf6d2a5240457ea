// Package pep440 implements Python's version scheme: versions, version
// specifiers and sets of versions. The source is PEP 440 as kept in the
// packaging user guide ("Version specifiers"); where the text leaves a choice,
// Python's packaging 26 is followed.
//
// # Versions
//
// A version is [N!]N(.N)*[{a|b|rc}N][.postN][.devN][+label(.label)*]. Parse
// takes every spelling that the standard allows ("v1.0-ALPHA_2") and String
// gives the one normal form ("1.0a2"). Order, for one epoch and release:
//
//	1.0.dev1  1.0a1.dev1  1.0a1  1.0a1.post1  1.0b1  1.0rc1  1.0  1.0+x  1.0+1  1.0.post1.dev1  1.0.post1  1.0.1
//
// Trailing zeros do not count: 1.0 and 1 are equal (but String keeps them).
//
// # Sort keys
//
// Parse computes a byte string whose plain byte order is the order of versions,
// so that Compare is one string comparison. It is a sequence of parts of which
// none can be the beginning of another:
//
//	number   0..190: one byte n+1. Larger: 0xC0+k and k bytes, big endian, k in 1..8.
//	         More than 64 bits: 0xF0, the count of decimal digits in two bytes, the digits
//	release  its numbers without trailing zeros (one is kept), then 0x00
//	phase    1 dev only, 2 a, 3 b, 4 rc, 5 final
//	after 1  the number of .dev
//	after 2-4 the number, then as after 5
//	after 5  1 .devN | 2 nothing | 3 .postN, then 1 .devN | 2 nothing
//	local    0 none, or 1 and the labels: 1 text 0x00 | 2 number; then 0x00
//
// and, after the key, the number of trailing zeros that were written. So
// "1.0rc1" is 01 | 02 00 | 04 02 02 | 00 | 02: epoch 0, release 1, rc 1,
// neither post nor dev, no local label, one zero.
//
// # Sets
//
// A Set is a sorted list of cuts between versions, each given as a key: a
// version belongs to it if the number of cuts at or below it is odd. A specifier
// is one or two intervals:
//
//	>=V       [V, ...)            <=V    (..., the first version after V's local variants)
//	<V        (..., V.dev0), or (..., V) for a pre-release V
//	>V        [after V's post-releases and local variants, ...)
//	==V       [V, after V's local variants)       ==V+x  V+x alone
//	==1.2.*   [1.2.dev0, 1.3.dev0)                ~=1.2.3  [1.2.3, 1.3.dev0)
//	===V      the one spelling V
//
// Each cut is moved up to the least version above it where there is one
// (after 1.0's local variants comes 1.0.post0.dev0). Hence two cuts
// that differ have a version between them, equal sets have equal cuts, and
// emptiness, inclusion and disjointness are exact.
package pep440
