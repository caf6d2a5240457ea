// Package repo holds the tests that look at the repository as a whole: which
// package may import which, what libraries may touch, what must not stand in
// any file, and whether the pages for people still say what is true. It has no
// code of its own and nothing imports it.
//
// Which hosts are forbidden is read from the settings of this machine's pip, go,
// apt and npm, since the list itself would be what it forbids.
package repo
