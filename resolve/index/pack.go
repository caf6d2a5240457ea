package index

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"path/filepath"
	"slices"
	"sync"
)

// A pack holds copies of the entries that the last run under Options.Pack used,
// so that the next one opens one file instead of hundreds. It decides nothing: a
// page in it counts while it is fresh and metadata where a hash vouched for it,
// and for all else there are the entries themselves.
//
// It is packMagic, the length of the index (4 bytes, big-endian), the index, and
// the entries one after the other. The index is an entry itself, whose key is
// Options.Pack and whose payload says for each its kind (a byte), its key and its
// size. Entries are checked when they are used, as if they had been read from
// their own places, so that what is damaged costs one entry.
const packMagic = "wheellock-pack/1\n"

// maxPack caps a pack, which is read at once.
const maxPack = 256 << 20

// Kinds of packed entries.
const (
	packedPage byte = 'p' // under the key of the page
	packedHead byte = 'm' // the head of a METADATA, under the key of its entry
)

type packKey struct {
	kind byte
	key  string
}

// pack collects what a run uses. Without a name it is empty and stays so.
type pack struct {
	path, name string

	load   sync.Once
	mu     sync.Mutex
	before map[packKey][]byte // what the last run left
	used   map[packKey][]byte
	dirty  bool // something was used that is not in before
}

func newPack(c cache, name string) *pack {
	return &pack{path: c.path("packs", hexSum([]byte(name))), name: name, used: map[packKey][]byte{}}
}

// get returns the entry that the last run used, unchecked; nil: none.
func (p *pack) get(k packKey) []byte {
	if p.name == "" {
		return nil
	}
	p.load.Do(func() { p.before = readPack(p.name, readEntry(p.path, maxPack)) })
	return p.before[k]
}

// use notes that an entry has been used.
func (p *pack) use(k packKey, entry []byte) {
	if p.name == "" {
		return
	}
	old := p.get(k)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used[k] = entry
	p.dirty = p.dirty || len(old) != len(entry) || len(old) > 0 && &old[0] != &entry[0]
}

// readPack returns the entries of a pack whose index is whole.
func readPack(name string, data []byte) map[packKey][]byte {
	const head = len(packMagic) + 4
	if len(data) < head || string(data[:len(packMagic)]) != packMagic {
		return nil
	}
	n := int64(binary.BigEndian.Uint32(data[len(packMagic):]))
	if n > int64(len(data)-head) {
		return nil
	}
	list, ok := unseal(packMagic, name, data[head:head+int(n)])
	if !ok {
		return nil
	}
	rest := data[head+int(n):]
	r := tableReader{s: text(list)}
	entries := make(map[packKey][]byte, r.count(1))
	for r.s != "" {
		kind, key, size := r.take(1), r.text(), r.uint()
		if r.bad || size > uint64(len(rest)) {
			return nil // cut short
		}
		entries[packKey{kind[0], key}], rest = rest[:size:size], rest[size:]
	}
	return entries
}

// write leaves what was used to the next run. Runs of other verbs use other
// entries of the same project: theirs stay while they are the lesser part.
func (p *pack) write(c cache) error {
	if p.name == "" {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.dirty {
		return nil
	}
	all := make([]packKey, 0, len(p.used)+len(p.before))
	size := 0
	for k, entry := range p.used {
		all, size = append(all, k), size+len(entry)
	}
	for k, entry := range p.before {
		if _, ok := p.used[k]; !ok && len(p.before) <= 2*len(p.used) {
			all, size = append(all, k), size+len(entry)
		}
	}
	if size > maxPack/2 {
		return nil
	}
	slices.SortFunc(all, func(a, b packKey) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.key, b.key)) })
	list := binary.AppendUvarint(begin(packMagic, 128*len(all)), uint64(len(all)))
	for _, k := range all {
		list = binary.AppendUvarint(appendText(append(list, k.kind), k.key), uint64(len(p.entry(k))))
	}
	seal(packMagic, p.name, list)
	data := append(make([]byte, 0, len(packMagic)+4+len(list)+size), packMagic...)
	data = append(binary.BigEndian.AppendUint32(data, uint32(len(list))), list...)
	for _, k := range all {
		data = append(data, p.entry(k)...)
	}
	p.dirty = false
	return c.write(p.path, data)
}

func (p *pack) entry(k packKey) []byte {
	if entry, ok := p.used[k]; ok {
		return entry
	}
	return p.before[k]
}

// WritePack leaves what this run used to the next one with the same
// Options.Pack. Where the cache cannot be written that one is slower.
func (c *Client) WritePack() {
	if err := c.pack.write(c.cache); err != nil {
		c.event(Event{Op: "cache", Name: filepath.Base(c.pack.path), Err: err})
	}
}

// packed returns a page that the last run used and that is still fresh.
func (c *Client) packed(name, key string) *stored {
	k := packKey{packedPage, key}
	entry := c.pack.get(k)
	if entry == nil {
		return nil
	}
	s, err := decodeTable(key, entry)
	if err != nil || s.page.Name != name || !c.fresh(s) {
		return nil
	}
	c.pack.use(k, entry)
	c.event(Event{Op: "page", Name: name, Cached: true})
	return s
}

// packedProject is the page of a project where only one index may have it and
// no find-links add to it.
func (c *Client) packedProject(name string) *Page {
	if c.pack.name == "" || len(c.links) > 0 || !validProject(name) {
		return nil
	}
	r, err := c.route(name)
	if err != nil || len(r.sources) != 1 || r.sources[0].base.Scheme == "file" {
		return nil
	}
	_, key := pageAddress(r, r.sources[0])
	if s := c.packed(name, key); s != nil {
		return c.visible(r, s.page)
	}
	return nil
}

// headMagic begins a packed METADATA, whose payload is "1" (verified) or "0",
// the hex sha256 of all of it, and its header.
const headMagic = "wheellock-head/1\n"

// headStart is the length of what stands before the header.
const headStart = 1 + 2*sha256.Size

func (c *Client) packMetadata(key string, m Metadata) {
	if c.pack.name == "" {
		return
	}
	head := header(m.Bytes)
	entry := append(begin(headMagic, headStart+len(head)), m.flag())
	entry = append(append(entry, hexSum(m.Bytes)...), head...)
	c.pack.use(packKey{packedHead, key}, seal(headMagic, key, entry))
}

// packedMetadata is the METADATA that the last run used, without its body.
func (c *Client) packedMetadata(f File) (m Metadata, ok bool) {
	if c.pack.name == "" || f.SHA256 == "" {
		return m, false
	}
	whole, said := metadataKeys(f)
	for _, key := range []string{whole, said} {
		k := packKey{packedHead, key}
		entry := c.pack.get(k)
		if entry == nil {
			continue
		}
		b, ok := unseal(headMagic, key, entry)
		if !ok || len(b) < headStart || f.CoreMetadata != "" && string(b[1:headStart]) != f.CoreMetadata {
			continue // the entry itself will tell what is wrong
		}
		c.pack.use(k, entry)
		c.event(Event{Op: "metadata", Name: f.Name, Cached: true})
		m := Metadata{Bytes: b[headStart:], Verified: b[0] == '1', How: "cache"}
		c.believe(f, m, string(b[1:headStart]))
		return m, true
	}
	return m, false
}

// header is METADATA up to its first empty line: a description follows, which
// is most of it.
func header(b []byte) []byte {
	for i := 0; i < len(b); i++ {
		end := i
		for end < len(b) && b[end] != '\n' && b[end] != '\r' {
			end++
		}
		if end == i {
			return b[:i:i]
		}
		i = end
		if i+1 < len(b) && b[i] == '\r' && b[i+1] == '\n' {
			i++
		}
	}
	return b
}
