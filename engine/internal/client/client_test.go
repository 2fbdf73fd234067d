package client_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/client"
	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/guest/http1"
)

// wait is longer than anything takes on a busy machine.
const wait = 30 * time.Second

// calm are times that no test waits for.
var calm = client.Times{Continue: wait, Head: wait, BodyIdle: wait, WriteIdle: wait, Raw: wait}

// newCores makes cores for so many connections.
func newCores(t testing.TB, connections int) *core.Set {
	t.Helper()
	maker := core.NativeMaker(core.Config{Connections: connections, Limits: http1.DefaultLimits})
	cores, err := core.NewSet(1, slog.New(slog.DiscardHandler), maker)
	if err != nil {
		t.Fatal(err)
	}
	return cores
}

// common are cores that most tests share: they are large.
var common struct {
	sync.Once
	*core.Set
}

func commonCores(t testing.TB) *core.Set {
	t.Helper()
	common.Do(func() { common.Set = newCores(t, 1024) })
	return common.Set
}

// conn is a connection in a test.
type conn struct {
	*client.Conn
	t testing.TB
}

// connect connects to an address; the test's end closes the connection.
func connect(t testing.TB, addr string, times client.Times) conn {
	t.Helper()
	socket, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return over(t, socket, times)
}

// over makes a connection of a socket.
func over(t testing.TB, socket net.Conn, times client.Times) conn {
	t.Helper()
	c, err := client.New(commonCores(t), socket, times)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return conn{c, t}
}

// request makes a request of "METHOD target", the length of its body and its fields.
func request(line string, length int64, fields ...string) *client.Request {
	method, target, _ := strings.Cut(line, " ")
	return &client.Request{
		Method: []byte(method), Target: []byte(target), Length: length,
		Fields: exchange.NewFields(append([]string{"Host", "h"}, fields...)...),
	}
}

// start begins an exchange that must be legal.
func (c conn) start(r *client.Request) {
	c.t.Helper()
	if err := c.Start(r); err != nil {
		c.t.Fatalf("start: %v", err)
	}
}

// send sends a whole body in pieces.
func (c conn) send(pieces ...string) {
	c.t.Helper()
	for _, piece := range pieces {
		if err := c.Write([]byte(piece)); err != nil {
			c.t.Fatalf("write: %v", err)
		}
	}
	if err := c.End(); err != nil {
		c.t.Fatalf("end: %v", err)
	}
}

// next hears one event.
func (c conn) next() (ev client.Event) {
	c.t.Helper()
	if err := c.Next(&ev); err != nil {
		c.t.Fatalf("next: %v", err)
	}
	return ev
}

// hear tells the rest of an answer, an event per line and the error at last. Pieces of body are joined.
func (c conn) hear() string { return c.hearAnd(func(*client.Event) {}) }

// hearAnd does something after each event.
func (c conn) hearAnd(do func(ev *client.Event)) string {
	var lines []string
	inBody := false
	for {
		var ev client.Event
		if err := c.Next(&ev); err != nil {
			return strings.Join(append(lines, "("+err.Error()+")"), "\n")
		}
		do(&ev)
		if ev.Kind == abi.EventDataReady {
			if !inBody {
				lines = append(lines, "body ")
			}
			inBody = true
			lines[len(lines)-1] += string(ev.Data)
			continue
		}
		inBody = false
		lines = append(lines, describe(&ev))
	}
}

// describe tells an event in a line.
func describe(ev *client.Event) string {
	var line strings.Builder
	switch ev.Kind {
	case abi.EventLineReady:
		fmt.Fprintf(&line, "%d %s %d.%d", ev.Status, ev.Reason, ev.Version>>8, ev.Version&0xff)
	case abi.EventHeaderReady:
		fmt.Fprintf(&line, "header%s", flags(ev))
	default:
		line.WriteString(strings.TrimSuffix(ev.Kind.String(), "_ready"))
	}
	for i := range ev.Fields.Len() {
		name, value, _ := ev.Fields.At(i)
		if string(name) != "Date" {
			fmt.Fprintf(&line, " %s=%s", name, value)
		}
	}
	return line.String()
}

// flags tells how a head frames its message, where that is not by length.
func flags(ev *client.Event) (text string) {
	if ev.Informational() {
		text += " informational"
	}
	if ev.Flags&http1.EventFlagsUntilClose != 0 {
		text += " until-close"
	}
	if ev.Flags&http1.EventFlagsChunked != 0 {
		text += " chunked"
	}
	return text
}

// compare compares what was heard.
func compare(t testing.TB, got, want string) {
	t.Helper()
	if got, want = strings.TrimSpace(got), strings.TrimSpace(want); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// script is a server that does one thing on every connection. It gets the connection when it was accepted; its end closes
// it.
func script(t testing.TB, play func(socket *net.TCPConn)) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	played := make(chan struct{})
	go func() {
		defer close(played)
		for {
			socket, err := listener.Accept()
			if err != nil {
				return
			}
			socket.SetDeadline(time.Now().Add(2 * wait))
			play(socket.(*net.TCPConn))
			socket.Close()
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-played
	})
	return listener.Addr().String()
}

// readHead reads a request's head.
func readHead(socket net.Conn) string {
	head, b := "", make([]byte, 1)
	for !strings.HasSuffix(head, "\r\n\r\n") {
		if _, err := socket.Read(b); err != nil {
			break
		}
		head += string(b)
	}
	return head
}

// silence reads until the client closes.
func silence(socket net.Conn) { io.Copy(io.Discard, struct{ io.Reader }{socket}) }

// TestNew refuses times that cannot be, and leaves the socket alone when there is no room.
func TestNew(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	defer ours.Close()
	for _, times := range []client.Times{{}, {Continue: 1, Head: 1, BodyIdle: 1}, {Continue: 1, Head: 1, BodyIdle: 1, WriteIdle: 1, Raw: -1}} {
		if _, err := client.New(commonCores(t), ours, times); err == nil {
			t.Errorf("%+v are taken", times)
		}
	}
	full := newCores(t, 1)
	only, err := client.New(full, ours, calm)
	if err != nil {
		t.Fatal(err)
	}
	other, theirOther := net.Pipe()
	defer theirOther.Close()
	if _, err := client.New(full, other, calm); err == nil {
		t.Error("a full core takes one more")
	}
	only.Close()
	again, err := client.New(full, other, calm)
	if err != nil {
		t.Fatalf("after a close: %v", err)
	}
	again.Close()
}

// TestMisuse makes calls that are not legal, between which the connection must stay as it was.
func TestMisuse(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(echo))
	defer server.Close()
	c := connect(t, server.Listener.Addr().String(), calm)
	want := func(what string, err, wanted error) {
		t.Helper()
		if !errors.Is(err, wanted) {
			t.Errorf("%s: %v, want %v", what, err, wanted)
		}
	}
	want("write before start", c.Write([]byte("x")), client.ErrState)
	want("end before start", c.End(), client.ErrState)
	want("trailers before start", c.EndWithTrailers(exchange.Fields{}), client.ErrState)
	want("next before start", c.Next(new(client.Event)), client.ErrState)
	want("no host", c.Start(&client.Request{Method: []byte("GET"), Target: []byte("/")}), client.ErrInvalid)
	want("a line end", c.Start(request("GET /", 0, "A", "b\r\nC: d")), client.ErrInvalid)
	want("a target", c.Start(request("GET /a b", 0)), client.ErrInvalid)
	want("a length", c.Start(request("GET /", -2)), client.ErrInvalid)
	want("an expectation of nothing", c.Start(request("GET /", 0, "Expect", "100-continue")), client.ErrInvalid)
	want("a large head", c.Start(request("GET /", 0, "A", strings.Repeat("x", 100<<10))), client.ErrTooBig)

	c.start(request("POST /", 3))
	want("a second start", c.Start(request("GET /", 0)), client.ErrState)
	want("too long a body", c.Write([]byte("1234")), client.ErrTooBig)
	want("the beginning", c.Write([]byte("1")), nil)
	want("too early an end", c.End(), client.ErrInvalid)
	if c.Reusable() {
		t.Error("reusable inside an exchange")
	}
	c.send("23")
	want("a second end", c.End(), client.ErrState)
	want("more", c.Write([]byte("x")), client.ErrState)
	compare(t, c.hear(), "200 OK 1.1\nheader Content-Length=3\nbody 123\nready\n("+client.ErrEnd.Error()+")")
	for range 2 {
		if !c.Reusable() {
			t.Error("not reusable after an exchange")
		}
	}
	c.start(request("POST /", client.Streamed))
	want("a forbidden trailer", c.EndWithTrailers(exchange.NewFields("Content-Length", "1")), client.ErrInvalid)
	want("the end", c.End(), nil)
}

// echo answers with the request's body.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	w.Header()["Content-Type"] = nil // or it would be guessed
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.Write(body)
}

// missing ends a test for want of something: as skipped, or as failed where everything has to be there.
func missing(t *testing.T, message string) {
	t.Helper()
	if os.Getenv("SLUICE_REQUIRE_TOOLCHAINS") == "1" {
		t.Fatal(message)
	}
	t.Skip(message)
}
