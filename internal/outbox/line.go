package outbox

import "time"

// restFor is how long a worker waits that found the relay unwilling while others
// still send: many relays take only so many connections.
const restFor = 30 * time.Second

// connect makes sure that the worker has a line that bears another mail to the
// address.
func (w *worker) connect(to string) error {
	if domain, bears := w.limits.perConnection(to); w.line != nil && w.line.Broken() || w.sent >= w.opt.PerConnection || bears > 0 && w.to[domain] >= bears {
		w.hangUp()
	}
	if w.line != nil {
		return nil
	}
	line, err := w.opt.Dial(w.stop)
	if err != nil {
		return err
	}
	w.line, w.sent, w.to = line, 0, map[string]int{}
	return nil
}

func (w *worker) hangUp() {
	if w.line != nil {
		w.line.Close()
		w.line = nil
	}
}

// rest waits before the worker tries the relay again. When everybody rests the
// relay cannot be used, and all is over, which false says.
func (w *worker) rest(cause error) bool {
	w.hangUp()
	w.mu.Lock()
	w.resting++
	all := w.resting == w.opt.Connections
	w.mu.Unlock()
	if all {
		w.hand.stop(cause)
		return false
	}
	alarm := time.NewTimer(restFor)
	defer alarm.Stop()
	select {
	case <-alarm.C:
	case <-w.hand.over:
		return false
	}
	w.mu.Lock()
	w.resting--
	w.mu.Unlock()
	return true
}
