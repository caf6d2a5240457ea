package build

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/freedomofpress/wheellock/internal/durable"
)

// round is the round of a variation, 0 if it is not varied.
func (v Varied) round(one Variations) int {
	if v.Set.Has(one) {
		return max(v.Round, 1)
	}
	return 0
}

// zones differ from every zone of the world's in name and, by their offset, almost
// always in the day. They need no zone files.
var zones = []string{"WLA-13:30", "WLB+11:15"}

// Zone is a value of TZ for a round.
func (v Varied) Zone() string { return zones[(max(v.Round, 1)-1)%len(zones)] }

// Clock is how many seconds the clock is set off for a round. A year and more,
// so that the year shows; hours too, so that time and date both do.
func (v Varied) Clock() int64 {
	days := []int64{400, -900}
	return days[(max(v.Round, 1)-1)%len(days)]*86400 + 25_391
}

// HostName is a host name for a round.
func (v Varied) HostName() string { return "other" + strconv.Itoa(max(v.Round, 1)) }

// UserName is a user's name for a round, and UserID its number.
func (v Varied) UserName() string { return "somebody" + strconv.Itoa(max(v.Round, 1)) }

// UserID is the number of that user and of its group.
func (v Varied) UserID() int { return 4320 + max(v.Round, 1) }

// HashSeed is a seed other than base for a round.
func (v Varied) HashSeed(base string) string {
	if s := strconv.Itoa(max(v.Round, 1)); s != base {
		return s
	}
	return "90" + base
}

// ClockLibrary finds libfaketime, which moves the clock for programs that use the
// C library, in a tree ("" for this machine). A time namespace would not do: it
// moves the monotonic clock and the boot's, never the one that tells the date. It
// returns "" where there is none.
func ClockLibrary(tree string) string {
	for _, pattern := range []string{
		"/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib/faketime/libfaketime.so.1", "/usr/lib64/faketime/libfaketime.so.1",
		"/usr/local/lib/faketime/libfaketime.so.1",
	} {
		found, _ := filepath.Glob(tree + pattern)
		for _, f := range found {
			return strings.TrimPrefix(f, tree)
		}
	}
	return ""
}

// ClockEnviron is what makes the programs below see another time. Times of files
// stay true: make and its like compare them with each other.
func ClockEnviron(library, faketime string) map[string]string {
	return map[string]string{"LD_PRELOAD": library, "FAKETIME": faketime, "NO_FAKE_STAT": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
}

// localeSources are the languages tried, the most telling first: in Estonian z comes
// before t, in Turkish i and I are no pair.
var localeSources = []string{"et_EE", "tr_TR", "fr_CH"}

// A Locale is a UTF-8 locale that programs here can use.
type Locale struct {
	Name string
	Path string // LOCPATH that it needs; "" where it is installed
}

// OtherLocales are UTF-8 locales of other languages, at most two: installed ones, else
// ones that localedef makes below cache, which needs no rights.
func OtherLocales(ctx context.Context, cache string) []Locale {
	var out []Locale
	list := exec.CommandContext(ctx, "/usr/bin/locale", "-a")
	list.Env = []string{}
	installed, _ := list.Output()
	for _, line := range strings.Fields(string(installed)) {
		name, charset, _ := strings.Cut(line, ".")
		if c := strings.ToLower(charset); (c == "utf8" || c == "utf-8") && name != "C" && !strings.HasPrefix(name, "en") {
			out = append(out, Locale{Name: line})
		}
	}
	slices.SortStableFunc(out, func(a, b Locale) int { return rank(a.Name) - rank(b.Name) })
	if len(out) > 2 {
		out = out[:2]
	}
	for _, source := range localeSources {
		if len(out) == 2 {
			break
		}
		if slices.ContainsFunc(out, func(l Locale) bool { return strings.HasPrefix(l.Name, source) }) {
			continue
		}
		if dir, err := makeLocale(ctx, cache, source); err == nil {
			out = append(out, Locale{Name: source + ".UTF-8", Path: dir})
		}
	}
	return out
}

func rank(name string) int {
	for i, s := range localeSources {
		if strings.HasPrefix(name, s) {
			return i
		}
	}
	return len(localeSources)
}

// makeLocale compiles a locale once and keeps it.
func makeLocale(ctx context.Context, cache, source string) (dir string, err error) {
	dir = filepath.Join(cache, "locale")
	name := filepath.Join(dir, source+".UTF-8")
	if isDir(name) {
		return dir, nil
	}
	if err := durable.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	temp, err := os.MkdirTemp(dir, ".new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)
	if err := os.Chmod(temp, 0o755); err != nil {
		return "", err
	}
	made := filepath.Join(temp, source+".UTF-8")
	cmd := exec.CommandContext(ctx, "/usr/bin/localedef", "--no-archive", "-i", source, "-f", "UTF-8", made)
	cmd.Env = []string{}
	out, err := cmd.CombinedOutput()
	if !isDir(made) {
		return "", fmt.Errorf("making the locale %s: %v: %s", source, err, lastLines(out, 1))
	}
	if err := os.Rename(made, name); err != nil && !isDir(name) {
		return "", err
	}
	return dir, nil
}

// CannotPin says why the number of processors cannot be varied here, "" if it can.
func CannotPin() string {
	if runtime.NumCPU() < 2 {
		return "this machine has one processor"
	}
	if _, err := os.Stat(taskset); err != nil {
		return "taskset is not installed: apt-get install util-linux"
	}
	return ""
}
