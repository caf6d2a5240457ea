package serve

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/store"
)

// metrics are counters since the start.
type metrics struct {
	start    time.Time
	reads    atomic.Int64 // requests for files
	added    atomic.Int64 // statements that were not in the log before
	batches  atomic.Int64
	failures atomic.Int64
	seconds  histogram // of an /add that got a proof
	appends  histogram // of an append
	mu       sync.Mutex
	answers  map[int]int64 // of /add, by status
}

func (m *metrics) answered(status int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.answers == nil {
		m.answers = map[int]int64{}
	}
	m.answers[status]++
}

// bounds of the histograms, in seconds.
var bounds = [...]float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

type histogram struct {
	mu    sync.Mutex
	count [len(bounds) + 1]int64
	sum   float64
}

func (h *histogram) observe(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i, _ := slices.BinarySearch(bounds[:], d.Seconds())
	h.count[i]++
	h.sum += d.Seconds()
}

func (h *histogram) write(b *strings.Builder, name, help string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s histogram\n", name, help, name)
	total := int64(0)
	for i, le := range bounds {
		total += h.count[i]
		fmt.Fprintf(b, "%s_bucket{le=\"%g\"} %d\n", name, le, total)
	}
	total += h.count[len(bounds)]
	fmt.Fprintf(b, "%s_bucket{le=\"+Inf\"} %d\n%s_sum %g\n%s_count %d\n", name, total, name, h.sum, name, total)
}

// serveMetrics writes the text exposition format of Prometheus, version 0.0.4.
func (s *Server) serveMetrics(w http.ResponseWriter, r *http.Request) {
	m := &s.metrics
	size := s.size.Load()
	// Others append to the folder, too.
	if c, _, err := store.Checkpoint(r.Context(), store.Folder(s.o.Dir), s.o.Origin, s.writer.Load().LogKeys); err == nil {
		size = c.Size
	}
	var b strings.Builder
	one := func(name, kind, help string, value any) {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n%s %v\n", name, help, name, kind, name, value)
	}
	one("wheellock_log_size", "gauge", "Statements in the published log.", size)
	one("wheellock_log_added_total", "counter", "Statements appended by this process.", m.added.Load())
	one("wheellock_log_batches_total", "counter", "Appends by this process.", m.batches.Load())
	one("wheellock_log_append_failures_total", "counter", "Appends that failed.", m.failures.Load())
	one("wheellock_log_waiting", "gauge", "Statements that wait for an append.", len(s.queue))
	one("wheellock_log_reads_total", "counter", "Requests for files of the log.", m.reads.Load())
	one("wheellock_start_time_seconds", "gauge", "When this process started, in seconds since 1970.", m.start.Unix())
	const adds = "wheellock_log_add_requests_total"
	fmt.Fprintf(&b, "# HELP %s Answers to /add by status.\n# TYPE %s counter\n", adds, adds)
	m.mu.Lock()
	for _, status := range slices.Sorted(maps.Keys(m.answers)) {
		fmt.Fprintf(&b, "%s{code=\"%d\"} %d\n", adds, status, m.answers[status])
	}
	m.mu.Unlock()
	m.seconds.write(&b, "wheellock_log_add_seconds", "From a statement's arrival to its proof.")
	m.appends.write(&b, "wheellock_log_append_seconds", "Of one append, witnesses included.")
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	fmt.Fprint(w, b.String())
}
