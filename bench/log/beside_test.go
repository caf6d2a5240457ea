package log

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	sizeFlag = flag.Int("size", 3000, "statements in the log before anything is measured")
	dirFlag  = flag.String("dir", "", "folder in which the logs are kept for the next run")
	runsFlag = flag.Int("runs", 15, "processes for each median")
	bulkFlag = flag.Int("bulk", 4, "batches of 1,024 in bulk, of which the first warm up")
)

const batchSize = 1024

// A process of its own appends once and says how long that took it.
const childEnv = "WHEELLOCK_BENCH_CHILD" // WHO,DIR,FIRST,N

func TestChild(t *testing.T) {
	arg := strings.Split(os.Getenv(childEnv), ",")
	if len(arg) != 4 {
		t.Skip("started by TestBeside")
	}
	// As cmd/wheellock does.
	debug.SetGCPercent(1600)
	debug.SetMemoryLimit(128 << 20)
	first, _ := strconv.Atoi(arg[2])
	n, _ := strconv.Atoi(arg[3])
	w := openWorld(t, arg[1])
	var batch [][]byte
	for i := range n {
		batch = append(batch, leaf(t, w, first+i, true))
	}
	began := time.Now()
	if arg[0] == "ours" {
		if _, err := open(t, w, true).Append(t.Context(), batch...); err != nil {
			t.Fatal(err)
		}
	} else {
		l := openTessera(t, arg[1])
		l.add(t, batch, true)
		fmt.Printf("took %d\n", time.Since(began).Microseconds())
		l.close(t)
		return
	}
	fmt.Printf("took %d\n", time.Since(began).Microseconds())
}

var next = int(time.Now().UnixMicro()) // of statements that no log holds yet

// cold is the median and the worst of an append by fresh processes, as they
// measure it themselves: signing beforehand and the start of the process apart.
func cold(t *testing.T, who, dir string, n int) (median, worst time.Duration) {
	var all []time.Duration
	for range *runsFlag {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestChild$")
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s,%s,%d,%d", childEnv, who, dir, next, n))
		next += n
		out, err := cmd.CombinedOutput()
		_, rest, ok := strings.Cut(string(out), "took ")
		if err != nil || !ok {
			t.Fatalf("%s: %v\n%s", who, err, out)
		}
		us, _, _ := strings.Cut(rest, "\n")
		k, err := strconv.Atoi(us)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, time.Duration(k)*time.Microsecond)
	}
	slices.Sort(all)
	return all[len(all)/2], all[len(all)-1]
}

func TestBeside(t *testing.T) {
	dir := *dirFlag
	if dir == "" {
		dir = t.TempDir()
	}
	ours, tess := filepath.Join(dir, "wheellock"), filepath.Join(dir, "tessera")
	w := openWorld(t, ours)
	fill(t, w, *sizeFlag)
	fillTessera(t, tess, *sizeFlag)

	row := func(what, mine, other string) { t.Logf("%-34s %16s %16s", what, mine, other) }
	ms := func(median, worst time.Duration) string {
		return fmt.Sprintf("%.1f (%.1f) ms", median.Seconds()*1e3, worst.Seconds()*1e3)
	}
	t.Logf("logs of %d statements", *sizeFlag)
	row("", "WHEELLOCK", "TESSERA POSIX")
	for _, n := range []int{1, 100} {
		row(fmt.Sprintf("cold append of %d, median (worst)", n), ms(cold(t, "ours", ours, n)), ms(cold(t, "tessera", tess, n)))
	}
	rate := func(r float64) string { return fmt.Sprintf("%.0f/s", r) }
	each := [2]float64{bulk(t, w, *bulkFlag, 1, false), bulkTessera(t, tess, *bulkFlag, 1, true)}
	row("bulk, each batch published", rate(each[0]), rate(each[1]))
	row("  the same, signatures checked", rate(bulk(t, w, *bulkFlag, 1, true)), "checks none")
	row("bulk, 12 batches under way", rate(bulk(t, w, *bulkFlag, 12, false)), rate(bulkTessera(t, tess, *bulkFlag, *bulkFlag, true)))
	row("  the same, signatures checked", rate(bulk(t, w, *bulkFlag, 12, true)), "checks none")
	row("  integrated, not yet published", "-", rate(bulkTessera(t, tess, *bulkFlag, *bulkFlag, false)))
	proving, checking := prove(t, w, *sizeFlag)
	row("prove one, from files", proving.String(), "-")
	row("verify one, with its signature", checking.String(), "-")
	row("fsck, signatures unchecked", check(t, w).Round(time.Millisecond).String(), "-")
	row("bytes a statement in log/tile", fmt.Sprintf("%d", onDisk(t, filepath.Join(w.Dir, "tile"))/int64(size(t, w))), "-")
	row("bytes a statement, index too", fmt.Sprintf("%d", (onDisk(t, w.Dir)-onDisk(t, filepath.Join(w.Dir, ".state")))/int64(size(t, w))), "-")
	row("bytes of one statement", fmt.Sprintf("%d", len(leaf(t, w, 700_000, true))), "same")
}
