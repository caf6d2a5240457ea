package compare

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/provenance/archive"
)

// ToolError says that a program is missing without which a file cannot be read.
type ToolError struct{ File, Program, Package string }

func (e *ToolError) Error() string {
	return fmt.Sprintf("reading %s: it is packed by %s, and there is no such program here", e.File, e.Program)
}

// Hint is the next thing to try.
func (e *ToolError) Hint() string { return "apt-get install " + e.Package }

// unpack gives what is in a compressed file, and what its header says.
func (c *run) unpack(file string, k kind, x content) (content, []field, error) {
	r, err := x.open()
	if err != nil {
		return x, nil, err
	}
	defer r.Close()
	var fields []field
	var out content
	switch k {
	case gzipKind:
		g := &gzipReader{in: bufio.NewReaderSize(r, 64<<10)}
		if out, err = c.spool(g); err == nil {
			fields = g.fields()
		}
	case bzip2Kind:
		out, err = c.spool(bzip2.NewReader(bufio.NewReaderSize(r, 64<<10)))
	case xzKind:
		out, err = c.program(file, "xz", "xz-utils", r, "-dc", "--memlimit-decompress=256MiB")
	case zstdKind:
		out, err = c.program(file, "zstd", "zstd", r, "-dcq", "--memory=256MB")
	}
	var structural bzip2.StructuralError
	switch {
	case err == nil:
	case errors.Is(err, io.ErrUnexpectedEOF), err == io.EOF:
		err = &archive.Error{File: file, Kind: archive.Truncated, Msg: fmt.Sprintf("its %s stream ends too early", k)}
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), errors.As(err, &structural), strings.HasPrefix(err.Error(), "flate:"):
		err = &archive.Error{File: file, Kind: archive.Checksum, Msg: fmt.Sprintf("its %s stream is broken: %v", k, err)}
	}
	return out, fields, err
}

// program unpacks by a program of this machine, which sees nothing but the bytes.
func (c *run) program(file, name, pkg string, r io.Reader, args ...string) (content, error) {
	exe := c.o.Programs[name]
	if exe == "" {
		return content{}, &ToolError{File: file, Program: name, Package: pkg}
	}
	cmd := exec.CommandContext(c.ctx, exe, args...)
	cmd.Stdin, cmd.Env = r, []string{"LC_ALL=C"}
	var said bytes.Buffer
	cmd.Stderr = &limited{w: &said, left: 4096}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return content{}, fmt.Errorf("running %s: %w", name, err)
	}
	x, err := c.spool(out)
	if err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		return x, err
	}
	if err := cmd.Wait(); err != nil {
		if c.ctx.Err() != nil {
			return x, c.ctx.Err()
		}
		msg, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n")
		return x, &archive.Error{File: file, Kind: archive.Checksum, Msg: fmt.Sprintf("%s cannot read it: %s", name, printable(msg))}
	}
	return x, nil
}

// limited keeps the beginning of what is written.
type limited struct {
	w    io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	l.w.Write(p[:n])
	return len(p), nil
}

// gzipReader reads the streams of a gzip file (RFC 1952) and keeps the first
// header; what follows the last stream is counted, not an error.
type gzipReader struct {
	in      *bufio.Reader
	z       *gzip.Reader
	head    gzip.Header
	raw     []byte // the fixed part of the first header
	streams int
	after   int64
	done    bool
}

func (g *gzipReader) Read(p []byte) (int, error) {
	for !g.done {
		if g.z == nil {
			g.raw, _ = g.in.Peek(10)
			g.raw = bytes.Clone(g.raw)
			z, err := gzip.NewReader(g.in)
			if err != nil {
				return 0, err
			}
			g.z, g.head, g.streams = z, z.Header, 1
			z.Multistream(false)
		}
		n, err := g.z.Read(p)
		if n > 0 {
			return n, nil
		}
		if err == nil {
			continue
		}
		if err != io.EOF {
			return n, err
		}
		if next, _ := g.in.Peek(3); string(next) == "\x1f\x8b\x08" {
			if err := g.z.Reset(g.in); err != nil {
				return 0, err
			}
			g.z.Multistream(false)
			g.streams++
			continue
		}
		g.done = true
		if g.after, err = io.Copy(io.Discard, g.in); err != nil {
			return 0, err
		}
	}
	return 0, io.EOF
}

func (g *gzipReader) fields() []field {
	clock, raw := "none", make([]byte, 10)
	copy(raw, g.raw)
	if n := le.Uint32(raw[4:]); n != 0 {
		clock = time.Unix(int64(n), 0).UTC().Format(time.DateTime)
	}
	return []field{
		{name: "time", value: clock, cause: ZipTimes},
		{name: "name", value: g.head.Name, cause: Deflate},
		{name: "comment", value: g.head.Comment, cause: Deflate},
		{name: "extra field", value: hex.EncodeToString(g.head.Extra), cause: Deflate},
		{name: "level", value: map[byte]string{0: "unsaid", 2: "best", 4: "fastest"}[raw[8]] + fmt.Sprintf(" (%d)", raw[8]), cause: Deflate},
		{name: "system", value: fmt.Sprint(raw[9]), cause: ZipModes},
		{name: "flags", value: fmt.Sprint(raw[3]), cause: Deflate},
		{name: "streams", value: fmt.Sprint(g.streams), cause: Deflate},
		{name: "bytes after the end", value: fmt.Sprint(g.after), cause: Deflate},
	}
}

// compressed compares what two files unpack to, and then how they are packed.
func (c *run) compressed(at place, ka, kb kind, a, b content) (outcome, error) {
	if at.depth >= MaxNested {
		return c.tooDeep(at, a, b)
	}
	kinds, xs, names := [2]kind{ka, kb}, [2]content{a, b}, at.names
	var inner [2]content
	var heads [2][]field
	if err := twice(func(i int) (err error) {
		if !kinds[i].packed() {
			inner[i] = xs[i]
			return nil
		}
		inner[i], heads[i], err = c.unpack(names[i], kinds[i], xs[i])
		names[i] = strings.TrimSuffix(strings.Replace(names[i], ".tgz", ".tar", 1), path.Ext(names[i]))
		return err
	}); err != nil {
		return outcome{}, err
	}
	d := &differ{c: c, place: at}
	res := outcome{verdict: Content}
	equal, err := firstDifference(c.ctx, inner[0], inner[1])
	if err != nil {
		return res, err
	}
	if equal >= 0 {
		at.names, at.depth = names, at.depth+1
		if res, err = c.pair(at, inner[0], inner[1]); err != nil {
			return res, err
		}
		if res.leaf != nil { // a file that is packed, such as a page of a manual
			d.group([]found{{at.label(), *res.leaf}})
			res.leaf = nil
		}
	}
	if ka != kb {
		d.fact(Deflate, "compression: %s != %s", packedName(ka), packedName(kb))
	} else {
		d.whole(string(ka), heads[0], heads[1])
	}
	if len(d.facts)+len(res.facts) == 0 {
		d.fact(Deflate, "%s: the same bytes packed otherwise, %d != %d", ka, a.size, b.size)
	}
	res.facts = append(res.facts, d.facts...)
	return res, nil
}

func packedName(k kind) string {
	if k.packed() {
		return string(k)
	}
	return "none"
}
