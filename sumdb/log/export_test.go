package log

// SetFault puts a hook around every step that changes something on the disk.
func (l *Log) SetFault(f func(step, path string, do func() error) error) { l.fault = f }
