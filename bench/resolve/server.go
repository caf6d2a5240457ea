package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/freedomofpress/wheellock/resolve/resolvetest"
)

// childServe and childOnly, as first argument, make this program the index
// server or the bare resolver. Both are processes of their own, and this one
// stays small: Linux counts the memory of whoever starts a program as the
// program's own peak.
const (
	childServe = "child-serve"
	childOnly  = "child-only"
)

// setting is a line to the server's standard input.
type setting struct {
	Delay, MaxAge time.Duration
	PagesAge      bool // MaxAge is sent with pages only
	Reset         bool // forget the requests so far
}

// state is its answer.
type state struct {
	URL      string
	Statuses map[int]int
}

// serve answers from the snapshot until its standard input ends.
func serve(dir string) error {
	recorded, err := resolvetest.ReadSnapshot(dir)
	if err != nil {
		return err
	}
	s := resolvetest.NewServer(resolvetest.Universe{}, resolvetest.ServerOptions{})
	defer s.Close()
	s.PublishSnapshot(recorded)
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var set setting
		if err := in.Decode(&set); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		s.Set(resolvetest.ServerOptions{Metadata: resolvetest.MetadataListed, Gzip: true, MaxAge: set.MaxAge, PagesAge: set.PagesAge, Delay: set.Delay})
		if set.Reset {
			s.ResetCounts()
		}
		if err := out.Encode(state{s.URL, s.Statuses()}); err != nil {
			return err
		}
	}
}

// server is the running child.
type server struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	setting setting
	url     string
}

func startServer(snapshot string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{cmd: exec.Command(self, childServe, snapshot), setting: setting{MaxAge: 10 * time.Minute}}
	s.cmd.Stderr = os.Stderr
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.out = bufio.NewReader(out)
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	first, err := s.ask(false)
	s.url = first.URL
	return s, err
}

func (s *server) stop() {
	s.in.Close()
	s.cmd.Wait()
}

// ask sends the settings, and returns what was asked of the server since the
// last reset.
func (s *server) ask(reset bool) (got state, err error) {
	set := s.setting
	set.Reset = reset
	line, err := json.Marshal(set)
	if err != nil {
		return got, err
	}
	if _, err = fmt.Fprintf(s.in, "%s\n", line); err == nil {
		if line, err = s.out.ReadBytes('\n'); err == nil {
			err = json.Unmarshal(line, &got)
		}
	}
	if err != nil {
		return got, fmt.Errorf("talking to the server: %w", err)
	}
	return got, nil
}
