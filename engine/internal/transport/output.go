package transport

import (
	"errors"
	"os"
)

// highWater is how many bytes of output may wait, in bytes. Above it SendData takes nothing, and the peer is not read.
const highWater = 128 << 10

// output is the writing direction of a connection: bytes that wait to be written, heads and bodies in one piece, so that
// an answer, or several to pipelined requests, is one write.
type output struct {
	buffer *buffer
	// written is how many of the buffer's bytes were written.
	written int
	// direct is how much was written with pieces that were not copied, since the last flush, in bytes.
	direct int
}

// full reports whether the output has reached its high-water mark. What was written directly counts until the next flush, so
// that what a handler may send at a time does not depend on how much the operating system takes.
func (o *output) full() bool { return len(o.pending())+o.direct >= highWater }

// bytes is the buffer to append to.
func (o *output) bytes() []byte {
	if o.buffer == nil {
		o.buffer = newBuffer()
	}
	return o.buffer.bytes
}

// set takes the buffer back after appending.
func (o *output) set(bytes []byte) { o.buffer.bytes = bytes }

// pending is what is still to be written.
func (o *output) pending() []byte {
	if o.buffer == nil {
		return nil
	}
	return o.buffer.bytes[o.written:]
}

// release gives an empty buffer back.
func (o *output) release() {
	o.buffer.release()
	*o = output{}
}

// directSize is the least that is written from where it lies rather than copied to the output first, in bytes.
const directSize = 8 << 10

// put appends a piece of body to the output, and what goes behind it. A large piece is written behind the output at once, as
// far as the peer takes it, so that it is not copied.
func (c *conn) put(content, behind []byte) {
	if len(content) >= directSize {
		content = content[c.socket.tryWriteWith(c, content):]
	}
	c.output.set(append(append(c.output.bytes(), content...), behind...))
}

// wrote notes that so many bytes went out, those of the output first. It returns how many were not the output's.
func (o *output) wrote(n int) (beyond int) {
	o.direct += n
	waited := len(o.pending())
	if n < waited {
		o.written += n
		return 0
	}
	o.buffer.bytes, o.written = o.buffer.bytes[:0], 0
	return n - waited
}

// errPostponed says that the output of a connection was left until others were served, by whoever leads its loop.
var errPostponed = errors.New("postponed")

// postponedSize is how much output is left until others were served, at most, in bytes.
const postponedSize = 16 << 10

// postpone leaves the output until others were served that have something to do already. Their answers are written together
// then: that way the processor's caches hold what serves requests while requests are served, and what sends while answers are
// sent. It reports whether somebody goes on with the connection, which is not to be touched then.
func (c *conn) postpone() bool {
	waits := len(c.output.pending())
	if c.postponed || waits == 0 || waits > postponedSize || !c.lead.more() {
		c.postponed = false
		return false
	}
	c.doTask()
	c.park()
	held := c.lead
	c.lead, c.postponed = lead{}, true
	if held.postpone(c) {
		return true
	}
	c.postponed = false
	return false
}

// flush writes everything that waits. The peer must take some of it within the time for idle writing, again and again.
func (c *conn) flush() error {
	o := &c.output
	c.socket.tryWrite(c)
	for len(o.pending()) > 0 {
		deadline := c.after(c.limits.WriteIdle)
		c.deadline.Store(deadline)
		n, err := c.socket.write(c)
		c.deadline.Store(0)
		o.written += n
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = c.woken(deadline)
		}
		if err != nil {
			if errors.Is(err, errOverdue) {
				c.note(ReasonWriteIdle)
			}
			return err
		}
	}
	o.release()
	c.session.flushed()
	c.doTask()
	return nil
}
