package transport_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/engine/internal/transport"
	"github.com/sluicehttp/sluice/guest/http1"
)

// handlerFunc is a handler in Go, in place of one in a sandbox.
type handlerFunc func(x exchange.Exchange) error

func (f handlerFunc) Serve(x exchange.Exchange) error { return f(x) }

// routes sends every request to one handler, but for paths that no route fits.
type routes struct{ route *transport.Route }

func (r routes) Route(_, target, method []byte) transport.Match {
	switch {
	case string(target) == "/nowhere":
		return transport.Match{Status: 404}
	case string(target) == "/get" && string(method) != "GET":
		return transport.Match{Status: 405, Allow: "GET"}
	}
	return transport.Match{Route: r.route}
}

// calm are times that no test waits for, quick ones that a test can.
var (
	calm  = limits(wait)
	quick = limits(time.Second)
)

// limits are the default sizes, with one time for everything.
func limits(t time.Duration) transport.Limits {
	return transport.Limits{
		StartLine: 8 << 10, Head: 32 << 10, Fields: 128, ChunkLine: 4 << 10, Trailers: 8 << 10, TrailerFields: 32, Buffered: 64 << 10,
		BodyIdle: t, KeepAliveIdle: t, WriteIdle: t, HandlerWall: t,
	}
}

// wait is longer than anything takes on a busy machine.
const wait = 30 * time.Second

var discard = slog.New(slog.DiscardHandler)

// start serves a handler on loopback until the test ends.
func start(t testing.TB, limits transport.Limits, handler handlerFunc) (*transport.Server, string) {
	t.Helper()
	log := discard
	cores, err := core.NewSet(2, log, core.NativeMaker(core.Config{Connections: 2048, Limits: http1.DefaultLimits}))
	if err != nil {
		t.Fatal(err)
	}
	server := transport.NewServer(transport.Config{
		Cores: cores, Router: routes{&transport.Route{Name: "test", Handler: handler}}, MaxConnections: 2048, HeadTime: limits.BodyIdle, Limits: limits, Log: log,
	})
	return server, serve(t, server, listen(t))
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// serve serves a listener until the test ends, and then closes the server.
func serve(t testing.TB, server *transport.Server, listener net.Listener) (addr string) {
	t.Helper()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := <-served; !errors.Is(err, transport.ErrClosed) {
			t.Errorf("serve: %v", err)
		}
	})
	return listener.Addr().String()
}

// echo answers with the request: by pieces, or whole.
func echoPieces(x exchange.Exchange) error {
	var ev exchange.Event
	for {
		err := x.Next(abi.SubscriptionsHeaderReady|abi.SubscriptionsDataReady|abi.SubscriptionsReady, 32<<10, &ev)
		if err != nil {
			return err
		}
		switch ev.Kind {
		case abi.EventHeaderReady:
			x.SendHead(200, exchange.Fields{})
		case abi.EventDataReady:
			if errno := x.SendData(ev.Data); errno != abi.ErrnoSuccess {
				return fmt.Errorf("send_data: %v", errno)
			}
		case abi.EventReady:
			x.SendEnd()
		}
	}
}

// echoWhole answers with the method, the target, the fields and the body of the request.
func echoWhole(x exchange.Exchange) error {
	var ev exchange.Event
	for {
		if err := x.Next(abi.SubscriptionsReady, 1<<20, &ev); err != nil {
			return err
		}
		body := fmt.Appendf(nil, "%s %s", ev.Line.Method, ev.Line.Target)
		for i := range ev.Fields.Len() {
			name, value, _ := ev.Fields.At(i)
			body = fmt.Appendf(body, " %s=%s", name, value)
		}
		body = append(append(body, ' '), ev.Data...)
		x.Send(200, exchange.Fields{}, body)
	}
}

// dial connects; talk sends bytes and reads until the peer closes.
func dial(t testing.TB, addr string) net.Conn {
	t.Helper()
	socket, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	socket.SetDeadline(time.Now().Add(2 * wait))
	return socket
}

func talk(t testing.TB, addr, request string) string {
	t.Helper()
	socket := dial(t, addr)
	if _, err := io.WriteString(socket, request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(socket)
	if err != nil {
		t.Fatalf("%v after %q", err, answer)
	}
	return dateless(string(answer))
}

// dateless is an answer without its Date.
func dateless(answer string) string {
	var out strings.Builder
	for line := range strings.SplitAfterSeq(answer, "\r\n") {
		if !strings.HasPrefix(line, "Date: ") {
			out.WriteString(line)
		}
	}
	return out.String()
}

// TestAnswers compares what comes back on the wire.
func TestAnswers(t *testing.T) {
	_, addr := start(t, calm, echoWhole)
	const closing = "Connection: close\r\n\r\n"
	tests := []struct{ name, request, want string }{
		{"a request", "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
			"HTTP/1.1 200 OK\r\nContent-Length: 31\r\n" + closing + "GET /a Host=h Connection=close "},
		{"a body", "PUT /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 3\r\n\r\nxyz",
			"HTTP/1.1 200 OK\r\nContent-Length: 51\r\n" + closing + "PUT /b Host=h Connection=close Content-Length=3 xyz"},
		{"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n" + closing + "GET / "},
		{"HEAD", "HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 31\r\n" + closing},
		{"pipelined", "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.0\r\n\r\n",
			"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nGET /1 Host=h HTTP/1.1 200 OK\r\nContent-Length: 7\r\n" + closing + "GET /2 "},
		{"no route", "GET /nowhere HTTP/1.0\r\n\r\n",
			"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 14\r\n" + closing + "404 Not Found\n"},
		{"a method that is not allowed", "PUT /get HTTP/1.0\r\n\r\n",
			"HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain; charset=utf-8\r\nAllow: GET\r\nContent-Length: 36\r\n" + closing +
				"405 Method Not Allowed\nallowed: GET\n"},
		{"a refusal", "GET / HTTP/1.1\r\n\r\n",
			"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 40\r\n" + closing +
				"400 Bad Request\nhost_missing at byte 16\n"},
		{"CONNECT", "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n",
			"HTTP/1.1 501 Not Implemented\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 47\r\n" + closing +
				"501 Not Implemented\nCONNECT is not served here\n"},
		{"a body that is too large", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n",
			"HTTP/1.1 413 Content Too Large\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 58\r\n" + closing +
				"413 Content Too Large\nthe body is larger than 65536 bytes\n"},
		{"100-continue", "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
			"HTTP/1.1 200 OK\r\nContent-Length: 67\r\n" + closing + "PUT / Host=h Expect=100-continue Content-Length=0 Connection=close "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := talk(t, addr, test.request); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

// TestSlowRequest sends a request byte by byte, so that the connection parks between any two.
func TestSlowRequest(t *testing.T) {
	_, addr := start(t, calm, echoWhole)
	socket := dial(t, addr)
	const request = "PUT /slow HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
	for i := range len(request) {
		if _, err := socket.Write([]byte{request[i]}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	answer, _ := io.ReadAll(socket)
	if want := "PUT /slow Host=h Transfer-Encoding=chunked Connection=close abcde"; !strings.HasSuffix(string(answer), want) {
		t.Errorf("%q", answer)
	}
}

// TestExpect waits for 100 (Continue) before it sends the body.
func TestExpect(t *testing.T) {
	_, addr := start(t, calm, echoWhole)
	socket := dial(t, addr)
	fmt.Fprintf(socket, "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n")
	interim := make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))
	if _, err := io.ReadFull(socket, interim); err != nil || string(interim) != "HTTP/1.1 100 Continue\r\n\r\n" {
		t.Fatalf("%q, %v", interim, err)
	}
	io.WriteString(socket, "ok")
	if answer, _ := io.ReadAll(socket); !strings.HasSuffix(string(answer), " ok") {
		t.Errorf("%q", answer)
	}
}

// TestEcho sends bodies of many sizes, by length and in chunks, through Go's client.
func TestEcho(t *testing.T) {
	_, addr := start(t, calm, echoPieces)
	for _, size := range []int{0, 1, 1000, 64<<10 - 1, 64 << 10, 1 << 20, 17 << 20} {
		body := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
		for _, chunked := range []bool{false, true} {
			var reader io.Reader = bytes.NewReader(body)
			if chunked {
				reader = struct{ io.Reader }{reader}
			}
			response, err := http.Post("http://"+addr, "", reader)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(response.Body)
			response.Body.Close()
			if err != nil || !bytes.Equal(got, body) {
				t.Fatalf("%d bytes, chunked %v: %d bytes came back, %v", size, chunked, len(got), err)
			}
		}
	}
}

// TestPlainConns serves connections that have nothing but the methods of net.Conn, like those of TLS.
func TestPlainConns(t *testing.T) {
	server, _ := start(t, calm, echoPieces)
	addr := serve(t, server, plainListener{listen(t)})
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	for range 3 {
		response, err := http.Post("http://"+addr, "", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || !bytes.Equal(got, body) {
			t.Fatalf("%d bytes came back, %v", len(got), err)
		}
	}
	idle := dial(t, addr)
	io.WriteString(idle, "GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HT")
	if _, err := http.ReadResponse(bufio.NewReader(idle), nil); err != nil {
		t.Error(err)
	}
}

// plainListener hides what its connections are.
type plainListener struct{ net.Listener }

func (l plainListener) Accept() (net.Conn, error) {
	socket, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return struct{ net.Conn }{socket}, nil
}

// TestBackpressure has a peer send without reading: the server must stop reading, and go on when the peer reads.
func TestBackpressure(t *testing.T) {
	var taken atomic.Int64
	_, addr := start(t, calm, func(x exchange.Exchange) error {
		return echoPieces(counted{x, &taken})
	})
	socket := dial(t, addr)
	const size = 64 << 20
	go func() {
		fmt.Fprintf(socket, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", size)
		io.CopyN(socket, zeroes{}, size)
	}()
	time.Sleep(500 * time.Millisecond)
	if n := taken.Load(); n > size/2 {
		t.Errorf("%d bytes were taken while the peer reads nothing", n)
	}
	response, err := http.ReadResponse(bufio.NewReader(socket), nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, response.Body); n != size || err != nil {
		t.Errorf("%d bytes came back, %v", n, err)
	}
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { return len(p), nil }

// counted counts the bytes that a handler sends.
type counted struct {
	exchange.Exchange
	n *atomic.Int64
}

func (c counted) SendData(p []byte) abi.Errno {
	errno := c.Exchange.SendData(p)
	if errno == abi.ErrnoSuccess {
		c.n.Add(int64(len(p)))
	}
	return errno
}

// TestWriteEvents has a handler send its answer a piece per event.
func TestWriteEvents(t *testing.T) {
	transcript := make(chan []string, 1)
	_, addr := start(t, calm, func(x exchange.Exchange) error {
		var heard []string
		const all = abi.SubscriptionsReady | abi.SubscriptionsHeaderDone | abi.SubscriptionsDataDone | abi.SubscriptionsDone
		var ev exchange.Event
		for pieces := 0; ; {
			if err := x.Next(all, 1<<20, &ev); err != nil {
				transcript <- append(heard, err.Error())
				return err
			}
			heard = append(heard, ev.Kind.String())
			switch {
			case ev.Kind == abi.EventReady:
				x.SendHead(200, exchange.Fields{})
			case ev.Kind == abi.EventDone:
			case pieces == 2:
				x.SendEnd()
			default:
				pieces++
				x.SendData([]byte("x"))
			}
		}
	})
	answer := talk(t, addr, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	if !strings.HasSuffix(answer, "\r\n\r\n1\r\nx\r\n1\r\nx\r\n0\r\n\r\n") {
		t.Errorf("%q", answer)
	}
	want := "ready header_done data_done data_done done the session is over"
	if got := strings.Join(<-transcript, " "); got != want {
		t.Errorf("heard %s, want %s", got, want)
	}
}

// TestHandlerFailures tells how the front end answers for a handler, and that the next request is served.
func TestHandlerFailures(t *testing.T) {
	trap := errors.New("trap")
	_, addr := start(t, quick, func(x exchange.Exchange) error {
		var ev exchange.Event
		if err := x.Next(abi.SubscriptionsReady, 1<<20, &ev); err != nil {
			return err
		}
		switch string(ev.Line.Target) {
		case "/trap":
			return trap
		case "/large":
			return tooLarge{}
		case "/late":
			x.SendHead(200, exchange.Fields{})
			x.SendData([]byte("part"))
			return trap
		case "/short":
			x.SendHead(200, exchange.NewFields("Content-Length", "9"))
			x.SendData([]byte("part"))
			x.SendEnd()
			return nil
		case "/silent":
			return x.Next(abi.SubscriptionsReady, 1<<20, &ev)
		}
		x.Send(200, exchange.Fields{}, []byte("fine"))
		return nil
	})
	socket := dial(t, addr)
	for _, test := range []struct{ target, status string }{{"/trap", "500"}, {"/", "200"}, {"/large", "413"}, {"/silent", "503"}, {"/", "200"}} {
		fmt.Fprintf(socket, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", test.target)
		response, err := http.ReadResponse(bufio.NewReader(socket), nil)
		if err != nil {
			t.Fatalf("%s: %v", test.target, err)
		}
		if !strings.HasPrefix(response.Status, test.status) {
			t.Errorf("%s: %s", test.target, response.Status)
		}
		io.Copy(io.Discard, response.Body)
	}
	for _, target := range []string{"/late", "/short"} {
		answer := talk(t, addr, "GET "+target+" HTTP/1.1\r\nHost: h\r\n\r\n")
		if strings.HasSuffix(answer, "0\r\n\r\n") || !strings.Contains(answer, "part") {
			t.Errorf("%s: %q is not cut", target, answer)
		}
	}
	slow := dial(t, addr)
	io.WriteString(slow, "GET /late HTTP/1.0\r\n\r\n")
	if answer, err := io.ReadAll(slow); err == nil {
		t.Errorf("an answer to HTTP/1.0 was cut without a reset: %q", answer)
	}
}

// tooLarge is what a handler says of a request that it has no room for.
type tooLarge struct{}

func (tooLarge) Error() string  { return "too large" }
func (tooLarge) Status() uint16 { return 413 }

// TestTimes lets each of a peer's times run out.
func TestTimes(t *testing.T) {
	_, addr := start(t, quick, echoWhole)
	tests := []struct{ name, send, want string }{
		{"idle", "", ""},
		{"slow head", "GET / HT", "HTTP/1.1 408 "},
		{"slow body", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n1", "HTTP/1.1 408 "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			answer := talk(t, addr, test.send)
			if !strings.HasPrefix(answer, test.want) || test.want == "" && answer != "" {
				t.Errorf("%q", answer)
			}
			if took := time.Since(began); took < 900*time.Millisecond || took > wait/2 {
				t.Errorf("after %v", took)
			}
		})
	}
}

// TestSlowReader cuts off a peer that does not read.
func TestSlowReader(t *testing.T) {
	ended := make(chan error, 1)
	_, addr := start(t, quick, func(x exchange.Exchange) error {
		var ev exchange.Event
		if err := x.Next(abi.SubscriptionsReady, 1<<20, &ev); err != nil {
			return err
		}
		x.SendHead(200, exchange.Fields{})
		for {
			if x.SendData(make([]byte, 64<<10)) == abi.ErrnoAgain {
				if err := x.WaitWritable(); err != nil {
					ended <- err
					return err
				}
			}
		}
	})
	socket := dial(t, addr)
	io.WriteString(socket, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	select {
	case err := <-ended:
		if !errors.Is(err, exchange.ErrClosed) {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the peer was waited for")
	}
}

// TestDrain lets a request that has begun be answered, and ends idle connections at once.
func TestDrain(t *testing.T) {
	began, release := make(chan struct{}), make(chan struct{})
	server, addr := start(t, calm, func(x exchange.Exchange) error {
		var ev exchange.Event
		if err := x.Next(abi.SubscriptionsReady, 1<<20, &ev); err != nil {
			return err
		}
		close(began)
		<-release
		x.Send(200, exchange.Fields{}, []byte("answered"))
		return nil
	})
	idle, busy := dial(t, addr), dial(t, addr)
	io.WriteString(busy, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	<-began
	closed := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		closed <- server.Close(ctx)
	}()
	if _, err := idle.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("idle connection: %v", err)
	}
	close(release)
	answer, err := io.ReadAll(busy)
	if err != nil || !strings.Contains(string(answer), "Connection: close") || !strings.HasSuffix(string(answer), "answered") {
		t.Errorf("%q, %v", answer, err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// TestManySlowReaders has more peers block the server than the core has slots: others must be served meanwhile.
func TestManySlowReaders(t *testing.T) {
	_, addr := start(t, calm, echoPieces)
	const peers = 600
	for range peers {
		socket := dial(t, addr)
		go func() {
			fmt.Fprintf(socket, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", 32<<20)
			io.CopyN(socket, zeroes{}, 32<<20)
		}()
	}
	time.Sleep(2 * time.Second)
	if answer := talk(t, addr, "PUT / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"); !strings.Contains(answer, "ok") {
		t.Errorf("%q", answer)
	}
}
