package compare

import (
	"fmt"
	"path"
	"sort"
	"strings"

	"github.com/freedomofpress/wheellock/provenance/archive"
)

// What a member is.
const (
	isFile   = "file"
	isFolder = "folder"
	isLink   = "symbolic link"
	isHard   = "hard link"
	isChar   = "character device"
	isBlock  = "block device"
	isPipe   = "pipe"
	isSocket = "socket"
	isGlobal = "global header"
)

// member is one member of an archive or folder.
type member struct {
	name string // as written
	key  string // by which both sides know it
	what string
	exec bool   // an installer would set executable bits
	set  string // "setuid", "setgid", "sticky": such bits are content in every container
	link string // target of a link, numbers of a device

	values  []string // what the container says of it, by the tree's columns
	residue string   // whatever else stands in its headers; "" where nothing can
	data    content  // of a file
	packing *packing
}

// column is one thing that a container says of its members.
type column struct {
	name, cause string
	paired      bool // few values exist, so each pair of them is a line: modes
}

// field is one thing that a container says of itself.
type field struct {
	name, value string
	cause       string
}

// packing is how a member's bytes are packed.
type packing struct {
	method string
	data   content
	opaque string // why they cannot be unpacked: "encrypted"; then data is all there is
}

// tree is an archive or folder.
type tree struct {
	kind    kind
	columns []column
	members []*member // in the container's order
	at      map[string]*member
	keys    []string // of members that are no folder, sorted
	folders []string // keys of folders, sorted
	fields  []field  // of the whole: comments, what stands before and behind
	top     string   // the one top folder of a source archive

	wheel *archive.Wheel // nil for anything else
	sums  map[string][32]byte
}

// index makes keys. A name that is there twice keeps both members: a reader takes
// one of them, and nobody knows which.
func (t *tree) index(key func(string) string) {
	t.at = make(map[string]*member, len(t.members))
	for _, m := range t.members {
		k := key(m.name)
		for n := 2; t.at[k] != nil; n++ {
			k = fmt.Sprintf("%s (%s of that name)", key(m.name), ordinal(n))
		}
		m.key, t.at[k] = k, m
		if m.what == isFolder {
			t.folders = append(t.folders, k)
		} else {
			t.keys = append(t.keys, k)
		}
	}
	sort.Strings(t.keys)
	sort.Strings(t.folders)
}

// cleanKey is a name as tar and zip write it, without "./" and a folder's "/".
func cleanKey(name string) string {
	name = strings.TrimPrefix(name, "./")
	if name != "/" {
		name = strings.TrimSuffix(name, "/")
	}
	if name == "" {
		return "."
	}
	return name
}

// topFolder is the folder that everything is in, "" when there is none.
func topFolder(ms []*member) string {
	top := ""
	for _, m := range ms {
		if m.what == isGlobal {
			continue
		}
		first, _, below := strings.Cut(cleanKey(m.name), "/")
		if top == "" {
			top = first
		}
		if first != top || !below && m.what != isFolder {
			return ""
		}
	}
	return top
}

// wheelKey is a member's name with the wheel's own folders under a common name,
// since backends differ in how they spell them.
func wheelKey(w *archive.Wheel) func(string) string {
	return func(name string) string {
		name = cleanKey(name)
		if rest, ok := strings.CutPrefix(name, w.DistInfo); ok && (rest == "" || rest[0] == '/') {
			return strings.TrimSuffix(distInfo, "/") + rest
		}
		if rest, ok := strings.CutPrefix(name, w.DataDir); ok && (rest == "" || rest[0] == '/') {
			return strings.TrimSuffix(dataDir, "/") + rest
		}
		return name
	}
}

// keysFor indexes both trees so that what belongs together meets: below a top
// folder that is named by the version, and in a .deb whatever its compression.
func keysFor(a, b *tree) {
	for _, t := range []*tree{a, b} {
		switch {
		case t.wheel != nil:
			t.index(wheelKey(t.wheel))
		case t.kind == arKind:
			t.index(func(name string) string {
				if stem, _, ok := strings.Cut(name, ".tar"); ok && (stem == "data" || stem == "control") {
					return stem + ".tar"
				}
				return name
			})
		default:
			t.top = topFolder(t.members)
		}
	}
	if a.wheel != nil || a.kind == arKind {
		return
	}
	rename := a.top != "" && b.top != "" && a.top != b.top && path.Clean(a.top) == a.top
	for _, t := range []*tree{a, b} {
		t.index(func(name string) string {
			name = cleanKey(name)
			if !rename || name == "pax_global_header" {
				return name
			}
			if rest := strings.TrimPrefix(name, t.top); rest != "" {
				return rest[1:]
			}
			return "."
		})
	}
}
