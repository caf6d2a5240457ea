// Package interop holds no code, only tests: what we write is read by software
// that is not ours, and the other way round, and what our parsers accept is
// compared with what the known libraries accept, on good texts and on thousands
// that are nearly good.
//
// It is a module of its own, so that these libraries are no requirement of ours:
//
//	cd sumdb/interop && go test ./...
//
// The rule: what we accept they accept too, and read the same from it. What they
// accept and we refuse is named in the tests, class by class, with the reason; a
// difference that is in no class fails.
package interop
