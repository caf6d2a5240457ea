package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/freedomofpress/wheellock/sumdb/log"
)

// What the machine does wrong is not a finding, and not the user's mistake.
func TestSystemErrorsAreTheEnvironment(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EACCES, syscall.EIO, syscall.ESTALE, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM} {
		err := error(&fs.PathError{Op: "sync", Path: "checkpoint", Err: errno})
		for _, err := range []error{err, fmt.Errorf("%w: %w", log.ErrUnfinished, err), &log.StateError{Path: "tile", Msg: "part of the log's right edge", Err: err}} {
			if e := classify(err); e.Code != Environment || e.Hint == "" {
				t.Errorf("%v: exit code %d, hint %q", err, e.Code, e.Hint)
			}
		}
	}
	if e := classify(&log.StateError{Path: "tile", Msg: "damaged", Err: errors.New("wrong length")}); e.Code != Finding {
		t.Errorf("damage: exit code %d", e.Code)
	}
}
