package transport

import (
	"time"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
)

// What whoever runs a handler asks of its session besides events: whether it may go on, and what it leaves for later.

// Check implements [exchange.Exchange].
func (s *session) Check() error {
	c := s.conn
	switch {
	case c.server.cutting.Load():
		s.cut = true
		return s.closedBy(abi.CloseReasonShutdown)
	case !s.headSent && !s.streaming && c.server.clock.now() > s.wall:
		return exchange.ErrWallTime
	}
	return nil
}

// Wait implements [exchange.Exchange].
func (s *session) Wait(ready <-chan struct{}) error {
	s.conn.socket.tryWrite(s.conn) // the peer need not wait, too
	s.conn.keepHead()
	s.conn.park()
	s.conn.yield()
	var over <-chan time.Time
	if !s.headSent && !s.streaming {
		timer := time.NewTimer(s.conn.server.clock.until(s.wall))
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-ready:
		return nil
	case <-over:
		return exchange.ErrWallTime
	case <-s.conn.server.stop:
		s.cut = true
		return s.closedBy(abi.CloseReasonShutdown)
	}
}

// Yield implements [exchange.Exchange].
func (s *session) Yield() { s.conn.yield() }

// Share implements [exchange.Exchange].
func (s *session) Share(with exchange.Shared) {
	s.conn.shared = with
	s.wakes = make(chan struct{}, 1)
}

// Wake implements [exchange.Exchange].
func (s *session) Wake() {
	if s.woken {
		return
	}
	s.woken = true
	s.wakes <- struct{}{}
	s.conn.wake()
}

// gone is why the handler serves nobody any more.
func (c *conn) gone() error {
	if c.shared == nil {
		return nil
	}
	return c.shared.Gone()
}

// unlock lets others use the session while its goroutine waits.
func (c *conn) unlock() {
	if c.shared != nil {
		c.shared.Unlock()
	}
}

func (c *conn) lock() {
	if c.shared != nil {
		c.shared.Lock()
	}
}

// wasWoken reports whether another goroutine has woken this one, and makes it ready for the next time.
func (s *session) wasWoken() bool {
	if !s.woken {
		return false
	}
	s.woken = false
	<-s.wakes
	return true
}

// Affinity implements [exchange.Exchange].
func (s *session) Affinity() int { return s.conn.socket.affinity() }

// After implements [exchange.Exchange].
func (s *session) After(task exchange.Task) { s.conn.task = task }

// Bindings implements [exchange.Exchange].
func (s *session) Bindings() *exchange.Bindings { return &s.conn.bindings }
