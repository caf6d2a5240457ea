package pep440

import (
	"strconv"
	"strings"
)

// Bytes of a key; see the package comment.
const (
	endOfRelease = 0x00
	phaseDev     = 1
	phaseFinal   = 5 // a, b, rc are 2, 3, 4
	markDev      = 1
	markNone     = 2
	markPost     = 3
	noLocal      = 0
	someLocal    = 1
	labelText    = 1
	labelNumber  = 2
	endOfLabels  = 0x00
	above        = 0xFF // greater than any byte at the places where it stands
)

// trimmed is the length of the release without trailing zeros, at least 1.
func (p *parts) trimmed() int {
	release := p.release()
	n := len(release)
	for n > 1 && release[n-1] == "0" {
		n--
	}
	return n
}

// zeros is the number of trailing zeros that were written.
func (p *parts) zeros() int { return len(p.release()) - p.trimmed() }

// appendRelease appends epoch and release.
func (p *parts) appendRelease(dst []byte) []byte {
	dst = appendNumber(dst, p.epoch)
	for _, n := range p.release()[:p.trimmed()] {
		dst = appendNumber(dst, n)
	}
	return append(dst, endOfRelease)
}

// appendKey appends the sort key.
func (p *parts) appendKey(dst []byte) []byte {
	dst = p.appendRelease(dst)
	switch {
	case p.pre != 0:
		dst = append(dst, p.pre-'a'+2)
		dst = appendNumber(dst, p.preNum)
	case p.post == "" && p.dev != "":
		dst = appendNumber(append(dst, phaseDev), p.dev)
		return p.appendLocal(dst)
	default:
		dst = append(dst, phaseFinal)
	}
	if p.post != "" {
		dst = appendNumber(append(dst, markPost), p.post)
	}
	if p.dev != "" {
		dst = appendNumber(append(dst, markDev), p.dev)
	} else {
		dst = append(dst, markNone)
	}
	return p.appendLocal(dst)
}

func (p *parts) appendLocal(dst []byte) []byte {
	if p.local == "" {
		return append(dst, noLocal)
	}
	dst = append(dst, someLocal)
	for label := range labels(p.local) {
		if digits, ok := numeric(label); ok {
			dst = appendNumber(append(dst, labelNumber), digits)
			continue
		}
		dst = append(dst, labelText)
		for i := range len(label) {
			dst = append(dst, lower(label[i]))
		}
		dst = append(dst, 0)
	}
	return append(dst, endOfLabels)
}

// labels yields the labels of a local part.
func labels(local string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		start := 0
		for i := range len(local) {
			if isSeparator(local[i]) {
				if !yield(local[start:i]) {
					return
				}
				start = i + 1
			}
		}
		yield(local[start:])
	}
}

// numeric reports whether a label is a number, and which.
func numeric(label string) (string, bool) {
	for i := range len(label) {
		if !isDigit(label[i]) {
			return "", false
		}
	}
	return trimZeros(label), true
}

// appendText appends the normal form.
func (p *parts) appendText(dst []byte) []byte {
	dst = p.appendBase(dst)
	switch p.pre {
	case 0:
	case 'c':
		dst = append(append(dst, "rc"...), p.preNum...)
	default:
		dst = append(append(dst, p.pre), p.preNum...)
	}
	if p.post != "" {
		dst = append(append(dst, ".post"...), p.post...)
	}
	if p.dev != "" {
		dst = append(append(dst, ".dev"...), p.dev...)
	}
	if p.local == "" {
		return dst
	}
	separator := byte('+')
	for label := range labels(p.local) {
		dst = append(dst, separator)
		separator = '.'
		if digits, ok := numeric(label); ok {
			dst = append(dst, digits...)
			continue
		}
		for i := range len(label) {
			dst = append(dst, lower(label[i]))
		}
	}
	return dst
}

// appendBase appends epoch and release in normal form.
func (p *parts) appendBase(dst []byte) []byte {
	if p.epoch != "0" {
		dst = append(append(dst, p.epoch...), '!')
	}
	for i, n := range p.release() {
		if i > 0 {
			dst = append(dst, '.')
		}
		dst = append(dst, n...)
	}
	return dst
}

func (p *parts) String() string { return string(p.appendText(nil)) }

// keyReader takes a key apart. Keys are only ever our own, so it does not
// look for malformed ones.
type keyReader struct{ key string }

func (r *keyReader) byte() byte {
	b := r.key[0]
	r.key = r.key[1:]
	return b
}

func (r *keyReader) number() string {
	b := r.byte()
	switch {
	case b <= smallNumbers:
		return strconv.Itoa(int(b) - 1)
	case b == hugeNumber:
		n := int(r.byte())<<8 | int(r.byte())
		digits := r.key[:n]
		r.key = r.key[n:]
		return digits
	}
	var n uint64
	for range b - wideNumber {
		n = n<<8 | uint64(r.byte())
	}
	return strconv.FormatUint(n, 10)
}

// decode is the inverse of appendKey. It stops at a byte that belongs to no
// key and returns what is left: "" for a version, the number of zeros for one
// spelling, above for the place just above what was read.
func decode(key string) (p *parts, rest string) {
	p = &parts{}
	r := &keyReader{key}
	p.epoch = r.number()
	for r.key[0] != endOfRelease {
		p.addRelease(r.number())
	}
	r.byte()
	if r.key[0] == above {
		return p, r.key
	}
	switch phase := r.byte(); phase {
	case phaseDev:
		p.dev = r.number()
	default:
		if phase != phaseFinal {
			p.pre = phase - 2 + 'a'
			p.preNum = r.number()
		}
		mark := r.byte()
		if mark == markPost {
			p.post = r.number()
			mark = r.byte()
		}
		if mark == markDev {
			p.dev = r.number()
		}
	}
	if r.byte() == someLocal {
		p.local = r.labels()
	}
	return p, r.key
}

func (r *keyReader) labels() string {
	var labels []string
	for {
		switch r.byte() {
		case endOfLabels:
			return strings.Join(labels, ".")
		case labelNumber:
			labels = append(labels, r.number())
		default:
			end := strings.IndexByte(r.key, 0)
			labels = append(labels, r.key[:end])
			r.key = r.key[end+1:]
		}
	}
}
