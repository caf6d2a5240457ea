package serve

import (
	"net"
	"net/netip"
	"sync"
)

// MaxPerAddress is how many connections one address should hold at a time: whoever
// sends a byte now and then must not take all of MaxConnections.
const MaxPerAddress = 256

// PerAddress is a listener that closes connections of an address that holds n
// already. Addresses of IPv6 count by their /64, which one customer has as a whole.
// The loopback interface is not counted: there a web server speaks for the world,
// and has its own limits.
func PerAddress(l net.Listener, n int) net.Listener {
	return &perAddress{Listener: l, most: n, held: map[netip.Prefix]int{}}
}

type perAddress struct {
	net.Listener
	most int
	mu   sync.Mutex
	held map[netip.Prefix]int
}

func (l *perAddress) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		who, counted := network(c.RemoteAddr())
		if !counted {
			return c, nil
		}
		if l.take(who) {
			return &countedConn{Conn: c, done: func() { l.give(who) }}, nil
		}
		c.Close()
	}
}

func (l *perAddress) take(who netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[who] >= l.most {
		return false
	}
	l.held[who]++
	return true
}

func (l *perAddress) give(who netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[who]--; l.held[who] == 0 {
		delete(l.held, who)
	}
}

// network is what an address counts as.
func network(a net.Addr) (who netip.Prefix, counted bool) {
	at, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Prefix{}, false
	}
	addr := at.Addr().Unmap().WithZone("")
	if addr.IsLoopback() {
		return netip.Prefix{}, false
	}
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	who, err = addr.Prefix(bits)
	return who, err == nil
}

type countedConn struct {
	net.Conn
	once sync.Once
	done func()
}

func (c *countedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(c.done)
	return err
}
