// Package client is the client's side of HTTP/1.1 over one socket: requests go in, events come out. A connection of the
// core frames and reads; this package moves its bytes.
//
// A connection carries one exchange after another. [Conn.Start] begins one, [Conn.Write] and [Conn.End] send its body, and
// [Conn.Next] tells the answer event by event, as handlers hear requests. All of it belongs to one goroutine, which reads
// and writes in turn.
//
// An answer may come before the request is complete, and a server that gives one may stop reading: if the client wrote on
// to the end, each would wait for the other. So a goroutine of the connection's own reads one buffer ahead. What it reads
// interrupts a write that cannot go on, and Write says [ErrAnswering]: hear, then write on or leave it. The same goroutine
// notices what a server sends unasked, and its end, while the connection is idle.
//
// The files: client.go is the life of a connection, request.go and answer.go are its two directions, socket.go moves bytes.
package client

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/guest/http1"
)

// What calls can say. ErrState, ErrInvalid, ErrTooBig, ErrAnswering and ErrEnd leave the connection as it was. Every other
// error is its end, and calls return it again from then on.
var (
	// ErrState says that the call is not legal now.
	ErrState = errors.New("not legal in the present state of the exchange")
	// ErrInvalid says that what was to be sent may not be: a method, a target, a field, too short a body.
	ErrInvalid = errors.New("not allowed in a request")
	// ErrTooBig says that a head or a trailer section has no room in the core, or that a body goes beyond its length.
	ErrTooBig = errors.New("too big")
	// ErrAnswering says that nothing was taken, because the server is answering. Next tells an event without waiting.
	ErrAnswering = errors.New("the server is answering")
	// ErrEnd says that the answer was told to its end.
	ErrEnd = errors.New("the answer is over")

	// ErrClosed says that the connection carries no further exchange.
	ErrClosed = errors.New("the connection carries no further exchange")
	// ErrCut says that the connection ended inside an exchange, or was reset.
	ErrCut = errors.New("the connection was cut")
	// ErrUnasked says that the server has sent something that nobody asked for.
	ErrUnasked = errors.New("the server sent what nobody asked for")
	// ErrProtocol says that the server broke the protocol.
	ErrProtocol = errors.New("the server broke the protocol")
	// ErrTimeout says that the server took longer than it may.
	ErrTimeout = errors.New("the server took too long")
)

// Times bound what a server may take. All but Raw must be more than 0.
type Times struct {
	// Continue is how long a body waits for 100 (Continue) before it is sent without (RFC 9110 section 10.1.1).
	Continue time.Duration
	// Head is the time for the head of an answer, from when it is first waited for. It begins anew after each informational
	// answer.
	Head time.Duration
	// BodyIdle is the time between two pieces of a body.
	BodyIdle time.Duration
	// WriteIdle is the time in which the server must take some bytes.
	WriteIdle time.Duration
	// Raw is the time between two pieces after the connection has left HTTP. 0: any.
	Raw time.Duration
}

// check looks for times in which nothing can happen.
func (t *Times) check() error {
	if min(t.Continue, t.Head, t.BodyIdle, t.WriteIdle) <= 0 || t.Raw < 0 {
		return fmt.Errorf("times %+v: all but Raw must be more than 0", *t)
	}
	return nil
}

// Conn is a connection to a server. Its methods belong to one goroutine.
type Conn struct {
	core   *core.Core
	number uint32
	socket net.Conn
	times  Times

	cycle  cycle
	input  input
	output output

	// err is why nothing more can be done. Events that came before it are told first.
	err error
}

// cycle is how far the present exchange has come. Its zero value stands between two.
type cycle struct {
	// begun says that there is one, sent that all that goes out is framed, told that the answer was told to its end.
	begun, sent, told bool
	// last says that the connection ends with it, and closed that this was told.
	last, closed bool
	// raw says that the connection has left HTTP.
	raw bool
	// expecting says that the body waits for 100 (Continue), until continueBy once that is set.
	expecting  bool
	continueBy time.Time
	// inBody says that the head of the answer has come; so long as it has not, it must by headBy, once that is set.
	inBody bool
	headBy time.Time
}

// New makes a connection of a socket, which belongs to it from then on. It fails for times that cannot be, and when the
// cores are full or broken; the socket is left as it was then.
func New(cores *core.Set, socket net.Conn, times Times) (*Conn, error) {
	if err := times.check(); err != nil {
		return nil, err
	}
	// The role is given, and not left to the first request, so that the core refuses what comes in front of it.
	core, number, err := cores.Open(http1.RoleClient)
	if err != nil {
		return nil, err
	}
	c := &Conn{core: core, number: number, socket: socket, times: times}
	c.startPump()
	return c, nil
}

// Close ends the connection, whatever it is at. It is the last call.
func (c *Conn) Close() error {
	err := c.socket.Close()
	c.stopPump()
	c.core.Release(c.number)
	return err
}

// Reusable reports whether Start can begin an exchange: the one before is complete on both sides, both want the connection
// to go on, and so far as can be seen the server has neither ended it nor sent anything since. It does not wait.
func (c *Conn) Reusable() bool { return c.Unusable() == nil }

// Unusable is why Start cannot begin an exchange: ErrState because the one before goes on, any other error because of the
// connection. It is nil when Start can.
func (c *Conn) Unusable() error {
	x := &c.cycle
	switch {
	case c.err != nil:
		return c.err
	case x.raw:
		return ErrClosed
	case x.begun && (!x.sent || !x.told):
		return ErrState
	case x.last:
		return ErrClosed
	case x.begun:
		c.cycle = cycle{}
		c.parse(http1.ReceiveFlagsNextCycle)
	}
	c.listen()
	return c.err
}

// fail ends the connection with the first error that says so.
func (c *Conn) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}
