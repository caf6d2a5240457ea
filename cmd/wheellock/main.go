// Command wheellock locks the Python wheels of a project, rebuilds them from
// source, records what happened to each in a transparency log, and says what is
// still to be done before a release.
package main

import (
	"os"
	"runtime/debug"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/cli"
)

func main() {
	if os.Getenv("GOGC") == "" {
		// A verb lives for a moment and needs some tens of megabytes: collecting
		// them at every doubling from four on is a fifth of its time, so the first
		// time is at 64. Where much is needed after all, the limit makes the
		// collector work as usual.
		debug.SetGCPercent(1600)
		debug.SetMemoryLimit(128 << 20)
	}
	os.Exit(cli.Main(os.Args[1:], cli.System()))
}
