package pep440

import "strconv"

// Numbers are decimal strings of any length, because the standard sets no
// bound and real indexes carry dates and hashes beyond 64 bits.

// trimZeros removes leading zeros; "" and "000" become "0".
func trimZeros(digits string) string {
	for len(digits) > 1 && digits[0] == '0' {
		digits = digits[1:]
	}
	if digits == "" {
		return "0"
	}
	return digits
}

const (
	smallNumbers = 191  // numbers below this take one byte in a key
	wideNumber   = 0xC0 // plus the count of bytes that follow
	hugeNumber   = 0xF0 // decimal digits follow, after their count
)

// appendNumber appends the key form of a number without leading zeros.
func appendNumber(dst []byte, digits string) []byte {
	if len(digits) > 19 { // 19 digits always fit into 64 bits
		dst = append(dst, hugeNumber, byte(len(digits)>>8), byte(len(digits)))
		return append(dst, digits...)
	}
	var n uint64
	for i := range len(digits) {
		n = n*10 + uint64(digits[i]-'0')
	}
	if n < smallNumbers {
		return append(dst, byte(n)+1)
	}
	width := 1
	for n>>(8*width) != 0 && width < 8 {
		width++
	}
	dst = append(dst, wideNumber+byte(width))
	for i := width - 1; i >= 0; i-- {
		dst = append(dst, byte(n>>(8*i)))
	}
	return dst
}

// increment returns n+1.
func increment(n string) string {
	b := []byte(n)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != '9' {
			b[i]++
			return string(b)
		}
		b[i] = '0'
	}
	return "1" + string(b)
}

// decrement returns n-1; n must not be "0".
func decrement(n string) string {
	b := []byte(n)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != '0' {
			b[i]--
			break
		}
		b[i] = '9'
	}
	return trimZeros(string(b))
}

// appendInt appends the key form of a count.
func appendInt(dst []byte, n int) []byte {
	if n < smallNumbers {
		return append(dst, byte(n)+1)
	}
	return appendNumber(dst, strconv.Itoa(n))
}
