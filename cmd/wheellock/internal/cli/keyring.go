package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/resolve/index"
)

const (
	// keyringWait is how long the user may take to unlock the keyring.
	keyringWait = time.Minute
	// maxKeyring caps what the command may print.
	maxKeyring = 64 << 10
)

// keyring asks the command that pip asks too: `keyring get SERVICE USER`, or
// where no user name is known `keyring --mode creds get SERVICE`, which prints
// it on a line before the password. No shell is in between. What it prints to
// stderr is dropped: it may hold what we asked for.
func (s *session) keyring(ctx context.Context, service, user string) (index.Credential, error) {
	none := index.Credential{}
	path, err := exec.LookPath("keyring")
	if err != nil || strings.HasPrefix(user, "-") {
		return none, nil
	}
	args := []string{"--mode", "creds", "get", service}
	if user != "" {
		args = []string{"get", service, user}
	}
	wait, cancel := context.WithTimeout(ctx, keyringWait)
	defer cancel()
	cmd := exec.CommandContext(wait, path, args...)
	cmd.Env = append(s.Environ(), "PYTHONIOENCODING=utf-8")
	cmd.Dir = "/" // nothing in somebody else's project may be in its way
	cmd.WaitDelay = time.Second
	var out limitedBuffer
	cmd.Stdout, cmd.Stderr = &out, io.Discard
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		return none, context.Cause(ctx)
	case wait.Err() != nil:
		return none, fmt.Errorf("the keyring did not answer in %v", keyringWait)
	case errors.As(err, new(*exec.ExitError)):
		return none, nil // it has no such entry
	case err != nil:
		return none, fmt.Errorf("asking the keyring: %w", err)
	}
	return parseKeyring(out.String(), user), nil
}

// parseKeyring reads the password, or user name and password, each on a line.
func parseKeyring(text, user string) index.Credential {
	lines := strings.Split(strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n")
	if user == "" && len(lines) == 2 {
		user, lines = lines[0], lines[1:]
	}
	// More lines are no password but a message.
	if user == "" || len(lines) != 1 || strings.ContainsAny(user+lines[0], "\x00\r") {
		return index.Credential{}
	}
	return index.Credential{User: user, Password: lines[0]}
}

// limitedBuffer keeps the first bytes and drops the rest.
type limitedBuffer struct{ bytes.Buffer }

func (b *limitedBuffer) Write(p []byte) (int, error) {
	b.Buffer.Write(p[:min(len(p), max(0, maxKeyring-b.Len()))])
	return len(p), nil
}
