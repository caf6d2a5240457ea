package repro

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/freedomofpress/wheellock/provenance/build"
)

// session are variables that name the caller's session and folders; a build that needs
// one of them works nowhere else. A name that ends in _ stands for all that begin so.
var session = []string{
	"SSH_", "GPG_", "DBUS_", "XDG_", "DISPLAY", "WAYLAND_DISPLAY", "MAIL", "OLDPWD", "SHLVL", "_", "HOSTNAME", "TMPDIR", "TEMP", "TMP", "LS_COLORS",
	"WINDOWID", "TERM_SESSION_ID", "INVOCATION_ID", "JOURNAL_STREAM", "SUDO_", "LD_PRELOAD", "FAKETIME",
}

// kept are tools' folders in the caller's home, and the variables that name them.
var kept = map[string]string{
	"PYTHONUSERBASE": ".local", "PYENV_ROOT": ".pyenv", "RUSTUP_HOME": ".rustup", "GOMODCACHE": "go/pkg/mod", "NVM_DIR": ".nvm",
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func named(key string) bool {
	return slices.ContainsFunc(session, func(s string) bool {
		return key == s || len(s) > 1 && strings.HasSuffix(s, "_") && strings.HasPrefix(key, s)
	})
}

// environ is the environment of a run: the caller's, and what is varied of it.
// started is when the run begins.
func (c *cell) environ(started time.Time, home string) map[string]string {
	v, out := c.varied, map[string]string{}
	for _, kv := range c.Environ {
		if k, val, ok := strings.Cut(kv, "="); ok && !named(k) {
			out[k] = val
		}
	}
	if out["PATH"] == "" {
		out["PATH"] = "/usr/local/bin:/usr/bin:/bin"
	}
	for k, below := range kept {
		// HOME moves, and what is installed below the caller's has to be found.
		if dir := filepath.Join(out["HOME"], below); out[k] == "" && filepath.IsAbs(out["HOME"]) && isDir(dir) {
			out[k] = dir
		}
	}
	out["PWD"], out["HOME"] = c.at.dir(), home
	name := callerName()
	if v.Set.Has(build.VaryUser) {
		name = v.UserName()
	}
	out["USER"], out["LOGNAME"] = name, name
	delete(out, "USERNAME")
	// A random seed would make two plain runs differ; here it is one that is known.
	seed := cmp.Or(out["PYTHONHASHSEED"], "0")
	if seed == "random" {
		seed = "0"
	}
	if v.Set.Has(build.VaryHashSeed) {
		seed = v.HashSeed(seed)
	}
	out["PYTHONHASHSEED"], out["PERL_HASH_SEED"] = seed, seed
	if v.Set.Has(build.VaryZone) {
		out["TZ"] = v.Zone()
	}
	if v.Set.Has(build.VaryLocale) && len(c.locales) > 0 {
		l := c.locales[(max(v.Round, 1)-1)%len(c.locales)]
		for _, k := range slices.Collect(maps.Keys(out)) {
			if strings.HasPrefix(k, "LC_") || k == "LANGUAGE" {
				delete(out, k)
			}
		}
		out["LANG"], out["LC_ALL"], out["LANGUAGE"] = l.Name, l.Name, strings.Split(l.Name, ".")[0]
		if l.Path != "" {
			out["LOCPATH"] = l.Path
		}
	}
	if c.clock != "" {
		maps.Copy(out, build.ClockEnviron(c.clock, c.faketime(started)))
	}
	return out
}

// frozen is the instant at which the clock stands still, in libfaketime's words.
const frozen = "2026-01-01 00:00:00"

// faketime is the setting of libfaketime: each run begins at the instant at which
// the first one did, or another one.
func (c *cell) faketime(started time.Time) string {
	if c.freeze {
		return frozen
	}
	offset := c.began.Sub(started).Seconds()
	if c.varied.Set.Has(build.VaryTime) {
		offset += float64(c.varied.Clock())
	}
	return fmt.Sprintf("%+.3f", offset)
}

// homeOf is HOME below a run's temporary folder.
func homeOf(tmp string, v build.Varied) string {
	if v.Set.Has(build.VaryHome) {
		return filepath.Join(tmp, "some", "where", "home-"+strconv.Itoa(max(v.Round, 1)))
	}
	return filepath.Join(tmp, "home")
}

func callerName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "nobody"
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
