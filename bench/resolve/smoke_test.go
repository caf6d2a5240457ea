package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary be the children, as main does.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == childServe || os.Args[1] == childOnly) {
		main()
	}
	os.Exit(m.Run())
}

// TestSmallestRun keeps the program from rotting. It judges no time.
func TestSmallestRun(t *testing.T) {
	snapshot, err := filepath.Abs(filepath.Join("..", "..", defaultSnapshot()))
	if dir := os.Getenv("WHEELLOCK_SHARED"); dir != "" {
		snapshot, err = filepath.Join(dir, "index-snapshot"), nil
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(snapshot); err != nil {
		t.Skip("no recorded index here; see WHEELLOCK_SHARED")
	}
	r, err := run(options{snapshot: snapshot, runs: 1, sets: []string{"small.in"}, delays: []time.Duration{0}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Beside) != 3 || r.Beside[0].Packages == 0 || r.Beside[1].Cache != warm || r.Beside[1].Wheellock == nil || r.Beside[1].UV != nil {
		t.Errorf("beside: %+v", r.Beside)
	}
	if len(r.Five) != 2 || len(r.Five[0].Targets) != 5 || r.Five[1].Five.MiB <= 0 {
		t.Errorf("five: %+v", r.Five)
	}
	if len(r.Check.Requests) != 0 {
		t.Errorf("lock --check made requests: %v", r.Check.Requests)
	}
	// Within max-age a page that was asked for again would be a 304. What is read
	// ahead when the answer is there is given up, and may be asked for once more.
	if len(r.Requests) != 3 || r.Requests[0].Statuses[200] == 0 || r.Requests[1].Statuses[304] != 0 || r.Requests[2].Statuses[304] == 0 {
		t.Errorf("requests: %+v", r.Requests)
	}
	var table bytes.Buffer
	r.print(&table)
	for _, want := range []string{"SET ", "FIVE TARGETS", "requests, within max-age: none"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("no %q in\n%s", want, &table)
		}
	}
	// What README.md says of -json.
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var shape map[string]json.RawMessage
	if err := json.Unmarshal(data, &shape); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"date", "system", "cpus", "runs", "uv", "beside", "five", "check", "requests"} {
		if shape[key] == nil {
			t.Errorf("no %q in %s", key, data)
		}
		delete(shape, key)
	}
	if len(shape) != 0 {
		t.Errorf("README.md does not describe %v", shape)
	}
}
