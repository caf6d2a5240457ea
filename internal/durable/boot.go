package durable

import (
	"os"
	"strings"
)

// Boot names the time since this machine was started; "" where the system does
// not say (only Linux does). What was written since then and not synced is still
// there to be read; once the name has changed it may not be.
func Boot() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}
