//go:build !race

package resolvetest

const raceFactor = 1
