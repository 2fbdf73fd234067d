// Package sluice is for HTTP handlers in Go that run in Sluice, compiled to WebAssembly:
//
//	package main
//
//	import "github.com/sluicehttp/sluice/sdk-go"
//
//	func init() { sluice.Handle(hello) }
//
//	func hello(w sluice.ResponseWriter, r *sluice.Request) error {
//		return sluice.Text(w, 200, "Hello, world!\n")
//	}
//
//	func main() {}
//
// Build it as a library, with Go 1.24 or newer, and serve it:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -trimpath -ldflags='-s -w' -o hello.wasm .
//	sluice serve hello.wasm
//
// The host calls a library's init functions and never its main, so a handler is registered by init.
//
// # Two levels
//
// [Handle] registers a handler of messages, in the manner of net/http: it reads a [Request], and writes to a
// [ResponseWriter]. It is blocking code. When it wants more of the body, or has sent more than the peer has taken, the host
// has it wait, which costs no processor time.
//
// [On] registers a handler of events, as they come: nothing waits, nothing is allocated, and one instance can serve many
// sessions at a time. What it sends, it sends with the calls of a [Session].
//
// Handlers made for net/http run through package nethttp. Packages json and form read and write what their names say; they
// are apart because they make modules larger.
//
// # What ends a request
//
// A handler that returns an error, or panics, is answered for with 500, or cut when an answer has begun, and the host's log
// says why: see [Handle].
package sluice

import "github.com/sluicehttp/sluice/sdk-go/internal/host"

// Handle has a handler answer every request. Call it once, in an init function.
//
// The handler is called when the head of the request is there, and may read the body meanwhile, or not at all. What it has
// written when it returns is the answer; if that is nothing, an empty one with status 200.
//
// An error that it returns is logged with the request's method and path, and the request answered 500, or with the status
// of an error that has a method Status() int, such as [*StatusError]; those below 500 are not logged. When an answer has
// begun, the connection is cut, so that the peer cannot take the answer for complete. [ErrClosed] says that the peer is
// gone: there is nobody to answer, and nothing to log.
//
// A panic is not recovered: Go prints it to the host's log with the stack, file and line of each call, the host answers 500
// or cuts, and the instance is replaced. State that a panic has left behind is never met by another request.
//
// Routes with isolation "shared" have no such handlers, since one that waits would have all others wait: each request is
// answered 500, and the log says what to do.
func Handle[F func(ResponseWriter, *Request) | func(ResponseWriter, *Request) error](handler F) {
	switch f := any(handler).(type) {
	case func(ResponseWriter, *Request) error:
		onMessage = f
	case func(ResponseWriter, *Request):
		onMessage = func(w ResponseWriter, r *Request) error {
			f(w, r)
			return nil
		}
	}
	present.response.prepare()
	growStack()
	subscribe(messageEvents)
}

// growStack has the stack grow to what handlers need as a rule: grown here it is part of the image in which requests begin,
// otherwise each of them would copy it.
//
//go:noinline
func growStack() byte {
	var frame [24 << 10]byte
	return frame[len(onceGrown)]
}

// onceGrown keeps the compiler from knowing that nothing of the frame is needed.
var onceGrown string

// On has a handler hear events of every session. Call it once, in an init function. The events must include one of a
// request, and say how bodies come: with [Ready] alone in one piece, in [Event.Message], of a size that the engine limits;
// with [DataReady] as they come.
//
// The event is borrowed until the handler returns, with all that it refers to. An error that the handler returns is logged,
// and the session answered 500, or cut when an answer has begun; [ErrClosed] is not logged. Panics are as with [Handle].
func On[F func(*Event) | func(*Event) error](events Events, handler F) {
	switch f := any(handler).(type) {
	case func(*Event) error:
		onEvents = f
	case func(*Event):
		onEvents = func(e *Event) error {
			f(e)
			return nil
		}
	}
	growStack()
	subscribe(events)
}

// What was registered.
var (
	subscribed Events
	onMessage  func(ResponseWriter, *Request) error
	onEvents   func(*Event) error
)

func subscribe(events Events) {
	if subscribed != 0 {
		panic("sluice: two handlers were registered: call Handle or On once")
	}
	subscribed = events
}

// desk is what every event writes to: the event itself, as there is never more than one at a time, and what package host needs.
var desk = newDesk()

type eventDesk struct {
	heard Event
	host.Desk
}

func newDesk() *eventDesk {
	desk := new(eventDesk)
	host.Use(&desk.Desk)
	return desk
}

// hear is what the host calls for every event.
func hear(session Session, kind Events, payload []byte) {
	e := &desk.heard
	e.Session, e.Kind, e.payload = session, kind, payload
	if onEvents == nil {
		present.hear(e)
	} else if err := onEvents(e); err != nil {
		session.fail(kind.String(), err)
	}
}
