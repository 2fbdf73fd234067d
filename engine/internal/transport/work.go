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
	s.conn.keepHead()
	s.conn.park()
	timer := time.NewTimer(s.conn.server.clock.until(s.wall))
	defer timer.Stop()
	select {
	case <-ready:
		return nil
	case <-timer.C:
		return exchange.ErrWallTime
	case <-s.conn.server.stop:
		s.cut = true
		return s.closedBy(abi.CloseReasonShutdown)
	}
}

// After implements [exchange.Exchange].
func (s *session) After(task exchange.Task) { s.conn.task = task }

// Bindings implements [exchange.Exchange].
func (s *session) Bindings() *exchange.Bindings { return &s.conn.bindings }
