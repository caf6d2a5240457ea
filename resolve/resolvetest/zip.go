package resolvetest

import (
	"encoding/binary"
	"hash/crc32"
	"strings"
	"time"
)

// storedZip writes the zip that Python's zipfile writes for stored entries:
// archive/zip would add data descriptors, and no two deflaters agree.
func storedZip(files []file, when time.Time) []byte {
	le := binary.LittleEndian
	when = when.UTC()
	date := uint16((when.Year()-1980)<<9 | int(when.Month())<<5 | when.Day())
	clock := uint16(when.Hour()<<11 | when.Minute()<<5 | when.Second()/2)
	var out, central []byte
	for _, f := range files {
		// The fields that local and central headers share.
		var h []byte
		h = le.AppendUint16(h, 20) // version needed
		h = le.AppendUint16(h, 0)  // flags
		h = le.AppendUint16(h, 0)  // stored
		h = le.AppendUint16(h, clock)
		h = le.AppendUint16(h, date)
		h = le.AppendUint32(h, crc32.ChecksumIEEE(f.data))
		h = le.AppendUint32(h, uint32(len(f.data)))
		h = le.AppendUint32(h, uint32(len(f.data)))
		h = le.AppendUint16(h, uint16(len(f.name)))
		h = le.AppendUint16(h, 0) // extra

		central = append(central, "PK\x01\x02"...)
		central = append(central, 20, 3) // made by: version 2.0, Unix
		central = append(central, h...)
		central = append(central, make([]byte, 6)...) // comment, disk, internal attributes
		central = le.AppendUint32(central, uint32(mode(f.name))<<16)
		central = le.AppendUint32(central, uint32(len(out)))
		central = append(central, f.name...)

		out = append(out, "PK\x03\x04"...)
		out = append(out, h...)
		out = append(out, f.name...)
		out = append(out, f.data...)
	}
	start := len(out)
	out = append(out, central...)
	out = append(out, "PK\x05\x06\x00\x00\x00\x00"...)
	out = le.AppendUint16(out, uint16(len(files)))
	out = le.AppendUint16(out, uint16(len(files)))
	out = le.AppendUint32(out, uint32(len(central)))
	out = le.AppendUint32(out, uint32(start))
	return le.AppendUint16(out, 0)
}

func mode(name string) int {
	if strings.HasSuffix(name, ".so") {
		return 0o100755
	}
	return 0o100644
}

// soSuffix is what the interpreter of a tag puts behind an extension's name.
func soSuffix(tag string) string {
	part := strings.SplitN(tag, "-", 3)
	libc := "gnu"
	if strings.HasPrefix(part[2], "musllinux") {
		libc = "musl"
	}
	arch := part[2][strings.LastIndex(part[2], "linux")+len("linux"):]
	if i := strings.Index(part[2], "x86_64"); i >= 0 {
		arch = "x86_64"
	} else if i := strings.Index(part[2], "aarch64"); i >= 0 {
		arch = "aarch64"
	}
	return ".cpython-" + strings.TrimPrefix(part[1], "cp") + "-" + arch + "-linux-" + libc + ".so"
}

// foreignObject is the shared object in a published native wheel: ELF sections
// that say which compiler made them, as upstream's was not ours, and nothing
// that could be loaded (the module then falls back to Python).
func foreignObject(r Release) []byte {
	le := binary.LittleEndian
	comment := []byte("\x00GCC: (GNU) 10.2.1 20210130\x00")
	text := []byte("code of " + r.Name + " " + r.Version + "\x00")
	names := []byte("\x00.text\x00.comment\x00.shstrtab\x00")
	body := append(append(append([]byte(nil), text...), comment...), names...)
	for len(body)%8 != 0 {
		body = append(body, 0)
	}
	out := []byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	out = le.AppendUint16(out, 3)  // shared object
	out = le.AppendUint16(out, 62) // x86-64
	out = le.AppendUint32(out, 1)
	out = le.AppendUint64(out, 0)
	out = le.AppendUint64(out, 0)
	out = le.AppendUint64(out, uint64(64+len(body)))
	out = le.AppendUint32(out, 0)
	for _, n := range []uint16{64, 56, 0, 64, 4, 3} { // header sizes, 4 sections, names in the last
		out = le.AppendUint16(out, n)
	}
	out = append(out, body...)
	section := func(name, kind uint32, flags uint64, offset, size int) {
		out = le.AppendUint32(out, name)
		out = le.AppendUint32(out, kind)
		out = le.AppendUint64(out, flags)
		out = le.AppendUint64(out, 0)
		out = le.AppendUint64(out, uint64(offset))
		out = le.AppendUint64(out, uint64(size))
		out = le.AppendUint64(out, 0)
		out = le.AppendUint64(out, 1)
		out = le.AppendUint64(out, 0)
	}
	section(0, 0, 0, 0, 0)
	section(1, 1, 6, 64, len(text))
	section(7, 1, 0x30, 64+len(text), len(comment))
	section(16, 3, 0, 64+len(text)+len(comment), len(names))
	return out
}
