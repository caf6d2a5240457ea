package log

import "github.com/freedomofpress/wheellock/internal/durable"

// SetFault puts a hook around every step that changes something on the disk.
func (l *Log) SetFault(f func(step, path string, do func() error) error) { l.fault = f }

// Restart makes the log believe that the machine was started again, or for ""
// that it was not.
func Restart(id string) {
	boot = durable.Boot
	if id != "" {
		boot = func() string { return id }
	}
}
