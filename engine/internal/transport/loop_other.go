//go:build !linux

package transport

import "net"

// loops are not there on this operating system: each connection has a goroutine that waits in its socket.
type loops struct{}

// lead is never anybody's.
type lead struct{}

func (lead) roundBegan() int64 { return 0 }

func (lead) more() bool { return false }

func (lead) postpone(*conn) bool { return false }

func (c *conn) yield() {}

func (c *conn) step() {}

func (*loops) open(int, *clock) error { return nil }

func (*loops) unstick() {}

func (*loops) close() {}

// queue is never there.
type queue struct{}

func newQueue(net.Listener) *queue { return nil }

func (*Server) takeFrom(*queue) socket { return nil }

// newSocket makes a connection's socket.
func (s *Server) newSocket(accepted net.Conn) socket { return s.newBlocking(accepted) }
