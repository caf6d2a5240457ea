package compare

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"sort"
	"time"

	"github.com/freedomofpress/wheellock/provenance/archive"
)

// container compares what is not installed: the zip's fields, and the order in
// which RECORD lists the files.
func (d *differ) container() {
	both := d.both()
	d.times(both)
	d.modes(both)
	d.packing(both)
	d.order(both)
	d.record()
	d.folders()
}

// both lists the keys of files that both have.
func (d *differ) both() []string {
	var keys []string
	for _, k := range d.a.keys {
		if d.b.at[k] != nil {
			keys = append(keys, k)
		}
	}
	return keys
}

func (d *differ) times(both []string) {
	var other []string
	extra := 0
	for _, k := range both {
		a, b := d.a.at[k], d.b.at[k]
		if !a.Time.Equal(b.Time) {
			other = append(other, k)
		}
		if !bytes.Equal(a.Extra, b.Extra) {
			extra++
		}
	}
	if len(other) > 0 {
		k := other[0]
		d.fact(ZipTimes, "zip times: %d of %d members, %s %s != %s", len(other), len(both), show(k), clock(d.a.at[k].Time), clock(d.b.at[k].Time))
	}
	if extra > 0 {
		d.fact(ZipTimes, "zip extra fields: %d of %d members", extra, len(both))
	}
}

func clock(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	return t.Format(time.DateTime)
}

// modes has one line for each pair of modes.
func (d *differ) modes(both []string) {
	pairs := map[string][]string{}
	system := 0
	for _, k := range both {
		a, b := d.a.at[k], d.b.at[k]
		if a.External != b.External {
			pair := fmt.Sprintf("%o != %o", a.Mode, b.Mode)
			if a.Mode == b.Mode {
				pair = fmt.Sprintf("attributes %#x != %#x", a.External, b.External)
			}
			pairs[pair] = append(pairs[pair], k)
		}
		if a.Creator != b.Creator {
			system++
		}
	}
	for _, pair := range sorted(pairs) {
		count, names := group(pairs[pair])
		d.fact(ZipModes, "zip modes: %s %s, %s", pair, count, names)
	}
	if system > 0 {
		d.fact(ZipModes, "zip: made on another system or version, %d of %d members", system, len(both))
	}
}

// packing compares the packed bytes of files that are equal unpacked.
func (d *differ) packing(both []string) {
	var other []string
	flags := 0
	ours, theirs := int64(0), int64(0)
	for _, k := range both {
		a, b := d.a.at[k], d.b.at[k]
		if a.Flags != b.Flags || a.Comment != b.Comment {
			flags++
		}
		if d.a.sums[k] != d.b.sums[k] {
			continue
		}
		if a.Method != b.Method || a.Packed != b.Packed || !d.samePacked(a, b) {
			other = append(other, k)
			ours, theirs = ours+a.Packed, theirs+b.Packed
		}
	}
	if len(other) > 0 {
		d.fact(Deflate, "deflate: %d of %d members are packed otherwise, %d != %d bytes", len(other), len(both), ours, theirs)
	}
	if flags > 0 {
		d.fact(Deflate, "zip flags or comments: %d of %d members", flags, len(both))
	}
	if d.a.Comment != d.b.Comment {
		d.fact(Deflate, "zip comment: %q != %q", d.a.Comment, d.b.Comment)
	}
}

func (d *differ) samePacked(a, b *archive.Entry) bool {
	ra, err := d.a.OpenPacked(a)
	if err != nil {
		d.err = err
		return true
	}
	rb, err := d.b.OpenPacked(b)
	if err != nil {
		d.err = err
		return true
	}
	x, y := make([]byte, 32<<10), make([]byte, 32<<10)
	for {
		n, err := io.ReadFull(ra, x)
		m, _ := io.ReadFull(rb, y)
		if !bytes.Equal(x[:n], y[:m]) {
			return false
		}
		if err != nil {
			return true
		}
	}
}

func (d *differ) order(both []string) {
	order := func(s *side) []string {
		keys := slices.Clone(both)
		sort.Slice(keys, func(i, j int) bool { return s.at[keys[i]].Order < s.at[keys[j]].Order })
		return keys
	}
	a, b := order(d.a), order(d.b)
	for i := range a {
		if a[i] != b[i] {
			d.fact(RecordOrder, "zip: members in another order, from the %s: %s != %s", ordinal(i+1), show(a[i]), show(b[i]))
			return
		}
	}
}

// record compares RECORD where the files it lists are no explanation.
func (d *differ) record() {
	key := distInfo + "RECORD"
	if d.a.at[key] == nil || d.b.at[key] == nil || d.a.sums[key] == d.b.sums[key] {
		return
	}
	rows := func(s *side) (order []string, lines map[string]string) {
		lines = map[string]string{}
		for _, r := range s.Record {
			k := s.key(r.Path)
			if d.a.at[k] != nil && d.b.at[k] != nil {
				order, lines[k] = append(order, k), r.Hash[:min(7, len(r.Hash))]
			}
		}
		return order, lines
	}
	a, al := rows(d.a)
	b, bl := rows(d.b)
	if !slices.Equal(a, b) {
		sa, sb := slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
		if slices.Equal(sa, sb) {
			d.fact(RecordOrder, "RECORD: rows in another order")
		} else {
			d.fact(RecordOrder, "RECORD: it lists %d != %d of the common files", len(a), len(b))
		}
		return
	}
	for _, k := range a {
		if al[k] != bl[k] {
			d.fact(RecordOrder, "RECORD: other hash functions, %s %q != %q", show(k), al[k], bl[k])
			return
		}
	}
	x, y := d.text(key)
	if len(d.facts) == 0 || bytes.Contains(x, []byte("\r\n")) != bytes.Contains(y, []byte("\r\n")) {
		d.fact(RecordOrder, "RECORD: it is written otherwise, %s", firstLine(x, y))
	}
}

// folders compares members that are folders, which installers ignore.
func (d *differ) folders() {
	count := func(s *side) (n int) {
		for i := range s.Entries {
			if s.Entries[i].Dir() {
				n++
			}
		}
		return n
	}
	if a, b := count(d.a), count(d.b); a != b {
		d.fact(ZipModes, "zip: %d != %d folders have members of their own", a, b)
	}
}

func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprintf("%d%s", n, suffix)
}
