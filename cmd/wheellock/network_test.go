package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestNetwork does what a new user would try, on the index that this machine's
// pip uses.
func TestNetwork(t *testing.T) {
	if os.Getenv("WHEELLOCK_NETWORK") != "1" {
		t.Skip("WHEELLOCK_NETWORK=1 is not set: no test leaves this machine")
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/network",
		Setup: func(env *testscript.Env) error {
			if err := setup(env); err != nil {
				return err
			}
			env.Setenv("WHEELLOCK_INDEX_URL", "")
			// How this machine reaches its index is its own affair.
			for _, key := range []string{
				"PIP_INDEX_URL", "PIP_CONFIG_FILE", "PIP_CERT", "PIP_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
				"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "UV_INDEX_URL", "UV_DEFAULT_INDEX",
			} {
				env.Setenv(key, os.Getenv(key))
			}
			if home, err := os.UserHomeDir(); err == nil {
				linkConfig(home, env.Getenv("HOME"))
				if os.Getenv("CARGO_HOME") == "" {
					env.Setenv("CARGO_HOME", filepath.Join(home, ".cargo"))
				}
			}
			return nil
		},
		Cmds:                commands,
		Condition:           condition,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// linkConfig lets pip's and netrc's settings of the user be found in the
// script's home.
func linkConfig(from, to string) {
	for _, name := range []string{".netrc", ".pip/pip.conf", ".config/pip/pip.conf"} {
		if _, err := os.Stat(filepath.Join(from, name)); err != nil {
			continue
		}
		place := filepath.Join(to, name)
		if name == ".config/pip/pip.conf" {
			place = filepath.Join(to, "config/pip/pip.conf") // XDG_CONFIG_HOME
		}
		if os.MkdirAll(filepath.Dir(place), 0o755) == nil {
			_ = os.Symlink(filepath.Join(from, name), place)
		}
	}
}
