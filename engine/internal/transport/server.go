// Package transport moves bytes between sockets and the core, and is the HTTP/1.1 front end: it reads requests, finds their
// handlers, and is the exchange they answer.
//
// A connection is served by one goroutine at a time. It reads, has the core parse, runs the handler and writes, in turn;
// whatever waits, waits there. On Linux that goroutine leads a loop, which watches many sockets, until it has to wait; a
// connection between two requests has none. Elsewhere each connection has its own.
//
// The files: server.go accepts and drains, conn.go is the life of a connection and state.go its states, input.go and
// output.go are its two directions. socket.go says what a connection needs of its socket, polled_linux.go is a socket that a
// loop of loop_linux.go watches, accept_linux.go where it comes from. One exchange is session.go, with events.go for what the handler hears, answer.go for what it
// sends, and work.go for what whoever runs the handler asks. reaper.go ends what takes too long, reasons.go counts what was
// ended and why.
package transport

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"runtime"
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
	// HeadTime is the time from the first byte of a head to its end.
	HeadTime time.Duration
	// Limits apply where a route has none of its own.
	Limits Limits
	// HeadFirst has the core read a head before what follows it, because some routes have limits of their own on that.
	HeadFirst bool
	Log       *slog.Logger
}

// Limits are what applies to the exchanges of a route: the server's limits where the route sets none. Sizes are bytes;
// times are kept to a tenth of a second.
type Limits struct {
	// StartLine, Head and Fields bound the head, once more: it was read under the server's limits.
	StartLine, Head, Fields int
	// ChunkLine, Trailers and TrailerFields bound what follows the head.
	ChunkLine, Trailers, TrailerFields int
	// Buffered bounds the body that is collected for a handler.
	Buffered int

	BodyIdle, KeepAliveIdle, WriteIdle, HandlerWall time.Duration
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
	// Limits are the route's own; nil: the server's.
	Limits *Limits
}

// Server serves connections.
type Server struct {
	Config
	clock    clock
	counters counters
	// processors is how many serve connections at a time. Connections are theirs in turn, and turn is how many there were.
	processors int
	turn       atomic.Uint32

	draining atomic.Bool
	cutting  atomic.Bool   // everything has to end at once
	stop     chan struct{} // closed when everything has to end at once
	stopOnce sync.Once
	reaped   chan struct{} // closed when the reaper has ended

	mu        sync.Mutex
	ended     *sync.Cond // a connection has ended
	loops     loops
	conns     map[*conn]struct{}
	listeners map[net.Listener]struct{}
	// fullTold is when the log was told last that all connections are in use.
	fullTold time.Time
}

// NewServer makes a server. Close ends its goroutine.
func NewServer(config Config) *Server {
	s := &Server{
		Config:     config,
		clock:      clock{time.Now()},
		processors: runtime.GOMAXPROCS(0),
		stop:       make(chan struct{}),
		reaped:     make(chan struct{}),
		conns:      map[*conn]struct{}{},
		listeners:  map[net.Listener]struct{}{},
	}
	s.ended = sync.NewCond(&s.mu)
	s.setDate(time.Now())
	go s.reap()
	return s
}

// Serve accepts connections until the listener fails or the server is closed; then it returns ErrClosed. It closes the
// listener, but not before what waits in the operating system's queue was accepted: those peers may have sent a request.
func (s *Server) Serve(listener net.Listener) error {
	if !s.addListener(listener) {
		listener.Close()
		return ErrClosed
	}
	if err := s.openLoops(); err != nil {
		s.removeListener(listener)
		return err
	}
	defer s.removeListener(listener)
	waiting := newQueue(listener)
	for {
		if !s.waitForRoom() {
			return ErrClosed
		}
		accepted, err := s.accept(listener)
		if err != nil {
			return err
		}
		s.welcome(s.newSocket(accepted))
		for s.hasRoom() {
			socket := s.takeFrom(waiting)
			if socket == nil {
				break
			}
			s.welcome(socket)
		}
	}
}

// welcome begins to serve what was accepted, or closes it.
func (s *Server) welcome(accepted socket) {
	s.counters.accepted.Add(1)
	c, err := s.newConn(accepted)
	if err != nil {
		s.Log.Error("connection refused", "peer", accepted.peer(), "reason", err)
		accepted.close()
		return
	}
	if err := accepted.start(c); err != nil {
		s.Log.Error("connection refused", "peer", accepted.peer(), "reason", err)
		c.end()
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

func (s *Server) openLoops() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loops.open(s.processors, &s.clock)
}

// processor is the one whose turn it is.
func (s *Server) processor(turn uint32) int { return int(turn % uint32(s.processors)) }

func (s *Server) removeListener(listener net.Listener) {
	listener.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, listener)
	s.ended.Broadcast()
}

func (s *Server) hasRoom() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns) < s.MaxConnections && !s.draining.Load()
}

// waitForRoom waits until one more connection may be served. It reports false when all are in use and the server drains.
func (s *Server) waitForRoom() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.conns) < s.MaxConnections {
		return true
	}
	s.counters.reasons[ReasonMaxConnections].Add(1)
	if now := time.Now(); now.Sub(s.fullTold) > summaryPause {
		s.fullTold = now
		s.Log.Warn("accepting is paused: all connections are in use; more wait in the operating system's queue",
			"max_connections", s.MaxConnections)
	}
	for len(s.conns) >= s.MaxConnections && !s.draining.Load() {
		s.ended.Wait()
	}
	return len(s.conns) < s.MaxConnections
}

// Close stops accepting, ends connections that are idle, and lets requests that have begun be answered. When ctx ends first
// it cuts what is left and returns ctx's error; handlers may then still be running.
func (s *Server) Close(ctx context.Context) error {
	s.drain()
	cut := context.AfterFunc(ctx, s.cut)
	s.awaitEnd(ctx)
	s.stopOnce.Do(func() { close(s.stop) })
	<-s.reaped
	s.closeLoops()
	if cut() {
		return nil
	}
	return ctx.Err()
}

func (s *Server) closeLoops() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loops.close()
}

// awaitEnd waits until every connection and every listener has ended, or ctx has.
func (s *Server) awaitEnd(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.conns)+len(s.listeners) > 0 && ctx.Err() == nil {
		s.ended.Wait()
	}
}

// drain stops accepting and wakes idle connections, so that they end.
func (s *Server) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining.Store(true)
	for listener := range s.listeners {
		stopListening(listener)
	}
	for c := range s.conns {
		c.wake()
	}
	s.ended.Broadcast()
}

// backlogTime is how long a listener goes on accepting what is in its queue already.
const backlogTime = 20 * time.Millisecond

// stopListening has a listener accept what waits in its queue and no more.
func stopListening(listener net.Listener) {
	timed, ok := listener.(interface{ SetDeadline(time.Time) error })
	if !ok || timed.SetDeadline(time.Now().Add(backlogTime)) != nil {
		listener.Close()
	}
}

// cut ends all connections at once.
func (s *Server) cut() {
	s.cutting.Store(true)
	s.stopOnce.Do(func() { close(s.stop) })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counters.reasons[ReasonGrace].Add(uint64(len(s.conns)))
	for c := range s.conns {
		c.socket.shut()
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
