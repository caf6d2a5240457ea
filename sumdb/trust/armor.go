package trust

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// Armor block types.
const (
	armorSignature  = "PGP SIGNATURE"
	armorPublicKey  = "PGP PUBLIC KEY BLOCK"
	armorPrivateKey = "PGP PRIVATE KEY BLOCK"
	armorColumns    = 64 // as GnuPG writes
)

// armor writes one block in its canonical spelling.
func armor(kind string, data []byte) []byte {
	var b bytes.Buffer
	b.WriteString("-----BEGIN " + kind + "-----\n\n")
	text := base64.StdEncoding.EncodeToString(data)
	for len(text) > armorColumns {
		b.WriteString(text[:armorColumns] + "\n")
		text = text[armorColumns:]
	}
	b.WriteString(text + "\n=" + crcText(data) + "\n-----END " + kind + "-----\n")
	return b.Bytes()
}

func crcText(data []byte) string {
	c := crc24(data)
	return base64.StdEncoding.EncodeToString([]byte{byte(c >> 16), byte(c >> 8), byte(c)})
}

// crc24 is the checksum of RFC 9580, section 6.1.1.
func crc24(data []byte) uint32 {
	crc := uint32(0xB704CE)
	for _, b := range data {
		crc ^= uint32(b) << 16
		for range 8 {
			crc <<= 1
			if crc&0x1000000 != 0 {
				crc ^= 0x1864CFB
			}
		}
	}
	return crc & 0xFFFFFF
}

// Dearmor reads the signature blocks of a file that holds nothing else, in the
// one spelling that the package comment gives. The libraries at hand skip
// garbage around a block, ignore its headers and do not look at the CRC, so a
// file could be changed without anybody noticing. The error is ErrMalformed.
func Dearmor(file []byte) ([][]byte, error) {
	var blocks [][]byte
	const begin, end = "-----BEGIN " + armorSignature + "-----\n\n", "-----END " + armorSignature + "-----\n"
	if len(file) > MaxSignaturesSize {
		return nil, ErrMalformed
	}
	for rest := string(file); rest != ""; {
		body, tail, ok := strings.Cut(rest, end)
		if !ok || !strings.HasPrefix(body, begin) || len(blocks) == 2*MaxOpenPGPKeys {
			return nil, ErrMalformed
		}
		text, _, _ := strings.Cut(body[len(begin):], "\n=")
		data, err := base64.StdEncoding.DecodeString(text) // the library skips line ends
		if err != nil || len(data) == 0 || string(armor(armorSignature, data)) != body+end {
			return nil, ErrMalformed
		}
		blocks = append(blocks, data)
		rest = tail
	}
	if len(blocks) == 0 {
		return nil, ErrMalformed
	}
	return blocks, nil
}

// dearmorKey reads a key block as people send it: CRLF, headers, any line
// length, white space around it and a missing CRC are fine, a wrong CRC or text
// around the block is not. What is read here is written in our own form before
// anything is signed, so nothing hangs on its spelling.
func dearmorKey(file []byte, kind string) ([]byte, error) {
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(string(file), "\r\n", "\n")), "\n")
	if len(lines) < 4 || strings.TrimRight(lines[0], " \t") != "-----BEGIN "+kind+"-----" ||
		lines[len(lines)-1] != "-----END "+kind+"-----" {
		return nil, ErrMalformed
	}
	lines = lines[1 : len(lines)-1]
	for len(lines) > 0 && strings.TrimSpace(lines[0]) != "" {
		if !strings.Contains(lines[0], ": ") {
			return nil, ErrMalformed
		}
		lines = lines[1:]
	}
	if len(lines) == 0 {
		return nil, ErrMalformed
	}
	lines = lines[1:]
	crc := ""
	if n := len(lines); n > 0 && len(strings.TrimSpace(lines[n-1])) == 5 && lines[n-1][0] == '=' {
		crc, lines = strings.TrimSpace(lines[n-1])[1:], lines[:n-1]
	}
	var text strings.Builder
	for _, l := range lines {
		text.WriteString(strings.TrimSpace(l))
	}
	data, err := base64.StdEncoding.Strict().DecodeString(text.String())
	if err != nil || len(data) == 0 || crc != "" && crc != crcText(data) {
		return nil, ErrMalformed
	}
	return data, nil
}
