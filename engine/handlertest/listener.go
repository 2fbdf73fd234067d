package handlertest

import (
	"net"
	"sync"
)

// listener hands connections to the engine that no network is needed for.
type listener struct {
	conns chan net.Conn
	ended chan struct{}
	once  sync.Once
}

func newListener() *listener {
	return &listener{conns: make(chan net.Conn), ended: make(chan struct{})}
}

// dial makes a connection, gives one end to whoever accepts, and returns the other.
func (l *listener) dial() (net.Conn, error) {
	ours, theirs, err := pair()
	if err != nil {
		return nil, err
	}
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-l.ended:
		ours.Close()
		theirs.Close()
		return nil, net.ErrClosed
	}
}

// Accept implements [net.Listener].
func (l *listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.ended:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (l *listener) Close() error {
	l.once.Do(func() { close(l.ended) })
	return nil
}

// Addr implements [net.Listener].
func (l *listener) Addr() net.Addr { return &net.UnixAddr{Net: "unix"} }
