//go:build race

package resolvetest

// raceFactor is how much slower the race detector makes a search.
const raceFactor = 10
