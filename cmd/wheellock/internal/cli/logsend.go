package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/report"
	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/policy"
	"github.com/freedomofpress/wheellock/sumdb/serve"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// A sending is what became of the pending statements that were sent to a server.
type sending struct {
	led     *ledger
	to      string
	from    store.Reader      // the log as the server shows it
	before  int64             // its size before anything was sent
	refused []log.BadPending  // kept, with the reason
	taken   map[string]placed // by file name
	left    int               // not sent: the server was not there any more
	down    error             // why
}

type placed struct {
	*log.Pending
	at int64
}

// logSend sends the pending statements to the server of the log, where no private
// key of the log is needed: each is let in by its own signature. Then the copy of
// the log in the wheelhouse follows, and what it holds is pending no more.
func (a *app) logSend(ctx context.Context, to string) error {
	if !isAddress(to) {
		// Not repeated: a password may be in it.
		return usage("--to is not the address of a log: expected as in https://log.example.org")
	}
	if a.offline {
		return environment("run it again without --offline", "%s is behind the network", to)
	}
	s, led, err := a.openWithLog(ctx, false)
	if err != nil {
		return err
	}
	defer s.close()
	to = strings.TrimSuffix(to, "/")
	x := &sending{led: led, to: to, from: store.HTTP{URL: to}, taken: map[string]placed{}}
	if err := x.ourLog(ctx); err != nil {
		return err
	}
	list, bad, err := log.ListPending(led.pendingDir())
	if err != nil {
		return err
	}
	x.refused = bad
	if err := x.send(ctx, list); err != nil {
		return err
	}
	if err := x.follow(ctx); err != nil {
		return err
	}
	before, err := led.proofEdit(ctx, s.locked)
	if err != nil {
		return err
	}
	if _, err := s.write(led.pins, s.locked, before...); err != nil {
		return err
	}
	return a.sent(x)
}

// ourLog asks whether the log of this project is at the address, and whether we
// know the roots by which it speaks.
func (x *sending) ourLog(ctx context.Context) error {
	next := fmt.Sprintf("root/%d.toml", x.led.chain.Len()+len(x.led.waiting))
	if _, err := x.from.ReadFile(ctx, next, trust.MaxRootSize); err == nil {
		return finding("fetch the wheelhouse first (git pull), and look at it: wheellock keys show", "%s has %s, which this wheelhouse has not", x.to, next)
	}
	c, _, err := store.Checkpoint(ctx, x.from, x.led.origin, x.led.logKeys())
	if err != nil {
		return x.failed(err)
	}
	x.before = c.Size
	return nil
}

// failed says what is wrong with the log at the address.
func (x *sending) failed(err error) error {
	var damaged *store.DamagedError
	var follow *log.FollowError
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, log.ErrForked):
		return finding("stop: find out who else signs with the log's key before anything else is released", "fork: %s and the copy in %s: %v", x.to, x.led.s.wheelhouse(), err)
	case errors.As(err, &damaged), errors.As(err, &follow), errors.As(err, new(*policy.QuorumError)), errors.As(err, new(*note.SignatureError)):
		return finding("ask whoever runs the server; nothing here was changed, and what is pending is kept", "%s: %v", x.to, err)
	case errors.Is(err, note.ErrUnsigned), errors.Is(err, note.ErrMalformed):
		return finding("name the address of this project's log with --to", "what answers at %s is not the log %s: %v", x.to, x.led.origin, err)
	case errors.Is(err, fs.ErrNotExist):
		return environment("name the address of the folder log, as in https://log.example.org", "there is no log at %s", x.to)
	case errors.As(err, new(*log.StateError)):
		return err
	}
	return environment("check the address and the network, and run it again", "%s: %v", x.to, err)
}

// send sends one after the other: a build may supersede the one before it.
func (x *sending) send(ctx context.Context, list []log.Pending) error {
	client := &serve.Client{URL: x.to}
	for i := range list {
		p := &list[i]
		answer, err := client.Add(ctx, p.Leaf)
		var no *serve.RefusedError
		var down *serve.UnavailableError
		switch {
		case err == nil:
			x.taken[p.Name] = placed{p, answer.Index}
		case errors.As(err, &no):
			x.refused = append(x.refused, log.BadPending{Name: p.Name, Err: fmt.Errorf("%s: %w", subject(p), err)})
		case errors.As(err, &down):
			x.left, x.down = len(list)-i, err
			return nil
		default:
			return err
		}
	}
	return nil
}

// subject says in two words what a statement is about.
func subject(p *log.Pending) string {
	name, version := p.Package()
	return strings.Join(strings.Fields(p.Kind()+" "+name+" "+version), " ")
}

// follow brings the wheelhouse's copy of the log up to date, and removes what that
// holds from pending. What a server says counts only where the log shows it.
func (x *sending) follow(ctx context.Context) error {
	led := x.led
	p, err := led.policy()
	if err != nil {
		return err
	}
	view, err := log.Follow(ctx, led.dir, led.origin, led.logKeys(), x.from, func(v *log.View) error {
		if p == nil {
			return nil
		}
		_, _, err := p.CheckCosignatures(v.Note)
		return err
	})
	if err != nil {
		return x.failed(err)
	}
	for name, sent := range x.taken {
		if sent.at >= view.Checkpoint.Size {
			return finding("run it again; ask whoever runs the server if it stays so", "%s took pending/%s as statement %d, and publishes %d", x.to, name, sent.at, view.Checkpoint.Size)
		}
		held, err := view.Statement(ctx, sent.at)
		if err != nil {
			return x.failed(err)
		}
		if held.ID() != sent.ID() {
			return finding("ask whoever runs the server; what is pending is kept", "%s took pending/%s as statement %d, and that is another one", x.to, name, sent.at)
		}
	}
	for name := range x.taken {
		if err := os.Remove(filepath.Join(led.pendingDir(), name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if len(x.taken) > 0 {
		if err := durable.SyncDir(led.pendingDir()); err != nil {
			return err
		}
	}
	led.past = map[string][]log.Entry{}
	return led.openLog(ctx)
}

// sent prints what became of everything.
func (a *app) sent(x *sending) error {
	appended, size := 0, x.led.size()
	for _, p := range x.taken {
		if p.at >= x.before {
			appended++
		}
	}
	if a.json {
		if err := a.printJSON(map[string]any{"log": x.led.origin, "to": x.to, "sent": len(x.taken), "appended": appended, "size": size, "left": x.left, "refused": refusedJSON(x.refused)}); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(a.Out, "sent %s to %s, %d of them new; %s has %d now\n", report.Plural(len(x.taken), "statement"), x.to, appended, x.led.origin, size)
		a.printRefused(x.refused)
	}
	if x.down != nil {
		return environment("run it again when the server answers; what was sent is in the log", "%s %s still pending: %v", report.Plural(x.left, "statement"), isOrAre(x.left), x.down)
	}
	return a.refusedError(x.refused)
}

func wasOrWere(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

func refusedJSON(list []log.BadPending) []map[string]string {
	out := []map[string]string{}
	for _, r := range list {
		out = append(out, map[string]string{"file": r.Name, "why": r.Err.Error()})
	}
	return out
}

func (a *app) printRefused(list []log.BadPending) {
	for _, r := range list {
		fmt.Fprintf(a.Out, "refused  pending/%s: %s\n", term.Line(r.Name), term.Line(r.Err.Error()))
	}
}

// refusedError is nil where nothing was refused.
func (a *app) refusedError(list []log.BadPending) error {
	if len(list) == 0 {
		return nil
	}
	return &Error{Code: Finding, Shown: a.json, Msg: fmt.Sprintf("%s refused, and kept in pending", report.Plural(len(list), "pending statement")+" "+wasOrWere(len(list))), Hint: "remove them from pending if they are wrong"}
}
