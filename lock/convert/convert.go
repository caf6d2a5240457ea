// Package convert turns a lock into the formats of other tools.
package convert

import (
	"errors"
	"fmt"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
)

// MissingError lists wheels that are still to be built.
type MissingError struct {
	Target string
	Wheels []string // "NAME VERSION", sorted
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("%d wheels are still to be built for %s: %s", len(e.Wheels), e.Target, strings.Join(e.Wheels, ", "))
}

// Requirements gives a pip requirements file with one hash a package.
func Requirements(l *lock.Lock, target string) ([]byte, error) { return nil, errors.New("unwritten") }

// Pylock gives a PEP 751 pylock.toml for one target, or for all where target is "".
// filesDir is where the wheels lie, relative to the file or absolute.
func Pylock(l *lock.Lock, target, filesDir string) ([]byte, error) {
	return nil, errors.New("unwritten")
}
