package client

import (
	"time"

	"github.com/sluicehttp/sluice/engine/internal/core"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	"github.com/sluicehttp/sluice/guest/http1"
)

// Streamed is the length of a body that goes out in chunks, or that a Content-Length among the fields announces.
const Streamed = -1

// Request is the head of a request.
type Request struct {
	Method, Target []byte
	// Fields hold exactly one Host. Those that frame the body are completed. With Expect: 100-continue the body waits to be
	// asked for.
	Fields exchange.Fields
	// Length is the length of the body in bytes, 0 when there is none, or Streamed.
	Length int64
	// Last has the connection end with this exchange.
	Last bool
}

// Start begins an exchange. A request without body is complete with it, and written. The head of another is written with
// the first piece of its body, or earlier by Flush.
//
// It returns ErrState while another exchange is under way, ErrInvalid for what may not be sent, also an expectation without
// a body to expect, and ErrTooBig when the head has no room.
func (c *Conn) Start(r *Request) error {
	if err := c.Unusable(); err != nil {
		return err
	}
	expecting := expectsContinue(r.Fields)
	if r.Length < Streamed || expecting && r.Length == 0 {
		return ErrInvalid
	}
	head := core.Request{Method: r.Method, Target: r.Target, Fields: r.Fields, Flags: headFlags(r)}
	if r.Length > 0 {
		head.Length = uint64(r.Length)
	}
	out, framing, errno := c.core.FrameRequest(c.number, &head, c.output.bytes)
	c.output.bytes = out
	if errno != http1.ErrnoSuccess {
		return c.refused(errno)
	}
	c.cycle = cycle{begun: true, sent: framing.Finished != 0, last: framing.KeepAlive == 0, expecting: expecting}
	if c.cycle.sent || expecting {
		return c.Flush()
	}
	return nil
}

// headFlags are the core's flags for a request.
func headFlags(r *Request) (flags http1.HeadFlags) {
	switch r.Length {
	case Streamed:
		flags = http1.HeadFlagsStreamed
	case 0:
		flags = http1.HeadFlagsComplete
	}
	if r.Last {
		flags |= http1.HeadFlagsClose
	}
	return flags
}

// expectsContinue reports whether a body waits to be asked for (RFC 9110 section 10.1.1).
func expectsContinue(fields exchange.Fields) bool {
	for i := range fields.Len() {
		name, value, ok := fields.At(i)
		if ok && http1.EqualFold(name, "expect") && http1.EqualFold(value, "100-continue") {
			return true
		}
	}
	return false
}

// Write sends a piece of body, or raw bytes after the connection has left HTTP. It copies the piece and waits until the
// server has taken it, unless something else comes from there.
//
// It returns ErrAnswering, without having taken anything, when the head of the final answer has come and was not told yet,
// and when the server takes no more before it is heard; ErrState when no body is due, and ErrTooBig beyond its length.
func (c *Conn) Write(piece []byte) error {
	if err := c.mayWrite(); err != nil {
		return err
	}
	out, framing, errno := c.core.FrameData(c.number, piece, c.output.bytes)
	return c.framed(out, framing, errno)
}

// End ends the request. After the connection has left HTTP it ends what is sent, so that the server can see it.
//
// It returns ErrInvalid when some of the body is missing: then only Close is left. It returns ErrAnswering only in place of
// 100 (Continue): an answer that has begun does not stand in the way of the end.
func (c *Conn) End() error {
	if err := c.mayEnd(); err != nil {
		return err
	}
	out, framing, errno := c.core.FrameEnd(c.number, c.output.bytes)
	return c.framed(out, framing, errno)
}

// EndWithTrailers ends a request with a trailer section, which only a body in chunks can carry: for others the fields are
// checked and left out. It fails like End, and with ErrInvalid for a field that may not be a trailer.
func (c *Conn) EndWithTrailers(fields exchange.Fields) error {
	if err := c.mayEnd(); err != nil {
		return err
	}
	out, framing, errno := c.core.FrameTrailers(c.number, fields, c.output.bytes)
	return c.framed(out, framing, errno)
}

// Flush writes what is not written yet. What the server says meanwhile is left for Next.
func (c *Conn) Flush() error {
	c.flush()
	if c.untold() {
		return nil
	}
	return c.err
}

// mayWrite finds whether a piece can be taken now.
func (c *Conn) mayWrite() error {
	if c.err == nil && (!c.cycle.begun || c.cycle.sent) {
		return ErrState
	}
	if err := c.awaitContinue(); err != nil {
		return err
	}
	c.listen()
	if c.finalUntold() {
		return ErrAnswering
	}
	c.flush()
	switch {
	case c.untold() && (c.err != nil || len(c.output.bytes) > 0):
		return ErrAnswering
	case c.err != nil:
		return c.err
	}
	return c.output.lost
}

// mayEnd finds whether the end can be taken now.
func (c *Conn) mayEnd() error {
	if err := c.awaitContinue(); err != nil || c.untold() {
		return err
	}
	return c.err
}

// awaitContinue waits until the server asks for the body, or for so long as it may be waited for.
func (c *Conn) awaitContinue() error {
	x := &c.cycle
	if x.expecting && x.continueBy.IsZero() {
		x.continueBy = time.Now().Add(c.times.Continue)
	}
	for x.expecting && c.err == nil {
		switch {
		case c.untold():
			return ErrAnswering
		case c.input.state == http1.ReaderStateMore:
			c.parse(0)
		case len(c.output.bytes) > 0:
			c.flush()
		case !c.await(time.Until(x.continueBy)):
			x.expecting = false
		}
	}
	return nil
}

// framed takes what the core has framed, and writes it.
func (c *Conn) framed(out []byte, framing http1.Framing, errno http1.Errno) error {
	c.output.bytes = out
	if errno != http1.ErrnoSuccess {
		return c.refused(errno)
	}
	c.cycle.sent = framing.Finished != 0
	return c.Flush()
}

// refused is what the core has against a call.
func (c *Conn) refused(errno http1.Errno) error {
	switch errno {
	case http1.ErrnoState:
		return ErrState
	case http1.ErrnoTooBig:
		return ErrTooBig
	case http1.ErrnoClosed:
		if err := c.core.Err(); err != nil {
			c.fail(err)
		}
		c.fail(ErrClosed)
		return c.err
	}
	return ErrInvalid
}
