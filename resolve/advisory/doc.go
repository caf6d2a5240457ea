// Package advisory reads security advisories in the OSV format
// (https://ossf.github.io/osv-schema/) and says which versions they affect, by
// PEP 440.
//
// A record names packages; for each it lists versions, or ranges of events:
//
//	{"id": "X-2026-1", "modified": "2026-01-02T00:00:00Z", "aliases": ["CVE-2026-1"],
//	 "affected": [{"package": {"ecosystem": "PyPI", "name": "lib"},
//	   "ranges": [{"type": "ECOSYSTEM", "events": [
//	     {"introduced": "0"}, {"fixed": "1.26.20"},
//	     {"introduced": "2.0"}, {"fixed": "2.5.0"}]}]}]}
//
// affects lib below 1.26.20, and from 2.0 on below 2.5.0. A version is affected
// if it is listed or lies in a range, whatever the other entries say. Where a
// record cannot be understood the answer is "affected": an unreadable beginning
// is the first version, an unreadable end is none, and an entry that names
// neither versions nor ranges means all of them. Ranges of commits say nothing
// about versions and are passed over. A withdrawn record affects nothing.
//
// The package reads files and never a network. Whoever fetches a database hands
// its bytes over.
package advisory
