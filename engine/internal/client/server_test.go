package client_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/client"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/engine/internal/transport"
)

const ended = "\n(the answer is over)"

// goServer answers as the target says.
func goServer(t testing.TB) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", echo)
	mux.HandleFunc("/method", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "%s %s", r.Method, r.Host) })
	mux.HandleFunc("/trailers", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %v", body, r.Trailer)
	})
	mux.HandleFunc("/trailing", func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		io.WriteString(w, "abc")
		w.Header().Set(http.TrailerPrefix+"Sum", "6")
	})
	mux.HandleFunc("/hints", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		io.WriteString(w, "page")
	})
	for _, status := range []int{204, 304, 404} {
		mux.HandleFunc(fmt.Sprintf("/%d", status), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	}
	mux.HandleFunc("/close", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") })
	mux.HandleFunc("/refuse", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusExpectationFailed) })
	mux.HandleFunc("/upgrade", hijack("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: shout\r\n\r\n"))
	connect := hijack("HTTP/1.1 200 OK\r\n\r\n")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect {
			connect(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server
}

// hijack leaves HTTP with an answer, and then says everything back in capitals.
func hijack(answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		socket, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer socket.Close()
		io.WriteString(socket, answer+"hello ")
		for {
			b, err := buffered.ReadByte()
			if err != nil {
				io.WriteString(socket, " bye")
				return
			}
			io.WriteString(socket, strings.ToUpper(string(b)))
		}
	}
}

// TestGoServer hears the answers of Go's server, one after the other on one connection.
func TestGoServer(t *testing.T) {
	c := connect(t, goServer(t).Listener.Addr().String(), calm)
	tests := []struct {
		name   string
		line   string
		length int64
		pieces []string
		fields []string
		want   string
	}{
		{"GET", "GET /method", 0, nil, nil, "200 OK 1.1\nheader Content-Length=5 Content-Type=text/plain; charset=utf-8\nbody GET h\nready"},
		{"HEAD", "HEAD /method", 0, nil, nil, "200 OK 1.1\nheader Content-Length=6 Content-Type=text/plain; charset=utf-8\nready"},
		{"another method", "PURGE /method", 0, nil, nil, "200 OK 1.1\nheader Content-Length=7 Content-Type=text/plain; charset=utf-8\nbody PURGE h\nready"},
		{"a body by length", "POST /echo", 10, []string{"hello", "", "world"}, nil, "200 OK 1.1\nheader Content-Length=10\nbody helloworld\nready"},
		{"an empty body", "POST /echo", 0, nil, nil, "200 OK 1.1\nheader Content-Length=0\nready"},
		{"a body in chunks", "PUT /echo", client.Streamed, []string{"hello", "", "world"}, nil, "200 OK 1.1\nheader Content-Length=10\nbody helloworld\nready"},
		{"a length among the fields", "PUT /echo", client.Streamed, []string{"hello"}, []string{"Content-Length", "5"}, "200 OK 1.1\nheader Content-Length=5\nbody hello\nready"},
		{"no chunks", "PUT /echo", client.Streamed, nil, nil, "200 OK 1.1\nheader Content-Length=0\nready"},
		{"an answer in chunks with trailers", "GET /trailing", 0, nil, nil, "200 OK 1.1\nheader chunked Transfer-Encoding=chunked\nbody abc\ntrailer Sum=6\nready"},
		{"hints", "GET /hints", 0, nil, nil, "103 Early Hints 1.1\nheader informational Link=</a.css>\n103 Early Hints 1.1\nheader informational Link=</a.css>\n" +
			"200 OK 1.1\nheader Content-Length=4 Content-Type=text/plain; charset=utf-8\nbody page\nready"},
		{"204", "GET /204", 0, nil, nil, "204 No Content 1.1\nheader\nready"},
		{"304", "GET /304", 0, nil, nil, "304 Not Modified 1.1\nheader\nready"},
		{"404", "GET /404", 0, nil, nil, "404 Not Found 1.1\nheader Content-Length=0\nready"},
		{"the server closes", "GET /close", 0, nil, nil, "200 OK 1.1\nheader Connection=close Content-Length=0\nready\nclosed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := conn{c.Conn, t}
			c.start(request(test.line, test.length, test.fields...))
			if test.pieces != nil || test.length != 0 {
				c.send(test.pieces...)
			}
			compare(t, c.hear(), test.want+ended)
		})
	}
	if err := c.Start(request("GET /method", 0)); !errors.Is(err, client.ErrClosed) {
		t.Errorf("after the last exchange: %v", err)
	}
}

// TestLast has the client end the connection.
func TestLast(t *testing.T) {
	c := connect(t, goServer(t).Listener.Addr().String(), calm)
	r := request("GET /method", 0)
	r.Last = true
	c.start(r)
	compare(t, c.hear(), "200 OK 1.1\nheader Content-Length=5 Content-Type=text/plain; charset=utf-8 Connection=close\nbody GET h\nready\nclosed"+ended)
	if c.Reusable() {
		t.Error("reusable after the last exchange")
	}
}

// TestRequestTrailers sends trailers.
func TestRequestTrailers(t *testing.T) {
	c := connect(t, goServer(t).Listener.Addr().String(), calm)
	c.start(request("POST /trailers", client.Streamed, "Trailer", "Sum"))
	if err := c.Write([]byte("abc")); err != nil {
		t.Fatal(err)
	}
	if err := c.EndWithTrailers(exchange.NewFields("Sum", "6")); err != nil {
		t.Fatal(err)
	}
	compare(t, c.hear(), "200 OK 1.1\nheader Content-Length=16 Content-Type=text/plain; charset=utf-8\nbody abc map[Sum:[6]]\nready"+ended)
}

// TestContinue waits to be asked for a body, in vain too.
func TestContinue(t *testing.T) {
	addr := goServer(t).Listener.Addr().String()
	t.Run("granted", func(t *testing.T) {
		c := connect(t, addr, calm)
		for range 2 {
			c.start(request("PUT /echo", 5, "Expect", "100-continue"))
			c.send("he", "llo")
			compare(t, c.hear(), "100 Continue 1.1\nheader informational\n200 OK 1.1\nheader Content-Length=5\nbody hello\nready"+ended)
		}
	})
	t.Run("granted, and heard first", func(t *testing.T) {
		c := connect(t, addr, calm)
		c.start(request("PUT /echo", client.Streamed, "Expect", "100-continue"))
		for range 2 {
			if ev := c.next(); ev.Status != 100 || !ev.Informational() {
				t.Fatal(describe(&ev))
			}
		}
		c.send("hello")
		compare(t, c.hear(), "200 OK 1.1\nheader Content-Length=5\nbody hello\nready"+ended)
	})
	t.Run("refused", func(t *testing.T) {
		c := connect(t, addr, calm)
		c.start(request("PUT /refuse", 5, "Expect", "100-continue"))
		if err := c.Write([]byte("hello")); !errors.Is(err, client.ErrAnswering) {
			t.Fatalf("write: %v", err)
		}
		compare(t, c.hear(), "417 Expectation Failed 1.1\nheader Content-Length=0 Connection=close\nready\nclosed"+ended)
		if c.Reusable() {
			t.Error("reusable without the body")
		}
	})
	t.Run("hints in front of it", func(t *testing.T) {
		hinted := make(chan struct{})
		addr := script(t, func(socket *net.TCPConn) {
			readHead(socket)
			io.WriteString(socket, "HTTP/1.1 103 a\r\nLink: x\r\n\r\n")
			<-hinted
			io.WriteString(socket, "HTTP/1.1 100 b\r\n\r\n")
			io.CopyN(io.Discard, socket, 5)
			io.WriteString(socket, "HTTP/1.1 204 c\r\n\r\n")
		})
		c := connect(t, addr, calm)
		c.start(request("PUT /", 5, "Expect", "100-continue"))
		heard := ""
		for c.Write([]byte("hello")) != nil {
			ev := c.next()
			if heard += describe(&ev) + "\n"; ev.Kind == abi.EventHeaderReady {
				close(hinted)
			}
		}
		compare(t, heard, "103 a 1.1\nheader informational Link=x")
		if err := c.End(); err != nil {
			t.Fatal(err)
		}
		compare(t, c.hear(), "100 b 1.1\nheader informational\n204 c 1.1\nheader\nready"+ended)
	})
	t.Run("never granted", func(t *testing.T) {
		addr := script(t, func(socket *net.TCPConn) {
			readHead(socket)
			io.CopyN(io.Discard, socket, 5)
			io.WriteString(socket, "HTTP/1.1 204 c\r\n\r\n")
		})
		times := calm
		times.Continue = 100 * time.Millisecond
		c := connect(t, addr, times)
		began := time.Now()
		c.start(request("PUT /", 5, "Expect", "100-continue"))
		c.send("hello")
		if took := time.Since(began); took < times.Continue || took > wait/2 {
			t.Errorf("sent after %v", took)
		}
		compare(t, c.hear(), "204 c 1.1\nheader\nready"+ended)
	})
}

// TestReuse makes a thousand requests on one connection.
func TestReuse(t *testing.T) {
	var opened atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	c := connect(t, server.Listener.Addr().String(), calm)
	for i := range 1000 {
		body := strconv.Itoa(i)
		length := int64(len(body))
		if i%2 == 1 {
			length = client.Streamed
		}
		c.start(request("POST /", length))
		c.send(body)
		compare(t, c.hear(), fmt.Sprintf("200 OK 1.1\nheader Content-Length=%d\nbody %s\nready", len(body), body)+ended)
		if t.Failed() {
			t.Fatalf("request %d", i)
		}
	}
	if opened.Load() != 1 {
		t.Errorf("%d connections", opened.Load())
	}
}

// TestRaw leaves HTTP, by Upgrade and by CONNECT, and speaks both ways until each side ends.
func TestRaw(t *testing.T) {
	addr := goServer(t).Listener.Addr().String()
	tests := []struct {
		line   string
		fields []string
		want   string
	}{
		{"GET /upgrade", []string{"Upgrade", "shout"}, "101 Switching Protocols 1.1\nheader Connection=upgrade Upgrade=shout"},
		{"CONNECT h:1", nil, "200 OK 1.1\nheader"},
	}
	for _, test := range tests {
		t.Run(test.line, func(t *testing.T) {
			c := connect(t, addr, calm)
			c.start(request(test.line, 0, test.fields...))
			if err := c.Write([]byte("early")); !errors.Is(err, client.ErrState) {
				t.Errorf("raw bytes before the answer: %v", err)
			}
			var head string
			for ev := c.next(); ev.Kind != abi.EventUpgraded; ev = c.next() {
				if ev.Informational() {
					t.Error("informational")
				}
				head += "\n" + describe(&ev)
			}
			compare(t, head, test.want)
			for range 3 {
				if err := c.Write([]byte("hey")); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.End(); err != nil {
				t.Fatal(err)
			}
			compare(t, c.hear(), "body hello HEYHEYHEY bye\nclosed"+ended)
			if err := c.Write([]byte("x")); !errors.Is(err, client.ErrState) {
				t.Errorf("after the end: %v", err)
			}
			if c.Reusable() {
				t.Error("reusable")
			}
		})
	}
	t.Run("refused", func(t *testing.T) {
		c := connect(t, addr, calm)
		c.start(request("GET /method", 0, "Upgrade", "shout"))
		compare(t, c.hear(), "200 OK 1.1\nheader Content-Length=5 Content-Type=text/plain; charset=utf-8\nbody GET h\nready"+ended)
		if !c.Reusable() {
			t.Error("not reusable")
		}
	})
}

// TestSluice hears the answers of Sluice's own server.
func TestSluice(t *testing.T) {
	c := connect(t, sluiceServer(t), calm)
	exchanges := []struct {
		line   string
		length int64
		body   string
		fields []string
		want   string
	}{
		{"GET /", 0, "", nil, "200 OK 1.1\nheader chunked Transfer-Encoding=chunked\nready"},
		{"HEAD /", 0, "", nil, "200 OK 1.1\nheader Transfer-Encoding=chunked\nready"},
		{"PUT /", 5, "hello", nil, "200 OK 1.1\nheader chunked Transfer-Encoding=chunked\nbody hello\nready"},
		{"PUT /", client.Streamed, "hello", nil, "200 OK 1.1\nheader chunked Transfer-Encoding=chunked\nbody hello\nready"},
		{"PUT /ask", 5, "hello", []string{"Expect", "100-continue"},
			"100 Continue 1.1\nheader informational\n200 OK 1.1\nheader chunked Transfer-Encoding=chunked\nbody hello\nready"},
		{"CONNECT h:1", 0, "", nil, "501 Not Implemented 1.1\nheader Content-Type=text/plain; charset=utf-8 Content-Length=47 Connection=close\n" +
			"body 501 Not Implemented\nCONNECT is not served here\n\nready\nclosed"},
	}
	for _, x := range exchanges {
		c.start(request(x.line, x.length, x.fields...))
		if x.length != 0 {
			c.send(x.body)
		}
		compare(t, c.hear(), x.want+ended)
	}
}

// sluiceServer is a server of Sluice that echoes bodies. On /ask it answers only when the body is there.
func sluiceServer(t *testing.T) (addr string) {
	t.Helper()
	server := transport.NewServer(transport.Config{
		Cores: commonCores(t), Router: everything{}, MaxConnections: 16, HeadTime: wait, Log: slog.New(slog.DiscardHandler),
		Limits: transport.Limits{Buffered: 1 << 20, BodyIdle: wait, KeepAliveIdle: wait, WriteIdle: wait, HandlerWall: wait},
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			t.Error(err)
		}
		<-served
	})
	return listener.Addr().String()
}

// everything routes every request to itself.
type everything struct{}

func (e everything) Route(_, _, _ []byte) transport.Match {
	return transport.Match{Route: &transport.Route{Name: "echo", Handler: e}}
}

func (everything) Serve(x exchange.Exchange) error {
	const all = abi.SubscriptionsLineReady | abi.SubscriptionsHeaderReady | abi.SubscriptionsDataReady | abi.SubscriptionsReady
	begun := false
	begin := func() {
		if !begun {
			x.SendHead(200, exchange.Fields{})
			begun = true
		}
	}
	ask := false
	for {
		var ev exchange.Event
		if err := x.Next(all, 32<<10, &ev); err != nil {
			return err
		}
		switch ev.Kind {
		case abi.EventLineReady:
			ask = string(ev.Line.Target) == "/ask"
		case abi.EventHeaderReady:
			if !ask {
				begin()
			}
		case abi.EventDataReady:
			begin()
			if x.SendData(ev.Data) != abi.ErrnoSuccess {
				return errors.New("no room")
			}
		case abi.EventReady:
			begin()
			x.SendEnd()
		}
	}
}

// TestNode hears the answers of Node's server.
func TestNode(t *testing.T) {
	c := connect(t, nodeServer(t), calm)
	exchanges := []struct {
		line   string
		length int64
		body   string
		fields []string
		want   string
	}{
		{"GET /", 0, "", nil, "200 OK 1.1\nheader A=b Content-Length=6 Connection=keep-alive Keep-Alive=timeout=5\nbody GET / \nready"},
		{"PUT /", 5, "hello", nil, "200 OK 1.1\nheader A=b Content-Length=11 Connection=keep-alive Keep-Alive=timeout=5\nbody PUT / hello\nready"},
		{"PUT /", client.Streamed, "hello", []string{"Expect", "100-continue"},
			"100 Continue 1.1\nheader informational\n200 OK 1.1\nheader A=b Content-Length=11 Connection=keep-alive Keep-Alive=timeout=5\nbody PUT / hello\nready"},
		{"GET /trailers", 0, "", nil, "103 Early Hints 1.1\nheader informational Link=</a.css>\n200 OK 1.1\n" +
			"header chunked Trailer=Sum Connection=keep-alive Keep-Alive=timeout=5 Transfer-Encoding=chunked\nbody abc\ntrailer Sum=6\nready"},
		{"HEAD /", 0, "", nil, "200 OK 1.1\nheader A=b Content-Length=7 Connection=keep-alive Keep-Alive=timeout=5\nready"},
	}
	for _, x := range exchanges {
		c.start(request(x.line, x.length, x.fields...))
		if x.length != 0 {
			c.send(x.body)
		}
		compare(t, c.hear(), x.want+ended)
	}
}

// nodeServer runs a server of Node's.
func nodeServer(t *testing.T) (addr string) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		missing(t, "node is missing; on Debian: apt-get install nodejs")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, node, "testdata/server.mjs")
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	addr, err = bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatalf("node did not listen: %v", err)
	}
	return strings.TrimSpace(addr)
}
