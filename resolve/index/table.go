package index

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"time"
	"unsafe"
)

// tableMagic begins a cached page; its number changes with the format.
const tableMagic = "wheellock-page/2\n"

// stored is a cached page: the page and what HTTP needs to ask for it again.
//
// On disk its payload is a table of varints and length-prefixed strings. Reading it is some twenty times quicker
// than parsing the page again: strings are parts of one buffer, and the few
// different Requires-Python of a project are written once.
type stored struct {
	checked time.Time // when the server last said that the page is current
	until   time.Time // fresh until then
	etag    string
	lastMod string
	body    string // hex sha256 of the page's own bytes
	page    *Page
	private bool // the server said no-store; not on disk
}

var errTable = errors.New("damaged cache entry")

const (
	flagYanked = 1 << iota
	flagMetadata
	flagTime
	flagNameInURL // the name is the end of the URL
)

// encode returns the entry for a key.
func (s *stored) encode(key string) []byte {
	b := begin(tableMagic, 256+len(s.page.Files)*280)
	b = binary.AppendVarint(b, s.checked.Unix())
	b = binary.AppendVarint(b, s.until.Unix())
	for _, t := range []string{s.etag, s.lastMod, s.body, s.page.Name, s.page.Status, s.page.StatusReason} {
		b = appendText(b, t)
	}
	b, pythons := appendPythons(b, s.page.Files)
	b = binary.AppendUvarint(b, uint64(len(s.page.Files)))
	for i := range s.page.Files {
		b = appendFile(b, &s.page.Files[i], pythons)
	}
	return seal(tableMagic, key, b)
}

// text is b as a string, without copying megabytes: nothing writes to an entry
// that has been read or sealed.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendPythons writes the different Requires-Python in order of appearance.
func appendPythons(b []byte, files []File) ([]byte, map[string]int) {
	index, list := map[string]int{}, []string(nil)
	for i := range files {
		if _, ok := index[files[i].RequiresPython]; !ok {
			index[files[i].RequiresPython] = len(list)
			list = append(list, files[i].RequiresPython)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendText(b, s)
	}
	return b, index
}

func appendFile(b []byte, f *File, pythons map[string]int) []byte {
	var flags byte
	if f.Yanked {
		flags |= flagYanked
	}
	if f.HasMetadata {
		flags |= flagMetadata
	}
	if !f.Uploaded.IsZero() {
		flags |= flagTime
	}
	if strings.HasSuffix(f.URL, f.Name) {
		flags |= flagNameInURL
	}
	b = append(b, flags)
	b = appendText(b, f.URL)
	if flags&flagNameInURL != 0 {
		b = binary.AppendUvarint(b, uint64(len(f.Name)))
	} else {
		b = appendText(b, f.Name)
	}
	b = binary.AppendUvarint(b, uint64(f.Size))
	b = appendText(b, f.SHA256)
	b = appendText(b, f.OtherHash)
	b = binary.AppendUvarint(b, uint64(pythons[f.RequiresPython]))
	if flags&flagTime != 0 {
		b = binary.AppendVarint(b, f.Uploaded.Unix())
		b = binary.AppendUvarint(b, uint64(f.Uploaded.Nanosecond()))
	}
	b = appendText(b, f.YankedReason)
	return appendText(b, f.CoreMetadata)
}

// decodeTable reads what encode wrote for the key; any other bytes are errTable.
func decodeTable(key string, data []byte) (*stored, error) {
	payload, ok := unseal(tableMagic, key, data)
	if !ok {
		return nil, errTable
	}
	r := tableReader{s: text(payload)}
	s := &stored{page: &Page{}}
	s.checked, s.until = time.Unix(r.int(), 0), time.Unix(r.int(), 0)
	for _, t := range []*string{&s.etag, &s.lastMod, &s.body, &s.page.Name, &s.page.Status, &s.page.StatusReason} {
		*t = r.text()
	}
	pythons := make([]string, r.count(1))
	for i := range pythons {
		pythons[i] = r.text()
	}
	s.page.Files = make([]File, r.count(9))
	for i := range s.page.Files {
		r.file(&s.page.Files[i], pythons)
	}
	if r.bad || r.s != "" {
		return nil, errTable
	}
	return s, nil
}

// tableReader reads from the front of s; after an error it returns zeros.
type tableReader struct {
	s   string
	bad bool
}

func (r *tableReader) uint() (n uint64) {
	for shift := uint(0); shift < 64; shift += 7 {
		if r.s == "" {
			break
		}
		c := r.s[0]
		r.s = r.s[1:]
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return n
		}
	}
	r.fail()
	return 0
}

func (r *tableReader) int() int64 {
	u := r.uint()
	return int64(u>>1) ^ -int64(u&1)
}

func (r *tableReader) fail() { r.bad, r.s = true, "" }

func (r *tableReader) take(n uint64) string {
	if n > uint64(len(r.s)) {
		r.fail()
		return ""
	}
	t := r.s[:n]
	r.s = r.s[n:]
	return t
}

func (r *tableReader) text() string { return r.take(r.uint()) }

// count reads how many elements of at least size bytes follow.
func (r *tableReader) count(size int) int {
	n := r.uint()
	if n > uint64(len(r.s)/size) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *tableReader) file(f *File, pythons []string) {
	flags := r.take(1)
	if flags == "" {
		return
	}
	f.Yanked, f.HasMetadata = flags[0]&flagYanked != 0, flags[0]&flagMetadata != 0
	f.URL = r.text()
	if n := r.uint(); flags[0]&flagNameInURL == 0 {
		f.Name = r.take(n)
	} else if n <= uint64(len(f.URL)) {
		f.Name = f.URL[uint64(len(f.URL))-n:]
	}
	f.Size = int64(r.uint())
	f.SHA256, f.OtherHash = r.text(), r.text()
	if i := r.uint(); i < uint64(len(pythons)) {
		f.RequiresPython = pythons[i]
	}
	if flags[0]&flagTime != 0 {
		f.Uploaded = time.Unix(r.int(), int64(r.uint()%1e9)).UTC()
	}
	f.YankedReason, f.CoreMetadata = r.text(), r.text()
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
