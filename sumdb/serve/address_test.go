package serve_test

import (
	"errors"
	"net"
	"testing"

	"github.com/freedomofpress/wheellock/sumdb/serve"
)

// callers is a listener whose connections come from given addresses.
type callers struct {
	net.Listener
	from []string
	open []*caller
}

type caller struct {
	net.Conn
	from   string
	closed bool
}

func (c *caller) RemoteAddr() net.Addr { return addr(c.from) }
func (c *caller) Close() error         { c.closed = true; return nil }

type addr string

func (a addr) Network() string { return "tcp" }
func (a addr) String() string  { return string(a) }

var errNobody = errors.New("nobody calls")

func (l *callers) Accept() (net.Conn, error) {
	if len(l.from) == 0 {
		return nil, errNobody
	}
	c := &caller{from: l.from[0]}
	l.from = l.from[1:]
	l.open = append(l.open, c)
	return c, nil
}

// One address cannot hold all connections, and what it gives back it may have again.
func TestPerAddress(t *testing.T) {
	l := &callers{}
	limited := serve.PerAddress(l, 2)
	accepted := func(from ...string) []net.Conn {
		t.Helper()
		l.from, l.open = from, nil
		var got []net.Conn
		for {
			c, err := limited.Accept()
			if errors.Is(err, errNobody) {
				return got
			}
			got = append(got, c)
		}
	}
	first := accepted("192.0.2.1:1", "192.0.2.1:2", "192.0.2.1:3", "[::ffff:192.0.2.1]:4", "192.0.2.2:1")
	if len(first) != 3 || !l.open[2].closed || !l.open[3].closed || l.open[4].closed {
		t.Errorf("accepted %d of 5", len(first))
	}
	if got := accepted("[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::3]:1", "[2001:db8:0:1::1]:1"); len(got) != 3 {
		t.Errorf("accepted %d of a /64 and its neighbour", len(got))
	}
	if got := accepted("127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "[::1]:4", "[::1]:5", "[::1]:6"); len(got) != 6 {
		t.Errorf("accepted %d of a web server in front", len(got))
	}
	first[0].Close()
	first[0].Close() // counts once
	if got := accepted("192.0.2.1:5", "192.0.2.1:6"); len(got) != 1 {
		t.Errorf("accepted %d after one was given back", len(got))
	}
}
