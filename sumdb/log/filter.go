package log

// A filter says of a key that it is not in a segment, or that it may be. It is a
// Bloom filter in blocks of one cache line with 16 bits a key, of which each key
// sets six: it says "may be" to one in a thousand that are not there. Keys are
// hashes already, so their own bits say where.
type filter []filterBlock

type filterBlock [8]uint64

const (
	bitsPerKey = 16
	blockBits  = 512
	keyBits    = 6
)

func newFilter(keys int64) filter { return make(filter, keys*bitsPerKey/blockBits+1) }

// block is chosen by the upper half of the key, the bits in it by the lower bits.
func (f filter) block(key uint64) *filterBlock { return &f[(key>>32)*uint64(len(f))>>32] }

func (f filter) add(key uint64) {
	b := f.block(key)
	for range keyBits {
		b[key>>6&7] |= 1 << (key & 63)
		key >>= 9
	}
}

func (f filter) has(key uint64) bool {
	b := f.block(key)
	for range keyBits {
		if b[key>>6&7]&(1<<(key&63)) == 0 {
			return false
		}
		key >>= 9
	}
	return true
}

// join adds what another filter of the same size has.
func (f filter) join(other filter) {
	for i := range f {
		for k := range f[i] {
			f[i][k] |= other[i][k]
		}
	}
}
