package durable

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return "(none)"
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t *testing.T, path, data string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

// names lists everything below dir.
func names(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	filepath.Walk(dir, func(path string, _ os.FileInfo, err error) error {
		if err != nil {
			t.Fatal(err)
		}
		if rel, _ := filepath.Rel(dir, path); rel != "." {
			all = append(all, rel)
		}
		return nil
	})
	return strings.Join(all, " ")
}

var errFault = errors.New("injected")

// failAt makes the n'th change fail, before or after it is done, and every
// later one too if dead: the process has died.
func failAt(n int, after, dead bool) (hook, *int) {
	count := 0
	return func(op, path string, do func() error) error {
		count++
		switch {
		case count < n || count > n && !dead:
			return do()
		case count == n && after:
			if err := do(); err != nil {
				return err
			}
		}
		return errFault
	}, &count
}

func TestWriteFileFailsOrReplaces(t *testing.T) {
	for n := 1; n <= 3; n++ {
		for _, after := range []bool{false, true} {
			dir := t.TempDir()
			path := filepath.Join(dir, "file")
			write(t, path, "old")
			h, _ := failAt(n, after, false)
			if err := writeFile(h, path, []byte("new"), 0o644); !errors.Is(err, errFault) {
				t.Errorf("step %d: error %v", n, err)
			}
			if got := read(t, path); got != "old" && got != "new" {
				t.Errorf("step %d after=%v: %q", n, after, got)
			}
			if got := names(t, dir); got != "file" {
				t.Errorf("step %d after=%v: left %s", n, after, got)
			}
		}
	}
}

func TestWriteFileNarrowsTheMode(t *testing.T) {
	for _, test := range []struct{ old, perm, want os.FileMode }{
		{0o600, 0o644, 0o600},
		{0o644, 0o600, 0o600},
		{0o644, 0o644, 0o644},
	} {
		path := filepath.Join(t.TempDir(), "file")
		write(t, path, "old")
		if err := os.Chmod(path, test.old); err != nil {
			t.Fatal(err)
		}
		if err := WriteFile(path, []byte("new"), test.perm); err != nil {
			t.Fatal(err)
		}
		fi, err := os.Stat(path)
		if err != nil || fi.Mode().Perm() != test.want {
			t.Errorf("%o replaced with %o: %v, want %o", test.old, test.perm, fi.Mode().Perm(), test.want)
		}
	}
}

func plan(t *testing.T, dir string, h hook) *Tx {
	t.Helper()
	tx, err := Begin(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	tx.hook = h
	for _, name := range []string{"a", "b", "new/deep/c"} {
		if err := tx.Write(filepath.Join(dir, name), []byte("new "+name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return tx
}

func start(t *testing.T) string {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"), "old a")
	write(t, filepath.Join(dir, "b"), "old b")
	return dir
}

const (
	allOld = "old a|old b|(none)"
	allNew = "new a|new b|new new/deep/c"
)

func state(t *testing.T, dir string) string {
	return read(t, filepath.Join(dir, "a")) + "|" + read(t, filepath.Join(dir, "b")) + "|" + read(t, filepath.Join(dir, "new/deep/c"))
}

// Every step of a transaction fails once, before and after it was done, and the
// process lives on or dies there. Whatever happens, recovery gives all or none,
// and an error that does not say "committed" means none.
func TestTxFaults(t *testing.T) {
	h, count := failAt(1<<30, false, false)
	if err := plan(t, start(t), h).Commit(); err != nil {
		t.Fatal(err)
	}
	steps := *count
	if steps < 15 {
		t.Fatalf("only %d steps", steps)
	}
	for n := 1; n <= steps; n++ {
		for _, after := range []bool{false, true} {
			for _, dead := range []bool{false, true} {
				t.Run(fmt.Sprintf("step=%d,after=%v,dead=%v", n, after, dead), func(t *testing.T) {
					dir := start(t)
					h, _ := failAt(n, after, dead)
					err := plan(t, dir, h).Commit()
					if err == nil {
						t.Fatal("no error")
					}
					want := allOld
					if errors.Is(err, ErrCommitted) {
						want = allNew
					}
					recoverAll(t, dir)
					if got := state(t, dir); got != want {
						t.Errorf("after %v: %s", err, got)
					}
				})
			}
		}
	}
}

// recoverAll recovers, with recovery itself interrupted at each of its steps.
func recoverAll(t *testing.T, dir string) {
	t.Helper()
	for n := 1; n < 20; n++ {
		h, _ := failAt(n, n%2 == 0, true)
		if recoverDir(h, filepath.Join(dir, "state")) == nil {
			break
		}
	}
	if err := Recover(filepath.Join(dir, "state")); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); strings.Contains(got, "journal") || strings.Contains(got, tempPrefix) {
		t.Errorf("left behind: %s", got)
	}
}

func TestTxLeavesNothingBehind(t *testing.T) {
	dir := start(t)
	if err := plan(t, dir, nil).Commit(); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); got != "a b new new/deep new/deep/c" {
		t.Error(got)
	}
	dir = start(t)
	h, _ := failAt(6, false, false)
	if err := plan(t, dir, h).Commit(); err == nil || errors.Is(err, ErrCommitted) {
		t.Fatal(err)
	}
	if got := names(t, dir); got != "a b" {
		t.Error(got)
	}
}

func TestBeginAsksForRecovery(t *testing.T) {
	dir := start(t)
	for n := 1; ; n++ {
		h, _ := failAt(n, false, true)
		if err := plan(t, dir, h).Commit(); errors.Is(err, ErrCommitted) {
			break
		}
		recoverAll(t, dir)
	}
	if _, err := Begin(filepath.Join(dir, "state")); !errors.Is(err, ErrPending) {
		t.Errorf("got %v", err)
	}
}

// A project that is moved between the crash and the recovery is still recovered.
func TestRecoverAfterMove(t *testing.T) {
	dir := start(t)
	for n := 1; ; n++ {
		h, _ := failAt(n, true, true)
		if err := plan(t, dir, h).Commit(); errors.Is(err, ErrCommitted) {
			break
		}
		recoverAll(t, dir)
	}
	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	recoverAll(t, moved)
	if got := state(t, moved); got != allNew {
		t.Error(got)
	}
}

// A journal is an untrusted file: it may have come with a checkout.
func TestHostileJournals(t *testing.T) {
	const sum = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" // of "test"
	temp := tempPrefix + "0123456789abcdef" + tempSuffix
	for name, body := range map[string]string{
		"a temporary file elsewhere":     "file\t../victim\ttest\t" + sum + "\n",
		"a name that is not ours":        "file\t../victim\t../other\t" + sum + "\n",
		"a temporary file in our folder": "file\t../victim\t" + temp + "\t" + sum + "\n",
		"wrong bytes":                    "file\t../victim\t../" + temp + "\t" + strings.Repeat("0", 64) + "\n",
		"an unknown record":              "remove\t../victim\n",
		"a short record":                 "file\t../victim\n",
	} {
		for _, j := range []string{journalName, preparedName} {
			dir := t.TempDir()
			os.Mkdir(filepath.Join(dir, "state"), 0o755)
			write(t, filepath.Join(dir, "victim"), "safe")
			write(t, filepath.Join(dir, "other"), "test")
			write(t, filepath.Join(dir, temp), "test")
			write(t, filepath.Join(dir, "state", "test"), "test")
			write(t, filepath.Join(dir, "state", j), journalMagic+"\n"+body+"end\n")
			err := Recover(filepath.Join(dir, "state"))
			var je *JournalError
			if !errors.As(err, &je) && !(j == preparedName && name == "wrong bytes") {
				t.Errorf("%s in %s: %v", name, j, err)
			}
			if got := read(t, filepath.Join(dir, "victim")) + read(t, filepath.Join(dir, "other")); got != "safetest" {
				t.Errorf("%s in %s: files are now %q", name, j, got)
			}
		}
	}
	for _, text := range []string{"", journalMagic + "\n", journalMagic + "\nfile\ta", "wheellock-journal/v2\nend\n"} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, journalName), text)
		if err := Recover(dir); err == nil {
			t.Errorf("journal %q was taken", text)
		}
	}
}

func TestLockExcludes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "lock")
	unlock, err := Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(path); !errors.Is(err, ErrLocked) {
		t.Errorf("second lock: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := LockWait(ctx, path); !errors.Is(err, ErrLocked) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting: %v", err)
	}
	unlock()
	unlock()
	if got := names(t, filepath.Dir(filepath.Dir(path))); got != "" {
		t.Errorf("left behind: %s", got)
	}
}

// Ten goroutines fight for a lock whose file comes and goes.
func TestLockUnderContention(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "lock")
	var inside, total atomic.Int32
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for range 20 {
				unlock, err := LockWait(t.Context(), path)
				if err != nil {
					t.Error(err)
					return
				}
				if inside.Add(1) != 1 {
					t.Error("two inside")
				}
				total.Add(1)
				inside.Add(-1)
				unlock()
			}
		})
	}
	wg.Wait()
	if n := total.Load(); n != 200 {
		t.Errorf("%d turns", n)
	}
}

func TestTempNames(t *testing.T) {
	if name := TempName(); !IsTemp(name) {
		t.Errorf("%q is not ours", name)
	}
	for _, name := range []string{"", "a", ".wheellock-.tmp", ".wheellock-0123456789abcdeF.tmp", ".wheellock-0123456789abcdef.tmp2", ".wheellock-0123456789abcdef0.tmp"} {
		if IsTemp(name) {
			t.Errorf("%q is taken for ours", name)
		}
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, TempName()), "x")
	write(t, filepath.Join(dir, "keep"), "x")
	if err := RemoveTemps(dir); err != nil || names(t, dir) != "keep" {
		t.Errorf("%v, left %s", err, names(t, dir))
	}
}

// A symbolic link that came with a checkout is not followed.
func TestLinksAreNotFollowed(t *testing.T) {
	dir := t.TempDir()
	own, link := filepath.Join(dir, "own"), filepath.Join(dir, "link")
	write(t, own, "mine")
	if err := os.Symlink(own, link); err != nil {
		t.Fatal(err)
	}
	if err := Extend(link, 0, []byte("theirs"), 0o644); err == nil {
		t.Error("Extend followed a link")
	}
	if unlock, err := Lock(link); err == nil || errors.Is(err, ErrLocked) {
		t.Errorf("Lock followed a link: %v", err)
		unlock()
	}
	if err := WriteCache(link, []byte("new"), 0o644); err != nil {
		t.Error(err)
	}
	if got := read(t, own); got != "mine" {
		t.Errorf("the file behind the link is %q", got)
	}
}
