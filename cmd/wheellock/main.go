// Command wheellock locks the Python wheels of a project, rebuilds them from
// source, records what happened to each in a transparency log, and says what is
// still to be done before a release.
package main

import (
	"os"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/cli"
)

func main() {
	if os.Getenv("GOGC") == "" {
		paceCollector()
	}
	os.Exit(cli.Main(os.Args[1:], cli.System()))
}
