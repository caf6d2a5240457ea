package rebuild

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// AvailableMemory is three quarters of the memory, in bytes, that programs can have
// now without making others swap (MemAvailable of proc(5)); the rest is for this
// process and for what reckoning misses. 0 where the system does not say.
func AvailableMemory() int64 {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kib int64
		if rest, ok := strings.CutPrefix(lines.Text(), "MemAvailable:"); ok {
			if n, _ := fmt.Sscanf(rest, "%d kB", &kib); n == 1 {
				return kib * 1024 / 4 * 3
			}
		}
	}
	return 0
}
