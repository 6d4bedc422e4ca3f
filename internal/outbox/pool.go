package outbox

import (
	"context"
	"sync"
)

// mailsPerConnection is after how many mails a connection is closed: servers
// count them.
const mailsPerConnection = 50

// pool keeps open connections for the next mail.
type pool struct {
	dial func(ctx context.Context) (Transport, error)

	mu   sync.Mutex
	idle []*counted
}

type counted struct {
	Transport
	mails int
}

func (p *pool) get(ctx context.Context) (*counted, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()
	t, err := p.dial(ctx)
	if err != nil {
		return nil, err
	}
	return &counted{Transport: t}, nil
}

func (p *pool) put(c *counted) {
	if c.mails++; c.Broken() || c.mails >= mailsPerConnection {
		c.Close()
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, c)
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.idle {
		c.Close()
	}
	p.idle = nil
}
