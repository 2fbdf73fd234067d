//go:build !wasip1

// Package sluicetest has handlers answer requests in an ordinary `go test`, without WebAssembly and without a server:
//
//	func TestHello(t *testing.T) {
//		got := sluicetest.Do(sluicetest.Request{Target: "/?name=Ada"})
//		if got.Status != 200 || got.Body != "Hello, Ada!\n" {
//			t.Errorf("got %d %q", got.Status, got.Body)
//		}
//	}
//
// The handler is the one that the package under test has registered in init. It keeps its state from request to request, as
// with isolation "connection"; tests of it must not run in parallel. The host that is played here keeps to the interface's
// rules about the order of calls, lengths and room; it checks no names and values of fields.
package sluicetest

import (
	"strings"

	"github.com/sluicehttp/sluice/sdk-go"
	"github.com/sluicehttp/sluice/sdk-go/abi"
	"github.com/sluicehttp/sluice/sdk-go/internal/host"
)

// Request is what a client sends.
type Request struct {
	// Method is GET unless it is given, or a body is: then it is POST. Target is "/" unless it is given.
	Method, Target string
	// Version is HTTP/1.1 unless it is given.
	Version sluice.Version
	// Fields are sent as they are; Content-Length and Host are not added.
	Fields []sluice.Field
	// Body are the pieces in which the body comes.
	Body []string
	// Trailers follow the body.
	Trailers []sluice.Field
	// Gone has the client leave after the body, in place of its end.
	Gone bool
	// Room is how much of an answer is taken until the handler has to wait, in bytes; 0 is any amount.
	Room int
	// Shared plays an instance that serves many sessions, in which none may wait.
	Shared bool
}

// Response is what became of a request.
type Response struct {
	// Status is 0 when there was no answer.
	Status int
	// Fields and Trailers are those that the handler has sent.
	Fields, Trailers []sluice.Field
	// Body is all of the body.
	Body string
	// Informational are the answers that were sent ahead.
	Informational []Response
	// Whole says that head and body went out in one call, with their length. Complete says that the answer was ended; it was cut
	// otherwise.
	Whole, Complete bool
	// Waits is how often the handler waited for room.
	Waits int
	// Handed are the times at which the answer was handed to the operating system: how much of its body had been sent by then,
	// in bytes.
	Handed []int
	// Stream says that the exchange may take as long as it likes.
	Stream bool
}

// Header is the value of the first field of a name, whatever the case of its letters; empty when there is none.
func (r *Response) Header(name string) string {
	for _, field := range r.Fields {
		if strings.EqualFold(field.Name, name) {
			return field.Value
		}
	}
	return ""
}

// Register forgets the handler that was registered, and has a function register another.
func Register(register func()) {
	host.Forget()
	register()
}

// lastSession is the number of the last session.
var lastSession abi.Session

// Do has the registered handler answer a request. What it panics with goes on.
func Do(r Request) Response {
	lastSession++
	p := &play{request: r, session: lastSession, wanted: host.Subscriptions(), autoSend: true}
	p.script()
	before := host.Stand
	host.Stand = p
	defer func() { host.Stand = before }()
	for {
		kind, payload, ok := p.next(0)
		if !ok {
			break
		}
		p.held = (len(payload) + 7) &^ 7
		host.OnEvent(p.session, kind, payload)
		p.held = 0
	}
	p.answer.Body = p.body.String()
	return p.answer
}
