package witness

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
)

// dirVariable makes a witness of this test's own program, which a test can kill.
const dirVariable = "WHEELLOCK_TEST_WITNESS"

func TestMain(m *testing.M) {
	if os.Getenv(dirVariable) == "" {
		os.Exit(m.Run())
	}
	t := &testing.T{}
	s, err := NewServer(os.Getenv(dirVariable), newKey(t, "witness.example"), Log{sumdbtest.Origin, []note.Verifier{sumdbtest.Key(t, sumdbtest.Origin).Verifier()}})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		os.Exit(1)
	}
	fmt.Println("http://" + l.Addr().String())
	http.Serve(l, s)
}

// TestKills: whenever a witness is killed, the next process remembers at least
// what the last one has answered for, and signs no other history.
func TestKills(t *testing.T) {
	h, fork := newHistory(t, "ours", 300), newHistory(t, "theirs", 300)
	dir := t.TempDir()
	key := newKey(t, "witness.example").Verifier()
	answered := 0
	for round := range 25 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), dirVariable+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line := make([]byte, 64)
		n, err := out.Read(line)
		url := strings.TrimSpace(string(line[:n]))
		if err != nil || !strings.HasPrefix(url, "http://") {
			t.Fatalf("round %d: it does not start again: %s %v", round, line, err)
		}
		c := &Client{Name: "w", URL: url, Key: key}
		if answered >= 4 {
			_, err := c.Cosign(t.Context(), int64(answered), fork.checkpoint(299), fork.tree(299))
			if err == nil || !IsFork(err) {
				t.Fatalf("round %d: it signs two histories: %v", round, err)
			}
		}
		die := time.Now().Add(time.Duration(rand.IntN(30)) * time.Millisecond)
		stop := make(chan struct{})
		go func() {
			time.Sleep(time.Until(die))
			cmd.Process.Kill()
			close(stop)
		}()
		for answered < 290 {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			_, err := c.Cosign(ctx, int64(answered), h.checkpoint(answered+1), h.tree(answered+1))
			cancel()
			if IsFork(err) {
				t.Fatalf("round %d: %v", round, err)
			}
			if err != nil {
				break // dead
			}
			answered++
		}
		<-stop
		cmd.Wait()
	}
	if answered < 10 {
		t.Skipf("only %d checkpoints were signed: this machine is too slow for the test", answered)
	}
}
