// Package normalize writes wheels and source archives in a normal form: the same
// files give the same bytes, whoever packed them, when, in which order and with
// which compressor. This is normal form "1", as a recipe's normal-form names it.
// Once released, its bytes never change; other bytes are another number.
//
// # Input
//
// The normal form says nothing about what the files hold, so a file is checked
// first and refused, not mended: whatever package archive refuses at its level
// Audit (a RECORD that does not list exactly the wheel's files with the right
// hashes, names that are not UTF-8 or stand there twice, links out of a source
// archive), a wheel of 4 GB or of 65,535 files, and kinds other than .whl and .tar.gz.
//
// # Wheels
//
// A zip of files: no folders, comment, extra fields, data descriptors or zip64.
// Order: files outside of the .dist-info folder by name as bytes, then those in it
// by name as bytes, then RECORD. RECORD is written again: a line "NAME,sha256=HASH,SIZE"
// for each file in the same order, "RECORD's name,," at its end, line feeds, quotes
// around names that have a comma or a quote. RECORD.jws and RECORD.p7s sign another
// RECORD and are left out.
//
// Fields: made by 03 14 (Unix, 2.0), needs 20, flags 0 (0800 where the name is not
// ASCII), method 8, or 0 for an empty file, internal attributes 0, external
// attributes 100644 or 100755 in the upper half (755 where any executable bit was
// set) and 0 in the lower. Time: the epoch in UTC, 1980-01-01T00:00:00 where there is
// none or an earlier one; a zip cuts it to two seconds. An empty file a.py begins
//
//	50 4b 03 04 14 00 00 00 00 00 00 00 21 00 00 00
//	00 00 00 00 00 00 00 00 00 00 04 00 00 00 61 2e
//	70 79
//
// and stands in the directory as
//
//	50 4b 01 02 14 03 14 00 00 00 00 00 00 00 21 00
//	00 00 00 00 00 00 00 00 00 00 00 00 04 00 00 00
//	00 00 00 00 00 00 00 00 a4 81 00 00 00 00 61 2e
//	70 79
//
// So two wheels of one content hash have one normal form.
//
// # Source archives
//
// A tar (POSIX.1-2017) in one gzip member. Files and symbolic links by name as
// bytes, no folders; a hard link is a file again. Modes 644 and 755 (any executable
// bit), 777 for links; owner and group 0 without names, device 0. Time: the epoch;
// 1980-01-02T00:00:00Z where there is none, a day later than in wheels: tools
// that read it as local time make it 1979 west of Greenwich, and a zip cannot say that.
// a-1/PKG-INFO of 8 bytes begins
//
//	61 2d 31 2f 50 4b 47 2d 49 4e 46 4f 00 00 00 00
//	00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
//	00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
//	00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
//	00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
//	00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
//	00 00 00 00 30 30 30 30 36 34 34 00 30 30 30 30
//	30 30 30 00 30 30 30 30 30 30 30 00 30 30 30 30
//	30 30 30 30 30 31 30 00 30 32 32 36 33 37 37 33
//	36 30 30 00 30 31 30 37 31 33 00 20 30 00 00 00
//	00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
//	00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
//
// and has at offset 256
//
//	00 75 73 74 61 72 00 30 30 00 00 00 00 00 00 00
//	00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
//
// A name or a link's target that is longer than 100 bytes or not ASCII stands in a
// pax header before it: type x, name "pax", mode 644, the same time, records
// linkpath and path in that order; the member's own header then has each character
// beyond ASCII as "_" and 100 bytes at most. The prefix field is empty. Two blocks of
// zeros end the tar. The gzip header has no name and no time, system 255:
//
//	1f 8b 08 00 00 00 00 00 00 ff 4a d4 35 d4 0f f0
//
// # Compressor
//
// Deflate streams are those of github.com/klauspost/compress/flate at level 8, in
// the version that go.mod pins by hash. That of the standard library may write other
// bytes with each release of Go. Golden files and a pinned hash over a megabyte say
// so at once when the bytes change.
package normalize
