package smuggling

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/engine/internal/transport"
	"github.com/sluicehttp/sluice/guest/http1"
)

// sluiceFront is Sluice in front. Handlers do not learn whose request it is that they serve, so every connection has a
// server of its own; the connections to the back are shared by all.
type sluiceFront struct {
	*ledger
	t        *testing.T
	cores    *core.Set
	pool     *pool
	listener net.Listener
	accepted chan struct{} // closed when nothing more is accepted
	servers  sync.Map      // by the client's port, what ends the connection's server
}

// newSluiceFront puts Sluice in front of a back.
func newSluiceFront(t *testing.T, back string) front {
	cores, notes := newCores(t), &ledger{}
	f := &sluiceFront{
		ledger: notes, t: t, cores: cores, pool: &pool{ledger: notes, cores: cores, addr: back},
		listener: listen(t), accepted: make(chan struct{}),
	}
	go f.accept()
	return f
}

func (f *sluiceFront) addr() string { return f.listener.Addr().String() }

// accept gives every connection its server.
func (f *sluiceFront) accept() {
	defer close(f.accepted)
	for {
		socket, err := f.listener.Accept()
		if err != nil {
			return
		}
		port := portOf(socket.RemoteAddr())
		handler := &proxy{ledger: f.ledger, pool: f.pool, port: port}
		_, stop := serveSluice(f.t, f.cores, &single{socket: socket, closed: make(chan struct{})}, handler)
		f.servers.Store(port, stop)
	}
}

func (f *sluiceFront) ended(port string) {
	if stop, found := f.servers.LoadAndDelete(port); found {
		stop.(func())()
	}
}

func (f *sluiceFront) stop() *ledger {
	f.listener.Close()
	<-f.accepted
	f.servers.Range(func(port, _ any) bool {
		f.ended(port.(string))
		return true
	})
	f.pool.close()
	return f.ledger
}

// single is a listener with one connection.
type single struct {
	socket net.Conn
	once   sync.Once
	closed chan struct{}
}

func (s *single) Accept() (socket net.Conn, err error) {
	if socket, s.socket = s.socket, nil; socket == nil {
		<-s.closed
		err = net.ErrClosed
	}
	return socket, err
}

func (s *single) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

func (s *single) Addr() net.Addr { return &net.TCPAddr{} }

// listen listens on loopback.
func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func newCores(t *testing.T) *core.Set {
	t.Helper()
	maker := core.NativeMaker(core.Config{Connections: 1024, Limits: http1.DefaultLimits})
	cores, err := core.NewSet(2, slog.New(slog.DiscardHandler), maker)
	if err != nil {
		t.Fatal(err)
	}
	return cores
}

// serveSluice serves a handler until stop, which lets connections come to their end.
func serveSluice(t *testing.T, cores *core.Set, listener net.Listener, handler exchange.Handler) (server *transport.Server, stop func()) {
	server = transport.NewServer(transport.Config{
		Cores: cores, Router: toAll{&transport.Route{Name: "smuggling", Handler: handler}},
		MaxConnections: 1024, HeadTime: limit, Log: slog.New(slog.DiscardHandler),
		Limits: transport.Limits{Buffered: 1 << 20, BodyIdle: limit, KeepAliveIdle: limit, WriteIdle: limit, HandlerWall: limit},
	})
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	return server, func() {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			t.Errorf("a server did not end: %v", err)
		}
		<-served
	}
}

// limit bounds every wait of a server and of a client. Nothing waits for it.
const limit = 30 * time.Second

// toAll routes every request to one handler.
type toAll struct{ route *transport.Route }

func (r toAll) Route(_, _, _ []byte) transport.Match { return transport.Match{Route: r.route} }

// sluiceBack is Sluice behind.
type sluiceBack struct {
	*ledger
	server  *transport.Server
	address string
	close   func()
}

func newSluiceBack(t *testing.T) back {
	listener := listen(t)
	b := &sluiceBack{ledger: &ledger{}, address: listener.Addr().String()}
	b.server, b.close = serveSluice(t, newCores(t), listener, recorder{b.ledger})
	return b
}

func (b *sluiceBack) addr() string { return b.address }

// stop implements [back]. What the core has refused was counted, by error code. Messages that only broke off do not matter:
// the front may have left them.
func (b *sluiceBack) stop() *ledger {
	b.close()
	reasons := b.server.Stats().Reasons
	for code := http1.ErrorCodeNone; !strings.Contains(code.String(), "("); code++ { // a number without a name
		for range reasons[code.String()] {
			if code != http1.ErrorCodeTruncated {
				b.refuse(code.String())
			}
		}
	}
	return b.ledger
}

// recorder is a handler that writes down what it is asked.
type recorder struct{ *ledger }

// Serve implements [exchange.Handler].
func (h recorder) Serve(x exchange.Exchange) error {
	var ev exchange.Event
	if err := x.Next(wanted, pieceSize, &ev); err != nil {
		return err // refused, and never heard of
	}
	r := &received{line: string(ev.Line.Method) + " " + string(ev.Line.Target), tag: fieldOf(ev.Fields, "Tag")}
	defer h.receive(r)
	for !r.complete {
		if err := x.Next(wanted, pieceSize, &ev); err != nil {
			return err
		}
		r.body += string(ev.Data)
		r.complete = ev.Kind == abi.EventReady
	}
	method, _, _ := strings.Cut(r.line, " ")
	x.Send(200, exchange.NewFields("Tag", r.tag, "Method", method), nil)
	return nil
}

// fieldOf is the value of the only field with this name, written like this. Several are joined, and then are no tag.
func fieldOf(fields exchange.Fields, name string) (value string) {
	for i := range fields.Len() {
		if n, v, _ := fields.At(i); http.CanonicalHeaderKey(string(n)) == name {
			if value != "" {
				value += " and "
			}
			value += string(v)
		}
	}
	return value
}
