//go:build !linux

package build

import "io"

// A watchdog is only had on Linux, as is bubblewrap.
type watchdog struct{}

func watch(io.Reader, limits, *cage, *cappedLog) *watchdog { return nil }

func (*watchdog) end() string { return "" }
