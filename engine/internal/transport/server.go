// Package transport moves bytes between sockets and the core, and is the HTTP/1.1 front end: it reads requests, finds their
// handlers, and is the exchange they answer.
//
// Each connection has one goroutine. It reads, has the core parse, runs the handler and writes, in turn; whatever waits,
// waits there. The files: server.go accepts and drains, conn.go is the life of a connection, input.go and output.go are
// its two directions, session.go is one exchange, reaper.go ends what takes too long.
package transport

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
)

// ErrClosed is what Serve returns after Close.
var ErrClosed = errors.New("the server is closed")

// Config says how a server serves.
type Config struct {
	// Cores parse; they share the connections.
	Cores *core.Set
	// Router finds the handler of a request.
	Router Router
	// MaxConnections is how many connections are served at a time.
	MaxConnections int
	// Times bound what peers and handlers may take.
	Times Times
	// Buffered bounds the body that is collected for a handler, in bytes.
	Buffered int
	Log      *slog.Logger
}

// Times bound what peers and handlers may take. They are kept to a tenth of a second.
type Times struct {
	Head, BodyIdle, KeepAliveIdle, WriteIdle, HandlerWall time.Duration
}

// Router finds the handler of a request.
type Router interface {
	// Route looks at the authority that a request is meant for, its target and its method, none of which it keeps.
	Route(authority, target, method []byte) Match
}

// Match is what a router found.
type Match struct {
	// Route is the route that fits; nil when Status answers instead.
	Route *Route
	// Status is 404 when no route fits, and 405 when one fits but for the method; Allow is then the value of Allow.
	Status uint16
	Allow  string
}

// Route is where a request goes.
type Route struct {
	// Name stands for the route in logs.
	Name string
	// Handler answers.
	Handler exchange.Handler
}

// Server serves connections.
type Server struct {
	Config
	clock    clock
	draining atomic.Bool
	stop     chan struct{} // closed when everything has to end at once
	stopOnce sync.Once

	mu        sync.Mutex
	ended     *sync.Cond // a connection has ended
	conns     map[*conn]struct{}
	listeners map[net.Listener]struct{}
}

// NewServer makes a server. Close ends its goroutine.
func NewServer(config Config) *Server {
	s := &Server{
		Config:    config,
		stop:      make(chan struct{}),
		conns:     map[*conn]struct{}{},
		listeners: map[net.Listener]struct{}{},
	}
	s.ended = sync.NewCond(&s.mu)
	s.clock.set(time.Now())
	s.setDate(time.Now())
	go s.reap()
	return s
}

// Serve accepts connections until the listener fails or the server is closed; then it returns ErrClosed. It closes the
// listener.
func (s *Server) Serve(listener net.Listener) error {
	if !s.addListener(listener) {
		listener.Close()
		return ErrClosed
	}
	defer s.removeListener(listener)
	for {
		if !s.waitForRoom() {
			return ErrClosed
		}
		socket, err := s.accept(listener)
		if err != nil {
			return err
		}
		if c, err := s.newConn(socket); err != nil {
			s.Log.Error("connection refused", "peer", socket.RemoteAddr(), "reason", err)
			socket.Close()
		} else {
			go c.serve()
		}
	}
}

// accept waits for a connection. It goes on after errors that pass, such as too many open files, with a pause that keeps
// it from spinning.
func (s *Server) accept(listener net.Listener) (net.Conn, error) {
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		socket, err := listener.Accept()
		if err == nil {
			return socket, nil
		}
		if s.draining.Load() {
			return nil, ErrClosed
		}
		if !temporary(err) {
			return nil, err
		}
		s.Log.Warn("accepting is paused", "reason", err, "pause", pause)
		select {
		case <-time.After(pause):
		case <-s.stop:
		}
	}
}

// temporary reports whether accepting may work again by itself.
func temporary(err error) bool {
	var condition interface{ Temporary() bool }
	return errors.As(err, &condition) && condition.Temporary()
}

func (s *Server) addListener(listener net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining.Load() {
		return false
	}
	s.listeners[listener] = struct{}{}
	return true
}

func (s *Server) removeListener(listener net.Listener) {
	listener.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, listener)
}

// waitForRoom waits until one more connection may be served. It reports false when the server drains.
func (s *Server) waitForRoom() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.conns) >= s.MaxConnections && !s.draining.Load() {
		s.Log.Warn("accepting is paused: all connections are in use", "max_connections", s.MaxConnections)
	}
	for len(s.conns) >= s.MaxConnections && !s.draining.Load() {
		s.ended.Wait()
	}
	return !s.draining.Load()
}

// Close stops accepting, ends connections that are idle, and lets requests that have begun be answered. When ctx ends first
// it cuts what is left and returns ctx's error; handlers may then still be running.
func (s *Server) Close(ctx context.Context) error {
	s.drain()
	defer s.stopOnce.Do(func() { close(s.stop) })
	cut := context.AfterFunc(ctx, s.cut)
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.conns) > 0 && ctx.Err() == nil {
		s.ended.Wait()
	}
	if cut() {
		return nil
	}
	return ctx.Err()
}

// drain stops accepting and wakes idle connections, so that they end.
func (s *Server) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining.Store(true)
	for listener := range s.listeners {
		listener.Close()
	}
	for c := range s.conns {
		c.wake()
	}
	s.ended.Broadcast()
}

// cut ends all connections at once.
func (s *Server) cut() {
	s.stopOnce.Do(func() { close(s.stop) })
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.socket.Close()
	}
	s.ended.Broadcast()
}

func (s *Server) add(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = struct{}{}
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.ended.Broadcast()
}
