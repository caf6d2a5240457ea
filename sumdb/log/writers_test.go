package log_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
)

// TestMain lets the test's own binary be a writer: a process of its own, that
// can be killed.
func TestMain(m *testing.M) {
	if os.Getenv("WHEELLOCK_TEST_WRITER") != "" {
		os.Exit(writer())
	}
	os.Exit(m.Run())
}

// leafOf is statement n of writer k.
func leafOf(w *sumdbtest.World, k, n int) []byte {
	x := sumdbtest.Source(1000*k + n)
	x.Head = sumdbtest.Head(n)
	return w.Leaf(x)
}

// writer appends statements until it has done its number and prints the index
// of each once it is acknowledged.
func writer() int {
	arg := strings.Split(os.Getenv("WHEELLOCK_TEST_WRITER"), ",")
	from, _ := strconv.Atoi(arg[3])
	to, _ := strconv.Atoi(arg[4])
	k, _ := strconv.Atoi(arg[2])
	failed := 0
	testing.Init()
	res := testing.Benchmark(func(b *testing.B) {
		if from == to {
			return
		}
		w := sumdbtest.New(b)
		w.Dir, w.KeyDir = arg[0], arg[1]
		for ; from < to; from++ {
			res, err := w.Log().AppendMissing(b.Context(), leafOf(w, k, from))
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				failed = 1
				return
			}
			fmt.Println(k, from, res.Indexes[0])
		}
	})
	_ = res
	return failed
}

func start(t *testing.T, w *sumdbtest.World, k, from, to int) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.benchtime=1x")
	cmd.Env = append(os.Environ(), fmt.Sprintf("WHEELLOCK_TEST_WRITER=%s,%s,%d,%d,%d", w.Dir, w.KeyDir, k, from, to))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// check looks up each acknowledged statement where its writer was told it is.
func check(t *testing.T, w *sumdbtest.World, acks []string) {
	t.Helper()
	v := view(t, w)
	for _, ack := range acks {
		var k, n int
		var i int64
		if _, err := fmt.Sscan(ack, &k, &n, &i); err != nil {
			t.Fatalf("%q: %v", ack, err)
		}
		s, err := v.Statement(t.Context(), i)
		if err != nil || string(s.Leaf) != string(leafOf(w, k, n)) {
			t.Errorf("acknowledged and lost: %s, %v", ack, err)
		}
	}
	if n := problems(t, w); n != 0 {
		t.Errorf("fsck finds %d problems", n)
	}
}

func TestWriterProcesses(t *testing.T) {
	for _, writers := range []int{2, 10} {
		w := sumdbtest.New(t)
		w.Append(w.Leaves(1)...)
		each := 60 / writers
		var mu sync.Mutex
		var acks []string
		var wg sync.WaitGroup
		for k := range writers {
			cmd, out := start(t, w, k+1, 0, each)
			wg.Go(func() {
				for out.Scan() {
					mu.Lock()
					acks = append(acks, out.Text())
					mu.Unlock()
				}
				if err := cmd.Wait(); err != nil {
					t.Errorf("writer %d: %v", k, err)
				}
			})
		}
		wg.Wait()
		if len(acks) != 60 {
			t.Errorf("%d writers: %d acknowledged", writers, len(acks))
		}
		check(t, w, acks)
		if v := view(t, w); v.Checkpoint.Size != 61 {
			t.Errorf("%d writers: size %d", writers, v.Checkpoint.Size)
		}
	}
}

func TestWritersOfOneProcess(t *testing.T) {
	w := sumdbtest.New(t)
	w.Append(w.Leaves(1)...)
	l := w.Log()
	var wg sync.WaitGroup
	for k := range 10 {
		wg.Go(func() {
			for n := range 5 {
				if _, err := l.Append(t.Context(), leafOf(w, k+1, n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if v := view(t, w); v.Checkpoint.Size != 51 {
		t.Errorf("size %d", v.Checkpoint.Size)
	}
	check(t, w, nil)
}

// A writer is killed at random instants (WHEELLOCK_KILLS times), half of them
// from its start on, half after it has acknowledged something. Each time the whole
// log is checked; what was acknowledged is there, and the log goes on.
func TestKilledWriters(t *testing.T) {
	kills := 100
	if s := os.Getenv("WHEELLOCK_KILLS"); s != "" {
		kills, _ = strconv.Atoi(s)
	}
	w := sumdbtest.New(t)
	w.Append(w.Leaves(1)...)
	r := rand.New(rand.NewPCG(1, 2))
	var acks []string
	next := 0
	for range kills {
		cmd, out := start(t, w, 1, next, 1000)
		var got []string
		first := make(chan bool, 1)
		done := make(chan bool)
		go func() {
			for out.Scan() {
				got = append(got, out.Text())
				select {
				case first <- true:
				default:
				}
			}
			close(done)
		}()
		if r.IntN(2) == 0 {
			select {
			case <-first:
			case <-done:
				t.Fatal("the writer ended by itself")
			}
		}
		time.Sleep(time.Duration(r.IntN(25000)) * time.Microsecond)
		cmd.Process.Kill()
		<-done
		cmd.Wait()
		acks = append(acks, got...)
		next += len(got)
		if err := w.Log().Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := problems(t, w); n != 0 {
			t.Fatalf("fsck finds %d problems", n)
		}
	}
	check(t, w, acks)
	if len(acks) < kills/2 {
		t.Errorf("only %d acknowledged", len(acks))
	}
}

// Two folders of one log on one machine, both written at once: one goes on, the
// other is refused, and no fork is signed.
func TestTwoFoldersOneKey(t *testing.T) {
	w := sumdbtest.New(t)
	w.Append(w.Leaves(3)...)
	a, b := clone(t, w, false), clone(t, w, false)
	a.KeyDir, b.KeyDir = w.KeyDir, w.KeyDir
	errs := make([]error, 2)
	var wg sync.WaitGroup
	for i, c := range []*sumdbtest.World{a, b} {
		wg.Go(func() { _, errs[i] = c.Log().Append(t.Context(), leafOf(w, i+1, 1)) })
	}
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Fatalf("%v; %v", errs[0], errs[1])
	}
	for _, err := range errs {
		if err != nil && !refusedState(err) {
			t.Error(err)
		}
	}
}
