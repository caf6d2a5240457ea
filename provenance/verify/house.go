package verify

import (
	"context"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/provenance/mirror"
)

// house holds the wheelhouse's files against the lock, the signed list and their
// own names.
func (c *checker) house(ctx context.Context) error {
	if c.in.House.Dir == "" || c.in.ReadOnlyHouse {
		if c.in.House.Dir == "" && c.needsHouse() {
			c.add("wheelhouse-missing", "wheelhouse", "the configuration names none, but the policy wants wheels carried")
		}
		return nil
	}
	there, err := exists(c.in.House.Dir)
	if err != nil {
		return err
	}
	if !there {
		if c.needsHouse() || c.haveProof() {
			c.add("wheelhouse-missing", c.show("."), "the folder is not here, so none of its files was checked")
		}
		return nil
	}
	c.checked.Files = len(c.files)
	l, err := c.readList()
	if err != nil {
		return err
	}
	c.namedByHash()
	if err := c.attested(ctx); err != nil {
		return err
	}
	c.compareFiles(l)
	c.absent(l)
	return c.pages(ctx, l)
}

// needsHouse reports whether the mirror has to carry anything.
func (c *checker) needsHouse() bool {
	for i := range c.lock.Packages {
		p := &c.lock.Packages[i]
		for k := range p.Wheels {
			if p.Group != lock.GroupBuild && c.carry(&p.Wheels[k]) {
				return true
			}
		}
	}
	return false
}

// namedByHash checks files whose name is the hash of their bytes.
func (c *checker) namedByHash() {
	for _, f := range c.files {
		top, name, _ := strings.Cut(f.rel, "/")
		id := map[string]string{"evidence": "evidence-changed", "locks": "lock-copy-changed"}[top]
		if id == "" || f.hash == name {
			continue
		}
		if f.pointer {
			c.notFetched(f)
			continue
		}
		c.add(id, c.show(f.rel), "its name is not the sha256 of its bytes")
	}
}

func (c *checker) notFetched(f scanned) {
	c.add("file-not-fetched", c.show(f.rel), "it is a pointer of Git LFS, the file itself was not fetched")
}

// A locked file and the hash that the lock has for it.
type locked struct {
	id     string // of the finding where it differs
	hashes []string
}

// lockedFiles are the paths where the wheelhouse would hold the lock's files.
func (c *checker) lockedFiles() map[string]*locked {
	out := map[string]*locked{}
	put := func(rel, id, hash string) {
		if out[rel] == nil {
			out[rel] = &locked{id: id}
		}
		out[rel].hashes = append(out[rel].hashes, hash)
	}
	for i := range c.lock.Packages {
		p := &c.lock.Packages[i]
		if p.Group == lock.GroupBuild {
			continue
		}
		if p.Sdist != nil {
			put(mirror.Sdist(p.Sdist.Name), "sdist-changed", p.Sdist.SHA256)
		}
		for k := range p.Wheels {
			if w := &p.Wheels[k]; !w.Missing() {
				for _, t := range c.lock.WheelTargets(p, w) {
					put(wheelPath(w, t), "wheel-changed", w.SHA256)
				}
			}
		}
	}
	return out
}

// compareFiles holds every sdist and wheel against the lock and the list.
func (c *checker) compareFiles(l *list) {
	want := c.lockedFiles()
	for _, f := range c.files {
		if !strings.HasPrefix(f.rel, "sdists/") && !strings.HasPrefix(f.rel, "wheels/") {
			continue
		}
		path := c.show(f.rel)
		w, listed := want[f.rel], l.hashes[f.rel]
		switch {
		case f.irregular:
			c.add("file-changed", path, "it is not a regular file")
		case w != nil && !contains(w.hashes, f.hash):
			c.otherBytes(f, w)
		case listed != "" && listed != f.hash && f.pointer:
			c.notFetched(f)
		case listed != "" && listed != f.hash && w != nil:
			c.add("list-out-of-date", c.show(mirror.SumsFile), "it has another hash for %s, which was built since", f.rel)
		case listed != "" && listed != f.hash:
			c.add("file-changed", path, "its sha256 is %s, the list says %s", short(f.hash), short(listed))
		case listed == "" && l.readable:
			c.add("file-not-listed", path, "the signed list does not name it")
		}
	}
}

// otherBytes: a locked file with another hash is an attack, unless a builder
// stated those bytes too.
func (c *checker) otherBytes(f scanned, w *locked) {
	if f.pointer {
		c.notFetched(f)
		return
	}
	name := f.rel[strings.LastIndexByte(f.rel, '/')+1:]
	for _, b := range c.book.builtHash[f.hash] {
		if !b.void && b.file.Name == name {
			c.add("wheel-replaced", c.show(f.rel), "it is another build than the locked one: %s gave it, with sha256 %s", b.place(), short(f.hash))
			return
		}
	}
	c.add(w.id, c.show(f.rel), "its sha256 is %s, the lock says %s", short(f.hash), short(w.hashes[0]))
}

// absent names the files that the lock or the list wants and nobody has.
func (c *checker) absent(l *list) {
	have := map[string]bool{}
	for _, f := range c.files {
		have[f.rel] = true
	}
	for _, rel := range l.order {
		if !have[rel] {
			c.add("listed-file-missing", c.show(rel), "the signed list names it, but it is not here")
		}
	}
	seen := map[string]bool{}
	lack := func(id, rel, format string, args ...any) {
		if !have[rel] && l.hashes[rel] == "" && !seen[rel] {
			seen[rel] = true
			c.add(id, c.show(rel), format, args...)
		}
	}
	for i := range c.lock.Packages {
		p := &c.lock.Packages[i]
		if p.Group == lock.GroupBuild {
			continue
		}
		for k := range p.Wheels {
			w := &p.Wheels[k]
			if w.Missing() || !c.carry(w) {
				continue
			}
			for _, t := range c.lock.WheelTargets(p, w) {
				if c.selected([]string{t}) {
					lack("wheel-missing", wheelPath(w, t), "the policy wants the wheelhouse to carry it for %s", t)
				}
			}
			if w.Origin == lock.OriginBuilt && p.Sdist != nil {
				lack("sdist-missing", mirror.Sdist(p.Sdist.Name), "a wheel was built from it, and the wheelhouse does not hold it")
			}
		}
	}
}
