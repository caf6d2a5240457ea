// Package log holds no code, only a comparison of our log with Tessera on POSIX
// files, in one run: see ../README.md. It is a module of its own, so that Tessera
// is no requirement of ours.
//
//	cd bench/log && go test -v -run Beside -args -size 1000000 -dir DIR
//
// Without arguments it runs with a small log, to see that it still works.
package log
