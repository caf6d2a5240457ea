package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/resolve/resolvetest"
)

// locker runs this test binary as wheellock, as a process of its own.
type locker struct {
	exe, index string
	env        []string
}

func newLocker(t *testing.T, o resolvetest.ServerOptions) locker {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	return locker{exe, resolvetest.Serve(t, resolvetest.Standard(), o).URL,
		[]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_CONFIG_HOME=" + home}}
}

func (l locker) command(dir, cache string) *exec.Cmd {
	cmd := exec.Command(l.exe, "lock", "-q", "--index-url", l.index, "--cache-dir", cache)
	cmd.Args[0], cmd.Dir, cmd.Env = "wheellock", dir, l.env
	return cmd
}

func project(t *testing.T, requirements string) string {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"requirements.in": requirements,
		"wheellock.toml":  "sources = [\"requirements.in\"]\n[[targets]]\nname = \"focal\"\n[[targets]]\nname = \"bookworm\"\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// lockAlone returns the lock that a process makes with a cache of its own.
func (l locker) lockAlone(t *testing.T, requirements string) []byte {
	t.Helper()
	dir := project(t, requirements)
	if out, err := l.command(dir, t.TempDir()).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(filepath.Join(dir, "wheels.lock"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Processes that share a cache, some of which are killed at any moment, all make
// the lock that each makes alone.
func TestProcessesShareACache(t *testing.T) {
	l := newLocker(t, resolvetest.ServerOptions{Metadata: resolvetest.MetadataListed, Delay: time.Millisecond})
	inputs := []string{"courier\n", "weighty\ncourier\n", "charguess\n"}
	var want [][]byte
	for _, in := range inputs {
		want = append(want, l.lockAlone(t, in))
	}
	cache := t.TempDir()
	for round := range 3 { // the first with an empty cache
		var all sync.WaitGroup
		for i := range 8 {
			dir := project(t, inputs[i%3])
			killed := i%4 == 3
			wait := time.Duration(rand.IntN(150)) * time.Millisecond
			all.Go(func() {
				var out bytes.Buffer
				cmd := l.command(dir, cache)
				cmd.Stdout, cmd.Stderr = &out, &out
				if err := cmd.Start(); err != nil {
					t.Error(err)
					return
				}
				if killed {
					time.Sleep(wait)
					cmd.Process.Kill()
				}
				if err := cmd.Wait(); err != nil && !killed {
					t.Errorf("round %d: %v\n%s", round, err, out.Bytes())
					return
				}
				got, err := os.ReadFile(filepath.Join(dir, "wheels.lock"))
				if killed && os.IsNotExist(err) {
					return
				}
				if !bytes.Equal(got, want[i%3]) {
					t.Errorf("round %d: another lock than alone (%v)", round, err)
				}
			})
		}
		all.Wait()
	}
}

// A cache that cannot be written, was made by something else, or has a file for
// a folder costs time and nothing more, as long as no file has to be fetched.
func TestUnwritableCache(t *testing.T) {
	l := newLocker(t, resolvetest.ServerOptions{Metadata: resolvetest.MetadataHashed})
	upstream := func() string {
		dir := project(t, "sealed\n")
		f, err := os.OpenFile(filepath.Join(dir, "wheellock.toml"), os.O_APPEND|os.O_WRONLY, 0)
		if err == nil {
			_, err = fmt.Fprint(f, "[policy]\nwheels = \"upstream\"\n")
		}
		if err != nil || f.Close() != nil {
			t.Fatal(err)
		}
		return dir
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	inTheWay := t.TempDir()
	if err := os.WriteFile(filepath.Join(inTheWay, "v1"), []byte("v1"), 0o644); err != nil {
		t.Fatal(err)
	}
	loop := t.TempDir()
	if err := os.Symlink("v1", filepath.Join(loop, "v1")); err != nil {
		t.Fatal(err)
	}
	for _, cache := range []string{file, "/proc/wheellock", inTheWay, loop} {
		dir := upstream()
		out, err := l.command(dir, cache).CombinedOutput()
		if err != nil {
			t.Errorf("cache %s: %v\n%s", strings.TrimPrefix(cache, os.TempDir()), err, out)
		}
		if _, err := os.Stat(filepath.Join(dir, "wheels.lock")); err != nil {
			t.Errorf("no lock: %v", err)
		}
	}
}
