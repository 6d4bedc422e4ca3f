package e2e

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy is the way from a replica to the database, which can be cut.
type proxy struct {
	addr, to string

	mu    sync.Mutex
	l     net.Listener
	hole  bool // what comes from now on is accepted and leads nowhere
	wires map[*wire]bool
}

// wire is one connection through it.
type wire struct {
	near, far net.Conn
	dead      atomic.Bool
}

func newProxy(t testing.TB, port int) *proxy {
	t.Helper()
	p := &proxy{addr: fmt.Sprintf("127.0.0.1:%d", lowPort(t)), to: fmt.Sprintf("127.0.0.1:%d", port), wires: map[*wire]bool{}}
	if err := p.heal(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.refuse)
	return p
}

// heal lets connections through that are made from now on. Those that fell into
// the hole stay there: a firewall has forgotten them.
func (p *proxy) heal() (err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hole = false; p.l != nil {
		return nil
	}
	if p.l, err = net.Listen("tcp", p.addr); err == nil {
		go p.accept(p.l)
	}
	return err
}

// refuse resets what is open and refuses more.
func (p *proxy) refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.l != nil {
		_ = p.l.Close()
		p.l = nil
	}
	for w := range p.wires {
		for _, c := range []net.Conn{w.near, w.far} {
			_ = c.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
		}
	}
	clear(p.wires)
}

// swallow goes on accepting and carries nothing any more; neither end is told.
func (p *proxy) swallow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hole = true
	for w := range p.wires {
		w.dead.Store(true)
	}
}

func (p *proxy) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go p.connect(l, c)
	}
}

func (p *proxy) connect(l net.Listener, near net.Conn) {
	far, err := net.Dial("tcp", p.to)
	w := &wire{near: near, far: far}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil || p.l != l { // or it has been cut meanwhile
		_ = near.Close()
		if far != nil {
			_ = far.Close()
		}
		return
	}
	p.wires[w] = true
	w.dead.Store(p.hole)
	go p.carry(w, near, far)
	go p.carry(w, far, near)
}

// carry passes on what comes from one end, and its end, unless the wire is dead.
func (p *proxy) carry(w *wire, from, to net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		switch {
		case err != nil && w.dead.Load():
			_ = from.Close()
			return
		case err != nil:
			_ = from.Close()
			_ = to.Close()
			p.mu.Lock()
			delete(p.wires, w)
			p.mu.Unlock()
			return
		case !w.dead.Load():
			_, _ = to.Write(buf[:n]) // the other direction finds out that it failed
		}
	}
}
