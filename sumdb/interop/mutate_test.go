package interop

import (
	"math/rand/v2"
	"strings"
)

// mutants returns n texts that are nearly good, and the good one itself: bytes
// changed, lines doubled, dropped and swapped, numbers and base64 spelt otherwise.
func mutants(good string, n int, seed uint64) []string {
	r := rand.New(rand.NewPCG(seed, 7))
	out := []string{good}
	for range n {
		s := good
		for range 1 + r.IntN(2) {
			s = mutate(s, r)
		}
		out = append(out, s)
	}
	return out
}

var pieces = []string{"\n", "\r\n", " ", "\t", "+", "-", "0", "00", "=", "==", "—", "— ", "\x00", "\xff", "#", "index ", "007", "AAAA", "9223372036854775808", "18446744073709551615"}

func mutate(s string, r *rand.Rand) string {
	if s == "" {
		return pieces[r.IntN(len(pieces))]
	}
	at := func() int { return r.IntN(len(s) + 1) }
	switch lines := strings.SplitAfter(s, "\n"); r.IntN(9) {
	case 0: // one byte becomes another of the text
		i := r.IntN(len(s))
		return s[:i] + string(s[r.IntN(len(s))]) + s[i+1:]
	case 1: // a bit
		b := []byte(s)
		b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		return string(b)
	case 2, 3:
		i := at()
		return s[:i] + pieces[r.IntN(len(pieces))] + s[i:]
	case 4: // some bytes are gone
		i := at()
		return s[:i] + s[min(len(s), i+1+r.IntN(4)):]
	case 5: // a line twice
		i := r.IntN(len(lines))
		return strings.Join(lines[:i+1], "") + strings.Join(lines[i:], "")
	case 6: // a line gone
		i := r.IntN(len(lines))
		return strings.Join(lines[:i], "") + strings.Join(lines[i+1:], "")
	case 7: // two lines swapped
		i, j := r.IntN(len(lines)), r.IntN(len(lines))
		lines[i], lines[j] = lines[j], lines[i]
		return strings.Join(lines, "")
	default: // the last digit before a line's end: another, which base64 may ignore
		i := r.IntN(len(lines))
		if l := strings.TrimRight(lines[i], "=\n"); len(l) > 0 {
			const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
			lines[i] = l[:len(l)-1] + string(digits[r.IntN(64)]) + lines[i][len(l):]
		}
		return strings.Join(lines, "")
	}
}
