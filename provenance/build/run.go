package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// pipes are the ends of a sandbox's descriptors: theirs are handed to it, ours are
// read here.
type pipes struct{ ours, theirs []*os.File }

// newPipe adds a pipe and returns our end of it.
func (p *pipes) newPipe() (*os.File, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.ours, p.theirs = append(p.ours, read), append(p.theirs, write)
	return read, nil
}

func (p *pipes) closeTheirs() {
	for _, f := range p.theirs {
		f.Close()
	}
	p.theirs = nil
}

func (p *pipes) close() {
	p.closeTheirs()
	for _, f := range p.ours {
		f.Close()
	}
}

// run starts the sandbox and takes the wheel out of it.
func (b *Builder) run(ctx context.Context, j Job, s *sandbox) (*Result, error) {
	s.limits = b.limits()
	inner, cancel := context.WithTimeout(ctx, s.limits.time)
	defer cancel()
	stdin, err := jobText(j)
	if err != nil {
		return nil, err
	}
	s.cage = &cage{}
	if !b.uncaged {
		s.cage = newCage(s.limits)
	}
	defer s.cage.open()
	var p pipes
	defer p.close()
	answers, err := p.newPipe()
	if err != nil {
		return nil, err
	}
	said, err := p.newPipe()
	if err != nil {
		return nil, err
	}
	info, err := p.newPipe()
	if err != nil {
		return nil, err
	}
	filter, err := filterPipe()
	if err != nil {
		return nil, err
	}
	p.theirs = append(p.theirs, filter)
	sealFiles()
	cmd := s.command(inner, p.theirs)
	log := &cappedLog{}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), log, log
	err = cmd.Start()
	p.closeTheirs()
	if err != nil {
		return nil, &SandboxError{Why: err.Error(), Fix: "apt-get install bubblewrap"}
	}
	dog := watch(info, s.limits, s.cage, log)
	reports := make(chan report, 1)
	go func() { reports <- readReport(said) }()
	path, answer := receive(answers, j.Into, func(asked []string) error { return missing(j, asked) })
	if answer != nil && answer != io.ErrUnexpectedEOF {
		cancel() // nothing more is expected of it
	}
	exit := cmd.Wait()
	stopped := dog.end()
	r := <-reports
	bad := func(why string) error {
		os.Remove(path)
		return &Error{Package: j.Name + " " + j.Version, Why: why, Log: log.bytes()}
	}
	switch {
	case ctx.Err() != nil:
		os.Remove(path)
		return nil, ctx.Err()
	case stopped != "":
		return nil, bad("stopped: " + stopped)
	case inner.Err() == context.DeadlineExceeded:
		return nil, bad(fmt.Sprintf("stopped after %s", s.limits.time))
	case errors.As(answer, new(*RequiresError)):
		return nil, answer
	case answer != nil && answer != io.ErrUnexpectedEOF:
		return nil, bad(answer.Error())
	case exit != nil:
		return nil, bad("the backend failed (" + exitWord(exit) + ")")
	case answer != nil:
		return nil, bad("the backend ended without a wheel")
	}
	return &Result{
		Path: path, File: filepath.Base(path), Log: log.bytes(), Place: s.interpreter.place(), PlaceList: s.interpreter.list,
		Walls: r.walls(s.name(), s.cage, dog != nil), headers: r.headers, interpreter: s.interpreter,
	}, nil
}

// exitWord says what ended a process; the guard passes on the signal that ended
// the driver as a shell does.
func exitWord(err error) string {
	var e *exec.ExitError
	if errors.As(err, &e) && e.ExitCode() > 128 {
		return fmt.Sprintf("ended by signal %d", e.ExitCode()-128)
	}
	return err.Error()
}
