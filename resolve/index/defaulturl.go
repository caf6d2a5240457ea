package index

import (
	"context"
	"errors"
)

// Env is what DefaultURL may look at.
type Env struct {
	Getenv func(string) string
	Home   string // the user's home folder; "" if there is none
	// ReadFile reads a configuration file; nil means os.ReadFile.
	ReadFile func(path string) ([]byte, error)
	// Run runs a program and returns its standard output.
	Run func(ctx context.Context, name string, args ...string) ([]byte, error)
}

// DefaultURL finds the index that this user's pip uses.
func DefaultURL(ctx context.Context, env Env) (string, error) {
	return "", errors.New("unwritten")
}
